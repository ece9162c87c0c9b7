//! Reading the frames of one segment, on past those that are damaged.

use std::sync::Arc;

use bytes::Bytes;

use super::format::{Chain, FRAME_HEADER_BYTES, FrameHeader, LAYOUT, SEAL_BYTES, SEGMENT_HEADER_BYTES};
use super::segment_file::{End, FoundSegment};
use super::survey::{Stretch, Visitor};
use super::window::{Found, Link, Place, Window};
use crate::{Disk, DiskFile, Entry, JournalError, OpenError, Position, Stamp};

/// After a part of the disk that can't be read, reading is tried again so many bytes on.
const UNREADABLE_STEP_BYTES: u64 = 4096;

/// A part of the segment, its offset in the file, and what is wrong with it.
pub(super) type Finding = (Stretch, u64, String);

/// What a walk over a segment came upon.
pub(super) struct Walk {
    pub(super) end: End,
    /// Whether the chain's value in `end` is certain: what is before it could be read.
    pub(super) chain_is_known: bool,
    /// The highest epoch of an entry.
    pub(super) epoch: u64,
    pub(super) entries: u64,
    pub(super) sealed: bool,
    pub(super) damaged: Vec<Finding>,
    /// Whole entries that the visitor did not understand.
    pub(super) content: Vec<Finding>,
    /// Where in the file the remains of an entry lie that was being written.
    pub(super) torn: Option<u64>,
}

/// What lies at a place in the log.
enum Step {
    Entry(FrameHeader, Bytes),
    Seal,
    /// Nothing that is whole; the next frame begins at this offset of the file or later.
    Nothing {
        why: String,
        resume: u64,
    },
    /// As `Nothing`, but it can't be what an interrupted write leaves.
    Wrong {
        why: String,
        resume: u64,
    },
}

/// What is behind something that is not whole.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Later {
    Nothing,
    /// Something that begins like a frame of this segment, and where its header ends; but nothing whole.
    Remains(u64),
    /// The next whole frame.
    Frame(u64),
}

impl Later {
    fn is_some(self) -> bool {
        self != Later::Nothing
    }
}

struct Walker<'a> {
    segment: &'a FoundSegment,
    file: Arc<dyn DiskFile>,
    place: Place,
    window: Window,
    link: Link,
    stop: Option<u64>,
    walk: Walk,
}

/// Walks over the frames of a segment, up to its end or to `stop`. `start` is the chain's value at its base, if that is
/// known, and the stamp of the entry before it.
pub(super) fn walk_segment(
    disk: &dyn Disk,
    segment: &FoundSegment,
    start: (Option<Chain>, Option<Stamp>),
    stop: Option<u64>,
    visitor: &mut dyn Visitor,
) -> Result<Walk, OpenError> {
    let (chain, stamp) = start;
    let file = segment.file(disk)?;
    let mut walker = Walker {
        segment,
        place: segment.place(),
        window: Window::new(Arc::clone(&file), Arc::clone(&segment.path), segment.len_bytes),
        file,
        link: Link { chain, epoch: 0 },
        stop,
        walk: Walk {
            end: End { position: segment.header.base, chain: chain.unwrap_or_default(), stamp },
            chain_is_known: chain.is_some(),
            epoch: 0,
            entries: 0,
            sealed: false,
            damaged: Vec::new(),
            content: Vec::new(),
            torn: None,
        },
    };
    let mut shown = 0;
    while walker.advance(visitor)? {
        let offset = walker.place.offset(walker.walk.end.position);
        visitor.advance(offset - shown);
        shown = offset;
    }
    visitor.advance(segment.len_bytes.saturating_sub(shown));
    Ok(walker.walk)
}

