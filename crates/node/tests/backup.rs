//! Backups and online checks beside a node under load, with small segments, checkpoints and the cleaner at work: each
//! copy is a store, has all that was acknowledged before it was begun, and nothing that was deleted before.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use bongsu_engine::{Command, DocumentChange, Expected, Outgoing, QueueName, Receive, Reply, StringMap};
use bongsu_journal::{Copying, FileJournal, FileOptions, HeldDir, Journal, ReadOnlyDisk, RealDisk, back_up};
use bongsu_node::offline::{Checked, Quiet, check};
use bongsu_node::{CallError, Node, NodeOptions, Status};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

fn queue(name: &str) -> QueueName {
    QueueName::new("000000000000", "us-east-1", name)
}

fn open(dir: &Path) -> FileJournal {
    let options =
        FileOptions { segment_bytes: 1_400 << 10, max_payload_bytes: 1_200 << 10, ..FileOptions::default() };
    FileJournal::open(Arc::new(RealDisk), dir, options).unwrap()
}

fn start(dir: &Path) -> Node {
    let options = NodeOptions { checkpoint_bytes: 1 << 20, ..NodeOptions::new([1; 32], 5) };
    Node::start(Box::new(open(dir)), options).unwrap()
}

/// A message that tells its number, and whether it is whole.
fn stored(number: u64) -> Vec<u8> {
    let mut stored = vec![number as u8; 600 + (number % 7) as usize * 900];
    stored[4..12].copy_from_slice(&number.to_le_bytes());
    let crc = crc32c::crc32c(&stored[4..]);
    stored[..4].copy_from_slice(&crc.to_le_bytes());
    stored
}

fn number(stored: &[u8]) -> u64 {
    u64::from_le_bytes(stored[4..12].try_into().unwrap())
}

/// What is certain: numbers that live for good, and numbers that are gone.
#[derive(Default)]
struct Certain {
    kept: Mutex<BTreeSet<u64>>,
    gone: Mutex<BTreeSet<u64>>,
    documents: AtomicU64,
    next: AtomicU64,
    stop: AtomicBool,
    rounds: AtomicU64,
}

fn send(name: &str, numbers: std::ops::Range<u64>) -> Command {
    let messages = numbers.map(|number| Outgoing {
        message_id: u128::from(number).to_le_bytes(),
        size_bytes: 100,
        delay_ms: None,
        group: None,
        deduplication_id: None,
        content_hash: None,
        stored: stored(number),
    });
    Command::Send { name: queue(name), messages: messages.collect() }
}

/// A document of that number.
fn make(number: u64) -> Command {
    let change = DocumentChange {
        collection: "users".to_owned(),
        name: number.to_string(),
        expected: Expected::Absent,
        body: Some(number.to_le_bytes().into()),
    };
    Command::ChangeDocuments { changes: vec![change] }
}

/// Sends until it is taken.
async fn persist(node: &Node, name: &str, numbers: std::ops::Range<u64>) {
    insist(node, &send(name, numbers)).await;
}

/// Asks until it is done: so small a journal is often short of room, until its next segment is allocated.
async fn insist(node: &Node, command: &Command) {
    while let Err(refusal) = node.call(command.clone()).await {
        assert!(
            matches!(refusal, CallError::Unavailable(_))
                && matches!(node.status(), Status::Ready | Status::Full | Status::NearlyOut),
            "{refusal}"
        );
        tokio::task::yield_now().await;
    }
}

/// Sends to two queues. What goes to `keep` stays; what goes to `work` is received and deleted.
async fn load(node: Node, certain: Arc<Certain>) {
    let _stop = StopAtEnd(certain.clone());
    while !certain.stop.load(Ordering::Relaxed) {
        let first = certain.next.fetch_add(10, Ordering::Relaxed);
        persist(&node, "work", first..first + 9).await;
        if certain.rounds.fetch_add(1, Ordering::Relaxed).is_multiple_of(3) {
            persist(&node, "keep", first + 9..first + 10).await;
            certain.kept.lock().unwrap().insert(first + 9);
        }
        if first.is_multiple_of(200) {
            insist(&node, &make(first)).await;
            certain.documents.fetch_add(1, Ordering::Relaxed);
        }
        let receive = Receive {
            name: queue("work"),
            max_messages: 10,
            visibility_timeout_ms: Some(3_600_000),
            wait_ms: Some(0),
            attempt_id: None,
        };
        let received = node.receive(receive).await.unwrap();
        let mut numbers = Vec::new();
        for (_, body) in &received.deliveries {
            numbers.push(number(&body.read().await.unwrap()));
        }
        let receipts = received.deliveries.iter().map(|(delivery, _)| delivery.receipt).collect();
        let reply = node.call(Command::Delete { name: queue("work"), receipts }).await.unwrap();
        assert!(matches!(reply, Reply::Each(each) if each.iter().all(Result::is_ok)));
        certain.gone.lock().unwrap().extend(numbers);
    }
}

/// Checks a store; says which messages live in it.
fn look(dir: &Path, online: bool) -> (Checked, BTreeSet<u64>) {
    let living = Mutex::new(BTreeSet::new());
    let verify = |bytes: &[u8]| {
        let crc = u32::from_le_bytes(*bytes.first_chunk().ok_or("too short")?);
        if crc != crc32c::crc32c(&bytes[4..]) {
            return Err("not what was sent".to_owned());
        }
        living.lock().unwrap().insert(number(bytes));
        Ok(())
    };
    let checked = if online {
        let wanted = |name: &str| name == "FORMAT" || name.ends_with(".segment");
        let held = HeldDir::hold(Arc::new(ReadOnlyDisk), dir, wanted).unwrap();
        check(Arc::new(held), dir, &verify, &mut Quiet).unwrap()
    } else {
        check(Arc::new(ReadOnlyDisk), dir, &verify, &mut Quiet).unwrap()
    };
    (checked, living.into_inner().unwrap())
}

