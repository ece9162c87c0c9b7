//! What each queue has seen since the server started: counted where a request is answered, without locks.

use super::consumers::Consumers;
use super::histogram::Sizes;
use bongsu_engine::QueueName;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// So many queues have counters of their own. The others share one set.
pub(super) const CAPACITY: usize = 20_000;
/// How far rates look back, as samples ten seconds apart.
const SAMPLES: usize = 6;
/// A rate is of at least so long, so that one message in the first second is no flood.
const MIN_SPAN_NS: u64 = 10_000_000_000;

/// Messages that came and went, since the queue has counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Taken in, duplicates of a FIFO queue too, as their senders are told so.
    pub(crate) sent: u64,
    /// Bodies and attributes of those, as MaximumMessageSize counts them.
    pub(crate) sent_bytes: u64,
    /// Handed out.
    pub(crate) received: u64,
    /// Deleted by their receivers.
    pub(crate) deleted: u64,
    /// Receives that got nothing.
    pub(crate) empty_receives: u64,
}

/// Averages over the last minute, or since the queue has counters where that is shorter (but at least over ten seconds).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    /// Messages sent a second.
    pub sent: f64,
    /// Their bytes a second.
    pub sent_bytes: f64,
    /// Messages received a second.
    pub received: f64,
    /// Messages deleted a second.
    pub deleted: f64,
    /// Receives a second that got nothing.
    pub empty_receives: f64,
}

impl Totals {
    /// A second, from `before`, so many nanoseconds ago.
    pub(super) fn rates_since(&self, before: &Self, span_ns: u64) -> Rates {
        let seconds = span_ns as f64 / 1e9;
        let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
        Rates {
            sent: rate(self.sent, before.sent),
            sent_bytes: rate(self.sent_bytes, before.sent_bytes),
            received: rate(self.received, before.received),
            deleted: rate(self.deleted, before.deleted),
            empty_receives: rate(self.empty_receives, before.empty_receives),
        }
    }
}

impl std::ops::AddAssign for Rates {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.sent_bytes += other.sent_bytes;
        self.received += other.received;
        self.deleted += other.deleted;
        self.empty_receives += other.empty_receives;
    }
}

/// The counters of one queue.
#[derive(Debug)]
pub(crate) struct QueueCounters {
    pub(super) sizes: Sizes,
    received: AtomicU64,
    deleted: AtomicU64,
    empty_receives: AtomicU64,
    pub(super) consumers: Consumers,
    past: Mutex<Past>,
}

/// What the sampler saw.
#[derive(Debug)]
struct Past {
    /// Oldest first, each with the time in nanoseconds.
    samples: VecDeque<(u64, Totals)>,
}

impl QueueCounters {
    fn new(now_ns: u64, consumers: Consumers) -> Self {
        Self {
            sizes: Sizes::default(),
            received: AtomicU64::new(0),
            deleted: AtomicU64::new(0),
            empty_receives: AtomicU64::new(0),
            consumers,
            past: Mutex::new(Past { samples: VecDeque::from([(now_ns, Totals::default())]) }),
        }
    }

    /// A message of this size was taken in.
    pub(crate) fn sent(&self, bytes: u64) {
        self.sizes.note(bytes);
    }

    /// A receive was answered, with so many messages.
    pub(crate) fn received(&self, messages: usize) {
        match messages {
            0 => self.empty_receives.fetch_add(1, Ordering::Relaxed),
            _ => self.received.fetch_add(messages as u64, Ordering::Relaxed),
        };
    }

    /// So many messages were deleted.
    pub(crate) fn deleted(&self, messages: usize) {
        self.deleted.fetch_add(messages as u64, Ordering::Relaxed);
    }

    /// All that was counted.
    pub(crate) fn totals(&self) -> Totals {
        Totals {
            sent: self.sizes.count(),
            sent_bytes: self.sizes.sum_bytes(),
            received: self.received.load(Ordering::Relaxed),
            deleted: self.deleted.load(Ordering::Relaxed),
            empty_receives: self.empty_receives.load(Ordering::Relaxed),
        }
    }

    /// The last minute's rates.
    pub(super) fn rates(&self, now_ns: u64) -> Rates {
        let Some((then_ns, before)) = self.past().samples.front().copied() else { return Rates::default() };
        self.totals().rates_since(&before, now_ns.saturating_sub(then_ns).max(MIN_SPAN_NS))
    }

    /// Notes a sample; gives the rates since the last one, or over [`MIN_SPAN_NS`] where the counters are younger.
    pub(super) fn sample(&self, now_ns: u64) -> Rates {
        let totals = self.totals();
        let mut past = self.past();
        let (then_ns, before) = past.samples.back().copied().unwrap_or((now_ns, totals));
        if now_ns <= then_ns {
            return Rates::default();
        }
        if past.samples.len() >= SAMPLES {
            past.samples.pop_front();
        }
        past.samples.push_back((now_ns, totals));
        totals.rates_since(&before, (now_ns - then_ns).max(MIN_SPAN_NS))
    }

    fn past(&self) -> MutexGuard<'_, Past> {
        // Whole samples only.
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The counters of all queues.
#[derive(Debug)]
pub(crate) struct Counters {
    known: RwLock<HashMap<QueueName, Known>>,
    /// For those beyond [`CAPACITY`].
    others: Arc<QueueCounters>,
    /// Receivers noted at all queues.
    noted: Arc<AtomicUsize>,
    clock: super::Clock,
}

#[derive(Debug)]
struct Known {
    counters: Arc<QueueCounters>,
    since_ns: u64,
}

impl Counters {
    pub(crate) fn new(clock: super::Clock) -> Self {
        let noted = Arc::new(AtomicUsize::new(0));
        let others = QueueCounters::new(clock.now_ns(), Consumers::new(Arc::clone(&noted)));
        Self { known: RwLock::default(), others: Arc::new(others), noted, clock }
    }

