//! The wall clock, for the SentTimestamp of stored messages. Everything with a deadline follows the engine's time
//! instead. And a clock that only goes forward, for how long requests take.

use bongsu_auth::signature::Timestamp;
use std::time::{Instant, UNIX_EPOCH};

/// Measures how long things take. Copies agree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    /// One that begins now.
    #[expect(clippy::disallowed_methods, reason = "the edge measures its requests")]
    pub(crate) fn start() -> Self {
        Self { origin: Instant::now() }
    }

    /// Nanoseconds since it began.
    #[expect(clippy::disallowed_methods, reason = "the edge measures its requests")]
    pub(crate) fn now_ns(self) -> u64 {
        u64::try_from(Instant::now().saturating_duration_since(self.origin).as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Milliseconds since 1970. A clock before 1970 counts as 1970.
#[expect(clippy::disallowed_methods, reason = "the edge stamps messages with the time that clients will see")]
pub(crate) fn wall_ms() -> u64 {
    let since_1970 = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}

/// Nanoseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "traces of several programs are put in order by their clocks")]
pub(crate) fn wall_ns() -> u64 {
    let since_1970 = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX)
}

/// `2026-11-21T10:30:00Z`.
pub(crate) fn rfc3339(epoch_s: u64) -> String {
    format!("{}Z", date_and_time(epoch_s))
}

/// `2026-11-21T10:30:00.123Z`.
pub(crate) fn rfc3339_ms(epoch_ms: u64) -> String {
    format!("{}.{:03}Z", date_and_time(epoch_ms / 1000), epoch_ms % 1000)
}

fn date_and_time(epoch_s: u64) -> String {
    let basic = Timestamp::from_epoch_s(i64::try_from(epoch_s).unwrap_or(i64::MAX));
    // `20261121T103000Z`: digits everywhere but in two places.
    let part = |from: usize, to: usize| basic.as_str().get(from..to).unwrap_or_default();
    format!("{}-{}-{}T{}:{}:{}", part(0, 4), part(4, 6), part(6, 8), part(9, 11), part(11, 13), part(13, 15))
}

#[cfg(test)]
mod tests {
    use super::{rfc3339, rfc3339_ms};

    #[test]
    fn dates_are_shown_as_in_rfc_3339() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_709_164_805), "2024-02-29T00:00:05Z");
        assert_eq!(rfc3339_ms(1_735_689_599_007), "2024-12-31T23:59:59.007Z");
    }
}
