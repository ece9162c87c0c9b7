//! Bytes from a disk are read with distrust: whatever they are, reading them ends, and not in a panic.

use super::bench::*;
use crate::*;
use proptest::prelude::*;
use std::sync::Arc;

fn quiet() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

/// One record of each kind, in the order of their numbers.
fn each_kind() -> Vec<Record> {
    let queue = QueueId(7);
    let name = named("q");
    let moved = Moved { dead_letter_source: Some(named("s")), message_id: None, sent_wall_ms: Some(5) };
    vec![
        Record::StoreCreated { secret: [9; 32] },
        Record::NameReleased { name: name.clone(), at_ms: 5 },
        Record::QueueCreated {
            queue,
            name: name.clone(),
            attributes: map(&[("DelaySeconds", "1")]),
            tags: map(&[("k", "v")]),
            created_wall_ms: 5,
            key: 6,
        },
        Record::QueueDeleted { queue },
        Record::AttributesSet { queue, attributes: map(&[("DelaySeconds", "1")]), modified_wall_ms: 6 },
        Record::TagsSet { queue, tags: map(&[("k", "v")]) },
        Record::Purged { queue, at_ms: 5 },
        Record::Sent {
            queue,
            sequence: 1,
            enqueued_ms: 5,
            due_ms: 0,
            group: Some("g".to_owned()),
            deduplication_key: u128::MAX,
            message_id: [1; 16],
        },
        Record::Received {
            queue,
            picks: vec![(1, 0)],
            nonce: 2,
            at_ms: 5,
            visible_at_ms: 6,
            wall_ms: 7,
            attempt_key: 8,
        },
        Record::ReceivedAgain { queue, attempt_key: 8, visible_at_ms: 9 },
        Record::Removed { queue, messages: vec![(1, 0)], at_ms: 5 },
        Record::VisibilityChanged { queue, sequence: 1, at_ms: 5, visible_at_ms: 6 },
        Record::Arrived {
            queue,
            sequence: 2,
            body: BodyRef { position: 4_096, len: 3 },
            enqueued_ms: 5,
            group: None,
            receive_count: 3,
            first_received_wall_ms: 4,
            moved: Arc::new(moved),
        },
        Record::Relocated { queue, from: vec![(2, BodyRef { position: 4_096, len: 3 })] },
        Record::TaskStarted {
            queue,
            number: 1,
            nonce: 2,
            destination: Some(name),
            max_per_second: Some(3),
            to_move: 4,
            below_sequence: 5,
            at_ms: 6,
            wall_ms: 7,
        },
        Record::TaskProgressed { queue, number: 1, moved: 2, credit_milli: 3, at_ms: 4 },
        Record::TaskEnded { queue, number: 1, status: TaskStatus::Failed, failure: Some("f".to_owned()) },
        Record::DocumentsChanged {
            first_version: 300,
            changes: vec![written("ann", Some(b"xyz")), written("bob", None), written("cid", Some(b""))],
        },
    ]
}

fn written(name: &str, body: Option<&[u8]>) -> DocumentWrite {
    DocumentWrite { collection: "users".to_owned(), name: name.to_owned(), body: body.map(Arc::from) }
}

fn encoded(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    record.encode(&mut bytes);
    bytes
}

/// A store with something of everything in it.
fn furnished() -> Bench {
    let mut bench = Bench::new();
    let moment = bench.moment();
    bench.engine.create_store(moment, [3; 32], &mut bench.log);
    bench.create("dead", &[]);
    bench.create("q", &[("RedrivePolicy", &redrive_policy("dead", 1)), ("DelaySeconds", "1")]);
    bench.create("f.fifo", &[("ContentBasedDeduplication", "true")]);
    (0..300).for_each(|n| _ = bench.send("q", &format!("message {n}")));
    bench.pass(1_100);
    bench.receive_for("q", 200, 0);
    bench.receive("q", 100);
    (0..9).for_each(|n| _ = bench.send_to("f.fifo", &format!("g{}", n % 3), &format!("message {n}")));
    let attempt = Receive { attempt_id: Some("attempt".to_owned()), ..receive("f.fifo", 4) };
    bench.try_receive(attempt).unwrap();
    bench.start_move("dead", None, Some(1)).unwrap();
    bench.step_tasks();
    bench.delete_queue("f.fifo");
    bench.create("g.fifo", &[]);
    bench.send_to("g.fifo", "g", "one");
    for number in 0..30 {
        let DocumentWrite { collection, name, body } = written(&format!("user {number}"), Some(b"body"));
        bench
            .change_documents(&[DocumentChange { collection, name, expected: Expected::Absent, body }])
            .unwrap();
    }
    bench
}

