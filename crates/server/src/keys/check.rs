//! That the master key is the one that this store was sealed with, and how another one takes its place.
//!
//! The store has a document with a known text, sealed with its master key. It is looked at before anything is read or written that is
//! sealed: with another key the server does not start, and nothing is changed. Replacing the key seals everything again that it sealed. Where that
//! is more than fits into one change, the document names both keys until all is done, and both are needed.

use super::kms::{self, KeysError};
use super::master::{MasterKeyError, MasterKeySource};
use crate::access::realm::{self, RealmError};
use crate::documents::{self, DocumentError};
use crate::entropy::Entropy;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bongsu_auth::seal::{MasterKey, NONCE_BYTES, SealError};
use bongsu_engine::{Document, DocumentChange, Expected};
use bongsu_node::{CallError, Node};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const COLLECTION: &str = "store-keys";
const NAME: &str = "check";
const CONTEXT: &[u8] = b"check of the master key";
const TEXT: &[u8] = b"sealed with the store's master key";
/// A command changes at most so many documents,
const MAX_CHANGES: usize = bongsu_engine::MAX_DOCUMENT_CHANGES;
/// of at most so many bytes.
const MAX_CHANGES_BYTES: u64 = bongsu_engine::MAX_DOCUMENT_CHANGES_BYTES as u64;

/// What the store says of its master key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct CheckContent {
    #[serde(flatten)]
    now: Mark,
    /// The key that is about to take its place: some things are sealed with it already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<Mark>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// The master key's id.
    key: String,
    /// The known text in its envelope, in base64.
    sealed: String,
}

impl Mark {
    fn of(master: &MasterKey, entropy: &Entropy) -> Result<Self, SealError> {
        let sealed = master.seal(CONTEXT, TEXT, entropy.bytes::<NONCE_BYTES>())?;
        Ok(Self { key: master.id().to_string(), sealed: STANDARD.encode(sealed) })
    }

