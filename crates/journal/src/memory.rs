//! The memory journal: keeps entries until their segment is deleted or the process ends. For tests, and for those who
//! choose speed over durability.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;

use crate::{
    AppendError, Appended, Entry, Journal, JournalError, Layout, Limits, Pin, PinnedSegment, Position,
    Reader, SegmentInfo, Stamp,
};

/// As in the file journal, so that the two fill their address spaces in the same way.
const LAYOUT: Layout = Layout::new(96, 8);

/// An opening of a memory journal is its whole life.
const EPOCH: u64 = 1;

/// How a memory journal is to be kept.
#[derive(Clone, Debug)]
pub struct MemoryOptions {
    /// After how many bytes of entries a segment is sealed.
    pub segment_bytes: u64,
    /// The largest payload in bytes.
    pub max_payload_bytes: u32,
}

impl Default for MemoryOptions {
    fn default() -> MemoryOptions {
        MemoryOptions { segment_bytes: 64 << 20, max_payload_bytes: 4 << 20 }
    }
}

#[derive(Clone)]
struct Stored {
    position: Position,
    stamp: Stamp,
    payload: Bytes,
}

struct Content {
    entries: Vec<Stored>,
    end: Position,
    sealed: bool,
}

struct Segment {
    base: Position,
    content: RwLock<Content>,
}

// A panic can't leave a segment or the map of them half-changed, so a poisoned lock is used on.
impl Segment {
    fn new(base: Position) -> Arc<Segment> {
        let content = Content { entries: Vec::new(), end: base, sealed: false };
        Arc::new(Segment { base, content: RwLock::new(content) })
    }

    fn read(&self) -> RwLockReadGuard<'_, Content> {
        self.content.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Content> {
        self.content.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn info(&self) -> SegmentInfo {
        let content = self.read();
        SegmentInfo { base: self.base, end: content.end, sealed: content.sealed }
    }

    /// The entry that begins at `at`.
    fn entry(&self, at: Position) -> Option<Stored> {
        let content = self.read();
        let index = content.entries.binary_search_by_key(&at, |entry| entry.position).ok()?;
        content.entries.get(index).cloned()
    }

    /// The bytes at `at`, which lie within one payload.
    fn bytes(&self, at: Position, len: u32) -> Option<Bytes> {
        let content = self.read();
        let index = content.entries.partition_point(|entry| entry.position <= at).checked_sub(1)?;
        let entry = content.entries.get(index)?;
        let offset = at.0.checked_sub(LAYOUT.within(entry.position, 0).0)?;
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(usize::try_from(len).ok()?)?;
        (end <= entry.payload.len()).then(|| entry.payload.slice(start..end))
    }
}

impl PinnedSegment for Segment {
    fn covers(&self, at: Position) -> bool {
        at >= self.base && at < self.read().end
    }

    fn read(&self, at: Position, len: u32) -> Result<Bytes, JournalError> {
        self.bytes(at, len).ok_or(JournalError::Missing(at))
    }

    fn read_cached(&self, at: Position, len: u32) -> Option<Result<Bytes, JournalError>> {
        Some(PinnedSegment::read(self, at, len))
    }
}

#[derive(Default)]
struct Segments(RwLock<BTreeMap<Position, Arc<Segment>>>);

impl Segments {
    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<Position, Arc<Segment>>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<Position, Arc<Segment>>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The segment that covers `at`.
    fn at(&self, at: Position) -> Option<Arc<Segment>> {
        let segments = self.read();
        let (_, segment) = segments.range((Bound::Unbounded, Bound::Included(at))).next_back()?;
        (at < segment.read().end).then(|| Arc::clone(segment))
    }
}

/// A journal that keeps nothing beyond the life of the process.
pub struct MemoryJournal {
    options: MemoryOptions,
    segments: Arc<Segments>,
    active: Arc<Segment>,
    tail: Position,
    last_stamp: Option<Stamp>,
}

impl MemoryJournal {
    /// A new, empty journal.
    #[must_use]
    pub fn new(options: MemoryOptions) -> MemoryJournal {
        let tail = Position::FIRST;
        let active = Segment::new(tail);
        let segments = Arc::new(Segments::default());
        segments.write().insert(tail, Arc::clone(&active));
        MemoryJournal { options, segments, active, tail, last_stamp: None }
    }

