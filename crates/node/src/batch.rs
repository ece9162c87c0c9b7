//! What an entry's payload is made of: items, each a head and the bytes it carries.
//!
//! Layout: one byte of version, then for each item its kind (1 byte), the length of the head and of what is carried
//! (4 bytes each, little-endian), the head, the carried bytes. `docs/store-format.md` describes it.

use bongsu_engine::{BodyRef, EntityId, Log, Record};
use bongsu_journal::{Layout, Position};
use bytes::Bytes;

/// The version of a payload that is written, and the only one that is read.
pub(crate) const VERSION: u8 = 1;
const ITEM_HEADER_BYTES: usize = 9;

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A record of the engine; carries a stored message or none.
    Record,
    /// A piece of a snapshot or of a manifest; the head is empty.
    Part,
    /// Where the parts of a checkpoint's manifest lie.
    Manifest,
}

/// A payload being gathered, at a position that is known before it is written.
#[derive(Debug)]
pub(crate) struct Batch {
    position: Position,
    layout: Layout,
    payload: Vec<u8>,
    /// Entities that its records are about, in the order of the records; neighbours differ.
    pub(crate) touched: Vec<EntityId>,
}

impl Batch {
    pub(crate) fn new(position: Position, layout: Layout) -> Self {
        Self::reusing(position, layout, Vec::new(), Vec::new())
    }

    /// An empty one, in memory that another needs no more.
    pub(crate) fn reusing(
        position: Position,
        layout: Layout,
        mut payload: Vec<u8>,
        mut touched: Vec<EntityId>,
    ) -> Self {
        payload.clear();
        payload.push(VERSION);
        touched.clear();
        Self { position, layout, payload, touched }
    }

    /// Where the entry will lie.
    pub(crate) fn position(&self) -> Position {
        self.position
    }

    /// Where the next item will lie.
    pub(crate) fn next_item(&self) -> u64 {
        self.layout.within(self.position, self.payload.len() as u32).0
    }

    pub(crate) fn len(&self) -> usize {
        self.payload.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.payload.len() <= 1
    }

    #[cfg(test)]
    fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The payload, and the memory of the rest.
    pub(crate) fn into_parts(self) -> (Bytes, Vec<EntityId>) {
        (self.payload.into(), self.touched)
    }

    /// Where the entry after this one will lie.
    pub(crate) fn next_entry(&self) -> Position {
        self.layout.next(self.position, self.payload.len() as u32)
    }

    /// Adds an item; says where the carried bytes will lie.
    pub(crate) fn push(&mut self, kind: Kind, head: impl FnOnce(&mut Vec<u8>), carried: &[u8]) -> BodyRef {
        let start = self.payload.len();
        self.payload.extend_from_slice(&[0; ITEM_HEADER_BYTES]);
        head(&mut self.payload);
        let head_len = (self.payload.len() - start - ITEM_HEADER_BYTES) as u32;
        let len = carried.len() as u32;
        let header = &mut self.payload[start..start + ITEM_HEADER_BYTES];
        header[0] = kind.code();
        header[1..5].copy_from_slice(&head_len.to_le_bytes());
        header[5..9].copy_from_slice(&len.to_le_bytes());
        let position = self.layout.within(self.position, self.payload.len() as u32).0;
        self.payload.extend_from_slice(carried);
        BodyRef { position, len }
    }
}

impl Log for Batch {
    fn write(&mut self, record: &Record, body: &[u8]) -> BodyRef {
        let entity = record.entity();
        if self.touched.last() != Some(&entity) {
            self.touched.push(entity);
        }
        self.push(Kind::Record, |payload| record.encode(payload), body)
    }
}

impl Kind {
    fn code(self) -> u8 {
        match self {
            Self::Record => 0,
            Self::Part => 1,
            Self::Manifest => 2,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        [Self::Record, Self::Part, Self::Manifest].into_iter().find(|kind| kind.code() == code)
    }
}

/// An item read back.
#[derive(Debug)]
pub(crate) struct Item<'a> {
    pub(crate) kind: Kind,
    /// Offset of the item within the payload.
    pub(crate) offset: u32,
    pub(crate) head: &'a [u8],
    /// Offset of the carried bytes within the payload.
    pub(crate) carried_offset: u32,
    pub(crate) carried: &'a [u8],
}

/// The items of a payload; `Err` says what is wrong with it.
pub(crate) fn items(payload: &[u8]) -> impl Iterator<Item = Result<Item<'_>, &'static str>> {
    let mut at = 1;
    let mut failed = false;
    std::iter::from_fn(move || {
        if failed || at >= payload.len() {
            return None;
        }
        let item = if payload[0] == VERSION { item(payload, at) } else { Err("unknown version of an entry") };
        match &item {
            Ok(item) => at = item.carried_offset as usize + item.carried.len(),
            Err(_) => failed = true,
        }
        Some(item)
    })
}

fn item(payload: &[u8], at: usize) -> Result<Item<'_>, &'static str> {
    let cut = "an item is cut off";
    let (header, rest) = payload[at..].split_at_checked(ITEM_HEADER_BYTES).ok_or(cut)?;
    let number = |bytes: &[u8]| bytes.try_into().map(u32::from_le_bytes).map_or(0, |number| number as usize);
    let (head_len, carried_len) = (number(&header[1..5]), number(&header[5..9]));
    let (head, rest) = rest.split_at_checked(head_len).ok_or(cut)?;
    let (carried, _) = rest.split_at_checked(carried_len).ok_or(cut)?;
    Ok(Item {
        kind: Kind::from_code(header[0]).ok_or("unknown kind of item")?,
        offset: at as u32,
        head,
        carried_offset: (at + ITEM_HEADER_BYTES + head_len) as u32,
        carried,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> Layout {
        use bongsu_journal::{Journal, MemoryJournal, MemoryOptions};
        MemoryJournal::new(MemoryOptions::default()).layout()
    }

    #[test]
    fn items_come_back_where_they_were_said_to_lie() {
        let mut batch = Batch::new(Position(4096), layout());
        let first = batch.push(Kind::Record, |head| head.extend_from_slice(b"head"), b"carried");
        let second_item = batch.next_item();
        let second = batch.push(Kind::Part, |_| (), b"");
        let found: Vec<_> = items(batch.payload()).map(Result::unwrap).collect();
        assert_eq!(
            (found[0].kind, found[0].head, found[0].carried),
            (Kind::Record, &b"head"[..], &b"carried"[..])
        );
        assert_eq!(layout().within(Position(4096), found[0].carried_offset).0, first.position);
        assert_eq!(layout().within(Position(4096), found[1].offset).0, second_item);
        assert_eq!((second.len, found.len()), (0, 2));
    }

    #[test]
    fn damage_is_said_and_not_read_over() {
        let mut batch = Batch::new(Position(0), layout());
        batch.push(Kind::Record, |head| head.extend_from_slice(b"head"), b"carried");
        let whole = batch.payload().to_vec();
        for cut in 2..whole.len() {
            assert!(items(&whole[..cut]).any(|item| item.is_err()), "cut at {cut}");
        }
        let mut wrong = whole.clone();
        wrong[1] = 9;
        assert!(items(&wrong).all(|item| item.is_err()));
        wrong = whole;
        wrong[0] = 2;
        assert!(items(&wrong).all(|item| item.is_err()));
    }
}
