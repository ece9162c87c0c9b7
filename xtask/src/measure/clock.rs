//! The clock of measurements.

use std::time::{Duration, Instant};

#[expect(clippy::disallowed_methods, reason = "measures real processes")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "there is nothing to wait for but time")]
pub(crate) fn sleep(duration: Duration) {
    std::thread::sleep(duration);
}