    /// Seals the active segment when `frame_bytes` more would make it too large.
    fn roll_if_full(&mut self, frame_bytes: u64) -> Option<SegmentInfo> {
        let used = self.tail.0 - self.active.base.0;
        if used == 0 || used + frame_bytes <= self.options.segment_bytes {
            return None;
        }
        Some(self.seal_active())
    }

    fn seal_active(&mut self) -> SegmentInfo {
        self.active.write().sealed = true;
        let sealed = self.active.info();
        self.active = Segment::new(self.tail);
        self.segments.write().insert(self.tail, Arc::clone(&self.active));
        sealed
    }
}

impl Journal for MemoryJournal {
    fn layout(&self) -> Layout {
        LAYOUT
    }

    fn limits(&self) -> Limits {
        Limits {
            max_payload_bytes: self.options.max_payload_bytes,
            segment_bytes: self.options.segment_bytes,
        }
    }

    fn epoch(&self) -> u64 {
        EPOCH
    }

    fn tail(&self) -> Position {
        self.tail
    }

    fn last_stamp(&self) -> Option<Stamp> {
        self.last_stamp
    }

    fn room_bytes(&mut self) -> u64 {
        u64::MAX
    }

    fn append(&mut self, expected: Position, stamp: Stamp, payload: &[u8]) -> Result<Appended, AppendError> {
        if expected != self.tail {
            return Err(AppendError::Fenced { expected, tail: self.tail });
        }
        let payload_len = AppendError::check_len(payload, self.options.max_payload_bytes)?;
        let rolled = self.roll_if_full(LAYOUT.frame_bytes(payload_len));
        let stored = Stored { position: self.tail, stamp, payload: Bytes::copy_from_slice(payload) };
        self.tail = LAYOUT.next(self.tail, payload_len);
        self.last_stamp = Some(stamp);
        let mut content = self.active.write();
        content.entries.push(stored);
        content.end = self.tail;
        Ok(Appended { next: self.tail, room_bytes: u64::MAX, rolled })
    }

    fn roll(&mut self, _needed_bytes: u64, _kept_bytes: u64) -> Result<Option<SegmentInfo>, AppendError> {
        let is_empty = self.tail == self.active.base;
        Ok((!is_empty).then(|| self.seal_active()))
    }

    fn reader(&self) -> Arc<dyn Reader> {
        Arc::new(MemoryReader(Arc::clone(&self.segments)))
    }

    fn segments(&self) -> Vec<SegmentInfo> {
        self.segments.read().values().map(|segment| segment.info()).collect()
    }

    fn delete_segment(&mut self, base: Position) -> Result<(), JournalError> {
        let mut segments = self.segments.write();
        let segment = segments.get(&base).ok_or(JournalError::Missing(base))?;
        if !segment.read().sealed {
            return Err(JournalError::NotSealed(base));
        }
        segments.remove(&base);
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<(), JournalError> {
        Ok(())
    }
}

struct MemoryReader(Arc<Segments>);

impl Reader for MemoryReader {
    fn pin(&self, at: Position) -> Option<Pin> {
        self.0.at(at).map(|segment| Pin::new(segment))
    }

    fn entries(
        &self,
        from: Position,
        to: Position,
    ) -> Box<dyn Iterator<Item = Result<Entry, JournalError>> + Send> {
        let durable = self.0.read().values().next_back().map_or(Position::ZERO, |last| last.read().end);
        let segments = Arc::clone(&self.0);
        Box::new(Entries { segments, current: None, at: from, to: to.min(durable) })
    }
}

struct Entries {
    segments: Arc<Segments>,
    current: Option<Arc<Segment>>,
    at: Position,
    to: Position,
}

impl Iterator for Entries {
    type Item = Result<Entry, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.to {
            return None;
        }
        // The current segment stays readable, even when it is deleted meanwhile.
        if self.current.as_ref().is_none_or(|segment| self.at >= segment.read().end) {
            self.current = self.segments.at(self.at);
        }
        let Some(stored) = self.current.as_ref().and_then(|segment| segment.entry(self.at)) else {
            self.to = self.at;
            return Some(Err(JournalError::Missing(self.at)));
        };
        let payload_len = u32::try_from(stored.payload.len()).unwrap_or(u32::MAX);
        self.at = LAYOUT.next(stored.position, payload_len);
        let Stored { position, stamp, payload } = stored;
        Some(Ok(Entry { position, epoch: EPOCH, stamp, payload }))
    }
}
