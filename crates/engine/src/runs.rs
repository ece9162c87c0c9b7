//! Rows of numbers in order, packed so that a deep backlog costs a few bytes a message.
//!
//! A row is a message: its first column is the sequence number, its second the position of its bytes. Rows are
//! pushed at the back and popped at the front; in between they lie in chunks that hold, column by column, only
//! the difference to the row before. Neighbours differ little, so a waiting message takes six to eight bytes.
//! Chunks are shared, so that a clone of a deep backlog (for a checkpoint) is cheap.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// Rows in a chunk: enough to pack well, few enough that unpacking one is no pause.
const CHUNK_ROWS: usize = 128;
const SEQUENCE: usize = 0;
const POSITION: usize = 1;

/// A queue of rows of `N` numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Runs<const N: usize> {
    /// Unpacked rows at the front; empty only if all is empty.
    front: VecDeque<[u64; N]>,
    middle: VecDeque<Chunk>,
    back: Vec<[u64; N]>,
    len: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Chunk {
    rows: u32,
    min_position: u64,
    max_position: u64,
    packed: Arc<[u8]>,
    /// The lowest and the highest sequence number in it; found out anew when a snapshot is loaded.
    #[serde(skip)]
    sequences: (u64, u64),
}

impl<const N: usize> Default for Runs<N> {
    fn default() -> Self {
        Self { front: VecDeque::new(), middle: VecDeque::new(), back: Vec::new(), len: 0 }
    }
}

impl<const N: usize> Runs<N> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn push_back(&mut self, row: [u64; N]) {
        self.len += 1;
        if self.front.is_empty() {
            self.front.push_back(row);
            return;
        }
        self.back.push(row);
        if self.back.len() == CHUNK_ROWS {
            self.middle.push_back(Chunk::pack(&self.back));
            self.back.clear();
        }
    }

    pub(crate) fn front(&self) -> Option<&[u64; N]> {
        self.front.front()
    }

    pub(crate) fn pop_front(&mut self) -> Option<[u64; N]> {
        let row = self.front.pop_front()?;
        self.len -= 1;
        if self.front.is_empty() {
            match self.middle.pop_front() {
                Some(chunk) => self.front.extend(chunk.unpack::<N>()),
                None => self.front.extend(self.back.drain(..)),
            }
        }
        Some(row)
    }

    /// All rows, front to back.
    pub(crate) fn iter(&self) -> impl Iterator<Item = [u64; N]> + '_ {
        self.iter_from(0)
    }

    /// All rows but the first `skip`, without unpacking those.
    pub(crate) fn iter_from(&self, skip: usize) -> impl Iterator<Item = [u64; N]> + '_ {
        let mut left = skip.saturating_sub(self.front.len());
        let fits = |chunk: &&Chunk| {
            let rows = chunk.rows as usize;
            let fits = rows <= left;
            left -= if fits { rows } else { 0 };
            fits
        };
        let chunks = self.middle.iter().take_while(fits).count();
        let (in_chunk, in_back) = if chunks < self.middle.len() { (left, 0) } else { (0, left) };
        let middle = self.middle.iter().skip(chunks).flat_map(Chunk::unpack::<N>).skip(in_chunk);
        let front = self.front.iter().skip(skip).copied();
        front.chain(middle).chain(self.back.iter().skip(in_back).copied())
    }

    /// Removes the row with this sequence number, wherever it is. Cheap at the front, linear elsewhere.
    ///
    /// All other rows stay in the parts in which they are: then a removal and a pop give the same in either order, and
    /// a replay, in which removals come before the hand-outs of the same receive, the same bytes.
    pub(crate) fn remove(&mut self, sequence: u64) -> Option<[u64; N]> {
        let sought = |row: &[u64; N]| row[SEQUENCE] == sequence;
        if sought(self.front()?) {
            return self.pop_front();
        }
        let row = if let Some(at) = self.front.iter().position(sought) {
            self.front.remove(at)?
        } else if let Some(at) = self.back.iter().position(sought) {
            self.back.remove(at)
        } else {
            self.remove_packed(sequence, sought)?
        };
        self.len -= 1;
        Some(row)
    }

    fn remove_packed(&mut self, sequence: u64, sought: impl Fn(&[u64; N]) -> bool) -> Option<[u64; N]> {
        let chunks = self.middle.iter().enumerate().filter(|(_, chunk)| chunk.may_hold(sequence));
        let mut unpacked = chunks.map(|(index, chunk)| (index, chunk.unpack::<N>()));
        let (index, mut rows, at) =
            unpacked.find_map(|(index, rows)| rows.iter().position(&sought).map(|at| (index, rows, at)))?;
        let row = rows.remove(at);
        if rows.is_empty() {
            self.middle.remove(index);
        } else {
            self.middle[index] = Chunk::pack(&rows);
        }
        Some(row)
    }

    /// The rows with these sequence numbers, in the order in which they lie. Only the parts in which one may be are unpacked.
    pub(crate) fn with_sequences<'a>(
        &'a self,
        sequences: &'a BTreeSet<u64>,
    ) -> impl Iterator<Item = [u64; N]> + 'a {
        let may_hold =
            |chunk: &&Chunk| sequences.range(chunk.sequences.0..=chunk.sequences.1).next().is_some();
        let middle = self.middle.iter().filter(may_hold).flat_map(Chunk::unpack::<N>);
        let rows = self.front.iter().copied().chain(middle).chain(self.back.iter().copied());
        rows.filter(|row| sequences.contains(&row[SEQUENCE]))
    }

    /// Rows whose position lies in `from..to`, handed to `found` in order.
    pub(crate) fn in_range(&self, from: u64, to: u64, found: &mut impl FnMut(&[u64; N])) {
        let mut look = |row: &[u64; N]| {
            if (from..to).contains(&row[POSITION]) {
                found(row);
            }
        };
        self.front.iter().for_each(&mut look);
        for chunk in self.middle.iter().filter(|chunk| chunk.touches(from, to)) {
            chunk.unpack::<N>().iter().for_each(&mut look);
        }
        self.back.iter().for_each(&mut look);
    }

    /// Rewrites positions in `from..to`: `moved(sequence, position)` says the new one, or `None` to leave it.
    pub(crate) fn relocate(&mut self, from: u64, to: u64, moved: &mut impl FnMut(u64, u64) -> Option<u64>) {
        let mut change = |row: &mut [u64; N]| -> bool {
            if !(from..to).contains(&row[POSITION]) {
                return false;
            }
            moved(row[SEQUENCE], row[POSITION]).map(|position| row[POSITION] = position).is_some()
        };
        self.front.iter_mut().for_each(|row| _ = change(row));
        for chunk in self.middle.iter_mut().filter(|chunk| chunk.touches(from, to)) {
            let mut rows = chunk.unpack::<N>();
            let changed = rows.iter_mut().fold(false, |any, row| change(row) | any);
            if changed {
                *chunk = Chunk::pack(&rows);
            }
        }
        self.back.iter_mut().for_each(|row| _ = change(row));
    }
}

