//! What one request notes on its way, until it is counted.

use super::Watch;
use super::counters::{Counters, QueueCounters};
use bongsu_engine::QueueName;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// One request under way.
#[derive(Debug)]
pub(crate) struct Watching {
    /// When it was there whole, as [`Watch::now_ns`] tells.
    pub(crate) begun_ns: u64,
    /// How long it has waited for messages.
    waited_ns: AtomicU64,
    /// The counters of the queue that it is about, once it was looked up.
    counters: OnceLock<Arc<QueueCounters>>,
    /// The trace headers of messages that it received, where traces are made.
    senders: Mutex<Vec<String>>,
}

impl Watching {
    /// One that began then.
    pub(crate) fn since(begun_ns: u64) -> Self {
        Self { begun_ns, waited_ns: AtomicU64::new(0), counters: OnceLock::new(), senders: Mutex::default() }
    }

    /// One that begins now.
    pub(crate) fn begin(watch: &Watch) -> Self {
        Self::since(watch.now_ns())
    }

    /// It waited for messages.
    pub(crate) fn waited(&self, waited_ns: u64) {
        self.waited_ns.fetch_add(waited_ns, Ordering::Relaxed);
    }

    /// It received a message of this trace.
    pub(crate) fn comes_from(&self, trace_header: &str) {
        self.senders.lock().unwrap_or_else(PoisonError::into_inner).push(trace_header.to_owned());
    }

    /// The trace headers of messages that it received.
    pub(crate) fn take_senders(&self) -> Vec<String> {
        std::mem::take(&mut self.senders.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// When it began, and how long of the time since it waited for messages.
    pub(crate) fn times(&self) -> (u64, u64) {
        (self.begun_ns, self.waited_ns.load(Ordering::Relaxed))
    }

    /// Remembers the counters of the queue that it is about.
    pub(crate) fn is_about(&self, counters: &Arc<QueueCounters>) {
        self.counters.get_or_init(|| Arc::clone(counters));
    }

    /// The counters of the queue that it is about, if that was looked up.
    pub(crate) fn counters(&self) -> Option<&Arc<QueueCounters>> {
        self.counters.get()
    }
}

/// Counters of a queue of which it is not known yet whether it is there: it gets none unless it is.
#[derive(Debug)]
pub(crate) enum Counting {
    /// It has some.
    Known(Arc<QueueCounters>),
    /// It may get some.
    Later(QueueName, Arc<Counters>),
}

impl Counting {
    /// The counters, now that the queue turned out to be there.
    pub(crate) fn now(self) -> Arc<QueueCounters> {
        match self {
            Self::Known(counters) => counters,
            Self::Later(name, all) => all.of(&name),
        }
    }
}
