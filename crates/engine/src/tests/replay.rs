//! A log that is read again makes the same store. The random histories attack this; here are the cases with a story.

use super::bench::*;
use crate::*;

/// Found by the random histories' author, not by them: records of what expired during a receive come before the
/// record of what it handed out, though it happened the other way round. Where an expired message (late, because it
/// had been delayed) lay behind a younger one, replay removed it from the middle of the packed rows, which then were
/// packed anew and differed from those of the engine that had decided.
#[test]
fn an_expired_message_behind_a_younger_one_leaves_the_same_rows_behind() {
    let mut bench = Bench::new();
    bench.create("q", &[("MessageRetentionPeriod", "60")]);
    bench.try_send("q", Outgoing { delay_ms: Some(50_000), ..outgoing(1, "late") }).unwrap();
    bench.pass(30_000);
    bench.send("q", "handed out before");
    bench.send("q", "younger");
    bench.pass(21_000);
    bench.send("q", "third");
    bench.send("q", "fourth");
    assert_eq!(bench.texts("q", 1), ["handed out before"]);
    bench.send("q", "fifth");
    bench.pass(10_000);
    assert_eq!(bench.texts("q", 2), ["younger", "third"]);
    assert_eq!(bench.counts("q"), (2, 3, 0));
}

#[test]
fn visibility_0_within_one_moment_replays() {
    let mut bench = Bench::new();
    bench.create("q", &[]);
    bench.create("f.fifo", &[]);
    bench.send("q", "one");
    bench.send_to("f.fifo", "g", "one");
    bench.send_to("f.fifo", "g", "two");
    for count in 1..4 {
        for queue in ["q", "f.fifo"] {
            let got = bench.receive_for(queue, 1, 0);
            assert_eq!((got[0].text.as_str(), got[0].delivery.receive_count), ("one", count), "{queue}");
        }
    }
    let got = bench.receive_one("q");
    bench.change("q", &got, 0).unwrap();
    let got = bench.receive_one("q");
    bench.delete("q", &got).unwrap();
    assert_eq!(bench.counts("q"), (0, 0, 0));
}

#[test]
fn a_queue_that_was_deleted_and_made_again_in_one_moment_replays() {
    let mut bench = Bench::with(Options { cooldowns: false });
    for round in 0..3 {
        bench.create("dead", &[]);
        bench.create("q", &[("RedrivePolicy", &redrive_policy("dead", 1))]);
        assert_eq!(bench.counts("q"), (0, 0, 0), "round {round}");
        bench.send("q", "one");
        bench.receive_for("q", 1, 0);
        bench.receive("q", 1);
        assert_eq!(bench.counts("dead"), (1, 0, 0));
        bench.delete_queue("q");
        if round == 1 {
            bench.delete_queue("dead");
        }
        if round == 0 {
            bench.purge("dead");
        }
    }
    assert_eq!(bench.engine.directory.last_queue_id, 5);
}

#[test]
fn a_bad_record_is_refused_and_does_not_panic() {
    let mut bench = Bench::new();
    bench.create("q", &[]);
    let id = bench.engine.queue_id(&named("q")).unwrap();
    let body = BodyRef { position: 1, len: 1 };
    let gone = QueueId(77);
    let records = [
        Record::QueueDeleted { queue: gone },
        Record::TagsSet { queue: gone, tags: StringMap::new() },
        Record::Removed { queue: id, messages: vec![(1, 0)], at_ms: 5 },
        Record::Removed { queue: id, messages: vec![(1, u32::MAX)], at_ms: 5 },
        Record::VisibilityChanged { queue: id, sequence: 9, at_ms: 5, visible_at_ms: 6 },
        Record::ReceivedAgain { queue: id, attempt_key: 4, visible_at_ms: 6 },
        Record::TaskEnded { queue: id, number: 1, status: TaskStatus::Completed, failure: None },
        Record::TaskProgressed { queue: id, number: 1, moved: 1, credit_milli: 0, at_ms: 5 },
        Record::Received {
            queue: id,
            picks: vec![(1, 3)],
            nonce: 1,
            at_ms: 5,
            visible_at_ms: 6,
            wall_ms: 7,
            attempt_key: 0,
        },
    ];
    let mut engine = bench.replay_all();
    for record in records {
        assert!(engine.apply(&record, body).is_err(), "{record:?}");
    }
}

#[test]
fn a_running_move_task_goes_on_after_a_restart() {
    let mut bench = Bench::new();
    bench.create("dead", &[]);
    bench.create("q", &[("RedrivePolicy", &redrive_policy("dead", 1))]);
    (0..20).for_each(|n| _ = bench.send("dead", &format!("message {n}")));
    let task = bench.start_move("dead", Some("q"), Some(4)).unwrap();
    bench.step_tasks();
    bench.pass(500);
    bench.step_tasks();
    assert_eq!(bench.tasks("dead")[0].moved, 3);

    let mut restarted = Engine::new(bench.options);
    for entity in bench.engine.entities() {
        restarted.restore(entity, &bench.engine.freeze(entity).unwrap().encode()).unwrap();
    }
    restarted.finish_replay();
    bench.assert_same(&restarted);
    bench.engine = restarted;

    assert!(bench.engine.has_running_tasks());
    for _ in 0..40 {
        bench.pass(500);
        bench.step_tasks();
    }
    let view = bench.tasks("dead").remove(0);
    assert_eq!((view.id, view.status, view.moved), (task, TaskStatus::Completed, 20));
    assert!(!bench.engine.has_running_tasks());
    assert_eq!((bench.counts("dead"), bench.counts("q")), ((0, 0, 0), (20, 0, 0)));
}

#[test]
fn the_store_is_made_once() {
    let mut bench = Bench::new();
    assert_eq!(bench.engine.secret(), None);
    for secret in [[1; 32], [2; 32]] {
        let moment = bench.moment();
        bench.engine.create_store(moment, secret, &mut bench.log);
    }
    assert_eq!((bench.engine.secret(), bench.log.written.len()), (Some([1; 32]), 1));
}

#[test]
fn only_what_still_lies_where_it_was_read_is_relocated() {
    let mut bench = Bench::new();
    bench.create("q", &[]);
    (0..5).for_each(|n| _ = bench.send("q", &format!("message {n}")));
    bench.try_send("q", Outgoing { delay_ms: Some(9_000), ..outgoing(9, "delayed") }).unwrap();
    let got = bench.receive("q", 2);
    let read = bench.read_for_relocation(0, u64::MAX);
    assert_eq!(read.len(), 6);
    let id = read[0].0;
    let found: Vec<Relocation> = read.into_iter().map(|(_, found)| found).collect();
    bench.delete("q", &got[0]).unwrap();
    assert_eq!(bench.relocate(id, &found), 5, "one was deleted meanwhile");
    assert_eq!(bench.relocate(id, &found), 0, "all lie elsewhere now");
    assert_eq!(bench.relocate(QueueId(99), &found), 0);
    bench.pass(30_000);
    let texts = bench.texts("q", 10);
    assert_eq!(texts, ["message 1", "message 2", "message 3", "message 4", "delayed"]);
}
