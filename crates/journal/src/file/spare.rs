//! The segment that is allocated ahead, so that a full disk shows before an append needs the space, and so that
//! rolling does not wait for the allocation.
//!
//! Reserved space is then written with zeros for as long as nobody needs the segment. Turning a reserved block into a written
//! one is a change of the file's metadata, which the `fdatasync` after it has to commit too: on ext4 an append of 3 KB or
//! 64 KB took 100 or 130 µs where there were zeros, 150 or 270 µs where there were none. With entries of 1 MB there was no
//! difference, but the zeros took half of what the disk could write; so they are left out when entries are large.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use crate::{Disk, DiskFile};

/// The file name of a segment that is being allocated, or waits for its turn.
pub(super) const SPARE_NAME: &str = "spare.tmp";

/// After a failure, how many appends go by before allocation is tried again on its own.
const RETRY_AFTER_APPENDS: u32 = 256;

/// How many zeros are written between two syncs, so that they don't hold up appends for long, nor an append that needs
/// the segment now.
const ZERO_STEP_BYTES: usize = 1 << 20;

/// An allocated file without a header.
pub(super) struct Spare {
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) len_bytes: u64,
}

/// How far the making of a spare has come.
#[derive(Default)]
pub(super) struct Progress {
    /// Its length, once all of it is reserved.
    reserved_bytes: AtomicU64,
    /// Set when it is needed as it is, without more zeros.
    needed: AtomicBool,
}

enum State {
    Missing {
        wait_appends: u32,
    },
    Making(JoinHandle<io::Result<Spare>>, Arc<Progress>),
    Ready(Spare),
    /// As `Missing`; the failure is kept for the append that needs the spare.
    Failed(io::Error),
}

/// Makes spares, one at a time.
pub(super) struct SpareMaker {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    sizes: Sizes,
    in_background: bool,
    state: State,
    /// The last attempt failed.
    has_failed: bool,
}

/// How large a segment is to be.
#[derive(Copy, Clone, Debug)]
pub(super) struct Sizes {
    /// Where there is space enough.
    pub(super) wanted_bytes: u64,
    /// Where there is not.
    pub(super) min_bytes: u64,
}

impl Sizes {
    /// How large the next one is to be where so much is free. On a small disk segments are small: only whole ones can be
    /// given back, so that few large ones would keep what is dead in them. But they are large enough for a caller that
    /// refuses growth without a quarter of a segment's room.
    fn fitting(self, free_bytes: Option<u64>) -> u64 {
        let share = |free: u64| (free / SHARE_OF_FREE).max(free.min(self.wanted_bytes / SHARE_OF_FREE));
        free_bytes.map_or(self.wanted_bytes, share).min(self.wanted_bytes).max(self.min_bytes)
    }

    /// How large a spare that turned out too small is to become where so much is free beside it: well beyond a quarter of a
    /// segment, so that the caller who refuses growth below that has something to go on with.
    fn enlarged(self, spare_bytes: u64, free_bytes: Option<u64>) -> u64 {
        let Some(free) = free_bytes else { return self.wanted_bytes };
        let there = spare_bytes.saturating_add(free);
        self.fitting(Some(there)).max(there.min(self.wanted_bytes / 2))
    }
}

/// No new segment takes more than this part of what is free, where that can be told.
const SHARE_OF_FREE: u64 = 4;

/// Whether a spare is worth being written with zeros.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Zeros {
    /// And synced step by step, beside appends that must not wait for long.
    Write,
    /// Nobody appends yet: whoever makes the segment syncs it as a whole.
    WriteUnsynced,
    LeaveOut,
}

impl SpareMaker {
    pub(super) fn new(disk: Arc<dyn Disk>, dir: &Path, sizes: Sizes, in_background: bool) -> SpareMaker {
        let state = State::Missing { wait_appends: 0 };
        SpareMaker { disk, path: dir.join(SPARE_NAME), sizes, in_background, state, has_failed: false }
    }

    /// The length of the spare, when its space is reserved.
    pub(super) fn reserved_bytes(&mut self) -> Option<u64> {
        self.poll();
        match &self.state {
            State::Ready(spare) => Some(spare.len_bytes),
            State::Making(_, progress) => {
                Some(progress.reserved_bytes.load(Ordering::Acquire)).filter(|bytes| *bytes > 0)
            }
            State::Missing { .. } | State::Failed(_) => None,
        }
    }

    /// Told of each append: has a missing spare made, though after a failure not each time.
    pub(super) fn after_append(&mut self, zeros: Zeros) {
        self.poll();
        match &mut self.state {
            State::Missing { wait_appends: 0 } => self.start(zeros),
            State::Missing { wait_appends } => *wait_appends -= 1,
            State::Failed(_) => self.state = State::Missing { wait_appends: RETRY_AFTER_APPENDS },
            State::Making(..) | State::Ready(_) => {}
        }
    }

