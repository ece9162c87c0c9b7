//! What `bongsu check` says, and what `--repair` makes of a damaged store.

use super::{files, receive_all, run, segments, send, stop, text};
use crate::fixture::Server;
use serde_json::json;
use std::path::{Path, PathBuf};

/// A stopped store with two queues, some messages and two segments at least.
fn store(dir: &Path) {
    let server = Server::in_directory(dir);
    server.queue("jobs", &json!({}));
    server.queue("orders.fifo", &json!({ "FifoQueue": "true", "ContentBasedDeduplication": "true" }));
    send(&server, "jobs", 0..20);
    stop(server);
    let server = Server::in_directory(dir);
    send(&server, "jobs", 20..30);
    server.json("ReceiveMessage", &json!({ "QueueUrl": "jobs", "MaxNumberOfMessages": 3 }));
    let late = json!({ "QueueUrl": "jobs", "MessageBody": "late", "DelaySeconds": 900 });
    server.json("SendMessage", &late);
    stop(server);
}

fn flip(path: &Path, offset: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[offset] ^= 0x10;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_sound_store_is_told_as_it_is_and_left_alone() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("store");
    store(&dir);
    let before = files(&dir);
    let checked = run(&["check", text(&dir)]);
    assert_eq!(checked.code, 0, "{}", checked.complained);
    assert!(checked.said.contains(": sound\n"), "{}", checked.said);
    let columns: Vec<&str> =
        checked.said.lines().find(|line| line.contains("/jobs ")).unwrap().split_whitespace().collect();
    assert_eq!(columns, ["000000000000/us-east-1/jobs", "standard", "27", "3", "1"]);
    let told = run(&["check", text(&dir), "--json"]).json();
    assert_eq!((&told["sound"], &told["damage"], &told["repair"]), (&json!(true), &json!([]), &json!(null)));
    assert_eq!(told["formats"], json!({ "journal": 1, "entry": 1, "message": 2 }));
    assert_eq!((&told["contents"]["messages"], &told["log"]["segments"]), (&json!(31), &json!(2)));
    assert_eq!(
        told["contents"]["queues"][1],
        json!({ "account": "000000000000", "region": "us-east-1", "name": "orders.fifo", "fifo": true,
            "visible": 0, "inFlight": 0, "delayed": 0 })
    );
    assert_eq!(run(&["check", text(&dir), "--repair", "--yes"]).code, 0);
    assert_eq!(files(&dir), before);
}

#[test]
fn a_store_in_use_is_checked_beside_its_server_only_when_asked() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("store");
    let server = Server::in_directory(&dir);
    server.queue("jobs", &json!({}));
    send(&server, "jobs", 0..5);
    for arguments in [&["check", text(&dir)][..], &["check", text(&dir), "--repair", "--yes"]] {
        let refused = run(arguments);
        assert_eq!(refused.code, 2, "{}", refused.said);
        assert!(refused.complained.contains("in use"), "{}", refused.complained);
    }
    let checked = run(&["check", "--online", "--json", text(&dir)]);
    assert_eq!(checked.code, 0, "{}", checked.complained);
    assert_eq!(checked.json()["contents"]["messages"], 5);
    assert_eq!(receive_all(&server, "jobs"), [0, 1, 2, 3, 4]);
}

#[test]
fn what_is_no_store_or_of_a_later_version_is_not_called_damaged() {
    let place = tempfile::tempdir().unwrap();
    let nothing = place.path().join("nothing");
    assert_eq!(run(&["check", text(&nothing)]).code, 2);
    assert_eq!(run(&["check", text(&nothing), "--repair", "--yes"]).code, 2);
    assert!(!nothing.exists());
    assert_eq!(run(&["check", text(place.path())]).code, 2);
    let dir = place.path().join("store");
    store(&dir);
    std::fs::write(dir.join("FORMAT"), "bongsu journal\nversion 7\nid 0\n").unwrap();
    let refused = run(&["check", text(&dir), "--repair", "--yes"]);
    assert_eq!(refused.code, 2);
    assert!(refused.complained.contains("version"), "{}", refused.complained);
}

/// Damage that every start comes upon: the log is cut there, if somebody says so.
#[test]
fn damage_that_a_start_needs_is_cut_off() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("store");
    store(&dir);
    // Somewhere in the messages of the second opening.
    let second = segments(&dir)[1].clone();
    flip(&second, 4096 + 1500);
    let before = files(&dir);
    let found = run(&["check", text(&dir)]);
    assert_eq!(found.code, 1);
    for part in ["DAMAGED", "a server would refuse to start", "cut the log at", "messages sent"] {
        assert!(found.said.contains(part), "no {part:?} in {}", found.said);
    }
    let asked = run(&["check", text(&dir), "--repair"]);
    assert_eq!(asked.code, 1);
    assert!(asked.complained.contains("--yes"), "{}", asked.complained);
    assert_eq!(files(&dir), before, "nothing happens without a word");

    let repaired = run(&["check", text(&dir), "--repair", "--yes"]);
    assert_eq!(repaired.code, 0, "{}{}", repaired.said, repaired.complained);
    assert_eq!(run(&["check", text(&dir)]).code, 0);
    let kept = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
    // Beside them lies the history of metrics, which a repair leaves alone.
    let is_damaged = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("damaged-2");
    let kept = kept.filter(|path| path.is_dir() && is_damaged(path)).collect::<Vec<_>>();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(std::fs::read(kept[0].join(second.file_name().unwrap())).unwrap(), before[&second]);
    let server = Server::in_directory(&dir);
    let left = receive_all(&server, "jobs");
    assert!(left.len() >= 20 && left.len() < 30, "{left:?}");
    assert_eq!(left, (0..left.len() as u32).collect::<Vec<_>>());
}

/// The server's own check of stored messages is the one that counts, whatever the journal's checksums say.
#[test]
fn json_says_what_a_repair_would_cost() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("store");
    store(&dir);
    flip(&segments(&dir)[1], 4096 + 1500);
    let told = run(&["check", text(&dir), "--json"]);
    assert_eq!(told.code, 1);
    let told = told.json();
    assert_eq!((&told["sound"], &told["contents"]), (&json!(false), &json!(null)));
    assert!(told["startRefusedBecause"].is_string());
    assert_eq!(told["damage"][0]["kind"], "entries");
    let repair = &told["repair"];
    assert_eq!(repair["possible"], true);
    let sent_behind = repair["lostBehindCut"]["sent"].as_u64().unwrap();
    let left = repair["contents"]["messages"].as_u64().unwrap();
    // One message, or what went with it into one entry, is in the damaged entry itself.
    assert!((29..=30).contains(&(sent_behind + left)), "{sent_behind} {left}");
    assert_eq!(repair["cutAt"], told["damage"][0]["log"]["from"]);
    let repaired = run(&["check", text(&dir), "--json", "--repair", "--yes"]).json();
    assert_eq!((&repaired["sound"], &repaired["contents"]["messages"]), (&json!(true), &json!(left)));
    assert!(repaired["keptIn"].as_str().unwrap().contains("damaged-"));
}
