//! Who has signed in. Kept in memory: a restart ends all sessions.

use bongsu_server::desk::Badge;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A session ends so long after it began,
const MAX_AGE: Duration = Duration::from_secs(12 * 60 * 60);
/// and so long after its last request.
const MAX_IDLE: Duration = Duration::from_secs(60 * 60);
/// Sessions at a time; beyond, the one that was not used for longest makes room.
const MAX_SESSIONS: usize = 1000;
/// Failed attempts of an address within a minute, beyond which there are no more.
const MAX_FAILURES: u32 = 10;
const FAILURES_SPAN: Duration = Duration::from_secs(60);
/// Above so many addresses those are forgotten whose minute is over.
const MAX_ADDRESSES: usize = 10_000;

/// What a browser shows to be let in: 256 random bits.
pub(crate) type Token = [u8; 32];

/// All sessions, and who failed to begin one.
#[derive(Default)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<Token, Session>>,
    failures: Mutex<HashMap<IpAddr, Failures>>,
}

struct Session {
    badge: Badge,
    since: Instant,
    last: Instant,
}

struct Failures {
    since: Instant,
    count: u32,
}

impl Session {
    fn is_over(&self, now: Instant) -> bool {
        now - self.since >= MAX_AGE || now - self.last >= MAX_IDLE
    }
}

impl Sessions {
    /// Begins a session with a token that nobody else has.
    pub(crate) fn begin(&self, now: Instant, token: Token, badge: Badge) {
        let mut open = lock(&self.open);
        if open.len() >= MAX_SESSIONS {
            open.retain(|_, session| !session.is_over(now));
        }
        while open.len() >= MAX_SESSIONS {
            let Some(oldest) = open.iter().min_by_key(|(_, session)| session.last).map(|(token, _)| *token)
            else {
                break;
            };
            open.remove(&oldest);
        }
        open.insert(token, Session { badge, since: now, last: now });
    }

    /// Who a session is of; using it keeps it from growing idle.
    pub(crate) fn badge(&self, now: Instant, token: &Token) -> Option<Badge> {
        let mut open = lock(&self.open);
        let session = open.get_mut(token)?;
        if session.is_over(now) {
            open.remove(token);
            return None;
        }
        session.last = now;
        Some(session.badge.clone())
    }

    /// The same without counting as use: a page that is left open must not keep a session for ever.
    pub(crate) fn look(&self, now: Instant, token: &Token) -> Option<Badge> {
        lock(&self.open)
            .get(token)
            .filter(|session| !session.is_over(now))
            .map(|session| session.badge.clone())
    }

    /// Ends a session.
    pub(crate) fn end(&self, token: &Token) {
        lock(&self.open).remove(token);
    }

    /// Lets an address try to sign in, and counts that as a failure until it is said to be none; `false`: it has to wait.
    pub(crate) fn begin_attempt(&self, now: Instant, address: IpAddr) -> bool {
        let mut failures = lock(&self.failures);
        if failures.len() >= MAX_ADDRESSES {
            failures.retain(|_, failures| now - failures.since < FAILURES_SPAN);
        }
        let found = failures.entry(network(address)).or_insert(Failures { since: now, count: 0 });
        if now - found.since >= FAILURES_SPAN {
            *found = Failures { since: now, count: 0 };
        }
        let may_try = found.count < MAX_FAILURES;
        found.count += u32::from(may_try);
        may_try
    }

    /// The last attempt of an address was none that failed.
    pub(crate) fn forgive(&self, address: IpAddr) {
        if let Some(found) = lock(&self.failures).get_mut(&network(address)) {
            found.count = found.count.saturating_sub(1);
        }
    }
}

/// What one client may choose addresses from: with IPv6 a network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let bits = u128::from(address) >> 64 << 64;
            IpAddr::V6(bits.into())
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing is left half done by a panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{MAX_FAILURES, MAX_SESSIONS, Sessions, Token};
    use bongsu_server::desk::Badge;
    use std::net::IpAddr;
    use std::time::Duration;
    use tokio::time::Instant;

    const MINUTE: Duration = Duration::from_secs(60);

    fn token(number: usize) -> Token {
        let mut token = [0; 32];
        token[..8].copy_from_slice(&number.to_le_bytes());
        token
    }

    fn badge() -> Badge {
        Badge::of("AKIAAAAAAAAAAAAAAAAA")
    }

    #[test]
    fn a_session_ends_when_it_is_not_used() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        sessions.begin(start, token(1), badge());
        assert!(sessions.badge(start + 59 * MINUTE, &token(1)).is_some());
        assert!(sessions.look(start + 118 * MINUTE, &token(1)).is_some(), "used in between");
        assert!(sessions.look(start + 119 * MINUTE, &token(1)).is_none(), "a look is no use");
        assert!(sessions.badge(start + 119 * MINUTE, &token(1)).is_none());
        assert!(sessions.badge(start, &token(2)).is_none(), "nobody's");
    }

    #[test]
    fn a_session_ends_after_half_a_day_however_it_is_used() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        sessions.begin(start, token(1), badge());
        for half_hours in 1..24 {
            assert!(sessions.badge(start + half_hours * 30 * MINUTE, &token(1)).is_some(), "{half_hours}");
        }
        assert!(sessions.badge(start + 24 * 30 * MINUTE, &token(1)).is_none());
    }

    #[test]
    fn whoever_signs_out_is_out() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        sessions.begin(start, token(1), badge());
        sessions.end(&token(1));
        assert!(sessions.badge(start, &token(1)).is_none());
    }

    #[test]
    fn the_session_that_was_not_used_for_longest_makes_room() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        let at = |number: usize| start + Duration::from_millis(number as u64);
        for number in 0..MAX_SESSIONS {
            sessions.begin(at(number), token(number), badge());
        }
        let now = at(MAX_SESSIONS);
        sessions.badge(now, &token(0));
        sessions.begin(now, token(MAX_SESSIONS), badge());
        assert!(sessions.look(now, &token(0)).is_some() && sessions.look(now, &token(1)).is_none());
        assert!(sessions.look(now, &token(MAX_SESSIONS)).is_some());
    }

    #[test]
    fn who_guesses_has_to_wait() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        let tries = |now, text: &str| sessions.begin_attempt(now, text.parse::<IpAddr>().unwrap());
        for _ in 0..MAX_FAILURES {
            assert!(tries(start, "2001:db8::1"));
        }
        assert!(!tries(start, "2001:db8::ffff"), "the same network");
        assert!(tries(start, "2001:db8:0:1::1") && tries(start, "10.0.0.1"));
        sessions.forgive("2001:db8::1".parse().unwrap());
        assert!(tries(start, "2001:db8::1"), "one of them was right");
        assert!(!tries(start + MINUTE - Duration::from_millis(1), "2001:db8::1"));
        assert!(tries(start + MINUTE, "2001:db8::1"), "counted anew");
    }
}
