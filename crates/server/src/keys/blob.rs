//! What callers seal with a KMS key themselves: ciphertext that says what it takes to open it.
//!
//! ```text
//! 1 │ id of the KMS key (16 bytes) │ number of its backing key (4, little-endian) │ envelope of the backing key
//! ```
//! The encryption context is not in it, but must be the same when it is opened.

use super::kms::KmsKey;
use crate::entropy::Entropy;
use bongsu_auth::seal::{NONCE_BYTES, SealError};
use std::collections::BTreeMap;
use uuid::Uuid;
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const ID_FROM: usize = 1;
const BACKING_FROM: usize = ID_FROM + 16;
const SEALED_FROM: usize = BACKING_FROM + 4;

/// Names and values that a ciphertext is bound to.
pub(crate) type EncryptionContext = BTreeMap<String, String>;

/// A ciphertext taken apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blob<'a> {
    /// The KMS key that it takes.
    pub(crate) kms: Uuid,
    backing: u32,
    sealed: &'a [u8],
}

impl<'a> Blob<'a> {
    /// Takes a ciphertext apart; `None` for bytes that are none.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        if bytes.first() != Some(&VERSION) {
            return None;
        }
        let kms = Uuid::from_slice(bytes.get(ID_FROM..BACKING_FROM)?).ok()?;
        let backing = u32::from_le_bytes(bytes.get(BACKING_FROM..SEALED_FROM)?.try_into().ok()?);
        Some(Self { kms, backing, sealed: bytes.get(SEALED_FROM..)? })
    }

    /// Opens it with its key.
    ///
    /// # Errors
    /// [`SealError`]; a wrong context is [`SealError::Damaged`] too.
    pub(crate) fn open(
        &self,
        key: &KmsKey,
        context: &EncryptionContext,
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let backing = key.backing(self.backing).ok_or(SealError::Damaged)?;
        backing.open(&bound_to(self.kms, self.backing, context), self.sealed)
    }
}

/// Seals with a key's newest backing key.
///
/// # Errors
/// None in practice.
pub(crate) fn seal(
    key: &KmsKey,
    context: &EncryptionContext,
    plaintext: &[u8],
    entropy: &Entropy,
) -> Result<Vec<u8>, SealError> {
    let (number, backing) = key.newest();
    let id = key.name.id;
    let sealed = backing.seal(&bound_to(id, number, context), plaintext, entropy.bytes::<NONCE_BYTES>())?;
    Ok([[VERSION].as_slice(), id.as_bytes(), &number.to_le_bytes(), &sealed].concat())
}

/// Lengths stand before all texts: two different contexts never give the same bytes.
fn bound_to(kms: Uuid, backing: u32, context: &EncryptionContext) -> Vec<u8> {
    let mut bytes = [b"ciphertext of a caller\0".as_slice(), kms.as_bytes(), &backing.to_le_bytes()].concat();
    for text in context.iter().flat_map(|(name, value)| [name, value]) {
        bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::{Blob, EncryptionContext, seal};
    use crate::entropy::Entropy;
    use crate::keys::KmsKey;

    fn context(pairs: &[(&str, &str)]) -> EncryptionContext {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_ciphertext_opens_with_its_key_and_its_context() {
        let (entropy, other) = (Entropy::new(), KmsKey::ephemeral(&Entropy::new()));
        let key = KmsKey::ephemeral(&entropy);
        let bound = context(&[("a", "bc"), ("d", "")]);
        let bytes = seal(&key, &bound, b"text", &entropy).unwrap();
        let blob = Blob::read(&bytes).unwrap();
        assert_eq!(blob.kms, key.name.id);
        assert_eq!(blob.open(&key, &bound).unwrap().as_slice(), b"text");
        assert!(blob.open(&other, &bound).is_err());
        for wrong in [&[][..], &[("ab", "c"), ("d", "")], &[("a", "bcd"), ("", "")], &[("a", "bc")]] {
            assert!(blob.open(&key, &context(wrong)).is_err(), "{wrong:?}");
        }
        assert_ne!(bytes, seal(&key, &bound, b"text", &entropy).unwrap());
    }

    #[test]
    fn no_changed_bit_and_no_missing_byte_goes_unnoticed() {
        let entropy = Entropy::new();
        let (key, none) = (KmsKey::ephemeral(&entropy), EncryptionContext::new());
        let bytes = seal(&key, &none, b"text", &entropy).unwrap();
        let opens = |bytes: &[u8]| {
            Blob::read(bytes).is_some_and(|blob| blob.kms == key.name.id && blob.open(&key, &none).is_ok())
        };
        assert!(opens(&bytes));
        for index in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[index] ^= 1 << bit;
                assert!(!opens(&changed), "bit {bit} of byte {index}");
            }
            assert!(!opens(&bytes[..index]), "{index} bytes");
        }
    }
}
