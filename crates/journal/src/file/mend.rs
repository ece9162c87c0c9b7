//! Making a damaged journal one that can be opened again.
//!
//! What is damaged where the log still needs it, is cut off with all that comes after it. Older damage stays where it is:
//! only headers and seals are made anew, so that the journal opens and its user can copy elsewhere what can still be read
//! and have the segment deleted. Every file that is changed or taken away is kept in another directory first. A crash at
//! any point leaves a journal that a survey understands and that can be mended again.

use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::format::{LAYOUT, SEGMENT_HEADER_BYTES, SegmentHeader, format_text, segment_name};
use super::io_error;
use super::recover::{FORMAT_NAME, NEW_NAME};
use super::segment_file::{End, put_text, seal};
use super::survey::{FaultKind, Survey, SurveyedSegment};
use super::window::{Found, Link, Place, Window};
use crate::{Disk, DiskFile, JournalError, OpenError, Position};

/// How much is copied at once.
const COPY_BYTES: u64 = 1 << 20;

/// What a disk can't read is left out in pieces of this size.
const PAGE_BYTES: u64 = 4096;

impl Survey {
    /// Why [`Survey::mend`] could not do anything useful with this journal cut at `cut`, if there is a reason.
    #[must_use]
    pub fn unmendable(&self, cut: Option<Position>) -> Option<String> {
        let stays = |at: Option<Position>| at.is_none_or(|at| cut.is_none_or(|cut| at < cut));
        let misplaced = self.faults.iter().find(|fault| {
            fault.kind == FaultKind::Order && stays(fault.stretch.map(|stretch| stretch.from))
        })?;
        Some(format!("{}: {}; its segments are not of one history", misplaced.file.display(), misplaced.why))
    }

    /// Keeps a copy of one of its files in `keep_dir`, which is made, unless there is one already.
    ///
    /// # Errors
    /// What the disk said.
    pub fn keep(&self, disk: &dyn Disk, file: &Path, keep_dir: &Path) -> Result<(), OpenError> {
        disk.create_dir(keep_dir).map_err(|e| io_error("making", keep_dir, e))?;
        Mender { survey: self, disk, keep_dir }.keep_if_there(file)
    }

    /// Makes a journal of it that opens: without what lies at or after `cut`, if that is given, and with headers and seals
    /// that are whole. Everything before `cut` stays readable that is readable now. Files that are changed or removed are
    /// kept in `keep_dir`, which is made.
    ///
    /// The journal must be locked, and not have changed since the survey.
    ///
    /// # Errors
    /// What the disk said. Then it may be mended partly; nothing is lost that was not going to be.
    pub fn mend(&self, disk: &dyn Disk, cut: Option<Position>, keep_dir: &Path) -> Result<(), OpenError> {
        disk.create_dir(keep_dir).map_err(|e| io_error("making", keep_dir, e))?;
        let mender = Mender { survey: self, disk, keep_dir };
        if self.faults.iter().any(|fault| fault.kind == FaultKind::Format) {
            mender.keep_if_there(&self.dir.join(FORMAT_NAME))?;
            put_text(disk, &self.dir, FORMAT_NAME, &format_text(self.id))?;
        }
        if let Some((file, _)) = &self.torn {
            // The next opening will cut it.
            mender.keep_if_there(file)?;
        }
        let stays = |segment: &&SurveyedSegment| cut.is_none_or(|cut| segment.base < cut);
        let mut staying: Vec<&SurveyedSegment> = self.segments.iter().filter(stays).collect();
        if staying.is_empty() {
            // A journal has a segment, be it an empty one.
            staying.extend(self.segments.first());
        }
        // From the last one on, so that what is left is a beginning of the log at any time.
        for gone in self.segments.iter().skip(staying.len()).rev() {
            mender.take_away(&gone.file)?;
        }
        let Some((last, older)) = staying.split_last() else { return Ok(()) };
        mender.mend_last(last, cut)?;
        for (segment, next) in older.iter().zip(&staying[1..]).filter(|(segment, _)| segment.to_mend) {
            let end = segment.end.min(next.base);
            let chain =
                if end == next.base { next.header.chain } else { segment.chain_at_end.unwrap_or_default() };
            let end = End { position: end.0, chain, stamp: segment.stamp_at_end };
            mender.rewrite(segment, &segment.header, end)?;
        }
        disk.sync_dir(&self.dir).map_err(|e| io_error("syncing", &self.dir, e))?;
        Ok(())
    }
}

