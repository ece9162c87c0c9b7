//! The segments of an open journal, as its writer and its readers share them.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::ahead::Ahead;
use super::format::{Chain, LogId};
use super::recent::Recent;
use super::window::Place;
use crate::{Disk, DiskFile, Position, SegmentInfo};

/// One segment, without its file: there may be more segments than a process may have files open.
pub(super) struct Segment {
    pub(super) base: u64,
    /// The epoch in its header.
    pub(super) epoch: u64,
    /// The chain's value at its base.
    pub(super) chain: Chain,
    pub(super) path: Arc<Path>,
    /// Up to where its entries are durable, and so may be read.
    end: AtomicU64,
    sealed: AtomicBool,
    /// What its readers have asked the disk for.
    pub(super) ahead: Ahead,
}

impl Segment {
    pub(super) fn new(base: u64, epoch: u64, chain: Chain, path: PathBuf) -> Segment {
        let path = Arc::from(path);
        let (end, sealed) = (AtomicU64::new(base), AtomicBool::new(false));
        Segment { base, epoch, chain, path, end, sealed, ahead: Ahead::default() }
    }

    pub(super) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    /// Lets readers see what lies before `end`.
    pub(super) fn publish(&self, end: u64) {
        debug_assert!(end >= self.end());
        self.end.store(end, Ordering::Release);
    }

    pub(super) fn seal(&self) {
        self.sealed.store(true, Ordering::Release);
    }

    pub(super) fn is_sealed(&self) -> bool {
        self.sealed.load(Ordering::Acquire)
    }

    pub(super) fn info(&self) -> SegmentInfo {
        SegmentInfo { base: Position(self.base), end: Position(self.end()), sealed: self.is_sealed() }
    }

    pub(super) fn place(&self, id: LogId) -> Place {
        Place { id, base: self.base, epoch: self.epoch }
    }
}

/// A segment's file, or why it can't be opened.
pub(super) type FileResult = io::Result<Arc<dyn DiskFile>>;

/// The files that readers used last.
struct OpenFiles {
    files: HashMap<u64, (Arc<dyn DiskFile>, u64)>,
    uses: u64,
    max: usize,
}

/// What the writer and the readers of a journal have in common.
pub(super) struct Shared {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) dir: PathBuf,
    pub(super) id: LogId,
    pub(super) recent: Recent,
    segments: RwLock<BTreeMap<u64, Arc<Segment>>>,
    open_files: Mutex<OpenFiles>,
}

// A panic can't leave these maps half-changed: each change is one insertion or removal. So a poisoned lock is used on.
impl Shared {
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        id: LogId,
        max_open_files: usize,
        recent: Recent,
    ) -> Shared {
        let open_files = OpenFiles { files: HashMap::new(), uses: 0, max: max_open_files.max(1) };
        Shared { disk, dir, id, recent, segments: RwLock::default(), open_files: Mutex::new(open_files) }
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, BTreeMap<u64, Arc<Segment>>> {
        self.segments.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<u64, Arc<Segment>>> {
        self.segments.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn files(&self) -> MutexGuard<'_, OpenFiles> {
        self.open_files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn insert(&self, segment: Arc<Segment>) {
        self.write().insert(segment.base, segment);
    }

    /// Forgets a segment. From now on nobody opens its file; who has it open keeps it.
    pub(super) fn forget(&self, base: u64) {
        self.write().remove(&base);
        self.files().files.remove(&base);
    }

    /// The segment that covers `at` with durable entries, with its file.
    pub(super) fn open_at(&self, at: u64) -> Option<(Arc<Segment>, FileResult)> {
        // The lock is held until the file is open, so that a deletion comes before the look-up or after the opening.
        let segments = self.read();
        let segment = floor(&segments, at).filter(|segment| at < segment.end())?;
        let file = self.file(&segment);
        Some((segment, file))
    }

    fn file(&self, segment: &Segment) -> FileResult {
        let mut open = self.files();
        open.uses += 1;
        let now = open.uses;
        if let Some((file, used)) = open.files.get_mut(&segment.base) {
            *used = now;
            return Ok(Arc::clone(file));
        }
        let file = self.disk.open(&segment.path)?;
        if open.files.len() >= open.max {
            let oldest = open.files.iter().min_by_key(|(_, (_, used))| *used).map(|(base, _)| *base);
            oldest.and_then(|base| open.files.remove(&base));
        }
        open.files.insert(segment.base, (Arc::clone(&file), now));
        Ok(file)
    }
}

/// The last segment that begins at or before `at`.
pub(super) fn floor(segments: &BTreeMap<u64, Arc<Segment>>, at: u64) -> Option<Arc<Segment>> {
    let (_, segment) = segments.range((Bound::Unbounded, Bound::Included(at))).next_back()?;
    Some(Arc::clone(segment))
}
