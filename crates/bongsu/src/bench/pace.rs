//! How much is to be sent, and when.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How many messages are left to send or to receive.
#[derive(Debug)]
pub(super) struct Quota(AtomicU64);

impl Quota {
    pub(super) fn new(messages: Option<u64>) -> Self {
        Self(AtomicU64::new(messages.unwrap_or(u64::MAX)))
    }

    /// Takes up to `most`; 0: nothing is left.
    pub(super) fn take(&self, most: u64) -> u64 {
        let less = |left: u64| Some(left - left.min(most));
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less) {
            Ok(left) => left.min(most),
            Err(_) => 0,
        }
    }

    /// Gives back what was taken and not used.
    pub(super) fn give_back(&self, messages: u64) {
        if messages > 0 {
            self.0.fetch_add(messages, Ordering::Relaxed);
        }
    }
}

/// The moments at which an open loop begins requests, whoever is free to. Latency counts from that moment on, also when
/// nobody was free: that is what somebody who comes at that rate has to wait.
#[derive(Debug)]
pub(super) struct Schedule {
    start: Instant,
    interval: Duration,
    next: AtomicU64,
}

impl Schedule {
    pub(super) fn new(start: Instant, requests_per_second: f64) -> Self {
        Self { start, interval: Duration::from_secs_f64(1.0 / requests_per_second), next: AtomicU64::new(0) }
    }

    /// When the next request is to begin.
    pub(super) fn next(&self) -> Instant {
        self.at(self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn at(&self, number: u64) -> Instant {
        // In floating point: an interval of nanoseconds would add up its rounding.
        self.start + Duration::from_secs_f64(self.interval.as_secs_f64() * number as f64)
    }

    /// How many requests should have begun before `end` and were not even taken up.
    pub(super) fn missed(&self, end: Instant) -> u64 {
        let due =
            (end.saturating_duration_since(self.start).as_secs_f64() / self.interval.as_secs_f64()).ceil();
        (due as u64).saturating_sub(self.next.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::{Quota, Schedule};
    use crate::bench::clock::now;
    use std::time::Duration;

    #[test]
    fn a_quota_is_used_up_exactly() {
        let quota = Quota::new(Some(25));
        let taken: Vec<u64> = (0..4).map(|_| quota.take(10)).collect();
        assert_eq!(taken, [10, 10, 5, 0]);
        quota.give_back(3);
        assert_eq!((quota.take(10), quota.take(10)), (3, 0));
        assert_eq!(Quota::new(None).take(10), 10);
    }

    #[test]
    fn a_schedule_is_even_and_knows_what_it_missed() {
        let start = now();
        let schedule = Schedule::new(start, 1_000.0);
        let moments: Vec<_> = (0..3).map(|_| schedule.next() - start).collect();
        assert_eq!(moments, [0, 1, 2].map(Duration::from_millis));
        assert_eq!(schedule.missed(start + Duration::from_millis(10)), 7);
        assert_eq!(schedule.missed(start), 0);
    }
}