#[test]
fn a_record_keeps_its_number_for_ever() {
    for (number, record) in each_kind().iter().enumerate() {
        assert_eq!(encoded(record)[0] as usize, number, "{record:?}");
        assert_eq!(&Record::decode(&encoded(record)).unwrap(), record);
    }
}

/// Old journals must stay readable: these bytes were written by version 1.
#[test]
fn a_record_keeps_its_bytes_for_ever() {
    let kinds = each_kind();
    let hex = |record: &Record| encoded(record).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(hex(&kinds[3]), "0307");
    assert_eq!(
        hex(&kinds[7]),
        concat!(
            "0707010500010167", // queue, sequence, enqueued, due, group
            "ffffffffffffffffffffffffffffffffffff03",
            "01010101010101010101010101010101"
        )
    );
    assert_eq!(hex(&kinds[8]), "08070101000205060708");
    assert_eq!(hex(&kinds[10]), "0a0701010005");
    assert_eq!(hex(&kinds[13]), "0d070102802003");
    assert_eq!(hex(&kinds[16]), "10070104010166");
    assert_eq!(
        hex(&kinds[17]),
        concat!(
            "11ac0203", // first version, number of changes
            "05757365727303616e6e010378797a",
            "05757365727303626f6200",
            "057573657273036369640100"
        )
    );
}

#[test]
fn a_record_that_is_cut_off_is_refused() {
    for record in each_kind() {
        let bytes = encoded(&record);
        for cut in 0..bytes.len() {
            assert!(Record::decode(&bytes[..cut]).is_err(), "{record:?} cut at {cut}");
        }
    }
}

#[test]
fn a_snapshot_that_is_cut_off_or_of_another_entity_is_refused() {
    let bench = furnished();
    for entity in bench.engine.entities() {
        let bytes = bench.engine.freeze(entity).unwrap().encode();
        for cut in (0..bytes.len()).step_by(1 + bytes.len() / 500) {
            let mut engine = Engine::default();
            assert!(engine.restore(entity, &bytes[..cut]).is_err(), "{entity:?} cut at {cut}");
        }
        let other = EntityId::Queue(QueueId(99));
        assert!(Engine::default().restore(other, &bytes).is_err(), "{entity:?}");
    }
}

/// A chunk that said it had four thousand million rows in no bytes would have taken all memory when it was unpacked.
#[test]
fn a_snapshot_with_more_rows_than_bytes_is_refused() {
    let bytes = postcard::to_stdvec(&(
        vec![1u64, 2, 3, 4],
        vec![(u32::MAX, 0u64, 0u64, Vec::<u8>::new())],
        Vec::<u64>::new(),
    ))
    .unwrap();
    assert!(postcard::from_bytes::<crate::runs::Runs<4>>(&bytes).is_err());
}

proptest! {
    #![proptest_config(quiet())]

    #[test]
    fn any_bytes_are_a_record_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0u8..20) {
        _ = Record::decode(&bytes);
        let with_kind: Vec<u8> = std::iter::once(kind).chain(bytes).collect();
        if let Ok(record) = Record::decode(&with_kind) {
            prop_assert_eq!(Record::decode(&encoded(&record)).unwrap(), record);
        }
    }

    #[test]
    fn any_bytes_are_a_snapshot_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for entity in [EntityId::Directory, EntityId::Queue(QueueId(1)), EntityId::Registry] {
            _ = Engine::default().restore(entity, &bytes);
        }
    }

    #[test]
    fn a_damaged_snapshot_is_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)
    ) {
        let bench = furnished();
        for entity in bench.engine.entities() {
            let mut bytes = bench.engine.freeze(entity).unwrap().encode();
            for (index, value) in &changes {
                let index = index.index(bytes.len());
                bytes[index] = *value;
            }
            let mut engine = Engine::default();
            if engine.restore(entity, &bytes).is_ok() {
                engine.finish_replay();
                _ = engine.freeze(entity).map(|frozen| frozen.encode());
            }
        }
    }

    #[test]
    fn a_damaged_record_is_read_or_refused(
        kind in 0usize..18,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
    ) {
        let mut bytes = encoded(&each_kind()[kind]);
        for (index, value) in &changes {
            let index = index.index(bytes.len());
            bytes[index] = *value;
        }
        _ = Record::decode(&bytes);
    }
}