struct Mender<'a> {
    survey: &'a Survey,
    disk: &'a dyn Disk,
    keep_dir: &'a Path,
}

impl Mender<'_> {
    /// The last segment is read from its beginning by each opening: it must be whole. So it is cut, and where it is damaged
    /// before the cut, it is divided behind the damage.
    fn mend_last(&self, segment: &SurveyedSegment, cut: Option<Position>) -> Result<(), OpenError> {
        let end = match cut.filter(|cut| *cut < segment.end) {
            Some(cut) => self.survey.end_at(cut.max(segment.base))?,
            None => {
                let chain = segment.chain_at_end.unwrap_or_default();
                End { position: segment.end.0, chain, stamp: segment.stamp_at_end }
            }
        };
        let damaged = segment.damaged.iter().rev().find(|stretch| stretch.from.0 < end.position);
        let Some(damaged) = damaged else {
            let is_cut = end.position < segment.end.0 || cut == Some(segment.end);
            if segment.to_mend || is_cut {
                self.rewrite(segment, &segment.header, end)?;
            }
            return Ok(());
        };
        // What the chain's value is before an entry, only the entry before that one tells: the first whole one behind the
        // damage stays with it.
        let middle = self.first_end_after(segment, damaged.to, end)?;
        let header = SegmentHeader {
            base: middle.position,
            durable: middle.position,
            last_stamp: middle.stamp,
            chain: middle.chain,
            ..segment.header
        };
        self.write(segment, &header, end)?;
        self.rewrite(segment, &segment.header, middle)
    }

    /// Where the first entry ends that begins at or after `from`.
    fn first_end_after(&self, segment: &SurveyedSegment, from: Position, end: End) -> Result<End, OpenError> {
        let found = self.survey.found(segment)?;
        let place = found.place();
        let file = found.file(self.disk)?;
        let mut window = Window::new(file, Arc::clone(&found.path), place.offset(end.position));
        let link = Link { chain: None, epoch: 0 };
        match place.frame_at(&mut window, from.0, link)? {
            Found::Entry(header, _) => {
                let position = LAYOUT.next(from, header.payload_len).0;
                Ok(End { position, chain: header.chain, stamp: Some(header.stamp) })
            }
            _ => Err(JournalError::Missing(from).into()),
        }
    }

    /// Puts a new file in the place of a segment's: with this header, the frames up to `end`, and a seal.
    fn rewrite(&self, segment: &SurveyedSegment, header: &SegmentHeader, end: End) -> Result<(), OpenError> {
        self.keep_if_there(&segment.file)?;
        self.write(segment, header, end)
    }

    /// Writes a segment with this header, which begins at or behind that of `source`, out of the frames of that one.
    fn write(&self, source: &SurveyedSegment, header: &SegmentHeader, end: End) -> Result<(), OpenError> {
        let dir = &self.survey.dir;
        let temporary = dir.join(NEW_NAME);
        let path = dir.join(segment_name(header.base));
        let from = self.disk.open(&source.file).map_err(|e| io_error("opening", &source.file, e))?;
        let skipped = header.base - source.header.base;
        let place = Place { id: self.survey.id, base: header.base, epoch: header.epoch };
        let written = || -> io::Result<Arc<dyn DiskFile>> {
            let file = self.disk.create(&temporary)?;
            file.write_at(0, &[IoSlice::new(&header.encode())])?;
            let offset = SEGMENT_HEADER_BYTES;
            copy(from.as_ref(), offset + skipped, file.as_ref(), offset, end.position - header.base)?;
            Ok(file)
        };
        let file = written().map_err(|e| io_error("writing", &temporary, e))?;
        seal(file.as_ref(), &temporary, place, end)?;
        let renamed = self.disk.rename(&temporary, &path).and_then(|()| self.disk.sync_dir(dir));
        renamed.map_err(|e| io_error("making", &path, e))?;
        Ok(())
    }

    /// Moves a file into the directory of what is kept.
    fn take_away(&self, path: &Path) -> Result<(), OpenError> {
        let kept = self.kept(path);
        self.disk.rename(path, &kept).map_err(|e| io_error("moving away", path, e))?;
        self.sync_both()
    }

    /// Keeps a copy of a file, unless an earlier attempt did.
    fn keep_if_there(&self, path: &Path) -> Result<(), OpenError> {
        let kept = self.kept(path);
        if self.disk.open(&kept).is_ok() {
            return Ok(());
        }
        match self.disk.open(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            _ => {}
        }
        copy_file(self.disk, path, &kept)?;
        self.sync_both()
    }

    fn kept(&self, path: &Path) -> PathBuf {
        self.keep_dir.join(path.file_name().unwrap_or_default())
    }

    fn sync_both(&self) -> Result<(), OpenError> {
        for dir in [self.keep_dir, &self.survey.dir] {
            self.disk.sync_dir(dir).map_err(|e| io_error("syncing", dir, e))?;
        }
        Ok(())
    }
}

