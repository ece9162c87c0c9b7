//! Dead-letter queues: when a message moves, what it keeps, and what happens without a queue to move to.

use super::bench::*;
use crate::*;

/// A dead-letter queue `dead` and a source `q` (both with this suffix) that allows so many receives.
fn with_dead_letters(suffix: &str, count: u32) -> (Bench, String, String) {
    let (q, dead) = (format!("q{suffix}"), format!("dead{suffix}"));
    let mut bench = Bench::new();
    bench.create(&dead, &[]);
    bench.create(&q, &[("RedrivePolicy", &redrive_policy(&dead, count))]);
    (bench, q, dead)
}

/// Receives it until it moves.
fn fail_all(bench: &mut Bench, queue: &str) {
    while !bench.receive_for(queue, 10, 0).is_empty() {}
}

#[test]
fn a_message_moves_on_the_receive_that_would_exceed_the_count() {
    for suffix in ["", ".fifo"] {
        let (mut bench, q, dead) = with_dead_letters(suffix, 3);
        bench.send_to(&q, "g", "one");
        for count in 1..=3 {
            let got = bench.receive_for(&q, 1, 1_000).remove(0);
            assert_eq!(got.delivery.receive_count, count);
            bench.pass(1_000);
            assert_eq!((bench.counts(&q), bench.counts(&dead)), ((1, 0, 0), (0, 0, 0)), "not before");
        }
        assert!(bench.receive(&q, 1).is_empty());
        let id = bench.engine.queue_id(&named(&dead)).unwrap();
        assert!(bench.ready.contains(&id), "who waits at the dead-letter queue is told");
        assert_eq!((bench.counts(&q), bench.counts(&dead)), ((0, 0, 0), (1, 0, 0)));
    }
}

#[test]
fn body_group_and_first_receive_stay_and_the_count_goes_on() {
    for suffix in ["", ".fifo"] {
        let (mut bench, q, dead) = with_dead_letters(suffix, 1);
        bench.send_to(&q, "g", "one");
        let first = bench.receive_for(&q, 1, 0).remove(0).delivery;
        bench.pass(5_000);
        bench.receive(&q, 1);
        let got = bench.receive_one(&dead);
        assert_eq!(
            (got.text.as_str(), got.delivery.body),
            ("one", first.body),
            "its bytes stay where they lie"
        );
        assert_eq!(got.delivery.receive_count, 2);
        assert_eq!(got.delivery.first_received_wall_ms, first.first_received_wall_ms);
        let moved = got.delivery.moved.unwrap();
        assert_eq!((&moved.dead_letter_source, moved.message_id), (&Some(named(&q)), None));
    }
}

#[test]
fn the_enqueue_time_stays_on_standard_and_is_new_on_fifo() {
    for (suffix, stays) in [("", true), (".fifo", false)] {
        let (mut bench, q, dead) = with_dead_letters(suffix, 1);
        bench.set(&dead, &[("MessageRetentionPeriod", "100")]);
        bench.send_to(&q, "g", "one");
        bench.receive_for(&q, 1, 0);
        bench.pass(50_000);
        bench.receive(&q, 1);
        let sent = bench.peek(&dead)[0].moved.clone().unwrap().sent_wall_ms;
        assert_eq!(sent, (!stays).then_some(bench.wall_ms()), "{dead}");
        bench.pass(50_000);
        assert_eq!(bench.receive_for(&dead, 1, 0).is_empty(), stays, "retention counts from it in {dead}");
        bench.pass(50_000);
        assert!(bench.receive(&dead, 1).is_empty());
    }
}

#[test]
fn a_dead_letter_makes_way_for_the_next_message_in_the_same_receive() {
    let (mut bench, q, dead) = with_dead_letters(".fifo", 1);
    ["a", "b", "c"].iter().for_each(|text| _ = bench.send_to(&q, "g", text));
    let got = bench.receive(&q, 1);
    bench.change(&q, &got[0], 0).unwrap();
    assert_eq!(bench.texts(&q, 2), ["b", "c"]);
    assert_eq!(bench.texts(&dead, 2), ["a"]);
}

