//! `cargo xtask test`: unit tests, then each client's suite in `conformance/` against the binary that users run.

use std::process::Command;
use std::time::Duration;

use crate::server::Server;
use crate::steps::{Log, Steps};
use crate::{instructions, paths, simulate, tools};

const UNIT_LIMIT: Duration = Duration::from_secs(20 * 60);
const SUITE_LIMIT: Duration = Duration::from_secs(10 * 60);
/// Somebody who gives arguments may have asked for hundreds of crashes.
const ASKED_LIMIT: Duration = Duration::from_secs(3 * 60 * 60);

/// One conformance suite: its name and what runs it, given further arguments.
struct Suite {
    name: &'static str,
    run: fn(&mut Log, &[String]) -> Result<(), String>,
}

const SUITES: &[Suite] = &[
    Suite { name: "simulate", run: |log, _| simulate::seeds(log) },
    Suite { name: "planted", run: |log, _| simulate::planted(log) },
    Suite { name: "instructions", run: |log, _| instructions::check(log) },
    Suite { name: "python", run: |log, extra| pytest(log, "python", "python", extra) },
    Suite { name: "query", run: |log, extra| pytest(log, "query", "query", extra) },
    Suite { name: "cli", run: |log, extra| pytest(log, "python", "cli", extra) },
    Suite { name: "crash", run: crash },
    Suite { name: "console", run: console },
    Suite { name: "node", run: node },
    Suite { name: "java", run: java },
    Suite { name: "go", run: go },
];

/// Runs the steps that are named, or all; says whether all passed.
pub(crate) fn run(arguments: &[String]) -> Result<bool, String> {
    let Selection { unit, suites, extra } = select(arguments)?;
    let mut steps = Steps::new();
    if unit {
        steps.run("unit", |log| {
            log.command(&mut paths::cargo(&["test", "--release", "--workspace"]), UNIT_LIMIT)
        });
    }
    if !suites.is_empty() {
        let build = ["build", "--release", "--package", "bongsu"];
        let built = steps.run("build", |log| log.command(&mut paths::cargo(&build), UNIT_LIMIT));
        // An older binary would pass or fail for reasons that are no longer in the sources.
        for suite in suites.iter().filter(|_| built) {
            steps.run(suite.name, |log| (suite.run)(log, &extra));
        }
    }
    Ok(steps.summary())
}

struct Selection {
    unit: bool,
    suites: Vec<&'static Suite>,
    extra: Vec<String>,
}

fn select(arguments: &[String]) -> Result<Selection, String> {
    let split = arguments.iter().position(|argument| argument == "--");
    let (names, extra) = match split {
        Some(at) => (&arguments[..at], arguments[at + 1..].to_vec()),
        None => (arguments, Vec::new()),
    };
    let mut selection = Selection { unit: names.is_empty(), suites: Vec::new(), extra };
    for name in names {
        if name == "unit" {
            selection.unit = true;
        } else {
            let suite = SUITES.iter().find(|suite| suite.name == name);
            selection.suites.push(suite.ok_or_else(|| format!("no step is called {name}"))?);
        }
    }
    if names.is_empty() {
        selection.suites.extend(SUITES);
    }
    if !selection.extra.is_empty() && (selection.unit || selection.suites.len() != 1) {
        return Err("arguments after -- need exactly one conformance step before it".to_owned());
    }
    Ok(selection)
}

/// Runs a suite that starts its own servers: the same pytest for all, in the environment of one of the Python suites.
fn pytest(log: &mut Log, environment: &str, suite: &str, extra: &[String]) -> Result<(), String> {
    let python = tools::python(log, environment)?;
    let mut pytest = Command::new(python);
    pytest.args(["-m", "pytest"]).args(extra).current_dir(paths::suite(suite));
    pytest.env("BONGSU_BIN", paths::server_binary());
    log.command(&mut pytest, if extra.is_empty() { SUITE_LIMIT } else { ASKED_LIMIT })
}

/// Needs the test build too, whose disk loses what is not synced.
fn crash(log: &mut Log, extra: &[String]) -> Result<(), String> {
    let lossy =
        ["build", "--release", "--package", "bongsu", "--features", "lossy-disk", "--bin", "bongsu-lossy"];
    log.command(&mut paths::cargo(&lossy), UNIT_LIMIT)?;
    pytest(log, "python", "crash", extra)
}

fn node(log: &mut Log, extra: &[String]) -> Result<(), String> {
    tools::npm(log, &paths::suite("node"))?;
    let mut npm = Command::new("npm");
    npm.args(["test", "--"]).args(extra);
    with_server(log, "node", &mut npm)
}

/// Drives the console in a browser. The tests start their own servers.
fn console(log: &mut Log, extra: &[String]) -> Result<(), String> {
    tools::chromium(log)?;
    tools::npm(log, &paths::console())?;
    let mut npm = Command::new("npm");
    npm.args(["test", "--"]).args(extra).current_dir(paths::console());
    npm.env("BONGSU_BIN", paths::server_binary());
    log.command(&mut npm, SUITE_LIMIT)
}

fn java(log: &mut Log, extra: &[String]) -> Result<(), String> {
    let mut maven = Command::new("mvn");
    maven.args(["--batch-mode", "--no-transfer-progress", "--quiet", "test"]).args(extra);
    with_server(log, "java", &mut maven)
}

fn go(log: &mut Log, extra: &[String]) -> Result<(), String> {
    let mut go = Command::new("go");
    go.args(["test", "-count=1", "./..."]).args(extra);
    with_server(log, "go", &mut go)
}

/// Runs a suite against a server of its own, which must then end as it should.
fn with_server(log: &mut Log, suite: &str, command: &mut Command) -> Result<(), String> {
    let server = Server::start(suite)?;
    // The SDKs read these themselves: the suites say nothing about where the server is, just as users' code does not.
    command
        .env("AWS_ENDPOINT_URL_SQS", &server.endpoint)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env_remove("AWS_PROFILE")
        .env_remove("AWS_SESSION_TOKEN")
        .current_dir(paths::suite(suite));
    let result = log.command(command, SUITE_LIMIT);
    let stopped = server.stop();
    result.and(stopped)
}

#[cfg(test)]
mod tests {
    use super::select;

    fn selected(arguments: &[&str]) -> Result<(bool, Vec<&'static str>, Vec<String>), String> {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let selection = select(&arguments)?;
        Ok((selection.unit, selection.suites.iter().map(|suite| suite.name).collect(), selection.extra))
    }

    #[test]
    fn nothing_named_means_everything() {
        let (unit, suites, _) = selected(&[]).unwrap();
        assert!(unit);
        assert_eq!(
            suites,
            [
                "simulate",
                "planted",
                "instructions",
                "python",
                "query",
                "cli",
                "crash",
                "console",
                "node",
                "java",
                "go"
            ]
        );
    }

    #[test]
    fn only_what_is_named_runs() {
        assert_eq!(selected(&["unit"]).unwrap(), (true, vec![], vec![]));
        assert_eq!(selected(&["go", "cli"]).unwrap(), (false, vec!["go", "cli"], vec![]));
        assert!(selected(&["pyhton"]).is_err());
    }

    #[test]
    fn further_arguments_belong_to_one_suite() {
        let (_, suites, extra) = selected(&["crash", "--", "--kills", "50"]).unwrap();
        assert_eq!((suites, extra), (vec!["crash"], vec!["--kills".to_owned(), "50".to_owned()]));
        assert!(selected(&["--", "-k", "fifo"]).is_err());
        assert!(selected(&["python", "query", "--", "-k", "fifo"]).is_err());
    }
}
