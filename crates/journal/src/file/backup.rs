//! Copying a journal while somebody writes to it, without asking them.
//!
//! Every prefix of the log is a journal that some crash could have left, so a copy needs no more than to be a prefix. Segments
//! are copied in order of position, and the end of the copy is found last, in the segment that has no seal yet. Somebody may
//! delete segments meanwhile: a segment is deleted when nothing before the durable end of the log needs it, *as the log
//! was then*. That end lies before the end that is found later, and nothing that is needed no more is ever needed again; so
//! what was missed is not needed by the copy either. (Had the end been chosen first, a segment that it needs could have
//! been deleted before it was copied.)
//!
//! Complete segments never change: they may be shared with the copy by a second name. Of the one without a seal, whole
//! entries are taken one by one from checked memory, and the copy is sealed behind them. `FORMAT` is written last: without
//! it, what is there of an interrupted copy does not open.

use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::format::{FrameHeader, LAYOUT, LogId, format_text, segment_base, segment_name};
use super::io_error;
use super::recover::{FORMAT_NAME, read_format};
use super::segment_file::{End, FoundSegment, put_text, seal};
use super::window::{Found, Link, Window};
use crate::{Disk, DiskFile, JournalError, OpenError, Position, Stamp};

/// How much is copied at once.
const COPY_BYTES: u64 = 1 << 20;

/// Why a journal was not copied.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The directory for the copy has something in it.
    #[error("{} is not empty", .0.display())]
    NotEmpty(PathBuf),
    /// The journal can't be read.
    #[error(transparent)]
    Source(#[from] OpenError),
    /// The copy can't be written.
    #[error(transparent)]
    Target(JournalError),
}

/// What a copy came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackedUp {
    /// Where the copied log ends.
    pub tail: u64,
    /// The stamp of its last entry.
    pub last_stamp: Option<Stamp>,
    /// Segments that share their bytes with the journal.
    pub linked: u64,
    /// Segments that were copied.
    pub copied: u64,
    /// Segments that were deleted before they could be copied.
    pub skipped: u64,
    /// Bytes of all the copy's files.
    pub bytes: u64,
}

/// How a copy is made.
pub struct Copying<'a> {
    /// Whether complete segments may share their bytes with the copy, where the file system can.
    pub links: bool,
    /// Told how many bytes of files were copied since the last time.
    pub progress: &'a mut dyn FnMut(u64),
}

/// Copies the journal in `dir` to `target`, which is empty or missing. Somebody may have the journal open and write to it.
/// Of `source` nothing is changed.
///
/// # Errors
/// See [`BackupError`]; then `target` may hold a part of a copy, which does not open.
pub fn back_up(
    (source, dir): (&dyn Disk, &Path),
    (disk, target): (&dyn Disk, &Path),
    copying: &mut Copying<'_>,
) -> Result<BackedUp, BackupError> {
    disk.create_dir(target).map_err(|e| BackupError::Target(io_error("making", target, e)))?;
    let there = disk.list(target).map_err(|e| BackupError::Target(io_error("listing", target, e)))?;
    if !there.is_empty() {
        return Err(BackupError::NotEmpty(target.to_path_buf()));
    }
    let id = read_format(source, &dir.join(FORMAT_NAME))?;
    let mut backup = Backup { source, disk, dir, target, id, done: BackedUp::default() };
    let at_first = backup.bases()?;
    let mut after = None;
    while let Some(base) = backup.next_base(after)? {
        after = Some(base);
        match FoundSegment::open(source, dir, base) {
            Err(e) if is_missing(&e) => {}
            Err(e) => return Err(e.into()),
            Ok(segment) if segment.header.id != id => {
                return Err(segment.damaged(16, "the segment belongs to another journal").into());
            }
            Ok(segment) => {
                if !backup.take(&segment, copying)? {
                    break;
                }
            }
        }
    }
    if after.is_none() || backup.done.linked + backup.done.copied == 0 {
        let why = "the file is there, but no segment".to_owned();
        return Err(OpenError::Damaged { file: dir.join(FORMAT_NAME), offset: 0, why }.into());
    }
    let listed = disk.list(target).map_err(|e| target_error("listing", target, e))?;
    let missed = at_first.iter().filter(|base| !listed.contains(&segment_name(**base)));
    backup.done.skipped = missed.count() as u64;
    put_text(disk, target, FORMAT_NAME, &format_text(id)).map_err(BackupError::Target)?;
    Ok(backup.done)
}

