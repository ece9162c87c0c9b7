//! `bongsu backup` beside a running server, and `bongsu restore`.

use super::{files, receive_all, run, segments, send, stop, text};
use crate::fixture::Server;
use serde_json::json;

#[test]
fn a_backup_of_a_running_server_can_be_restored_and_served() {
    let place = tempfile::tempdir().unwrap();
    let [dir, copy, back] = ["store", "copy", "back"].map(|name| place.path().join(name));
    let server = Server::in_directory(&dir);
    server.queue("jobs", &json!({}));
    send(&server, "jobs", 0..25);
    stop(server);
    let server = Server::in_directory(&dir);
    send(&server, "jobs", 25..30);

    let done = run(&["backup", text(&dir), text(&copy), "--json"]);
    assert_eq!(done.code, 0, "{}{}", done.said, done.complained);
    let done = done.json();
    assert_eq!(done["check"]["contents"]["messages"], 30);
    assert_eq!(done["segments"], json!({ "shared": 1, "copied": 1, "deletedMeanwhile": 0 }));
    // The server goes on, also in the segment that was copied.
    send(&server, "jobs", 30..35);
    assert_eq!(receive_all(&server, "jobs").len(), 35);
    stop(server);

    let before = files(&copy);
    let restored = run(&["restore", text(&copy), text(&back)]);
    assert_eq!(restored.code, 0, "{}{}", restored.said, restored.complained);
    assert!(restored.said.contains("its master key is missing"), "{}", restored.said);
    std::fs::copy(dir.join("master.key"), back.join("master.key")).unwrap();
    let server = Server::in_directory(&back);
    assert_eq!(receive_all(&server, "jobs"), (0..30).collect::<Vec<_>>());
    stop(server);
    assert_eq!(files(&copy), before, "serving what was restored leaves the copy alone");
}

#[test]
fn the_master_key_goes_along_only_where_that_is_asked_for() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = tempfile::tempdir().unwrap();
    let [dir, without, with, back] = ["store", "without", "with", "back"].map(|name| place.path().join(name));
    let server = Server::in_directory(&dir);
    server.queue("jobs", &json!({}));
    send(&server, "jobs", 0..5);
    stop(server);
    let done = run(&["backup", text(&dir), text(&without)]);
    assert!(done.said.contains("without its master key"), "{}", done.said);
    assert!(!without.join("master.key").exists());
    let done = run(&["backup", text(&dir), text(&with), "--with-master-key"]);
    assert_eq!(done.code, 0, "{}{}", done.said, done.complained);
    let key = with.join("master.key");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read(&key).unwrap(), std::fs::read(dir.join("master.key")).unwrap());
    assert_eq!(run(&["restore", text(&with), text(&back), "--json"]).json()["masterKey"], "copied");
    let server = Server::in_directory(&back);
    assert_eq!(receive_all(&server, "jobs"), (0..5).collect::<Vec<_>>());
    stop(server);
    // A key that lies elsewhere can't be taken along, and nobody should believe that it was.
    std::fs::rename(dir.join("master.key"), place.path().join("elsewhere")).unwrap();
    let refused = run(&["backup", text(&dir), text(&place.path().join("other")), "--with-master-key"]);
    assert_eq!(refused.code, 2);
    assert!(refused.complained.contains("comes from elsewhere"), "{}", refused.complained);
}

#[test]
fn nothing_is_shared_where_that_is_not_wanted() {
    use std::os::unix::fs::MetadataExt as _;
    let place = tempfile::tempdir().unwrap();
    let [dir, shared, apart] = ["store", "shared", "apart"].map(|name| place.path().join(name));
    let server = Server::in_directory(&dir);
    server.queue("jobs", &json!({}));
    stop(server);
    let names = |path: &std::path::Path| std::fs::metadata(path).unwrap().nlink();
    assert_eq!(run(&["backup", text(&dir), text(&apart), "--no-links"]).code, 0);
    assert!(segments(&apart).iter().all(|path| names(path) == 1));
    assert_eq!(run(&["backup", text(&dir), text(&shared)]).code, 0);
    assert!(segments(&shared).iter().all(|path| names(path) == 2));
}

#[test]
fn no_copy_goes_where_something_is() {
    let place = tempfile::tempdir().unwrap();
    let [dir, copy] = ["store", "copy"].map(|name| place.path().join(name));
    let server = Server::in_directory(&dir);
    server.queue("jobs", &json!({}));
    stop(server);
    assert_eq!(run(&["backup", text(&dir), text(&copy)]).code, 0);
    for command in ["backup", "restore"] {
        let refused = run(&[command, text(&dir), text(&copy)]);
        assert_eq!(refused.code, 2, "{command}");
        assert!(refused.complained.contains("not empty"), "{command}: {}", refused.complained);
    }
    let nothing = place.path().join("nothing");
    assert_eq!(run(&["backup", text(&nothing), text(&place.path().join("other"))]).code, 2);
    assert_eq!(run(&["restore", text(&nothing), text(&place.path().join("another"))]).code, 2);
}

#[test]
fn a_damaged_copy_is_not_restored_and_a_damaged_store_is_told() {
    let place = tempfile::tempdir().unwrap();
    let [dir, copy, back, again] = ["store", "copy", "back", "again"].map(|name| place.path().join(name));
    let server = Server::in_directory(&dir);
    server.queue("jobs", &json!({}));
    send(&server, "jobs", 0..10);
    stop(server);
    assert_eq!(run(&["backup", text(&dir), text(&copy), "--no-links"]).code, 0);
    let damaged = segments(&copy)[0].clone();
    let mut bytes = std::fs::read(&damaged).unwrap();
    bytes[4096 + 2_000] ^= 1;
    std::fs::write(&damaged, bytes).unwrap();
    let refused = run(&["restore", text(&copy), text(&back)]);
    assert_eq!(refused.code, 1);
    assert!(refused.said.contains("DAMAGED") && !back.exists(), "{}", refused.said);
    // As a store, it is copied with its damage, and that is told.
    let told = run(&["backup", text(&copy), text(&again)]);
    assert_eq!(told.code, 1);
    assert!(told.said.contains("DAMAGED"), "{}", told.said);
}
