//! What documents take: in an entry of the journal, and in the next checkpoint.

use super::{Partition, Token};
use crate::error::CallError;
use bongsu_engine::{DocumentChange, DocumentsSize, EngineError, EntityId};

/// What a document takes beside its names and its body, at most: lengths, and its version.
const BESIDE_BYTES: usize = 24;

/// Whether a command makes or replaces documents.
pub(super) fn adds(changes: &[DocumentChange]) -> bool {
    changes.iter().any(|change| change.body.is_some())
}

/// What the record of these changes takes of an entry.
pub(super) fn record_bytes(changes: &[DocumentChange]) -> usize {
    changes.iter().map(|change| change.size_bytes() as usize + BESIDE_BYTES).sum()
}

impl<T: Token> Partition<T> {
    /// All changes of a command lie in one entry.
    pub(super) fn refuse_documents(&self, changes: &[DocumentChange]) -> Result<(), CallError> {
        if record_bytes(changes) + self.steps.records_bytes > self.limits.max_payload_bytes as usize {
            return Err(CallError::Engine(EngineError::DocumentLimit(
                "the changes of a command are larger than the journal's entries",
            )));
        }
        Ok(())
    }

    /// What documents take in the checkpoint in force.
    pub(super) fn documents_bytes_of_checkpoint(&self) -> u64 {
        let snapshot = self.checkpoints.manifest.entities.get(&EntityId::Registry);
        let parts = snapshot.iter().flat_map(|snapshot| &snapshot.parts);
        parts.map(|part| u64::from(part.at.len)).sum()
    }

    /// What documents take in the next checkpoint, whether they changed or not: a snapshot that stays good may have to move with
    /// the segment that it lies in.
    pub(super) fn documents_bytes_ahead(&self) -> u64 {
        let DocumentsSize { documents, bytes } = self.engine.documents();
        bytes + (documents * BESIDE_BYTES) as u64
    }
}
