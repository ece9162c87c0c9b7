//! Documents: what is refused and changes nothing, what versions promise, and what a snapshot keeps.

use super::bench::*;
use crate::*;
use std::collections::BTreeSet;
use std::sync::Arc;

fn put(name: &str, expected: Expected, body: &str) -> DocumentChange {
    DocumentChange {
        collection: "users".to_owned(),
        name: name.to_owned(),
        expected,
        body: Some(body.as_bytes().into()),
    }
}

fn remove(name: &str, expected: Expected) -> DocumentChange {
    DocumentChange { body: None, ..put(name, expected, "") }
}

fn conflict(name: &str) -> EngineError {
    EngineError::DocumentConflict { collection: "users".to_owned(), name: name.to_owned() }
}

fn shown(documents: &[Arc<Document>]) -> Vec<(String, u64, String)> {
    let text = |document: &Document| String::from_utf8(document.body.to_vec()).unwrap();
    documents.iter().map(|document| (document.name.clone(), document.version, text(document))).collect()
}

fn row(name: &str, version: u64, body: &str) -> (String, u64, String) {
    (name.to_owned(), version, body.to_owned())
}

/// So many documents with empty bodies.
fn many(range: std::ops::Range<usize>) -> Vec<DocumentChange> {
    range.map(|number| put(&format!("{number:06}"), Expected::Absent, "")).collect()
}

#[test]
fn all_of_a_command_or_nothing() {
    let mut bench = Bench::new();
    let changes = [put("ann", Expected::Absent, "a"), put("bob", Expected::Any, "b")];
    assert_eq!(bench.change_documents(&changes), Ok(vec![1, 2]));
    let refused = [
        (vec![put("cid", Expected::Any, "c"), put("ann", Expected::Absent, "x")], "ann"),
        (vec![put("ann", Expected::Version(1), "x"), remove("bob", Expected::Version(1))], "bob"),
        (vec![put("cid", Expected::Version(1), "x")], "cid"),
        (vec![remove("cid", Expected::Version(0)), put("ann", Expected::Absent, "")], "cid"),
    ];
    for (changes, name) in refused {
        assert_eq!(bench.change_documents(&changes), Err(conflict(name)), "{changes:?}");
    }
    assert_eq!(shown(&bench.documents(None).0), [row("ann", 1, "a"), row("bob", 2, "b")]);
    let changes = [remove("ann", Expected::Version(1)), put("bob", Expected::Version(2), "B")];
    assert_eq!(bench.change_documents(&changes), Ok(vec![3, 4]));
    assert_eq!(shown(&bench.documents(None).0), [row("bob", 4, "B")]);
    assert_eq!(bench.log.written.len(), 2, "one record for each command that did something");
    assert_eq!(bench.change_documents(&[]), Ok(Vec::new()));
    assert_eq!(bench.log.written.len(), 2);
}

#[test]
fn a_version_is_never_used_twice() {
    let mut bench = Bench::new();
    let mut used = BTreeSet::new();
    for round in 0..5 {
        let before = bench.change_documents(&[put("ann", Expected::Absent, "same")]).unwrap();
        let gone = bench.change_documents(&[remove("ann", Expected::Version(before[0]))]).unwrap();
        let nothing = bench.change_documents(&[remove("ann", Expected::Absent)]).unwrap();
        assert!([before, gone, nothing].iter().flatten().all(|version| used.insert(*version)), "{round}");
        if round % 2 == 0 {
            bench.engine = bench.replay_all();
        } else {
            let snapshot = bench.engine.freeze(EntityId::Registry).unwrap().encode();
            bench.engine.restore(EntityId::Registry, &snapshot).unwrap();
        }
        let stale = [put("ann", Expected::Version(*used.first().unwrap()), "x")];
        assert_eq!(bench.change_documents(&stale), Err(conflict("ann")));
    }
    assert_eq!(bench.documents(None), (Vec::new(), false, 15));
}

#[test]
fn names_and_bodies_have_limits() {
    let mut bench = Bench::new();
    let in_collection = |collection: &str| DocumentChange {
        collection: collection.to_owned(),
        ..put("ann", Expected::Any, "a")
    };
    let named = |name: &str| put(name, Expected::Any, "a");
    let sized = |bytes| put("ann", Expected::Any, &"x".repeat(bytes));
    let (longest, longest_name) = ("z".repeat(32), "é".repeat(128));
    for good in [in_collection("a-0"), in_collection(&longest), named(&longest_name), named(" /~\u{2028}")] {
        bench.change_documents(&[good]).unwrap();
    }
    bench.change_documents(&[sized(0)]).unwrap();
    bench.change_documents(&[sized(65_536)]).unwrap();
    for collection in ["", "Users", "a_b", "a b", "ü", &"z".repeat(33)] {
        let result = bench.change_documents(&[named("x"), in_collection(collection)]);
        assert!(matches!(result, Err(EngineError::InvalidDocument(_))), "{collection}: {result:?}");
    }
    for name in ["", "a\nb", "\0", "\u{7f}", "\u{85}", &"x".repeat(257), &"é".repeat(129)] {
        let result = bench.change_documents(&[named("x"), named(name)]);
        assert!(matches!(result, Err(EngineError::InvalidDocument(_))), "{name:?}: {result:?}");
    }
    let result = bench.change_documents(&[sized(65_537)]);
    assert!(matches!(result, Err(EngineError::DocumentLimit(_))));
    let twice = [named("x"), remove("x", Expected::Any)];
    assert!(matches!(bench.change_documents(&twice), Err(EngineError::InvalidDocument(_))));
    assert!(bench.change_documents(&[named("users"), in_collection("other"), named("ann")]).is_ok());
}

