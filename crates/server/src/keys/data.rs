//! Data keys, which seal messages: made under a KMS key, used for a while, remembered as long as messages may need them.
//!
//! A data key travels with each message that it sealed, in its *envelope*:
//!
//! ```text
//! id of the KMS key (16 bytes) │ number of its backing key (4, little-endian) │ the data key, sealed by that backing key
//! ```

use super::kms::KmsKey;
use crate::entropy::Entropy;
use crate::message::authenticated;
use bongsu_auth::seal::{DataKey, KEY_BYTES, MAX_SEALS, NONCE_BYTES, Nonces, SealError};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use uuid::Uuid;
use zeroize::Zeroizing;

/// So many messages one data key seals at most.
const MAX_MESSAGES: u64 = 1 << 20;
/// So many opened data keys are remembered, about 1 KiB each: with a new one every five minutes, those of one KMS key's last
/// fourteen days.
const REMEMBERED: usize = 4096;
/// So many make room at once, so that looking for the least used ones is rare.
const FORGOTTEN_AT_ONCE: usize = REMEMBERED / 8;
const KMS_ID_BYTES: usize = 16;
const BACKING_FROM: usize = KMS_ID_BYTES;
const WRAPPED_FROM: usize = BACKING_FROM + 4;

/// A data key that new messages are sealed with.
#[derive(Debug)]
pub(crate) struct SealingKey {
    opening: Arc<OpeningKey>,
    nonces: Nonces,
    envelope: Box<[u8]>,
    made_ms: u64,
}

/// A data key that opens messages.
#[derive(Debug)]
pub(crate) struct OpeningKey {
    key: DataKey,
    /// What each message under this key is bound to.
    authenticated: Box<[u8]>,
    /// The KMS key that it belongs to.
    pub(crate) kms: Uuid,
}

/// An envelope's parts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope<'a> {
    /// The KMS key.
    pub(crate) kms: Uuid,
    /// Which of its backing keys.
    pub(crate) backing: u32,
    wrapped: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Takes an envelope apart; `None` for bytes that are none.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let kms = Uuid::from_slice(bytes.get(..KMS_ID_BYTES)?).ok()?;
        let backing = bytes.get(BACKING_FROM..WRAPPED_FROM)?.try_into().ok()?;
        Some(Self { kms, backing: u32::from_le_bytes(backing), wrapped: bytes.get(WRAPPED_FROM..)? })
    }
}

/// What binds a wrapped data key to its use, its KMS key and its backing key.
fn context(kms: Uuid, backing: u32) -> Vec<u8> {
    [b"data key of messages\0".as_slice(), kms.as_bytes(), &backing.to_le_bytes()].concat()
}

impl SealingKey {
    /// Makes a data key under the newest backing key.
    ///
    /// # Errors
    /// None in practice.
    pub(crate) fn make(kms: &KmsKey, entropy: &Entropy, now_ms: u64) -> Result<Self, SealError> {
        let (backing, master) = kms.newest();
        let random = Zeroizing::new(entropy.bytes::<KEY_BYTES>());
        let nonce = entropy.bytes::<NONCE_BYTES>();
        let id = kms.name.id;
        let (key, wrapped) = DataKey::create(master, &context(id, backing), &random, nonce)?;
        let envelope = [id.as_bytes().as_slice(), &backing.to_le_bytes(), &wrapped].concat();
        let opening = OpeningKey { key, authenticated: authenticated(&envelope).into(), kms: id };
        let nonces = Nonces::new(entropy.bytes::<NONCE_BYTES>());
        Ok(Self { opening: Arc::new(opening), nonces, envelope: envelope.into(), made_ms: now_ms })
    }

    /// Whether it may seal another message. A clock that was set back ends it too.
    pub(crate) fn is_fresh(&self, now_ms: u64, reuse_ms: u64) -> bool {
        let age_ms = now_ms.checked_sub(self.made_ms);
        let used = MAX_SEALS - self.nonces.left();
        age_ms.is_some_and(|age_ms| age_ms < reuse_ms) && used < MAX_MESSAGES
    }

    /// What goes with each message.
    pub(crate) fn envelope(&self) -> &[u8] {
        &self.envelope
    }

    /// What opens what it seals.
    pub(crate) fn opening(&self) -> Arc<OpeningKey> {
        Arc::clone(&self.opening)
    }

    /// A nonce for one message.
    ///
    /// # Errors
    /// [`SealError::UsedUp`], which no fresh key comes to.
    pub(crate) fn nonce(&self) -> Result<[u8; NONCE_BYTES], SealError> {
        self.nonces.next()
    }

    /// Seals what stands in the buffer from there on, where it stands.
    ///
    /// # Errors
    /// [`SealError::TooLong`].
    pub(crate) fn seal(
        &self,
        nonce: [u8; NONCE_BYTES],
        buffer: &mut Vec<u8>,
        from: usize,
    ) -> Result<(), SealError> {
        self.opening.key.seal_in_place(nonce, &self.opening.authenticated, &mut Tail { buffer, from })
    }
}

