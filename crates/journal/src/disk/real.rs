//! The disk of the machine.

use std::any::Any;
use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::{Disk, DiskFile, direct, sync_error};

/// The machine's own file systems.
#[derive(Copy, Clone, Debug, Default)]
pub struct RealDisk;

struct RealFile {
    file: File,
    /// The same file for writing past the page cache, where that is possible and known to be safe.
    direct: Option<File>,
    /// Set once the file system has refused that after all.
    refuses_direct: AtomicBool,
    /// Set once the file system has refused reads that don't block, so that it is not asked again each time.
    waits_always: AtomicBool,
}

pub(super) fn real_file(file: File) -> Arc<dyn DiskFile> {
    with_direct(file, None)
}

fn with_direct(file: File, direct: Option<File>) -> Arc<dyn DiskFile> {
    let (refuses_direct, waits_always) = (AtomicBool::new(false), AtomicBool::new(false));
    Arc::new(RealFile { file, direct, refuses_direct, waits_always })
}

impl Disk for RealDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        if dir.is_dir() {
            return Ok(());
        }
        let parent = match dir.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
            _ => PathBuf::from("."),
        };
        self.create_dir(&parent)?;
        match fs::create_dir(dir) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
            _ => self.sync_dir(&parent),
        }
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            // A name that is not UTF-8 is none of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Any + Send + Sync>> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Box::new(file))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().create(true).truncate(true).read(true).write(true).open(path)?;
        let direct = direct::open(&file, path);
        Ok(with_direct(file, direct))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(real_file(OpenOptions::new().read(true).write(true).open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the world's end of the Disk trait; tests have another"
    )]
    fn random_id(&self) -> io::Result<[u8; 16]> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(io::Error::from)?;
        Ok(id)
    }

    fn free_bytes(&self, dir: &Path) -> Option<u64> {
        let found = rustix::fs::statvfs(dir).ok()?;
        found.f_bavail.checked_mul(found.f_frsize)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }
}

impl DiskFile for RealFile {
    fn len_bytes(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn allocate(&self, len_bytes: u64) -> io::Result<bool> {
        let reserved = reserve(&self.file, len_bytes)?;
        if !reserved {
            let zeros = vec![0; 1 << 20];
            let mut done = 0;
            while done < len_bytes {
                let step = zeros.len().min(usize::try_from(len_bytes - done).unwrap_or(usize::MAX));
                self.file.write_all_at(&zeros[..step], done)?;
                done += step as u64;
            }
        }
        self.file.sync_all()?;
        Ok(reserved)
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buf, offset)
    }

    fn read_cached_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<bool> {
        if self.waits_always.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let wanted = buf.len();
        match read_no_wait(&self.file, offset, buf) {
            Ok(got) => Ok(got == wanted),
            Err(Errno::AGAIN | Errno::INTR) => Ok(false),
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {
                self.waits_always.store(true, Ordering::Relaxed);
                Ok(false)
            }
            Err(e) => Err(e.into()),
        }
    }