struct Backup<'a> {
    source: &'a dyn Disk,
    disk: &'a dyn Disk,
    dir: &'a Path,
    target: &'a Path,
    id: LogId,
    done: BackedUp,
}

impl Backup<'_> {
    /// The segments that are there now.
    fn bases(&self) -> Result<Vec<u64>, OpenError> {
        let names = self.source.list(self.dir).map_err(|e| io_error("listing", self.dir, e))?;
        Ok(names.iter().filter_map(|name| segment_base(name)).collect())
    }

    /// The first segment behind `after` that is there now.
    fn next_base(&self, after: Option<u64>) -> Result<Option<u64>, OpenError> {
        let bases = self.bases()?.into_iter();
        Ok(bases.filter(|base| after.is_none_or(|after| *base > after)).min())
    }

    /// Copies one segment; false when the log ends in it.
    fn take(&mut self, segment: &FoundSegment, copying: &mut Copying<'_>) -> Result<bool, BackupError> {
        let to = self.target.join(segment_name(segment.header.base));
        let Some(seal) = &segment.seal else { return self.take_entries(segment, &to, copying) };
        match self.share(segment, &to, copying.links) {
            Ok(true) => self.done.linked += 1,
            Ok(false) => self.done.copied += 1,
            Err(BackupError::Source(e)) if is_missing(&e) => return Ok(true),
            Err(e) => return Err(e),
        }
        self.done.tail = seal.position;
        self.done.last_stamp = Some(seal.stamp).filter(|stamp| *stamp != Stamp::default());
        self.done.bytes += segment.len_bytes;
        (copying.progress)(segment.len_bytes);
        Ok(true)
    }

    /// Gives a complete segment a second name in the copy, or copies it; says which.
    fn share(&self, segment: &FoundSegment, to: &Path, links: bool) -> Result<bool, BackupError> {
        if links {
            match self.disk.link(&segment.path, to) {
                Ok(()) => return Ok(true),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    return Err(BackupError::Source(io_error("linking", &segment.path, e).into()));
                }
                // Another file system, or one that has no links: it is copied.
                Err(_) => {}
            }
        }
        let source = segment.file(self.source).map_err(OpenError::from)?;
        let copy = self.disk.create(to).map_err(|e| target_error("making", to, e))?;
        let mut at = 0;
        while at < segment.len_bytes {
            let step = COPY_BYTES.min(segment.len_bytes - at);
            let mut bytes = vec![0; usize::try_from(step).unwrap_or(usize::MAX)];
            let read = source.read_at(at, &mut bytes);
            read.map_err(|e| OpenError::from(io_error("reading", &segment.path, e)))?;
            copy.write_at(at, &[IoSlice::new(&bytes)]).map_err(|e| target_error("writing", to, e))?;
            at += step;
        }
        copy.sync_all().map_err(|e| target_error("syncing", to, e))?;
        Ok(false)
    }

    /// Copies what is whole of the segment that is being written, and seals the copy: there the log ends.
    fn take_entries(
        &mut self,
        segment: &FoundSegment,
        to: &Path,
        copying: &mut Copying<'_>,
    ) -> Result<bool, BackupError> {
        let header = &segment.header;
        let place = segment.place();
        let copy = self.disk.create(to).map_err(|e| target_error("making", to, e))?;
        let written = |e| target_error("writing", to, e);
        copy.write_at(0, &[IoSlice::new(&header.encode())]).map_err(written)?;
        let mut entries = Tail::new(self.source, segment)?;
        while let Some((frame, payload)) = entries.next()? {
            let bytes = frame.encode(self.id);
            let parts = [IoSlice::new(&bytes), IoSlice::new(&payload)];
            copy.write_at(place.offset(frame.position), &parts).map_err(written)?;
            (copying.progress)(LAYOUT.frame_bytes(frame.payload_len));
        }
        let next = self.next_after(segment, &entries)?;
        let end = next.unwrap_or(entries.end);
        seal(copy.as_ref(), to, place, end).map_err(BackupError::Target)?;
        self.done.copied += 1;
        self.done.tail = end.position;
        self.done.last_stamp = end.stamp;
        self.done.bytes += place.offset(end.position);
        Ok(next.is_some())
    }

    /// Where the log goes on behind a segment without a seal. Normally nowhere: it is the last one, or became complete while
    /// it was read. But an opening may have been interrupted before it had cut it. Otherwise entries are missing.
    fn next_after(&self, segment: &FoundSegment, entries: &Tail<'_>) -> Result<Option<End>, OpenError> {
        let base = segment.header.base;
        let Some(next) = self.next_base(Some(base))? else { return Ok(None) };
        let (now, next) = match (
            FoundSegment::open(self.source, self.dir, base),
            FoundSegment::open(self.source, self.dir, next),
        ) {
            (Err(e), _) if is_missing(&e) => return Ok(None),
            (now, next) => (now?, next?),
        };
        if now.seal.is_some() {
            return Ok(None);
        }
        let header = next.header;
        let fits = |end: &End| end.position == header.base && end.chain == header.chain;
        if let Some(end) = [entries.end, entries.before_last].into_iter().find(fits) {
            return Ok(Some(end));
        }
        let offset = segment.place().offset(entries.end.position);
        let why =
            format!("entries are missing here, before the segment that begins at position {}", header.base);
        Err(segment.damaged(offset, why))
    }
}

