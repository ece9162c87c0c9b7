//! `cargo xtask simulate`: builds the simulation and lets it play. What it says goes straight to the terminal, and in
//! a test run to that step's log.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::paths;
use crate::steps::Log;

const PACKAGE: &str = "bongsu-sim";
/// What each test run plays. The first seed is always the same, so that a failure is one for everybody.
const SEEDS: &str = "600";
const BUILD_LIMIT: Duration = Duration::from_secs(20 * 60);
const PLAY_LIMIT: Duration = Duration::from_secs(5 * 60);

/// Plays seeds, or looks for every planted fault; says whether all went well.
pub(crate) fn run(arguments: &[String]) -> Result<bool, String> {
    let planted = arguments.iter().any(|argument| argument == "--planted");
    if planted {
        nothing_that_ships_has_planted_faults()?;
    }
    let status = build(planted).status().map_err(|error| format!("cargo build: {error}"))?;
    if !status.success() {
        return Err(format!("cargo build: {status}"));
    }
    let played = Command::new(binary()).args(arguments).status();
    Ok(played.map_err(|error| format!("{}: {error}", binary().display()))?.success())
}

/// Some seeds, as a step of the tests.
pub(crate) fn seeds(log: &mut Log) -> Result<(), String> {
    log.command(&mut build(false), BUILD_LIMIT)?;
    log.command(Command::new(binary()).args(["--seeds", SEEDS]), PLAY_LIMIT)
}

/// Every planted fault found, and none in what ships, as a step of the tests.
pub(crate) fn planted(log: &mut Log) -> Result<(), String> {
    nothing_that_ships_has_planted_faults()?;
    log.command(&mut build(true), BUILD_LIMIT)?;
    log.command(Command::new(binary()).arg("--planted"), PLAY_LIMIT)
}

fn build(planted: bool) -> Command {
    let mut build = paths::cargo(&["build", "--quiet", "--release", "--package", PACKAGE]);
    if planted {
        build.args(["--features", "planted"]);
    }
    build
}

fn binary() -> PathBuf {
    paths::target().join("release").join(PACKAGE)
}

/// Planted faults are for the simulation alone: the server's own features must not pull them in.
fn nothing_that_ships_has_planted_faults() -> Result<(), String> {
    let output =
        paths::cargo(&["tree", "--package", "bongsu", "--edges", "normal,features", "--prefix", "none"])
            .output()
            .map_err(|error| format!("cargo tree: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo tree: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    match planted_in(&String::from_utf8_lossy(&output.stdout)) {
        None => Ok(()),
        Some(line) => Err(format!("the server is built with planted faults: {line}")),
    }
}

/// The first line of a feature tree that names the feature of planted faults.
fn planted_in(tree: &str) -> Option<&str> {
    tree.lines().find(|line| line.contains("feature \"planted\""))
}

#[cfg(test)]
mod tests {
    use super::planted_in;

    #[test]
    fn a_feature_tree_with_planted_faults_is_noticed() {
        let clean = "bongsu v0.1.0\nbongsu-engine feature \"default\"\nbongsu-engine v0.1.0";
        assert_eq!(planted_in(clean), None);
        let planted = format!("{clean}\nbongsu-engine feature \"planted\"");
        assert_eq!(planted_in(&planted), Some("bongsu-engine feature \"planted\""));
    }
}
