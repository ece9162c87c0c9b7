//! Access keys and the names of their owners: their forms, as AWS has them.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::{Zeroize, Zeroizing};

/// Random bytes that an access key id is made from.
pub const ACCESS_KEY_ID_RANDOM_BYTES: usize = 10;
/// Random bytes that a secret is made from.
pub const SECRET_KEY_RANDOM_BYTES: usize = 30;
/// AWS's own secrets have 40 characters; others may be brought along up to this many.
const MAX_SECRET_KEY_CHARS: usize = 128;
/// Base 32 as in RFC 4648, which is what the ids of AWS consist of.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Why a text is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// An account.
    #[error("an account id has 12 digits")]
    AccountId,
    /// A user's name.
    #[error("a user name has 1 to 64 letters, digits and characters out of _+=,.@-")]
    UserName,
    /// An access key id.
    #[error("an access key id has 16 to 128 letters, digits and underscores")]
    AccessKeyId,
    /// A secret. What was given instead is not repeated.
    #[error("a secret access key has 1 to 128 printable ASCII characters without spaces")]
    SecretKey,
}

/// Twelve digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(String);

impl AccountId {
    /// Takes over an account id.
    ///
    /// # Errors
    /// [`FormError::AccountId`].
    pub fn new(id: &str) -> Result<Self, FormError> {
        let is_id = id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit());
        if is_id { Ok(Self(id.to_owned())) } else { Err(FormError::AccountId) }
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A user's name within an account: `[\w+=,.@-]{1,64}`, as in IAM's `CreateUser`. Letters of any case are kept as they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName(String);

impl UserName {
    /// Takes over a name.
    ///
    /// # Errors
    /// [`FormError::UserName`].
    pub fn new(name: &str) -> Result<Self, FormError> {
        let is_char = |byte: u8| is_word(byte) || matches!(byte, b'+' | b'=' | b',' | b'.' | b'@' | b'-');
        let is_name = (1..=64).contains(&name.len()) && name.bytes().all(is_char);
        if is_name { Ok(Self(name.to_owned())) } else { Err(FormError::UserName) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The public half of an access key: `[\w]{16,128}`, as in IAM's API.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccessKeyId(String);

impl AccessKeyId {
    /// Makes one as AWS does: `AKIA` and 16 characters out of `A-Z2-7`, which say exactly these 80 bits.
    pub fn generate(random: [u8; ACCESS_KEY_ID_RANDOM_BYTES]) -> Self {
        let bits = random.iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
        let digits = (0..16).rev().map(|place| char::from(BASE32[(bits >> (5 * place) & 31) as usize]));
        Self("AKIA".chars().chain(digits).collect())
    }

    /// Takes over an id.
    ///
    /// # Errors
    /// [`FormError::AccessKeyId`].
    pub fn new(id: &str) -> Result<Self, FormError> {
        let is_id = (16..=128).contains(&id.len()) && id.bytes().all(is_word);
        if is_id { Ok(Self(id.to_owned())) } else { Err(FormError::AccessKeyId) }
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The secret half of an access key. It is wiped when it is dropped, and no output shows it.
#[derive(Clone)]
pub struct SecretKey(Zeroizing<String>);

impl SecretKey {
    /// Makes one as AWS does: 40 characters that say these 240 bits.
    pub fn generate(mut random: [u8; SECRET_KEY_RANDOM_BYTES]) -> Self {
        let secret = Self(Zeroizing::new(STANDARD.encode(random)));
        random.zeroize();
        secret
    }

    /// Takes over a secret, of AWS's form or another.
    ///
    /// # Errors
    /// [`FormError::SecretKey`].
    pub fn new(secret: &str) -> Result<Self, FormError> {
        let length = 1..=MAX_SECRET_KEY_CHARS;
        let is_secret = length.contains(&secret.len()) && secret.bytes().all(|byte| byte.is_ascii_graphic());
        if is_secret { Ok(Self(Zeroizing::new(secret.to_owned()))) } else { Err(FormError::SecretKey) }
    }

    /// The secret itself, to be sealed, or shown to its owner once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Calls `use_it` with the secret behind `prefix`, in memory that is wiped afterwards.
    pub(crate) fn with_prefix<T>(&self, prefix: &[u8], use_it: impl FnOnce(&[u8]) -> T) -> T {
        // Room for all of it, as growing would leave a copy behind.
        let mut prefixed = Zeroizing::new(Vec::with_capacity(prefix.len() + self.0.len()));
        prefixed.extend_from_slice(prefix);
        prefixed.extend_from_slice(self.0.as_bytes());
        use_it(&prefixed)
    }
}

impl PartialEq for SecretKey {
    fn eq(&self, other: &Self) -> bool {
        let (own, others) = (self.0.as_bytes(), other.0.as_bytes());
        aws_lc_rs::constant_time::verify_slices_are_equal(own, others).is_ok()
    }
}

impl Eq for SecretKey {}

impl AsRef<SecretKey> for SecretKey {
    fn as_ref(&self) -> &SecretKey {
        self
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretKey(…)")
    }
}

#[cfg(test)]
mod tests;
