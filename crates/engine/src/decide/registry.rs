//! Documents: changing some of them at once, and listing them.

use super::Decision;
use crate::command::Reply;
use crate::error::EngineError;
use crate::record::Record;
use crate::registry::{
    DocumentChange, DocumentWrite, MAX_COLLECTION_BYTES, MAX_DOCUMENT_BODY_BYTES, MAX_DOCUMENT_CHANGES,
    MAX_DOCUMENT_CHANGES_BYTES, MAX_DOCUMENT_NAME_BYTES, MAX_DOCUMENTS, MAX_DOCUMENTS_BYTES,
};
use std::collections::BTreeSet;

impl Decision<'_> {
    pub(super) fn change_documents(&mut self, changes: Vec<DocumentChange>) -> Result<Reply, EngineError> {
        check_form(&changes)?;
        let registry = &self.engine.registry;
        let unexpected = changes
            .iter()
            .find(|change| !change.expected.fits(registry.get(&change.collection, &change.name)));
        if let Some(change) = unexpected {
            let (collection, name) = (change.collection.clone(), change.name.clone());
            return Err(EngineError::DocumentConflict { collection, name });
        }
        self.check_size_after(&changes)?;
        let first_version = self.engine.registry.version().saturating_add(1);
        if first_version.checked_add(changes.len() as u64).is_none() {
            return Err(EngineError::DocumentLimit("no versions are left"));
        }
        let versions: Vec<u64> = (first_version..).take(changes.len()).collect();
        if versions.is_empty() {
            return Ok(Reply::DocumentsChanged { versions });
        }
        let changes = changes.into_iter().map(|change| DocumentWrite {
            collection: change.collection,
            name: change.name,
            body: change.body,
        });
        let record = Record::DocumentsChanged { first_version, changes: changes.collect() };
        self.emit_documents(&record);
        Ok(Reply::DocumentsChanged { versions })
    }

    #[cfg(not(feature = "planted"))]
    fn emit_documents(&mut self, record: &Record) {
        self.emit(record, &[]);
    }

    /// As it is without planted faults: those strike when the record is read again.
    #[cfg(feature = "planted")]
    fn emit_documents(&mut self, record: &Record) {
        let fault = crate::planted::suspend();
        self.emit(record, &[]);
        crate::planted::plant(fault);
    }

    /// The limits of a store, as it would be with these changes.
    fn check_size_after(&self, changes: &[DocumentChange]) -> Result<(), EngineError> {
        let registry = &self.engine.registry;
        let mut size = registry.size();
        for change in changes {
            // Names are checked to be different: no change replaces another's document.
            if let Some(before) = registry.get(&change.collection, &change.name) {
                size.documents -= 1;
                size.bytes -= before.size_bytes();
            }
        }
        for change in changes.iter().filter(|change| change.body.is_some()) {
            size.documents += 1;
            size.bytes += change.size_bytes();
        }
        if size.documents > MAX_DOCUMENTS {
            return Err(EngineError::DocumentLimit("a store has at most 100,000 documents"));
        }
        if size.bytes > MAX_DOCUMENTS_BYTES {
            return Err(EngineError::DocumentLimit("the documents of a store have at most 64 MiB"));
        }
        Ok(())
    }

    pub(super) fn list_documents(
        &self,
        collection: Option<&str>,
        after: Option<&(String, String)>,
        limit: usize,
    ) -> Reply {
        let after = after.map(|(collection, name)| (collection.as_str(), name.as_str()));
        let registry = &self.engine.registry;
        let (documents, more) = registry.page(collection, after, limit);
        Reply::Documents { documents, more, version: registry.version() }
    }
}

/// What the changes alone decide.
fn check_form(changes: &[DocumentChange]) -> Result<(), EngineError> {
    if changes.len() > MAX_DOCUMENT_CHANGES {
        return Err(EngineError::DocumentLimit("a command changes at most 100 documents"));
    }
    let mut names = BTreeSet::new();
    for change in changes {
        if !is_collection(&change.collection) {
            return Err(EngineError::InvalidDocument("a collection's name is 1 to 32 of a-z, 0-9 and -"));
        }
        if !is_name(&change.name) {
            return Err(EngineError::InvalidDocument(
                "a document's name is 1 to 256 bytes without control characters",
            ));
        }
        if change.body.as_ref().is_some_and(|body| body.len() > MAX_DOCUMENT_BODY_BYTES) {
            return Err(EngineError::DocumentLimit("a document has at most 65,536 bytes"));
        }
        if !names.insert((&change.collection, &change.name)) {
            return Err(EngineError::InvalidDocument("a document is changed twice"));
        }
    }
    let bytes: u64 = changes.iter().map(DocumentChange::size_bytes).sum();
    if bytes > MAX_DOCUMENT_CHANGES_BYTES as u64 {
        return Err(EngineError::DocumentLimit("a command changes at most 2 MiB of documents"));
    }
    Ok(())
}

fn is_collection(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MAX_COLLECTION_BYTES).contains(&name.len()) && name.bytes().all(allowed)
}

fn is_name(name: &str) -> bool {
    (1..=MAX_DOCUMENT_NAME_BYTES).contains(&name.len()) && !name.contains(char::is_control)
}
