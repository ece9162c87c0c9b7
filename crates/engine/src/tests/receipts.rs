//! Receipt handles, visibility timeouts, and the bounds on what is in flight.

use super::bench::*;
use crate::*;

fn one_message(queue: &str) -> Bench {
    let mut bench = Bench::new();
    bench.create(queue, &[]);
    bench.send_to(queue, "g", "one");
    bench
}

#[test]
fn a_received_message_is_hidden_for_its_timeout_to_the_millisecond() {
    for queue in ["q", "f.fifo"] {
        let mut bench = one_message(queue);
        assert_eq!(bench.texts(queue, 1), ["one"]);
        bench.pass(29_999);
        assert!(bench.texts(queue, 1).is_empty());
        bench.pass(1);
        assert_eq!(bench.texts(queue, 1), ["one"], "{queue}");
    }
}

#[test]
fn each_receive_counts_and_the_first_is_remembered() {
    let mut bench = one_message("q");
    let first_wall_ms = bench.wall_ms();
    let mut nonces = Vec::new();
    for count in 1..5 {
        let got = bench.receive_for("q", 1, 1_000).remove(0).delivery;
        assert_eq!((got.receive_count, got.first_received_wall_ms), (count, first_wall_ms));
        assert_eq!(got.moved, None);
        nonces.push(got.receipt.nonce);
        bench.pass(1_000);
    }
    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces.len(), 4, "each receive has a handle of its own");
}

#[test]
fn deleting_twice_succeeds() {
    for queue in ["q", "f.fifo"] {
        let mut bench = one_message(queue);
        let got = bench.receive_one(queue);
        for _ in 0..3 {
            assert_eq!(bench.delete(queue, &got), Ok(()));
        }
        assert_eq!(bench.delete_all(queue, &[got.clone(), got]), [Ok(()), Ok(())]);
        assert_eq!(bench.counts(queue), (0, 0, 0));
    }
}

#[test]
fn one_handle_twice_in_a_batch_deletes_once() {
    for queue in ["q", "f.fifo"] {
        let mut bench = one_message(queue);
        let got = bench.receive_one(queue);
        assert_eq!(bench.delete_all(queue, &[got.clone(), got]), [Ok(()), Ok(())]);
        assert_eq!(bench.counts(queue), (0, 0, 0));
    }
}

#[test]
fn a_lapsed_handle_deletes_on_a_standard_queue_and_errors_on_fifo() {
    for (queue, result, left) in [("q", Ok(()), 0), ("f.fifo", Err(EngineError::ReceiptExpired), 1)] {
        let mut bench = one_message(queue);
        let got = bench.receive_one(queue);
        bench.pass(30_000);
        assert_eq!(bench.delete(queue, &got), result);
        assert_eq!(bench.counts(queue), (left, 0, 0));
    }
}

#[test]
fn a_stale_handle_deletes_nothing_and_says_so_on_fifo_only() {
    for (queue, result) in [("q", Ok(())), ("f.fifo", Err(EngineError::ReceiptExpired))] {
        let mut bench = one_message(queue);
        let stale = bench.receive_one(queue);
        bench.pass(30_000);
        let current = bench.receive_one(queue);
        assert_eq!(bench.delete(queue, &stale), result);
        assert_eq!(bench.counts(queue), (0, 1, 0));
        assert_eq!(bench.delete(queue, &current), Ok(()));
        assert_eq!(bench.delete(queue, &stale), Ok(()), "what is gone is gone");
        assert_eq!(bench.counts(queue), (0, 0, 0));
    }
}

/// Recorded (an issue of the JavaScript SDK): on FIFO such a handle has expired before it is used.
#[test]
fn a_handle_received_with_visibility_0_deletes_on_a_standard_queue_and_errors_on_fifo() {
    for (queue, result) in [("q", Ok(())), ("f.fifo", Err(EngineError::ReceiptExpired))] {
        let mut bench = one_message(queue);
        let got = bench.receive_for(queue, 1, 0).remove(0);
        assert_eq!(bench.counts(queue), (1, 0, 0), "handed out, and visible still");
        assert_eq!(bench.delete(queue, &got), result, "{queue}");
    }
}

