//! Who receives from a queue: the last few, for people who look for the one that doesn't.

use crate::access::Caller;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// So many are remembered of one queue, and of all together.
const MAX_OF_QUEUE: usize = 32;
const MAX_OF_ALL: usize = 10_000;
/// What of a user agent is kept.
const MAX_AGENT_BYTES: usize = 200;
/// Where a queue has more receivers, who was not seen for so long makes room. Others don't: a crowd in which everybody is busy would
/// take turns at every receive, and nobody's rate would say anything.
const IDLE_NS: u64 = 30 * 1_000_000_000;
/// Who was not seen for so long is forgotten.
const FORGOTTEN_NS: u64 = 300 * 1_000_000_000;

/// Somebody who receives from a queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Consumer {
    /// Where the requests come from.
    pub address: IpAddr,
    /// What the client calls itself: printable ASCII, at most 200 bytes.
    pub user_agent: String,
    /// The caller's ARN, or `anonymous`.
    pub principal: String,
    /// Long polls that wait at the moment, those that wait for less than a tenth of a second aside.
    pub waiting: u32,
    /// Receives a second, over the last ten to twenty seconds.
    pub receives_per_second: f64,
    /// When the last receive came, wall time, milliseconds since 1970.
    pub last_seen_ms: u64,
}

/// Who receives from one queue.
#[derive(Debug)]
pub(super) struct Consumers {
    list: Mutex<Vec<Noted>>,
    /// How many are noted at all queues.
    of_all: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Noted {
    address: IpAddr,
    /// As it came, so that it can be compared; shortened.
    user_agent: Box<[u8]>,
    account: Box<str>,
    access_key_id: Option<Box<str>>,
    principal: Box<str>,
    waiting: u32,
    last_seen_ns: u64,
    receives: u64,
    /// At the last two samples: when, and how many receives there had been.
    samples: [(u64, u64); 2],
}

impl Noted {
    fn is(&self, caller: &Caller, user_agent: &[u8]) -> bool {
        self.address == caller.address
            && *self.user_agent == *user_agent
            && *self.account == *caller.account
            && self.access_key_id.as_deref() == caller.access_key_id()
    }

    fn new(caller: &Caller, user_agent: &[u8], now_ns: u64) -> Self {
        Self {
            address: caller.address,
            user_agent: user_agent.into(),
            account: caller.account.as_str().into(),
            access_key_id: caller.access_key_id().map(Into::into),
            principal: caller.arn().into(),
            waiting: 0,
            last_seen_ns: now_ns,
            receives: 0,
            samples: [(now_ns, 0); 2],
        }
    }

    fn is_idle(&self, now_ns: u64) -> bool {
        self.waiting == 0 && now_ns.saturating_sub(self.last_seen_ns) >= IDLE_NS
    }

    fn receives_per_second(&self, now_ns: u64) -> f64 {
        let (then_ns, before) = self.samples[0];
        let seconds = now_ns.saturating_sub(then_ns) as f64 / 1e9;
        // In the first seconds a rate would say little.
        (self.receives - before) as f64 / seconds.max(10.0)
    }
}

impl Consumers {
    pub(super) fn new(of_all: Arc<AtomicUsize>) -> Self {
        Self { list: Mutex::default(), of_all }
    }

    /// Somebody receives.
    pub(super) fn note(&self, caller: &Caller, user_agent: &[u8], now_ns: u64) {
        let user_agent = shortened(user_agent);
        let mut list = self.list();
        if let Some(noted) = self.find(&mut list, caller, user_agent, now_ns) {
            noted.receives += 1;
            noted.last_seen_ns = now_ns;
        }
    }

    /// Somebody waits for messages, or doesn't any more.
    pub(super) fn wait(&self, caller: &Caller, user_agent: &[u8], now_ns: u64, begins: bool) {
        let user_agent = shortened(user_agent);
        let mut list = self.list();
        if let Some(noted) = list.iter_mut().find(|noted| noted.is(caller, user_agent)) {
            noted.waiting = if begins { noted.waiting + 1 } else { noted.waiting.saturating_sub(1) };
            noted.last_seen_ns = noted.last_seen_ns.max(now_ns);
        }
    }

