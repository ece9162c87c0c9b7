//! How far ahead of its readers a segment is asked for.
//!
//! Each message is read on its own, and only where that needs no waiting; so the system does not notice by itself that somebody
//! goes through the file from front to back.

use std::sync::atomic::{AtomicU64, Ordering};

/// So much is asked for ahead of a reader who goes on where the last one stopped; half of it at least is there.
const AHEAD_BYTES: u64 = 1 << 20;
/// A read as near as this to the last one goes on from there: several receivers share a backlog.
const NEAR_BYTES: u64 = 128 << 10;

/// Where reading has come to; offsets in a file. Readers who meet here do no harm: it is a guess.
#[derive(Default)]
pub(super) struct Ahead {
    /// The end of the last read.
    read: AtomicU64,
    /// Up to where the disk was asked.
    asked: AtomicU64,
}

impl Ahead {
    /// Notes a read of `from..to` in a file that is written up to `end`; what to ask for now, if anything.
    pub(super) fn next(&self, from: u64, to: u64, end: u64) -> Option<(u64, u64)> {
        let last = self.read.swap(to, Ordering::Relaxed);
        if last.abs_diff(from) > NEAR_BYTES {
            self.asked.store(to, Ordering::Relaxed);
            return None;
        }
        let asked = self.asked.load(Ordering::Relaxed);
        // What was asked for far from here is of no use.
        let asked = if asked > to + AHEAD_BYTES + NEAR_BYTES { to } else { asked.max(to) };
        let wanted = (to + AHEAD_BYTES).min(end);
        // In large pieces, but for the last.
        if wanted <= asked || (asked - to > AHEAD_BYTES / 2) {
            return None;
        }
        self.asked.store(wanted, Ordering::Relaxed);
        Some((asked, wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::{AHEAD_BYTES, Ahead};

    const END: u64 = 64 << 20;

    /// Reads of 1 KiB one after the other, from `from` to `to`; what was asked for.
    fn go(ahead: &Ahead, from: u64, to: u64) -> Vec<(u64, u64)> {
        (from / 1024..to / 1024).filter_map(|at| ahead.next(at * 1024, at * 1024 + 1024, END)).collect()
    }

    #[test]
    fn one_who_goes_on_finds_everything_asked_for_once() {
        let ahead = Ahead::default();
        let asked = go(&ahead, 10 << 20, END);
        assert!(asked.windows(2).all(|two| two[0].1 == two[1].0), "without gaps, nothing twice");
        assert!(asked.len() < 120, "in large pieces: {}", asked.len());
        assert_eq!(asked.last().map(|(_, to)| *to), Some(END), "and nothing that is not written yet");
    }

    #[test]
    fn who_reads_here_and_there_gets_nothing() {
        let ahead = Ahead::default();
        let far = |n: u64| n * 7_919 % 61 * (1 << 20);
        assert!((1..1_000).all(|n| ahead.next(far(n), far(n) + 1024, END).is_none()));
        assert!(!go(&ahead, 5 << 20, 6 << 20).is_empty(), "until he goes on");
    }

    #[test]
    fn several_who_share_a_backlog_count_as_one() {
        let ahead = Ahead::default();
        let mut asked = 0;
        for at in (0..20_000u64).map(|n| n ^ 15) {
            asked += ahead.next(at * 1024, at * 1024 + 1024, END).map_or(0, |(from, to)| to - from);
        }
        let all = 20_000 * 1024;
        assert!((all..=all + 2 * AHEAD_BYTES).contains(&asked), "{asked}");
    }

    #[test]
    fn the_end_of_what_is_written_is_asked_for_as_it_comes() {
        let ahead = Ahead::default();
        assert_eq!(ahead.next(0, 1_000, 1_000), None);
        assert_eq!(ahead.next(1_000, 2_000, 50_000), Some((2_000, 50_000)));
        assert_eq!(ahead.next(2_000, 3_000, 50_000), None);
        assert_eq!(ahead.next(60_000, 61_000, u64::MAX), Some((61_000, 61_000 + AHEAD_BYTES)));
    }
}
