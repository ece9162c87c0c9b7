//! The server at a glance.

use super::Inner;
use super::counters::Rates;
use super::past::Latency;
use super::process::{Disk, Process};
use super::survey::Snapshot;
use bongsu_engine::{QueueName, Surveyed};
use bongsu_node::Status;

/// So many queues are named as failing, and as the busiest.
const MAX_FAILING: usize = 10;
const MAX_BUSIEST: usize = 5;
/// A queue whose oldest message is older than this, and from which nothing is deleted, is stuck.
const STUCK_AGE_MS: u64 = 300_000;
/// A queue grows if it has at least so many messages, and half as many again as ten minutes ago.
const GROWING_MESSAGES: u64 = 100;
const GROWING_FACTOR: f64 = 1.5;

/// The server at a glance.
#[derive(Clone, Debug)]
pub struct Overview {
    /// How many queues there are.
    pub queues: u64,
    /// Messages in all queues that can be received.
    pub visible: u64,
    /// Messages in all queues that were received and not deleted yet.
    pub in_flight: u64,
    /// Messages in all queues that can't be received yet.
    pub delayed: u64,
    /// The age of the oldest message of all, milliseconds.
    pub oldest_age_ms: Option<u64>,
    /// Of all queues together.
    pub rates: Rates,
    /// By action.
    pub latency: Vec<Latency>,
    /// The worst first, at most ten.
    pub failing: Vec<Failing>,
    /// Names of the queues with the most messages sent and received, at most five.
    pub busiest: Vec<QueueName>,
    /// `None` where nothing is kept on disk.
    pub disk: Option<Disk>,
    /// How the store is.
    pub disk_state: DiskState,
    /// The process.
    pub process: Process,
    /// Since the server started, milliseconds.
    pub uptime_ms: u64,
    /// Connections that are open.
    pub connections: u64,
    /// Long polls that wait.
    pub long_polls: u64,
}

/// Whether there is room to keep messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskState {
    /// There is.
    Ok,
    /// The reserve is reached: sends are refused.
    Low,
    /// The reserve is nearly used up: receives are refused too.
    Full,
    /// The disk failed: nothing is served.
    Failed,
}

impl DiskState {
    /// `ok`, `low`, `full` or `failed`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Low => "low",
            Self::Full => "full",
            Self::Failed => "failed",
        }
    }

    pub(super) fn of(status: &Status) -> Self {
        match status {
            Status::Ready | Status::Draining => Self::Ok,
            Status::Full => Self::Low,
            Status::NearlyOut => Self::Full,
            Status::Failed(_) => Self::Failed,
        }
    }
}

/// A queue that somebody should look at.
#[derive(Clone, Debug, PartialEq)]
pub struct Failing {
    /// Which.
    pub name: QueueName,
    /// Why.
    pub reason: Reason,
    /// Messages that can be received.
    pub visible: u64,
    /// The age of the oldest message, milliseconds.
    pub oldest_age_ms: Option<u64>,
}

/// Why somebody should look at a queue. The first that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It is a dead-letter queue and not empty: `visible` messages failed.
    DeadLetters,
    /// Its messages are old, and none was deleted in the last minute.
    Stuck,
    /// It has more and more messages.
    Growing,
}

impl Reason {
    /// `dead-letters`, `stuck` or `growing`.
    pub fn word(self) -> &'static str {
        match self {
            Self::DeadLetters => "dead-letters",
            Self::Stuck => "stuck",
            Self::Growing => "growing",
        }
    }
}

/// Whether somebody should look at a queue, by what is known of it.
fn reason(queue: &Surveyed, deleted_per_second: f64, ten_minutes_ago: Option<f64>) -> Option<Reason> {
    if queue.sources > 0 {
        return (queue.visible > 0).then_some(Reason::DeadLetters);
    }
    let is_old = queue.oldest_age_ms.is_some_and(|age_ms| age_ms > STUCK_AGE_MS);
    if queue.visible > 0 && is_old && deleted_per_second == 0.0 {
        return Some(Reason::Stuck);
    }
    let grows = ten_minutes_ago.is_some_and(|before| queue.visible as f64 >= before * GROWING_FACTOR);
    (queue.visible >= GROWING_MESSAGES && grows).then_some(Reason::Growing)
}

/// From a look at all queues.
pub(super) fn overview(inner: &Inner, found: &Snapshot) -> Overview {
    let now_ns = inner.clock.now_ns();
    let sum = |of: fn(&Surveyed) -> u64| found.queues.iter().map(of).sum();
    let mut rates = inner.counters.others().rates(now_ns);
    let mut busiest = Vec::new();
    for (name, counters) in inner.counters.all() {
        let of_queue = counters.rates(now_ns);
        rates += of_queue;
        let traffic = of_queue.sent + of_queue.received;
        if traffic > 0.0 && found.find(&name).is_some() {
            busiest.push((traffic, name));
        }
    }
    busiest.sort_by(|one, other| other.0.total_cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
    busiest.truncate(MAX_BUSIEST);
    let status = inner.node.status();
    Overview {
        queues: found.queues.len() as u64,
        visible: sum(|queue| queue.visible),
        in_flight: sum(|queue| queue.in_flight),
        delayed: sum(|queue| queue.delayed),
        oldest_age_ms: found.queues.iter().filter_map(|queue| queue.oldest_age_ms).max(),
        rates,
        latency: inner.latencies(),
        failing: failing(inner, found.queues.iter()),
        busiest: busiest.into_iter().map(|(_, name)| name).collect(),
        disk: inner.sampled().disk,
        disk_state: DiskState::of(&status),
        process: Process::read(),
        uptime_ms: now_ns / 1_000_000,
        connections: inner.connections.count(),
        long_polls: inner.long_polls(),
    }
}

/// Those of these queues that somebody should look at, the worst first.
pub(super) fn failing<'a>(inner: &Inner, queues: impl Iterator<Item = &'a Surveyed>) -> Vec<Failing> {
    let now_ns = inner.clock.now_ns();
    let sampled = inner.sampled();
    let looked_at = queues.filter(|queue| queue.visible > 0);
    let mut failing: Vec<_> = looked_at
        .filter_map(|queue| {
            let deleted = inner.counters.known(&queue.name).map_or(0.0, |known| known.rates(now_ns).deleted);
            let reason = reason(queue, deleted, sampled.sparks.ten_minutes_ago(&queue.name))?;
            let (visible, oldest_age_ms) = (queue.visible, queue.oldest_age_ms);
            Some(Failing { name: queue.name.clone(), reason, visible, oldest_age_ms })
        })
        .collect();
    failing.sort_by(|one, other| {
        let most = other.visible.cmp(&one.visible);
        one.reason.cmp(&other.reason).then(most).then_with(|| one.name.cmp(&other.name))
    });
    failing.truncate(MAX_FAILING);
    failing
}
