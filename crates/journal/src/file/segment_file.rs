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

/// What was found of a segment. Its file is not kept open: there may be more segments than a process may have files open.
pub(super) struct FoundSegment {
    pub(super) path: Arc<Path>,
    pub(super) len_bytes: u64,
    pub(super) header: SegmentHeader,
    /// The seal at the end of the file, if the segment is complete.
    pub(super) seal: Option<FrameHeader>,
}

impl FoundSegment {
    /// Reads the header and the seal of the segment at `base`.
    pub(super) fn open(disk: &dyn Disk, dir: &Path, base: u64) -> Result<FoundSegment, OpenError> {
        let path: Arc<Path> = Arc::from(dir.join(segment_name(base)));
        let file = disk.open(&path).map_err(|e| io_error("opening", &path, e))?;
        let measure = || file.len_bytes().map_err(|e| io_error("measuring", &path, e));
        let mut len_bytes = measure()?;
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
        let seal = loop {
            match read_seal(file.as_ref(), len_bytes, &header) {
                Ok(seal) => break seal,
                // Who reads beside a writer may find that the file was cut since it was measured: it is complete now.
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof && measure()? < len_bytes => {
                    len_bytes = measure()?;
                }
                Err(e) => return Err(io_error("reading", &path, e).into()),
            }
        };
        Ok(FoundSegment { path, len_bytes, header, seal })
    }

    /// Opens its file again.
    pub(super) fn file(&self, disk: &dyn Disk) -> Result<Arc<dyn DiskFile>, JournalError> {
        disk.open(&self.path).map_err(|e| io_error("opening", &self.path, e))
    }

    pub(super) fn place(&self) -> Place {
        Place { id: self.header.id, base: self.header.base, epoch: self.header.epoch }
    }

    pub(super) fn damaged(&self, offset: u64, why: impl Into<String>) -> OpenError {
        OpenError::Damaged { file: self.path.to_path_buf(), offset, why: why.into() }
    }
}

/// The frame at the end of a file, if it is a seal in its right place.
pub(super) fn read_seal(
    file: &dyn DiskFile,
    len_bytes: u64,
    header: &SegmentHeader,
) -> io::Result<Option<FrameHeader>> {
    if len_bytes < SEGMENT_HEADER_BYTES + SEAL_BYTES {
        return Ok(None);
    }
    let offset = len_bytes - SEAL_BYTES;
    let mut bytes = [0; FRAME_HEADER_BYTES];
    file.read_at(offset, &mut bytes)?;
    let seal = FrameHeader::decode(header.id, &bytes);
    Ok(seal.filter(|seal| {
        let in_place = seal.position.checked_sub(header.base) == Some(offset - SEGMENT_HEADER_BYTES);
        seal.kind == FrameKind::Seal && in_place
    }))
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
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Fault::SkipSealSync) {
            return Ok(());
        }
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
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Fault::SkipDirectorySync) {
            return Ok(());
        }
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
