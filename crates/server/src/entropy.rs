//! The one place that draws random bytes: message ids, request ids, and the store's secret when a store is new.

use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Bytes drawn from the operating system at a time: one system call serves a few hundred ids.
const BUFFER_BYTES: usize = 4096;

/// A source of unpredictable bytes, shared by all connections.
pub struct Entropy {
    buffer: Mutex<Buffer>,
}

struct Buffer {
    bytes: [u8; BUFFER_BYTES],
    used: usize,
}

impl Entropy {
    /// A source that draws its first bytes when it is first asked.
    pub fn new() -> Self {
        Self { buffer: Mutex::new(Buffer { bytes: [0; BUFFER_BYTES], used: BUFFER_BYTES }) }
    }

    /// `N` bytes that were never handed out before; `N` is at most 4096.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        const { assert!(N <= BUFFER_BYTES) };
        // A buffer left by a panicking thread is still sound: bytes count as used before they are copied.
        let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        if buffer.used + N > BUFFER_BYTES {
            buffer.refill();
        }
        let start = buffer.used;
        buffer.used += N;
        let mut taken = [0; N];
        taken.copy_from_slice(&buffer.bytes[start..start + N]);
        buffer.bytes[start..start + N].fill(0);
        taken
    }

    /// The bytes of a version 4 UUID.
    pub fn uuid(&self) -> [u8; 16] {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid().into_bytes()
    }
}

impl Buffer {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the source of random bytes that the ban points to"
    )]
    #[expect(
        clippy::expect_used,
        reason = "without random bytes ids could repeat, and there is nothing to fall back on"
    )]
    fn refill(&mut self) {
        getrandom::fill(&mut self.bytes).expect("the operating system gives random bytes");
        self.used = 0;
    }
}

impl Default for Entropy {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The buffer holds ids that are not given out yet.
        f.write_str("Entropy")
    }
}

#[cfg(test)]
mod tests {
    use super::Entropy;
    use std::collections::BTreeSet;

    #[test]
    fn ids_are_version_4_uuids_and_never_repeat_across_refills() {
        let entropy = Entropy::new();
        let mut seen = BTreeSet::new();
        for _ in 0..2000 {
            let id = entropy.uuid();
            assert_eq!(id[6] >> 4, 4);
            assert_eq!(id[8] >> 6, 0b10);
            assert!(seen.insert(id));
        }
    }

    #[test]
    fn a_draw_that_does_not_fit_the_rest_refills() {
        let entropy = Entropy::new();
        let first: [u8; 4000] = entropy.bytes();
        let second: [u8; 4000] = entropy.bytes();
        assert_ne!(first, second);
    }
}
