//! Signing keys, which are derived once a day rather than once a request.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hashbrown::{Equivalent, HashMap};

use super::Claim;
use crate::hash::HmacKey;
use crate::secrets::SecretKey;

/// Threads that look for different keys rarely meet in one of this many parts.
const SHARDS: usize = 16;

/// Derived keys of access keys, days, regions and services: a bounded memory that many threads read at once.
///
/// An entry remembers the secret it came from and counts only as long as that is the secret that is asked for: a secret that changed or
/// was taken away leaves nothing behind that would still be accepted. Keys get in when a signature was found good, never
/// because somebody asked.
#[derive(Debug)]
pub struct SigningKeys {
    shards: Vec<RwLock<Shard>>,
    hasher: RandomState,
    shard_capacity: usize,
    additions: AtomicU64,
}

/// The entries themselves stay out of any output.
type Shard = HashMap<Scope, Entry, RandomState>;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Scope {
    access_key_id: String,
    date: String,
    region: String,
    service: String,
}

/// Hashes as [`Scope`] does, field by field in the same order.
#[derive(Hash)]
struct ScopeOf<'a> {
    access_key_id: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
}

impl<'a> ScopeOf<'a> {
    fn new(claim: &'a Claim<'_>) -> Self {
        Self {
            access_key_id: &claim.access_key_id,
            date: &claim.date,
            region: &claim.region,
            service: &claim.service,
        }
    }
}

impl Equivalent<Scope> for ScopeOf<'_> {
    fn equivalent(&self, scope: &Scope) -> bool {
        self.access_key_id == scope.access_key_id
            && self.date == scope.date
            && self.region == scope.region
            && self.service == scope.service
    }
}

struct Entry {
    secret: SecretKey,
    key: HmacKey,
    /// Its place in the order of additions.
    addition: u64,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Entry({})", self.addition)
    }
}

impl SigningKeys {
    /// An empty memory for about `capacity` keys (a few hundred bytes each): at least one for each of its parts.
    pub fn new(capacity: usize) -> Self {
        let shards = (0..SHARDS).map(|_| RwLock::default()).collect();
        let shard_capacity = capacity.div_ceil(SHARDS).max(1);
        Self { shards, hasher: RandomState::new(), shard_capacity, additions: AtomicU64::new(0) }
    }

    /// Forgets the keys that came from an access key, as is proper when it is deleted.
    pub fn forget(&self, access_key_id: &str) {
        for shard in &self.shards {
            write(shard).retain(|scope, _| scope.access_key_id != access_key_id);
        }
    }

    /// How many keys are remembered.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| read(shard).len()).sum()
    }

    /// Whether none is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The key of a claim's scope, if it is remembered and came from this secret.
    pub(super) fn get(&self, claim: &Claim<'_>, secret: &SecretKey) -> Option<HmacKey> {
        let scope = ScopeOf::new(claim);
        let entries = read(self.shard(&scope));
        entries.get(&scope).filter(|entry| entry.secret == *secret).map(|entry| entry.key.clone())
    }

    /// Remembers the key of a claim's scope, in the place of the oldest one when there are too many.
    pub(super) fn add(&self, claim: &Claim<'_>, secret: &SecretKey, key: HmacKey) {
        let scope = ScopeOf::new(claim);
        let addition = self.additions.fetch_add(1, Ordering::Relaxed);
        let mut entries = write(self.shard(&scope));
        if let Some(entry) = entries.get_mut(&scope) {
            *entry = Entry { secret: secret.clone(), key, addition };
            return;
        }
        if entries.len() >= self.shard_capacity {
            let oldest = entries.values().map(|entry| entry.addition).min();
            entries.retain(|_, entry| Some(entry.addition) != oldest);
        }
        let scope = Scope {
            access_key_id: scope.access_key_id.to_owned(),
            date: scope.date.to_owned(),
            region: scope.region.to_owned(),
            service: scope.service.to_owned(),
        };
        entries.insert(scope, Entry { secret: secret.clone(), key, addition });
    }

    fn shard(&self, scope: &ScopeOf<'_>) -> &RwLock<Shard> {
        // The remainder of a small number.
        let place = (self.hasher.hash_one(scope.access_key_id) % SHARDS as u64) as usize;
        &self.shards[place]
    }
}

/// Nothing panics while it holds the lock, and every state in between is a good one.
fn read(shard: &RwLock<Shard>) -> RwLockReadGuard<'_, Shard> {
    shard.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(shard: &RwLock<Shard>) -> RwLockWriteGuard<'_, Shard> {
    shard.write().unwrap_or_else(PoisonError::into_inner)
}

/// The key that signs a day's requests to one service in one region.
pub(super) fn derive(claim: &Claim<'_>, secret: &SecretKey) -> HmacKey {
    let of_secret = secret.with_prefix(b"AWS4", HmacKey::new);
    let of_date = HmacKey::new(&of_secret.sign(claim.date.as_bytes()));
    let of_region = HmacKey::new(&of_date.sign(claim.region.as_bytes()));
    let of_service = HmacKey::new(&of_region.sign(claim.service.as_bytes()));
    HmacKey::new(&of_service.sign(claim.terminator.as_bytes()))
}

#[cfg(test)]
mod tests;
