//! Who has signed in. Kept in memory: a restart ends all sessions.

use crate::places::network;
use bongsu_server::desk::Badge;
use std::collections::HashMap;
use std::hash::Hash;
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
/// The same of one access key: nobody pushes others out by signing in again and again.
const MAX_SESSIONS_OF_KEY: usize = 20;
/// Failed attempts of an address with one access key within a minute, beyond which there are no more.
const MAX_FAILURES: u32 = 10;
/// The same with all access keys.
const MAX_FAILURES_OF_NETWORK: u32 = 100;
const FAILURES_SPAN: Duration = Duration::from_secs(60);
/// So many counts of failures are kept; beyond, the oldest makes room.
const MAX_COUNTS: usize = 10_000;
/// Of what is no access key's id, for being longer, the attempts count as those with none.
const MAX_KEY_ID_BYTES: usize = 128;

/// What a browser shows to be let in: 256 random bits.
pub(crate) type Token = [u8; 32];

/// All sessions, and who failed to begin one.
#[derive(Default)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<Token, Session>>,
    /// By network and access key's id; without one, all of the network's.
    failures: Mutex<HashMap<(IpAddr, Option<String>), Failures>>,
}

struct Session {
    badge: Badge,
    /// Where it began; a token that turns up elsewhere was stolen.
    network: IpAddr,
    since: Instant,
    last: Instant,
}

struct Failures {
    since: Instant,
    count: u32,
}

impl Session {
    fn is_of(&self, now: Instant, address: IpAddr) -> bool {
        !self.is_over(now) && self.network == network(address)
    }

    fn is_over(&self, now: Instant) -> bool {
        now - self.since >= MAX_AGE || now - self.last >= MAX_IDLE
    }
}

impl Sessions {
    /// Begins a session with a token that nobody else has, for who comes from this address.
    pub(crate) fn begin(&self, now: Instant, token: Token, badge: Badge, address: IpAddr) {
        let mut open = lock(&self.open);
        let own = |(_, session): &(&Token, &Session)| session.badge.key_id() == badge.key_id();
        if open.iter().filter(own).count() >= MAX_SESSIONS_OF_KEY {
            let oldest = open.iter().filter(own).min_by_key(|(_, session)| session.since);
            if let Some(oldest) = oldest.map(|(token, _)| *token) {
                open.remove(&oldest);
            }
        }
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
        open.insert(token, Session { badge, network: network(address), since: now, last: now });
    }

    /// Who a session is of; using it keeps it from growing idle.
    pub(crate) fn badge(&self, now: Instant, token: &Token, address: IpAddr) -> Option<Badge> {
        let mut open = lock(&self.open);
        let session = open.get_mut(token)?;
        if session.is_over(now) {
            open.remove(token);
            return None;
        }
        if !session.is_of(now, address) {
            return None;
        }
        session.last = now;
        Some(session.badge.clone())
    }

    /// The same without counting as use: a page that is left open must not keep a session for ever.
    pub(crate) fn look(&self, now: Instant, token: &Token, address: IpAddr) -> Option<Badge> {
        lock(&self.open)
            .get(token)
            .filter(|session| session.is_of(now, address))
            .map(|session| session.badge.clone())
    }

    /// Ends a session.
    pub(crate) fn end(&self, token: &Token) {
        lock(&self.open).remove(token);
    }

    /// Lets an address try to sign in with a key, and counts that as a failure until it is said to be none; `false`: it has to wait.
    pub(crate) fn begin_attempt(&self, now: Instant, address: IpAddr, key_id: &str) -> bool {
        let mut failures = lock(&self.failures);
        let counts = counts(address, key_id);
        let may_try = counts.iter().all(|(whose, max)| {
            let recent = failures.get(whose).filter(|found| now - found.since < FAILURES_SPAN);
            recent.is_none_or(|found| found.count < *max)
        });
        if !may_try {
            return false;
        }
        for (whose, _) in counts {
            make_room(&mut failures, now, &whose);
            let found = failures.entry(whose).or_insert(Failures { since: now, count: 0 });
            if now - found.since >= FAILURES_SPAN {
                *found = Failures { since: now, count: 0 };
            }
            found.count += 1;
        }
        true
    }

    /// The last attempt of an address with a key was none that failed.
    pub(crate) fn forgive(&self, address: IpAddr, key_id: &str) {
        let mut failures = lock(&self.failures);
        for (whose, _) in counts(address, key_id) {
            if let Some(found) = failures.get_mut(&whose) {
                found.count = found.count.saturating_sub(1);
            }
        }
    }
}

/// What an attempt counts for, and how many of these may fail.
fn counts(address: IpAddr, key_id: &str) -> [((IpAddr, Option<String>), u32); 2] {
    let key_id = if key_id.len() <= MAX_KEY_ID_BYTES { key_id } else { "" };
    let network = network(address);
    [((network, Some(key_id.to_owned())), MAX_FAILURES), ((network, None), MAX_FAILURES_OF_NETWORK)]
}