/// Lets the log move on, measured in what was sent.
fn wait(certain: &Certain, rounds: u64) {
    let until = certain.rounds.load(Ordering::Relaxed) + rounds;
    while certain.rounds.load(Ordering::Relaxed) < until && !certain.stop.load(Ordering::Relaxed) {
        std::thread::yield_now();
    }
}

/// Sets `stop` when a task ends for whatever reason, so that nobody waits for it.
struct StopAtEnd(Arc<Certain>);

impl Drop for StopAtEnd {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }
}

/// Makes a copy beside the node, opens it and looks at it; says also what was shared and what vanished meanwhile.
fn copy(dir: &Path, copy: &Path, links: bool, certain: &Certain) -> (Checked, BTreeSet<u64>, u64, u64) {
    // After each whole segment the log moves on for a while: a slow disk.
    let mut slow = |bytes| wait(certain, if bytes > 200_000 { 15 } else { 0 });
    let mut copying = Copying { links, progress: &mut slow };
    let done = back_up((&ReadOnlyDisk, dir), (&RealDisk, copy), &mut copying).unwrap();
    let (checked, living) = look(copy, false);
    assert_eq!(checked.survey.tail.0, done.tail);
    // Opening goes further than checking: it makes a segment of its own.
    start(copy).shutdown().unwrap();
    assert!(look(copy, false).0.is_sound());
    std::fs::remove_dir_all(copy).unwrap();
    (checked, living, done.linked, done.skipped)
}

#[test]
fn copies_and_checks_beside_a_busy_node_are_sound_and_miss_nothing() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("store");
    let node = start(&dir);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for name in ["keep", "work"] {
        let (attributes, tags) = <(StringMap, StringMap)>::default();
        runtime.block_on(node.call(Command::CreateQueue { name: queue(name), attributes, tags })).unwrap();
    }
    let certain = Arc::new(Certain::default());
    let tasks: Vec<_> = (0..4).map(|_| runtime.spawn(load(node.clone(), certain.clone()))).collect();
    let (mut skipped, mut shared, mut segments) = (0, 0, BTreeSet::new());
    for round in 0..30 {
        wait(&certain, 60);
        let kept = certain.kept.lock().unwrap().clone();
        let gone = certain.gone.lock().unwrap().clone();
        let documents = certain.documents.load(Ordering::Relaxed);
        let (checked, living) = if round % 3 == 2 {
            look(&dir, true)
        } else {
            let target = place.path().join("copy");
            let (checked, living, linked, missed) = copy(&dir, &target, round % 3 == 0, &certain);
            (skipped, shared) = (skipped + missed, shared + linked);
            (checked, living)
        };
        assert!(checked.is_sound(), "round {round}: {checked:#?}");
        let found = checked.contents.as_ref().unwrap().documents.documents as u64;
        assert!(found >= documents, "round {round}: {found} of {documents} documents");
        let missing: Vec<_> = kept.difference(&living).collect();
        assert!(missing.is_empty(), "round {round}: {missing:?}");
        let undone: Vec<_> = gone.intersection(&living).collect();
        assert!(undone.is_empty(), "round {round}: {undone:?}");
        segments.extend(checked.survey.segments.iter().map(|segment| segment.base.0));
    }
    certain.stop.store(true, Ordering::Relaxed);
    for task in tasks {
        runtime.block_on(task).unwrap();
    }
    node.shutdown().unwrap();
    let (checked, living) = look(&dir, false);
    assert!(checked.is_sound());
    assert!(certain.kept.lock().unwrap().is_subset(&living));
    let documents = certain.documents.load(Ordering::Relaxed);
    assert_eq!(checked.contents.as_ref().unwrap().documents.documents as u64, documents);
    let left: BTreeSet<u64> = checked.survey.segments.iter().map(|segment| segment.base.0).collect();
    let deleted = segments.difference(&left).count();
    let sent = certain.next.load(Ordering::Relaxed);
    println!(
        "{sent} messages, {} segments, {deleted} deleted, {skipped} of them while they were to be copied, {shared} shared",
        segments.len()
    );
    assert!(deleted > 10 && shared > 10, "the cleaner had too little to do: {deleted} {shared}");
}

/// A segment that vanishes in the middle of the copying, and a log that goes on: the worst moment, at will.
#[test]
fn segments_may_vanish_while_they_are_copied() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("store");
    let mut journal = open(&dir);
    let append = |journal: &mut FileJournal| {
        let tail = journal.tail();
        journal.append(tail, Default::default(), &vec![1; 900 << 10]).unwrap();
    };
    (0..6).for_each(|_| append(&mut journal));
    let bases: Vec<_> = journal.segments().iter().map(|segment| segment.base).collect();
    let copy = place.path().join("copy");
    let mut first = true;
    let mut progress = |_| {
        // As soon as something is copied, the next two are gone and the log is longer.
        if std::mem::take(&mut first) {
            journal.delete_segment(bases[1]).unwrap();
            journal.delete_segment(bases[2]).unwrap();
            (0..3).for_each(|_| append(&mut journal));
        }
    };
    let mut copying = Copying { links: false, progress: &mut progress };
    let done = back_up((&ReadOnlyDisk, &dir), (&RealDisk, &copy), &mut copying).unwrap();
    assert_eq!(done.tail, journal.tail().0);
    let opened = open(&copy);
    assert_eq!(opened.tail(), journal.tail());
    assert!(!opened.segments().iter().any(|segment| segment.base == bases[1] || segment.base == bases[2]));
}
