//! What the process and its disk look like from outside, as far as the system tells.

use rustix::time::{ClockId, clock_gettime};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// The process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Process {
    /// Memory in use, bytes; `None` where the system doesn't tell.
    pub resident_bytes: Option<u64>,
    /// Processor time taken so far, all threads together, seconds.
    pub cpu_seconds_total: f64,
    /// Files and sockets that are open; `None` where the system doesn't tell.
    pub open_fds: Option<u64>,
}

/// The disk that messages are kept on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disk {
    /// What the journal's files take, bytes, with the space that is allocated ahead.
    pub journal_bytes: u64,
    /// What is free, bytes, for users like this one.
    pub free_bytes: u64,
    /// How large the disk is, bytes.
    pub total_bytes: u64,
}

impl Process {
    /// As it is now.
    pub(super) fn read() -> Self {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        Self {
            resident_bytes: resident_bytes(),
            cpu_seconds_total: cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9,
            open_fds: open_fds(),
        }
    }
}

fn resident_bytes() -> Option<u64> {
    // Pages: all, resident, …
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

fn open_fds() -> Option<u64> {
    let entries = std::fs::read_dir("/proc/self/fd").ok()?;
    // Looking takes one itself.
    Some((entries.count() as u64).saturating_sub(1))
}

/// When the process started, seconds since 1970; `None` where the system doesn't tell.
pub(super) fn start_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name in parentheses, which may hold anything; the 22nd is the time, in ticks since the
    // machine's start.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: u64 = fields.split_whitespace().nth(22 - 3)?.parse().ok()?;
    let machine = std::fs::read_to_string("/proc/stat").ok()?;
    let booted: u64 = machine.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(booted as f64 + ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

impl Disk {
    /// As it is now; `None` where the system doesn't tell. Blocks for as long as a look at a directory takes.
    pub(super) fn read(data_dir: &Path) -> Option<Self> {
        let system = rustix::fs::statvfs(data_dir).ok()?;
        Some(Self {
            journal_bytes: journal_bytes(data_dir).unwrap_or(0),
            free_bytes: system.f_bavail.saturating_mul(system.f_frsize),
            total_bytes: system.f_blocks.saturating_mul(system.f_frsize),
        })
    }
}

/// Segments, and those that are made ready to be one.
fn journal_bytes(data_dir: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(data_dir)? {
        let entry = entry?;
        let is_part = |name: &str| name.ends_with(".segment") || name.ends_with(".tmp");
        if entry.file_name().to_str().is_some_and(is_part)
            // It may be gone meanwhile.
            && let Ok(metadata) = entry.metadata()
        {
            bytes += metadata.blocks() * 512;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{Disk, Process, start_seconds};
    use crate::clock;

    #[test]
    fn the_process_has_memory_time_and_files() {
        let before = Process::read();
        let file = std::fs::File::open("/dev/null").unwrap();
        // Enough to be seen.
        let work: u64 = (0..20_000_000_u64).map(std::hint::black_box).sum();
        let after = Process::read();
        assert!(work > 0 && after.cpu_seconds_total > before.cpu_seconds_total);
        assert!(after.resident_bytes.unwrap() > 1 << 20);
        assert!(after.open_fds.unwrap() > 3);
        drop(file);
    }

    #[test]
    fn the_process_started_a_while_ago() {
        let now = clock::wall_ms() as f64 / 1000.0;
        let age = now - start_seconds().unwrap();
        assert!((-1.0..3600.0).contains(&age), "{age}");
    }

    #[test]
    fn the_journal_is_what_its_segments_take() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("0000000000000000.segment"), vec![1; 100_000]).unwrap();
        std::fs::write(dir.path().join("spare.tmp"), vec![1; 50_000]).unwrap();
        std::fs::write(dir.path().join("audit.log"), vec![1; 500_000]).unwrap();
        let disk = Disk::read(dir.path()).unwrap();
        assert!((150_000..200_000).contains(&disk.journal_bytes), "{}", disk.journal_bytes);
        assert!(disk.free_bytes > 0 && disk.free_bytes <= disk.total_bytes);
        assert_eq!(Disk::read(&dir.path().join("nowhere")), None);
    }
}
