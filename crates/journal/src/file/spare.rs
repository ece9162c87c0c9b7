//! The segment that is allocated ahead, so that a full disk shows before an append needs the space, and so that
//! rolling does not wait for the allocation.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::{Disk, DiskFile};

/// The file name of a segment that is being allocated, or waits for its turn.
pub(super) const SPARE_NAME: &str = "spare.tmp";

/// After a failure, how many appends go by before allocation is tried again on its own.
const RETRY_AFTER_APPENDS: u32 = 256;

/// An allocated file without a header.
pub(super) struct Spare {
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) len_bytes: u64,
}

enum State {
    Missing {
        wait_appends: u32,
    },
    Making(JoinHandle<io::Result<Spare>>),
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
}

/// How large a segment is to be.
#[derive(Copy, Clone, Debug)]
pub(super) struct Sizes {
    /// Where there is space enough.
    pub(super) wanted_bytes: u64,
    /// Where there is not.
    pub(super) min_bytes: u64,
}

impl SpareMaker {
    pub(super) fn new(disk: Arc<dyn Disk>, dir: &Path, sizes: Sizes, in_background: bool) -> SpareMaker {
        let state = State::Missing { wait_appends: 0 };
        SpareMaker { disk, path: dir.join(SPARE_NAME), sizes, in_background, state }
    }

    /// The length of the spare, when it is ready.
    pub(super) fn ready_bytes(&mut self) -> Option<u64> {
        self.poll();
        match &self.state {
            State::Ready(spare) => Some(spare.len_bytes),
            _ => None,
        }
    }

    /// Told of each append: has a missing spare made, though after a failure not each time.
    pub(super) fn after_append(&mut self) {
        self.poll();
        match &mut self.state {
            State::Missing { wait_appends: 0 } => self.start(),
            State::Missing { wait_appends } => *wait_appends -= 1,
            State::Failed(_) => self.state = State::Missing { wait_appends: RETRY_AFTER_APPENDS },
            State::Making(_) | State::Ready(_) => {}
        }
    }

    /// Has a missing spare made, whatever happened before.
    pub(super) fn request(&mut self) {
        self.poll();
        if matches!(self.state, State::Missing { .. } | State::Failed(_)) {
            self.start();
        }
    }

    /// Waits for the spare, and hands it out.
    pub(super) fn take(&mut self) -> io::Result<Spare> {
        // What failed a while ago may go well now, so only an attempt that is this young counts.
        self.request();
        self.wait();
        match std::mem::replace(&mut self.state, State::Missing { wait_appends: 0 }) {
            State::Ready(spare) => Ok(spare),
            State::Failed(e) => Err(e),
            State::Missing { .. } | State::Making(_) => Err(io::Error::other("no segment was allocated")),
        }
    }

    /// Waits for the allocation that is under way, so that nothing touches the directory any more.
    pub(super) fn wait(&mut self) {
        if matches!(self.state, State::Making(_)) {
            let State::Making(handle) =
                std::mem::replace(&mut self.state, State::Missing { wait_appends: 0 })
            else {
                return;
            };
            let made =
                handle.join().unwrap_or_else(|_| Err(io::Error::other("allocating a segment panicked")));
            self.settle(made);
        }
    }

    fn poll(&mut self) {
        if matches!(&self.state, State::Making(handle) if handle.is_finished()) {
            self.wait();
        }
    }

    fn start(&mut self) {
        let (disk, path, sizes) = (Arc::clone(&self.disk), self.path.clone(), self.sizes);
        let make = move || allocate(disk.as_ref(), &path, sizes);
        if self.in_background {
            let thread = thread::Builder::new().name("journal-spare".to_owned());
            match thread.spawn(make) {
                Ok(handle) => self.state = State::Making(handle),
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
                tracing::warn!(error = %e, "no space could be allocated ahead for the journal");
                State::Failed(e)
            }
        };
    }
}

impl Drop for SpareMaker {
    fn drop(&mut self) {
        self.wait();
    }
}

/// Allocates a file of the wanted size, or of what the disk has, halving down to the least that is of use.
pub(super) fn allocate(disk: &dyn Disk, path: &Path, sizes: Sizes) -> io::Result<Spare> {
    let file = disk.create(path)?;
    let mut len_bytes = sizes.wanted_bytes.max(sizes.min_bytes);
    loop {
        match file.allocate(len_bytes) {
            Ok(()) => return Ok(Spare { file, len_bytes }),
            Err(e) if is_full(&e) && len_bytes > sizes.min_bytes => {
                file.truncate(0)?;
                len_bytes = (len_bytes / 2).max(sizes.min_bytes);
            }
            Err(e) => {
                // What was allocated of it is given back, so that others have it.
                drop(file);
                let _ = disk.remove(path);
                return Err(e);
            }
        }
    }
}

/// Whether an error says that there is no space (or that no more of it may be used).
pub(super) fn is_full(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
