//! Stores that break their promises about documents.

use super::*;
use bongsu_engine::{Document, DocumentChange, Expected};
use std::sync::Arc;

fn change(name: &str, expected: Expected, body: Option<&str>) -> DocumentChange {
    let body = body.map(|body| body.as_bytes().into());
    DocumentChange { collection: "users".to_owned(), name: name.to_owned(), expected, body }
}

fn put(name: &str, body: &str) -> DocumentChange {
    change(name, Expected::Any, Some(body))
}

fn remove(name: &str) -> DocumentChange {
    change(name, Expected::Any, None)
}

impl Court {
    fn changed(&mut self, changes: &[DocumentChange], versions: &[u64]) -> Verdict {
        let command = Command::ChangeDocuments { changes: changes.to_vec() };
        self.hear(command, Reply::DocumentsChanged { versions: versions.to_vec() }, &[])
    }

    fn refused(&mut self, changes: &[DocumentChange], error: CallError) -> Verdict {
        self.calls += 1;
        let command = Command::ChangeDocuments { changes: changes.to_vec() };
        self.auditor.called(self.calls, Rc::new(command));
        self.auditor.answered(self.calls, None, &Err(error), &[])
    }

    fn conflict(&mut self, changes: &[DocumentChange], name: &str) -> Verdict {
        let (collection, name) = ("users".to_owned(), name.to_owned());
        self.refused(changes, CallError::Engine(EngineError::DocumentConflict { collection, name }))
    }

    fn pending(&mut self, changes: &[DocumentChange]) {
        self.calls += 1;
        self.auditor.called(self.calls, Rc::new(Command::ChangeDocuments { changes: changes.to_vec() }));
    }

    /// All documents: name, version, body.
    fn listed(&mut self, seen: &[(&str, u64, &str)], version: u64) -> Verdict {
        let document = |(name, version, body): &(&str, u64, &str)| {
            Arc::new(Document {
                collection: "users".to_owned(),
                name: (*name).to_owned(),
                version: *version,
                body: body.as_bytes().into(),
            })
        };
        let documents = seen.iter().map(document).collect();
        let command = Command::ListDocuments { collection: None, after: None, limit: 1_000 };
        self.hear(command, Reply::Documents { documents, more: false, version }, &[])
    }
}

/// Two documents: ann of version 1, bob of version 2.
fn court() -> Court {
    let mut court = Court::new("work");
    court.changed(&[put("ann", "a"), put("bob", "b")], &[1, 2]).unwrap();
    court.listed(&[("ann", 1, "a"), ("bob", 2, "b")], 2).unwrap();
    court
}

#[test]
fn what_is_listed_must_be_what_was_changed() {
    for (seen, version) in [
        (vec![("ann", 1, "a")], 2),
        (vec![("ann", 1, "a"), ("bob", 2, "x")], 2),
        (vec![("ann", 1, "a"), ("bob", 1, "b")], 2),
        (vec![("ann", 1, "a"), ("bob", 2, "b"), ("cid", 2, "c")], 2),
        (vec![("ann", 1, "a"), ("bob", 2, "b")], 3),
    ] {
        assert_broken(court().listed(&seen, version), "are listed");
    }
}

#[test]
fn versions_go_on_after_a_removal() {
    let mut court = court();
    court.changed(&[remove("bob")], &[3]).unwrap();
    court.listed(&[("ann", 1, "a")], 3).unwrap();
    assert_broken(court.changed(&[put("bob", "B")], &[3]), "were changed");
    court.changed(&[put("bob", "B")], &[4]).unwrap();
    assert_broken(court.listed(&[("ann", 1, "a"), ("bob", 2, "b")], 4), "are listed");
}

#[test]
fn only_what_is_not_as_expected_conflicts() {
    let mut court = court();
    court.conflict(&[put("cid", "c"), change("ann", Expected::Absent, Some("x"))], "ann").unwrap();
    court.conflict(&[change("ann", Expected::Version(2), None)], "ann").unwrap();
    assert_broken(court.conflict(&[change("ann", Expected::Version(1), None)], "ann"), "not to change");
    assert_broken(court.conflict(&[change("ann", Expected::Absent, None)], "bob"), "not to change");
    assert_broken(court.changed(&[change("ann", Expected::Absent, None)], &[3]), "were changed");
    let invalid = CallError::Engine(EngineError::InvalidDocument(""));
    court.refused(&[put("ann", "x"), put("ann", "y")], invalid.clone()).unwrap();
    assert_broken(court.refused(&[put("ann", "x")], invalid), "not to change");
    assert_broken(court.refused(&[put("ann", "x")], CallError::Engine(EngineError::OverLimit)), "refused");
}

#[test]
fn a_full_disk_refuses_what_adds_and_nothing_else() {
    let mut court = court();
    let full = || CallError::Unavailable(format!("{FULL_DISK}: only receives and deletes are served"));
    court.refused(&[put("ann", "x"), remove("bob")], full()).unwrap();
    assert_broken(court.refused(&[remove("bob")], full()), "a removal of documents was refused");
    court.listed(&[("ann", 1, "a"), ("bob", 2, "b")], 2).unwrap();
}

#[test]
fn what_a_crash_left_open_happened_as_a_whole_or_not_at_all() {
    let halves = [(vec![("ann", 3, "x"), ("bob", 2, "b")], 3), (vec![("ann", 1, "a")], 4)];
    let whole = (vec![("ann", 3, "x")], 4);
    let nothing = (vec![("ann", 1, "a"), ("bob", 2, "b")], 2);
    let after_crash = |seen: &[(&str, u64, &str)], version| {
        let mut court = court();
        court.pending(&[put("ann", "x"), remove("bob")]);
        court.crash(2).unwrap();
        (court.listed(seen, version), court)
    };
    for (seen, version) in halves {
        assert_broken(after_crash(&seen, version).0, "are listed");
    }
    let (told, mut court) = after_crash(&whole.0, whole.1);
    told.unwrap();
    assert_broken(court.listed(&nothing.0, nothing.1), "are listed");
    let (told, mut court) = after_crash(&nothing.0, nothing.1);
    told.unwrap();
    assert_broken(court.changed(&[put("ann", "y")], &[5]), "were changed");
}

#[test]
fn of_several_that_a_crash_left_open_any_may_have_happened_in_their_order() {
    let mut court = court();
    court.pending(&[put("ann", "first")]);
    court.pending(&[put("ann", "second")]);
    court.crash(2).unwrap();
    assert_broken(court.listed(&[("ann", 4, "first"), ("bob", 2, "b")], 4), "are listed");
    court.listed(&[("ann", 4, "second"), ("bob", 2, "b")], 4).unwrap();
}
