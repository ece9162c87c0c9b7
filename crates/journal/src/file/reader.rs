//! The reading side of the file journal.

use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::format::LAYOUT;
use super::io_error;
use super::shared::{Segment, Shared};
use super::window::{Found, Link, Place, Window};
use crate::{DiskFile, Entry, JournalError, Pin, PinnedSegment, Position, Reader};

pub(super) struct FileReader {
    pub(super) shared: Arc<Shared>,
}

impl Reader for FileReader {
    fn pin(&self, at: Position) -> Option<Pin> {
        let (segment, file) = self.shared.open_at(at.0)?;
        let id = self.shared.id;
        let shared = Arc::clone(&self.shared);
        Some(Pin::new(Arc::new(PinnedFile { shared, place: segment.place(id), segment, file })))
    }

    fn entries(
        &self,
        from: Position,
        to: Position,
    ) -> Box<dyn Iterator<Item = Result<Entry, JournalError>> + Send> {
        let durable = self.shared.read().values().next_back().map_or(0, |segment| segment.end());
        Box::new(Entries {
            shared: Arc::clone(&self.shared),
            at: from.0,
            to: to.0.min(durable),
            current: None,
            link: None,
        })
    }
}

struct PinnedFile {
    shared: Arc<Shared>,
    segment: Arc<Segment>,
    place: Place,
    /// A file that can't be opened (too many are) shows when it is read: the segment is there all the same.
    file: io::Result<Arc<dyn DiskFile>>,
}

impl PinnedFile {
    /// The file, and the offset in it of `len` bytes at `at`.
    fn find(&self, at: Position, len: u32) -> Result<(&dyn DiskFile, u64), JournalError> {
        let inside = at.0 >= self.segment.base
            && at.0.checked_add(len.into()).is_some_and(|end| end <= self.segment.end());
        if !inside {
            return Err(JournalError::Missing(at));
        }
        match &self.file {
            Ok(file) => Ok((file.as_ref(), self.place.offset(at.0))),
            Err(e) => Err(io_error("opening", &self.segment.path, io::Error::new(e.kind(), e.to_string()))),
        }
    }
}

impl PinnedSegment for PinnedFile {
    fn covers(&self, at: Position) -> bool {
        self.file.is_ok() && at.0 >= self.segment.base && at.0 < self.segment.end()
    }

    fn read(&self, at: Position, len: u32) -> Result<Bytes, JournalError> {
        let (file, offset) = self.find(at, len)?;
        if let Some(bytes) = self.shared.recent.read(at.0, len) {
            return Ok(bytes);
        }
        self.read_ahead(file, offset, len);
        let mut bytes = vec![0; len as usize];
        file.read_at(offset, &mut bytes).map_err(|e| io_error("reading", &self.segment.path, e))?;
        Ok(Bytes::from(bytes))
    }

    fn read_cached(&self, at: Position, len: u32) -> Option<Result<Bytes, JournalError>> {
        let (file, offset) = match self.find(at, len) {
            Ok(found) => found,
            Err(e) => return Some(Err(e)),
        };
        if let Some(bytes) = self.shared.recent.read(at.0, len) {
            return Some(Ok(bytes));
        }
        self.read_ahead(file, offset, len);
        let mut bytes = vec![0; len as usize];
        match file.read_cached_at(offset, &mut bytes) {
            Ok(true) => Some(Ok(Bytes::from(bytes))),
            Ok(false) => None,
            Err(e) => Some(Err(io_error("reading", &self.segment.path, e))),
        }
    }
}

impl PinnedFile {
    /// Asks for what is likely to be read next: a backlog is mostly read from front to back, and appends left nothing of it in the
    /// page cache.
    fn read_ahead(&self, file: &dyn DiskFile, offset: u64, len: u32) {
        let end = self.place.offset(self.segment.end());
        if let Some((from, to)) = self.segment.ahead.next(offset, offset + u64::from(len), end) {
            file.will_need(from, to - from);
        }
    }
}

/// A walk over the entries of a range.
struct Entries {
    shared: Arc<Shared>,
    at: u64,
    to: u64,
    current: Option<(Arc<Segment>, Window)>,
    /// What the entry at `at` must follow upon; `None` before the first.
    link: Option<Link>,
}

impl Iterator for Entries {
    type Item = Result<Entry, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.to {
            return None;
        }
        let item = self.read();
        if item.is_err() {
            self.to = self.at;
        }
        Some(item)
    }
}

impl Entries {
    fn read(&mut self) -> Result<Entry, JournalError> {
        if self.current.as_ref().is_none_or(|(segment, _)| self.at >= segment.end()) {
            self.current = Some(self.enter()?);
        }
        let Some((segment, window)) = &mut self.current else {
            return Err(JournalError::Missing(Position(self.at)));
        };
        let place = segment.place(self.shared.id);
        let link = self.link.unwrap_or(Link { chain: None, epoch: 0 });
        let offset = place.offset(self.at);
        match place.frame_at(window, self.at, link)? {
            Found::Entry(header, payload) => {
                let position = Position(self.at);
                self.at = LAYOUT.next(position, header.payload_len).0;
                self.link = Some(Link { chain: Some(header.chain), epoch: header.epoch });
                Ok(Entry { position, epoch: header.epoch, stamp: header.stamp, payload })
            }
            Found::Nothing { why, .. } | Found::Wrong(why) => Err(window.damaged(offset, why)),
            Found::Seal => Err(window.damaged(offset, "the segment is sealed before its end")),
            Found::Newer(_) => Err(window.damaged(offset, "a later version has written the entry")),
        }
    }

    /// Goes to the segment in which the next entry lies.
    fn enter(&mut self) -> Result<(Arc<Segment>, Window), JournalError> {
        let (segment, file) = self.shared.open_at(self.at).ok_or(JournalError::Missing(Position(self.at)))?;
        let file = file.map_err(|e| io_error("opening", &segment.path, e))?;
        let path: Arc<Path> = Arc::clone(&segment.path);
        let place = segment.place(self.shared.id);
        let window = Window::new(file, path, place.offset(segment.end()));
        if self.at == segment.base {
            if self.link.is_some_and(|link| link.chain.is_some_and(|chain| chain != segment.chain)) {
                return Err(window.damaged(0, "the segment does not follow upon the one before"));
            }
            let epoch = self.link.map_or(0, |link| link.epoch);
            self.link = Some(Link { chain: Some(segment.chain), epoch });
        }
        Ok((segment, window))
    }
}
