//! Documents through checkpoints, restarts and full disks.

use super::*;
use bongsu_engine::{DocumentChange, Expected};

fn change(number: u64, expected: Expected, body: Option<Vec<u8>>) -> DocumentChange {
    let (collection, name) = ("users".to_owned(), format!("user {number}"));
    DocumentChange { collection, name, expected, body: body.map(Into::into) }
}

fn put(number: u64, bytes: usize) -> Command {
    let change = change(number, Expected::Any, Some(vec![number as u8; bytes]));
    Command::ChangeDocuments { changes: vec![change] }
}

fn remove(number: u64) -> Command {
    Command::ChangeDocuments { changes: vec![change(number, Expected::Any, None)] }
}

fn list() -> Command {
    Command::ListDocuments { collection: None, after: None, limit: 1_000 }
}

/// Names with versions and lengths, and the version of the registry.
type Seen = (BTreeMap<String, (u64, usize)>, u64);

impl<J: Journal> House<J> {
    fn documents(&mut self) -> Seen {
        let Reply::Documents { documents, more: false, version } = self.ask(list()).unwrap() else {
            panic!()
        };
        let seen = documents.iter().map(|document| {
            assert!(document.body.iter().all(|byte| format!("user {byte}") == document.name));
            (document.name.clone(), (document.version, document.body.len()))
        });
        (seen.collect(), version)
    }

    fn changed(&mut self, command: Command) -> u64 {
        let Reply::DocumentsChanged { versions } = self.ask(command).unwrap() else { panic!() };
        assert_eq!(versions.len(), 1);
        versions[0]
    }

    fn has_registry_in_checkpoint(&self) -> bool {
        self.partition.checkpoints.manifest.entities.contains_key(&EntityId::Registry)
    }
}

#[test]
fn a_list_waits_for_what_it_saw() {
    let mut house = House::new(u64::MAX);
    let changed = house.call(put(1, 10));
    let listed = house.call(list());
    assert!(house.replies.is_empty());
    house.append_one();
    assert!(matches!(house.replies[&changed], Ok(Reply::DocumentsChanged { .. })));
    assert!(matches!(&house.replies[&listed], Ok(Reply::Documents { version: 1, .. })));
}

#[test]
fn a_store_without_documents_has_none_and_its_checkpoints_say_nothing_of_them() {
    let mut house = House::new(0);
    (0..20).for_each(|number| _ = house.ask(send(number, 100)).unwrap());
    (0..3).for_each(|_| house.pass(1_000));
    assert!(house.partition.checkpoints.mark() > 0 && !house.has_registry_in_checkpoint());
    let mut house = house.restart();
    assert_eq!(house.documents(), (BTreeMap::new(), 0));
    assert_eq!(house.changed(put(1, 10)), 1);
    let mut house = house.restart();
    assert_eq!(house.documents().0.len(), 1);
}

#[test]
fn what_was_changed_is_there_after_a_restart_without_a_checkpoint() {
    let mut house = House::new(u64::MAX);
    (0..50).for_each(|number| _ = house.changed(put(number, 100)));
    (0..10).for_each(|number| _ = house.changed(remove(number)));
    let seen = house.documents();
    assert_eq!((seen.0.len(), seen.1), (40, 60));
    assert_eq!(house.restart().documents(), seen);
}

/// Nothing but documents changes, for many times the size of a segment: checkpoints must come of that alone, the log must not
/// grow, and a restart anywhere must find what is there, and count on.
#[test]
fn changes_of_documents_alone_make_checkpoints_and_leave_no_more_than_lives() {
    let mut house = House::new(1 << 20);
    let mut expected = BTreeMap::new();
    for round in 0..40_u64 {
        for step in 0..50 {
            let number = (round * 31 + step * 7) % 101;
            let name = format!("user {number}");
            if (round + step) % 4 == 0 {
                house.changed(remove(number));
                expected.remove(&name);
            } else {
                let bytes = 20_000 + (round * step) as usize;
                expected.insert(name, (house.changed(put(number, bytes)), bytes));
            }
        }
        house.pass(1_000);
        if round % 5 == 2 {
            house = house.restart();
            assert_eq!(house.documents(), (expected.clone(), (round + 1) * 50), "round {round}");
        }
    }
    (0..20).for_each(|_| house.pass(1_000));
    let live: usize = expected.values().map(|(_, bytes)| bytes).sum();
    assert!(house.has_registry_in_checkpoint() && house.deleted > 3, "{} segments deleted", house.deleted);
    let most = 2 * live as u64 + 3 * (4 << 20);
    assert!(house.log_bytes() <= most, "{} bytes of log for {live}", house.log_bytes());
    assert_eq!(house.restart().documents(), (expected, 2_000));
}

