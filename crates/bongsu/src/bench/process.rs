//! What the kernel says about a process: CPU time and memory.

use std::io;
use std::time::Duration;

/// CPU time (user and system) that a process has used, all threads together.
///
/// # Errors
/// There is no such process, or none that we may look at.
pub(super) fn cpu_time(pid: Option<u32>) -> io::Result<Duration> {
    let stat = std::fs::read_to_string(path(pid, "stat"))?;
    let ticks = cpu_ticks(&stat).ok_or_else(|| io::Error::other("can't read the process's statistics"))?;
    Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
}

/// Memory that a process has in RAM.
///
/// # Errors
/// There is no such process, or none that we may look at.
pub(super) fn resident_bytes(pid: Option<u32>) -> io::Result<u64> {
    let status = std::fs::read_to_string(path(pid, "status"))?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kib.map(|kib| kib * 1024).ok_or_else(|| io::Error::other("can't read the process's memory"))
}

fn path(pid: Option<u32>, file: &str) -> String {
    pid.map_or_else(|| format!("/proc/self/{file}"), |pid| format!("/proc/{pid}/{file}"))
}

/// Fields 14 and 15; the second, the name, may itself contain spaces and brackets.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let after_name = &stat[stat.rfind(')')? + 1..];
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::{cpu_ticks, cpu_time, resident_bytes};

    #[test]
    fn ticks_are_found_behind_any_name() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 1 2 3 4 150 25 0 0 20 0 1 0 99 0 0";
        assert_eq!(cpu_ticks(stat), Some(175));
        assert_eq!(cpu_ticks("nonsense"), None);
    }

    #[test]
    fn this_process_has_figures() {
        assert!(cpu_time(None).is_ok());
        assert!(resident_bytes(None).unwrap() > 100_000);
        assert!(resident_bytes(Some(std::process::id())).is_ok());
        assert!(cpu_time(Some(u32::MAX)).is_err());
    }
}
