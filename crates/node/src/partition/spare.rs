//! Memory that one batch leaves to the next, so that a commit asks the allocator for little.

use super::{Open, Replies};
use crate::batch::Batch;
use bongsu_engine::{Effects, Engine, EntityId, Moment, QueueId};
use bongsu_journal::{Layout, Position};
use bytes::Bytes;

/// A larger payload is given back to the allocator: for so much it costs next to nothing.
const KEPT_BYTES: usize = 1 << 20;
/// Also what is more than so many times the size of late batches.
const KEPT_TIMES: usize = 4;
/// Smaller payloads are not worth measuring.
const LEAST_BYTES: usize = 4 << 10;
/// Of replies, bodies stored or freed, and entities, in a batch.
const KEPT_ENTRIES: usize = 4 << 10;

/// What was used and is empty now.
#[derive(Debug)]
pub(super) struct Spare<T> {
    /// Whoever wrote it may still hold it; he has let go of it by the time of the next batch.
    payload: Bytes,
    /// How large payloads were of late: the last, or a little less than the largest of those before.
    late_bytes: usize,
    replies: Replies<T>,
    effects: Effects,
    pub(super) touched: Vec<EntityId>,
    pub(super) ready: Vec<QueueId>,
}

impl<T> Default for Spare<T> {
    fn default() -> Self {
        Self {
            payload: Bytes::new(),
            late_bytes: 0,
            replies: Vec::new(),
            effects: Effects::default(),
            touched: Vec::new(),
            ready: Vec::new(),
        }
    }
}

impl<T> Spare<T> {
    /// A batch to gather in.
    pub(super) fn open(&mut self, position: Position, layout: Layout, moment: Moment) -> Open<T> {
        let (payload, touched) = (self.payload(), std::mem::take(&mut self.touched));
        let batch = Batch::reusing(position, layout, payload, touched);
        Open { batch, moment, replies: std::mem::take(&mut self.replies) }
    }

    /// Memory for about as much as the last batches had.
    fn payload(&mut self) -> Vec<u8> {
        let wanted_bytes = self.late_bytes.clamp(LEAST_BYTES, KEPT_BYTES);
        let mut used = std::mem::take(&mut self.payload);
        if used.is_unique() {
            // Nothing is to be copied.
            used.clear();
            let used = Vec::from(used);
            let most_bytes = KEPT_BYTES.min(KEPT_TIMES * wanted_bytes);
            if (wanted_bytes..=most_bytes).contains(&used.capacity()) {
                return used;
            }
        }
        Vec::with_capacity(wanted_bytes)
    }

    /// What the engine's decisions since the last batch mean for bytes.
    pub(super) fn effects_of(&mut self, engine: &mut Engine) -> Effects {
        let mut effects = std::mem::take(&mut self.effects);
        engine.exchange_effects(&mut effects);
        effects
    }

    /// Takes what a batch that is durable needs no more.
    pub(super) fn take(&mut self, payload: Bytes, replies: Replies<T>, mut effects: Effects) {
        self.late_bytes = payload.len().max(self.late_bytes - self.late_bytes / 8);
        self.payload = payload;
        if replies.capacity() <= KEPT_ENTRIES {
            self.replies = replies;
        }
        if effects.stored.capacity().max(effects.freed.capacity()) <= KEPT_ENTRIES {
            effects.clear();
            self.effects = effects;
        }
    }
}
