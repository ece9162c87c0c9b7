//! How much of something one client may have at a time: the others need room too.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts what each client has.
#[derive(Debug)]
pub(crate) struct Places<K> {
    taken: Arc<Mutex<HashMap<K, usize>>>,
    max_each: usize,
}

/// One place; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Place<K: Hash + Eq> {
    taken: Arc<Mutex<HashMap<K, usize>>>,
    whose: K,
}

impl<K: Hash + Eq + Clone> Places<K> {
    /// So many for each.
    pub(crate) fn new(max_each: usize) -> Self {
        Self { taken: Arc::default(), max_each }
    }

    /// Takes a place; `None`: the client has as many as he may have.
    pub(crate) fn take(&self, whose: K) -> Option<Place<K>> {
        let mut taken = lock(&self.taken);
        let count = taken.entry(whose.clone()).or_default();
        if *count >= self.max_each {
            return None;
        }
        *count += 1;
        Some(Place { taken: Arc::clone(&self.taken), whose })
    }
}

impl<K: Hash + Eq> Drop for Place<K> {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        if let Some(count) = taken.get_mut(&self.whose) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.whose);
            }
        }
    }
}

/// What one client may choose addresses from: with IPv6 a network of 64 bits.
pub(crate) fn network(address: IpAddr) -> IpAddr {
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
    use super::{Places, lock};

    #[test]
    fn each_has_so_many_and_no_trace_is_left() {
        let places = Places::new(2);
        let (first, second) = (places.take("a").unwrap(), places.take("a").unwrap());
        assert!(places.take("a").is_none());
        let others = places.take("b").unwrap();
        drop(first);
        let third = places.take("a").unwrap();
        assert!(places.take("a").is_none());
        drop((second, third, others));
        assert!(lock(&places.taken).is_empty());
    }
}
