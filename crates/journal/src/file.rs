//! The file journal: a log in segments of its own format, which `docs/journal-format.md` describes byte by byte.

use std::any::Any;
use std::io;
use std::path::Path;
use std::sync::Arc;

mod ahead;
mod backup;
mod format;
mod mend;
mod pages;
mod read_only;
mod reader;
mod recent;
mod recover;
mod segment_file;
mod shared;
mod spare;
mod survey;
#[cfg(test)]
mod tests;
mod walk;
mod window;

pub use self::backup::{BackedUp, BackupError, Copying, back_up};
use self::format::{
    Chain, FRAME_HEADER_BYTES, FrameHeader, LAYOUT, NewFrame, SEAL_BYTES, SEGMENT_HEADER_BYTES,
};
use self::pages::{PAGE_BYTES, Pages};
pub use self::read_only::ReadOnlyJournal;
use self::reader::FileReader;
use self::recent::Recent;
use self::recover::Recovered;
use self::segment_file::{End, header_after, install, seal};
use self::shared::{Segment, Shared};
use self::spare::{SPARE_NAME, Sizes, SpareMaker, Zeros, is_full};
pub use self::survey::{Fault, FaultKind, Stretch, Survey, SurveyedSegment, Visitor};
use crate::{
    AppendError, Appended, Disk, DiskFile, Journal, JournalError, Layout, Limits, OpenError, Position,
    Reader, SegmentInfo, Stamp,
};

pub(crate) const LOCK_NAME: &str = "LOCK";

/// No segment is larger, so that sums of positions and lengths stay far from the end of `u64`.
const MAX_SEGMENT_BYTES: u64 = 1 << 40;

/// From this size on, what a sync costs beside writing the entry does not matter.
const LARGE_ENTRY_BYTES: u64 = 128 << 10;

/// The segment that opening makes is smaller than the others by this factor: it is allocated while the caller waits.
const OPENING_FRACTION: u64 = 8;

/// How a file journal is to be kept. They may differ from one opening to the next.
#[derive(Clone, Debug)]
pub struct FileOptions {
    /// The size of a segment's file in bytes. It must hold an entry of the largest size.
    pub segment_bytes: u64,
    /// The largest payload in bytes.
    pub max_payload_bytes: u32,
    /// How many files of segments readers keep open at most; pinned ones come on top.
    pub max_open_files: usize,
    /// How many bytes at the end of the log are kept in memory, so that fresh messages are read without the disk; 0 for
    /// none.
    pub recent_bytes: usize,
    /// Whether the next segment is allocated by a thread of its own. If not, the append after which it is missing does it,
    /// which makes the order of all that happens on the disk certain.
    pub allocate_in_background: bool,
}

impl Default for FileOptions {
    fn default() -> FileOptions {
        FileOptions {
            segment_bytes: 64 << 20,
            max_payload_bytes: 4 << 20,
            max_open_files: 128,
            recent_bytes: 4 << 20,
            allocate_in_background: true,
        }
    }
}

impl FileOptions {
    fn check(&self) -> Result<(), OpenError> {
        let least = self.sizes().min_bytes;
        if self.max_payload_bytes == 0 {
            return Err(OpenError::Options("the largest payload is 0 bytes".to_owned()));
        }
        if self.segment_bytes < least || self.segment_bytes > MAX_SEGMENT_BYTES {
            let size = self.segment_bytes;
            return Err(OpenError::Options(format!(
                "a segment has {size} bytes, but must have from {least} (for the largest entry) to {MAX_SEGMENT_BYTES}"
            )));
        }
        Ok(())
    }

    fn sizes(&self) -> Sizes {
        let entry_bytes = LAYOUT.frame_bytes(self.max_payload_bytes);
        Sizes { wanted_bytes: self.segment_bytes, min_bytes: SEGMENT_HEADER_BYTES + entry_bytes + SEAL_BYTES }
    }

