//! What a reader without a lock may see of a segment that its writer completes just then.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::any::Any;
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bongsu_journal::testing::SimDisk;
use bongsu_journal::{Copying, Disk, DiskFile, FileJournal, FileOptions, Journal, Stamp, back_up};

const OPTIONS: FileOptions = FileOptions {
    segment_bytes: 16 << 10,
    max_payload_bytes: 4 << 10,
    max_open_files: 4,
    recent_bytes: 8 << 10,
    allocate_in_background: false,
};

/// A disk whose segments are cut right after they were measured for the first time.
struct CutDisk(SimDisk);

struct CutFile {
    file: Arc<dyn DiskFile>,
    measured: AtomicBool,
}

impl Disk for CutDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.0.create_dir(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.0.list(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Any + Send + Sync>> {
        self.0.lock(path)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.0.create(path)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let is_segment = path.extension().is_some_and(|extension| extension == "segment");
        Ok(Arc::new(CutFile { file: self.0.open(path)?, measured: AtomicBool::new(!is_segment) }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.0.sync_dir(dir)
    }

    fn random_id(&self) -> io::Result<[u8; 16]> {
        self.0.random_id()
    }
}

impl DiskFile for CutFile {
    fn len_bytes(&self) -> io::Result<u64> {
        let cut_bytes = if self.measured.swap(true, Ordering::Relaxed) { 0 } else { 8 << 10 };
        Ok(self.file.len_bytes()? + cut_bytes)
    }

    fn allocate(&self, len_bytes: u64) -> io::Result<bool> {
        self.file.allocate(len_bytes)
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.file.read_at(offset, buf)
    }

    fn read_cached_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<bool> {
        self.file.read_cached_at(offset, buf)
    }

    fn write_at(&self, offset: u64, parts: &[IoSlice<'_>]) -> io::Result<()> {
        self.file.write_at(offset, parts)
    }

    fn truncate(&self, len_bytes: u64) -> io::Result<()> {
        self.file.truncate(len_bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.file.sync_all()
    }
}

/// A backup beside a busy server failed now and then: a segment became complete, and so shorter, between the look at its length
/// and the look at its end.
#[test]
fn a_segment_that_is_cut_while_it_is_measured_is_copied() {
    let (disk, dir, to) = (SimDisk::new(), Path::new("/store"), Path::new("/copy"));
    let mut journal = FileJournal::open(Arc::new(disk.clone()), dir, OPTIONS).unwrap();
    for number in 0..40 {
        let tail = journal.tail();
        journal.append(tail, Stamp { time_ms: number, mark: 0 }, &[7; 2_000]).unwrap();
    }
    let tail = journal.tail();
    let mut copying = Copying { links: false, progress: &mut |_| () };
    let copied = back_up((&CutDisk(disk.clone()), dir), (&disk, to), &mut copying).unwrap();
    assert_eq!((copied.tail, copied.last_stamp.unwrap().time_ms), (tail.0, 39));
    assert!(copied.copied > 3);
    drop(journal);
    assert_eq!(FileJournal::open(Arc::new(disk), to, OPTIONS).unwrap().tail(), tail);
}
