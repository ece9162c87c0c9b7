//! The clocks of the load generator: when requests begin and end, and waiting for a moment.

use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

#[expect(clippy::disallowed_methods, reason = "measuring is what a load generator is for")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// Waits before a request is tried again.
#[expect(
    clippy::disallowed_methods,
    reason = "a server that refuses needs rest, and nothing says when it had enough"
)]
pub(super) async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// A timer of nanoseconds. Tokio's are late by up to a millisecond, which an open loop would count as latency.
pub(super) struct Timer(AsyncFd<OwnedFd>);

impl Timer {
    /// # Errors
    /// No descriptors are left.
    #[expect(
        deprecated,
        reason = "an OwnedFd stays open and the same while it is held, which is all that the unsafe successor asks for"
    )]
    pub(super) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let fd = rustix::time::timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(Self(AsyncFd::with_interest(fd, Interest::READABLE)?))
    }

    /// Returns at `at`, at once if that is over.
    ///
    /// # Errors
    /// The timer can't be set.
    pub(super) async fn until(&self, at: Instant) -> io::Result<()> {
        let wait = at.saturating_duration_since(now());
        if wait.is_zero() {
            return Ok(());
        }
        let it_value = Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: i64::from(wait.subsec_nanos()) };
        let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        let once = Itimerspec { it_interval, it_value };
        rustix::time::timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &once)?;
        loop {
            let mut ready = self.0.readable().await?;
            let read = ready.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), &mut [0u8; 8])?));
            match read {
                Ok(result) => return result.map(|_| ()),
                // Readiness of an earlier wait.
                Err(_) => continue,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Timer, now};
    use std::time::Duration;

    #[tokio::test]
    async fn a_timer_is_neither_early_nor_a_millisecond_late_as_a_rule() {
        let timer = Timer::new().unwrap();
        let mut late = Vec::new();
        for _ in 0..20 {
            let at = now() + Duration::from_micros(1_300);
            timer.until(at).await.unwrap();
            late.push(now().checked_duration_since(at).expect("not early"));
        }
        late.sort();
        assert!(late[5] < Duration::from_millis(1), "{late:?}");
        timer.until(now()).await.unwrap();
    }
}
