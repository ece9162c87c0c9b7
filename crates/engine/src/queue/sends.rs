//! What the deduplication window remembers, in the order in which it came, and where to find a key in it.
//!
//! At full rate a window holds millions. So the sends lie in chunks that a copy for a checkpoint shares, and the index
//! holds four bytes a send: the place, where the key itself is.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::VecDeque;
use std::sync::Arc;

/// Sends in a chunk: what is copied at most when a chunk is shared and one more send comes.
const CHUNK: usize = 4_096;

/// A message that was taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Send {
    pub(super) key: u128,
    pub(super) at_ms: u64,
    pub(super) sequence: u64,
    pub(super) message_id: [u8; 16],
}

/// A queue of sends. A clone shares all chunks.
#[derive(Clone, Debug, Default)]
pub(super) struct Sends {
    /// All but the last are full.
    chunks: VecDeque<Arc<Vec<Send>>>,
    /// How many of the first chunk are gone.
    gone: usize,
    len: usize,
}

impl Sends {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, index: usize) -> Option<&Send> {
        let at = index.checked_add(self.gone)?;
        self.chunks.get(at / CHUNK)?.get(at % CHUNK)
    }

    pub(super) fn front(&self) -> Option<&Send> {
        self.get(0)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Send> {
        self.chunks.iter().flat_map(|chunk| chunk.iter()).skip(self.gone)
    }

    pub(super) fn push_back(&mut self, send: Send) {
        self.len += 1;
        match self.chunks.back_mut().filter(|chunk| chunk.len() < CHUNK) {
            Some(chunk) => Arc::make_mut(chunk).push(send),
            None => self.chunks.push_back(Arc::new(vec![send])),
        }
    }

    pub(super) fn pop_front(&mut self) {
        if self.len == 0 {
            return;
        }
        self.len -= 1;
        self.gone += 1;
        if self.chunks.front().is_some_and(|chunk| chunk.len() == self.gone) {
            self.chunks.pop_front();
            self.gone = 0;
        }
    }
}

impl PartialEq for Sends {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl Serialize for Sends {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(Exactly(self.iter(), self.len))
    }
}

/// An iterator that knows its length, which is written before it.
struct Exactly<I>(I, usize);

impl<I: Iterator> Iterator for Exactly<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let next = self.0.next()?;
        self.1 -= 1;
        Some(next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.1, Some(self.1))
    }
}

impl<'de> Deserialize<'de> for Sends {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Sends;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("remembered sends")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Sends, A::Error> {
                let mut sends = Sends::default();
                while let Some(send) = seq.next_element()? {
                    sends.push_back(send);
                }
                Ok(sends)
            }
        }
        deserializer.deserialize_seq(All)
    }
}

/// Where each key is among the sends: their numbers, which count on as sends are forgotten. Only the low half of a
/// number is kept: a window never holds so many that two could be taken for each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// Grows by being split up once, so that no single send pays for all that are there.
    shards: Vec<HashTable<u32>>,
    len: usize,
}

const SHARDS: usize = 256;
const SPLIT_AT: usize = 32 * 1_024;

/// The sends by number.
#[derive(Clone, Copy)]
pub(super) struct Numbered<'a> {
    pub(super) sends: &'a Sends,
    /// The number of the first.
    pub(super) first: u64,
}

impl Numbered<'_> {
    fn key(self, number: u32) -> u128 {
        let index = number.wrapping_sub(self.first as u32);
        self.sends.get(index as usize).map_or(0, |send| send.key)
    }
}

/// Keys are keyed hashes already: their bits need no further mixing.
fn low_bits(key: u128) -> u64 {
    key as u64
}

impl Index {
    /// The index of the latest send under this key among `of`.
    pub(super) fn find(&self, of: Numbered<'_>, key: u128) -> Option<usize> {
        let shard = self.shards.get(shard(key, self.shards.len()))?;
        let number = shard.find(low_bits(key), |number| of.key(*number) == key)?;
        Some(number.wrapping_sub(of.first as u32) as usize)
    }

    /// A send was added under this number, in place of an earlier one with its key.
    pub(super) fn insert(&mut self, of: Numbered<'_>, key: u128, number: u64) {
        if self.shards.is_empty() {
            self.shards.push(HashTable::new());
        }
        if self.shards.len() == 1 && self.len == SPLIT_AT {
            self.split(of);
        }
        let at = shard(key, self.shards.len());
        let same = |known: &u32| of.key(*known) == key;
        match self.shards[at].entry(low_bits(key), same, |known| low_bits(of.key(*known))) {
            Entry::Occupied(mut known) => *known.get_mut() = number as u32,
            Entry::Vacant(place) => {
                place.insert(number as u32);
                self.len += 1;
            }
        }
    }

