//! The real disk, with each sync taking longer by a given time: for measurements, where the disks at hand are faster than
//! those that a figure is wanted for. Nothing is lost or reordered; waiting is all it adds.

use bongsu_journal::{Disk, DiskFile, RealDisk};
use std::any::Any;
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// See the module.
pub(crate) struct SlowDisk {
    /// What each sync takes longer.
    pub(crate) delay: Duration,
}

struct SlowFile {
    file: Arc<dyn DiskFile>,
    delay: Duration,
}

#[expect(clippy::disallowed_methods, reason = "a slow disk is acted by waiting")]
fn wait(delay: Duration) {
    std::thread::sleep(delay);
}

impl SlowDisk {
    fn slow(&self, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(SlowFile { file, delay: self.delay })
    }
}

impl Disk for SlowDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        RealDisk.create_dir(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        RealDisk.list(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Any + Send + Sync>> {
        RealDisk.lock(path)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        RealDisk.create(path).map(|file| self.slow(file))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        RealDisk.open(path).map(|file| self.slow(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        RealDisk.sync_dir(dir)?;
        wait(self.delay);
        Ok(())
    }

    fn random_id(&self) -> io::Result<[u8; 16]> {
        RealDisk.random_id()
    }

    fn free_bytes(&self, dir: &Path) -> Option<u64> {
        RealDisk.free_bytes(dir)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.link(from, to)
    }
}

impl DiskFile for SlowFile {
    fn len_bytes(&self) -> io::Result<u64> {
        self.file.len_bytes()
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

    fn write_durably_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_durably_at(offset, bytes)?;
        wait(self.delay);
        Ok(())
    }

    fn write_zeros(&self, offset: u64, len: usize) -> io::Result<()> {
        self.file.write_zeros(offset, len)
    }

    fn truncate(&self, len_bytes: u64) -> io::Result<()> {
        self.file.truncate(len_bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()?;
        wait(self.delay);
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        self.file.sync_all()?;
        wait(self.delay);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::SlowDisk;
    use bongsu_journal::Disk as _;
    use std::io::IoSlice;
    use std::time::Duration;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "measures how long a sync takes")]
    fn syncs_take_longer_and_contents_are_those_of_the_real_disk() {
        let folder = tempfile::tempdir().unwrap();
        let delay = Duration::from_millis(20);
        let disk = SlowDisk { delay };
        let path = folder.path().join("file");
        let file = disk.create(&path).unwrap();
        file.write_at(0, &[IoSlice::new(b"signal"), IoSlice::new(b" fire")]).unwrap();
        let syncs: [&dyn Fn() -> std::io::Result<()>; 3] =
            [&|| file.sync_data(), &|| file.sync_all(), &|| disk.sync_dir(folder.path())];
        for sync in syncs {
            let begun = std::time::Instant::now();
            sync().unwrap();
            assert!(begun.elapsed() >= delay);
        }
        assert_eq!(std::fs::read(&path).unwrap(), b"signal fire");
        assert_eq!(disk.list(folder.path()).unwrap(), ["file"]);
    }
}
