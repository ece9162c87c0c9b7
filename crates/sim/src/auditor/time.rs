//! The auditor's own idea of engine time: spans, as it often knows only between which moments something was decided.

use bongsu_node::Reading;

/// A jump of the wall clock over this much puts it in doubt, for so long.
const DOUBTFUL_JUMP_MS: u64 = 3_600_000;
const DOUBT_MS: u64 = 900_000;

/// A moment that is not known more exactly than from when to when (both included). Engine ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

impl Span {
    /// Before everything.
    pub(crate) const NEVER: Self = Self { from: 0, to: 0 };

    pub(crate) fn at(ms: u64) -> Self {
        Self { from: ms, to: ms }
    }

    pub(crate) fn plus(self, ms: u64) -> Self {
        Self { from: self.from + ms, to: self.to + ms }
    }

    /// Both what this and the other one allow.
    pub(crate) fn join(self, other: Self) -> Self {
        Self { from: self.from.min(other.from), to: self.to.max(other.to) }
    }

    /// Whether this moment may lie at or before some moment of `now`.
    pub(crate) fn may_be_over(self, now: Self) -> bool {
        self.from <= now.to
    }

    /// Whether this moment lies at or before every moment of `now`.
    pub(crate) fn is_over(self, now: Self) -> bool {
        self.to <= now.from
    }

    /// Whether this moment may lie after some moment of `now`.
    pub(crate) fn may_lie_ahead(self, now: Self) -> bool {
        self.to > now.from
    }
}

/// Engine time as the rules say it goes: from the later of the wall clock and the last entry, along the monotonic clock.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock {
    monotonic_origin_ms: u64,
    engine_origin_ms: u64,
    last_ms: u64,
    offset_ms: i64,
    /// When nothing may expire, in order.
    doubts: Vec<Span>,
}

impl Clock {
    /// The store was opened, and found its last entry to be of `last_entry_ms`.
    pub(crate) fn open(&mut self, reading: Reading, last_entry_ms: Option<u64>) {
        let origin_ms = reading.wall_ms.max(last_entry_ms.unwrap_or(0));
        // A doubt is not written down: it ends with the process.
        self.doubts.retain(|doubt| doubt.from < origin_ms);
        self.doubts.iter_mut().for_each(|doubt| doubt.to = doubt.to.min(origin_ms - 1));
        let jump_ms = last_entry_ms.map_or(0, |last_ms| reading.wall_ms.saturating_sub(last_ms));
        if jump_ms > DOUBTFUL_JUMP_MS {
            self.doubts.push(Span { from: self.last_ms + 1, to: origin_ms + DOUBT_MS - 1 });
        }
        self.monotonic_origin_ms = reading.monotonic_ms;
        self.engine_origin_ms = origin_ms;
        self.last_ms = origin_ms;
        self.offset_ms = reading.wall_ms.cast_signed() - origin_ms.cast_signed();
    }

    pub(crate) fn now_ms(&mut self, reading: Reading) -> u64 {
        let elapsed_ms = reading.monotonic_ms - self.monotonic_origin_ms;
        self.last_ms = self.last_ms.max(self.engine_origin_ms + elapsed_ms);
        let offset_ms = reading.wall_ms.cast_signed() - self.last_ms.cast_signed();
        let jumped_ms = (offset_ms - self.offset_ms).max(0).cast_unsigned();
        self.offset_ms = offset_ms;
        if jumped_ms > DOUBTFUL_JUMP_MS {
            self.doubts.push(Span { from: self.last_ms, to: self.last_ms + DOUBT_MS - 1 });
        }
        self.last_ms
    }

    /// Whether something may have expired that was due from `from_ms` on, by `to_ms`.
    pub(crate) fn may_have_expired(&self, from_ms: u64, to_ms: u64) -> bool {
        let mut at_ms = from_ms;
        while at_ms <= to_ms {
            match self.doubts.iter().rev().find(|doubt| doubt.from <= at_ms && at_ms <= doubt.to) {
                Some(doubt) => at_ms = doubt.to + 1,
                None => return true,
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_expires_while_the_clock_is_in_doubt() {
        let mut clock = Clock::default();
        let at = |monotonic_ms, wall_ms| Reading { monotonic_ms, wall_ms };
        clock.open(at(0, 1_000_000), None);
        assert_eq!(clock.now_ms(at(50, 1_000_050)), 1_000_050);
        assert!(clock.may_have_expired(1_000_010, 1_000_050));
        clock.now_ms(at(60, 9_000_060));
        assert!(!clock.may_have_expired(1_000_060, 1_000_100));
        assert!(clock.may_have_expired(1_000_059, 1_000_100));
        assert!(clock.may_have_expired(1_000_060, 1_000_060 + DOUBT_MS));
    }

    #[test]
    fn a_jump_while_the_store_was_down_counts_from_its_last_entry() {
        let mut clock = Clock::default();
        let at = |monotonic_ms, wall_ms| Reading { monotonic_ms, wall_ms };
        clock.open(at(0, 1_000_000), None);
        clock.now_ms(at(500, 1_000_500));
        clock.open(at(600, 8_000_000), Some(1_000_400));
        assert!(!clock.may_have_expired(1_000_600, 8_000_000 + DOUBT_MS - 1));
        assert!(clock.may_have_expired(1_000_600, 8_000_000 + DOUBT_MS));
    }
}