    /// The send of this number is about to go.
    pub(super) fn remove(&mut self, key: u128, number: u64) {
        let at = shard(key, self.shards.len());
        let Some(shard) = self.shards.get_mut(at) else { return };
        // A later send under the same key stays.
        if let Ok(known) = shard.find_entry(low_bits(key), |known| *known == number as u32) {
            known.remove();
            self.len -= 1;
        }
    }

    fn split(&mut self, of: Numbered<'_>) {
        let mut shards = vec![HashTable::new(); SHARDS];
        for number in self.shards.iter().flatten() {
            let key = of.key(*number);
            shards[shard(key, SHARDS)]
                .insert_unique(low_bits(key), *number, |known| low_bits(of.key(*known)));
        }
        self.shards = shards;
    }
}

/// By the bits that place a key least within its shard.
fn shard(key: u128, shards: usize) -> usize {
    if shards <= 1 { 0 } else { (key >> 120) as usize % shards }
}

#[cfg(test)]
mod tests {
    use super::{CHUNK, Index, Numbered, SPLIT_AT, Send, Sends};
    use std::collections::HashMap;

    fn send(number: u64) -> Send {
        // Spread as hashes are.
        let key = u128::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        Send { key, at_ms: number, sequence: number, message_id: [number as u8; 16] }
    }

    #[test]
    fn sends_come_out_as_they_went_in_across_chunks() {
        let mut sends = Sends::default();
        sends.pop_front();
        let count = 3 * CHUNK as u64 + 10;
        (0..count).for_each(|number| sends.push_back(send(number)));
        for number in 0..count {
            assert_eq!((sends.front().unwrap().sequence, sends.len() as u64), (number, count - number));
            assert_eq!(sends.get(sends.len() - 1).unwrap().sequence, count - 1);
            assert!(sends.get(sends.len()).is_none());
            sends.pop_front();
        }
        assert_eq!((sends.len(), sends.iter().count(), sends.chunks.len()), (0, 0, 0));
    }

    #[test]
    fn a_copy_stays_as_it_was_and_shares_what_is_full() {
        let mut sends = Sends::default();
        (0..CHUNK as u64 + 5).for_each(|number| sends.push_back(send(number)));
        let copy = sends.clone();
        sends.pop_front();
        sends.push_back(send(9_999));
        assert!(std::sync::Arc::ptr_eq(&sends.chunks[0], &copy.chunks[0]));
        assert_eq!((copy.len(), copy.front().unwrap().sequence), (CHUNK + 5, 0));
        assert_eq!(copy.iter().last().unwrap().sequence, CHUNK as u64 + 4);
    }

    /// A store that an earlier version wrote has a plain list here.
    #[test]
    fn the_written_form_is_that_of_a_plain_list() {
        let mut sends = Sends::default();
        (0..CHUNK as u64 + 100).for_each(|number| sends.push_back(send(number)));
        (0..50).for_each(|_| sends.pop_front());
        let list: Vec<Send> = sends.iter().cloned().collect();
        let bytes = postcard::to_stdvec(&sends).unwrap();
        assert_eq!(bytes, postcard::to_stdvec(&list).unwrap());
        let again: Sends = postcard::from_bytes(&bytes).unwrap();
        assert!(again == sends && again.gone == 0);
    }

    #[test]
    fn the_index_finds_what_a_map_would_before_and_after_it_is_split() {
        let (mut sends, mut index, mut first) =
            (Sends::default(), Index::default(), u64::from(u32::MAX) - 1_000);
        let mut map = HashMap::new();
        for step in 0..(SPLIT_AT as u64 * 2) {
            // Every third key comes again while its send is still there, or after it went.
            let one = send(if step % 3 == 0 { step / 2 } else { step });
            let number = first + sends.len() as u64;
            map.insert(one.key, number);
            let key = one.key;
            sends.push_back(one);
            index.insert(Numbered { sends: &sends, first }, key, number);
            if step % 5 == 0 {
                let oldest = sends.front().unwrap().key;
                index.remove(oldest, first);
                if map.get(&oldest) == Some(&first) {
                    map.remove(&oldest);
                }
                sends.pop_front();
                first += 1;
            }
        }
        assert_eq!((index.shards.len(), index.len), (super::SHARDS, map.len()));
        let of = Numbered { sends: &sends, first };
        for number in 0..SPLIT_AT as u64 * 2 {
            let key = send(number).key;
            let expected = map.get(&key).map(|number| (number - first) as usize);
            assert_eq!(index.find(of, key), expected, "{number}");
        }
    }
}
