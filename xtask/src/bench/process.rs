//! Processes that are measured: on a core of their own, with all their descendants, gone at the end with their files.

use crate::measure::clock::{now, sleep};
use crate::{paths, steps};
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How long a server may take to end by itself before it is killed.
const END_LIMIT: Duration = Duration::from_secs(3);

/// Which core serves and which one loads; none on a machine with a single one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cores {
    pub(super) server: Option<usize>,
    pub(super) load: Option<usize>,
}

impl Cores {
    /// The first and the last core that this process may use.
    pub(super) fn find() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let list =
            status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or_default();
        Self::of(list)
    }

    /// From a list such as `0-3,8`.
    fn of(list: &str) -> Self {
        let numbers = list.trim().split([',', '-']).filter_map(|number| number.parse().ok());
        let all: Vec<usize> = numbers.collect();
        match (all.first(), all.last()) {
            (Some(first), Some(last)) if first != last => Self { server: Some(*first), load: Some(*last) },
            _ => Self { server: None, load: None },
        }
    }
}

/// The same command on one core, which its children inherit.
pub(super) fn pinned(command: &Command, core: Option<usize>) -> Command {
    let mut pinned = match core {
        Some(core) => {
            let mut taskset = Command::new("taskset");
            taskset.args(["--cpu-list", &core.to_string()]).arg(command.get_program());
            taskset
        }
        None => Command::new(command.get_program()),
    };
    pinned.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => pinned.env(name, value),
            None => pinned.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        pinned.current_dir(folder);
    }
    pinned
}

/// Keeps the calling thread on one core.
pub(super) fn stay_on(core: usize) {
    let mut cores = rustix::thread::CpuSet::new();
    cores.set(core);
    if let Err(error) = rustix::thread::sched_setaffinity(None, &cores) {
        eprintln!("   a thread can't be kept on core {core}: {error}");
    }
}

/// A directory of its own for one server, removed at the end.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(below: &Path) -> Result<Self, String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = below.join(format!("bongsu-bench-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A server and what it started. Dropping it ends them all.
pub(super) struct Process {
    child: Child,
}

impl Process {
    /// Starts a command whose output goes to `log`.
    pub(super) fn start(command: &Command, core: Option<usize>, log: &Path) -> Result<Self, String> {
        let error = |error: std::io::Error| format!("{}: {error}", command.get_program().display());
        let file = File::options().create(true).append(true).open(log).map_err(error)?;
        let child = pinned(command, core)
            .stdin(Stdio::null())
            .stdout(file.try_clone().map_err(error)?)
            .stderr(file)
            .spawn()
            .map_err(error)?;
        Ok(Self { child })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has no descendants.
    pub(super) fn is_single(&self) -> bool {
        tree(self.child.id()).len() == 1
    }

    /// Fails when it has ended.
    pub(super) fn check(&mut self) -> Result<(), String> {
        match self.child.try_wait().map_err(|error| error.to_string())? {
            None => Ok(()),
            Some(status) => Err(format!("the server ended: {status}")),
        }
    }

    /// CPU time of the whole tree so far, in seconds.
    pub(super) fn cpu_s(&self) -> f64 {
        let ticks: u64 = tree(self.child.id()).iter().map(|process| process.ticks).sum();
        ticks as f64 / ticks_per_second()
    }

    /// Memory of the whole tree that is in RAM.
    pub(super) fn resident_bytes(&self) -> u64 {
        let resident = |process: &Stat| {
            let status = std::fs::read_to_string(format!("/proc/{}/status", process.id)).unwrap_or_default();
            let kib = status.lines().find_map(|line| {
                line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok()
            });
            kib.unwrap_or_default() * 1024
        };
        tree(self.child.id()).iter().map(resident).sum()
    }

    /// Kills it in the middle of whatever it does.
    pub(super) fn kill(&mut self) {
        let all = tree(self.child.id());
        if !all.is_empty() {
            let numbers = all.iter().map(|process| process.id.to_string());
            let _ = Command::new("kill").arg("-KILL").args(numbers).stderr(Stdio::null()).status();
        }
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Once it is waited for, its number may be another's.
        if self.check().is_err() {
            return;
        }
        steps::signal(&self.child, "INT");
        let begun = now();
        while self.check().is_ok() {
            if begun.elapsed() > END_LIMIT {
                self.kill();
                return;
            }
            sleep(Duration::from_millis(5));
        }
    }
}

/// A process, as the kernel describes it.
#[derive(Debug, PartialEq)]
struct Stat {
    id: u32,
    parent: u32,
    /// CPU time, with that of children that have ended.
    ticks: u64,
}

/// A process and its descendants.
fn tree(root: u32) -> Vec<Stat> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let ids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let all = ids.filter_map(|id| stat(&std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?));
    descendants(root, all.collect())
}

