//! What nobody asks for: expiry, the steps of move tasks, the cleaner's copies.

use super::Decision;
use crate::names::{BodyRef, QueueId};
use crate::record::Record;
use crate::{Engine, Entropy, Log, Moment};
use std::collections::BTreeSet;

/// Expired messages that one tick removes from one queue, and from all together.
const EXPIRED_PER_QUEUE: usize = 1_000;
const EXPIRED_PER_TICK: usize = 10_000;

/// A message's bytes, read so that they can be written again at the end of the log.
#[derive(Clone, Debug)]
pub struct Relocation {
    /// Which message.
    pub sequence: u64,
    /// Where the bytes were read.
    pub from: BodyRef,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Engine {
    /// Takes a step of a queue's running move task, if there is one. Call it a few times a second for each of
    /// [`Engine::running_tasks`].
    pub fn step_task(&mut self, at: Moment, entropy: Entropy, queue: QueueId, log: &mut dyn Log) {
        Decision { engine: self, at, entropy, log }.step_move(queue);
    }

    /// Removes messages past their retention. Call it about once a second; says whether there may be more to remove.
    pub fn expire(&mut self, at: Moment, log: &mut dyn Log) -> bool {
        #[cfg(feature = "planted")]
        let at =
            Moment { expire: at.expire || crate::planted::is(crate::planted::Fault::ExpireInDoubt), ..at };
        if !at.expire {
            return false;
        }
        let ids: Vec<QueueId> = self.names.values().copied().collect();
        let mut decision = Decision { engine: self, at, entropy: Entropy(0), log };
        let mut removed = 0;
        for id in ids {
            removed += decision.expire_queue(id);
            if removed >= EXPIRED_PER_TICK {
                return true;
            }
        }
        removed > 0
    }

    /// Writes messages again whose bytes the cleaner read, those that still live where it read them; says how many.
    pub fn relocate(&mut self, at: Moment, queue: QueueId, found: &[Relocation], log: &mut dyn Log) -> usize {
        let mut decision = Decision { engine: self, at, entropy: Entropy(0), log };
        decision.relocate(queue, found)
    }

    /// Makes the store's secret known, once. Does nothing where there is one.
    pub fn create_store(&mut self, at: Moment, secret: [u8; 32], log: &mut dyn Log) {
        if self.directory.secret.is_none() {
            let mut decision = Decision { engine: self, at, entropy: Entropy(0), log };
            decision.emit(&Record::StoreCreated { secret }, &[]);
        }
    }
}

impl Decision<'_> {
    fn expire_queue(&mut self, id: QueueId) -> usize {
        let now_ms = self.at.now_ms;
        let Some(queue) = self.by_id(id) else { return 0 };
        // Also where nothing waits: what the deduplication window forgets is memory.
        queue.advance(now_ms);
        if queue.messages.is_empty() {
            return 0;
        }
        // Retention is over when as much time has passed, not a moment later.
        let Some(before_ms) = (now_ms + 1).checked_sub(queue.settings().retention_ms) else { return 0 };
        let mut cursor = queue.passing.sweep;
        let messages = queue.messages.expired(before_ms, &mut cursor, EXPIRED_PER_QUEUE);
        queue.passing.sweep = cursor;
        let count = messages.len();
        if count > 0 {
            self.emit(&Record::Removed { queue: id, messages, at_ms: now_ms }, &[]);
        }
        count
    }

    fn relocate(&mut self, id: QueueId, found: &[Relocation]) -> usize {
        let Some(queue) = self.by_id(id) else { return 0 };
        let mut living: BTreeSet<(u64, u64)> =
            found.iter().map(|one| (one.sequence, one.from.position)).collect();
        queue.messages.lies_at(&mut living);
        let mut bytes = Vec::new();
        let mut from = Vec::new();
        for one in found.iter().filter(|one| living.contains(&(one.sequence, one.from.position))) {
            bytes.extend_from_slice(&one.bytes);
            from.push((one.sequence, one.from));
        }
        let count = from.len();
        if count > 0 {
            self.emit(&Record::Relocated { queue: id, from }, &bytes);
        }
        count
    }
}
