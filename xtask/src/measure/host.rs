//! The machine that things are measured on.

use super::clock::{now, sleep};
use super::text::{median, mib};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;

/// What it was measured on.
pub(crate) fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let model = field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| "unknown CPU".to_owned());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kib: u64 = field(&read("/proc/meminfo"), "MemTotal")
        .and_then(|text| text.trim_end_matches(" kB").parse().ok())
        .unwrap_or_default();
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("Machine: {cores} cores ({model}), {} RAM, Linux {}.", mib(kib * 1024), kernel.trim())
}

/// The load averages of the last minutes, for the conditions of a measurement.
pub(crate) fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// The share of all cores' time that is used by anything, looked at for a while.
pub(crate) fn busy_share(looking: Duration) -> f64 {
    let look = || jiffies(&std::fs::read_to_string("/proc/stat").unwrap_or_default());
    let before = look();
    sleep(looking);
    let after = look();
    let (all, idle) = (after.0.saturating_sub(before.0), after.1.saturating_sub(before.1));
    // Nothing passed: better called busy than quiet.
    if all == 0 { 1.0 } else { 1.0 - idle as f64 / all as f64 }
}

/// All time and idle time (also that spent waiting for disks) from the first line of `/proc/stat`.
fn jiffies(stat: &str) -> (u64, u64) {
    let line = stat.lines().next().unwrap_or_default();
    let fields: Vec<u64> = line.split_whitespace().skip(1).map_while(|field| field.parse().ok()).collect();
    // The last two, a guest's, are already in the first two.
    let all = fields.iter().take(8).sum();
    (all, fields.iter().skip(3).take(2).sum())
}

/// How long writing and syncing 4 KiB takes on the disk of a folder, in microseconds: the median of many. Who else
/// syncs there at the same time makes it longer.
pub(crate) fn sync_us(folder: &Path) -> Result<f64, String> {
    const BYTES: usize = 4096;
    const TIMES: u64 = 200;
    let path = folder.join(format!("bongsu-sync-{}", std::process::id()));
    let measure = || -> std::io::Result<f64> {
        let file = File::create(&path)?;
        // Allocated ahead, as journals do: else each sync would also have to note the file's new length.
        file.write_all_at(&vec![0; BYTES * TIMES as usize], 0)?;
        file.sync_all()?;
        let mut found = Vec::new();
        for number in 0..TIMES {
            let begun = now();
            file.write_all_at(&[1; BYTES], number * BYTES as u64)?;
            file.sync_data()?;
            found.push(begun.elapsed().as_secs_f64() * 1e6);
        }
        Ok(median(found))
    };
    let result = measure().map_err(|error| format!("{}: {error}", path.display()));
    let _ = std::fs::remove_file(&path);
    result
}

#[cfg(test)]
mod tests {
    use super::{jiffies, sync_us};

    #[test]
    fn waiting_for_a_disk_is_idle_and_guests_are_not_counted_twice() {
        let stat = "cpu  10 1 5 60 20 2 1 1 7 3\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
        assert_eq!(jiffies(stat), (100, 80));
        assert_eq!(jiffies(""), (0, 0));
    }

    #[test]
    fn a_sync_takes_a_while_and_leaves_nothing() {
        let folder = std::env::temp_dir().join(format!("bongsu-xtask-sync-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        assert!(sync_us(&folder).unwrap() > 0.0);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
        std::fs::remove_dir(&folder).unwrap();
        assert!(sync_us(&folder).is_err());
    }
}
