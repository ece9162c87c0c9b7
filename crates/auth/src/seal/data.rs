//! Data keys, which seal message bodies.

use std::fmt;

use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce};
use zeroize::Zeroizing;

use super::{KEY_BYTES, MasterKey, NONCE_BYTES, SealError, TAG_BYTES, aead_key};

/// A key that seals many messages. Making one expands the key once; sealing then costs no key schedule. Many threads may
/// use it at once. No output shows it, and it is wiped when it is dropped.
pub struct DataKey(LessSafeKey);

impl DataKey {
    /// Makes a data key of random bytes, and its wrapped form, which is what is stored. `context` says what the key is for, and must be said
    /// again to unwrap it. `nonce` must not have been used under this master key.
    ///
    /// # Errors
    /// None in practice: the key is not too long to be sealed.
    pub fn create(
        master: &MasterKey,
        context: &[u8],
        random: &Zeroizing<[u8; KEY_BYTES]>,
        nonce: [u8; NONCE_BYTES],
    ) -> Result<(Self, Vec<u8>), SealError> {
        let wrapped = master.seal(context, random.as_slice(), nonce)?;
        Ok((Self(aead_key(random)), wrapped))
    }

    /// Opens the wrapped form of a data key.
    ///
    /// # Errors
    /// [`SealError::OtherKey`], [`SealError::Damaged`], [`SealError::UnknownVersion`].
    pub fn unwrap(master: &MasterKey, context: &[u8], wrapped: &[u8]) -> Result<Self, SealError> {
        let key = master.open(context, wrapped)?;
        let key: &[u8; KEY_BYTES] = key.as_slice().try_into().map_err(|_| SealError::Damaged)?;
        Ok(Self(aead_key(key)))
    }

    /// Seals all of `buffer` where it stands and adds the tag ([`TAG_BYTES`]) at its end. `aad` is not part of the result, but must
    /// be the same when it is opened: what says where the message belongs.
    ///
    /// # Errors
    /// [`SealError::TooLong`], with the buffer as it was.
    pub fn seal_in_place<B>(
        &self,
        nonce: [u8; NONCE_BYTES],
        aad: &[u8],
        buffer: &mut B,
    ) -> Result<(), SealError>
    where
        B: AsMut<[u8]> + for<'a> Extend<&'a u8>,
    {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0.seal_in_place_append_tag(nonce, Aad::from(aad), buffer).map_err(|_| SealError::TooLong)
    }

    /// Opens what [`Self::seal_in_place`] made, where it stands: gives the plaintext, which is all but the tag.
    ///
    /// # Errors
    /// [`SealError::Damaged`]; what the buffer holds is then of no use.
    pub fn open_in_place<'b>(
        &self,
        nonce: [u8; NONCE_BYTES],
        aad: &[u8],
        sealed: &'b mut [u8],
    ) -> Result<&'b mut [u8], SealError> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0.open_in_place(nonce, Aad::from(aad), sealed).map_err(|_| SealError::Damaged)
    }

    /// Opens sealed bytes that can't be changed, and appends the plaintext to `plaintext`.
    ///
    /// # Errors
    /// [`SealError::Damaged`], with nothing appended.
    pub fn open_into(
        &self,
        nonce: [u8; NONCE_BYTES],
        aad: &[u8],
        sealed: &[u8],
        plaintext: &mut Vec<u8>,
    ) -> Result<(), SealError> {
        let ciphertext_bytes = sealed.len().checked_sub(TAG_BYTES).ok_or(SealError::Damaged)?;
        let (ciphertext, tag) = sealed.split_at(ciphertext_bytes);
        let from = plaintext.len();
        plaintext.resize(from + ciphertext_bytes, 0);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let opened =
            self.0.open_separate_gather(nonce, Aad::from(aad), ciphertext, tag, &mut plaintext[from..]);
        opened.map_err(|_| {
            plaintext.truncate(from);
            SealError::Damaged
        })
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DataKey(…)")
    }
}
