//! What a decision means beyond the state: whom it makes ready, and which bytes it needs or gives up.

use crate::names::{BodyRef, QueueId};
use crate::queue::messages::Messages;

/// Collected by `decide` and `apply`, taken by the node.
#[derive(Debug, Default)]
pub struct Effects {
    /// Queues in which something may have become receivable.
    pub ready: Vec<QueueId>,
    /// Bytes that a message lies in from now on.
    pub stored: Vec<BodyRef>,
    /// Bytes that a message no longer needs.
    pub freed: Vec<BodyRef>,
    /// Whole backlogs given up at once (purge, delete), to be given back bit by bit.
    pub dropped: Vec<Dropped>,
}

/// A backlog whose bytes nobody needs any more.
#[derive(Debug)]
pub struct Dropped(Messages);

impl Dropped {
    /// Hands out about `most` of its bytes; `false` when there are no more.
    pub fn drain(&mut self, most: usize, freed: &mut impl FnMut(BodyRef)) -> bool {
        self.0.drain_bodies(most, freed)
    }
}

impl Effects {
    /// Empties it; what it holds memory for is kept for the next.
    pub fn clear(&mut self) {
        self.ready.clear();
        self.stored.clear();
        self.freed.clear();
        self.dropped.clear();
    }

    pub(crate) fn ready(&mut self, queue: QueueId) {
        if self.ready.last() != Some(&queue) {
            self.ready.push(queue);
        }
    }

    pub(crate) fn stored(&mut self, body: BodyRef) {
        self.stored.push(body);
    }

    pub(crate) fn freed(&mut self, body: BodyRef) {
        self.freed.push(body);
    }

    pub(crate) fn dropped(&mut self, messages: Messages) {
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Fault::ForgetPurgedBytes) {
            return;
        }
        if !messages.is_empty() {
            self.dropped.push(Dropped(messages));
        }
    }
}
