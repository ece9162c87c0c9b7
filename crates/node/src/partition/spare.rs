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

#[cfg(test)]
mod tests {
    use super::{Bytes, Effects, KEPT_BYTES, KEPT_TIMES, LEAST_BYTES, Spare};

    fn spare_after(payload: Bytes) -> Spare<()> {
        let mut spare = Spare::default();
        spare.take(payload, Vec::new(), Effects::default());
        spare
    }

    fn payload(len: usize, capacity: usize) -> Bytes {
        let mut bytes = Vec::with_capacity(capacity);
        bytes.resize(len, 7);
        bytes.into()
    }

    #[test]
    fn the_next_batch_gathers_in_the_same_memory_and_finds_it_empty() {
        let used = payload(10_000, 16_384);
        let at = used.as_ptr();
        let next = spare_after(used).payload();
        assert_eq!((next.as_ptr(), next.capacity(), next.len()), (at, 16_384, 0));
    }

    /// What is still being written, or was never let go of, must not change.
    #[test]
    fn memory_that_somebody_holds_is_left_to_him() {
        let held = payload(10_000, 16_384);
        let mut next = spare_after(held.clone()).payload();
        assert!(next.capacity() >= 10_000);
        next.resize(10_000, 9);
        assert!(held.iter().all(|byte| *byte == 7));
    }

    #[test]
    fn no_batch_leaves_more_than_a_bound() {
        let large = payload(10 * KEPT_BYTES, 10 * KEPT_BYTES);
        assert_eq!(spare_after(large).payload().capacity(), KEPT_BYTES);
    }

    #[test]
    fn small_batches_after_large_ones_give_the_memory_back_bit_by_bit() {
        let mut spare = spare_after(payload(KEPT_BYTES / 2, KEPT_BYTES / 2));
        let mut capacities = vec![spare.payload().capacity()];
        assert_eq!(capacities, [KEPT_BYTES / 2]);
        for _ in 0..100 {
            let mut next = spare.payload();
            capacities.push(next.capacity());
            next.push(1);
            spare.take(next.into(), Vec::new(), Effects::default());
        }
        assert!(capacities.is_sorted_by(|before, after| before >= after), "{capacities:?}");
        assert!(spare.payload().capacity() <= KEPT_TIMES * LEAST_BYTES, "{capacities:?}");
    }
}
