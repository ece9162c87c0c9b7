//! Sealing: AES-256-GCM by AWS-LC, under keys that are prepared once. A [`MasterKey`] seals secrets and other keys, with an
//! envelope that says which master key it takes to open it; a [`DataKey`] seals message bodies, whose record keeps key id and
//! nonce in its own fields.
//!
//! Whoever calls brings the random bytes. A nonce must never be used twice under one key: [`Nonces`] sees to that.

mod data;
mod master;
mod nonces;

#[cfg(test)]
mod tests;

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};

pub use data::DataKey;
pub use master::{KeyId, MasterKey};
pub use nonces::{MAX_SEALS, Nonces};

/// The length of a key, in bytes.
pub const KEY_BYTES: usize = 32;
/// The length of a nonce, in bytes.
pub const NONCE_BYTES: usize = 12;
/// The tag that sealing adds at the end, in bytes.
pub const TAG_BYTES: usize = 16;

/// Why something was not sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The envelope is whole as far as one can see, but was sealed with another master key.
    #[error("this was sealed with the master key {needs}, but the master key here is {has}")]
    OtherKey {
        /// The key that it takes.
        needs: KeyId,
        /// The key that was tried.
        has: KeyId,
    },
    /// It is not what was sealed, or was sealed for another purpose, or under another data key.
    #[error("the sealed bytes are damaged, or belong somewhere else")]
    Damaged,
    /// It was sealed by a newer version of this program.
    #[error("the sealed bytes have the unknown version {version}")]
    UnknownVersion {
        /// The version.
        version: u8,
    },
    /// AES-GCM does not take as much as this under one nonce (64 GiB).
    #[error("too many bytes to be sealed at once")]
    TooLong,
    /// The data key has sealed as often as it may in one process: a new one is due.
    #[error("the data key has been used {MAX_SEALS} times and must be replaced")]
    UsedUp,
    /// The text is not that of a master key. What was given instead is not repeated.
    #[error("a master key is 32 bytes, written as 44 characters of base 64 or as 64 hexadecimal digits")]
    MalformedMasterKey,
}

/// Prepares a key. AWS-LC wipes it when it is dropped.
fn aead_key(key: &[u8; KEY_BYTES]) -> LessSafeKey {
    #[expect(clippy::expect_used, reason = "the key has the length that the algorithm asks for")]
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("a key of AES-256's length"))
}
