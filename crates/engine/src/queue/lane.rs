//! The messages of one group: a FIFO queue's message group, a fair queue's tenant, or all without a group.

use crate::runs::Runs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Columns of a waiting message: sequence, position, length, enqueued (engine ms).
pub(super) type Fresh = [u64; 4];

/// In SQS a tenant with fewer messages in flight is never noisy.
pub(super) const NOISY_IN_FLIGHT: u32 = 30;
const WORK_WINDOW_MS: u64 = 60_000;
const QUIET_AFTER_MS: u64 = 300_000;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lane {
    pub(super) group: Option<Arc<str>>,
    /// Never received, in the order in which they became receivable.
    pub(super) fresh: Runs<4>,
    /// Received (or arrived from another queue) and visible; details are in the queue's tracked messages.
    pub(super) returned: BTreeSet<u64>,
    /// In flight; filled on FIFO queues only, which must know the lowest.
    pub(super) held: BTreeSet<u64>,
    pub(super) in_flight: u32,
    /// Messages of this lane among the queue's delayed ones.
    pub(super) delayed: u32,
    pub(super) last_sent_ms: u64,
    /// FIFO: since when the group is free; a group that was busy goes behind those that waited.
    pub(super) free_since_ms: u64,
    pub(super) work: Work,
    /// Under which key the queue's ready sets hold this lane.
    #[serde(skip)]
    pub(super) key: Option<Key>,
}

/// How a lane stands among those that have something to hand out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// Few in flight: on FIFO queues by the time since when it is free, then by its head's sequence.
    Calm(u64, u64),
    /// At least [`NOISY_IN_FLIGHT`] in flight: by their number, then its head's sequence.
    Busy(u32, u64),
}

impl Lane {
    pub(super) fn visible(&self) -> usize {
        self.fresh.len() + self.returned.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.visible() == 0 && self.in_flight == 0 && self.delayed == 0
    }

    /// The message that is next: what came back goes before what nobody received.
    pub(super) fn head(&self) -> Option<u64> {
        let fresh = self.fresh.front().map(|row| row[0]);
        let returned = self.returned.first().copied();
        match (fresh, returned) {
            (Some(fresh), Some(returned)) => Some(fresh.min(returned)),
            (one, other) => one.or(other),
        }
    }

    /// The key that the lane should have now; `None` where it has nothing to hand out.
    pub(super) fn wanted_key(&self, fifo: bool) -> Option<Key> {
        let head = self.head()?;
        if fifo {
            // A message in flight holds up all later ones of its group, but not an earlier one that came back.
            let free = self.held.first().is_none_or(|lowest| head < *lowest);
            #[cfg(feature = "planted")]
            let free = free || crate::planted::is(crate::planted::Fault::IgnoreFifoBarrier);
            return free.then_some(Key::Calm(self.free_since_ms, head));
        }
        Some(if self.in_flight < NOISY_IN_FLIGHT {
            Key::Calm(0, head)
        } else {
            Key::Busy(self.in_flight, head)
        })
    }

    /// Whether SQS would call the tenant noisy: too large a share of what is in flight or of recent processing time.
    pub(super) fn is_noisy(&self, all_in_flight: u64, all_work: &Work, now_ms: u64) -> bool {
        if now_ms.saturating_sub(self.last_sent_ms) > QUIET_AFTER_MS {
            return false;
        }
        let holds = self.in_flight >= NOISY_IN_FLIGHT && u64::from(self.in_flight) * 10 > all_in_flight;
        holds || self.is_noisy_by_work(all_work, now_ms)
    }

    fn is_noisy_by_work(&self, all: &Work, now_ms: u64) -> bool {
        let (spent_ms, finished) = self.work.recent(now_ms);
        finished >= u64::from(NOISY_IN_FLIGHT) && spent_ms * 10 > all.recent(now_ms).0
    }
}

/// Time that consumers spent on messages, over this window and the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Work {
    window: u64,
    current: (u64, u64),
    previous: (u64, u64),
}

impl Work {
    pub(super) fn add(&mut self, at_ms: u64, spent_ms: u64) {
        let window = at_ms / WORK_WINDOW_MS;
        if window > self.window {
            self.previous = if window == self.window + 1 { self.current } else { (0, 0) };
            self.current = (0, 0);
            self.window = window;
        }
        self.current = (self.current.0 + spent_ms, self.current.1 + 1);
    }

    /// Milliseconds spent and messages finished recently.
    fn recent(&self, now_ms: u64) -> (u64, u64) {
        match (now_ms / WORK_WINDOW_MS).saturating_sub(self.window) {
            0 => (self.current.0 + self.previous.0, self.current.1 + self.previous.1),
            1 => self.current,
            _ => (0, 0),
        }
    }
}