#[test]
fn a_handle_of_another_queue_is_refused_and_does_no_harm() {
    let mut bench = one_message("q");
    bench.create("other", &[]);
    bench.send("other", "two");
    let got = bench.receive_one("q");
    bench.receive_one("other");
    assert_eq!(bench.delete("other", &got), Err(EngineError::ReceiptOfOtherQueue));
    assert_eq!(bench.change("other", &got, 0), Err(EngineError::ReceiptOfOtherQueue));
    assert_eq!((bench.counts("q"), bench.counts("other")), ((0, 1, 0), (0, 1, 0)));
}

#[test]
fn each_entry_of_a_delete_batch_stands_for_itself() {
    let mut bench = one_message("f.fifo");
    bench.create("other", &[]);
    bench.send("other", "two");
    let (good, other) = (bench.receive_one("f.fifo"), bench.receive_one("other"));
    let mut wrong = good.clone();
    wrong.delivery.receipt.nonce += 1;
    assert_eq!(
        bench.delete_all("f.fifo", &[wrong, other, good]),
        [Err(EngineError::ReceiptExpired), Err(EngineError::ReceiptOfOtherQueue), Ok(())]
    );
    assert_eq!(bench.counts("f.fifo"), (0, 0, 0));
}

#[test]
fn a_changed_timeout_counts_from_the_change() {
    for queue in ["q", "f.fifo"] {
        let mut bench = one_message(queue);
        let got = bench.receive_one(queue);
        bench.pass(20_000);
        bench.change(queue, &got, 60_000).unwrap();
        bench.pass(59_999);
        assert_eq!(bench.counts(queue), (0, 1, 0));
        bench.change(queue, &got, 1_000).unwrap();
        bench.pass(1_000);
        assert_eq!(bench.counts(queue), (1, 0, 0));
    }
}

#[test]
fn visibility_0_gives_a_message_back_at_once() {
    for queue in ["q", "f.fifo"] {
        let mut bench = one_message(queue);
        let got = bench.receive_one(queue);
        bench.change(queue, &got, 0).unwrap();
        assert!(bench.ready.contains(&got.delivery.receipt.queue), "long polls are told");
        assert_eq!(bench.receive_one(queue).delivery.receive_count, 2);
    }
}

/// Recorded: ChangeMessageVisibility with the last handle on a message that is visible again hides it again.
#[test]
fn a_lapsed_handle_hides_a_standard_message_again() {
    let mut bench = one_message("q");
    let got = bench.receive_one("q");
    bench.pass(30_000);
    assert_eq!(bench.counts("q"), (1, 0, 0));
    bench.change("q", &got, 5_000).unwrap();
    assert_eq!(bench.counts("q"), (0, 1, 0));
    bench.pass(5_000);
    assert_eq!(bench.counts("q"), (1, 0, 0));
}

/// Recorded: "first handle with 0 made the message visible though the second was out". The engine knew only the last.
#[test]
fn an_older_handle_changes_a_standard_messages_visibility() {
    let mut bench = one_message("q");
    let first = bench.receive_one("q");
    bench.pass(30_000);
    let second = bench.receive_one("q");
    bench.change("q", &first, 0).unwrap();
    assert_eq!(bench.counts("q"), (1, 0, 0));
    assert_eq!(bench.delete("q", &second), Ok(()), "the second is the last handle still");
    assert_eq!(bench.counts("q"), (0, 0, 0));
}

#[test]
fn a_fifo_handle_changes_nothing_after_its_time() {
    let mut bench = one_message("f.fifo");
    let first = bench.receive_one("f.fifo");
    bench.pass(30_000);
    assert_eq!(bench.change("f.fifo", &first, 0), Err(EngineError::MessageNotAvailable), "lapsed");
    let second = bench.receive_one("f.fifo");
    assert_eq!(bench.change("f.fifo", &first, 0), Err(EngineError::MessageNotAvailable), "superseded");
    bench.change("f.fifo", &second, 0).unwrap();
}

#[test]
fn the_visibility_of_a_deleted_message_is_not_changed() {
    for queue in ["q", "f.fifo"] {
        let mut bench = one_message(queue);
        let got = bench.receive_one(queue);
        bench.delete(queue, &got).unwrap();
        assert_eq!(bench.change(queue, &got, 0), Err(EngineError::MessageNotAvailable));
    }
}

