//! Writing past the page cache of Linux.
//!
//! Through the page cache, each append has pages allocated, filled, marked, written back and synced; past it the disk takes
//! the bytes from where they are. The others who use the file still go through the cache: readers (also those of other
//! processes), and the journal itself where it writes the header of a segment and its seal. Why all of them see the same:
//!
//! - A write past the cache first has what is dirty in its range written and thrown out, and throws out its range again when
//!   the disk is done, before it returns. A page that a reader filled meanwhile, with what was there before, is in the cache
//!   by then (its lock is waited for), so it goes too. Who reads after the write has returned sees what was written.
//! - The same holds in the other direction as long as nothing dirty is left in a range that is written past the cache. Nothing
//!   is: a segment's zeros are synced, its header and the entry that it may begin with are synced before it gets its name, and
//!   from then on all is written here up to its seal, which is the last write to the file. Where a segment ends within a
//!   page, what touches that page goes through the cache, from the first time on, and is synced.
//! - Nobody maps these files into memory, for which none of that would hold.
//!
//! This is how ext4 and xfs do it (`kiocb_invalidate_pages` and its sequel in the kernel); other file systems take the flag and
//! mean other things by it, or fall back to the cache in ways of their own. So only these two are written to like this.
//!
//! A write is durable when it returns: it is made with `RWF_DSYNC`, which is what `O_DSYNC` is, for one write. Where the disk has
//! no volatile cache, or can be told to write through it (FUA), that saves the flush of all that is in it; elsewhere, and when
//! a change of the file's metadata must be committed too, the kernel does what `fdatasync` does.

#[cfg(not(target_os = "linux"))]
pub(super) use self::elsewhere::{open, write};
#[cfg(target_os = "linux")]
pub(super) use self::linux::{open, write};

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{File, OpenOptions};
    use std::io::{self, IoSlice};
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
    use std::path::Path;

    use rustix::fs::OFlags;
    use rustix::io::{Errno, ReadWriteFlags};

    /// Where writes have to begin and end, in the file and in memory, on any disk.
    const ALIGN_BYTES: usize = 4096;

    /// The file systems for which the above is known to be true, as `statfs` names them: ext4 (and what it also serves, ext2
    /// and ext3), and xfs.
    const KNOWN: [i64; 2] = [0xef53, 0x5846_5342];

    /// Opens the file at `path`, which is open as `file`, for writing past the page cache; `None` where that can't be done.
    pub(crate) fn open(file: &File, path: &Path) -> Option<File> {
        let kind = rustix::fs::fstatfs(file).ok()?.f_type as i64;
        if !KNOWN.contains(&kind) {
            return None;
        }
        let flag = i32::try_from(OFlags::DIRECT.bits()).ok()?;
        let direct = OpenOptions::new().write(true).custom_flags(flag).open(path).ok()?;
        // Who renames files here at the wrong moment must not get the entries.
        let (one, other) = (file.metadata().ok()?, direct.metadata().ok()?);
        ((one.dev(), one.ino()) == (other.dev(), other.ino())).then_some(direct)
    }

    /// Writes `bytes` at `offset` durably; says whether it did. If not, any part of it may have been written, and it must be
    /// written through the cache.
    pub(crate) fn write(file: &File, offset: u64, bytes: &[u8]) -> io::Result<bool> {
        let (mut rest, mut at) = (bytes, offset);
        let is_aligned = |number: u64| number.is_multiple_of(ALIGN_BYTES as u64);
        while !rest.is_empty() {
            if !is_aligned(at) || !is_aligned(rest.len() as u64) || !is_aligned(rest.as_ptr() as u64) {
                return Ok(false);
            }
            match rustix::io::pwritev2(file, &[IoSlice::new(rest)], at, ReadWriteFlags::DSYNC) {
                Ok(0) => return Ok(false),
                // What a short write has written is durable.
                Ok(written) => {
                    rest = rest.get(written..).unwrap_or_default();
                    at += written as u64;
                }
                Err(Errno::INTR) => {}
                Err(Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(false),
                Err(e) => return Err(e.into()),
            }
        }
        Ok(true)
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    pub(crate) fn open(_file: &File, _path: &Path) -> Option<File> {
        None
    }

    pub(crate) fn write(_file: &File, _offset: u64, _bytes: &[u8]) -> io::Result<bool> {
        Ok(false)
    }
}