    fn find<'a>(
        &self,
        list: &'a mut Vec<Noted>,
        caller: &Caller,
        user_agent: &[u8],
        now_ns: u64,
    ) -> Option<&'a mut Noted> {
        let found = list.iter().position(|noted| noted.is(caller, user_agent));
        if let Some(index) = found {
            return list.get_mut(index);
        }
        if list.len() >= MAX_OF_QUEUE {
            let idle = list.iter_mut().filter(|noted| noted.is_idle(now_ns));
            let longest_unseen = idle.min_by_key(|noted| noted.last_seen_ns)?;
            *longest_unseen = Noted::new(caller, user_agent, now_ns);
            return Some(longest_unseen);
        }
        if self.of_all.fetch_add(1, Ordering::Relaxed) >= MAX_OF_ALL {
            self.of_all.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        list.push(Noted::new(caller, user_agent, now_ns));
        list.last_mut()
    }

    /// Takes a sample for the rates, and forgets who was not seen for long.
    pub(super) fn sample(&self, now_ns: u64) {
        let mut list = self.list();
        let before = list.len();
        list.retain(|noted| noted.waiting > 0 || now_ns.saturating_sub(noted.last_seen_ns) < FORGOTTEN_NS);
        self.of_all.fetch_sub(before - list.len(), Ordering::Relaxed);
        for noted in &mut *list {
            noted.samples = [noted.samples[1], (now_ns, noted.receives)];
        }
    }

    /// Those noted, the last seen first; `wall_ms` is the time at `now_ns`.
    pub(super) fn show(&self, now_ns: u64, wall_ms: u64) -> Vec<Consumer> {
        let list = self.list();
        let mut shown: Vec<_> = list
            .iter()
            .map(|noted| Consumer {
                address: noted.address,
                user_agent: printable(&noted.user_agent),
                principal: noted.principal.to_string(),
                waiting: noted.waiting,
                receives_per_second: noted.receives_per_second(now_ns),
                last_seen_ms: wall_ms.saturating_sub(now_ns.saturating_sub(noted.last_seen_ns) / 1_000_000),
            })
            .collect();
        shown.sort_by_key(|consumer| std::cmp::Reverse(consumer.last_seen_ms));
        shown
    }

    fn list(&self) -> MutexGuard<'_, Vec<Noted>> {
        // Entries are changed one by one.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Consumers {
    fn drop(&mut self) {
        let noted = self.list().len();
        self.of_all.fetch_sub(noted, Ordering::Relaxed);
    }
}

fn shortened(user_agent: &[u8]) -> &[u8] {
    user_agent.get(..MAX_AGENT_BYTES).unwrap_or(user_agent)
}