/// A large registry that nobody changes is not written again with each checkpoint.
#[test]
fn documents_that_did_not_change_keep_their_snapshot() {
    let mut house = House::new(1 << 20);
    (0..100).for_each(|number| _ = house.changed(put(number, 30_000)));
    let mut next = 0;
    let mut work = |house: &mut House, messages: u64| {
        for _ in 0..messages {
            house.ask(send(next, 50_000)).unwrap();
            next += 1;
        }
        house.pass(1_000);
    };
    (0..8).for_each(|_| work(&mut house, 40));
    let snapshot = house.partition.checkpoints.manifest.entities[&EntityId::Registry].clone();
    let mark = house.partition.checkpoints.mark();
    (0..12).for_each(|_| work(&mut house, 40));
    assert!(house.partition.checkpoints.mark() > mark);
    assert_eq!(house.partition.checkpoints.manifest.entities[&EntityId::Registry], snapshot);
    let seen = house.documents();
    assert_eq!(house.restart().documents(), seen);
}

#[test]
fn the_next_checkpoint_is_foreseen_with_the_documents_in_it() {
    let mut house = House::new(u64::MAX);
    let before = house.partition.checkpoint_bytes_ahead();
    (0..60).for_each(|number| _ = house.changed(put(number, 30_000)));
    house.pass(1_000);
    let ahead = house.partition.checkpoint_bytes_ahead();
    let snapshot = house.partition.engine.freeze(EntityId::Registry).unwrap().encode().len() as u64;
    assert!((snapshot..snapshot + before + 70_000).contains(&ahead), "{ahead} for {snapshot}");
}

#[test]
fn with_little_room_documents_are_only_removed() {
    let mut house = House::new(u64::MAX);
    (0..3).for_each(|number| _ = house.changed(put(number, 100)));
    let refused = |house: &mut House, command: Command| {
        house.partition.set_room(house.partition.floor_bytes() - 1);
        matches!(house.ask(command), Err(CallError::Unavailable(_)))
    };
    assert!(refused(&mut house, put(3, 100)));
    assert!(refused(&mut house, put(1, 0)));
    let both = vec![change(0, Expected::Any, None), change(9, Expected::Any, Some(vec![9]))];
    assert!(refused(&mut house, Command::ChangeDocuments { changes: both }));
    assert!(!refused(&mut house, remove(0)));
    assert!(!refused(&mut house, list()));
    house.partition.set_room(u64::MAX);
    assert_eq!(house.documents().0.len(), 2);
    assert_eq!(house.changed(put(3, 100)), 5);
}

#[test]
fn changes_never_outgrow_an_entry() {
    let mut house = House::new(u64::MAX);
    let large = |from: u64, count: u64| {
        let changes = (from..from + count).map(|number| change(number, Expected::Any, Some(vec![7; 65_000])));
        Command::ChangeDocuments { changes: changes.collect() }
    };
    let refused = house.ask(large(0, 25));
    assert!(matches!(refused, Err(CallError::Engine(EngineError::DocumentLimit(_)))), "{refused:?}");
    let entries = house.entries;
    house.call(put(99, 10));
    let calls: Vec<u64> = (0..4).map(|batch| house.call(large(batch * 20, 20))).collect();
    house.settle();
    assert!(calls.iter().all(|call| house.replies[call].is_ok()));
    assert!(house.entries >= entries + 5, "{} entries", house.entries - entries);
    let Reply::Documents { documents, version, .. } = house.ask(list()).unwrap() else { panic!() };
    assert_eq!((documents.len(), version), (64, 81), "a page is no more than 4 MiB");
}
