//! Receipt handles: what the engine needs to know about one receive, sealed so that nobody can make one up.
//!
//! ```text
//! version (1 byte) │ queue (8, big-endian) │ sequence (8) │ nonce (8) │ first 16 bytes of HMAC-SHA256 over all before
//! ```
//! in standard base64. The key is derived from the store's secret, so that handles outlive a restart.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bongsu_engine::{QueueId, Receipt};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const VERSION: u8 = 1;
const CONTENT_BYTES: usize = 1 + 8 + 8 + 8;
const TAG_BYTES: usize = 16;
/// A base64 text that is longer can't be one of ours; not even decoded.
const MAX_HANDLE_CHARS: usize = 64;

/// Seals and opens receipt handles.
#[derive(Clone)]
pub(crate) struct Sealer {
    /// Keyed once and cloned for each use: the key schedule is half the work.
    mac: Hmac<Sha256>,
}

impl Sealer {
    /// Derives the key from the store's secret.
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        let derived = keyed(secret).chain_update(b"bongsu receipt handle 1").finalize().into_bytes();
        Self { mac: keyed(derived.as_ref()) }
    }

    /// The handle that a client gets.
    pub(crate) fn seal(&self, receipt: &Receipt) -> String {
        let mut bytes = Vec::with_capacity(CONTENT_BYTES + TAG_BYTES);
        bytes.push(VERSION);
        bytes.extend_from_slice(&receipt.queue.0.to_be_bytes());
        bytes.extend_from_slice(&receipt.sequence.to_be_bytes());
        bytes.extend_from_slice(&receipt.nonce.to_be_bytes());
        let tag = self.mac.clone().chain_update(&bytes).finalize().into_bytes();
        bytes.extend(tag.iter().take(TAG_BYTES));
        STANDARD.encode(bytes)
    }

    /// What a handle says; `None` where this store never gave it out.
    pub(crate) fn open(&self, handle: &str) -> Option<Receipt> {
        if handle.len() > MAX_HANDLE_CHARS {
            return None;
        }
        let bytes = STANDARD.decode(handle).ok()?;
        let (content, tag) = bytes.split_at_checked(CONTENT_BYTES)?;
        if tag.len() != TAG_BYTES {
            return None;
        }
        self.mac.clone().chain_update(content).verify_truncated_left(tag).ok()?;
        let (version, numbers) = content.split_first()?;
        if *version != VERSION {
            return None;
        }
        let number = |index: usize| -> Option<u64> {
            numbers.get(index * 8..(index + 1) * 8)?.try_into().ok().map(u64::from_be_bytes)
        };
        Some(Receipt { queue: QueueId(number(0)?), sequence: number(1)?, nonce: number(2)? })
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(key).expect("any length is a key")
}

#[cfg(test)]
mod tests {
    use super::Sealer;
    use bongsu_engine::{QueueId, Receipt};

    const RECEIPT: Receipt = Receipt { queue: QueueId(7), sequence: 1 << 40, nonce: u64::MAX };

    #[test]
    fn a_handle_opens_to_what_was_sealed_also_after_a_restart() {
        let handle = Sealer::new(&[1; 32]).seal(&RECEIPT);
        assert_eq!(Sealer::new(&[1; 32]).open(&handle), Some(RECEIPT));
    }

    #[test]
    fn another_store_does_not_open_it() {
        let handle = Sealer::new(&[1; 32]).seal(&RECEIPT);
        assert_eq!(Sealer::new(&[2; 32]).open(&handle), None);
    }

    #[test]
    fn no_changed_character_goes_unnoticed() {
        let sealer = Sealer::new(&[1; 32]);
        let handle = sealer.seal(&RECEIPT);
        for index in 0..handle.len() {
            for replacement in ['A', 'b', '9', '=', '-', '\u{e9}'] {
                let mut changed: Vec<char> = handle.chars().collect();
                if changed[index] == replacement {
                    continue;
                }
                changed[index] = replacement;
                let changed: String = changed.into_iter().collect();
                assert_eq!(sealer.open(&changed), None, "{changed}");
            }
        }
    }

    #[test]
    fn garbage_is_no_handle() {
        let sealer = Sealer::new(&[1; 32]);
        let handle = sealer.seal(&RECEIPT);
        for garbage in
            ["", "fake", "AAAA", &handle[4..], &handle[..52], &handle.repeat(2), &"A".repeat(100_000)]
        {
            assert_eq!(sealer.open(garbage), None);
        }
    }
}
