//! What `deploy/` says about the server is true of this one.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use bongsu_server::config::{ConfigError, Overrides, Settings};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Said on the command line only: where the file is can't stand in the file.
const NOT_IN_THE_FILE: [&str; 3] = ["config", "help", "version"];

fn example() -> (PathBuf, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/bongsu.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    (path, text)
}

/// A setting that the example shows, with its line and whether the text before it says that it has no default.
struct Shown {
    name: String,
    line: String,
    has_default: bool,
}

fn shown(text: &str) -> Vec<Shown> {
    let mut all = Vec::new();
    let mut said = String::new();
    for line in text.lines() {
        let bare = line.strip_prefix('#').unwrap_or(line);
        let name = bare.split_once(" = ").map(|(name, _)| name).filter(|name| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        });
        match name {
            Some(name) => {
                let has_default = !said.trim_end().ends_with("No default.") && line.starts_with('#');
                all.push(Shown { name: name.to_owned(), line: bare.to_owned(), has_default });
                said.clear();
            }
            None if line.is_empty() => said.clear(),
            None => said.push_str(line),
        }
    }
    all
}

fn load(text: &str) -> Result<Settings, ConfigError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    Settings::load(Some(file.path()), Overrides::default())
}

/// The options that `bongsu serve --help` shows, without their dashes.
fn options() -> BTreeSet<String> {
    let help = Command::new(env!("CARGO_BIN_EXE_bongsu")).args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let options = help.lines().filter_map(|line| {
        let line = line.trim_start().trim_start_matches("-h, ").trim_start_matches("-V, ");
        let name = line.strip_prefix("--")?;
        Some(name.split(|c: char| !c.is_ascii_lowercase() && c != '-').next()?.to_owned())
    });
    options.collect()
}

#[test]
fn the_example_is_valid_as_it_is() {
    let (path, _) = example();
    let settings = Settings::load(Some(&path), Overrides::default()).unwrap();
    assert_eq!(settings.data_dir, Path::new("/var/lib/bongsu"), "as the unit's StateDirectory");
}

#[test]
fn the_example_shows_every_option_and_nothing_else() {
    let mut expected = options();
    assert!(expected.contains("listen") && expected.contains("data-dir"), "{expected:?}");
    for name in NOT_IN_THE_FILE {
        expected.remove(name);
    }
    let names: Vec<String> = shown(&example().1).into_iter().map(|shown| shown.name).collect();
    let queue_fields = ["name", "account", "region", "attributes", "tags"];
    let told: BTreeSet<String> = names.into_iter().collect();
    assert_eq!(told, expected, "without {queue_fields:?} of a queue, which stand behind `# `");
}

#[test]
fn what_the_example_calls_a_default_is_the_default() {
    let defaults = load("").unwrap();
    let shown: Vec<Shown> = shown(&example().1);
    let count = shown.iter().filter(|shown| shown.has_default).count();
    assert!(count >= 8, "{count}");
    for Shown { line, .. } in shown.iter().filter(|shown| shown.has_default) {
        assert_eq!(load(line).unwrap(), defaults, "{line}");
    }
    for Shown { line, name, .. } in shown.iter().filter(|shown| !shown.has_default) {
        match load(line) {
            Ok(settings) => assert_ne!(settings, defaults, "{line}"),
            // A certificate alone is of no use, which says that the name was understood.
            Err(ConfigError::Value { reason, .. }) => {
                assert!(reason.contains("set tls-"), "{name}: {reason}")
            }
            Err(error) => panic!("{line}: {error}"),
        }
    }
}

#[test]
fn the_examples_of_queues_are_valid() {
    let (_, text) = example();
    let (_, queues) = text.split_once("# [[queues]]\n").unwrap();
    let queues: String = queues.lines().filter_map(|line| line.strip_prefix("# ")).fold(
        "[[queues]]\n".to_owned(),
        |mut text, line| {
            text.push_str(line);
            text.push('\n');
            text
        },
    );
    let settings = load(&queues).unwrap();
    let names: Vec<&str> = settings.queues.iter().map(|queue| queue.name.as_str()).collect();
    assert_eq!(names, ["orders-dead.fifo", "orders.fifo"]);
}
