//! What FIFO queues remember for five minutes: sends, and receive attempts.

use super::bench::*;
use crate::*;

const Q: &str = "f.fifo";

fn message(number: u64, group: &str, id: Option<&str>, content: &str) -> Outgoing {
    Outgoing {
        group: Some(group.to_owned()),
        deduplication_id: id.map(str::to_owned),
        content_hash: Some(content.to_owned()),
        ..outgoing(number, content)
    }
}

fn queue(attributes: &[(&str, &str)]) -> Bench {
    let mut bench = Bench::new();
    bench.create(Q, attributes);
    bench
}

#[test]
fn a_duplicate_answers_with_the_first_sends_id_and_number() {
    let mut bench = queue(&[]);
    let first = bench.try_send(Q, message(1, "g", Some("d"), "one")).unwrap();
    let again = bench.try_send(Q, message(2, "g", Some("d"), "another body")).unwrap();
    assert_eq!(again, first);
    assert_eq!(bench.counts(Q), (1, 0, 0));
    let results = bench.send_batch(Q, vec![message(3, "g", Some("e"), "x"), message(4, "g", Some("e"), "y")]);
    assert_eq!(results[0], results[1], "within one batch too");
    assert_eq!(bench.texts(Q, 10), ["one", "x"]);
}

#[test]
fn the_window_is_five_minutes_to_the_millisecond_from_the_first_send() {
    let mut bench = queue(&[]);
    let first = bench.try_send(Q, message(1, "g", Some("d"), "one")).unwrap();
    bench.pass(200_000);
    assert_eq!(bench.try_send(Q, message(2, "g", Some("d"), "one")), Ok(first));
    bench.pass(99_999);
    assert_eq!(bench.try_send(Q, message(3, "g", Some("d"), "one")), Ok(first));
    bench.pass(1);
    let second = bench.try_send(Q, message(4, "g", Some("d"), "one")).unwrap();
    assert!(second.sequence > first.sequence && second.message_id != first.message_id);
    assert_eq!(bench.try_send(Q, message(5, "g", Some("d"), "one")), Ok(second), "a window of its own");
}

#[test]
fn the_window_outlives_the_messages_deletion() {
    let mut bench = queue(&[]);
    let first = bench.try_send(Q, message(1, "g", Some("d"), "one")).unwrap();
    let got = bench.receive_one(Q);
    bench.delete(Q, &got).unwrap();
    assert_eq!(bench.try_send(Q, message(2, "g", Some("d"), "one")), Ok(first));
    assert_eq!(bench.counts(Q), (0, 0, 0));
}

#[test]
fn a_purge_clears_the_window_and_a_new_queue_has_its_own() {
    let mut bench = queue(&[]);
    let first = bench.try_send(Q, message(1, "g", Some("d"), "one")).unwrap();
    bench.purge(Q);
    assert_ne!(bench.try_send(Q, message(2, "g", Some("d"), "one")), Ok(first));
    bench.create("other.fifo", &[]);
    bench.try_send("other.fifo", message(3, "g", Some("d"), "one")).unwrap();
    assert_eq!((bench.counts(Q), bench.counts("other.fifo")), ((1, 0, 0), (1, 0, 0)));
}

#[test]
fn the_scope_is_the_queue_or_the_group() {
    for (scope, count) in [("queue", 1), ("messageGroup", 2)] {
        let mut bench = queue(&[("DeduplicationScope", scope)]);
        for (number, group) in ["g", "h", "g", "h"].iter().enumerate() {
            bench.try_send(Q, message(number as u64, group, Some("d"), "one")).unwrap();
        }
        assert_eq!(bench.counts(Q), (count, 0, 0), "{scope}");
    }
}

#[test]
fn content_stands_in_for_an_id_where_that_is_on_and_an_explicit_id_wins() {
    let mut bench = queue(&[("ContentBasedDeduplication", "true")]);
    for (number, (id, content)) in [
        (None, "one"),
        (None, "one"),
        (Some("d"), "one"),
        (Some("d"), "two"),
        (None, "two"),
        (Some("e"), "two"),
    ]
    .into_iter()
    .enumerate()
    {
        bench.try_send(Q, message(number as u64, "g", id, content)).unwrap();
    }
    assert_eq!(bench.texts(Q, 10), ["one", "one", "two", "two"]);
    bench.set(Q, &[("ContentBasedDeduplication", "false")]);
    assert_eq!(bench.try_send(Q, message(9, "g", None, "one")), Err(EngineError::MissingDeduplicationId));
}

#[test]
fn standard_queues_know_no_duplicates() {
    let mut bench = Bench::new();
    bench.create("q", &[]);
    let twice = |number| Outgoing { content_hash: Some("same".to_owned()), ..outgoing(number, "same") };
    bench.send_batch("q", vec![twice(1), twice(2)]);
    assert_eq!(bench.counts("q"), (2, 0, 0));
}