/// The end of a buffer, as something that can be sealed and grows by a tag.
struct Tail<'a> {
    buffer: &'a mut Vec<u8>,
    from: usize,
}

impl AsMut<[u8]> for Tail<'_> {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[self.from..]
    }
}

impl<'b> Extend<&'b u8> for Tail<'_> {
    fn extend<T: IntoIterator<Item = &'b u8>>(&mut self, more: T) {
        self.buffer.extend(more);
    }
}

impl OpeningKey {
    /// Opens an envelope.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn unwrap(kms: &KmsKey, envelope: &[u8]) -> Result<Self, SealError> {
        let parts = Envelope::read(envelope).ok_or(SealError::Damaged)?;
        let master = kms.backing(parts.backing).ok_or(SealError::Damaged)?;
        let key = DataKey::unwrap(master, &context(parts.kms, parts.backing), parts.wrapped)?;
        Ok(Self { key, authenticated: authenticated(envelope).into(), kms: parts.kms })
    }

    /// Whether this is the key in that envelope.
    pub(crate) fn is_of(&self, envelope: &[u8]) -> bool {
        self.authenticated.ends_with(envelope)
            && self.authenticated.len() == authenticated(&[]).len() + envelope.len()
    }

    /// Opens a message, and appends what it says.
    ///
    /// # Errors
    /// [`SealError::Damaged`].
    pub(crate) fn open(
        &self,
        nonce: [u8; NONCE_BYTES],
        sealed: &[u8],
        plaintext: &mut Vec<u8>,
    ) -> Result<(), SealError> {
        self.key.open_into(nonce, &self.authenticated, sealed, plaintext)
    }
}

/// The data keys in use, and those that were opened lately.
#[derive(Debug, Default)]
pub(crate) struct DataKeys {
    sealing: RwLock<HashMap<Uuid, Arc<SealingKey>>>,
    opening: RwLock<HashMap<Box<[u8]>, Remembered>>,
    uses: AtomicU64,
}

#[derive(Debug)]
struct Remembered {
    key: Arc<OpeningKey>,
    last_use: AtomicU64,
}

