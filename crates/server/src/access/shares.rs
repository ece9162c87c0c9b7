//! What one caller may take of the server, so that the others keep theirs: requests a second, and long polls at a time.

use super::caller::{Caller, Who};
use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::{BuildHasher as _, Hash as _, Hasher as _};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A caller may save up as many requests as it has in this time.
const BURST_SECONDS: f64 = 2.0;
/// Above so many callers those are forgotten who have all of their share left.
const CAPACITY: usize = 10_000;

/// What one caller may take: an account, a user, or, where nobody is asked, an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerLimits {
    /// Requests a second; `None`: as many as there is room for.
    pub requests_per_second: Option<NonZeroU32>,
    /// Long polls at a time.
    pub long_polls: NonZeroU32,
}

/// Whose share: an account's root, a user, or, for those without a name, an address.
type Whose = u64;

/// All callers' shares.
pub(crate) struct Shares {
    limits: CallerLimits,
    hasher: RandomState,
    requests: Mutex<HashMap<Whose, Bucket>>,
    polls: Arc<Mutex<HashMap<Whose, u32>>>,
}

/// Requests that a caller has left, and since when that is so.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    since: Duration,
}

/// A long poll that counts until this is dropped.
pub(crate) struct Poll {
    whose: Whose,
    polls: Arc<Mutex<HashMap<Whose, u32>>>,
}

impl Shares {
    pub(crate) fn new(limits: CallerLimits) -> Self {
        Self { limits, hasher: RandomState::new(), requests: Mutex::default(), polls: Arc::default() }
    }

    /// Takes a request from a caller's share, at this time since the server's start; `false`: there is none left.
    pub(crate) fn take_request(&self, caller: &Caller, now: impl FnOnce() -> Duration) -> bool {
        let Some(rate) = self.limits.requests_per_second else { return true };
        let (rate, now) = (f64::from(rate.get()), now());
        let full = rate * BURST_SECONDS;
        let mut buckets = lock(&self.requests);
        if buckets.len() >= CAPACITY {
            buckets.retain(|_, bucket| bucket.at(now, rate) < full);
        }
        let bucket = buckets.entry(self.whose(caller)).or_insert(Bucket { left: full, since: now });
        let left = bucket.at(now, rate);
        let takes = left >= 1.0;
        *bucket = Bucket { left: if takes { left - 1.0 } else { left }, since: now };
        takes
    }

    /// Begins a long poll; `None`: the caller has as many as it may have.
    pub(crate) fn begin_poll(&self, caller: &Caller) -> Option<Poll> {
        let whose = self.whose(caller);
        let mut polls = lock(&self.polls);
        let count = polls.entry(whose).or_default();
        if *count >= self.limits.long_polls.get() {
            return None;
        }
        *count += 1;
        Some(Poll { whose, polls: Arc::clone(&self.polls) })
    }

    fn whose(&self, caller: &Caller) -> Whose {
        let mut hasher = self.hasher.build_hasher();
        match &caller.who {
            Who::Unchecked | Who::Anonymous => caller.address.hash(&mut hasher),
            Who::Root => caller.account.hash(&mut hasher),
            Who::User(user) => user.id.hash(&mut hasher),
        }
        hasher.finish()
    }
}

impl Bucket {
    fn at(&self, now: Duration, rate: f64) -> f64 {
        let gained = now.saturating_sub(self.since).as_secs_f64() * rate;
        (self.left + gained).min(rate * BURST_SECONDS)
    }
}

impl Drop for Poll {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = lock(&self.polls).entry(self.whose) {
            *count.get_mut() = count.get().saturating_sub(1);
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Counts are right whoever panicked.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{CAPACITY, CallerLimits, Shares};
    use crate::access::{Caller, Who};
    use std::net::IpAddr;
    use std::num::NonZeroU32;
    use std::time::Duration;

    fn shares(requests_per_second: Option<u32>, long_polls: u32) -> Shares {
        let requests_per_second = requests_per_second.and_then(NonZeroU32::new);
        Shares::new(CallerLimits { requests_per_second, long_polls: NonZeroU32::new(long_polls).unwrap() })
    }

    fn anonymous(number: u32) -> Caller {
        let address = IpAddr::from(number.to_be_bytes());
        Caller { who: Who::Anonymous, address, ..Caller::unchecked("111111111111", "us-east-1") }
    }

    fn root(account: &str) -> Caller {
        Caller { who: Who::Root, ..Caller::unchecked(account, "us-east-1") }
    }

    fn taken(shares: &Shares, caller: &Caller, at: Duration, asked: usize) -> usize {
        (0..asked).filter(|_| shares.take_request(caller, || at)).count()
    }

    #[test]
    fn a_share_is_used_up_and_comes_back_with_time() {
        let shares = shares(Some(10), 1);
        let (greedy, other) = (root("111111111111"), root("222222222222"));
        assert_eq!(taken(&shares, &greedy, Duration::ZERO, 100), 20, "two seconds' worth at once");
        assert_eq!(taken(&shares, &other, Duration::ZERO, 5), 5, "nobody else's share");
        assert_eq!(taken(&shares, &greedy, Duration::from_millis(500), 100), 5);
        assert_eq!(taken(&shares, &greedy, Duration::from_secs(100), 100), 20, "no more is saved up");
        assert_eq!(taken(&shares, &anonymous(1), Duration::ZERO, 100), 20);
        assert_eq!(taken(&shares, &anonymous(2), Duration::ZERO, 100), 20, "by address");
    }

    #[test]
    fn without_a_rate_nothing_is_counted() {
        let shares = shares(None, 1);
        assert_eq!(taken(&shares, &root("111111111111"), Duration::ZERO, 1000), 1000);
        assert!(super::lock(&shares.requests).is_empty());
    }

    #[test]
    fn callers_that_came_long_ago_are_forgotten() {
        let shares = shares(Some(10), 1);
        for number in 0..u32::try_from(CAPACITY).unwrap() {
            taken(&shares, &anonymous(number), Duration::ZERO, 1);
        }
        taken(&shares, &anonymous(u32::MAX), Duration::from_secs(10), 1);
        assert_eq!(super::lock(&shares.requests).len(), 1);
    }

    #[test]
    fn long_polls_count_until_they_end() {
        let shares = shares(None, 2);
        let (caller, other) = (root("111111111111"), root("222222222222"));
        let first = shares.begin_poll(&caller);
        let second = shares.begin_poll(&caller);
        assert!(first.is_some() && second.is_some());
        assert!(shares.begin_poll(&caller).is_none());
        assert!(shares.begin_poll(&other).is_some());
        drop(first);
        assert!(shares.begin_poll(&caller).is_some());
        drop(second);
        assert!(super::lock(&shares.polls).is_empty());
    }
}
