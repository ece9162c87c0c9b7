//! Users and access keys: documents of the store, and what they are while the server runs.

use crate::documents::{self, DocumentError};
use crate::entropy::Entropy;
use bongsu_auth::seal::{MasterKey, SealError};
use bongsu_auth::secrets::SecretKey;
use bongsu_engine::{Document as Stored, DocumentChange, Expected};
use bongsu_node::Node;
use bongsu_policy::{Document, Kind, Limits, PolicyError};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

mod changes;

pub(crate) use changes::NewKey;

const USERS: &str = "users";
pub(crate) const ACCESS_KEYS: &str = "access-keys";

/// A user, as the store keeps it under `ACCOUNT/NAME`.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct UserDocument {
    id: String,
    created_s: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    policies: BTreeMap<String, String>,
}

/// An access key, as the store keeps it under its id.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct KeyDocument {
    account: String,
    /// `None`: the account's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    /// The secret in its envelope, in base64.
    secret: String,
    active: bool,
    created_s: u64,
}

/// A user of an account.
#[derive(Debug)]
pub(crate) struct User {
    /// Twelve digits.
    pub(crate) account: String,
    /// Unique within the account.
    pub(crate) name: String,
    /// `arn:aws:iam::ACCOUNT:user/NAME`.
    pub(crate) arn: String,
    /// Unique for ever: `AIDA` and 16 characters.
    pub(crate) id: String,
    /// When it was made, seconds since 1970.
    pub(crate) created_s: u64,
    /// For `aws:PrincipalTag/…`.
    pub(crate) tags: BTreeMap<String, String>,
    /// What it may do, by the policies' names: text and what was read from it.
    pub(crate) policies: BTreeMap<String, (String, Document)>,
    version: u64,
}

/// An access key.
#[derive(Debug)]
pub(crate) struct AccessKey {
    /// Public half.
    pub(crate) id: String,
    secret: SecretKey,
    /// Whose account.
    pub(crate) account: String,
    /// Which user's; `None`: the account's own, its root.
    pub(crate) user: Option<String>,
    /// Whether it can be used.
    pub(crate) active: bool,
    /// When it was made, seconds since 1970.
    pub(crate) created_s: u64,
    /// Another one after each change.
    pub(crate) version: u64,
}

impl AsRef<SecretKey> for AccessKey {
    fn as_ref(&self) -> &SecretKey {
        &self.secret
    }
}

/// Why the realm can't be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum RealmError {
    /// The store.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A secret can't be sealed or opened.
    #[error("the secret of access key {key}: {source}")]
    Seal {
        /// Which key.
        key: String,
        /// Why.
        source: SealError,
    },
    /// A policy is none.
    #[error("the policy {name}: {source}")]
    Policy {
        /// Its name.
        name: String,
        /// What is wrong where.
        source: PolicyError,
    },
    /// A name or id breaks the rules.
    #[error("{0}")]
    Invalid(String),
    /// There is one already.
    #[error("there is already a {0}")]
    Exists(String),
    /// There is none.
    #[error("there is no {0}")]
    Missing(String),
    /// Something has to go first.
    #[error("{0}")]
    InUse(String),
    /// Too many.
    #[error("{0}")]
    Limit(&'static str),
}

/// All users and keys at one time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Realm {
    /// By account and name.
    pub(crate) users: BTreeMap<(String, String), Arc<User>>,
    keys: HashMap<String, Arc<AccessKey>>,
}

impl Realm {
    /// The key of this id, if it may be used.
    pub(crate) fn usable_key(&self, id: &str) -> Option<Arc<AccessKey>> {
        self.keys.get(id).filter(|key| key.active).cloned()
    }

    /// A user.
    pub(crate) fn user(&self, account: &str, name: &str) -> Option<&Arc<User>> {
        self.users.get(&(account.to_owned(), name.to_owned()))
    }

    /// The users of an account whose names come after `marker`, in the order of their names.
    pub(crate) fn users_of(&self, account: &str, marker: &str) -> impl Iterator<Item = &Arc<User>> {
        let after = (Bound::Excluded((account.to_owned(), marker.to_owned())), Bound::Unbounded);
        self.users.range(after).map(|(_, user)| user).take_while(move |user| user.account == account)
    }

    /// A key of an account, also one that may not be used.
    pub(crate) fn key(&self, account: &str, id: &str) -> Option<&Arc<AccessKey>> {
        self.keys.get(id).filter(|key| key.account == account)
    }

    /// The keys of a user, or of the account itself, in the order in which they were made.
    pub(crate) fn keys_of(&self, account: &str, user: Option<&str>) -> Vec<&Arc<AccessKey>> {
        let is_theirs = |key: &&Arc<AccessKey>| key.account == account && key.user.as_deref() == user;
        let mut keys: Vec<_> = self.keys.values().filter(is_theirs).collect();
        keys.sort_by_key(|key| (key.created_s, key.version));
        keys
    }
}

/// The realm of a running server, which is the only one to change it.
pub(crate) struct Realms {
    node: Node,
    master: Arc<MasterKey>,
    current: RwLock<Arc<Realm>>,
    /// One change at a time.
    changing: tokio::sync::Mutex<()>,
}

