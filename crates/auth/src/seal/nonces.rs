//! Nonces that don't repeat.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{NONCE_BYTES, SealError};

/// How many nonces one [`Nonces`] gives: 2³².
pub const MAX_SEALS: u64 = 1 << 32;

/// The nonces of one data key in one process: 96 bits that count on from a random start.
///
/// A data key outlives a process, so that counters from zero would repeat. From random starts, two processes' ranges of at most 2³²
/// nonces meet with a probability of 2⁻⁶³; after a thousand restarts under one data key it is below 2⁻⁴³. Random nonces, one a message, would be at
/// 2⁻³³ after 2³² messages alone. The bound also keeps what is sealed under one key far below the 2⁶⁴ blocks at which
/// GCM begins to leak (2³² messages of 1 MiB are 2⁴⁸).
pub struct Nonces {
    start: u128,
    given: AtomicU64,
}

impl Nonces {
    /// Begins at random bytes, which must be drawn anew for each process and each data key.
    pub fn new(random: [u8; NONCE_BYTES]) -> Self {
        let start = random.iter().fold(0, |start, byte| start << 8 | u128::from(*byte));
        Self { start, given: AtomicU64::new(0) }
    }

    /// A nonce that nobody else got. Many threads may call at once.
    ///
    /// # Errors
    /// [`SealError::UsedUp`] after [`MAX_SEALS`].
    pub fn next(&self) -> Result<[u8; NONCE_BYTES], SealError> {
        let place = self.given.fetch_add(1, Ordering::Relaxed);
        if place >= MAX_SEALS {
            return Err(SealError::UsedUp);
        }
        let mut nonce = [0; NONCE_BYTES];
        // The sum's lower 96 bits: it goes on at zero behind the last one.
        nonce.copy_from_slice(&(self.start + u128::from(place)).to_be_bytes()[16 - NONCE_BYTES..]);
        Ok(nonce)
    }

    /// How many may still be taken; at few, it is time for a new data key.
    pub fn left(&self) -> u64 {
        MAX_SEALS.saturating_sub(self.given.load(Ordering::Relaxed))
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Nonces({} left)", self.left())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::atomic::Ordering;

    use super::{MAX_SEALS, Nonces, SealError};

    #[test]
    fn they_count_on_from_their_start_and_over_its_end() {
        let nonces = Nonces::new([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff]);
        assert_eq!(nonces.next().unwrap(), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff]);
        assert_eq!(nonces.next().unwrap(), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0]);
        let last = Nonces::new([0xff; 12]);
        assert_eq!(last.next().unwrap(), [0xff; 12]);
        assert_eq!(last.next().unwrap(), [0; 12]);
    }

    #[test]
    fn threads_get_different_ones() {
        let nonces = Nonces::new([7; 12]);
        let all = std::thread::scope(|scope| {
            let take = || (0..1000).map(|_| nonces.next().unwrap()).collect::<Vec<_>>();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            threads
                .into_iter()
                .flat_map(|thread| thread.join().unwrap())
                .collect::<std::collections::HashSet<_>>()
        });
        assert_eq!(all.len(), 4000);
        assert_eq!(nonces.left(), MAX_SEALS - 4000);
    }

    #[test]
    fn they_end() {
        let nonces = Nonces::new([0; 12]);
        nonces.given.store(MAX_SEALS - 1, Ordering::Relaxed);
        assert_eq!(nonces.next().unwrap(), [0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(nonces.next(), Err(SealError::UsedUp));
        assert_eq!(nonces.next(), Err(SealError::UsedUp));
        assert_eq!(nonces.left(), 0);
    }
}
