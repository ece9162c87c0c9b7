//! The fenced log: an ordered log of entries with one writing primitive, *append at the position that I expect*.
//!
//! An entry is one group commit: an opaque payload with a position, an epoch, a [`Stamp`] and a place in a hash chain.
//! [`Journal::append`] answers only when the entry is durable, so that durability, fencing and leadership are one thing.
//! [`FileJournal`] keeps its own segmented log (see `docs/journal-format.md`), [`MemoryJournal`] keeps nothing.
//!
//! This crate must not know what an entry means: it knows nothing of queues or messages, of the clock (times are
//! handed in as opaque stamps), of networks or of async. All file access goes through the [`Disk`] trait.

mod api;
mod disk;
mod error;
mod file;
mod memory;
#[cfg(feature = "planted")]
pub mod planted;
mod position;
#[doc(hidden)]
pub mod testing;

pub use api::{Appended, Entry, Journal, Pin, PinnedSegment, Reader, SegmentInfo};
pub use disk::{Disk, DiskFile, HeldDir, LockedDisk, ReadOnlyDisk, RealDisk};
#[cfg(any(test, feature = "lossy-disk"))]
pub use disk::{LossyDisk, Order};
pub use error::{AppendError, JournalError, OpenError};
pub use file::{
    BackedUp, BackupError, Copying, Fault, FaultKind, FileJournal, FileOptions, ReadOnlyJournal, Stretch,
    Survey, SurveyedSegment, Visitor, back_up,
};
pub use memory::{MemoryJournal, MemoryOptions};
pub use position::{Layout, Limits, Position, Stamp};