fn make_room<K: Clone + Eq + Hash>(failures: &mut HashMap<K, Failures>, now: Instant, whose: &K) {
    if failures.len() < MAX_COUNTS || failures.contains_key(whose) {
        return;
    }
    failures.retain(|_, found| now - found.since < FAILURES_SPAN);
    if failures.len() >= MAX_COUNTS {
        let oldest = failures.iter().min_by_key(|(_, found)| found.since).map(|(whose, _)| whose.clone());
        oldest.and_then(|oldest| failures.remove(&oldest));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing is left half done by a panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{
        MAX_COUNTS, MAX_FAILURES, MAX_FAILURES_OF_NETWORK, MAX_SESSIONS, MAX_SESSIONS_OF_KEY, Sessions,
        Token, lock,
    };
    use bongsu_server::desk::Badge;
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;
    use tokio::time::Instant;

    const MINUTE: Duration = Duration::from_secs(60);
    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

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
        sessions.begin(start, token(1), badge(), HERE);
        assert!(sessions.badge(start + 59 * MINUTE, &token(1), HERE).is_some());
        assert!(sessions.look(start + 118 * MINUTE, &token(1), HERE).is_some(), "used in between");
        assert!(sessions.look(start + 119 * MINUTE, &token(1), HERE).is_none(), "a look is no use");
        assert!(sessions.badge(start + 119 * MINUTE, &token(1), HERE).is_none());
        assert!(sessions.badge(start, &token(2), HERE).is_none(), "nobody's");
    }

    #[test]
    fn a_session_ends_after_half_a_day_however_it_is_used() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        sessions.begin(start, token(1), badge(), HERE);
        for half_hours in 1..24 {
            assert!(
                sessions.badge(start + half_hours * 30 * MINUTE, &token(1), HERE).is_some(),
                "{half_hours}"
            );
        }
        assert!(sessions.badge(start + 24 * 30 * MINUTE, &token(1), HERE).is_none());
    }

    #[test]
    fn whoever_signs_out_is_out() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        sessions.begin(start, token(1), badge(), HERE);
        sessions.end(&token(1));
        assert!(sessions.badge(start, &token(1), HERE).is_none());
    }

    #[test]
    fn the_session_that_was_not_used_for_longest_makes_room() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        let at = |number: usize| start + Duration::from_millis(number as u64);
        for number in 0..MAX_SESSIONS {
            sessions.begin(at(number), token(number), Badge::of(&number.to_string()), HERE);
        }
        let now = at(MAX_SESSIONS);
        sessions.badge(now, &token(0), HERE);
        sessions.begin(now, token(MAX_SESSIONS), badge(), HERE);
        assert!(
            sessions.look(now, &token(0), HERE).is_some() && sessions.look(now, &token(1), HERE).is_none()
        );
        assert!(sessions.look(now, &token(MAX_SESSIONS), HERE).is_some());
    }

    #[test]
    fn a_key_has_so_many_sessions_and_its_oldest_makes_room() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        let at = |number: usize| start + Duration::from_millis(number as u64);
        sessions.begin(start, token(1000), Badge::of("AKIABBBBBBBBBBBBBBBB"), HERE);
        for number in 0..=MAX_SESSIONS_OF_KEY {
            sessions.begin(at(number), token(number), badge(), HERE);
        }
        let now = at(MAX_SESSIONS_OF_KEY);
        assert!(sessions.look(now, &token(0), HERE).is_none());
        for number in (1..=MAX_SESSIONS_OF_KEY).chain([1000]) {
            assert!(sessions.look(now, &token(number), HERE).is_some(), "{number}");
        }
    }

    #[test]
    fn a_token_is_of_no_use_elsewhere() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        sessions.begin(now, token(1), badge(), address("2001:db8::1"));
        for elsewhere in ["2001:db8:0:1::1", "127.0.0.1"] {
            assert!(sessions.badge(now, &token(1), address(elsewhere)).is_none(), "{elsewhere}");
            assert!(sessions.look(now, &token(1), address(elsewhere)).is_none(), "{elsewhere}");
        }
        assert!(sessions.badge(now, &token(1), address("2001:db8::2")).is_some(), "the same network");
    }

    #[test]
    fn who_guesses_has_to_wait() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        let tries =
            |now, text: &str, key: &str| sessions.begin_attempt(now, text.parse::<IpAddr>().unwrap(), key);
        for _ in 0..MAX_FAILURES {
            assert!(tries(start, "2001:db8::1", "A"));
        }
        assert!(!tries(start, "2001:db8::ffff", "A"), "the same network");
        assert!(tries(start, "2001:db8::1", "B"), "another key");
        assert!(tries(start, "2001:db8:0:1::1", "A") && tries(start, "10.0.0.1", "A"));
        sessions.forgive("2001:db8::1".parse().unwrap(), "A");
        assert!(tries(start, "2001:db8::1", "A"), "one of them was right");
        assert!(!tries(start + MINUTE - Duration::from_millis(1), "2001:db8::1", "A"));
        assert!(tries(start + MINUTE, "2001:db8::1", "A"), "counted anew");
    }

    #[test]
    fn who_guesses_with_many_keys_has_to_wait_too() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        for number in 0..MAX_FAILURES_OF_NETWORK {
            assert!(sessions.begin_attempt(start, HERE, &number.to_string()), "{number}");
        }
        assert!(!sessions.begin_attempt(start, HERE, "another"));
        assert!(sessions.begin_attempt(start + MINUTE, HERE, "another"));
    }

    #[test]
    fn counts_of_failures_take_so_much_room_and_no_more() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        for number in 0..MAX_COUNTS as u32 {
            let address = IpAddr::from(Ipv4Addr::from(number));
            assert!(sessions.begin_attempt(start, address, &"x".repeat(1000)), "{number}");
        }
        let failures = lock(&sessions.failures);
        assert_eq!(failures.len(), MAX_COUNTS);
        assert!(failures.keys().flat_map(|(_, key_id)| key_id).all(String::is_empty));
    }
}
