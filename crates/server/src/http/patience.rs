//! How long clients may keep a connection waiting: for a request's head, for its body, for taking the answer.
//!
//! A timer for each of these would be armed and disarmed with every request. Instead each connection notes what it waits
//! for and since which second, which costs one store in memory, and once a second somebody looks at all of them.

use super::limits::Limits;
use super::stream::Connection;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

pub(super) const SECOND: Duration = Duration::from_secs(1);

/// What a connection, or one stream of an HTTP/2 connection, waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The client: it has never sent anything, or not yet finished the handshake.
    New = 0,
    /// The client: to send a head, or to take the answer before it.
    Idle = 1,
    /// The client: to send the rest of a head.
    Head = 2,
    /// The client: to send the rest of a body.
    Body = 3,
    /// Ourselves.
    Answer = 4,
    /// The client: to open a stream. What else it sends on an HTTP/2 connection is no request yet.
    NoStream = 5,
    /// The client: to send the rest of a head, after requests that were answered.
    NextHead = 6,
}

const PHASE_BITS: u32 = 3;
const PHASE_MASK: u64 = (1 << PHASE_BITS) - 1;

impl Phase {
    fn from_bits(bits: u64) -> Self {
        match bits & PHASE_MASK {
            0 => Self::New,
            1 => Self::Idle,
            2 => Self::Head,
            3 => Self::Body,
            5 => Self::NoStream,
            6 => Self::NextHead,
            _ => Self::Answer,
        }
    }
}

/// Which of the connections on which nothing is under way is given up first: the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    has_served: bool,
    since_second: u64,
}

/// What all connections go by.
pub(super) struct Rules {
    pub(super) limits: Limits,
    seconds: AtomicU64,
}

/// What one connection or stream waits for, and since when. Shared with whoever looks.
pub(super) struct Waiting {
    /// The second, and in the lowest bits the phase.
    since: AtomicU64,
    /// What has come of the body.
    body_bytes: AtomicU64,
    rules: Arc<Rules>,
}

impl Waiting {
    pub(super) fn new(rules: &Arc<Rules>, phase: Phase) -> Self {
        let waiting =
            Self { since: AtomicU64::new(0), body_bytes: AtomicU64::new(0), rules: Arc::clone(rules) };
        waiting.enter(phase);
        waiting
    }

    pub(super) fn enter(&self, phase: Phase) {
        let second = self.rules.seconds.load(Ordering::Relaxed);
        self.since.store(second << PHASE_BITS | phase as u64, Ordering::Relaxed);
    }

    /// Something came on the connection: where a head was waited for, it has begun.
    pub(super) fn hear(&self) {
        match self.phase() {
            Phase::New => self.enter(Phase::Head),
            Phase::Idle => self.enter(Phase::NextHead),
            _ => {}
        }
    }

    /// A body begins.
    pub(super) fn enter_body(&self) {
        self.body_bytes.store(0, Ordering::Relaxed);
        self.enter(Phase::Body);
    }

    /// So much of the body has come.
    pub(super) fn body_grew(&self, total_bytes: u64) {
        self.body_bytes.store(total_bytes, Ordering::Relaxed);
    }

    pub(super) fn phase(&self) -> Phase {
        Phase::from_bits(self.since.load(Ordering::Relaxed))
    }

    /// Where the connection stands among those that could be given up for others; `None` where a request is under way.
    pub(super) fn rank(&self) -> Option<Rank> {
        let since = self.since.load(Ordering::Relaxed);
        match Phase::from_bits(since) {
            // Who never finished a request has nothing to lose.
            Phase::New | Phase::Head => Some(Rank { has_served: false, since_second: since >> PHASE_BITS }),
            // The next request of who works is on its way: for a moment he must not look like a stranger.
            Phase::Idle | Phase::NoStream | Phase::NextHead => {
                Some(Rank { has_served: true, since_second: since >> PHASE_BITS })
            }
            Phase::Body | Phase::Answer => None,
        }
    }

    /// Which phase has lasted too long by now.
    pub(super) fn overdue(&self) -> Option<Phase> {
        let since = self.since.load(Ordering::Relaxed);
        let second = self.rules.seconds.load(Ordering::Relaxed);
        let waited_seconds = second.saturating_sub(since >> PHASE_BITS);
        let limits = &self.rules.limits;
        let phase = Phase::from_bits(since);
        let is_overdue = match phase {
            Phase::New | Phase::Idle | Phase::NoStream => waited_seconds > limits.max_idle.as_secs(),
            Phase::Head | Phase::NextHead => waited_seconds > limits.max_head.as_secs(),
            Phase::Body => {
                let least_bytes = waited_seconds.saturating_mul(limits.min_body_bytes_per_second);
                let is_slow = self.body_bytes.load(Ordering::Relaxed) < least_bytes;
                waited_seconds > limits.max_body.as_secs()
                    || is_slow && waited_seconds > limits.max_slow_body.as_secs()
            }
            Phase::Answer => false,
        };
        is_overdue.then_some(phase)
    }

    /// Whether the body took too long.
    pub(super) fn body_is_overdue(&self) -> bool {
        self.overdue() == Some(Phase::Body)
    }
}

/// All connections, and the second it is.
pub(super) struct Patience {
    connections: Mutex<Vec<Weak<Connection>>>,
    rules: Arc<Rules>,
}

impl Patience {
    pub(super) fn new(limits: Limits) -> Self {
        let rules = Arc::new(Rules { limits, seconds: AtomicU64::new(0) });
        Self { connections: Mutex::default(), rules }
    }

    pub(super) fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// How many seconds there have been.
    pub(super) fn second(&self) -> u64 {
        self.rules.seconds.load(Ordering::Relaxed)
    }

    pub(super) fn watch(&self, connection: &Arc<Connection>) {
        self.lock().push(Arc::downgrade(connection));
    }

    /// Looks at all connections once a second, for ever.
    pub(super) async fn run(&self) {
        let mut ticks = tokio::time::interval(SECOND);
        // After a stall of the whole process nobody is to blame for the seconds that went by.
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.pass_second();
        }
    }

    pub(super) fn pass_second(&self) {
        self.rules.seconds.fetch_add(1, Ordering::Relaxed);
        self.lock().retain(|connection| {
            let Some(connection) = connection.upgrade() else { return false };
            connection.lose_patience();
            true
        });
    }

    /// The connections on which nothing is under way, at most so many: first those that never finished a request, then those that have
    /// been idle the longest; among equals the oldest.
    pub(super) fn most_idle(&self, count: usize) -> Vec<(Rank, Weak<Connection>)> {
        let mut idle: Vec<_> = self
            .lock()
            .iter()
            .filter_map(|weak| Some((weak.upgrade()?.waiting().rank()?, Weak::clone(weak))))
            .collect();
        // Stable, and the connections are in the order in which they came.
        idle.sort_by_key(|(rank, _)| *rank);
        idle.truncate(count);
        idle
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Connection>>> {
        // Nothing here is left half done by a panic.
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
