//! What entries hold, counted; and whether they can be read at all.

use crate::batch::{Item, Kind, items};
use crate::checkpoint;
use bongsu_engine::Record;

/// What happened in some entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Whole entries.
    pub entries: u64,
    /// Messages sent.
    pub sent: u64,
    /// Messages handed out.
    pub received: u64,
    /// Messages that were deleted, expired, or left for another queue.
    pub removed: u64,
    /// Messages that came from another queue.
    pub arrived: u64,
    /// Changes of a visibility timeout.
    pub visibility_changes: u64,
    /// Queues made.
    pub queues_created: u64,
    /// Queues deleted.
    pub queues_deleted: u64,
    /// Queues purged.
    pub queues_purged: u64,
    /// Changes of attributes and tags, and steps of move tasks.
    pub settings: u64,
    /// Messages that the cleaner had copied.
    pub relocated: u64,
    /// Changes of documents, each document counted.
    pub documents: u64,
}

impl Tally {
    /// Counts what an entry's payload holds; the error says what is wrong with it.
    pub(crate) fn count(&mut self, payload: &[u8]) -> Result<(), String> {
        if payload.is_empty() {
            return Err("an entry without content".to_owned());
        }
        self.entries += 1;
        for item in items(payload) {
            self.count_item(&item?)?;
        }
        Ok(())
    }

    fn count_item(&mut self, item: &Item<'_>) -> Result<(), String> {
        match item.kind {
            Kind::Part => {}
            Kind::Manifest => {
                checkpoint::manifest_parts(item.carried).map_err(|error| error.to_string())?;
            }
            Kind::Record => {
                let record = Record::decode(item.head).map_err(|error| error.to_string())?;
                self.count_record(&record, item.carried.len() as u64)?;
            }
        }
        Ok(())
    }

    fn count_record(&mut self, record: &Record, carried_bytes: u64) -> Result<(), String> {
        let mut expected_bytes = 0;
        match record {
            Record::Sent { .. } => {
                self.sent += 1;
                expected_bytes = carried_bytes;
            }
            Record::Received { picks, .. } => self.received += picks.len() as u64,
            Record::ReceivedAgain { .. } => self.received += 1,
            Record::Removed { messages, .. } => self.removed += messages.len() as u64,
            Record::Arrived { .. } => self.arrived += 1,
            Record::VisibilityChanged { .. } => self.visibility_changes += 1,
            Record::QueueCreated { .. } => self.queues_created += 1,
            Record::QueueDeleted { .. } => self.queues_deleted += 1,
            Record::Purged { .. } => self.queues_purged += 1,
            Record::Relocated { from, .. } => {
                self.relocated += from.len() as u64;
                expected_bytes = from.iter().map(|(_, body)| u64::from(body.len)).sum();
            }
            Record::DocumentsChanged { changes, .. } => self.documents += changes.len() as u64,
            Record::StoreCreated { .. } | Record::NameReleased { .. } => {}
            Record::AttributesSet { .. }
            | Record::TagsSet { .. }
            | Record::TaskStarted { .. }
            | Record::TaskProgressed { .. }
            | Record::TaskEnded { .. } => self.settings += 1,
        }
        if carried_bytes == expected_bytes {
            Ok(())
        } else {
            Err(format!("a record carries {carried_bytes} bytes instead of {expected_bytes}"))
        }
    }
}
