//! The registry: documents that the edge understands and the engine does not. What they are for (users, keys, policies…)
//! is the affair of whoever names the collections.

mod documents;

use crate::record::ReplayError;
use documents::Documents;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;

/// The longest name of a collection.
pub const MAX_COLLECTION_BYTES: usize = 32;
/// The longest name of a document.
pub const MAX_DOCUMENT_NAME_BYTES: usize = 256;
/// The longest body of a document.
pub const MAX_DOCUMENT_BODY_BYTES: usize = 65_536;
/// So many documents one command changes at most,
pub const MAX_DOCUMENT_CHANGES: usize = 100;
/// with so many bytes of names and bodies: all of a command lies in one entry of the journal.
pub const MAX_DOCUMENT_CHANGES_BYTES: usize = 2 << 20;
/// So many documents a store has at most,
pub const MAX_DOCUMENTS: usize = 100_000;
/// with so many bytes of names and bodies.
pub const MAX_DOCUMENTS_BYTES: u64 = 64 << 20;
/// So many documents one list has at most,
pub const MAX_DOCUMENTS_LISTED: usize = 1_000;
/// with so many bytes of names and bodies.
pub const MAX_DOCUMENTS_LISTED_BYTES: u64 = 4 << 20;

/// Something that is kept under a name, and that the engine never looks into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// What it is one of: 1–32 of `a-z`, `0-9`, `-`.
    pub collection: String,
    /// Which of them: 1–256 bytes without control characters.
    pub name: String,
    /// The change that made it what it is. The registry counts its changes: no version is ever used twice, not even after the
    /// document was removed and made again.
    pub version: u64,
    /// Its content, at most 65,536 bytes.
    #[serde(with = "body")]
    pub body: Arc<[u8]>,
}

/// What one document is to become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentChange {
    /// See [`Document::collection`].
    pub collection: String,
    /// See [`Document::name`].
    pub name: String,
    /// What is taken for granted; where it is not so, nothing of the command is done.
    pub expected: Expected,
    /// The new content; `None` removes the document (or, where there is none, changes nothing).
    pub body: Option<Arc<[u8]>>,
}

/// What a change takes for granted of its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Nothing.
    Any,
    /// That there is none.
    Absent,
    /// That it is there, in this version.
    Version(u64),
}

/// A change as a record has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentWrite {
    /// See [`Document::collection`].
    pub collection: String,
    /// See [`Document::name`].
    pub name: String,
    /// The content; `None`: the document is gone.
    #[serde(with = "optional_body")]
    pub body: Option<Arc<[u8]>>,
}

/// How many documents there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DocumentsSize {
    /// Their number.
    pub documents: usize,
    /// Bytes of their names and bodies.
    pub bytes: u64,
}

impl Document {
    /// By what documents are ordered.
    pub fn key(&self) -> (&str, &str) {
        (&self.collection, &self.name)
    }

    /// Bytes of its names and its body, as limits count them.
    pub fn size_bytes(&self) -> u64 {
        size_bytes(&self.collection, &self.name, &self.body)
    }
}

impl DocumentChange {
    /// Bytes of its names and its body, as limits count them.
    pub fn size_bytes(&self) -> u64 {
        size_bytes(&self.collection, &self.name, self.body.as_deref().unwrap_or_default())
    }
}

impl Expected {
    /// Whether it is so.
    pub(crate) fn fits(self, found: Option<&Document>) -> bool {
        match self {
            Self::Any => true,
            Self::Absent => found.is_none(),
            Self::Version(version) => found.is_some_and(|document| document.version == version),
        }
    }
}

fn size_bytes(collection: &str, name: &str, body: &[u8]) -> u64 {
    (collection.len() + name.len() + body.len()) as u64
}

/// All documents of a store.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Registry {
    /// How many changes there ever were.
    version: u64,
    documents: Documents,
}

impl Registry {
    /// The version of the last change; 0 before the first.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn size(&self) -> DocumentsSize {
        self.documents.size()
    }

    pub(crate) fn get(&self, collection: &str, name: &str) -> Option<&Document> {
        self.documents.get((collection, name))
    }

    /// Makes changes true, of which the first has the version `first_version`.
    pub(crate) fn apply(&mut self, first_version: u64, changes: &[DocumentWrite]) -> Result<(), ReplayError> {
        let misfit = |why| ReplayError::RegistryMisfit { why };
        let last = self.version.checked_add(changes.len() as u64);
        let last = last.ok_or_else(|| misfit("no versions are left"))?;
        if first_version != self.version + 1 {
            return Err(misfit("a change of documents is missing, or comes twice"));
        }
        for (version, change) in (first_version..).zip(changes) {
            let DocumentWrite { collection, name, body } = change.clone();
            match body {
                Some(body) => self.documents.put(Document { collection, name, version, body }),
                None => self.documents.remove((&collection, &name)),
            }
        }
        self.version = last;
        Ok(())
    }

    /// Documents in order, of one collection or of all, that come after a name; and whether there are more than a page takes.
    pub(crate) fn page(
        &self,
        collection: Option<&str>,
        after: Option<(&str, &str)>,
        limit: usize,
    ) -> (Vec<Arc<Document>>, bool) {
        // No document has an empty name: what comes after that is the whole collection.
        let start = after.max(collection.map(|collection| (collection, ""))).unwrap_or_default();
        let (mut page, mut left_bytes) = (Vec::new(), MAX_DOCUMENTS_LISTED_BYTES);
        for document in self.documents.after(start) {
            if collection.is_some_and(|collection| document.collection != collection) {
                break;
            }
            let bytes = document.size_bytes();
            if page.len() >= limit.min(MAX_DOCUMENTS_LISTED) || bytes > left_bytes {
                return (page, true);
            }
            left_bytes -= bytes;
            page.push(document.clone());
        }
        (page, false)
    }

    /// Reads a snapshot.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, ReplayError> {
        let registry: Self =
            postcard::from_bytes(bytes).map_err(|error| ReplayError::Malformed(error.to_string()))?;
        let known = |document: &Arc<Document>| (1..=registry.version).contains(&document.version);
        if registry.documents.after(("", "")).all(known) {
            return Ok(registry);
        }
        let version = registry.version;
        Err(ReplayError::Malformed(format!(
            "a document is later than the registry's version {version}, or of none"
        )))
    }
}

/// Bytes to postcard at once, where it would take them one by one.
struct Blob<'a>(&'a [u8]);

impl Serialize for Blob<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

mod body {
    use super::{Arc, Blob, Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(body: &Arc<[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
        Blob(body).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<[u8]>, D::Error> {
        <&[u8]>::deserialize(deserializer).map(Arc::from)
    }
}

mod optional_body {
    use super::{Arc, Blob, Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        body: &Option<Arc<[u8]>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        body.as_deref().map(Blob).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<[u8]>>, D::Error> {
        Option::<&[u8]>::deserialize(deserializer).map(|body| body.map(Arc::from))
    }
}