#[test]
fn visibility_ends_12_hours_after_the_receive() {
    for queue in ["q", "f.fifo"] {
        let mut bench = one_message(queue);
        let got = bench.receive_one(queue);
        bench.change(queue, &got, 43_200_000).unwrap();
        bench.pass(1);
        assert_eq!(bench.change(queue, &got, 43_200_000), Err(EngineError::VisibilityBeyondLimit));
        bench.change(queue, &got, 43_199_999).unwrap();
        bench.pass(43_199_998);
        assert_eq!(bench.change(queue, &got, 2), Err(EngineError::VisibilityBeyondLimit));
        bench.change(queue, &got, 1).unwrap();
        bench.pass(1);
        assert_eq!(bench.counts(queue), (1, 0, 0));
        let again = bench.receive_one(queue);
        bench.change(queue, &again, 43_200_000).unwrap();
    }
}

#[test]
fn a_delayed_message_comes_when_it_is_due() {
    let mut bench = Bench::new();
    bench.create("q", &[("DelaySeconds", "2")]);
    bench.send("q", "queue's delay");
    bench.try_send("q", Outgoing { delay_ms: Some(0), ..outgoing(1, "none") }).unwrap();
    bench.try_send("q", Outgoing { delay_ms: Some(900_000), ..outgoing(2, "own delay") }).unwrap();
    let id = bench.engine.queue_id(&named("q")).unwrap();
    assert_eq!(bench.counts("q"), (1, 0, 2));
    assert_eq!(bench.texts("q", 10), ["none"]);
    let due_ms = bench.engine.next_change_ms(id, bench.now_ms).unwrap();
    assert!((START_MS + 2_000..START_MS + 2_050).contains(&due_ms), "{due_ms}");
    bench.pass(1_999);
    assert!(bench.texts("q", 10).is_empty());
    bench.pass(51);
    assert_eq!(bench.texts("q", 10), ["queue's delay"]);
    bench.pass(900_000);
    assert!(bench.texts("q", 10).contains(&"own delay".to_owned()));
}

#[test]
fn messages_that_become_due_together_come_in_the_order_of_their_dues() {
    let mut bench = Bench::new();
    bench.create("q", &[]);
    bench.try_send("q", Outgoing { delay_ms: Some(2_000), ..outgoing(1, "later") }).unwrap();
    bench.pass(990);
    bench.try_send("q", Outgoing { delay_ms: Some(1_000), ..outgoing(2, "sooner") }).unwrap();
    bench.pass(2_000);
    assert_eq!(bench.texts("q", 10), ["sooner", "later"]);
}

#[test]
fn a_standard_queue_answers_over_limit_beyond_120_000_in_flight() {
    let mut bench = Bench::new();
    bench.create("q", &[]);
    let messages: Vec<Outgoing> = (0..120_003).map(|n| outgoing(n, "m")).collect();
    bench.send_batch("q", messages);
    let got = bench.receive("q", 119_995);
    assert_eq!(got.len(), 119_995);
    assert_eq!(bench.receive("q", 10).len(), 5, "up to the limit");
    assert_eq!(bench.try_receive(receive("q", 1)), Err(EngineError::OverLimit));
    assert_eq!(bench.counts("q"), (3, 120_000, 0));
    bench.delete("q", &got[7]).unwrap();
    assert_eq!(bench.receive("q", 10).len(), 1);
    assert_eq!(bench.try_receive(receive("q", 1)), Err(EngineError::OverLimit));
    bench.pass(30_000);
    assert_eq!(bench.receive("q", 10).len(), 10);
}

#[test]
fn a_fifo_queue_answers_fewer_messages_beyond_120_000_in_flight() {
    let mut bench = Bench::new();
    bench.create("f.fifo", &[]);
    let of_group = |n: u64| Outgoing {
        group: Some(format!("g{}", n / 10_000)),
        deduplication_id: Some(n.to_string()),
        ..outgoing(n, "m")
    };
    bench.send_batch("f.fifo", (0..130_000).map(of_group).collect());
    let got = bench.receive("f.fifo", 119_995);
    assert_eq!(got.len(), 119_995);
    bench.pass(1);
    let more = bench.receive("f.fifo", 10);
    assert_eq!(more.len(), 5, "up to the limit, of a group that is free");
    assert!(bench.receive("f.fifo", 10).is_empty(), "and no error");
    assert_eq!(bench.delete_all("f.fifo", &more), vec![Ok(()); 5]);
    assert_eq!(bench.receive("f.fifo", 10).len(), 5);
}

