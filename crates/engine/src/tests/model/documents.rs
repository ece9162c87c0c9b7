//! Documents as a naive model keeps them: a map, and a counter.

use crate::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default)]
pub(in crate::tests) struct Documents {
    pub(in crate::tests) version: u64,
    pub(in crate::tests) all: BTreeMap<(String, String), (u64, Vec<u8>)>,
}

impl Documents {
    /// All or nothing; the versions that the changes get.
    pub(in crate::tests) fn change(&mut self, changes: &[DocumentChange]) -> Result<Vec<u64>, EngineError> {
        let key = |change: &DocumentChange| (change.collection.clone(), change.name.clone());
        for (number, change) in changes.iter().enumerate() {
            if changes[..number].iter().any(|other| key(other) == key(change)) {
                return Err(EngineError::InvalidDocument("a document is changed twice"));
            }
        }
        let mut next = self.clone();
        let mut versions = Vec::new();
        for change in changes {
            let present = self.all.get(&key(change)).map(|(version, _)| *version);
            let expected = match change.expected {
                Expected::Any => present,
                Expected::Absent => None,
                Expected::Version(version) => Some(version),
            };
            if present != expected {
                let (collection, name) = key(change);
                return Err(EngineError::DocumentConflict { collection, name });
            }
            next.version += 1;
            versions.push(next.version);
            match &change.body {
                Some(body) => _ = next.all.insert(key(change), (next.version, body.to_vec())),
                None => _ = next.all.remove(&key(change)),
            }
        }
        *self = next;
        Ok(versions)
    }

    /// Documents after a name.
    pub(in crate::tests) fn list(
        &self,
        collection: Option<&str>,
        after: Option<&(String, String)>,
    ) -> Vec<Document> {
        let documents = self.all.iter().map(|((collection, name), (version, body))| Document {
            collection: collection.clone(),
            name: name.clone(),
            version: *version,
            body: body.clone().into(),
        });
        documents
            .filter(|document| collection.is_none_or(|collection| document.collection == collection))
            .filter(|document| {
                after.is_none_or(|(collection, name)| document.key() > (collection.as_str(), name.as_str()))
            })
            .collect()
    }
}