    /// Whether this is the mark of that key. Ids are short: what it sealed decides.
    fn is_of(&self, master: &MasterKey) -> Result<bool, SealError> {
        let envelope = STANDARD.decode(&self.sealed).map_err(|_| SealError::Damaged)?;
        match master.open(CONTEXT, &envelope) {
            Ok(text) => Ok(text.as_slice() == TEXT),
            Err(SealError::OtherKey { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Where the master key comes from, and the one before it where that is to be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    /// The master key.
    pub master: MasterKeySource,
    /// A file with the one before.
    pub previous: Option<PathBuf>,
}

/// Why a store stays shut.
#[derive(Debug, thiserror::Error)]
pub enum UnlockError {
    /// There is no master key to be had.
    #[error(transparent)]
    Master(#[from] MasterKeyError),
    /// The file that the store made for its own key is gone.
    #[error(
        "this store is sealed with the master key {needs}, but its file {path} is missing. Bring it back: without it nothing that is sealed can be read. Nothing was changed"
    )]
    Lost {
        /// Where it should be.
        path: PathBuf,
        /// The key's id.
        needs: String,
    },
    /// It is another store's key.
    #[error(
        "this store is sealed with the master key {needs}, but the one given is {has}. Nothing was changed"
    )]
    OtherKey {
        /// The store's.
        needs: String,
        /// The one given.
        has: String,
    },
    /// The key to be replaced is not the store's.
    #[error(
        "this store is sealed with the master key {needs}; of those given, the new one is {has} and the previous one {previous}. Nothing was changed"
    )]
    OtherPrevious {
        /// The store's.
        needs: String,
        /// The new one.
        has: String,
        /// The one given as the store's.
        previous: String,
    },
    /// It was broken off while it replaced its key.
    #[error(
        "replacing this store's master key {from} by {to} was broken off: start it with both, {to} as the master key and {from} as the previous one"
    )]
    Unfinished {
        /// The key that was to go.
        from: String,
        /// The key that was to come.
        to: String,
    },
    /// The store can't be read or written.
    #[error("can't check the master key: {0}")]
    Document(#[from] DocumentError),
    /// A user's access key can't be opened or sealed again.
    #[error("the master key does not fit: {0}")]
    Realm(#[from] RealmError),
    /// A KMS key can't be opened or sealed again.
    #[error("the master key does not fit: {0}")]
    Keys(#[from] KeysError),
    /// The known text can't be opened or sealed.
    #[error("can't check the master key: {0}")]
    Seal(#[from] SealError),
    /// The thread that gets the key was lost.
    #[error("getting the master key was broken off")]
    Broken,
}

/// Gets the master key and makes sure that it is this store's; replaces the previous one where one is given. A new store takes the key that it is
/// given.
///
/// # Errors
/// [`UnlockError`].
pub async fn unlock(node: &Node, sources: &Sources) -> Result<MasterKey, UnlockError> {
    let entropy = Entropy::new();
    let found = documents::all(node, COLLECTION).await?;
    let Some(document) = found.iter().find(|document| document.name == NAME) else {
        return first(node, &sources.master, &entropy).await;
    };
    let content: CheckContent = documents::read(document)?;
    let version = Expected::Version(document.version);
    let Some(previous) = &sources.previous else {
        let master = own(&sources.master, &content, false).await?;
        if let Some(next) = content.next {
            return Err(UnlockError::Unfinished { from: content.now.key, to: next.key });
        }
        if !content.now.is_of(&master)? {
            return Err(UnlockError::OtherKey { needs: content.now.key, has: master.id().to_string() });
        }
        return Ok(master);
    };
    let previous = load(&MasterKeySource::File(previous.clone()), false).await?;
    let is_due = content.now.is_of(&previous)?;
    let master = own(&sources.master, &content, is_due).await?;
    match &content.next {
        None if content.now.is_of(&master)? => {
            tracing::warn!(key = %master.id(), "this is the store's master key already; the previous one is not needed");
            return Ok(master);
        }
        Some(next) if !(is_due && next.is_of(&master)?) => {
            return Err(UnlockError::Unfinished { from: content.now.key, to: next.key.clone() });
        }
        _ if !is_due => {
            let (has, previous) = (master.id().to_string(), previous.id().to_string());
            return Err(UnlockError::OtherPrevious { needs: content.now.key, has, previous });
        }
        _ => {}
    }
    replace(node, (&previous, &master), (content, version), &entropy).await?;
    tracing::info!(from = %previous.id(), to = %master.id(), "replaced the store's master key");
    Ok(master)
}

/// The key of a store that does not say which it has: a new one, or one from before there was anything to seal.
async fn first(node: &Node, source: &MasterKeySource, entropy: &Entropy) -> Result<MasterKey, UnlockError> {
    // Only where the disk was full could something be sealed without a check: then it has to open with this key.
    let sealed = Sealed::of(node).await?;
    let master = load(source, sealed.is_empty()).await?;
    sealed.again((&master, &master), entropy)?;
    let content = CheckContent { now: Mark::of(&master, entropy)?, next: None };
    match documents::change(node, vec![put(Expected::Absent, &content)]).await {
        // A key that nobody keeps is nothing to note down.
        Ok(_) if *source == MasterKeySource::Ephemeral => {}
        Ok(_) => {
            tracing::info!(key = %master.id(), "what is stored is sealed with this master key from now on")
        }
        // The disk is full: nothing can be sent, but what is there can be received and deleted.
        Err(DocumentError::Call(CallError::Unavailable(reason))) => {
            tracing::warn!(reason, "can't note which master key this store has; the next start tries again");
        }
        Err(error) => return Err(error.into()),
    }
    Ok(master)
}

/// All that the master key has sealed, but for the check.
struct Sealed {
    access_keys: Vec<Arc<Document>>,
    kms_keys: Vec<Arc<Document>>,
}

impl Sealed {
    async fn of(node: &Node) -> Result<Self, DocumentError> {
        let access_keys = documents::all(node, realm::ACCESS_KEYS).await?;
        Ok(Self { access_keys, kms_keys: documents::all(node, kms::KEYS).await? })
    }

    fn is_empty(&self) -> bool {
        self.access_keys.is_empty() && self.kms_keys.is_empty()
    }

    /// The changes that seal with `to` what it has not sealed yet.
    fn again(
        &self,
        (from, to): (&MasterKey, &MasterKey),
        entropy: &Entropy,
    ) -> Result<Vec<DocumentChange>, UnlockError> {
        let mut changes = Vec::new();
        for document in &self.access_keys {
            changes.extend(realm::resealed(document, (from, to), entropy)?);
        }
        for document in &self.kms_keys {
            changes.extend(kms::resealed(document, (from, to), entropy)?);
        }
        Ok(changes)
    }
}

/// The key of a store that has one: its own file is made only where the key is to be replaced.
async fn own(
    source: &MasterKeySource,
    content: &CheckContent,
    may_make: bool,
) -> Result<MasterKey, UnlockError> {
    if let MasterKeySource::OwnFile(path) = source
        && !may_make
        && !Path::exists(path)
    {
        return Err(UnlockError::Lost { path: path.clone(), needs: content.now.key.clone() });
    }
    load(source, may_make).await
}

/// Files and commands may take their time.
async fn load(source: &MasterKeySource, may_make: bool) -> Result<MasterKey, UnlockError> {
    let source = match source {
        MasterKeySource::OwnFile(path) if !may_make => MasterKeySource::File(path.clone()),
        other => other.clone(),
    };
    let loaded = tokio::task::spawn_blocking(move || source.load(&Entropy::new())).await;
    Ok(loaded.map_err(|_| UnlockError::Broken)??)
}

fn put(expected: Expected, content: &CheckContent) -> DocumentChange {
    documents::put(COLLECTION, NAME, expected, content)
}

/// Seals everything again that `from` sealed. In one change where it fits; otherwise step by step, each of which leaves a store that the two
/// keys open together.
async fn replace(
    node: &Node,
    (from, to): (&MasterKey, &MasterKey),
    (content, mut version): (CheckContent, Expected),
    entropy: &Entropy,
) -> Result<(), UnlockError> {
    let next = Mark::of(to, entropy)?;
    let done = CheckContent { now: next.clone(), next: None };
    let changes = Sealed::of(node).await?.again((from, to), entropy)?;
    let mut steps = steps(changes);
    if content.next.is_none() && steps.len() > 1 {
        let both = CheckContent { now: content.now, next: Some(next) };
        version = versioned(&documents::change(node, vec![put(version, &both)]).await?);
    }
    let mut last = steps.pop().unwrap_or_default();
    for step in steps {
        documents::change(node, step).await?;
    }
    last.push(put(version, &done));
    documents::change(node, last).await?;
    Ok(())
}

fn versioned(versions: &[u64]) -> Expected {
    versions.last().map_or(Expected::Any, |version| Expected::Version(*version))
}

/// Changes in portions that one command takes each, with room for the check beside them.
fn steps(changes: Vec<DocumentChange>) -> Vec<Vec<DocumentChange>> {
    /// More than a check has.
    const CHECK_BYTES: u64 = 4096;
    let mut steps: Vec<Vec<DocumentChange>> = Vec::new();
    let mut bytes = 0;
    for change in changes {
        let size_bytes = change.size_bytes();
        match steps.last_mut() {
            Some(step)
                if step.len() < MAX_CHANGES - 1 && bytes + size_bytes + CHECK_BYTES <= MAX_CHANGES_BYTES =>
            {
                bytes += size_bytes;
                step.push(change);
            }
            _ => {
                bytes = size_bytes;
                steps.push(vec![change]);
            }
        }
    }
    steps
}

#[cfg(test)]
mod tests;
