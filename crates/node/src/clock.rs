//! Engine time: starts at the later of the wall clock and the last entry's time, and follows the monotonic clock.

use bongsu_engine::Moment;

/// A jump of the wall clock over this much, compared with the engine's time, puts the clock in doubt.
const DOUBTFUL_JUMP_MS: u64 = 3_600_000;
/// How long nothing expires after such a jump, so that somebody can look.
const DOUBT_MS: u64 = 900_000;

/// What the clocks of the machine say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Monotonic, from any origin. Milliseconds.
    pub monotonic_ms: u64,
    /// Milliseconds since 1970.
    pub wall_ms: u64,
}

/// Turns readings into moments that never go back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EngineClock {
    monotonic_origin_ms: u64,
    engine_origin_ms: u64,
    last_ms: u64,
    /// Wall time less engine time, as last seen; a sudden change is a jump.
    offset_ms: i64,
    doubt_until_ms: u64,
}

/// The wall clock jumped forward by so many milliseconds; expiry is suspended for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Jump(pub(crate) u64);

impl EngineClock {
    /// `last_ms` is the time of the last entry, if there is one.
    pub(crate) fn start(reading: Reading, last_ms: Option<u64>) -> (Self, Option<Jump>) {
        let engine_origin_ms = reading.wall_ms.max(last_ms.unwrap_or(0));
        let mut clock = Self {
            monotonic_origin_ms: reading.monotonic_ms,
            engine_origin_ms,
            last_ms: engine_origin_ms,
            offset_ms: reading.wall_ms.cast_signed() - engine_origin_ms.cast_signed(),
            doubt_until_ms: 0,
        };
        let jump = last_ms
            .map(|last_ms| reading.wall_ms.saturating_sub(last_ms))
            .filter(|ms| *ms > DOUBTFUL_JUMP_MS);
        if jump.is_some() {
            clock.doubt_until_ms = engine_origin_ms + DOUBT_MS;
        }
        (clock, jump.map(Jump))
    }

    pub(crate) fn moment(&mut self, reading: Reading) -> (Moment, Option<Jump>) {
        let elapsed_ms = reading.monotonic_ms.saturating_sub(self.monotonic_origin_ms);
        self.last_ms = self.last_ms.max(self.engine_origin_ms + elapsed_ms);
        let offset_ms = reading.wall_ms.cast_signed() - self.last_ms.cast_signed();
        let jumped_ms = (offset_ms - self.offset_ms).max(0).cast_unsigned();
        self.offset_ms = offset_ms;
        let jump = (jumped_ms > DOUBTFUL_JUMP_MS).then_some(Jump(jumped_ms));
        if jump.is_some() {
            self.doubt_until_ms = self.last_ms + DOUBT_MS;
        }
        let expire = self.last_ms >= self.doubt_until_ms;
        (Moment { now_ms: self.last_ms, wall_ms: reading.wall_ms, expire }, jump)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(monotonic_ms: u64, wall_ms: u64) -> Reading {
        Reading { monotonic_ms, wall_ms }
    }

    #[test]
    fn never_goes_back_and_follows_the_monotonic_clock() {
        let (mut clock, jump) = EngineClock::start(at(10, 5_000), Some(9_000));
        assert_eq!(jump, None);
        assert_eq!(clock.moment(at(10, 5_000)).0.now_ms, 9_000);
        assert_eq!(clock.moment(at(40, 1_000)).0, Moment { now_ms: 9_030, wall_ms: 1_000, expire: true });
        assert_eq!(clock.moment(at(20, 9_999)).0.now_ms, 9_030);
    }

    #[test]
    fn a_jump_forward_suspends_expiry_for_a_while() {
        let (mut clock, jump) = EngineClock::start(at(0, 20_000_000), Some(1_000));
        assert_eq!(jump, Some(Jump(19_999_000)));
        assert!(!clock.moment(at(5, 20_000_005)).0.expire);
        assert!(clock.moment(at(DOUBT_MS, 20_000_000 + DOUBT_MS)).0.expire);
        let (moment, jump) = clock.moment(at(DOUBT_MS + 1, 40_000_000));
        assert!(!moment.expire && jump.is_some());
        assert_eq!(clock.moment(at(DOUBT_MS + 2, 40_000_001)).1, None);
    }
}
