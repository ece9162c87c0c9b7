#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{Audit, AuditFile, AuditThread, Event, STRANGERS_PER_S};
use crate::access::Caller;
use serde_json::Value;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

fn open(path: &Path, max_bytes: u64) -> (Audit, AuditThread) {
    Audit::open(&AuditFile { path: path.to_owned(), max_bytes }).unwrap()
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "half a line: {text}");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn event<'a>(caller: Option<&'a Caller>, action: &'a str, refused: Option<&'a str>) -> Event<'a> {
    Event {
        request_id: "r-1",
        address: IpAddr::from([127, 0, 0, 1]),
        caller,
        claimed_key: None,
        action,
        resource: Some("http://q/000000000000/jobs"),
        refused,
        decided: None,
        user_agent: Some("agent\n\"x\""),
    }
}

#[test]
fn a_line_says_who_did_what() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.log");
    let (audit, thread) = open(&path, 1 << 20);
    let caller = Caller::unchecked("123456789012", "eu-west-1");
    audit.record(&event(Some(&caller), "CreateQueue", None));
    let stranger = Event {
        claimed_key: Some("AKIAEXAMPLE"),
        ..event(None, "Authenticate", Some("SignatureDoesNotMatch"))
    };
    audit.record(&stranger);
    thread.stop();
    let lines = lines(&path);
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["caller"], &lines[0]["account"]), (&"unchecked".into(), &"123456789012".into()));
    assert_eq!((&lines[0]["outcome"], &lines[0]["userAgent"]), (&"ok".into(), &"agent\n\"x\"".into()));
    assert_eq!(lines[1]["claimedAccessKeyId"], "AKIAEXAMPLE");
    assert_eq!(lines[1]["outcome"], "SignatureDoesNotMatch");
    assert!(lines[1].get("account").is_none() && lines[1].get("caller").is_none());
    assert_eq!(lines[0]["time"].as_str().unwrap().len(), "2026-11-21T10:30:00.123Z".len());
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_flood_of_strangers_leaves_some_lines_and_a_count() {
    const FLOOD: u64 = 5_000;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.log");
    let (audit, thread) = open(&path, 1 << 20);
    for _ in 0..FLOOD {
        audit.record(&event(None, "Authenticate", Some("InvalidClientTokenId")));
    }
    thread.stop();
    let lines = lines(&path);
    let left_out: u64 = lines.iter().filter_map(|line| line["unauthenticated"].as_u64()).sum();
    let noted = lines.iter().filter(|line| line["action"] == "Authenticate").count() as u64;
    assert_eq!(noted + left_out, FLOOD);
    // It may have lasted for some seconds.
    assert!((STRANGERS_PER_S..=FLOOD / 10).contains(&noted), "{noted} lines");
}

#[test]
fn files_make_way_and_five_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.log");
    let caller = Caller::unchecked("123456789012", "eu-west-1");
    for round in 0..40 {
        let (audit, thread) = open(&path, 1_000);
        let name = format!("CreateQueue{round}");
        audit.record(&event(Some(&caller), &name, None));
        thread.stop();
    }
    let mut names: Vec<_> = directory
        .path()
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["audit.log", "audit.log.1", "audit.log.2", "audit.log.3", "audit.log.4"]);
    let mut actions = Vec::new();
    for name in names.iter().rev() {
        let file = directory.path().join(name);
        assert!(file.metadata().unwrap().len() <= 1_000, "{name}");
        actions.extend(lines(&file).iter().map(|line| line["action"].as_str().unwrap().to_owned()));
    }
    let first = 40 - actions.len();
    let expected: Vec<_> = (first..40).map(|round| format!("CreateQueue{round}")).collect();
    assert_eq!(actions, expected, "the latest lines, without a gap");
}

#[test]
fn half_a_line_of_a_crash_spoils_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.log");
    std::fs::write(&path, "{\"half").unwrap();
    let (audit, thread) = open(&path, 1 << 20);
    audit.record(&event(None, "Authenticate", Some("x")));
    thread.stop();
    let text = std::fs::read_to_string(&path).unwrap();
    let whole: Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    assert_eq!(whole["action"], "Authenticate");
}

#[test]
fn a_disk_that_takes_nothing_costs_lines_and_no_more() {
    let path = Path::new("/dev/full");
    if !path.exists() {
        return;
    }
    let (audit, thread) = open(path, 1 << 20);
    for _ in 0..10 {
        audit.record(&event(None, "Authenticate", Some("x")));
    }
    thread.stop();
}

#[test]
fn a_place_where_nothing_can_be_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("none/audit.log");
    let error = Audit::open(&AuditFile { path, max_bytes: 1 }).err().unwrap();
    assert!(error.to_string().contains("none/audit.log"), "{error}");
}

#[test]
fn without_a_file_nothing_is_kept() {
    let audit = Audit::default();
    assert!(!audit.is_on());
    audit.record(&event(None, "Authenticate", Some("x")));
}
