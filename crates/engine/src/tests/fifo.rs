//! FIFO queues: order within groups, what holds a group up, and which group is next.

use super::bench::*;
use crate::*;

const Q: &str = "f.fifo";

fn with(messages: &[(&str, &str)]) -> Bench {
    let mut bench = Bench::new();
    bench.create(Q, &[]);
    messages.iter().for_each(|(group, text)| _ = bench.send_to(Q, group, text));
    bench
}

#[test]
fn a_message_needs_a_group_and_a_deduplication_id_and_has_no_delay_of_its_own() {
    let mut bench = with(&[]);
    let base = Outgoing {
        group: Some("g".to_owned()),
        deduplication_id: Some("d".to_owned()),
        content_hash: Some("c".to_owned()),
        ..outgoing(1, "one")
    };
    let without_group = Outgoing { group: None, ..base.clone() };
    assert_eq!(bench.try_send(Q, without_group), Err(EngineError::MissingGroupId));
    let without_id = Outgoing { deduplication_id: None, ..base.clone() };
    assert_eq!(bench.try_send(Q, without_id.clone()), Err(EngineError::MissingDeduplicationId));
    let delayed = Outgoing { delay_ms: Some(2_000), ..base.clone() };
    assert_eq!(bench.try_send(Q, delayed), Err(EngineError::DelayOnFifo { delay_seconds: 2 }));
    bench.set(Q, &[("ContentBasedDeduplication", "true")]);
    bench.try_send(Q, without_id).unwrap();
    bench.try_send(Q, Outgoing { delay_ms: Some(0), ..base }).unwrap();
    bench.create("q", &[]);
    let of_fifo = Outgoing { deduplication_id: Some("d".to_owned()), ..outgoing(1, "one") };
    assert_eq!(bench.try_send("q", of_fifo), Err(EngineError::UnexpectedDeduplicationId));
}

#[test]
fn sequence_numbers_grow_over_all_groups() {
    let mut bench = with(&[]);
    let numbers: Vec<u64> =
        (0..10).map(|n| bench.send_to(Q, &format!("g{}", n % 3), &n.to_string()).sequence).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
}

#[test]
fn a_receive_fills_up_group_by_group() {
    let mut bench = with(&[("g1", "1a"), ("g2", "2a"), ("g1", "1b"), ("g2", "2b"), ("g1", "1c")]);
    assert_eq!(bench.texts(Q, 4), ["1a", "1b", "1c", "2a"]);
    assert!(bench.texts(Q, 4).is_empty(), "both groups are held up");
}

#[test]
fn a_group_with_a_message_in_flight_hands_out_no_later_one() {
    let mut bench = with(&[("g", "a"), ("g", "b"), ("g", "c"), ("h", "other")]);
    let got = bench.receive(Q, 2);
    assert_eq!(bench.texts(Q, 10), ["other"]);
    bench.delete(Q, &got[0]).unwrap();
    assert!(bench.texts(Q, 10).is_empty(), "b is in flight still");
    bench.delete(Q, &got[1]).unwrap();
    assert!(bench.ready.contains(&got[0].delivery.receipt.queue), "long polls are told");
    assert_eq!(bench.texts(Q, 10), ["c"]);
}

#[test]
fn a_message_sent_to_a_held_up_group_waits() {
    let mut bench = with(&[("g", "a")]);
    let got = bench.receive_one(Q);
    bench.send_to(Q, "g", "b");
    assert!(bench.texts(Q, 10).is_empty());
    bench.delete(Q, &got).unwrap();
    assert_eq!(bench.texts(Q, 10), ["b"]);
}

/// Recorded: m1 set to 0 while the later m2 of its group is still in flight, then m1 is handed out.
#[test]
fn an_earlier_message_that_came_back_is_handed_out_while_a_later_one_is_in_flight() {
    let mut bench = with(&[("g", "a"), ("g", "b"), ("g", "c")]);
    let got = bench.receive(Q, 2);
    bench.change(Q, &got[0], 0).unwrap();
    assert_eq!(bench.texts(Q, 10), ["a"], "but nothing that comes after b");
    bench.pass(30_000);
    assert_eq!(bench.texts(Q, 10), ["a", "b", "c"], "in order again");
}

#[test]
fn a_later_message_that_came_back_waits_for_the_earlier_one() {
    let mut bench = with(&[("g", "a"), ("g", "b")]);
    let got = bench.receive(Q, 2);
    bench.change(Q, &got[1], 0).unwrap();
    assert!(bench.texts(Q, 10).is_empty());
    bench.delete(Q, &got[0]).unwrap();
    assert_eq!(bench.texts(Q, 10), ["b"]);
}