    fn will_need(&self, offset: u64, len_bytes: u64) {
        #[cfg(target_os = "linux")]
        if let Some(len) = std::num::NonZeroU64::new(len_bytes) {
            // Without it the reads themselves find out what they need.
            let _ = rustix::fs::fadvise(&self.file, offset, Some(len), rustix::fs::Advice::WillNeed);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = (offset, len_bytes);
    }

    fn write_at(&self, offset: u64, parts: &[IoSlice<'_>]) -> io::Result<()> {
        let total: usize = parts.iter().map(|part| part.len()).sum();
        let written = write_some(&self.file, offset, parts)?;
        if written == total {
            return Ok(());
        }
        // A short write is rare (a signal, a full disk): the rest goes part by part, which tells the cause.
        let mut skip = written;
        let mut at = offset + written as u64;
        for part in parts {
            let rest = &part[skip.min(part.len())..];
            skip -= part.len() - rest.len();
            self.file.write_all_at(rest, at)?;
            at += rest.len() as u64;
        }
        Ok(())
    }

    fn write_durably_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if let Some(file) = &self.direct
            && !self.refuses_direct.load(Ordering::Relaxed)
        {
            if direct::write(file, offset, bytes)? {
                return Ok(());
            }
            self.refuses_direct.store(true, Ordering::Relaxed);
        }
        self.file.write_all_at(bytes, offset)?;
        self.file.sync_data().map_err(sync_error)
    }

    fn write_zeros(&self, offset: u64, len: usize) -> io::Result<()> {
        if write_direct_zeros(&self.file, offset, len)? {
            return Ok(());
        }
        self.file.write_all_at(&vec![0; len], offset)
    }

    fn truncate(&self, len_bytes: u64) -> io::Result<()> {
        self.file.set_len(len_bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.file.sync_all()
    }
}

/// Reserves space without writing it, if the file system can.
#[cfg(target_os = "linux")]
fn reserve(file: &File, len_bytes: u64) -> io::Result<bool> {
    use rustix::fs::FallocateFlags;
    loop {
        match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, len_bytes) {
            Ok(()) => return Ok(true),
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(false),
            Err(Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn reserve(_file: &File, _len_bytes: u64) -> io::Result<bool> {
    Ok(false)
}

#[cfg(target_os = "linux")]
fn read_no_wait(file: &File, offset: u64, buf: &mut [u8]) -> Result<usize, Errno> {
    rustix::io::preadv2(file, &mut [io::IoSliceMut::new(buf)], offset, rustix::io::ReadWriteFlags::NOWAIT)
}

#[cfg(not(target_os = "linux"))]
fn read_no_wait(_file: &File, _offset: u64, _buf: &mut [u8]) -> Result<usize, Errno> {
    Err(Errno::OPNOTSUPP)
}

#[cfg(any(target_os = "linux", target_os = "freebsd"))]
fn write_some(file: &File, offset: u64, parts: &[IoSlice<'_>]) -> io::Result<usize> {
    loop {
        match rustix::io::pwritev(file, parts, offset) {
            Err(Errno::INTR) => {}
            other => return Ok(other?),
        }
    }
}

/// Without a vectored write at an offset nothing is written here, and all of it part by part.
#[cfg(not(any(target_os = "linux", target_os = "freebsd")))]
fn write_some(_file: &File, _offset: u64, _parts: &[IoSlice<'_>]) -> io::Result<usize> {
    Ok(0)
}

/// Where writes past the page cache have to begin and end, in the file and in memory, on any disk.
#[cfg(target_os = "linux")]
const DIRECT_ALIGN: usize = 4096;

/// Writes zeros past the page cache, if file system and range allow that; says whether it did.
#[cfg(target_os = "linux")]
fn write_direct_zeros(file: &File, offset: u64, len: usize) -> io::Result<bool> {
    use rustix::fs::OFlags;
    if !len.is_multiple_of(DIRECT_ALIGN) || !offset.is_multiple_of(DIRECT_ALIGN as u64) {
        return Ok(false);
    }
    let zeros = vec![0; len + DIRECT_ALIGN];
    let skip = zeros.as_ptr().align_offset(DIRECT_ALIGN);
    let flags = rustix::fs::fcntl_getfl(file)?;
    if rustix::fs::fcntl_setfl(file, flags | OFlags::DIRECT).is_err() {
        return Ok(false);
    }
    let written = file.write_all_at(&zeros[skip..skip + len], offset);
    rustix::fs::fcntl_setfl(file, flags)?;
    match written {
        Ok(()) => Ok(true),
        Err(e) if matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => Err(e),
        // Some file systems take the flag and refuse the write, in their own words, or want another alignment. Zeros can be
        // written again; and a disk that fails will say so then.
        Err(_) => Ok(false),
    }
}

#[cfg(not(target_os = "linux"))]
fn write_direct_zeros(_file: &File, _offset: u64, _len: usize) -> io::Result<bool> {
    Ok(false)
}