impl Realms {
    /// Reads what the store has.
    ///
    /// # Errors
    /// [`RealmError`], a secret that another master key sealed among them.
    pub(crate) async fn open(node: Node, master: Arc<MasterKey>) -> Result<Self, RealmError> {
        let mut realm = Realm::default();
        for document in documents::all(&node, USERS).await? {
            let user = user_of(&document)?;
            realm.users.insert((user.account.clone(), user.name.clone()), Arc::new(user));
        }
        for document in documents::all(&node, ACCESS_KEYS).await? {
            let key = key_of(&document, &master)?;
            realm.keys.insert(key.id.clone(), Arc::new(key));
        }
        let (current, changing) = (RwLock::new(Arc::new(realm)), tokio::sync::Mutex::new(()));
        Ok(Self { node, master, current, changing })
    }

    /// As it is now.
    pub(crate) fn current(&self) -> Arc<Realm> {
        // Whoever writes only puts a finished realm in its place.
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, realm: Realm) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(realm);
    }
}

fn user_of(document: &Stored) -> Result<User, RealmError> {
    let content: UserDocument = documents::read(document)?;
    let Some((account, name)) = document.name.split_once('/') else {
        return Err(RealmError::Invalid(format!("{:?} is no user's name", document.name)));
    };
    user(account, name, content, document.version)
}

fn user(account: &str, name: &str, content: UserDocument, version: u64) -> Result<User, RealmError> {
    let read =
        |(name, text): (String, String)| match Document::parse(&text, Kind::Identity, &Limits::IDENTITY) {
            Ok(document) => Ok((name, (text, document))),
            Err(source) => Err(RealmError::Policy { name, source }),
        };
    let policies = content.policies.into_iter().map(read).collect::<Result<_, _>>()?;
    Ok(User {
        account: account.to_owned(),
        name: name.to_owned(),
        arn: format!("arn:aws:iam::{account}:user/{name}"),
        id: content.id,
        created_s: content.created_s,
        tags: content.tags,
        policies,
        version,
    })
}

impl User {
    /// The same user, allowed nothing by itself.
    pub(crate) fn without_policies(&self) -> Self {
        let (account, name, arn) = (self.account.clone(), self.name.clone(), self.arn.clone());
        let (id, tags, policies) = (self.id.clone(), self.tags.clone(), BTreeMap::new());
        Self { account, name, arn, id, created_s: self.created_s, tags, policies, version: self.version }
    }

    fn content(&self) -> UserDocument {
        let policies = self.policies.iter().map(|(name, (text, _))| (name.clone(), text.clone()));
        UserDocument {
            id: self.id.clone(),
            created_s: self.created_s,
            tags: self.tags.clone(),
            policies: policies.collect(),
        }
    }
}

fn key_of(document: &Stored, master: &MasterKey) -> Result<AccessKey, RealmError> {
    let content: KeyDocument = documents::read(document)?;
    let id = &document.name;
    Ok(AccessKey {
        id: id.clone(),
        secret: open_secret(id, &content.secret, master)?,
        account: content.account,
        user: content.user,
        active: content.active,
        created_s: content.created_s,
        version: document.version,
    })
}

/// What binds a secret to its key: it opens nowhere else.
fn secret_context(id: &str) -> Vec<u8> {
    format!("access key {id}").into_bytes()
}

fn open_secret(id: &str, sealed: &str, master: &MasterKey) -> Result<SecretKey, RealmError> {
    use base64::Engine as _;
    let seal = |source| RealmError::Seal { key: id.to_owned(), source };
    let envelope = base64::engine::general_purpose::STANDARD.decode(sealed);
    let envelope = envelope.map_err(|_| seal(SealError::Damaged))?;
    let secret = master.open(&secret_context(id), &envelope).map_err(seal)?;
    let secret = std::str::from_utf8(&secret).map_err(|_| seal(SealError::Damaged))?;
    SecretKey::new(secret).map_err(|_| seal(SealError::Damaged))
}

/// The same access key with its secret sealed by another master key; `None` where it is already.
///
/// # Errors
/// A secret that neither of the two sealed, or that is damaged.
pub(crate) fn resealed(
    document: &Stored,
    (from, to): (&MasterKey, &MasterKey),
    entropy: &Entropy,
) -> Result<Option<DocumentChange>, RealmError> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let seal = |source| RealmError::Seal { key: document.name.clone(), source };
    let mut content: KeyDocument = documents::read(document)?;
    let envelope = STANDARD.decode(&content.secret).map_err(|_| seal(SealError::Damaged))?;
    if MasterKey::needed_for(&envelope) == Some(to.id()) {
        return Ok(None);
    }
    let context = secret_context(&document.name);
    let secret = from.open(&context, &envelope).map_err(seal)?;
    content.secret = STANDARD.encode(to.seal(&context, &secret, entropy.bytes()).map_err(seal)?);
    Ok(Some(documents::put(
        ACCESS_KEYS,
        document.name.clone(),
        Expected::Version(document.version),
        &content,
    )))
}

#[cfg(test)]
mod tests;
