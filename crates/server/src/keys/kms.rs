//! The KMS keys and aliases of a running server, which is the only one to change them.

mod key;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use key::{Alias, KEYS, KeyContent, KeyState, KmsKey, Manager, Rotation, read_policy, resealed};
pub(crate) use state::{Change, DAY_MS};

use super::data::{DataKeys, Envelope, OpeningKey, SealingKey};
use super::names::{AliasName, KeyName, Reference};
use crate::clock;
use crate::documents::{self, DocumentError};
use crate::entropy::Entropy;
use bongsu_auth::seal::{MasterKey, SealError};
use bongsu_node::Node;
use state::State;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

/// Why keys can't be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The store.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A key can't be opened or sealed.
    #[error("{key}: {source}")]
    Seal {
        /// Which key.
        key: String,
        /// Why.
        source: SealError,
    },
    /// A document whose name is none of a key or an alias.
    #[error("the document {collection}/{name} has no name of a key or an alias")]
    Name {
        /// Its collection.
        collection: &'static str,
        /// Its name.
        name: String,
    },
    /// The thread that made the change was lost.
    #[error("a change of keys was broken off")]
    Lost,
}

/// Why a key can't be used, in AWS's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    /// There is no such key.
    #[error("Key '{0}' does not exist")]
    NoKey(String),
    /// There is no such alias.
    #[error("Alias {0} is not found.")]
    NoAlias(String),
    /// What was named is neither a key nor an alias.
    #[error("Invalid keyId '{0}'")]
    NoName(String),
    /// It is disabled.
    #[error("{0} is disabled.")]
    Disabled(String),
    /// It is to be deleted.
    #[error("{0} is pending deletion.")]
    PendingDeletion(String),
}

/// One for the whole server.
pub(crate) struct Keys {
    node: Node,
    master: Arc<MasterKey>,
    entropy: Entropy,
    state: RwLock<State>,
    /// One change at a time.
    changing: Arc<tokio::sync::Mutex<()>>,
    /// Counts changes: what was found out before one may be wrong after it.
    generation: AtomicU64,
    data: DataKeys,
}

/// The right to change keys.
pub(crate) struct Changing {
    _guard: OwnedMutexGuard<()>,
}

impl Keys {
    /// Reads what the store has.
    ///
    /// # Errors
    /// [`KeysError`], a key that another master key sealed among them.
    pub(crate) async fn open(node: Node, master: Arc<MasterKey>) -> Result<Arc<Self>, KeysError> {
        let mut state = State::default();
        for document in documents::all(&node, key::KEYS).await? {
            state.put_key(KmsKey::read(&document, &master)?);
        }
        for document in documents::all(&node, key::ALIASES).await? {
            let (name, alias) = Alias::read(&document)?;
            state.put_alias(name, alias);
        }
        Ok(Arc::new(Self {
            node,
            master,
            entropy: Entropy::new(),
            state: RwLock::new(state),
            changing: Arc::default(),
            generation: AtomicU64::new(0),
            data: DataKeys::default(),
        }))
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which change of keys was the last.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The key that something names, in whatever state.
    ///
    /// # Errors
    /// [`Unusable::NoKey`], [`Unusable::NoAlias`].
    pub(crate) fn find(&self, reference: &Reference) -> Result<Arc<KmsKey>, Unusable> {
        let state = self.state();
        match reference {
            Reference::Key(name) => state.key(name).cloned().ok_or_else(|| Unusable::NoKey(name.arn())),
            Reference::Alias(name) => {
                let found = state.alias(name).and_then(|alias| state.by_id(alias.content.key));
                found.cloned().ok_or_else(|| Unusable::NoAlias(name.arn()))
            }
        }
    }

    /// A key by its id alone.
    pub(crate) fn by_id(&self, id: Uuid) -> Option<Arc<KmsKey>> {
        self.state().by_id(id).cloned()
    }

    /// An account's keys in a region, by id.
    pub(crate) fn keys_of(&self, account: &str, region: &str) -> Vec<Arc<KmsKey>> {
        self.state().keys_of(account, region).cloned().collect()
    }

    /// An account's aliases in a region, by name.
    pub(crate) fn aliases_of(&self, account: &str, region: &str) -> Vec<(AliasName, Alias)> {
        self.state().aliases_of(account, region).map(|(name, alias)| (name.clone(), *alias)).collect()
    }

    /// An alias.
    pub(crate) fn alias(&self, name: &AliasName) -> Option<Alias> {
        self.state().alias(name).copied()
    }

    /// All keys of which something is due by then.
    pub(super) fn due(&self, now_ms: u64) -> Vec<Arc<KmsKey>> {
        self.state().keys().filter(|key| is_due(key, now_ms)).cloned().collect()
    }

    /// Waits until nobody else changes keys.
    pub(crate) async fn lock(&self) -> Changing {
        Changing { _guard: Arc::clone(&self.changing).lock_owned().await }
    }

    /// A new key's name: nothing has its id yet.
    pub(crate) fn new_name(&self, account: &str, region: &str) -> KeyName {
        let id = Uuid::from_bytes(self.entropy.uuid());
        KeyName { account: account.to_owned(), region: region.to_owned(), id }
    }

    /// Gives a key a new backing key.
    ///
    /// # Errors
    /// None in practice.
    pub(crate) fn rotate(
        &self,
        name: &KeyName,
        content: &mut KeyContent,
        now_ms: u64,
        on_demand: bool,
    ) -> Result<(), KeysError> {
        let rotated = content.rotate(name, (&self.master, &self.entropy), now_ms, on_demand);
        rotated.map_err(|source| KeysError::Seal { key: name.arn(), source })
    }

    /// Makes changes true, all or none. Once they are begun they are finished, also where nobody waits any more: what is in the
    /// store and what is in memory don't part.
    ///
    /// # Errors
    /// [`KeysError`]; nothing is changed then.
    pub(crate) async fn make(
        self: &Arc<Self>,
        changing: Changing,
        changes: Vec<Change>,
    ) -> Result<(), KeysError> {
        let keys = Arc::clone(self);
        let task = tokio::spawn(async move {
            let _changing = changing;
            // Opened first: what can't be used must not be stored.
            let opened: Vec<_> =
                changes.into_iter().map(|change| change.open(&keys.master)).collect::<Result<_, _>>()?;
            let written = opened.iter().map(state::Opened::document).collect();
            let versions = documents::change(&keys.node, written).await?;
            keys.apply(opened, &versions);
            Ok::<(), KeysError>(())
        });
        task.await.map_err(|_| KeysError::Lost)?
    }

    fn apply(&self, changes: Vec<state::Opened>, versions: &[u64]) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let touched: Vec<Uuid> = changes.iter().filter_map(state::Opened::key_id).collect();
        for (change, version) in changes.into_iter().zip(versions) {
            state.apply(change, *version);
        }
        drop(state);
        // After the state, so that whoever sees the new generation sees the new state; before what is remembered is dropped, so
        // that whoever saw the old state remembers nothing any more.
        self.generation.fetch_add(1, Ordering::AcqRel);
        for id in touched {
            self.data.forget(id);
        }
    }