/// The entries of a segment that is being written.
struct Tail<'a> {
    segment: &'a FoundSegment,
    file: Arc<dyn DiskFile>,
    window: Window,
    end: End,
    /// Where the last entry begins.
    before_last: End,
    epoch: u64,
}

impl<'a> Tail<'a> {
    fn new(disk: &dyn Disk, segment: &'a FoundSegment) -> Result<Tail<'a>, OpenError> {
        let header = &segment.header;
        let file = segment.file(disk)?;
        let window = Window::new(Arc::clone(&file), Arc::clone(&segment.path), segment.len_bytes);
        let end = End { position: header.base, chain: header.chain, stamp: header.last_stamp };
        Ok(Tail { segment, file, window, end, before_last: end, epoch: 0 })
    }

    /// The next entry; none at the end of the log.
    fn next(&mut self) -> Result<Option<(FrameHeader, Bytes)>, OpenError> {
        let mut is_second_look = false;
        loop {
            let place = self.segment.place();
            let at = self.end.position;
            let offset = place.offset(at);
            let link = Link { chain: Some(self.end.chain), epoch: self.epoch };
            match place.frame_at(&mut self.window, at, link)? {
                Found::Entry(frame, payload) => {
                    let position = LAYOUT.next(Position(at), frame.payload_len).0;
                    self.before_last = self.end;
                    self.end = End { position, chain: frame.chain, stamp: Some(frame.stamp) };
                    self.epoch = frame.epoch;
                    return Ok(Some((frame, payload)));
                }
                Found::Seal => return Ok(None),
                Found::Nothing { why, resume } => match place.later_frame(&mut self.window, resume)? {
                    None => return Ok(None),
                    // Written since this place was looked at: then so was what is here.
                    Some(_) if !is_second_look => is_second_look = true,
                    Some(later) => {
                        let why =
                            format!("{why}, but an entry that was written later follows at byte {later}");
                        return Err(self.segment.damaged(offset, why));
                    }
                },
                Found::Wrong(why) => return Err(self.segment.damaged(offset, why)),
                Found::Newer(flags) => {
                    let why = format!("the entry at byte {offset} has unknown flags {flags:#x}");
                    return Err(OpenError::Format { file: self.segment.path.to_path_buf(), why });
                }
            }
            let path = Arc::clone(&self.segment.path);
            self.window = Window::new(Arc::clone(&self.file), path, self.segment.len_bytes);
        }
    }
}

fn target_error(doing: &str, path: &Path, e: io::Error) -> BackupError {
    BackupError::Target(io_error(doing, path, e))
}

fn is_missing(e: &OpenError) -> bool {
    matches!(e, OpenError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
}
