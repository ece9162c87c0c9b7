//! The store's documents: what the edge keeps beside queues, as JSON.

use bongsu_engine::{Command, Document, DocumentChange, EngineError, Expected, Reply};
use bongsu_node::{CallError, Node};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// One page of documents.
const PAGE: usize = 1_000;

/// Why documents can't be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Somebody else changed them since they were read.
    #[error("something else changed it meanwhile; try again")]
    Conflict,
    /// The store does not answer, or refuses.
    #[error(transparent)]
    Call(CallError),
    /// A later version of the program wrote it, or it is not what it should be.
    #[error("the document {collection}/{name} can't be read: {reason}")]
    Form {
        /// Its collection.
        collection: String,
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// The node answered something else.
    #[error("the engine's reply doesn't belong to the command")]
    Reply,
}

impl From<CallError> for DocumentError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Engine(EngineError::DocumentConflict { .. }) => Self::Conflict,
            other => Self::Call(other),
        }
    }
}

/// All documents of a collection, in the order of their names.
///
/// # Errors
/// What the node says.
pub(crate) async fn all(node: &Node, collection: &str) -> Result<Vec<Arc<Document>>, DocumentError> {
    let mut found: Vec<Arc<Document>> = Vec::new();
    loop {
        let after = found.last().map(|last| (last.collection.clone(), last.name.clone()));
        let collection = Some(collection.to_owned());
        match node.call(Command::ListDocuments { collection, after, limit: PAGE }).await? {
            Reply::Documents { documents, more, .. } => {
                found.extend(documents);
                if !more {
                    return Ok(found);
                }
            }
            _ => return Err(DocumentError::Reply),
        }
    }
}

/// Makes changes true: all or none. Answers with the version of each.
///
/// # Errors
/// [`DocumentError::Conflict`] where one is not as expected.
pub(crate) async fn change(node: &Node, changes: Vec<DocumentChange>) -> Result<Vec<u64>, DocumentError> {
    match node.call(Command::ChangeDocuments { changes }).await? {
        Reply::DocumentsChanged { versions } => Ok(versions),
        _ => Err(DocumentError::Reply),
    }
}

/// Reads a document's content.
///
/// # Errors
/// [`DocumentError::Form`].
pub(crate) fn read<T: DeserializeOwned>(document: &Document) -> Result<T, DocumentError> {
    serde_json::from_slice(&document.body).map_err(|error| DocumentError::Form {
        collection: document.collection.clone(),
        name: document.name.clone(),
        reason: error.to_string(),
    })
}

/// A change that writes this content.
#[expect(
    clippy::expect_used,
    reason = "what is written has string keys only, and writing to memory can't fail"
)]
pub(crate) fn put(
    collection: &str,
    name: impl Into<String>,
    expected: Expected,
    content: &impl Serialize,
) -> DocumentChange {
    let body = serde_json::to_vec(content).expect("a document has a JSON form");
    DocumentChange { collection: collection.to_owned(), name: name.into(), expected, body: Some(body.into()) }
}

/// A change that removes a document.
pub(crate) fn remove(collection: &str, name: impl Into<String>, expected: Expected) -> DocumentChange {
    DocumentChange { collection: collection.to_owned(), name: name.into(), expected, body: None }
}