/// Copies a file durably under a new name, through a temporary one; what the disk can't read of it is zeros in the copy.
fn copy_file(disk: &dyn Disk, from: &Path, to: &Path) -> Result<(), JournalError> {
    let source = disk.open(from).map_err(|e| io_error("opening", from, e))?;
    let temporary = to.with_extension("tmp");
    let copied = || -> io::Result<()> {
        let len_bytes = source.len_bytes()?;
        let file = disk.create(&temporary)?;
        copy(source.as_ref(), 0, file.as_ref(), 0, len_bytes)?;
        file.sync_all()?;
        disk.rename(&temporary, to)
    };
    copied().map_err(|e| io_error("copying", from, e))
}

/// Copies `len` bytes of one file to another; those that can't be read become zeros.
fn copy(from: &dyn DiskFile, from_at: u64, to: &dyn DiskFile, to_at: u64, len: u64) -> io::Result<()> {
    let mut done = 0;
    while done < len {
        let step = COPY_BYTES.min(len - done);
        let mut bytes = vec![0; usize::try_from(step).unwrap_or(usize::MAX)];
        if from.read_at(from_at + done, &mut bytes).is_err() {
            read_what_can_be(from, from_at + done, &mut bytes);
        }
        to.write_at(to_at + done, &[IoSlice::new(&bytes)])?;
        done += step;
    }
    Ok(())
}

/// Reads page by page, so that no more is lost than the disk can't read; what lies behind the file's end is zeros.
fn read_what_can_be(from: &dyn DiskFile, at: u64, bytes: &mut [u8]) {
    let len_bytes = from.len_bytes().unwrap_or(u64::MAX);
    bytes.fill(0);
    let mut done = 0;
    while done < bytes.len() {
        let offset = at + done as u64;
        let to_boundary = PAGE_BYTES - offset % PAGE_BYTES;
        let step = to_boundary.min((bytes.len() - done) as u64).min(len_bytes.saturating_sub(offset));
        let end = done + usize::try_from(step).unwrap_or(usize::MAX);
        let Some(piece) = bytes.get_mut(done..end).filter(|piece| !piece.is_empty()) else { return };
        if from.read_at(offset, piece).is_err() {
            piece.fill(0);
        }
        done = end;
    }
}