    /// The sizes for the segment that opening makes, which begins with `frame_bytes` of what was there before.
    fn opening_sizes(&self, frame_bytes: u64) -> Sizes {
        let min_bytes = self.sizes().min_bytes + frame_bytes;
        Sizes { wanted_bytes: (self.segment_bytes / OPENING_FRACTION).max(min_bytes), min_bytes }
    }
}

/// The segment that entries are appended to.
struct Active {
    segment: Arc<Segment>,
    file: Arc<dyn DiskFile>,
    len_bytes: u64,
    /// How many entries were appended to it since it was opened.
    appends: u64,
}

impl Active {
    /// Whether further segments are worth being written with zeros: not where entries are as large as in this one.
    fn zeros(&self) -> Zeros {
        let bytes = self.segment.end() - self.segment.base;
        if bytes / self.appends.max(1) < LARGE_ENTRY_BYTES { Zeros::Write } else { Zeros::LeaveOut }
    }

    /// How many bytes of frames still fit at `tail`, with the seal behind them.
    fn room_bytes(&self, tail: Position) -> u64 {
        let used = tail.0 - self.segment.base + SEGMENT_HEADER_BYTES + SEAL_BYTES;
        self.len_bytes.saturating_sub(used)
    }
}

/// A journal in a directory of files.
pub struct FileJournal {
    shared: Arc<Shared>,
    options: FileOptions,
    epoch: u64,
    active: Active,
    /// The page in which the log ends, and what is written to it.
    pages: Pages,
    tail: Position,
    chain: Chain,
    last_stamp: Option<Stamp>,
    spares: SpareMaker,
    zeros: Zeros,
    /// The failure that ended the journal.
    ended: Option<String>,
    /// Dropped after all else, so that nobody opens the directory while this journal still touches it.
    _lock: Box<dyn Any + Send + Sync>,
}