    /// The counters of a queue, which is there; with nothing in them where it has none yet.
    pub(crate) fn of(&self, name: &QueueName) -> Arc<QueueCounters> {
        if let Some(counters) = self.known(name) {
            return counters;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(name) {
            return Arc::clone(&found.counters);
        }
        if known.len() >= CAPACITY {
            return Arc::clone(&self.others);
        }
        let since_ns = self.clock.now_ns();
        let counters = Arc::new(QueueCounters::new(since_ns, Consumers::new(Arc::clone(&self.noted))));
        known.insert(name.clone(), Known { counters: Arc::clone(&counters), since_ns });
        counters
    }

    /// The counters of a queue that has some.
    pub(super) fn known(&self, name: &QueueName) -> Option<Arc<QueueCounters>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(name).map(|found| Arc::clone(&found.counters))
    }

    /// What queues without counters of their own share.
    pub(super) fn others(&self) -> &Arc<QueueCounters> {
        &self.others
    }

    /// A queue was deleted: should it come again, it begins anew.
    pub(crate) fn forget(&self, name: &QueueName) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// Forgets queues that are not there any more: those that `is_there` doesn't know though they had counters before `then_ns`.
    pub(super) fn retain(&self, then_ns: u64, is_there: impl Fn(&QueueName) -> bool) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|name, found| found.since_ns >= then_ns || is_there(name));
    }

    /// All that have counters of their own.
    pub(super) fn all(&self) -> Vec<(QueueName, Arc<QueueCounters>)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(|(name, found)| (name.clone(), Arc::clone(&found.counters))).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{CAPACITY, Counters, Rates, SAMPLES, Totals};
    use crate::watch::Clock;
    use bongsu_engine::QueueName;
    use std::sync::Arc;

    const SECOND_NS: u64 = 1_000_000_000;

    fn name(number: usize) -> QueueName {
        QueueName::new("000000000000", "us-east-1", format!("q{number}"))
    }

    #[test]
    fn a_queue_finds_its_counters_again_until_it_is_deleted() {
        let all = Counters::new(Clock::start());
        let counters = all.of(&name(1));
        counters.sent(10);
        counters.received(3);
        counters.received(0);
        counters.deleted(2);
        let totals = Totals { sent: 1, sent_bytes: 10, received: 3, deleted: 2, empty_receives: 1 };
        assert_eq!(all.of(&name(1)).totals(), totals);
        assert_eq!(all.of(&name(2)).totals(), Totals::default());
        all.forget(&name(1));
        assert!(all.known(&name(1)).is_none());
        assert_eq!(all.of(&name(1)).totals(), Totals::default());
    }

    #[test]
    fn queues_beyond_the_bound_count_together() {
        let all = Counters::new(Clock::start());
        for number in 0..CAPACITY {
            all.of(&name(number));
        }
        let (one, another) = (all.of(&name(CAPACITY)), all.of(&name(CAPACITY + 1)));
        assert!(Arc::ptr_eq(&one, &another) && Arc::ptr_eq(&one, all.others()));
        assert!(all.known(&name(CAPACITY)).is_none());
        all.forget(&name(7));
        assert!(!Arc::ptr_eq(&all.of(&name(CAPACITY)), all.others()), "there is room again");
    }

    #[test]
    fn queues_that_are_gone_are_forgotten_but_not_those_that_came_meanwhile() {
        let clock = Clock::start();
        let all = Counters::new(clock);
        all.of(&name(1));
        all.of(&name(2));
        let then_ns = clock.now_ns() + 1;
        while clock.now_ns() <= then_ns {}
        all.of(&name(3));
        all.retain(then_ns, |there| *there == name(2));
        assert_eq!([1, 2, 3].map(|number| all.known(&name(number)).is_some()), [false, true, true]);
    }

    #[test]
    fn rates_are_of_the_last_minute() {
        let all = Counters::new(Clock::start());
        let counters = all.of(&name(1));
        let start_ns = counters.past().samples[0].0;
        let at = |seconds: u64| start_ns + seconds * SECOND_NS;
        counters.sent(100);
        assert_eq!(counters.rates(at(1)).sent, 0.1, "one in the first second is no flood");
        assert_eq!(counters.rates(at(20)).sent, 0.05);
        // Ten a second for ten minutes.
        for sample in 1..=60 {
            for _ in 0..100 {
                counters.sent(1000);
                counters.deleted(1);
            }
            let rates = counters.sample(at(sample * 10));
            assert_eq!(rates.deleted, 10.0);
        }
        assert_eq!(counters.past().samples.len(), SAMPLES);
        let rates = counters.rates(at(600));
        assert_eq!((rates.sent, rates.sent_bytes, rates.deleted), (10.0, 10_000.0, 10.0));
        // And then silence.
        for sample in 61..=66 {
            counters.sample(at(sample * 10));
        }
        assert_eq!(counters.rates(at(660)), Rates::default());
        assert_eq!(counters.sample(at(660)), Rates::default(), "no time went by");
    }

    /// Charts and overviews agree: one message just before a sample is no flood.
    #[test]
    fn the_first_sample_of_a_young_queue_is_no_peak() {
        let all = Counters::new(Clock::start());
        let counters = all.of(&name(1));
        counters.sent(100);
        let soon_ns = counters.past().samples[0].0 + 2_000_000;
        assert_eq!(counters.sample(soon_ns).sent, 0.1);
    }
}