#[test]
fn a_refused_send_is_not_remembered() {
    let mut bench = queue(&[("MaximumMessageSize", "1024")]);
    let long = Outgoing { size_bytes: 2_000, ..message(1, "g", Some("d"), "long") };
    assert!(bench.try_send(Q, long).is_err());
    bench.try_send(Q, message(2, "g", Some("d"), "short")).unwrap();
    assert_eq!(bench.texts(Q, 10), ["short"]);
}

// --- ReceiveRequestAttemptId ---------------------------------------------------------------------------------------

fn attempt(bench: &mut Bench, id: &str, most: usize) -> Result<Vec<Got>, EngineError> {
    bench.try_receive(Receive { attempt_id: Some(id.to_owned()), ..receive(Q, most) })
}

fn three_messages() -> Bench {
    let mut bench = queue(&[]);
    ["a", "b", "c"].iter().for_each(|text| _ = bench.send_to(Q, text, text));
    bench
}

#[test]
fn an_attempt_that_is_repeated_gets_the_same_messages_and_handles() {
    let mut bench = three_messages();
    let first = attempt(&mut bench, "x", 2).unwrap();
    bench.pass(20_000);
    assert_eq!(attempt(&mut bench, "x", 10).unwrap(), first, "receive counts too");
    bench.pass(29_999);
    assert_eq!(bench.counts(Q), (1, 2, 0), "their timeout began anew");
    assert_eq!(attempt(&mut bench, "x", 2).unwrap(), first);
    assert_eq!(bench.delete_all(Q, &first), [Ok(()), Ok(())]);
}

#[test]
fn another_attempt_gets_other_messages() {
    let mut bench = three_messages();
    assert_eq!(attempt(&mut bench, "x", 2).unwrap().len(), 2);
    let got = attempt(&mut bench, "y", 2).unwrap();
    assert_eq!(got.iter().map(|got| got.text.as_str()).collect::<Vec<_>>(), ["c"]);
    assert!(bench.receive(Q, 10).is_empty());
}

#[test]
fn an_attempt_is_void_once_one_of_its_messages_was_deleted_or_changed() {
    for deleted in [true, false] {
        let mut bench = three_messages();
        let got = attempt(&mut bench, "x", 2).unwrap();
        match deleted {
            true => bench.delete(Q, &got[1]).unwrap(),
            false => bench.change(Q, &got[1], 60_000).unwrap(),
        }
        assert_eq!(attempt(&mut bench, "x", 2), Err(EngineError::AttemptNotRetryable));
        assert_eq!(attempt(&mut bench, "y", 2).unwrap().len(), 1, "a new id gets what is there");
    }
}

#[test]
fn an_attempt_whose_timeout_is_over_counts_as_new() {
    let mut bench = three_messages();
    let first = attempt(&mut bench, "x", 2).unwrap();
    bench.pass(30_000);
    let second = attempt(&mut bench, "x", 2).unwrap();
    assert_eq!(second.len(), 2);
    assert!(second.iter().all(|got| !first.contains(got)), "new handles");
    assert_eq!(attempt(&mut bench, "x", 2).unwrap(), second, "and this one is the one to repeat");
}

#[test]
fn an_attempt_is_remembered_for_five_minutes() {
    let mut bench = three_messages();
    let hour =
        Receive { attempt_id: Some("x".to_owned()), visibility_timeout_ms: Some(3_600_000), ..receive(Q, 1) };
    let first = bench.try_receive(hour.clone()).unwrap();
    bench.pass(299_999);
    assert_eq!(bench.try_receive(hour.clone()).unwrap(), first);
    bench.pass(1);
    let got = bench.try_receive(hour).unwrap();
    assert_eq!(got[0].text, "b", "counted from the first");
}

#[test]
fn an_attempt_that_got_nothing_may_be_repeated_until_it_gets_something() {
    let mut bench = queue(&[]);
    assert!(attempt(&mut bench, "x", 1).unwrap().is_empty());
    bench.send_to(Q, "g", "a");
    assert_eq!(attempt(&mut bench, "x", 1).unwrap().len(), 1);
}

#[test]
fn a_purge_ends_attempts_and_standard_queues_have_none() {
    let mut bench = three_messages();
    attempt(&mut bench, "x", 2).unwrap();
    bench.purge(Q);
    bench.send_to(Q, "g", "after");
    assert_eq!(attempt(&mut bench, "x", 2).unwrap()[0].text, "after");
    bench.create("q", &[]);
    let refused = bench.try_receive(Receive { attempt_id: Some("x".to_owned()), ..receive("q", 1) });
    assert_eq!(refused, Err(EngineError::AttemptIdOnStandard));
}
