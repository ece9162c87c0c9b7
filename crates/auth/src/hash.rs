//! SHA-256 and HMAC-SHA-256, in the shapes that signatures need.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// The length of a digest and of a tag, in bytes.
pub(crate) const HASH_BYTES: usize = 32;

/// SHA-256 of `bytes`.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; HASH_BYTES] {
    Sha256::digest(bytes).into()
}

/// A key for HMAC-SHA-256 with its two key blocks already hashed. The state is wiped when it is dropped.
#[derive(Clone)]
pub(crate) struct HmacKey(Hmac<Sha256>);

impl HmacKey {
    pub(crate) fn new(key: &[u8]) -> Self {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        Self(Hmac::new_from_slice(key).expect("HMAC takes keys of any length"))
    }

    /// The tag of `bytes`.
    pub(crate) fn sign(self, bytes: &[u8]) -> [u8; HASH_BYTES] {
        self.0.chain_update(bytes).finalize().into_bytes().into()
    }

    /// Whether `tag` is the tag of `bytes`; how long that takes does not depend on where they differ.
    pub(crate) fn verifies(self, bytes: &[u8], tag: &[u8; HASH_BYTES]) -> bool {
        self.0.chain_update(bytes).verify_slice(tag).is_ok()
    }
}

/// Appends a hash as lower-case hexadecimal digits.
pub(crate) fn push_hex(out: &mut Vec<u8>, hash: &[u8; HASH_BYTES]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [[0; 2]; HASH_BYTES];
    for (pair, byte) in text.iter_mut().zip(hash) {
        *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0xf)]];
    }
    out.extend_from_slice(text.as_flattened());
}

/// The bytes that 64 lower-case hexadecimal digits stand for.
pub(crate) fn parse_hex(text: &[u8]) -> Option<[u8; HASH_BYTES]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    if text.len() != 2 * HASH_BYTES {
        return None;
    }
    let mut bytes = [0; HASH_BYTES];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}