impl Chunk {
    fn pack<const N: usize>(rows: &[[u64; N]]) -> Self {
        let mut packed = Vec::with_capacity(rows.len() * N * 2);
        let mut before = [0u64; N];
        for row in rows {
            for (value, last) in row.iter().zip(before.iter()) {
                let delta = value.wrapping_sub(*last).cast_signed();
                push_varint(&mut packed, ((delta << 1) ^ (delta >> 63)).cast_unsigned());
            }
            before = *row;
        }
        let positions = rows.iter().map(|row| row[POSITION]);
        Self {
            rows: u32::try_from(rows.len()).unwrap_or(u32::MAX),
            min_position: positions.clone().min().unwrap_or(0),
            max_position: positions.max().unwrap_or(0),
            packed: packed.into(),
            sequences: bounds(rows),
        }
    }

    fn may_hold(&self, sequence: u64) -> bool {
        (self.sequences.0..=self.sequences.1).contains(&sequence)
    }

    fn unpack<const N: usize>(&self) -> Vec<[u64; N]> {
        let mut rows = Vec::with_capacity(self.rows as usize);
        let mut bytes = self.packed.iter();
        let mut before = [0u64; N];
        for _ in 0..self.rows {
            for value in &mut before {
                let coded = pull_varint(&mut bytes);
                let delta = (coded >> 1).cast_signed() ^ -((coded & 1).cast_signed());
                *value = value.wrapping_add(delta.cast_unsigned());
            }
            rows.push(before);
        }
        rows
    }

    fn touches(&self, from: u64, to: u64) -> bool {
        self.min_position < to && self.max_position >= from
    }
}

/// The lowest and the highest sequence number; of no rows a range that holds nothing.
fn bounds<const N: usize>(rows: &[[u64; N]]) -> (u64, u64) {
    let sequences = rows.iter().map(|row| row[SEQUENCE]);
    (sequences.clone().min().unwrap_or(1), sequences.max().unwrap_or(0))
}

