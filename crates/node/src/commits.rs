//! How long the journal takes to make a commit durable: for metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// 2^32 µs is more than an hour.
const OCTAVES: usize = 32;

/// Commits since the node was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Commits {
    /// All of them together, nanoseconds.
    pub sum_ns: u64,
    /// How many took from 2^i to 2^(i+1) microseconds; the first has those that took less as well, the last those that took more.
    pub by_octave: [u64; OCTAVES],
}

impl Commits {
    /// How many there were.
    pub fn count(&self) -> u64 {
        self.by_octave.iter().sum()
    }

    /// How many took less than 2^octave microseconds.
    pub fn below_octave(&self, octave: u32) -> u64 {
        self.by_octave.iter().take(octave as usize).sum()
    }
}

/// Counts them. One thread writes, anybody reads.
#[derive(Debug, Default)]
pub(crate) struct CommitCounters {
    sum_ns: AtomicU64,
    by_octave: [AtomicU64; OCTAVES],
}

impl CommitCounters {
    pub(crate) fn note(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
        let octave = (us.ilog2() as usize).min(OCTAVES - 1);
        self.by_octave[octave].fetch_add(1, Ordering::Relaxed);
        self.sum_ns.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Commits {
        let by_octave = std::array::from_fn(|octave| self.by_octave[octave].load(Ordering::Relaxed));
        Commits { sum_ns: self.sum_ns.load(Ordering::Relaxed), by_octave }
    }
}

#[cfg(test)]
mod tests {
    use super::CommitCounters;
    use std::time::Duration;

    #[test]
    fn commits_count_by_how_long_they_took() {
        let counters = CommitCounters::default();
        for us in [0, 1, 2, 3, 4, 1000, 1023, 1024, u64::MAX] {
            counters.note(Duration::from_micros(us));
        }
        let commits = counters.read();
        assert_eq!((commits.count(), commits.below_octave(1), commits.below_octave(2)), (9, 2, 4));
        assert_eq!((commits.below_octave(10), commits.below_octave(11)), (7, 8));
        assert_eq!(commits.by_octave[31], 1);
    }
}
