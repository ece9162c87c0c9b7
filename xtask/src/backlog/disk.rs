//! Disk use, free space, and the page cache.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

/// Bytes that the files below a folder take up.
pub(super) fn used_bytes(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    // Files come and go while this looks: what is gone takes up nothing.
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(found) if found.is_dir() => used_bytes(&entry.path()),
        Ok(found) => found.blocks() * 512,
        Err(_) => 0,
    });
    sizes.sum()
}

/// Bytes that are free on the disk that a folder lies on.
pub(super) fn free_bytes(folder: &Path) -> Result<u64, String> {
    // std has no statvfs, and a dependency for one call is not worth it.
    let output = Command::new("df").args(["-B1", "--output=avail"]).arg(folder).output();
    let output = output.map_err(|error| format!("df: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let free = text.lines().nth(1).and_then(|line| line.trim().parse().ok());
    free.ok_or_else(|| format!("df can't say what is free in {}", folder.display()))
}

/// Empties the page cache, so that what is read next comes from the disk. `false`: this needs rights that we don't have.
pub(super) fn drop_page_cache() -> bool {
    let synced = Command::new("sync").status().is_ok_and(|status| status.success());
    synced && std::fs::write("/proc/sys/vm/drop_caches", "3").is_ok()
}

#[cfg(test)]
mod tests {
    use super::{free_bytes, used_bytes};

    #[test]
    fn files_below_a_folder_are_added_up() {
        let folder = std::env::temp_dir().join(format!("bongsu-xtask-disk-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("inner")).unwrap();
        for file in ["a", "inner/b"] {
            std::fs::write(folder.join(file), vec![1; 100_000]).unwrap();
        }
        let file = std::fs::File::open(folder.join("a")).unwrap();
        file.sync_all().unwrap();
        assert!(used_bytes(&folder) >= 100_000);
        assert_eq!(used_bytes(&folder.join("missing")), 0);
        assert!(free_bytes(&folder).unwrap() > 0);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