impl FileJournal {
    /// Opens the journal in `dir`, which is made where it is missing. What was acknowledged is there, in order; an entry
    /// that was being written when the journal ended is there as a whole or not at all.
    ///
    /// # Errors
    /// See [`OpenError`]. A journal that is damaged is left as it is.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path, options: FileOptions) -> Result<FileJournal, OpenError> {
        options.check()?;
        disk.create_dir(dir).map_err(|e| io_error("making", dir, e))?;
        let lock_path = dir.join(LOCK_NAME);
        let lock = disk.lock(&lock_path).map_err(|e| match e.kind() {
            io::ErrorKind::WouldBlock => OpenError::InUse { dir: dir.to_path_buf() },
            _ => io_error("locking", &lock_path, e).into(),
        })?;
        let recovered = recover::recover(disk.as_ref(), dir, &options)?;
        let mut spares =
            SpareMaker::new(Arc::clone(&disk), dir, options.sizes(), options.allocate_in_background);
        spares.request(Zeros::Write);
        let pages = read_tail(&recovered)?;
        let recent = Recent::new(options.recent_bytes);
        let shared = Shared::new(disk, dir.to_path_buf(), recovered.id, options.max_open_files, recent);
        for segment in recovered.sealed {
            shared.insert(Arc::new(segment));
        }
        let segment = Arc::new(recovered.active);
        shared.insert(Arc::clone(&segment));
        Ok(FileJournal {
            shared: Arc::new(shared),
            options,
            epoch: recovered.epoch,
            active: Active {
                segment,
                file: recovered.file.file,
                len_bytes: recovered.file.len_bytes,
                appends: 0,
            },
            pages,
            tail: recovered.tail,
            chain: recovered.chain,
            last_stamp: recovered.last_stamp,
            spares,
            zeros: Zeros::Write,
            ended: None,
            _lock: lock,
        })
    }

    /// Ends the journal: what failed once can't be trusted again.
    fn end(&mut self, cause: &JournalError) -> String {
        tracing::error!(error = %cause, "the journal ends");
        let cause = cause.to_string();
        self.ended = Some(cause.clone());
        cause
    }

    fn check_going(&self) -> Result<(), JournalError> {
        self.ended.as_ref().map_or(Ok(()), |cause| Err(JournalError::Ended(cause.clone())))
    }

    fn end_of_log(&self) -> End {
        End { position: self.tail.0, chain: self.chain, stamp: self.last_stamp }
    }

    fn seal_active(&self) -> Result<(), JournalError> {
        let segment = &self.active.segment;
        seal(self.active.file.as_ref(), &segment.path, segment.place(self.shared.id), self.end_of_log())
    }

    /// Seals the active segment, and makes the spare the active one. The old one is complete on the disk before the
    /// new one appears: recovery counts on that.
    fn roll_over(&mut self) -> Result<SegmentInfo, AppendError> {
        // An empty segment always holds an entry of the largest size.
        assert!(self.tail.0 > self.active.segment.base, "an empty segment is rolled");
        let spare = self.spares.take().map_err(|e| {
            if is_full(&e) {
                return AppendError::Full;
            }
            let path = self.shared.dir.join(SPARE_NAME);
            AppendError::Unavailable(self.end(&io_error("allocating", &path, e)))
        })?;
        let end = self.end_of_log();
        let header = header_after(self.shared.id, end, self.epoch);
        let made = self.seal_active().and_then(|()| {
            let temporary = (SPARE_NAME, spare.file.as_ref());
            install(self.shared.disk.as_ref(), &self.shared.dir, temporary, &header, None)
        });
        let path = made.map_err(|e| AppendError::Unavailable(self.end(&e)))?;
        let segment = Arc::new(Segment::new(end.position, self.epoch, end.chain, path));
        self.shared.insert(Arc::clone(&segment));
        let active = Active { segment, file: spare.file, len_bytes: spare.len_bytes, appends: 0 };
        let old = std::mem::replace(&mut self.active, active);
        self.pages.turn();
        self.zeros = old.zeros();
        old.segment.seal();
        Ok(old.segment.info())
    }

    /// Sees to a spare with `needed_bytes` of room; `false` if there is no space for one. Where the disk has none, the active
    /// segment gives some of what it does not use yet, but for `kept_bytes`: somebody else may be faster in taking what was
    /// given, and it must be possible to go on then.
    fn make_spare_of(&mut self, needed_bytes: u64, kept_bytes: u64) -> Result<bool, AppendError> {
        let overhead_bytes = SEGMENT_HEADER_BYTES + SEAL_BYTES;
        let wanted_bytes = (needed_bytes + overhead_bytes).max(self.options.sizes().min_bytes);
        if wanted_bytes > self.options.segment_bytes {
            return Ok(false);
        }
        if self.spares.reserve(wanted_bytes) {
            return Ok(true);
        }
        let missing_bytes = wanted_bytes - self.spares.reserved_bytes().unwrap_or(0);
        if self.active.room_bytes(self.tail) < missing_bytes + kept_bytes {
            return Ok(false);
        }
        let len_bytes = self.active.len_bytes - missing_bytes;
        if let Err(e) = self.active.file.truncate(len_bytes) {
            let e = io_error("shortening", &self.active.segment.path, e);
            return Err(AppendError::Unavailable(self.end(&e)));
        }
        self.active.len_bytes = len_bytes;
        Ok(self.spares.reserve(wanted_bytes))
    }

    /// Writes a frame at the tail and makes it durable.
    fn write(&mut self, header: &FrameHeader, payload: &[u8]) -> Result<(), AppendError> {
        self.pages.fill(&header.encode(self.shared.id), payload);
        let written = match self.put() {
            // Where file systems copy on write, a full disk shows even within what was allocated. What was written of the
            // frame must not be taken for one by a later opening.
            Err(e) if is_full(&e) => {
                self.pages.fill(&[0; FRAME_HEADER_BYTES], &[]);
                match self.put() {
                    Ok(()) => return Err(AppendError::Full),
                    Err(_) => Err(e),
                }
            }
            other => other,
        };
        written.map_err(|e| {
            let path = Arc::clone(&self.active.segment.path);
            AppendError::Unavailable(self.end(&io_error("writing", &path, e)))
        })
    }

    /// Puts what was filled into the pages at the tail of the file, durably.
    fn put(&self) -> io::Result<()> {
        let file = self.active.file.as_ref();
        let tail = self.active.segment.place(self.shared.id).offset(self.tail.0);
        let (pages, head_len) = (self.pages.pages(), self.pages.head_len());
        let start = tail - head_len as u64;
        let (offset, bytes) = if start + pages.len() as u64 <= self.active.len_bytes {
            (start, pages)
        } else {
            // The file ends within the last page, and must not grow. All that comes behind this will end there too.
            let fresh = pages.get(head_len..).unwrap_or_default();
            let room = usize::try_from(self.active.len_bytes.saturating_sub(tail)).unwrap_or(usize::MAX);
            (tail, fresh.get(..room).unwrap_or(fresh))
        };
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Fault::SkipSync) {
            return file.write_at(offset, &[io::IoSlice::new(bytes)]);
        }
        file.write_durably_at(offset, bytes)
    }
}

