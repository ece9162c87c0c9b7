//! `cargo xtask instructions`: how many instructions each piece of a message's way takes, compared with what is stored.
//!
//! Times differ from run to run on a busy machine; instructions hardly do. `crates/benches` plays each of its cases a fixed
//! number of times under callgrind, which writes one profile for each. What the kernel does is not counted, nor what the
//! CPU makes of the instructions: a change that touches fewer cache lines may be faster with the same count.

mod compare;

use crate::steps::{Log, Steps};
use crate::{paths, tools};
use compare::{Counts, Stored};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// What it takes, for the usage text.
pub(crate) const USAGE: &str = "\
  instructions [--bless]    count the instructions of crates/benches and compare them with the stored figures;
                            --bless stores what was counted";

const BUILD_LIMIT: Duration = Duration::from_secs(20 * 60);
const COUNT_LIMIT: Duration = Duration::from_secs(10 * 60);
/// Everything that is called from here is counted, and each return from it ends a profile.
const MEASURED: &str = "bongsu_benches::measured";
/// Long copies by an instruction that counts once for each byte would hide all else; without, they count by the vector.
const TUNABLES: &str = "glibc.cpu.hwcaps=-ERMS";
/// How often a case is run within one profile: what happens only now and then, such as growing a table, is to be a small
/// part of the count.
const RUNS: u64 = 100;

/// Compares, or stores with `--bless`; says whether all is well.
pub(crate) fn run(arguments: &[String]) -> Result<bool, String> {
    let blesses = match arguments {
        [] => false,
        [bless] if bless == "--bless" => true,
        _ => return Err(format!("instructions takes nothing but --bless\n\n{USAGE}")),
    };
    let mut steps = Steps::new();
    steps.run("instructions", |log| if blesses { bless(log) } else { check(log) });
    Ok(steps.summary())
}

/// The step of `cargo xtask test`.
pub(crate) fn check(log: &mut Log) -> Result<(), String> {
    let text = std::fs::read_to_string(stored_path()).map_err(|error| about(&stored_path(), error))?;
    let stored = Stored::from_json(&text)?;
    if stored.architecture != std::env::consts::ARCH {
        // Another instruction set has other counts; that says nothing about a change.
        log.line(&format!("== not compared: the stored figures are for {}", stored.architecture));
        return Ok(());
    }
    let counted = count(log)?;
    let comparison = compare::compare(&stored.counts, &counted);
    comparison.lines.iter().for_each(|line| log.line(line));
    let compiler = compiler()?;
    if compiler != stored.compiler {
        let note = format!(
            "counted with {compiler}, stored with {}: bless unchanged sources first to see what a change does",
            stored.compiler
        );
        log.line(&format!("== {note}"));
    }
    comparison.result
}

fn bless(log: &mut Log) -> Result<(), String> {
    let counts = count(log)?;
    let stored = Stored { architecture: std::env::consts::ARCH.to_owned(), compiler: compiler()?, counts };
    std::fs::write(stored_path(), stored.to_json()).map_err(|error| about(&stored_path(), error))?;
    log.line(&format!("== stored {} figures", stored.counts.len()));
    Ok(())
}

fn stored_path() -> PathBuf {
    paths::root().join("crates").join("benches").join("instructions.json")
}

fn about(path: &Path, error: impl std::fmt::Display) -> String {
    format!("{}: {error}", path.display())
}

/// Such as `rustc 1.95.0`: another compiler makes other instructions of the same sources.
fn compiler() -> Result<String, String> {
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .arg("--version")
        .current_dir(paths::root())
        .output()
        .map_err(|error| format!("rustc --version: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
}

/// Builds the cases and counts the instructions of one run of each.
fn count(log: &mut Log) -> Result<Counts, String> {
    let valgrind = tools::valgrind(log)?;
    let build = ["build", "--release", "--package", "bongsu-benches"];
    log.command(&mut paths::cargo(&build), BUILD_LIMIT)?;
    let folder = paths::logs().join("instructions");
    // Profiles of an earlier run would be taken for this one's.
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|error| about(&folder, error))?;
    }
    std::fs::create_dir_all(&folder).map_err(|error| about(&folder, error))?;
    let names = folder.join("names");
    let mut play = Command::new(valgrind);
    play.arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", folder.join("profile").display()))
        .arg(format!("--toggle-collect={MEASURED}"))
        .arg(format!("--dump-after={MEASURED}"))
        .arg(paths::target().join("release").join("bongsu-benches"))
        .arg(&names)
        .arg(RUNS.to_string());
    // The environment lies on the stack: another one moves what is below it.
    play.env_clear().env("GLIBC_TUNABLES", TUNABLES);
    play.envs(["PATH", "TMPDIR"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    log.command(&mut play, COUNT_LIMIT)?;
    let names = std::fs::read_to_string(&names).map_err(|error| about(&names, error))?;
    collect(&folder, &names)
}

/// The profiles of a run: `profile.1` is the first case's, and so on.
fn collect(folder: &Path, names: &str) -> Result<Counts, String> {
    let mut counts = Counts::new();
    for (name, number) in names.lines().zip(1..) {
        let path = folder.join(format!("profile.{number}"));
        let missing = "is `measured` still a function of its own, and are its symbols there?";
        let profile =
            std::fs::read_to_string(&path).map_err(|error| about(&path, format!("{error}; {missing}")))?;
        let total = total(&profile).ok_or_else(|| about(&path, "no total"))?;
        counts.insert(name.to_owned(), total / RUNS);
    }
    let extra = folder.join(format!("profile.{}", counts.len() + 1));
    match (counts.is_empty(), extra.exists()) {
        (false, false) => Ok(counts),
        _ => Err(format!("{} cases, but another number of profiles", counts.len())),
    }
}

/// The instructions of a profile: its line `totals: N`.
fn total(profile: &str) -> Option<u64> {
    let line = profile.lines().rev().find_map(|line| line.strip_prefix("totals:"))?;
    line.trim().parse().ok().filter(|total| *total > 0)
}

#[cfg(test)]
mod tests {
    use super::{collect, total};

    #[test]
    fn the_total_of_a_profile() {
        assert_eq!(total("events: Ir\nsummary: 15\n\nfn=(1) a\n0 15\n\ntotals: 15\n"), Some(15));
        assert_eq!(total("events: Ir\nsummary: 15\n"), None);
        assert_eq!(total("totals: 0\n"), None, "nothing was collected");
    }

    #[test]
    fn profiles_belong_to_the_names_in_order() {
        let folder = std::env::temp_dir().join(format!("bongsu-xtask-profiles-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let write = |number: u32, total: u64| {
            std::fs::write(folder.join(format!("profile.{number}")), format!("totals: {total}\n")).unwrap();
        };
        write(1, 1_000);
        assert!(collect(&folder, "a/b\nc\n").is_err(), "a case without a profile");
        write(2, 2_000);
        let counts = collect(&folder, "a/b\nc\n").unwrap();
        assert_eq!(counts.into_iter().collect::<Vec<_>>(), [("a/b".to_owned(), 10), ("c".to_owned(), 20)]);
        write(3, 3_000);
        assert!(collect(&folder, "a/b\nc\n").is_err(), "a profile without a case");
        assert!(collect(&folder, "").is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
