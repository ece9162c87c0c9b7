//! Clients that keep documents: they remember versions as they saw them, so that changes mostly fit, and sometimes come too late.

use crate::auditor::FULL_DISK;
use crate::random::Dice;
use bongsu_engine::{Command, DocumentChange, Expected, Reply};
use bongsu_node::CallError;
use std::collections::BTreeMap;
use std::sync::Arc;

const COLLECTIONS: [&str; 3] = ["keys", "policies", "users"];
/// Documents that there may be in each.
const NAMES: u64 = 8;
/// So many changes wait for their answers at most: each that never gets one doubles what there may be.
const MOST_OPEN: usize = 5;
/// One more than a document may have.
const TOO_LARGE_BYTES: usize = 65_537;

/// What these clients know.
#[derive(Debug, Default)]
pub(super) struct Documents {
    versions: BTreeMap<(String, String), u64>,
    open: usize,
    last_body: u64,
}

impl Documents {
    /// A change of some documents, or a look at them.
    pub(super) fn change(&mut self, dice: &mut Dice) -> Command {
        if self.open >= MOST_OPEN {
            return self.list(dice);
        }
        let count = dice.pick(&[1, 1, 1, 2, 3, 8]);
        let mut changes: Vec<DocumentChange> = Vec::new();
        for _ in 0..count {
            let change = self.change_of_one(dice);
            let is_new = changes
                .iter()
                .all(|other| (&other.collection, &other.name) != (&change.collection, &change.name));
            // Now and then somebody changes a document twice at once, which is refused.
            if is_new || dice.permille(20) {
                changes.push(change);
            }
        }
        self.open += 1;
        Command::ChangeDocuments { changes }
    }

    fn change_of_one(&mut self, dice: &mut Dice) -> DocumentChange {
        let (mut collection, name) = document(dice);
        let known = self.versions.get(&(collection.clone(), name.clone())).copied();
        let expected = match (dice.below(10), known) {
            (0..3, _) => Expected::Any,
            (3, _) => Expected::Absent,
            (4, Some(version)) => Expected::Version(version.saturating_sub(1)),
            (_, Some(version)) => Expected::Version(version),
            (_, None) => Expected::Absent,
        };
        let mut bytes = dice.pick(&[0, 5, 60, 200, 200, 900, 3_000]);
        match dice.below(150) {
            0 => collection = "No Such".to_owned(),
            1 => bytes = TOO_LARGE_BYTES,
            _ => {}
        }
        let body = dice.permille(650).then(|| self.body(bytes));
        DocumentChange { collection, name, expected, body }
    }

    /// No two bodies are the same, as far as so many bytes can differ.
    fn body(&mut self, bytes: usize) -> Arc<[u8]> {
        self.last_body += 1;
        self.last_body.to_le_bytes().into_iter().cycle().take(bytes).collect()
    }

    pub(super) fn list(&mut self, dice: &mut Dice) -> Command {
        let collection = dice.permille(500).then(|| document(dice).0);
        let after = dice.permille(400).then(|| document(dice));
        Command::ListDocuments { collection, after, limit: dice.pick(&[0, 1, 3, 10, 1_000]) }
    }

    /// What a client learns from an answer.
    pub(super) fn learn(&mut self, command: &Command, result: &Result<Reply, CallError>) {
        if matches!(command, Command::ChangeDocuments { .. }) && is_certain(result) {
            self.open = self.open.saturating_sub(1);
        }
        match (command, result) {
            (Command::ChangeDocuments { changes }, Ok(Reply::DocumentsChanged { versions })) => {
                for (change, version) in changes.iter().zip(versions) {
                    let key = (change.collection.clone(), change.name.clone());
                    match change.body {
                        Some(_) => _ = self.versions.insert(key, *version),
                        None => _ = self.versions.remove(&key),
                    }
                }
            }
            (_, Ok(Reply::Documents { documents, .. })) => {
                for document in documents {
                    let key = (document.collection.clone(), document.name.clone());
                    self.versions.insert(key, document.version);
                }
            }
            _ => {}
        }
    }

    /// The process ended: nobody waits for it any more.
    pub(super) fn forget_open(&mut self) {
        self.open = 0;
    }
}

/// Whether it is known what became of a change.
fn is_certain(result: &Result<Reply, CallError>) -> bool {
    match result {
        Ok(_) | Err(CallError::Engine(_)) => true,
        Err(CallError::Unavailable(reason)) => reason.starts_with(FULL_DISK),
        Err(CallError::ShuttingDown) => false,
    }
}

fn document(dice: &mut Dice) -> (String, String) {
    (dice.pick(&COLLECTIONS).to_owned(), format!("document {}", dice.below(NAMES)))
}

/// Removes a document, whether it is there or not.
pub(super) fn removal(dice: &mut Dice) -> Command {
    let (collection, name) = document(dice);
    Command::ChangeDocuments {
        changes: vec![DocumentChange { collection, name, expected: Expected::Any, body: None }],
    }
}

/// All documents.
pub(crate) fn all() -> Command {
    Command::ListDocuments { collection: None, after: None, limit: 1_000 }
}