#[test]
fn a_command_has_limits() {
    let mut bench = Bench::new();
    assert!(matches!(bench.change_documents(&many(0..101)), Err(EngineError::DocumentLimit(_))));
    assert_eq!(bench.change_documents(&many(0..100)).unwrap().len(), 100);
    let large = |last_bytes: usize| -> Vec<DocumentChange> {
        let sizes = std::iter::repeat_n(65_536 - 10, 31).chain([last_bytes]);
        sizes.enumerate().map(|(n, len)| put(&format!("{n:05}"), Expected::Any, &"x".repeat(len))).collect()
    };
    assert!(matches!(bench.change_documents(&large(65_527)), Err(EngineError::DocumentLimit(_))));
    assert_eq!(bench.change_documents(&large(65_526)).unwrap().len(), 32);
}

#[test]
fn a_store_has_a_limit_of_documents() {
    let mut bench = Bench::new();
    for start in (0..MAX_DOCUMENTS).step_by(100) {
        bench.change_documents(&many(start..start + 100)).unwrap();
    }
    assert_eq!(bench.engine.documents().documents, 100_000);
    let one_more = put("zoe", Expected::Absent, "z");
    let result = bench.change_documents(std::slice::from_ref(&one_more));
    assert!(matches!(result, Err(EngineError::DocumentLimit(_))), "{result:?}");
    bench.change_documents(&[put("000007", Expected::Any, "replaced")]).unwrap();
    let result = bench.change_documents(&[one_more.clone(), remove("nobody", Expected::Absent)]);
    assert!(matches!(result, Err(EngineError::DocumentLimit(_))), "{result:?}");
    bench.change_documents(&[one_more, remove("000008", Expected::Any)]).unwrap();
    assert_eq!(bench.engine.documents().documents, 100_000);
}

#[test]
fn a_store_has_a_limit_of_bytes() {
    let mut bench = Bench::new();
    let name = |number: usize| format!("{number:04}");
    let body: Arc<[u8]> = vec![7; MAX_DOCUMENT_BODY_BYTES].into();
    let large = |number| DocumentChange { body: Some(body.clone()), ..put(&name(number), Expected::Any, "") };
    let fitting = MAX_DOCUMENTS_BYTES as usize / (MAX_DOCUMENT_BODY_BYTES + "users0000".len());
    for number in 0..fitting {
        bench.change_documents(&[large(number)]).unwrap();
    }
    let left = MAX_DOCUMENTS_BYTES - bench.engine.documents().bytes;
    let result = bench.change_documents(&[large(fitting)]);
    assert!(matches!(result, Err(EngineError::DocumentLimit(_))), "{result:?}");
    let last = "x".repeat(left as usize - "userslast".len());
    bench.change_documents(&[put("last", Expected::Absent, &last)]).unwrap();
    assert_eq!(bench.engine.documents().bytes, MAX_DOCUMENTS_BYTES);
    let result = bench.change_documents(&[put("a", Expected::Absent, "")]);
    assert!(matches!(result, Err(EngineError::DocumentLimit(_))), "{result:?}");
    bench
        .change_documents(&[large(5), put("a", Expected::Absent, ""), remove("0006", Expected::Any)])
        .unwrap();
    let snapshot = bench.engine.freeze(EntityId::Registry).unwrap().encode();
    let mut restored = Engine::default();
    restored.restore(EntityId::Registry, &snapshot).unwrap();
    assert_eq!(restored.documents(), bench.engine.documents());
}

#[test]
fn pages_hold_together() {
    let mut bench = Bench::new();
    for (collection, count) in [("keys", 250), ("users", 2_345), ("policies", 5)] {
        for number in 0..count {
            let change = put(&format!("{number:04}"), Expected::Absent, &number.to_string());
            let change = DocumentChange { collection: collection.to_owned(), ..change };
            bench.change_documents(&[change]).unwrap();
        }
    }
    for (collection, count) in [(None, 2_600), (Some("users"), 2_345), (Some("keys"), 250), (Some("n"), 0)] {
        for limit in [7, 100, 1_000, usize::MAX] {
            let (mut all, mut after) = (Vec::new(), None);
            loop {
                let page = bench.list_documents(collection, after.take(), limit);
                let (documents, more, version) = page;
                assert_eq!(version, 2_600);
                assert!(documents.len() <= limit.min(1_000) && (documents.len() == limit.min(1_000)) | !more);
                after = documents.last().map(|last| (last.collection.clone(), last.name.clone()));
                all.extend(documents);
                if !more {
                    break;
                }
            }
            assert_eq!(all.len(), count, "{collection:?}");
            assert!(all.is_sorted_by(|one, two| one.key() < two.key()));
            assert!(all.iter().all(|found| collection.is_none_or(|name| found.collection == name)));
        }
    }
    assert!(bench.list_documents(Some("users"), None, 0).1, "nothing was asked for, and there is something");
    let before = Some(("a".to_owned(), "zzz".to_owned()));
    assert_eq!(bench.list_documents(Some("keys"), before, 1).0[0].name, "0000");
    let behind = Some(("keyz".to_owned(), "a".to_owned()));
    assert_eq!(bench.list_documents(Some("keys"), behind, 1).0, []);
}

