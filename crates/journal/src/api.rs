//! The traits that every journal implements.

use std::sync::Arc;

use bytes::Bytes;

use crate::{AppendError, JournalError, Layout, Limits, Position, Stamp};

/// An entry that was read back, checked against its checksums and its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it lies.
    pub position: Position,
    /// In which opening of the journal it was written.
    pub epoch: u64,
    /// What the caller stamped it with.
    pub stamp: Stamp,
    /// What was appended. May share a larger buffer with its neighbours: copy what is to be kept for long.
    pub payload: Bytes,
}

/// A stretch of the log that is deleted as a whole.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Where its first entry lies (or would lie, in an empty one).
    pub base: Position,
    /// Where its last entry ends; for the active segment, so far.
    pub end: Position,
    /// Whether it is complete. One segment, the active one, is not.
    pub sealed: bool,
}

/// What an append achieved.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Where the next entry will lie: the new tail.
    pub next: Position,
    /// As [`Journal::room_bytes`], after this append.
    pub room_bytes: u64,
    /// The segment that was sealed because this entry went to a new one.
    pub rolled: Option<SegmentInfo>,
}

/// An ordered log of entries with a single writer.
///
/// Implementations block on the disk or the network; a caller that must not block gives them a thread of their own.
pub trait Journal: Send {
    /// How entries fill the address space.
    fn layout(&self) -> Layout;

    /// What this journal can hold.
    fn limits(&self) -> Limits;

    /// The number of this opening of the journal. It grows with each; entries carry it.
    fn epoch(&self) -> u64;

    /// Where the next entry will lie.
    fn tail(&self) -> Position;

    /// The stamp of the last entry of the log; known from the moment the journal is opened. `None` when nothing was
    /// ever appended, or when the segment with the last entry was deleted before the journal was opened.
    fn last_stamp(&self) -> Option<Stamp>;

    /// Bytes that are certainly there for further entries and their frame headers ([`Layout::frame_bytes`]):
    /// the rest of the active segment, and the segment allocated ahead. Rolling may lose up to one entry's worth of it.
    /// A caller refuses growth when this runs low. When no segment is allocated ahead, or a smaller one than the disk has
    /// space for by now, asking also has that tried again, so that a journal to which nothing is appended notices that the
    /// disk has space again.
    fn room_bytes(&mut self) -> u64;

    /// Whether space is being allocated that [`Journal::room_bytes`] does not count yet: a moment later there may be more.
    fn is_allocating(&mut self) -> bool {
        false
    }

    /// Appends one entry at `expected`; returns when it is durable.
    ///
    /// # Errors
    /// See [`AppendError`]: all but `Unknown` and `Unavailable` leave the journal as it was.
    fn append(&mut self, expected: Position, stamp: Stamp, payload: &[u8]) -> Result<Appended, AppendError>;

    /// Begins a new segment though the active one is not used up, so that the active one can be deleted once nobody needs
    /// what is in it: how dead bytes of the only segment are given back on a disk without space. The new one must have
    /// `needed_bytes` of room, and is made of what is allocated ahead, or of what the active segment does not use yet.
    /// Returns the segment that was sealed; `None`, with the log as it was, when there is no space for that, or when the
    /// active segment is empty. Somebody else may be faster in taking what the active segment gave; it keeps `kept_bytes` of
    /// room for that case.
    ///
    /// # Errors
    /// [`AppendError::Unavailable`], as for an append.
    fn roll(&mut self, needed_bytes: u64, kept_bytes: u64) -> Result<Option<SegmentInfo>, AppendError>;

    /// The reading side. It may be shared between threads and goes on while entries are appended; it shows an entry
    /// only once it is durable.
    fn reader(&self) -> Arc<dyn Reader>;

    /// All segments in order of position; the last one is active. Gaps between them are deleted segments.
    fn segments(&self) -> Vec<SegmentInfo>;

    /// Deletes the sealed segment that begins at `base`. Whoever pinned it reads on. A deletion is durable when this
    /// returns; one that was interrupted by a crash may be undone by it.
    ///
    /// # Errors
    /// [`JournalError::Missing`] when there is none, [`JournalError::NotSealed`] for the active one, otherwise what
    /// the disk said.
    fn delete_segment(&mut self, base: Position) -> Result<(), JournalError>;

    /// Ends the journal in good order: space allocated ahead is given back and the end of the log is marked. Dropping a
    /// journal instead is as safe as a crash.
    ///
    /// # Errors
    /// What the disk said; the entries are safe all the same.
    fn close(self: Box<Self>) -> Result<(), JournalError>;
}

/// The reading side of a journal.
pub trait Reader: Send + Sync {
    /// Holds the segment that has the byte at `at`, so that its deletion can't pull it away. `None` when no durable
    /// entry covers `at` (any more).
    fn pin(&self, at: Position) -> Option<Pin>;

    /// The entries in `from..to`, one at a time, each checked (checksums, epoch, chain). `from` must be the position of
    /// an entry, or the tail. The range ends at what is durable when this is called. The iterator holds the segment that it
    /// is in; one that is deleted before it gets there is missing. After an error the iterator ends.
    ///
    /// Where a part of the range was deleted, an item is [`JournalError::Missing`].
    fn entries(
        &self,
        from: Position,
        to: Position,
    ) -> Box<dyn Iterator<Item = Result<Entry, JournalError>> + Send>;
}

/// A hold on one segment.
#[derive(Clone)]
pub struct Pin(Arc<dyn PinnedSegment>);

impl Pin {
    /// A hold on `segment`; for implementations of [`Reader`].
    #[must_use]
    pub fn new(segment: Arc<dyn PinnedSegment>) -> Pin {
        Pin(segment)
    }

    /// Whether it also holds what lies at `at`.
    #[must_use]
    pub fn covers(&self, at: Position) -> bool {
        self.0.covers(at)
    }

    /// Reads `len` bytes at `at`, which must lie within the payload of one entry of the segment. May block on the disk.
    /// The bytes are not checked, as checksums cover whole entries.
    ///
    /// # Errors
    /// [`JournalError::Missing`] when the range is not in this segment, otherwise what the disk said.
    pub fn read(&self, at: Position, len: u32) -> Result<Bytes, JournalError> {
        self.0.read(at, len)
    }

    /// As [`Pin::read`], but without blocking: `None` when the bytes are not in memory, or when it can't be told.
    #[must_use]
    pub fn read_cached(&self, at: Position, len: u32) -> Option<Result<Bytes, JournalError>> {
        self.0.read_cached(at, len)
    }
}

/// What a [`Pin`] holds; implemented by journals, used through `Pin`.
pub trait PinnedSegment: Send + Sync {
    /// See [`Pin::covers`].
    fn covers(&self, at: Position) -> bool;

    /// See [`Pin::read`].
    ///
    /// # Errors
    /// See [`Pin::read`].
    fn read(&self, at: Position, len: u32) -> Result<Bytes, JournalError>;

    /// See [`Pin::read_cached`].
    fn read_cached(&self, at: Position, len: u32) -> Option<Result<Bytes, JournalError>>;
}