impl DataKeys {
    /// The key that seals under this KMS key now; makes one where that is due. `is_current` is asked while nobody can forget keys: where
    /// it says no, what was made serves this once and is not remembered.
    ///
    /// # Errors
    /// None in practice.
    pub(crate) fn sealing(
        &self,
        kms: &KmsKey,
        reuse_ms: u64,
        now_ms: u64,
        entropy: &Entropy,
        is_current: impl Fn() -> bool,
    ) -> Result<Arc<SealingKey>, SealError> {
        let id = kms.name.id;
        let is_fresh = |key: &&Arc<SealingKey>| key.is_fresh(now_ms, reuse_ms);
        if is_current()
            && let Some(key) =
                self.sealing.read().unwrap_or_else(PoisonError::into_inner).get(&id).filter(is_fresh)
        {
            return Ok(Arc::clone(key));
        }
        let mut sealing = self.sealing.write().unwrap_or_else(PoisonError::into_inner);
        // Of several that come at the same time, the first makes it.
        if is_current()
            && let Some(key) = sealing.get(&id).filter(is_fresh)
        {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(SealingKey::make(kms, entropy, now_ms)?);
        if is_current() {
            sealing.insert(id, Arc::clone(&key));
            drop(sealing);
            self.remember(key.envelope(), Arc::clone(&key.opening), is_current);
        }
        Ok(key)
    }

    /// A key that was opened before.
    pub(crate) fn opening(&self, envelope: &[u8]) -> Option<Arc<OpeningKey>> {
        let opening = self.opening.read().unwrap_or_else(PoisonError::into_inner);
        let found = opening.get(envelope)?;
        found.last_use.store(self.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        Some(Arc::clone(&found.key))
    }

    /// Remembers an opened key, unless keys were forgotten meanwhile.
    pub(crate) fn remember(&self, envelope: &[u8], key: Arc<OpeningKey>, is_current: impl Fn() -> bool) {
        let mut opening = self.opening.write().unwrap_or_else(PoisonError::into_inner);
        if !is_current() {
            return;
        }
        if opening.len() >= REMEMBERED {
            let mut uses: Vec<_> =
                opening.values().map(|found| found.last_use.load(Ordering::Relaxed)).collect();
            let (_, oldest_kept, _) = uses.select_nth_unstable(FORGOTTEN_AT_ONCE);
            let oldest_kept = *oldest_kept;
            opening.retain(|_, found| found.last_use.load(Ordering::Relaxed) >= oldest_kept);
        }
        let last_use = AtomicU64::new(self.uses.fetch_add(1, Ordering::Relaxed));
        opening.insert(envelope.into(), Remembered { key, last_use });
    }

    /// Drops all data keys of a KMS key.
    pub(crate) fn forget(&self, kms: Uuid) {
        self.sealing.write().unwrap_or_else(PoisonError::into_inner).remove(&kms);
        let mut opening = self.opening.write().unwrap_or_else(PoisonError::into_inner);
        opening.retain(|_, found| found.key.kms != kms);
    }
}

#[cfg(test)]
mod tests {
    use super::{DataKeys, Envelope, FORGOTTEN_AT_ONCE, MAX_MESSAGES, OpeningKey, REMEMBERED, SealingKey};
    use crate::entropy::Entropy;
    use crate::keys::kms::KmsKey;
    use bongsu_auth::seal::SealError;
    use std::sync::Arc;

    fn is_current() -> bool {
        true
    }

    #[test]
    fn a_data_key_is_used_for_its_time_and_so_many_messages() {
        let (keys, kms, entropy) = (DataKeys::default(), KmsKey::ephemeral(&Entropy::new()), Entropy::new());
        let at = |now_ms| keys.sealing(&kms, 300_000, now_ms, &entropy, is_current).unwrap();
        let first = at(1_000_000);
        assert!(Arc::ptr_eq(&first, &at(1_000_000)) && Arc::ptr_eq(&first, &at(1_299_999)));
        let second = at(1_300_000);
        assert_ne!(first.envelope(), second.envelope());
        assert!(!Arc::ptr_eq(&second, &at(1_200_000)), "the clock was set back");
        let third = at(1_200_000);
        // A queue with a shorter period is not served with an older key.
        assert!(!third.is_fresh(1_260_000, 60_000) && third.is_fresh(1_259_999, 60_000));
        for _ in 0..MAX_MESSAGES {
            third.nonce().unwrap();
        }
        assert!(!Arc::ptr_eq(&third, &at(1_200_001)));
    }

    #[test]
    fn an_envelope_opens_with_its_kms_key_alone() {
        let (kms, other, entropy) =
            (KmsKey::ephemeral(&Entropy::new()), KmsKey::ephemeral(&Entropy::new()), Entropy::new());
        let sealing = SealingKey::make(&kms, &entropy, 0).unwrap();
        let envelope = sealing.envelope().to_vec();
        assert_eq!(Envelope::read(&envelope).map(|parts| (parts.kms, parts.backing)), Some((kms.name.id, 1)));
        let mut sealed = b"head, and text".to_vec();
        sealing.seal([9; 12], &mut sealed, 6).unwrap();
        assert!(sealed.starts_with(b"head, ") && !sealed.ends_with(b"text"));
        let opening = OpeningKey::unwrap(&kms, &envelope).unwrap();
        assert!(opening.is_of(&envelope) && !opening.is_of(&envelope[1..]));
        let mut plaintext = Vec::new();
        opening.open([9; 12], &sealed[6..], &mut plaintext).unwrap();
        assert_eq!(plaintext, b"and text");
        assert!(OpeningKey::unwrap(&other, &envelope).is_err());
        for index in 0..envelope.len() {
            let mut changed = envelope.clone();
            changed[index] ^= 1;
            assert!(OpeningKey::unwrap(&kms, &changed).is_err(), "byte {index}");
            assert!(OpeningKey::unwrap(&kms, &envelope[..index]).is_err());
        }
        assert_eq!(OpeningKey::unwrap(&kms, &[]).err(), Some(SealError::Damaged));
    }

    #[test]
    fn the_least_used_make_room_and_a_forgotten_kms_key_takes_its_own_with_it() {
        let (keys, kms, entropy) = (DataKeys::default(), KmsKey::ephemeral(&Entropy::new()), Entropy::new());
        let (other, gone) =
            (KmsKey::ephemeral(&Entropy::new()), keys.sealing(&kms, 1, 0, &entropy, || false).unwrap());
        assert!(keys.opening(gone.envelope()).is_none(), "what comes too late is not remembered");
        let first = keys.sealing(&kms, 1, 0, &entropy, is_current).unwrap();
        let of_other = keys.sealing(&other, 1, 0, &entropy, is_current).unwrap();
        for number in 0..REMEMBERED - 2 {
            keys.remember(&number.to_le_bytes(), Arc::clone(&first.opening), is_current);
        }
        assert!(keys.opening(first.envelope()).is_some(), "used again");
        keys.remember(b"one more", Arc::clone(&first.opening), is_current);
        assert_eq!(keys.opening.read().unwrap().len(), REMEMBERED - FORGOTTEN_AT_ONCE + 1);
        assert!(keys.opening(first.envelope()).is_some());
        assert!(keys.opening(of_other.envelope()).is_none(), "never used");
        keys.remember(of_other.envelope(), Arc::clone(&of_other.opening), is_current);
        keys.forget(kms.name.id);
        assert_eq!(keys.opening.read().unwrap().len(), 1);
        assert!(keys.opening(of_other.envelope()).is_some());
        assert!(!Arc::ptr_eq(&first, &keys.sealing(&kms, 1, 0, &entropy, is_current).unwrap()));
    }
}