impl Journal for FileJournal {
    fn layout(&self) -> Layout {
        LAYOUT
    }

    fn limits(&self) -> Limits {
        Limits {
            max_payload_bytes: self.options.max_payload_bytes,
            segment_bytes: self.options.segment_bytes,
        }
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn tail(&self) -> Position {
        self.tail
    }

    fn last_stamp(&self) -> Option<Stamp> {
        self.last_stamp
    }

    fn room_bytes(&mut self) -> u64 {
        self.spares.request(self.zeros);
        self.spares.enlarge();
        self.known_room_bytes()
    }

    fn is_allocating(&mut self) -> bool {
        self.spares.is_making()
    }

    fn append(&mut self, expected: Position, stamp: Stamp, payload: &[u8]) -> Result<Appended, AppendError> {
        if let Some(cause) = &self.ended {
            return Err(AppendError::Unavailable(cause.clone()));
        }
        #[cfg(feature = "planted")]
        let expected = match crate::planted::is(crate::planted::Fault::AcceptStaleWriter) {
            true => self.tail,
            false => expected,
        };
        if expected != self.tail {
            return Err(AppendError::Fenced { expected, tail: self.tail });
        }
        let payload_len = AppendError::check_len(payload, self.options.max_payload_bytes)?;
        let mut rolled = None;
        if LAYOUT.frame_bytes(payload_len) > self.active.room_bytes(self.tail) {
            rolled = Some(self.roll_over()?);
        }
        let frame = NewFrame {
            position: self.tail,
            epoch: self.epoch,
            stamp,
            durable: self.tail,
            payload,
            payload_len,
        };
        let header = FrameHeader::entry(self.shared.id, &frame, &self.chain);
        self.write(&header, payload)?;
        let next = LAYOUT.next(self.tail, payload_len);
        self.shared.recent.push(self.tail.0, self.pages.frame(), next.0);
        self.pages.accept(LAYOUT.frame_bytes(payload_len) as usize);
        self.tail = next;
        self.chain = header.chain;
        self.last_stamp = Some(stamp);
        self.active.segment.publish(self.tail.0);
        self.active.appends += 1;
        self.spares.after_append(self.zeros);
        if rolled.is_some() && self.active.len_bytes < self.options.segment_bytes / 2 {
            // On a nearly full disk this segment alone may be less than what the caller keeps in reserve: it must not
            // refuse anything just because the next one is not allocated yet.
            self.spares.finish();
        }
        Ok(Appended { next: self.tail, room_bytes: self.known_room_bytes(), rolled })
    }

    fn roll(&mut self, needed_bytes: u64, kept_bytes: u64) -> Result<Option<SegmentInfo>, AppendError> {
        if let Some(cause) = &self.ended {
            return Err(AppendError::Unavailable(cause.clone()));
        }
        if self.tail.0 == self.active.segment.base || !self.make_spare_of(needed_bytes, kept_bytes)? {
            return Ok(None);
        }
        let sealed = match self.roll_over() {
            Err(AppendError::Full) => return Ok(None),
            other => other?,
        };
        // What the sealed segment did not use is given back by now, and may be enough for the next one.
        self.spares.request(self.zeros);
        self.spares.finish();
        Ok(Some(sealed))
    }

    fn reader(&self) -> Arc<dyn Reader> {
        Arc::new(FileReader { shared: Arc::clone(&self.shared) })
    }

    fn segments(&self) -> Vec<SegmentInfo> {
        self.shared.read().values().map(|segment| segment.info()).collect()
    }

    fn delete_segment(&mut self, base: Position) -> Result<(), JournalError> {
        self.check_going()?;
        let segment = self.shared.read().get(&base.0).cloned().ok_or(JournalError::Missing(base))?;
        if !segment.is_sealed() {
            return Err(JournalError::NotSealed(base));
        }
        self.shared.forget(base.0);
        let disk = &self.shared.disk;
        if let Err(e) = disk.remove(&segment.path) {
            self.shared.insert(Arc::clone(&segment));
            return Err(io_error("removing", &segment.path, e));
        }
        if let Err(e) = disk.sync_dir(&self.shared.dir) {
            let e = io_error("syncing", &self.shared.dir, e);
            self.end(&e);
            return Err(e);
        }
        self.spares.request(self.zeros);
        Ok(())
    }

    fn close(mut self: Box<Self>) -> Result<(), JournalError> {
        self.check_going()?;
        self.seal_active()?;
        self.spares.finish();
        let spare = self.shared.dir.join(SPARE_NAME);
        match self.shared.disk.remove(&spare) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(io_error("removing", &spare, e)),
            _ => {}
        }
        let dir = &self.shared.dir;
        self.shared.disk.sync_dir(dir).map_err(|e| io_error("syncing", dir, e))
    }
}