/// Recorded: after a receive of g1 and g2 with visibility 0 the next one begins with g3.
#[test]
fn a_freed_group_goes_behind_the_others() {
    let mut bench = with(&[("g1", "1"), ("g2", "2"), ("g3", "3")]);
    assert_eq!(bench.receive_for(Q, 2, 0).len(), 2);
    assert_eq!(bench.texts(Q, 3), ["3", "1", "2"]);

    let mut bench = with(&[("g1", "1a"), ("g1", "1b"), ("g2", "2")]);
    let got = bench.receive_one(Q);
    bench.delete(Q, &got).unwrap();
    assert_eq!(bench.texts(Q, 3), ["2", "1b"]);
}

#[test]
fn a_group_that_is_always_busy_does_not_starve_the_others() {
    let mut bench = with(&[]);
    for n in 0..20 {
        bench.send_to(Q, "busy", &format!("busy {n}"));
    }
    bench.send_to(Q, "quiet", "quiet");
    let mut before = 0;
    loop {
        let got = bench.receive_one(Q);
        bench.delete(Q, &got).unwrap();
        if got.text == "quiet" {
            break;
        }
        before += 1;
        bench.pass(10);
    }
    assert_eq!(before, 1);
}

#[test]
fn the_queues_delay_holds_every_message_back_and_locks_no_group() {
    let mut bench = Bench::new();
    bench.create(Q, &[("DelaySeconds", "10")]);
    bench.send_to(Q, "g", "a");
    bench.pass(4_000);
    bench.send_to(Q, "g", "b");
    bench.send_to(Q, "h", "c");
    assert_eq!(bench.counts(Q), (0, 0, 3));
    bench.pass(5_999);
    assert!(bench.texts(Q, 10).is_empty());
    let id = bench.engine.queue_id(&named(Q)).unwrap();
    assert_eq!(bench.engine.next_change_ms(id, bench.now_ms), Some(bench.now_ms + 1));
    bench.pass(1);
    let got = bench.receive(Q, 10);
    assert_eq!(got.len(), 1, "b and c are not due");
    bench.pass(4_000);
    assert_eq!(bench.texts(Q, 10), ["c"], "b waits for a");
    bench.change(Q, &got[0], 0).unwrap();
    assert_eq!(bench.texts(Q, 10), ["a", "b"], "the delay was a's once");
}

/// Right after it was sent a message of a queue without a delay was counted as delayed, for up to 100 ms.
#[test]
fn without_a_delay_a_sent_message_counts_as_visible_at_once() {
    let mut bench = with(&[]);
    for ms in [0, 1, 49, 50, 99] {
        bench.pass(ms);
        bench.send_to(Q, "g", &ms.to_string());
        assert_eq!(bench.counts(Q).2, 0, "delayed after {ms} ms");
    }
    assert_eq!(bench.counts(Q), (5, 0, 0));
}

#[test]
fn a_due_group_is_found_behind_groups_that_are_not() {
    let mut bench = with(&[("old", "old")]);
    let got = bench.receive_one(Q);
    for n in 0..50 {
        bench.send_to(Q, &format!("g{n}"), &format!("late {n}"));
    }
    bench.set(Q, &[("DelaySeconds", "900")]);
    bench.pass(1);
    bench.change(Q, &got, 0).unwrap();
    assert_eq!(bench.texts(Q, 10), ["old"]);
}

/// Groups stand in the order in which they became free; the one that is due next may be any of them.
#[test]
fn a_long_poll_is_woken_for_the_group_that_is_due_first() {
    let mut bench = Bench::new();
    bench.create(Q, &[("DelaySeconds", "10")]);
    bench.send_to(Q, "a", "1");
    bench.pass(19_000);
    let got = bench.receive_one(Q);
    bench.send_to(Q, "a", "2");
    bench.pass(500);
    bench.send_to(Q, "b", "3");
    bench.pass(500);
    bench.delete(Q, &got).unwrap();
    let id = bench.engine.queue_id(&named(Q)).unwrap();
    assert_eq!(
        bench.engine.next_change_ms(id, bench.now_ms),
        Some(START_MS + 29_000),
        "a's turn is after b's"
    );
    bench.pass(9_000);
    assert_eq!(bench.texts(Q, 10), ["2"]);
}

#[test]
fn an_expired_message_does_not_hold_its_group_up() {
    let mut bench = Bench::new();
    bench.create(Q, &[("MessageRetentionPeriod", "60")]);
    bench.send_to(Q, "g", "old");
    bench.pass(30_000);
    bench.send_to(Q, "g", "new");
    assert_eq!(bench.receive_for(Q, 1, 600_000)[0].text, "old");
    bench.pass(30_000);
    assert!(bench.texts(Q, 10).is_empty(), "old is in flight");
    assert!(bench.expire());
    assert_eq!(bench.texts(Q, 10), ["new"]);
}
