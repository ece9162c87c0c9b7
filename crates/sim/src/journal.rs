//! The file journal with the outcomes that a disk alone does not produce: a writer that was replaced, and an append of
//! which nobody knows whether it happened.

use bongsu_journal::{
    AppendError, Appended, FileJournal, Journal, JournalError, Layout, Limits, Position, Reader, SegmentInfo,
    Stamp,
};
use std::sync::Arc;

/// The payload of an entry without items: what somebody else may have appended without meaning to change anything.
const NO_ITEMS: [u8; 1] = [1];

/// What is to happen with the next append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trick {
    /// It happens, but the answer is lost.
    UnknownAndDone,
    /// It does not happen, and nobody is told so.
    UnknownAndNotDone,
    /// Somebody else appends first.
    SomebodyElse,
}

/// A file journal with tricks.
pub(crate) struct TrickyJournal {
    inner: FileJournal,
    pub(crate) trick: Option<Trick>,
}

impl TrickyJournal {
    pub(crate) fn new(inner: FileJournal) -> Self {
        Self { inner, trick: None }
    }
}

impl Journal for TrickyJournal {
    fn layout(&self) -> Layout {
        self.inner.layout()
    }

    fn limits(&self) -> Limits {
        self.inner.limits()
    }

    fn epoch(&self) -> u64 {
        self.inner.epoch()
    }

    fn tail(&self) -> Position {
        self.inner.tail()
    }

    fn last_stamp(&self) -> Option<Stamp> {
        self.inner.last_stamp()
    }

    fn room_bytes(&mut self) -> u64 {
        self.inner.room_bytes()
    }

    fn append(&mut self, expected: Position, stamp: Stamp, payload: &[u8]) -> Result<Appended, AppendError> {
        let unknown = || AppendError::Unknown("the answer was lost".to_owned());
        match self.trick.take() {
            Some(Trick::UnknownAndDone) => {
                self.inner.append(expected, stamp, payload)?;
                Err(unknown())
            }
            Some(Trick::UnknownAndNotDone) => Err(unknown()),
            Some(Trick::SomebodyElse) => {
                let theirs = self.inner.last_stamp().unwrap_or_default();
                self.inner.append(self.inner.tail(), theirs, &NO_ITEMS)?;
                self.inner.append(expected, stamp, payload)
            }
            None => self.inner.append(expected, stamp, payload),
        }
    }

    fn roll(&mut self, needed_bytes: u64, kept_bytes: u64) -> Result<Option<SegmentInfo>, AppendError> {
        self.inner.roll(needed_bytes, kept_bytes)
    }

    fn reader(&self) -> Arc<dyn Reader> {
        self.inner.reader()
    }

    fn segments(&self) -> Vec<SegmentInfo> {
        self.inner.segments()
    }

    fn delete_segment(&mut self, base: Position) -> Result<(), JournalError> {
        self.inner.delete_segment(base)
    }

    fn close(self: Box<Self>) -> Result<(), JournalError> {
        Box::new(self.inner).close()
    }
}
