//! Making, sealing and checking the file of one segment.

use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::format::{
    Chain, FRAME_HEADER_BYTES, FrameHeader, FrameKind, HeaderFault, LogId, SEAL_BYTES, SEGMENT_HEADER_BYTES,
    SegmentHeader, segment_name,
};
use super::io_error;
use super::window::Place;
use crate::{Disk, DiskFile, JournalError, OpenError, Position, Stamp};

/// A segment's file as it was found.
pub(super) struct FoundSegment {
    pub(super) path: Arc<Path>,
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) len_bytes: u64,
    pub(super) header: SegmentHeader,
}

impl FoundSegment {
    /// Opens the segment at `base` and checks its header.
    pub(super) fn open(disk: &dyn Disk, dir: &Path, base: u64) -> Result<FoundSegment, OpenError> {
        let path: Arc<Path> = Arc::from(dir.join(segment_name(base)));
        let file = disk.open(&path).map_err(|e| io_error("opening", &path, e))?;
        let len_bytes = file.len_bytes().map_err(|e| io_error("measuring", &path, e))?;
        let damaged =
            |why: &str| OpenError::Damaged { file: path.to_path_buf(), offset: 0, why: why.to_owned() };
        if len_bytes < SEGMENT_HEADER_BYTES {
            return Err(damaged("the file is shorter than the header of a segment"));
        }
        let mut block = vec![0; SEGMENT_HEADER_BYTES as usize];
        file.read_at(0, &mut block).map_err(|e| io_error("reading", &path, e))?;
        let header = match SegmentHeader::decode(&block) {
            Ok(header) => header,
            Err(HeaderFault::Damaged(why)) => return Err(damaged(why)),
            Err(HeaderFault::Format(why)) => {
                return Err(OpenError::Format { file: path.to_path_buf(), why });
            }
        };
        if header.base != base {
            return Err(damaged("the segment has the name of another one"));
        }
        Ok(FoundSegment { path, file, len_bytes, header })
    }

    pub(super) fn place(&self) -> Place {
        Place { id: self.header.id, base: self.header.base, epoch: self.header.epoch }
    }

    /// The seal at the end of the file, if the segment is complete.
    pub(super) fn seal(&self) -> Result<Option<FrameHeader>, JournalError> {
        if self.len_bytes < SEGMENT_HEADER_BYTES + SEAL_BYTES {
            return Ok(None);
        }
        let offset = self.len_bytes - SEAL_BYTES;
        let mut bytes = [0; FRAME_HEADER_BYTES];
        self.file.read_at(offset, &mut bytes).map_err(|e| io_error("reading", &self.path, e))?;
        let seal = FrameHeader::decode(self.header.id, &bytes);
        Ok(seal.filter(|seal| {
            seal.kind == FrameKind::Seal
                && seal.position.checked_sub(self.header.base) == Some(offset - SEGMENT_HEADER_BYTES)
        }))
    }

    pub(super) fn damaged(&self, offset: u64, why: impl Into<String>) -> OpenError {
        OpenError::Damaged { file: self.path.to_path_buf(), offset, why: why.into() }
    }
}

/// What a seal says about the end of its segment.
#[derive(Copy, Clone, Debug)]
pub(super) struct End {
    pub(super) position: u64,
    /// The chain's value there.
    pub(super) chain: Chain,
    /// The stamp of the last entry before it.
    pub(super) stamp: Option<Stamp>,
}

/// Marks the end of a segment and gives back what is allocated behind it, durably. What is there may be anything:
/// space that was never used, or entries that count no more.
pub(super) fn seal(file: &dyn DiskFile, path: &Path, place: Place, end: End) -> Result<(), JournalError> {
    let stamp = end.stamp.unwrap_or_default();
    let header = FrameHeader::seal(place.id, Position(end.position), place.epoch, stamp, end.chain);
    let offset = place.offset(end.position);
    let sealed = || {
        file.write_at(offset, &[IoSlice::new(&header.encode(place.id))])?;
        file.truncate(offset + SEAL_BYTES)?;
        file.sync_all()
    };
    sealed().map_err(|e| io_error("sealing", path, e))
}

/// Turns an allocated file with a temporary name into a segment: writes its header, and the frame that it begins with
/// if there is one, and gives it its name. All of that is durable when this returns.
pub(super) fn install(
    disk: &dyn Disk,
    dir: &Path,
    temporary: (&str, &dyn DiskFile),
    header: &SegmentHeader,
    frame: Option<(&FrameHeader, &[u8])>,
) -> Result<PathBuf, JournalError> {
    let (name, file) = temporary;
    let path = dir.join(segment_name(header.base));
    let block = header.encode();
    let installed = || -> io::Result<()> {
        match frame {
            Some((frame, payload)) => {
                let frame = frame.encode(header.id);
                file.write_at(0, &[IoSlice::new(&block), IoSlice::new(&frame), IoSlice::new(payload)])?;
            }
            None => file.write_at(0, &[IoSlice::new(&block)])?,
        }
        file.sync_all()?;
        disk.rename(&dir.join(name), &path)?;
        disk.sync_dir(dir)
    };
    installed().map_err(|e| io_error("making", &path, e))?;
    Ok(path)
}

/// A whole small file, durably put in the place of the one with this name.
pub(super) fn put_text(disk: &dyn Disk, dir: &Path, name: &str, text: &str) -> Result<(), JournalError> {
    let temporary = dir.join(format!("{name}.tmp"));
    let path = dir.join(name);
    let put = || -> io::Result<()> {
        let file = disk.create(&temporary)?;
        file.write_at(0, &[IoSlice::new(text.as_bytes())])?;
        file.sync_all()?;
        disk.rename(&temporary, &path)?;
        disk.sync_dir(dir)
    };
    put().map_err(|e| io_error("writing", &path, e))
}

/// The header of the segment that begins where `end` is.
pub(super) fn header_after(id: LogId, end: End, epoch: u64) -> SegmentHeader {
    SegmentHeader {
        id,
        base: end.position,
        epoch,
        durable: end.position,
        last_stamp: end.stamp,
        chain: end.chain,
    }
}