fn push_varint(into: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        into.push((value as u8) | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

fn pull_varint<'a>(bytes: &mut impl Iterator<Item = &'a u8>) -> u64 {
    let mut value = 0u64;
    for (at, byte) in (0u32..10).zip(bytes) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}

impl<const N: usize> Serialize for Runs<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let front: Vec<u64> = self.front.iter().flatten().copied().collect();
        let back: Vec<u64> = self.back.iter().flatten().copied().collect();
        (front, &self.middle, back).serialize(serializer)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Runs<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (front, mut middle, back) = <(Vec<u64>, VecDeque<Chunk>, Vec<u64>)>::deserialize(deserializer)?;
        let front: VecDeque<[u64; N]> = front.as_chunks::<N>().0.iter().copied().collect();
        let back = back.as_chunks::<N>().0.to_vec();
        let len = front.len() + back.len() + middle.iter().map(|chunk| chunk.rows as usize).sum::<usize>();
        if front.is_empty() && len > 0 {
            return Err(serde::de::Error::custom("runs without a front"));
        }
        // Each number takes a byte at least, so that no chunk unpacks to more than its bytes allow.
        let sound = |chunk: &Chunk| (1..=chunk.packed.len() / N.max(1)).contains(&(chunk.rows as usize));
        if !middle.iter().all(sound) {
            return Err(serde::de::Error::custom("a chunk with more rows than bytes, or with none"));
        }
        for chunk in &mut middle {
            chunk.sequences = bounds(&chunk.unpack::<N>());
        }
        Ok(Self { front, middle, back, len })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(sequence: u64) -> [u64; 4] {
        [sequence, sequence * 1100 + sequence % 7, 1024 + sequence % 3, 1_700_000_000_000 + sequence / 9]
    }

    #[test]
    fn a_waiting_message_costs_a_few_bytes() {
        let mut runs = Runs::<4>::default();
        (0..100_000).for_each(|n| runs.push_back(row(n)));
        let packed: usize = runs.middle.iter().map(|chunk| chunk.packed.len()).sum();
        assert!(packed < 100_000 * 8, "{packed}");
    }

    proptest! {
        #[test]
        fn behaves_like_a_deque(steps in prop::collection::vec((0u8..10, any::<[u64; 4]>()), 0..2000)) {
            let (mut runs, mut model) = (Runs::<4>::default(), VecDeque::new());
            for (kind, mut row) in steps {
                match kind {
                    0..=6 => { row[0] = model.len() as u64; runs.push_back(row); model.push_back(row); }
                    _ => prop_assert_eq!(runs.pop_front(), model.pop_front()),
                }
                prop_assert_eq!(runs.len(), model.len());
                prop_assert_eq!(runs.front(), model.front());
            }
            prop_assert!(runs.iter().eq(model.iter().copied()));
            for skip in [0, 1, 127, 128, 129, 300, model.len() / 2, model.len(), model.len() + 7] {
                prop_assert!(runs.iter_from(skip).eq(model.iter().skip(skip).copied()), "{}", skip);
            }
            let bytes = postcard::to_stdvec(&runs).unwrap();
            prop_assert_eq!(postcard::from_bytes::<Runs<4>>(&bytes).unwrap(), runs);
        }

        #[test]
        fn relocation_touches_what_it_names(count in 1u64..600, from in 0u64..700_000, span in 0u64..300_000) {
            let mut runs = Runs::<4>::default();
            (0..count).for_each(|n| runs.push_back(row(n)));
            let mut expected: Vec<_> = runs.iter().collect();
            for row in expected.iter_mut().filter(|row| (from..from + span).contains(&row[1]) && row[0] % 2 == 0) {
                row[1] += 9_000_000;
            }
            let mut seen = 0;
            runs.in_range(from, from + span, &mut |_| seen += 1);
            let mut asked = 0;
            runs.relocate(from, from + span, &mut |sequence, position| {
                asked += 1;
                (sequence % 2 == 0).then_some(position + 9_000_000)
            });
            prop_assert_eq!(seen, asked);
            prop_assert!(runs.iter().eq(expected));
        }

        #[test]
        fn removes_from_anywhere(count in 1u64..400, at in 0u64..400) {
            let mut runs = Runs::<4>::default();
            (0..count).for_each(|n| runs.push_back(row(n)));
            let sought = BTreeSet::from([at, at / 2, count + 1]);
            let found: Vec<u64> = runs.with_sequences(&sought).map(|row| row[SEQUENCE]).collect();
            prop_assert!(found.into_iter().eq(sought.into_iter().filter(|one| *one < count)));
            prop_assert_eq!(runs.remove(at), (at < count).then(|| row(at)));
            prop_assert!(runs.iter().eq((0..count).filter(|n| *n != at).map(row)));
            prop_assert_eq!(runs.len() as u64, count - u64::from(at < count));
        }

        /// A receive that met an expired message behind one that it handed out was replayed in another order than it
        /// had happened in, and the rows came to lie in other parts: equal queues, but not the same bytes.
        #[test]
        fn a_removal_and_pops_give_the_same_in_either_order(
            count in 2u64..600, popped_before in 0u64..300, pops in 1u64..200, ahead in 0u64..200
        ) {
            let mut one = Runs::<4>::default();
            (0..count).for_each(|n| one.push_back(row(n)));
            (0..popped_before.min(count)).for_each(|_| _ = one.pop_front());
            let Some(head) = one.front().map(|row| row[SEQUENCE]) else { return Ok(()) };
            let mut two = one.clone();
            (0..pops).for_each(|_| _ = one.pop_front());
            let sought = head + pops + ahead;
            let removed = one.remove(sought);
            prop_assert_eq!(two.remove(sought), removed);
            (0..pops).for_each(|_| _ = two.pop_front());
            prop_assert_eq!(one, two);
        }
    }
}
