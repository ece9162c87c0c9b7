//! `cargo xtask check`: what can be said about the sources without running them.

use std::time::Duration;

use crate::steps::{Log, Steps};
use crate::{arrows, metric_names, paths, readmes, tools};

const LIMIT: Duration = Duration::from_secs(15 * 60);

/// Runs all checks, the quick ones first; says whether all passed.
pub(crate) fn run() -> Result<bool, String> {
    let mut steps = Steps::new();
    steps.run("format", |log| log.command(&mut paths::cargo(&["fmt", "--all", "--", "--check"]), LIMIT));
    steps.run("arrows", arrows_between_crates);
    steps.run("metrics-names", names_of_metrics);
    steps.run("readmes", translations);
    steps.run("console-dist", console_as_built);
    steps.run("clippy", |log| {
        let arguments = ["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"];
        log.command(&mut paths::cargo(&arguments), LIMIT)
    });
    steps.run("deny", |log| {
        let binary = tools::cargo_deny(log)?;
        let mut deny = std::process::Command::new(binary);
        deny.args(["check", "bans", "licenses", "sources"]).current_dir(paths::root());
        log.command(&mut deny, LIMIT)
    });
    Ok(steps.summary())
}

fn arrows_between_crates(log: &mut Log) -> Result<(), String> {
    let output = paths::cargo(&["metadata", "--format-version", "1", "--no-deps"])
        .output()
        .map_err(|error| format!("cargo metadata: {error}"))?;
    if !output.status.success() {
        log.line(&String::from_utf8_lossy(&output.stderr));
        return Err(format!("cargo metadata: {}", output.status));
    }
    let crates = arrows::crates(&String::from_utf8_lossy(&output.stdout))?;
    report(log, &arrows::findings(&crates, &read("ARCHITECTURE.md")?))
}

fn names_of_metrics(log: &mut Log) -> Result<(), String> {
    let table = metric_names::table(&read(metric_names::PAGE)?);
    let mut findings = Vec::new();
    for file in metric_names::QUERIES {
        findings.extend(metric_names::findings(file, &read(file)?, &table));
    }
    report(log, &findings)
}

fn translations(log: &mut Log) -> Result<(), String> {
    let (page, translation) = readmes::PAGES;
    report(log, &readmes::findings(&read(page)?, &read(translation)?))
}

/// The console's pages are committed, so that building the server needs no Node: they have to be what their sources give.
fn console_as_built(log: &mut Log) -> Result<(), String> {
    tools::npm(log, &paths::console())?;
    for script in ["check", "compare"] {
        let mut npm = std::process::Command::new("npm");
        log.command(npm.args(["run", script]).current_dir(paths::console()), LIMIT)?;
    }
    Ok(())
}

/// A file of the repository.
fn read(name: &str) -> Result<String, String> {
    std::fs::read_to_string(paths::root().join(name)).map_err(|error| format!("{name}: {error}"))
}

fn report(log: &mut Log, findings: &[String]) -> Result<(), String> {
    for finding in findings {
        log.line(finding);
    }
    match findings.len() {
        0 => Ok(()),
        count => Err(format!("{count} findings")),
    }
}
