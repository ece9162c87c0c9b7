//! What a repair asks of a partition: give messages up, leave segments, make a checkpoint now.

use super::{Partition, Token};
use crate::clock::Reading;
use bongsu_engine::QueueId;
use std::collections::BTreeSet;

impl<T: Token> Partition<T> {
    /// Removes messages whose bytes are lost; says how many there were. Those of one call go into one entry.
    pub(crate) fn discard(&mut self, reading: Reading, queue: QueueId, sequences: &BTreeSet<u64>) -> usize {
        let moment = self.moment(reading);
        let count = self.engine.discard(moment, queue, sequences, &mut self.open.batch);
        self.after_decision(moment);
        count
    }

    /// Begins to copy all messages whose bytes lie in these parts of the log to its end.
    pub(crate) fn evacuate(&mut self, parts: &[(u64, u64)]) {
        let bodies = parts.iter().flat_map(|(from, to)| self.engine.bodies_in(*from, *to));
        self.cleaning.left = bodies.collect();
        self.maintain_space();
    }

    /// Every living message's bytes.
    #[cfg(test)]
    pub(crate) fn bodies(&self) -> impl Iterator<Item = (QueueId, u64, bongsu_engine::BodyRef)> {
        self.engine.bodies_in(0, u64::MAX).into_iter()
    }

    /// Has a checkpoint made in which nothing is kept of earlier ones.
    pub(crate) fn want_whole_checkpoint(&mut self) {
        self.dirty.extend(self.engine.entities());
        self.checkpoints.wanted = true;
    }
}
