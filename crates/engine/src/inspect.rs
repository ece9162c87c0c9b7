//! For the store's tools: what is there, and how what can't be kept is given up.

use crate::command::Description;
use crate::names::QueueId;
use crate::record::Record;
use crate::{DocumentsSize, Engine, Log, Moment};
use std::collections::BTreeSet;

/// No record removes more messages.
const DISCARDED_PER_RECORD: usize = 1_000;

impl Engine {
    /// All queues as they stand at `now_ms`, in the order of their names.
    pub fn describe_all(&mut self, now_ms: u64) -> Vec<Description> {
        let ids: Vec<QueueId> = self.names.values().copied().collect();
        let described = ids.into_iter().filter_map(|id| {
            let queue = self.queues.get_mut(&id)?;
            queue.advance(now_ms);
            Some(queue.describe(now_ms))
        });
        described.collect()
    }

    /// How many documents there are.
    pub fn documents(&self) -> DocumentsSize {
        self.registry.size()
    }

    /// Removes messages whose bytes are lost, in whatever state they are; says how many there were.
    pub fn discard(
        &mut self,
        at: Moment,
        id: QueueId,
        sequences: &BTreeSet<u64>,
        log: &mut dyn Log,
    ) -> usize {
        let Some(queue) = self.queues.get_mut(&id) else { return 0 };
        queue.advance(at.now_ms);
        let found = queue.messages.lanes_of(sequences);
        for messages in found.chunks(DISCARDED_PER_RECORD) {
            let record = Record::Removed { queue: id, messages: messages.to_vec(), at_ms: at.now_ms };
            let body = log.write(&record, &[]);
            if let Err(error) = self.apply(&record, body) {
                unreachable!("messages that were just found can't be removed: {error}");
            }
        }
        found.len()
    }
}