impl FileJournal {
    fn known_room_bytes(&mut self) -> u64 {
        let spare = self.spares.reserved_bytes().unwrap_or(SEGMENT_HEADER_BYTES + SEAL_BYTES);
        self.active.room_bytes(self.tail) + (spare - SEGMENT_HEADER_BYTES - SEAL_BYTES)
    }
}

/// The page in which a log ends that was just opened. What is there of it is durable.
fn read_tail(recovered: &Recovered) -> Result<Pages, OpenError> {
    let offset = recovered.active.place(recovered.id).offset(recovered.tail.0);
    let head_len = offset % PAGE_BYTES as u64;
    let mut page = [0; PAGE_BYTES];
    let head = &mut page[..head_len as usize];
    let read = recovered.file.file.read_at(offset - head_len, head);
    read.map_err(|e| io_error("reading", &recovered.active.path, e))?;
    Ok(Pages::new(head))
}

fn io_error(doing: &str, path: &Path, source: io::Error) -> JournalError {
    JournalError::Io { what: format!("{doing} {}", path.display()), source }
}

impl From<JournalError> for OpenError {
    fn from(e: JournalError) -> OpenError {
        match e {
            JournalError::Damaged { file, offset, why } => OpenError::Damaged { file, offset, why },
            JournalError::Io { what, source } => OpenError::Io { what, source },
            other => {
                OpenError::Io { what: "opening the journal".to_owned(), source: io::Error::other(other) }
            }
        }
    }
}

const _: () = assert!(FRAME_HEADER_BYTES as u64 == SEAL_BYTES);
