//! Reading the frames of one segment in order, through a window that is read ahead.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::format::{
    ALIGN_BYTES, Chain, FRAME_HEADER_BYTES, FrameHeader, FrameKind, LAYOUT, LogId, SEGMENT_HEADER_BYTES,
};
use super::io_error;
use crate::{DiskFile, JournalError};

/// How much is read at once: enough to make system calls rare, little enough to be held by a reader here and there.
const WINDOW_BYTES: u64 = 256 << 10;

/// A part of a file in memory, which moves forward as needed.
pub(super) struct Window {
    file: Arc<dyn DiskFile>,
    path: Arc<Path>,
    /// Nothing is read at or after this offset.
    limit: u64,
    start: u64,
    bytes: Bytes,
}

impl Window {
    pub(super) fn new(file: Arc<dyn DiskFile>, path: Arc<Path>, limit: u64) -> Window {
        Window { file, path, limit, start: 0, bytes: Bytes::new() }
    }

    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    /// The `len` bytes at `offset`; `None` when they would go beyond the limit.
    pub(super) fn get(&mut self, offset: u64, len: u64) -> Result<Option<Bytes>, JournalError> {
        loop {
            if offset.checked_add(len).is_none_or(|end| end > self.limit) {
                return Ok(None);
            }
            if self.start <= offset && offset + len <= self.start + self.bytes.len() as u64 {
                break;
            }
            let ahead = len.max(WINDOW_BYTES).min(self.limit - offset);
            let mut bytes = vec![0; to_usize(ahead)];
            match self.file.read_at(offset, &mut bytes) {
                Ok(()) => {
                    self.start = offset;
                    self.bytes = Bytes::from(bytes);
                }
                // Who reads beside a writer may find that the file was cut: a segment is, when it is complete.
                Err(e) if e.kind() == ErrorKind::UnexpectedEof && self.has_shrunk() => {}
                Err(e) => return Err(io_error("reading", &self.path, e)),
            }
        }
        let from = to_usize(offset - self.start);
        Ok(Some(self.bytes.slice(from..from + to_usize(len))))
    }

    fn has_shrunk(&mut self) -> bool {
        let len_bytes = self.file.len_bytes().unwrap_or(self.limit);
        let shrunk = len_bytes < self.limit;
        self.limit = self.limit.min(len_bytes);
        shrunk
    }

    pub(super) fn damaged(&self, offset: u64, why: &str) -> JournalError {
        JournalError::Damaged { file: self.path.to_path_buf(), offset, why: why.to_owned() }
    }
}

/// Lengths here are bounded by the size of a file that was allocated on this machine or of one entry.
fn to_usize(len: u64) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}

/// What precedes a frame, and bounds what it may say.
#[derive(Copy, Clone, Debug)]
pub(super) struct Link {
    /// The chain's value before the frame; `None` when reading begins in the middle of a segment.
    pub(super) chain: Option<Chain>,
    /// The epoch of the frame before.
    pub(super) epoch: u64,
}

/// What lies at a place where a frame may begin.
pub(super) enum Found {
    /// A whole entry that follows upon what was before.
    Entry(FrameHeader, Bytes),
    /// The seal that ends the segment here.
    Seal,
    /// Nothing that is a frame: the end of the log, or damage. The next frame, if there is one, begins at
    /// `resume` or later.
    Nothing { why: &'static str, resume: u64 },
    /// A frame that can't have come here by an interrupted write.
    Wrong(&'static str),
    /// A frame of a later version of this program, with these flags.
    Newer(u32),
}

/// The segment whose frames are read.
#[derive(Copy, Clone, Debug)]
pub(super) struct Place {
    pub(super) id: LogId,
    pub(super) base: u64,
    /// The epoch in the segment's header: no frame in it is younger.
    pub(super) epoch: u64,
}

impl Place {
    /// Where in the file the byte at `position` lies.
    pub(super) fn offset(self, position: u64) -> u64 {
        position - self.base + SEGMENT_HEADER_BYTES
    }

    /// Looks for a frame at `position`.
    pub(super) fn frame_at(
        self,
        window: &mut Window,
        position: u64,
        link: Link,
    ) -> Result<Found, JournalError> {
        let offset = self.offset(position);
        let resume = offset + 8;
        let Some(bytes) = window.get(offset, FRAME_HEADER_BYTES as u64)? else {
            return Ok(Found::Nothing { why: "the file ends here", resume });
        };
        let Some(header) = FrameHeader::decode(self.id, &bytes) else {
            return Ok(Found::Nothing { why: "the header of the entry is not valid", resume });
        };
        if let FrameKind::Unknown(flags) = header.kind {
            return Ok(Found::Newer(flags));
        }
        if let Some(why) = self.contradiction(&header, position, link) {
            return Ok(Found::Wrong(why));
        }
        if header.kind == FrameKind::Seal {
            return Ok(Found::Seal);
        }
        let resume = offset + LAYOUT.frame_bytes(header.payload_len);
        let Some(payload) = window.get(offset + FRAME_HEADER_BYTES as u64, header.payload_len.into())? else {
            return Ok(Found::Nothing { why: "the file ends within the entry", resume });
        };
        let whole = self.id.payload_crc(&payload) == header.payload_crc;
        #[cfg(feature = "planted")]
        let whole = whole || crate::planted::is(crate::planted::Fault::ApplyTornEntry);
        if !whole {
            return Ok(Found::Nothing { why: "the checksum of the entry is wrong", resume });
        }
        Ok(Found::Entry(header, payload))
    }

    /// What is wrong about a frame with a valid checksum, in this place.
    fn contradiction(self, header: &FrameHeader, position: u64, link: Link) -> Option<&'static str> {
        let chain_fits = match (link.chain, header.kind) {
            (None, _) => true,
            (Some(chain), FrameKind::Seal) => chain == header.chain,
            (Some(chain), _) => header.chain_after(&chain) == header.chain,
        };
        if header.position != position {
            Some("an entry lies here that belongs elsewhere")
        } else if header.epoch < link.epoch || header.epoch > self.epoch {
            Some("the epoch of the entry does not fit here")
        } else if !chain_fits {
            Some("the entry does not follow upon the one before")
        } else if header.durable > position {
            Some("the durable mark of the entry lies behind it")
        } else {
            None
        }
    }

    /// The offset of the first header of a frame at or after the offset `from` that belongs where it lies, whether or
    /// not its payload is whole.
    pub(super) fn later_frame(self, window: &mut Window, from: u64) -> Result<Option<u64>, JournalError> {
        let mut offset = from;
        while offset < window.limit() {
            let step = WINDOW_BYTES.min(window.limit() - offset);
            let Some(bytes) = window.get(offset, step)? else { break };
            for (index, place) in bytes.chunks(ALIGN_BYTES).enumerate() {
                if !FrameHeader::may_begin(place) {
                    continue;
                }
                let candidate = offset + (index * ALIGN_BYTES) as u64;
                if self.begins_frame(window, candidate)? {
                    return Ok(Some(candidate));
                }
            }
            offset += step;
        }
        Ok(None)
    }

    fn begins_frame(self, window: &mut Window, offset: u64) -> Result<bool, JournalError> {
        let Some(bytes) = window.get(offset, FRAME_HEADER_BYTES as u64)? else { return Ok(false) };
        let header = FrameHeader::decode(self.id, &bytes);
        Ok(header.is_some_and(|h| self.offset_if_inside(h.position) == Some(offset)))
    }

    fn offset_if_inside(self, position: u64) -> Option<u64> {
        position.checked_sub(self.base)?.checked_add(SEGMENT_HEADER_BYTES)
    }
}