    /// Has a missing spare made, whatever happened before.
    pub(super) fn request(&mut self, zeros: Zeros) {
        self.poll();
        if matches!(self.state, State::Missing { .. } | State::Failed(_)) {
            self.start(zeros);
        }
    }

    /// Waits for a spare of at least `len_bytes`; `false` if there is no space for it. One that is smaller stays as it is then.
    pub(super) fn reserve(&mut self, len_bytes: u64) -> bool {
        self.finish();
        let progress = Progress::default();
        let made = match self.replace_state() {
            State::Ready(spare) if spare.len_bytes >= len_bytes => Ok(spare),
            State::Ready(spare) => {
                let step_bytes = len_bytes - spare.len_bytes;
                grow(spare, len_bytes, step_bytes, &progress)
            }
            _ => {
                let sizes = Sizes { wanted_bytes: len_bytes, min_bytes: len_bytes };
                allocate(self.disk.as_ref(), &self.path, sizes, Zeros::LeaveOut, &progress)
            }
        };
        self.settle(made);
        matches!(&self.state, State::Ready(spare) if spare.len_bytes >= len_bytes)
    }

    /// Has a spare made larger that was made when the disk had less space, if it has more now.
    pub(super) fn enlarge(&mut self) {
        self.poll();
        let State::Ready(spare) = &self.state else { return };
        let free_bytes = self.path.parent().and_then(|dir| self.disk.free_bytes(dir));
        let target_bytes = self.sizes.enlarged(spare.len_bytes, free_bytes);
        let step_bytes = self.sizes.min_bytes;
        if target_bytes < spare.len_bytes + step_bytes {
            return;
        }
        let State::Ready(spare) = self.replace_state() else { return };
        let progress = Arc::new(Progress::default());
        // What it has it keeps.
        progress.reserved_bytes.store(spare.len_bytes, Ordering::Release);
        let shown = Arc::clone(&progress);
        self.run(progress, move || grow(spare, target_bytes, step_bytes, &shown));
    }

    /// Whether one is being made whose space is not reserved yet.
    pub(super) fn is_making(&mut self) -> bool {
        self.poll();
        let unreserved = |progress: &Progress| progress.reserved_bytes.load(Ordering::Acquire) == 0;
        matches!(&self.state, State::Making(_, progress) if unreserved(progress))
    }

    /// Waits for the spare, and hands it out.
    pub(super) fn take(&mut self) -> io::Result<Spare> {
        // What failed a while ago may go well now, so only an attempt that is this young counts.
        self.request(Zeros::LeaveOut);
        self.finish();
        match self.replace_state() {
            State::Ready(spare) => Ok(spare),
            State::Failed(e) => {
                self.state = State::Missing { wait_appends: RETRY_AFTER_APPENDS };
                Err(e)
            }
            State::Missing { .. } | State::Making(..) => Err(io::Error::other("no segment was allocated")),
        }
    }

    /// Brings what is under way to an end soon, so that nothing touches the directory any more.
    pub(super) fn finish(&mut self) {
        if let State::Making(_, progress) = &self.state {
            progress.needed.store(true, Ordering::Release);
        }
        self.join();
    }

    fn join(&mut self) {
        match self.replace_state() {
            State::Making(handle, _) => {
                let panicked = |_| Err(io::Error::other("allocating a segment panicked"));
                let made = handle.join().unwrap_or_else(panicked);
                self.settle(made);
            }
            other => self.state = other,
        }
    }

    fn replace_state(&mut self) -> State {
        std::mem::replace(&mut self.state, State::Missing { wait_appends: 0 })
    }

    fn poll(&mut self) {
        if matches!(&self.state, State::Making(handle, _) if handle.is_finished()) {
            self.join();
        }
    }

    fn start(&mut self, zeros: Zeros) {
        let (disk, path, sizes) = (Arc::clone(&self.disk), self.path.clone(), self.sizes);
        let progress = Arc::new(Progress::default());
        let shown = Arc::clone(&progress);
        self.run(progress, move || allocate(disk.as_ref(), &path, sizes, zeros, &shown));
    }

    fn run(&mut self, progress: Arc<Progress>, make: impl FnOnce() -> io::Result<Spare> + Send + 'static) {
        if self.in_background {
            let thread = thread::Builder::new().name("journal-spare".to_owned());
            match thread.spawn(make) {
                Ok(handle) => self.state = State::Making(handle, progress),
                Err(e) => self.state = State::Failed(e),
            }
        } else {
            let made = make();
            self.settle(made);
        }
    }

