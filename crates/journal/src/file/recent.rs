//! The last bytes of the log in memory, so that what was just written is read without asking the disk: appends go past the
//! page cache where they can, and receivers mostly want what was sent a moment ago.
//!
//! It is a ring over the address space: the byte at position P lies at P modulo its length. Positions are never used twice
//! while a journal is open (an append that fails leaves the tail where it is and comes here never), so nothing in it can
//! become wrong. What was deleted may still lie here; readers come only through a pin, which a deleted segment gives to
//! nobody any more, and ask its segment first whether the range is durable.

use std::sync::{PoisonError, RwLock};

use bytes::Bytes;

/// The bytes of the log from some position up to the tail, as many as there is memory for.
pub(super) struct Recent {
    ring: RwLock<Ring>,
}

struct Ring {
    /// All its memory is taken at once, but the system gives it page by page as it is first written.
    bytes: Vec<u8>,
    /// What it holds: the positions from here …
    from: u64,
    /// … to here.
    to: u64,
}

// A panic leaves a ring that is used on: positions are moved before bytes are overwritten, and after they are there.
impl Recent {
    /// Keeps the last `max_bytes`.
    pub(super) fn new(max_bytes: usize) -> Recent {
        Recent { ring: RwLock::new(Ring { bytes: vec![0; max_bytes], from: 0, to: 0 }) }
    }

    /// Takes in what lies at `position` now, and is durable; the log goes on at `next`.
    pub(super) fn push(&self, position: u64, bytes: &[u8], next: u64) {
        self.ring.write().unwrap_or_else(PoisonError::into_inner).push(position, bytes, next);
    }

    /// The `len` bytes at `position`, if all of them are here.
    pub(super) fn read(&self, position: u64, len: u32) -> Option<Bytes> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).read(position, len as usize)
    }
}

impl Ring {
    fn push(&mut self, position: u64, bytes: &[u8], next: u64) {
        if position != self.to {
            // The first of this opening.
            (self.from, self.to) = (position, position);
        }
        self.from = self.from.max(next.saturating_sub(self.bytes.len() as u64));
        if self.from > position || self.bytes.is_empty() {
            // It does not fit as a whole, and readers want whole messages: the next one is the first again.
            (self.from, self.to) = (next, next);
            return;
        }
        let (first, rest) = bytes.split_at(bytes.len().min(self.to_the_end(position)));
        let at = self.index(position);
        self.bytes[at..at + first.len()].copy_from_slice(first);
        self.bytes[..rest.len()].copy_from_slice(rest);
        self.to = next;
    }

    fn read(&self, position: u64, len: usize) -> Option<Bytes> {
        let end = position.checked_add(len as u64)?;
        if position < self.from || end > self.to || len == 0 {
            return None;
        }
        let mut out = Vec::with_capacity(len);
        let first = len.min(self.to_the_end(position));
        let at = self.index(position);
        out.extend_from_slice(&self.bytes[at..at + first]);
        out.extend_from_slice(&self.bytes[..len - first]);
        Some(Bytes::from(out))
    }

    /// Where the byte at `position` lies. Only asked with memory to speak of.
    fn index(&self, position: u64) -> usize {
        usize::try_from(position % self.bytes.len() as u64).unwrap_or(0)
    }

    /// How many bytes lie there before the ring goes on at its beginning.
    fn to_the_end(&self, position: u64) -> usize {
        self.bytes.len() - self.index(position)
    }
}

#[cfg(test)]
mod tests {
    use super::Recent;

    /// The byte that lies at a position.
    fn byte(position: u64) -> u8 {
        (position.wrapping_mul(2_654_435_761) >> 16) as u8
    }

    fn content(position: u64, len: u64) -> Vec<u8> {
        (position..position + len).map(byte).collect()
    }

    #[test]
    fn it_has_the_last_bytes_and_no_others() {
        let recent = Recent::new(1_000);
        let (mut tail, mut begin) = (4_096, 4_096);
        for number in 0..500_u64 {
            let len = number * 37 % 400;
            recent.push(tail, &content(tail, len), tail + len.next_multiple_of(8));
            let position = tail;
            tail += len.next_multiple_of(8);
            begin = begin.max(tail.saturating_sub(1_000));
            for (at, len) in [(position, len), (begin, 1), (begin, 8), (tail - len, 1), (tail.max(9) - 9, 1)]
            {
                let whole = len > 0 && at >= begin && at + len <= tail;
                let read = recent.read(at, len as u32);
                assert_eq!(read.is_some(), whole, "{at} {len} in {begin}..{tail}");
                // Padding has no content.
                if at == position {
                    assert!(read.is_none_or(|read| read == content(at, len)));
                }
            }
            assert!(recent.read(begin - 1, 1).is_none() && recent.read(tail, 1).is_none());
            assert!(recent.read(tail - 8, 9).is_none() && recent.read(u64::MAX, 8).is_none());
        }
    }

    #[test]
    fn what_does_not_fit_is_not_kept_and_leaves_no_gap() {
        let recent = Recent::new(100);
        recent.push(0, &content(0, 80), 80);
        recent.push(80, &content(80, 104), 184);
        assert!(recent.read(0, 1).is_none() && recent.read(80, 1).is_none() && recent.read(183, 1).is_none());
        recent.push(184, &content(184, 96), 280);
        assert_eq!(recent.read(184, 96).unwrap(), content(184, 96));
        recent.push(280, &content(280, 8), 288);
        assert_eq!(recent.read(200, 88).unwrap(), content(200, 88));
        assert!(recent.read(184, 8).is_none());
    }

    #[test]
    fn one_without_memory_keeps_nothing() {
        let recent = Recent::new(0);
        recent.push(4_096, &[1; 96], 4_192);
        recent.push(4_192, &[], 4_192);
        assert!(recent.read(4_096, 96).is_none() && recent.read(4_192, 0).is_none());
    }
}