    /// The key that SQS uses where a queue names none, made when it is needed first.
    ///
    /// # Errors
    /// [`KeysError`].
    pub(crate) async fn of_sqs(
        self: &Arc<Self>,
        account: &str,
        region: &str,
    ) -> Result<Arc<KmsKey>, KeysError> {
        let alias = Reference::Alias(AliasName::sqs(account, region));
        if let Ok(key) = self.find(&alias) {
            return Ok(key);
        }
        let changing = self.lock().await;
        if let Ok(key) = self.find(&alias) {
            return Ok(key);
        }
        let (now_ms, name) = (clock::wall_ms(), self.new_name(account, region));
        let mut content = KeyContent::new(Manager::Aws, now_ms);
        content.description =
            "Default key that protects my SQS messages when no other key is defined".to_owned();
        self.rotate(&name, &mut content, now_ms, false)?;
        content.rotation = Some(Rotation::yearly(now_ms));
        let id = name.id;
        let changes = vec![
            Change::NewKey(name, content),
            Change::Alias(AliasName::sqs(account, region), Alias::new(id, now_ms)),
        ];
        self.make(changing, changes).await?;
        tracing::info!(account, region, "made the key that messages are sealed with by default");
        self.by_id(id).ok_or(KeysError::Lost)
    }

    /// The data key that new messages are sealed with under a usable key.
    ///
    /// # Errors
    /// [`Unusable`] in the outer result; the inner never fails in practice.
    pub(super) fn sealing_key(
        &self,
        reference: &Reference,
        reuse_ms: u64,
        now_ms: u64,
    ) -> Result<Result<Arc<SealingKey>, SealError>, Unusable> {
        let generation = self.generation();
        let kms = self.find(reference)?;
        check_usable(&kms)?;
        let is_current = || self.generation() == generation;
        Ok(self.data.sealing(&kms, reuse_ms, now_ms, &self.entropy, is_current))
    }

    /// The data key of an envelope, for a queue of this account and region.
    ///
    /// # Errors
    /// [`Unusable`] in the outer result; in the inner, what is wrong with the envelope.
    pub(super) fn opening_key(
        &self,
        envelope: &[u8],
        account: &str,
        region: &str,
    ) -> Result<Result<Arc<OpeningKey>, SealError>, Unusable> {
        let generation = self.generation();
        if let Some(key) = self.data.opening(envelope) {
            return Ok(Ok(key));
        }
        let Some(parts) = Envelope::read(envelope) else { return Ok(Err(SealError::Damaged)) };
        let Some(kms) = self.by_id(parts.kms) else {
            // Where it was is not known any more; most likely here.
            let (account, region) = (account.to_owned(), region.to_owned());
            return Err(Unusable::NoKey(KeyName { account, region, id: parts.kms }.arn()));
        };
        check_usable(&kms)?;
        let opened = OpeningKey::unwrap(&kms, envelope).map(Arc::new);
        if let Ok(key) = &opened {
            let is_current = || self.generation() == generation;
            self.data.remember(envelope, Arc::clone(key), is_current);
        }
        Ok(opened)
    }
}

/// Refuses a key that nothing can be done with now.
///
/// # Errors
/// [`Unusable::Disabled`], [`Unusable::PendingDeletion`].
pub(crate) fn check_usable(key: &KmsKey) -> Result<(), Unusable> {
    match key.content.state {
        KeyState::Enabled => Ok(()),
        KeyState::Disabled => Err(Unusable::Disabled(key.name.arn())),
        KeyState::PendingDeletion { .. } => Err(Unusable::PendingDeletion(key.name.arn())),
    }
}

fn is_due(key: &KmsKey, now_ms: u64) -> bool {
    match (key.content.state, key.content.rotation) {
        (KeyState::PendingDeletion { due_ms }, _) => due_ms <= now_ms,
        (KeyState::Enabled, Some(rotation)) => rotation.next_ms <= now_ms,
        _ => false,
    }
}