impl Walker<'_> {
    /// Goes past what lies at the end so far; false where the segment ends.
    fn advance(&mut self, visitor: &mut dyn Visitor) -> Result<bool, OpenError> {
        let at = self.walk.end.position;
        if self.stop.is_some_and(|stop| at >= stop) {
            let End { chain, .. } = self.walk.end;
            let fits = |seal: &FrameHeader| {
                seal.position == at && (seal.chain == chain || !self.walk.chain_is_known)
            };
            self.walk.sealed |= self.segment.seal.as_ref().is_some_and(fits);
            return Ok(false);
        }
        match self.step(at, self.link)? {
            Step::Entry(header, _) if at == self.place.base && self.link.chain.is_none() => {
                // Nor would opening take it: what the chain's value is before it, nobody knows any more.
                let to = LAYOUT.next(Position(at), header.payload_len);
                let why = "what was before the entry is not known".to_owned();
                self.walk.damaged.push((Stretch { from: Position(at), to }, self.place.offset(at), why));
                self.pass(&header, to);
                Ok(true)
            }
            Step::Entry(header, payload) => {
                self.take(&header, payload, visitor);
                Ok(true)
            }
            Step::Seal => self.seal(at),
            Step::Nothing { why, resume } => {
                let later = self.find_later(resume)?;
                if later.is_some() && self.has_become_whole(at)? {
                    return Ok(true);
                }
                self.skip(resume, later, why, false)
            }
            Step::Wrong { why, resume } => {
                let later = self.find_later(resume)?;
                self.skip(resume, later, why, true)
            }
        }
    }

    fn step(&mut self, at: u64, link: Link) -> Result<Step, OpenError> {
        let offset = self.place.offset(at);
        let wrong = |why: String, resume| Step::Wrong { why, resume };
        Ok(match self.place.frame_at(&mut self.window, at, link) {
            Ok(Found::Entry(header, payload)) => Step::Entry(header, payload),
            Ok(Found::Seal) => Step::Seal,
            Ok(Found::Nothing { why, resume }) => Step::Nothing { why: why.to_owned(), resume },
            Ok(Found::Wrong(why)) => wrong(why.to_owned(), offset + 8),
            Ok(Found::Newer(flags)) => {
                let why = format!("the entry at byte {offset} has unknown flags {flags:#x}");
                return Err(OpenError::Format { file: self.segment.path.to_path_buf(), why });
            }
            Err(JournalError::Io { what, source }) => {
                wrong(format!("{what}: {source}"), next_unreadable_step(offset))
            }
            Err(other) => return Err(other.into()),
        })
    }

    fn take(&mut self, header: &FrameHeader, payload: Bytes, visitor: &mut dyn Visitor) {
        let from = Position(header.position);
        let to = LAYOUT.next(from, header.payload_len);
        let entry = Entry { position: from, epoch: header.epoch, stamp: header.stamp, payload };
        if let Err(why) = visitor.entry(&entry) {
            let offset = self.place.offset(from.0);
            self.walk.content.push((Stretch { from, to }, offset, why));
        }
        self.walk.entries += 1;
        self.pass(header, to);
    }

    fn pass(&mut self, header: &FrameHeader, to: Position) {
        self.walk.end = End { position: to.0, chain: header.chain, stamp: Some(header.stamp) };
        self.walk.chain_is_known = true;
        self.walk.epoch = self.walk.epoch.max(header.epoch);
        self.link = Link { chain: Some(header.chain), epoch: header.epoch };
    }

    fn seal(&mut self, at: u64) -> Result<bool, OpenError> {
        let behind = self.place.offset(at) + SEAL_BYTES;
        let later = self.find_later(behind)?;
        if later.is_some() {
            return self.skip(behind, later, "the segment is sealed, but an entry follows".to_owned(), true);
        }
        self.walk.sealed = true;
        Ok(false)
    }

    /// Where somebody is writing, an entry may have become whole since it was looked at. It was so before a later one was
    /// begun: who has seen that one sees it.
    fn has_become_whole(&mut self, at: u64) -> Result<bool, OpenError> {
        self.window =
            Window::new(Arc::clone(&self.file), Arc::clone(&self.segment.path), self.segment.len_bytes);
        Ok(matches!(self.step(at, self.link)?, Step::Entry(..) | Step::Seal))
    }

    /// Looks for the next whole frame from the offset `from` on.
    fn find_later(&mut self, from: u64) -> Result<Later, OpenError> {
        let mut from = from.next_multiple_of(8);
        let mut seen = Later::Nothing;
        loop {
            match self.place.later_frame(&mut self.window, from) {
                Ok(None) => return Ok(seen),
                Ok(Some(offset)) => {
                    let position = self.position(offset);
                    if self.stop.is_some_and(|stop| position >= stop) {
                        return Ok(seen);
                    }
                    let step = self.step(position, Link { chain: None, epoch: 0 })?;
                    if matches!(step, Step::Entry(..) | Step::Seal) {
                        return Ok(Later::Frame(position));
                    }
                    seen = Later::Remains(position + FRAME_HEADER_BYTES as u64);
                    from = offset + 8;
                }
                Err(JournalError::Io { .. }) => from = next_unreadable_step(from),
                Err(other) => return Err(other.into()),
            }
        }
    }

    /// Notes that nothing can be read here; goes on behind it, if there is anything.
    fn skip(&mut self, resume: u64, later: Later, why: String, is_wrong: bool) -> Result<bool, OpenError> {
        let at = self.walk.end.position;
        let limit = self.position(self.segment.len_bytes & !7);
        let to = match (later, self.stop) {
            (Later::Frame(later), _) => later,
            (_, Some(stop)) => {
                let sealed_at = self.segment.seal.as_ref().map_or(limit, |seal| seal.position);
                sealed_at.clamp(at, stop.max(at))
            }
            (Later::Nothing, None) if !is_wrong => {
                self.walk.torn = self.is_touched(at).then(|| self.place.offset(at));
                return Ok(false);
            }
            (Later::Nothing, None) => self.position(resume).clamp(at, limit.max(at)),
            (Later::Remains(end), None) => end.max(self.position(resume)).clamp(at, limit.max(at)),
        };
        let goes_on = matches!(later, Later::Frame(_));
        // An older segment that ends here, and only lacks its seal.
        if to > at || goes_on || self.stop.is_none() {
            let stretch = Stretch { from: Position(at), to: Position(to) };
            self.walk.damaged.push((stretch, self.place.offset(at), why));
            self.walk.chain_is_known = false;
        }
        self.walk.end.position = to;
        self.link = Link { chain: None, epoch: 0 };
        if !goes_on && let Some(seal) = self.segment.seal.as_ref().filter(|seal| seal.position == to) {
            self.walk.end.chain = seal.chain;
            (self.walk.chain_is_known, self.walk.sealed) = (true, true);
        }
        Ok(goes_on)
    }

    /// Whether something was written at the end of the log.
    fn is_touched(&mut self, at: u64) -> bool {
        let offset = self.place.offset(at);
        let len = SEAL_BYTES.min(self.segment.len_bytes.saturating_sub(offset));
        let bytes = self.window.get(offset, len).ok().flatten();
        bytes.is_some_and(|bytes| bytes.iter().any(|byte| *byte != 0))
    }

    /// Which position lies at an offset of the file.
    fn position(&self, offset: u64) -> u64 {
        self.place.base + offset.saturating_sub(SEGMENT_HEADER_BYTES)
    }
}

fn next_unreadable_step(offset: u64) -> u64 {
    (offset + 1).next_multiple_of(UNREADABLE_STEP_BYTES)
}