#[test]
fn peeking_changes_nothing() {
    let mut bench = Bench::new();
    bench.create("q", &[("VisibilityTimeout", "0")]);
    bench.create("f.fifo", &[("DelaySeconds", "5")]);
    for n in 0..9 {
        bench.send("q", &format!("message {n}"));
        bench.send_to("f.fifo", &format!("g{}", n % 2), &format!("message {n}"));
    }
    bench.try_send("q", Outgoing { delay_ms: Some(5_000), ..outgoing(1, "delayed") }).unwrap();
    bench.receive_for("q", 3, 10_000);
    bench.receive("q", 1);
    let written = bench.log.written.len();
    let before = fork(&bench.engine);
    for _ in 0..3 {
        let seen = bench.peek("q");
        let states: Vec<PeekState> = seen.iter().map(|seen| seen.state).collect();
        assert_eq!(states[..3], [PeekState::InFlight; 3]);
        assert_eq!(states[3..9], [PeekState::Visible; 6]);
        assert_eq!(states[9..], [PeekState::Delayed]);
        assert_eq!((seen[3].receive_count, seen[4].receive_count), (1, 0));
        assert!(bench.peek("f.fifo").iter().all(|seen| seen.state == PeekState::Delayed));
    }
    match bench.decide(Command::Peek { name: named("q"), which: Which::first(4) }).unwrap() {
        Reply::Peeked(seen) => assert_eq!(seen.len(), 4),
        other => panic!("{other:?}"),
    }
    assert_eq!(bench.log.written.len(), written);
    bench.assert_same(&before);
}

#[test]
fn a_message_goes_when_its_retention_is_over_to_the_millisecond() {
    for queue in ["q", "f.fifo"] {
        let mut bench = Bench::new();
        bench.create(queue, &[("MessageRetentionPeriod", "60")]);
        bench.send_to(queue, "g", "one");
        bench.send_to(queue, "h", "in flight");
        bench.pass(59_999);
        assert!(!bench.expire());
        let got = bench.receive_for(queue, 1, 100_000);
        assert_eq!(got.len(), 1);
        bench.pass(1);
        bench.expire = false;
        assert!(!bench.expire(), "while the clock is in doubt nothing goes");
        assert_eq!(bench.receive_for(queue, 1, 0).len(), 1);
        bench.expire = true;
        assert!(bench.receive(queue, 10).is_empty(), "{queue}");
        assert_eq!(bench.counts(queue), (0, 1, 0));
        assert!(bench.expire(), "also what is in flight");
        assert!(!bench.expire());
        assert_eq!(bench.counts(queue), (0, 0, 0));
        assert_eq!(bench.delete(queue, &got[0]), Ok(()));
    }
}

#[test]
fn expiry_goes_through_deep_queues_bit_by_bit() {
    let mut bench = Bench::new();
    for queue in ["a", "b"] {
        bench.create(queue, &[("MessageRetentionPeriod", "60")]);
        bench.send_batch(queue, (0..2_500).map(|n| outgoing(n, "m")).collect());
        bench.receive(queue, 1_500);
    }
    bench.pass(60_000);
    let mut calls = 0;
    while bench.expire() {
        calls += 1;
        assert!(calls < 20);
    }
    assert!(calls > 1, "not all in one go");
    assert_eq!((bench.counts("a"), bench.counts("b")), ((0, 0, 0), (0, 0, 0)));
}

/// A receive that clears 500 expired messages away stops and answers with nothing. Long polls were not told that there
/// was more behind, and waited until something else happened.
#[test]
fn a_receive_that_stops_after_clearing_tells_who_waits_to_look_again() {
    let mut bench = Bench::new();
    bench.create("q", &[("MessageRetentionPeriod", "60")]);
    bench.send_batch("q", (0..700).map(|n| outgoing(n, "old")).collect());
    bench.pass(60_000);
    bench.send("q", "alive");
    let id = bench.engine.queue_id(&named("q")).unwrap();
    assert!(bench.receive("q", 10).is_empty());
    assert!(bench.ready.contains(&id));
    assert_eq!(bench.texts("q", 10), ["alive"]);
}
