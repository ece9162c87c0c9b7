//! The clocks of the load generator: when requests begin and end, the date in signatures, and waiting for a moment.

use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant, SystemTime};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

#[expect(clippy::disallowed_methods, reason = "measuring is what a load generator is for")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// Seconds since 1970, for signatures.
#[expect(clippy::disallowed_methods, reason = "a signature carries the date")]
pub(super) fn unix_time() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
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

/// `20130524T000000Z`, the form in signatures.
pub(super) fn amz_date(unix_seconds: u64) -> String {
    let (days, second) = (unix_seconds / 86_400, unix_seconds % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// Year, month and day of a day counted from 1 January 1970. Years are counted from March, so that the leap day comes
/// last and the months' lengths follow a line.
fn civil(days: u64) -> (u64, u64, u64) {
    const DAYS_TO_1970: u64 = 719_468;
    const DAYS_IN_400_YEARS: u64 = 146_097;
    let days = days + DAYS_TO_1970;
    let (era, day_of_era) = (days / DAYS_IN_400_YEARS, days % DAYS_IN_400_YEARS);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::{Timer, amz_date, now};
    use std::time::Duration;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (unix_seconds, date) in [
            (0, "19700101T000000Z"),
            (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"),
            (1_369_353_600, "20130524T000000Z"),
            (1_735_689_599, "20241231T235959Z"),
            (4_107_542_400, "21000301T000000Z"),
        ] {
            assert_eq!(amz_date(unix_seconds), date);
        }
    }

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