fn descendants(root: u32, mut others: Vec<Stat>) -> Vec<Stat> {
    let mut found: Vec<Stat> = others.extract_if(.., |process| process.id == root).collect();
    let mut next = 0;
    while next < found.len() {
        let parent = found[next].id;
        found.extend(others.extract_if(.., |process| process.parent == parent));
        next += 1;
    }
    found
}

/// Fields 1, 4 and 14 to 17; the second, the name, may itself contain spaces and brackets.
fn stat(text: &str) -> Option<Stat> {
    let id = text.split(' ').next()?.parse().ok()?;
    let mut fields = text[text.rfind(')')? + 1..].split_ascii_whitespace().skip(1);
    let parent = fields.next()?.parse().ok()?;
    let ticks = fields.skip(9).take(4).map(str::parse::<u64>).sum::<Result<u64, _>>().ok()?;
    Some(Stat { id, parent, ticks })
}

fn ticks_per_second() -> f64 {
    let output = Command::new("getconf").arg("CLK_TCK").output();
    let ticks = output.ok().and_then(|output| String::from_utf8_lossy(&output.stdout).trim().parse().ok());
    ticks.unwrap_or(100.0)
}

/// A port that is free now.
pub(super) fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.port())
}

/// Where what peers need is set up.
pub(super) fn peers() -> PathBuf {
    paths::target().join("xtask").join("peers")
}

#[cfg(test)]
mod tests {
    use super::{Cores, Process, Stat, descendants, pinned, stat};
    use std::process::Command;

    #[test]
    fn servers_and_load_have_different_cores() {
        assert_eq!(Cores::of("\t0-1\n"), Cores { server: Some(0), load: Some(1) });
        assert_eq!(Cores::of("2-3,8"), Cores { server: Some(2), load: Some(8) });
        assert_eq!(Cores::of("5"), Cores { server: None, load: None });
    }

    #[test]
    fn a_pinned_command_keeps_arguments_and_environment() {
        let mut command = Command::new("server");
        command.args(["--port", "1"]).env("A", "b");
        let command = pinned(&command, Some(1));
        let words: Vec<_> = std::iter::once(command.get_program()).chain(command.get_args()).collect();
        assert_eq!(words, ["taskset", "--cpu-list", "1", "server", "--port", "1"]);
        assert_eq!(command.get_envs().count(), 1);
    }

    #[test]
    fn ticks_are_those_of_the_process_and_its_ended_children() {
        let text = "7 (a ) b) S 3 7 7 0 -1 4194560 1 2 3 4 150 25 10 5 20 0 1 0 99 0 0";
        assert_eq!(stat(text), Some(Stat { id: 7, parent: 3, ticks: 190 }));
        assert_eq!(stat("nonsense"), None);
    }

    #[test]
    fn a_tree_is_found_in_any_order_of_processes() {
        let process = |id, parent| Stat { id, parent, ticks: 0 };
        let all = vec![process(5, 4), process(4, 2), process(2, 1), process(3, 1), process(9, 2)];
        let mut found: Vec<u32> = descendants(2, all).iter().map(|process| process.id).collect();
        found.sort_unstable();
        assert_eq!(found, [2, 4, 5, 9]);
    }

    #[test]
    fn a_process_is_measured_with_its_children_and_ended_with_them() {
        let log = std::env::temp_dir().join(format!("bongsu-xtask-tree-{}", std::process::id()));
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & exec sleep 600"]);
        let mut process = Process::start(&command, None, &log).unwrap();
        while super::tree(process.child.id()).len() < 2 {
            process.check().unwrap();
            std::thread::yield_now();
        }
        assert!(process.resident_bytes() > 100_000 && !process.is_single());
        let all: Vec<u32> = super::tree(process.child.id()).iter().map(|process| process.id).collect();
        process.kill();
        let is_there = |id: &u32| {
            let state = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            !state.is_empty() && !state.contains(") Z ")
        };
        // Killed is not yet gone.
        while all.iter().any(is_there) {
            std::thread::yield_now();
        }
        std::fs::remove_file(&log).unwrap();
    }
}