/// As it can be shown anywhere: a client may call itself whatever it likes.
fn printable(text: &[u8]) -> String {
    text.iter().map(|byte| if (b' '..=b'~').contains(byte) { char::from(*byte) } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{Consumers, FORGOTTEN_NS, IDLE_NS, MAX_OF_ALL, MAX_OF_QUEUE};
    use crate::access::Caller;
    use std::net::IpAddr;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const SECOND_NS: u64 = 1_000_000_000;

    fn caller(number: u8) -> Caller {
        let address = IpAddr::from([10, 0, 0, number]);
        Caller { address, ..Caller::unchecked("000000000000", "us-east-1") }
    }

    fn consumers() -> (Consumers, Arc<AtomicUsize>) {
        let of_all = Arc::new(AtomicUsize::new(0));
        (Consumers::new(Arc::clone(&of_all)), of_all)
    }

    #[test]
    fn receivers_are_told_apart_by_address_and_agent() {
        let (consumers, of_all) = consumers();
        for second in 0..20 {
            consumers.note(&caller(1), b"boto3", second * SECOND_NS);
        }
        consumers.note(&caller(1), b"aws-cli\x00\xff\n", 20 * SECOND_NS);
        consumers.note(&caller(2), b"boto3", 21 * SECOND_NS);
        consumers.wait(&caller(1), b"boto3", 22 * SECOND_NS, true);
        let shown = consumers.show(22 * SECOND_NS, 1_000_000);
        let brief: Vec<_> = shown
            .iter()
            .map(|c| (c.address.to_string(), c.user_agent.as_str(), c.waiting, c.last_seen_ms))
            .collect();
        assert_eq!(
            brief,
            [
                ("10.0.0.1".to_owned(), "boto3", 1, 1_000_000),
                ("10.0.0.2".to_owned(), "boto3", 0, 999_000),
                ("10.0.0.1".to_owned(), "aws-cli???", 0, 998_000),
            ]
        );
        assert_eq!(shown[0].principal, "arn:aws:iam::000000000000:root");
        assert_eq!(of_all.load(Ordering::Relaxed), 3);
        consumers.wait(&caller(1), b"boto3", 22 * SECOND_NS, false);
        assert_eq!(consumers.show(22 * SECOND_NS, 1_000_000)[0].waiting, 0);
    }

    #[test]
    fn rates_follow_the_last_seconds() {
        let (consumers, _) = consumers();
        for second in 0..60 {
            if second < 30 {
                for _ in 0..5 {
                    consumers.note(&caller(1), b"x", second * SECOND_NS);
                }
            }
            if second % 10 == 0 {
                consumers.sample(second * SECOND_NS);
            }
            let rate = consumers.show(second * SECOND_NS, 0)[0].receives_per_second;
            match second {
                15..30 => assert!((4.0..=5.5).contains(&rate), "{rate} in second {second}"),
                50.. => assert_eq!(rate, 0.0),
                _ => {}
            }
        }
    }

    #[test]
    fn the_longest_unseen_makes_room_but_not_who_waits_or_is_busy() {
        let (consumers, of_all) = consumers();
        for number in 0..MAX_OF_QUEUE as u8 {
            consumers.note(&caller(number), b"x", u64::from(number));
        }
        consumers.wait(&caller(0), b"x", 0, true);
        let has = |number: u8| {
            let shown = consumers.show(IDLE_NS + 1, 0);
            assert_eq!(shown.len(), MAX_OF_QUEUE);
            shown.iter().any(|consumer| consumer.address == caller(number).address)
        };
        // All of them were there in the last seconds.
        consumers.note(&caller(200), b"x", IDLE_NS);
        assert!(!has(200) && has(0) && has(1));
        consumers.note(&caller(200), b"x", IDLE_NS + 1);
        assert!(has(200) && has(0) && !has(1) && has(2));
        consumers.note(&caller(201), b"x", IDLE_NS + 1);
        assert!(!has(201) && has(200) && has(2));
        assert_eq!(of_all.load(Ordering::Relaxed), MAX_OF_QUEUE);
    }

    #[test]
    fn who_is_not_seen_is_forgotten() {
        let (consumers, of_all) = consumers();
        consumers.note(&caller(1), b"x", 0);
        consumers.note(&caller(2), b"x", 0);
        consumers.wait(&caller(2), b"x", 0, true);
        consumers.sample(FORGOTTEN_NS - 1);
        assert_eq!(consumers.show(0, 0).len(), 2);
        consumers.sample(FORGOTTEN_NS);
        assert_eq!(consumers.show(0, 0).len(), 1, "who waits is there");
        assert_eq!(of_all.load(Ordering::Relaxed), 1);
        drop(consumers);
        assert_eq!(of_all.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn there_are_bounds_on_all_together() {
        let (consumers, of_all) = consumers();
        of_all.store(MAX_OF_ALL, Ordering::Relaxed);
        consumers.note(&caller(1), b"x", 0);
        assert!(consumers.show(0, 0).is_empty());
        assert_eq!(of_all.load(Ordering::Relaxed), MAX_OF_ALL);
        of_all.store(0, Ordering::Relaxed);
        consumers.note(&caller(1), &[b'a'; 5000], 0);
        assert_eq!(consumers.show(0, 0)[0].user_agent.len(), 200);
    }
}
