//! Master keys, which seal secrets and data keys, and the envelope that they put them in.

use std::fmt;

use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::{Zeroize, Zeroizing};

use super::{KEY_BYTES, NONCE_BYTES, SealError, TAG_BYTES, aead_key};
use crate::hash;

/// The envelope: version, key id, nonce, then ciphertext and tag.
const VERSION: u8 = 1;
const KEY_ID_FROM: usize = 1;
const NONCE_FROM: usize = KEY_ID_FROM + KEY_ID_BYTES;
const HEAD_BYTES: usize = NONCE_FROM + NONCE_BYTES;
const KEY_ID_BYTES: usize = 8;

/// What is hashed in front of a key for its id, so that the id is not a hash that the key has anywhere else.
const KEY_ID_PREFIX: &[u8] = b"bongsu master key id\0";

/// Says which key it is and nothing about it: the first bytes of a hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; KEY_ID_BYTES]);

impl KeyId {
    /// The bytes, as envelopes have them.
    pub fn as_bytes(&self) -> &[u8; KEY_ID_BYTES] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "KeyId({self})")
    }
}

/// A key that other keys and secrets are sealed with: the store's, or one of a key store's. No output shows it, and it is wiped when it
/// is dropped.
pub struct MasterKey {
    id: KeyId,
    key: LessSafeKey,
}

impl MasterKey {
    /// Prepares a key of random bytes.
    pub fn new(key: &Zeroizing<[u8; KEY_BYTES]>) -> Self {
        let mut named = Zeroizing::new([0; KEY_ID_PREFIX.len() + KEY_BYTES]);
        named[..KEY_ID_PREFIX.len()].copy_from_slice(KEY_ID_PREFIX);
        named[KEY_ID_PREFIX.len()..].copy_from_slice(key.as_slice());
        let mut id = [0; KEY_ID_BYTES];
        id.copy_from_slice(&hash::sha256(named.as_slice())[..KEY_ID_BYTES]);
        Self { id: KeyId(id), key: aead_key(key) }
    }

    /// Reads a key as a file or a variable has it: 44 characters of base 64 or 64 hexadecimal digits of any case; white space at
    /// both ends does not matter.
    ///
    /// # Errors
    /// [`SealError::MalformedMasterKey`].
    pub fn from_text(text: &str) -> Result<Self, SealError> {
        let text = text.trim_ascii();
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        if text.len() == 2 * KEY_BYTES {
            let lower = Zeroizing::new(text.to_ascii_lowercase());
            *key = hash::parse_hex(lower.as_bytes()).ok_or(SealError::MalformedMasterKey)?;
        } else {
            let mut decoded = STANDARD.decode(text).map_err(|_| SealError::MalformedMasterKey)?;
            let is_whole = decoded.len() == KEY_BYTES;
            if is_whole {
                key.copy_from_slice(&decoded);
            }
            decoded.zeroize();
            if !is_whole {
                return Err(SealError::MalformedMasterKey);
            }
        }
        Ok(Self::new(&key))
    }

    /// How a key made of these random bytes is written down: [`Self::from_text`] reads it.
    pub fn text(key: &Zeroizing<[u8; KEY_BYTES]>) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(key.as_slice()))
    }

    /// Which key this is.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Seals a secret into an envelope. `context` says what it is and where it belongs; it is not in the envelope, but must be the same when it is
    /// opened. `nonce` must be new: random ones are good for 2³² secrets under one master key.
    ///
    /// # Errors
    /// [`SealError::TooLong`].
    pub fn seal(
        &self,
        context: &[u8],
        plaintext: &[u8],
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Vec<u8>, SealError> {
        let mut envelope = Vec::with_capacity(HEAD_BYTES + plaintext.len() + TAG_BYTES);
        envelope.push(VERSION);
        envelope.extend_from_slice(&self.id.0);
        envelope.extend_from_slice(&nonce);
        envelope.extend_from_slice(plaintext);
        let aad = authenticated(&envelope[..NONCE_FROM], context);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let sealed = self.key.seal_in_place_separate_tag(nonce, Aad::from(aad), &mut envelope[HEAD_BYTES..]);
        match sealed {
            Ok(tag) => envelope.extend_from_slice(tag.as_ref()),
            Err(_) => {
                envelope.zeroize();
                return Err(SealError::TooLong);
            }
        }
        Ok(envelope)
    }

    /// Opens an envelope. The plaintext is wiped when it is dropped.
    ///
    /// # Errors
    /// [`SealError::OtherKey`] where another master key sealed it, [`SealError::UnknownVersion`], and
    /// [`SealError::Damaged`] for all else.
    pub fn open(&self, context: &[u8], envelope: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let version = *envelope.first().ok_or(SealError::Damaged)?;
        if version != VERSION {
            return Err(SealError::UnknownVersion { version });
        }
        let (head, sealed) = envelope.split_at_checked(HEAD_BYTES).ok_or(SealError::Damaged)?;
        let (prefix, nonce) = head.split_at(NONCE_FROM);
        let needs = sealed_with(envelope).ok_or(SealError::Damaged)?;
        if needs != self.id {
            return Err(SealError::OtherKey { needs, has: self.id });
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Damaged)?;
        let mut plaintext = Zeroizing::new(sealed.to_vec());
        let aad = authenticated(prefix, context);
        let opened = self.key.open_in_place(nonce, Aad::from(aad), &mut plaintext);
        let length = opened.map_err(|_| SealError::Damaged)?.len();
        plaintext.truncate(length);
        Ok(plaintext)
    }

    /// Which master key it takes to open an envelope; `None` where it is not one.
    pub fn needed_for(envelope: &[u8]) -> Option<KeyId> {
        if envelope.first() == Some(&VERSION) { sealed_with(envelope) } else { None }
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "MasterKey({})", self.id)
    }
}

fn sealed_with(envelope: &[u8]) -> Option<KeyId> {
    envelope.get(KEY_ID_FROM..NONCE_FROM)?.try_into().ok().map(KeyId)
}

/// What is protected along with the plaintext: the envelope's version and key id, which have a fixed length, and the context.
fn authenticated(prefix: &[u8], context: &[u8]) -> Vec<u8> {
    [prefix, context].concat()
}
