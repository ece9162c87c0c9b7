//! What a FIFO queue remembers for five minutes: which messages it took in, and what each receive attempt got.

use super::sends::{Index, Numbered, Send, Sends};
use crate::names::QueueId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// SQS's deduplication interval; it also bounds ReceiveRequestAttemptId.
pub(crate) const WINDOW_MS: u64 = 300_000;
/// Beyond this many remembered sends a queue throttles rather than forget one.
pub(crate) const MAX_REMEMBERED: usize = 8_000_000;

/// A 128-bit keyed hash of what was given; never 0.
pub(crate) fn hash(queue: QueueId, key: u64, parts: &[&str]) -> u128 {
    let mut hasher = Sha256::new();
    hasher.update(key.to_le_bytes());
    hasher.update(queue.0.to_le_bytes());
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let digest = hasher.finalize();
    let (head, _) = digest.as_chunks::<16>();
    head.first().map_or(1, |bytes| u128::from_le_bytes(*bytes)).max(1)
}

/// The sends of the last five minutes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Deduplication {
    sends: Sends,
    /// How many were forgotten; numbers the first of `sends`.
    forgotten: u64,
    #[serde(skip)]
    index: Index,
}

impl PartialEq for Deduplication {
    fn eq(&self, other: &Self) -> bool {
        self.sends == other.sends && self.forgotten == other.forgotten
    }
}

impl Deduplication {
    pub(crate) fn rebuild(&mut self) {
        self.index = Index::default();
        let of = Numbered { sends: &self.sends, first: self.forgotten };
        for (send, index) in self.sends.iter().zip(0..) {
            self.index.insert(of, send.key, self.number(index));
        }
    }

    /// The number of the send at `index`. They may begin anywhere, as snapshots say, and go round: only their distances count.
    fn number(&self, index: u64) -> u64 {
        self.forgotten.wrapping_add(index)
    }

    /// A copy without what [`Deduplication::rebuild`] makes, sharing the rest.
    pub(super) fn frozen(&self) -> Self {
        Self { sends: self.sends.clone(), forgotten: self.forgotten, index: Index::default() }
    }

    /// The earlier send under this key: sequence and message id.
    pub(crate) fn find(&self, key: u128) -> Option<(u64, [u8; 16])> {
        let of = Numbered { sends: &self.sends, first: self.forgotten };
        let send = self.sends.get(self.index.find(of, key)?)?;
        Some((send.sequence, send.message_id))
    }

    pub(crate) fn is_full(&self) -> bool {
        self.sends.len() >= MAX_REMEMBERED
    }

    pub(crate) fn remember(&mut self, key: u128, at_ms: u64, sequence: u64, message_id: [u8; 16]) {
        let number = self.number(self.sends.len() as u64);
        self.sends.push_back(Send { key, at_ms, sequence, message_id });
        self.index.insert(Numbered { sends: &self.sends, first: self.forgotten }, key, number);
    }

    pub(crate) fn advance(&mut self, now_ms: u64) {
        let mut popped = false;
        while let Some(send) = self.sends.front().filter(|send| send.at_ms + WINDOW_MS <= now_ms) {
            self.index.remove(send.key, self.forgotten);
            self.forgotten = self.number(1);
            self.sends.pop_front();
            popped = true;
        }
        if popped && self.sends.len() == 0 {
            self.index = Index::default();
        }
    }

    /// Forgets all (a purge does).
    pub(crate) fn clear(&mut self) {
        self.forgotten = self.number(self.sends.len() as u64);
        self.sends = Sends::default();
        self.index = Index::default();
    }
}

/// The receives of the last five minutes that named a ReceiveRequestAttemptId.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempts {
    by_number: BTreeMap<u64, Attempt>,
    by_key: BTreeMap<u128, u64>,
    last: u64,
}

/// What one receive attempt got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    key: u128,
    at_ms: u64,
    /// One of its messages was deleted or its visibility changed: it can't be repeated any more.
    pub(crate) void: bool,
    pub(crate) nonce: u64,
    pub(crate) sequences: Vec<u64>,
}

impl Attempts {
    pub(crate) fn find(&self, key: u128) -> Option<&Attempt> {
        self.by_number.get(self.by_key.get(&key)?)
    }

    /// Remembers an attempt in place of an earlier one; says its number.
    pub(crate) fn remember(&mut self, key: u128, at_ms: u64, nonce: u64, sequences: Vec<u64>) -> u64 {
        if let Some(old) = self.by_key.get(&key).copied() {
            self.by_number.remove(&old);
        }
        self.last += 1;
        self.by_key.insert(key, self.last);
        self.by_number.insert(self.last, Attempt { key, at_ms, void: false, nonce, sequences });
        self.last
    }

    /// One of the attempt's messages was changed.
    pub(crate) fn void(&mut self, number: u64) {
        if let Some(attempt) = self.by_number.get_mut(&number) {
            attempt.void = true;
        }
    }

    pub(crate) fn advance(&mut self, now_ms: u64) {
        while let Some(first) =
            self.by_number.first_entry().filter(|first| first.get().at_ms + WINDOW_MS <= now_ms)
        {
            let (number, attempt) = first.remove_entry();
            if self.by_key.get(&attempt.key) == Some(&number) {
                self.by_key.remove(&attempt.key);
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        self.by_number.clear();
        self.by_key.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{Deduplication, WINDOW_MS};

    /// A fuzzer wrote a snapshot whose sends began at the last number there is; counting on from there ended in a panic.
    #[test]
    fn numbers_go_round() {
        let mut window = Deduplication { forgotten: u64::MAX - 1, ..Deduplication::default() };
        for key in 1..=4 {
            window.remember(key, key as u64, key as u64 * 10, [key as u8; 16]);
        }
        window.rebuild();
        assert_eq!(window.find(4), Some((40, [4; 16])));
        window.advance(WINDOW_MS + 3);
        assert_eq!((window.find(3), window.find(4)), (None, Some((40, [4; 16]))));
    }
}
