//! The wall clock, for the SentTimestamp of stored messages. Everything with a deadline follows the engine's time
//! instead.

use std::time::UNIX_EPOCH;

/// Milliseconds since 1970. A clock before 1970 counts as 1970.
#[expect(clippy::disallowed_methods, reason = "the edge stamps messages with the time that clients will see")]
pub(crate) fn wall_ms() -> u64 {
    let since_1970 = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}