#[test]
fn without_its_queue_a_dead_letter_stays_and_is_handed_out() {
    let (mut bench, q, dead) = with_dead_letters("", 1);
    bench.send(&q, "one");
    bench.receive_for(&q, 1, 0);
    bench.delete_queue(&dead);
    for count in 2..5 {
        assert_eq!(bench.receive_for(&q, 1, 0)[0].delivery.receive_count, count);
    }
    bench.pass(60_000);
    bench.create(&dead, &[]);
    assert!(bench.receive(&q, 1).is_empty());
    assert_eq!(bench.receive_one(&dead).delivery.receive_count, 5, "when there is one again it moves");
}

#[test]
fn a_queue_that_is_its_own_dead_letter_queue_hands_out_for_ever() {
    let mut bench = Bench::new();
    bench.create("q", &[]);
    bench.set("q", &[("RedrivePolicy", &redrive_policy("q", 1))]);
    bench.send("q", "one");
    for count in 1..5 {
        assert_eq!(bench.receive_for("q", 1, 0)[0].delivery.receive_count, count);
    }
}

#[test]
fn dead_letters_may_go_on_to_the_dead_letter_queue_of_their_queue_and_in_circles() {
    let (mut bench, q, dead) = with_dead_letters("", 1);
    bench.set(&dead, &[("RedrivePolicy", &redrive_policy(&q, 3))]);
    bench.send(&q, "one");
    fail_all(&mut bench, &q);
    let got = bench.receive_for(&dead, 1, 0).remove(0).delivery;
    assert_eq!((got.receive_count, got.moved.unwrap().dead_letter_source.clone()), (2, Some(named(&q))));
    fail_all(&mut bench, &dead);
    let seen = bench.peek(&q).remove(0);
    assert_eq!((seen.receive_count, seen.moved.unwrap().dead_letter_source.clone()), (3, Some(named(&dead))));
    assert!(bench.receive(&q, 1).is_empty(), "its count is beyond q's as well");
    assert_eq!((bench.counts(&q), bench.counts(&dead)), ((0, 0, 0), (1, 0, 0)));
}

#[test]
fn dead_letters_of_a_group_arrive_in_their_order() {
    let (mut bench, q, dead) = with_dead_letters(".fifo", 1);
    for n in 0..30 {
        bench.send_to(&q, &format!("g{}", n % 3), &format!("{n:02}"));
    }
    bench.receive_for(&q, 30, 0);
    assert!(bench.receive(&q, 1).is_empty());
    assert_eq!(bench.counts(&dead), (30, 0, 0));
    for _ in 0..3 {
        let texts = bench.texts(&dead, 10);
        assert_eq!(texts.len(), 10);
        assert!(texts.is_sorted(), "{texts:?}");
    }
}

#[test]
fn a_raised_or_removed_count_lets_messages_be_received_again() {
    let (mut bench, q, dead) = with_dead_letters("", 1);
    bench.send(&q, "one");
    bench.receive_for(&q, 1, 0);
    bench.set(&q, &[("RedrivePolicy", &redrive_policy(&dead, 2))]);
    assert_eq!(bench.receive_for(&q, 1, 0).len(), 1);
    bench.set(&q, &[("RedrivePolicy", "")]);
    assert_eq!(bench.receive_for(&q, 1, 0)[0].delivery.receive_count, 3);
    assert_eq!(bench.counts(&dead), (0, 0, 0));
}

#[test]
fn a_moved_message_is_out_of_its_old_handles_reach() {
    for suffix in ["", ".fifo"] {
        let (mut bench, q, dead) = with_dead_letters(suffix, 1);
        bench.send_to(&q, "g", "one");
        let got = bench.receive_for(&q, 1, 0).remove(0);
        bench.receive(&q, 1);
        assert_eq!(bench.delete(&q, &got), Ok(()));
        assert_eq!(bench.change(&q, &got, 0), Err(EngineError::MessageNotAvailable));
        assert_eq!(bench.counts(&dead), (1, 0, 0));
    }
}

#[test]
fn a_delay_of_the_dead_letter_queue_does_not_apply_to_what_moves_in() {
    for suffix in ["", ".fifo"] {
        let (mut bench, q, dead) = with_dead_letters(suffix, 1);
        bench.set(&dead, &[("DelaySeconds", "900")]);
        bench.send_to(&q, "g", "one");
        bench.receive_for(&q, 1, 0);
        bench.receive(&q, 1);
        assert_eq!(bench.texts(&dead, 1), ["one"], "{dead}");
    }
}
