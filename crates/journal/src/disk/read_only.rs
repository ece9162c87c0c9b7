//! The disk of the machine, to look at only.

use std::any::Any;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::FlockOperation;

use super::real::real_file;
use super::{Disk, DiskFile, RealDisk};

/// The machine's own file systems, of which nothing is changed: whatever would is refused. Works where nothing may be
/// written at all.
///
/// [`Disk::lock`] takes a *shared* lock, which keeps a server away and lets others look at the same time. Without the file
/// there is nothing to lock.
#[derive(Copy, Clone, Debug, Default)]
pub struct ReadOnlyDisk;

fn refused() -> io::Error {
    io::Error::new(io::ErrorKind::ReadOnlyFilesystem, "opened only to be looked at")
}

impl Disk for ReadOnlyDisk {
    fn create_dir(&self, _: &Path) -> io::Result<()> {
        Err(refused())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        RealDisk.list(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Any + Send + Sync>> {
        let file = match File::open(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Box::new(())),
            opened => opened?,
        };
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared)?;
        Ok(Box::new(file))
    }

    fn create(&self, _: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Err(refused())
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        // Writing to it fails for want of permission.
        Ok(real_file(OpenOptions::new().read(true).open(path)?))
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(refused())
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        Err(refused())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Err(refused())
    }

    fn random_id(&self) -> io::Result<[u8; 16]> {
        Err(refused())
    }
}

/// One directory with all its files held open, so that those stay readable that somebody removes meanwhile. Other files
/// and directories are not there, and nothing can be changed.
pub struct HeldDir {
    inner: Arc<dyn Disk>,
    dir: PathBuf,
    names: Vec<String>,
    files: Mutex<HashMap<PathBuf, Arc<dyn DiskFile>>>,
}

impl HeldDir {
    /// Opens all files in `dir` that `wanted` names, from the first name in order to the last, again and again until none
    /// is new. So a file that is missing here was removed before the last of those was read that are there.
    ///
    /// # Errors
    /// What the system said; files that vanish between being listed and opened are none.
    pub fn hold(inner: Arc<dyn Disk>, dir: &Path, wanted: impl Fn(&str) -> bool) -> io::Result<HeldDir> {
        let mut files = HashMap::new();
        let mut names: Vec<String> = Vec::new();
        loop {
            let mut new: Vec<String> =
                inner.list(dir)?.into_iter().filter(|name| wanted(name) && !names.contains(name)).collect();
            new.sort_unstable();
            let mut grown = false;
            for name in new {
                let path = dir.join(&name);
                match inner.open(&path) {
                    Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                    opened => _ = files.insert(path, opened?),
                }
                names.push(name);
                grown = true;
            }
            if !grown {
                return Ok(HeldDir { inner, dir: dir.to_path_buf(), names, files: Mutex::new(files) });
            }
        }
    }
}

impl Disk for HeldDir {
    fn create_dir(&self, _: &Path) -> io::Result<()> {
        Err(refused())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        if dir == self.dir { Ok(self.names.clone()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Any + Send + Sync>> {
        self.inner.lock(path)
    }

    fn create(&self, _: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Err(refused())
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(refused())
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        Err(refused())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Err(refused())
    }

    fn random_id(&self) -> io::Result<[u8; 16]> {
        Err(refused())
    }
}

/// A disk on which the lock of one journal is held already: who opens the journal on it takes that lock over, so that
/// nobody else comes in between.
pub struct LockedDisk<D> {
    inner: D,
    lock_path: PathBuf,
    held: Mutex<Option<Box<dyn Any + Send + Sync>>>,
}

impl<D: Disk> LockedDisk<D> {
    /// Locks the journal in `dir`, which exists.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when somebody else has it open, otherwise what the system said.
    pub fn lock(inner: D, dir: &Path) -> io::Result<LockedDisk<D>> {
        let lock_path = dir.join(crate::file::LOCK_NAME);
        let held = Mutex::new(Some(inner.lock(&lock_path)?));
        Ok(LockedDisk { inner, lock_path, held })
    }
}

impl<D: Disk> Disk for LockedDisk<D> {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.inner.create_dir(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.inner.list(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Any + Send + Sync>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match held.take_if(|_| path == self.lock_path) {
            Some(lock) => Ok(lock),
            None => self.inner.lock(path),
        }
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.inner.create(path)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.inner.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.inner.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.inner.sync_dir(dir)
    }

    fn random_id(&self) -> io::Result<[u8; 16]> {
        self.inner.random_id()
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.link(from, to)
    }
}
