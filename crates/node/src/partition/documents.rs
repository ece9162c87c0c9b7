//! What documents take in the next checkpoint.

use super::{Partition, Token};
use bongsu_engine::{DocumentChange, DocumentsSize, EntityId};

/// What a document takes beside its names and its body, at most: lengths, and its version.
const BESIDE_BYTES: usize = 24;

/// Whether a command makes or replaces documents.
pub(super) fn adds(changes: &[DocumentChange]) -> bool {
    changes.iter().any(|change| change.body.is_some())
}

impl<T: Token> Partition<T> {
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
