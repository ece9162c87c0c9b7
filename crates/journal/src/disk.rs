//! The way to files: one small trait, so that tests can put a simulated disk in their place.

use std::any::Any;
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;

mod direct;
#[cfg(any(test, feature = "lossy-disk"))]
mod lossy;
mod read_only;
mod real;

#[cfg(any(test, feature = "lossy-disk"))]
pub use lossy::{LossyDisk, Order};
pub use read_only::{HeldDir, LockedDisk, ReadOnlyDisk};
pub use real::RealDisk;

/// The error of a sync that is part of a write: one without space is no reason to go on as after a write without space,
/// as nothing is known any more of what had been written before.
fn sync_error(e: io::Error) -> io::Error {
    match e.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => io::Error::other(e),
        _ => e,
    }
}

/// A file system, as far as a journal needs one.
pub trait Disk: Send + Sync {
    /// Makes `dir`, and its parents, durably, where they are missing.
    ///
    /// # Errors
    /// What the system said.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// The names of the files in `dir`, in any order.
    ///
    /// # Errors
    /// What the system said.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Takes an exclusive lock on the file `path`, which is made where it is missing. It is held until the returned
    /// value is dropped or the process ends.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when somebody else holds it, otherwise what the system said.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Any + Send + Sync>>;

    /// Makes an empty file, or empties the one that is there, for reading and writing.
    ///
    /// # Errors
    /// What the system said.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens an existing file for reading and writing.
    ///
    /// # Errors
    /// What the system said.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Renames a file, replacing what has the new name. Durable only with [`Disk::sync_dir`].
    ///
    /// # Errors
    /// What the system said.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file; who has it open keeps it. Durable only with [`Disk::sync_dir`].
    ///
    /// # Errors
    /// What the system said.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in `dir` durable.
    ///
    /// # Errors
    /// What the system said.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Sixteen bytes that nobody can guess.
    ///
    /// # Errors
    /// What the system said.
    fn random_id(&self) -> io::Result<[u8; 16]>;

    /// How many bytes can be allocated on the file system of `dir`, about; `None` where that can't be told. Only a hint:
    /// quotas may leave less.
    fn free_bytes(&self, dir: &Path) -> Option<u64> {
        let _ = dir;
        None
    }

    /// Gives a file a second name, where there is none yet. Durable only with [`Disk::sync_dir`].
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`] or [`io::ErrorKind::CrossesDevices`] where that is not possible, otherwise what the
    /// system said.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let _ = (from, to);
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// An open file. All methods may be called from several threads.
pub trait DiskFile: Send + Sync {
    /// The length in bytes.
    ///
    /// # Errors
    /// What the system said.
    fn len_bytes(&self) -> io::Result<u64>;

    /// Makes the file `len_bytes` long and reserves the space for it, durably, so that writing within it can't run out of
    /// space (file systems that copy on write promise less). New bytes are zero. Answers whether space was only marked as
    /// reserved, so that writing zeros to it ahead of time makes later writes cheaper to sync.
    ///
    /// # Errors
    /// [`io::ErrorKind::StorageFull`] or [`io::ErrorKind::QuotaExceeded`] without space; then the file may be in any
    /// state. Otherwise what the system said.
    fn allocate(&self, len_bytes: u64) -> io::Result<bool>;

    /// Fills `buf` with the bytes at `offset`.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] when the file ends before, otherwise what the system said.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()>;

    /// As [`DiskFile::read_at`], but answers false rather than wait for the disk (or when it can't tell).
    ///
    /// # Errors
    /// What the system said.
    fn read_cached_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<bool>;

    /// Says that these bytes are going to be read soon. A hint, which may do nothing; it doesn't wait for the disk.
    fn will_need(&self, _offset: u64, _len_bytes: u64) {}

    /// Writes all of `parts`, one after the other, at `offset`.
    ///
    /// # Errors
    /// What the system said; then any part of it may have been written.
    fn write_at(&self, offset: u64, parts: &[IoSlice<'_>]) -> io::Result<()>;

    /// Writes `bytes` at `offset`, and returns when they are durable, with as much of the file's attributes as is needed to
    /// read them: as [`DiskFile::write_at`] and [`DiskFile::sync_data`], but of what else was written it makes nothing
    /// durable. Where file system, range and memory allow it, past the caches: offset, length and the address of `bytes`
    /// should be multiples of 4096.
    ///
    /// # Errors
    /// What the system said. Without space (as for [`DiskFile::allocate`]) any part of it may have been written; after any
    /// other error nothing is known of what was written since the last sync.
    fn write_durably_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_at(offset, &[IoSlice::new(bytes)])?;
        self.sync_data().map_err(sync_error)
    }

    /// Writes zeros over the `len` bytes at `offset`, as far as possible past the caches, which have better things to keep.
    /// Nobody else may use the file meanwhile.
    ///
    /// # Errors
    /// What the system said; then any part of it may have been written.
    fn write_zeros(&self, offset: u64, len: usize) -> io::Result<()> {
        self.write_at(offset, &[IoSlice::new(&vec![0; len])])
    }

    /// Cuts the file to `len_bytes`.
    ///
    /// # Errors
    /// What the system said.
    fn truncate(&self, len_bytes: u64) -> io::Result<()>;

    /// Makes what was written durable, with as much of the file's attributes as is needed to read it.
    ///
    /// # Errors
    /// What the system said; then nothing is known of what was written since the last time.
    fn sync_data(&self) -> io::Result<()>;

    /// Makes the file durable with all its attributes.
    ///
    /// # Errors
    /// As for [`DiskFile::sync_data`].
    fn sync_all(&self) -> io::Result<()>;
}