#[test]
fn a_page_has_at_most_4_mib() {
    let mut bench = Bench::new();
    let body = "x".repeat(65_536);
    (0..70)
        .for_each(|n| _ = bench.change_documents(&[put(&format!("{n:02}"), Expected::Any, &body)]).unwrap());
    let (documents, more, _) = bench.list_documents(None, None, 1_000);
    let bytes: u64 = documents.iter().map(|document| document.size_bytes()).sum();
    assert!(more && bytes <= 4 << 20 && bytes + 65_543 > 4 << 20, "{bytes}");
    let after = Some(("users".to_owned(), documents.last().unwrap().name.clone()));
    let (rest, more, _) = bench.list_documents(None, after, 1_000);
    assert_eq!((rest.len() + documents.len(), more), (70, false));
}

#[test]
fn a_snapshot_brings_back_what_later_records_go_on_from() {
    let mut bench = Bench::new();
    assert!(!bench.engine.entities().contains(&EntityId::Registry), "nothing to keep before the first");
    bench.change_documents(&[put("ann", Expected::Any, "1"), put("bob", Expected::Any, "2")]).unwrap();
    bench.change_documents(&[remove("bob", Expected::Any)]).unwrap();
    assert_eq!(bench.engine.entities(), [EntityId::Directory, EntityId::Registry]);
    let frozen = bench.engine.freeze(EntityId::Registry).unwrap();
    let (since, before) = (bench.log.written.len(), frozen.encode());
    bench
        .change_documents(&[put("bob", Expected::Absent, "4"), put("ann", Expected::Version(1), "5")])
        .unwrap();
    assert_eq!(frozen.encode(), before, "what is frozen stays");

    let mut restarted = Engine::default();
    restarted.restore(EntityId::Registry, &before).unwrap();
    assert_eq!(restarted.freeze(EntityId::Registry).unwrap().encode(), before);
    let written = bench.log.written[since].clone();
    restarted.apply(&written.record, written.body).unwrap();
    restarted.finish_replay();
    bench.assert_same(&restarted);
    let again = restarted.apply(&written.record, written.body);
    assert!(matches!(again, Err(ReplayError::RegistryMisfit { .. })), "{again:?}");
}

#[test]
fn a_record_that_does_not_follow_on_the_last_is_refused() {
    let write = DocumentWrite { collection: "users".to_owned(), name: "ann".to_owned(), body: None };
    for first_version in [0, 2, u64::MAX] {
        let record = Record::DocumentsChanged { first_version, changes: vec![write.clone()] };
        let result = Engine::default().apply(&record, BodyRef { position: 0, len: 0 });
        assert!(matches!(result, Err(ReplayError::RegistryMisfit { .. })), "{first_version}");
    }
}

#[test]
fn a_snapshot_that_is_none_is_refused() {
    let document = |name: &str, version: u64| Document {
        collection: "users".to_owned(),
        name: name.to_owned(),
        version,
        body: Arc::new([1, 2, 3]),
    };
    let read = |version: u64, documents: &[Document]| {
        let bytes = postcard::to_stdvec(&(version, documents)).unwrap();
        Engine::default().restore(EntityId::Registry, &bytes)
    };
    assert_eq!(read(3, &[document("ann", 3), document("bob", 1)]), Ok(()));
    assert!(read(2, &[document("ann", 3), document("bob", 1)]).is_err(), "a version from the future");
    assert!(read(3, &[document("ann", 0)]).is_err());
    assert!(read(3, &[document("bob", 1), document("ann", 3)]).is_err(), "out of order");
    assert!(read(3, &[document("ann", 1), document("ann", 3)]).is_err(), "twice");
}

/// Old stores must stay readable: these bytes were written by the version that had documents first.
#[test]
fn a_snapshot_keeps_its_bytes_for_ever() {
    let mut bench = Bench::new();
    bench.change_documents(&[put("ann", Expected::Any, "xyz"), remove("bob", Expected::Any)]).unwrap();
    let bytes = bench.engine.freeze(EntityId::Registry).unwrap().encode();
    assert_eq!(bytes, b"\x02\x01\x05users\x03ann\x01\x03xyz");
}
