//! `cargo xtask fuzz`: the targets in `fuzz/`, built for libFuzzer and run one after the other.
//!
//! What `cargo fuzz build --sanitizer none` adds are stable compiler flags, so they are given here and nothing has to be
//! installed; a C++ compiler builds libFuzzer itself. New inputs gather in the build output; what is worth keeping goes to
//! `fuzz/seeds/` by hand.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::paths;
use crate::steps::{Log, Steps};

pub(crate) const USAGE: &str = "\
  fuzz [--seconds N] [TARGET…]
                            each target in fuzz/ (or those named) for N seconds (60), from its seeds and earlier runs";

const BUILD_LIMIT: Duration = Duration::from_secs(30 * 60);
const DEFAULT_SECONDS: u64 = 60;
/// An input that takes longer is a finding; so is one that needs more memory.
const INPUT_SECONDS: u64 = 25;
const MEMORY_MB: u64 = 2048;
const MAX_INPUT_BYTES: u64 = 4096;

/// Coverage for libFuzzer, as `cargo fuzz` asks for it; and stricter arithmetic.
const FLAGS: [&str; 7] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cdebug-assertions",
];

/// Builds and runs the targets that are named, or all; says whether there was no finding.
pub(crate) fn run(arguments: &[String]) -> Result<bool, String> {
    let all = targets()?;
    let (seconds, chosen) = select(arguments, &all)?;
    let triple = host_triple()?;
    let mut steps = Steps::new();
    let built = steps.run("fuzz-build", |log| {
        // A target of its own keeps the flags away from build scripts and macros.
        let mut build = paths::cargo(&["build", "--release", "--bins", "--target", &triple]);
        build.args(["--manifest-path", "fuzz/Cargo.toml", "--target-dir"]).arg(output());
        log.command(build.env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}")), BUILD_LIMIT)
    });
    for target in chosen.iter().filter(|_| built) {
        let binary = output().join(&triple).join("release").join(target);
        steps.run(&format!("fuzz-{target}"), |log| fuzz(log, target, binary, seconds));
    }
    Ok(steps.summary())
}

fn fuzz(log: &mut Log, target: &str, binary: PathBuf, seconds: u64) -> Result<(), String> {
    let corpus = output().join("corpus").join(target);
    let findings = output().join("findings");
    for folder in [&corpus, &findings] {
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let mut command = Command::new(binary);
    command.arg(&corpus).arg(paths::root().join("fuzz").join("seeds").join(target));
    command.arg(format!("-max_total_time={seconds}"));
    command.arg(format!("-timeout={INPUT_SECONDS}"));
    command.arg(format!("-rss_limit_mb={MEMORY_MB}"));
    command.arg(format!("-max_len={MAX_INPUT_BYTES}"));
    command.arg(format!("-artifact_prefix={}/{target}-", findings.display()));
    let limit = Duration::from_secs(seconds + 10 * INPUT_SECONDS);
    let outcome = log.command(&mut command, limit);
    outcome.map_err(|error| format!("{error}; the input is in {}", findings.display()))
}

fn output() -> PathBuf {
    paths::target().join("fuzz")
}

/// The names of all targets: each has a file.
fn targets() -> Result<Vec<String>, String> {
    let folder = paths::root().join("fuzz").join("fuzz_targets");
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let names = files.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()));
    let mut names: Vec<String> = names.collect();
    names.sort();
    Ok(names)
}

fn select(arguments: &[String], all: &[String]) -> Result<(u64, Vec<String>), String> {
    let (mut seconds, mut chosen) = (DEFAULT_SECONDS, Vec::new());
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--seconds" {
            let number = arguments.next().and_then(|number| number.parse().ok()).filter(|number| *number > 0);
            seconds = number.ok_or("--seconds needs a number of seconds")?;
        } else if all.contains(argument) {
            chosen.push(argument.clone());
        } else {
            return Err(format!("no fuzz target is called {argument}; there are {}", all.join(", ")));
        }
    }
    Ok((seconds, if chosen.is_empty() { all.to_vec() } else { chosen }))
}

fn host_triple() -> Result<String, String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().map_err(|error| format!("rustc: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not say for what it compiles".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{DEFAULT_SECONDS, select, targets};
    use crate::paths;

    fn selected(arguments: &[&str]) -> Result<(u64, Vec<String>), String> {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        select(&arguments, &["a".to_owned(), "b".to_owned()])
    }

    #[test]
    fn all_targets_run_for_a_minute_unless_something_else_is_said() {
        assert_eq!(selected(&[]), Ok((DEFAULT_SECONDS, vec!["a".to_owned(), "b".to_owned()])));
        assert_eq!(selected(&["--seconds", "5", "b"]), Ok((5, vec!["b".to_owned()])));
    }

    #[test]
    fn what_is_not_there_is_named() {
        assert!(selected(&["c"]).unwrap_err().contains("a, b"));
        for wrong in [&["--seconds"][..], &["--seconds", "0"], &["--seconds", "soon"]] {
            assert!(selected(wrong).unwrap_err().contains("seconds"));
        }
    }

    #[test]
    fn every_target_has_seeds_and_is_built() {
        let manifest = std::fs::read_to_string(paths::root().join("fuzz").join("Cargo.toml")).unwrap();
        for target in targets().unwrap() {
            assert!(paths::root().join("fuzz").join("seeds").join(&target).is_dir(), "{target}");
            assert!(manifest.contains(&format!("name = \"{target}\"")), "{target}");
        }
    }
}