    fn settle(&mut self, made: io::Result<Spare>) {
        self.state = match made {
            Ok(spare) => State::Ready(spare),
            Err(e) => {
                // Once, however often it is tried.
                if !self.has_failed {
                    tracing::warn!(error = %e, "no space could be allocated ahead for the journal");
                }
                State::Failed(e)
            }
        };
        self.has_failed = matches!(self.state, State::Failed(_));
    }
}

impl Drop for SpareMaker {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Allocates a file of the wanted size, or of what the disk has, halving down to the least that is of use.
pub(super) fn allocate(
    disk: &dyn Disk,
    path: &Path,
    sizes: Sizes,
    zeros: Zeros,
    progress: &Progress,
) -> io::Result<Spare> {
    let file = disk.create(path)?;
    let mut len_bytes = sizes.fitting(path.parent().and_then(|dir| disk.free_bytes(dir)));
    let made = loop {
        match file.allocate(len_bytes) {
            Ok(only_reserved) => {
                progress.reserved_bytes.store(len_bytes, Ordering::Release);
                let worth_it = only_reserved && zeros != Zeros::LeaveOut;
                break if worth_it { write_zeros(file.as_ref(), len_bytes, zeros, progress) } else { Ok(()) };
            }
            Err(e) if is_full(&e) && len_bytes > sizes.min_bytes => {
                file.truncate(0)?;
                len_bytes = (len_bytes / 2).max(sizes.min_bytes);
            }
            Err(e) => break Err(e),
        }
    };
    match made {
        Ok(()) => Ok(Spare { file, len_bytes }),
        Err(e) => {
            // What was allocated of it is given back, so that others have it.
            drop(file);
            let _ = disk.remove(path);
            Err(e)
        }
    }
}

/// Makes a spare larger, up to `target_bytes`, or by what the disk has of that; without space it stays as it is.
fn grow(spare: Spare, mut target_bytes: u64, step_bytes: u64, progress: &Progress) -> io::Result<Spare> {
    while target_bytes >= spare.len_bytes + step_bytes {
        match spare.file.allocate(target_bytes) {
            Ok(_) => {
                progress.reserved_bytes.store(target_bytes, Ordering::Release);
                return Ok(Spare { len_bytes: target_bytes, ..spare });
            }
            Err(e) if is_full(&e) => {
                // Part of it may have been allocated.
                spare.file.truncate(spare.len_bytes)?;
                target_bytes = spare.len_bytes + (target_bytes - spare.len_bytes) / 2;
            }
            Err(e) => return Err(e),
        }
    }
    Ok(spare)
}

fn write_zeros(file: &dyn DiskFile, len_bytes: u64, zeros: Zeros, progress: &Progress) -> io::Result<()> {
    let mut done = 0;
    while done < len_bytes && !progress.needed.load(Ordering::Acquire) {
        let step = ZERO_STEP_BYTES.min(usize::try_from(len_bytes - done).unwrap_or(usize::MAX));
        file.write_zeros(done, step)?;
        if zeros == Zeros::Write {
            file.sync_data()?;
        }
        done += step as u64;
    }
    Ok(())
}

/// Whether an error says that there is no space (or that no more of it may be used).
pub(super) fn is_full(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

#[cfg(test)]
mod tests {
    use super::Sizes;

    const MIB: u64 = 1 << 20;

    #[test]
    fn segments_are_small_where_little_is_free() {
        let sizes = Sizes { wanted_bytes: 64 * MIB, min_bytes: 4 * MIB };
        let fitting = |free_mib: u64| sizes.fitting(Some(free_mib * MIB)) / MIB;
        let table =
            [(10_000, 64), (256, 64), (200, 50), (80, 20), (40, 16), (16, 16), (10, 10), (3, 4), (0, 4)];
        for (free_mib, segment_mib) in table {
            assert_eq!(fitting(free_mib), segment_mib, "{free_mib} MiB free");
        }
        assert_eq!(sizes.fitting(None), 64 * MIB, "where it can't be told it is tried");
    }

    /// On a disk of 80 MB a spare of 13.4 MiB was to grow to 16 MiB, which was less than the least that it grows by. So it
    /// stayed below the caller's reserve, and sends were refused for ever beside 16 MiB of free space.
    #[test]
    fn a_spare_grows_beyond_what_its_caller_keeps_in_reserve() {
        let sizes = Sizes { wanted_bytes: 64 * MIB, min_bytes: 4 * MIB };
        let enlarged =
            |spare_kib: u64, free_kib: u64| sizes.enlarged(spare_kib << 10, Some(free_kib << 10)) >> 10;
        assert_eq!(enlarged(13_736, 16_348), 13_736 + 16_348);
        assert_eq!(enlarged(13_736, 100 << 10), 32 << 10);
        assert_eq!(enlarged(13_736, 10 << 20), 64 << 10);
        assert_eq!(enlarged(13_736, 0), 13_736);
    }
}
