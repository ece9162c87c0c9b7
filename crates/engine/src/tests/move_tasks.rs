//! Move tasks: who may be emptied where to, how fast, and how it ends.

use super::bench::*;
use crate::*;

/// `dead` is the dead-letter queue of `q`, with so many messages that fell out of `q`.
fn with_dead_letters(count: u64) -> Bench {
    let mut bench = Bench::new();
    bench.create("dead", &[]);
    bench.create("q", &[("RedrivePolicy", &redrive_policy("dead", 1))]);
    bench.send_batch("q", (0..count).map(|n| outgoing(n, &format!("message {n}"))).collect());
    bench.receive_for("q", count as usize, 0);
    while bench.counts("dead").0 < count {
        assert!(bench.receive("q", 10).is_empty());
    }
    bench
}

fn view(bench: &mut Bench) -> TaskView {
    bench.tasks("dead").remove(0)
}

fn run(bench: &mut Bench, seconds: u64) {
    for _ in 0..seconds * 10 {
        bench.pass(100);
        bench.step_tasks();
    }
}

fn cancel(bench: &mut Bench, task: TaskId) -> Result<u64, EngineError> {
    match bench.decide(Command::CancelMoveTask(task))? {
        Reply::TaskCancelled { moved } => Ok(moved),
        other => panic!("{other:?}"),
    }
}

#[test]
fn messages_go_back_to_where_they_fell_out_as_new_ones() {
    let mut bench = with_dead_letters(3);
    bench.pass(1_000_000);
    let started_wall_ms = bench.wall_ms();
    let id = bench.start_move("dead", None, None).unwrap();
    assert!(bench.engine.has_running_tasks());
    let running = TaskView {
        id,
        status: TaskStatus::Running,
        source: named("dead"),
        destination: None,
        max_per_second: None,
        moved: 0,
        to_move: 3,
        failure: None,
        started_wall_ms,
    };
    assert_eq!(view(&mut bench), running);
    run(&mut bench, 1);
    assert_eq!(view(&mut bench), TaskView { status: TaskStatus::Completed, moved: 3, ..running });
    assert!(!bench.engine.has_running_tasks());
    let mut ids = Vec::new();
    for got in bench.receive("q", 10) {
        let moved = got.delivery.moved.unwrap();
        assert_eq!((got.delivery.receive_count, &moved.dead_letter_source), (1, &None));
        assert!(moved.sent_wall_ms.unwrap() > started_wall_ms);
        assert_eq!(got.delivery.first_received_wall_ms, bench.wall_ms());
        ids.push(moved.message_id.unwrap());
    }
    assert!(ids.iter().all(|id| id[6] >> 4 == 4 && id[8] >> 6 == 2), "UUIDs of version 4: {ids:?}");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3, "each has a new id of its own");
}

#[test]
fn a_destination_that_was_asked_for_takes_all_also_what_was_sent_directly() {
    let mut bench = with_dead_letters(2);
    bench.create("elsewhere", &[]);
    bench.send("dead", "sent directly");
    bench.start_move("dead", Some("elsewhere"), None).unwrap();
    run(&mut bench, 1);
    assert_eq!(view(&mut bench).status, TaskStatus::Completed);
    assert_eq!((bench.counts("elsewhere"), bench.counts("dead")), ((3, 0, 0), (0, 0, 0)));
}

#[test]
fn a_task_is_refused_for_these_reasons_in_this_order() {
    let mut bench = with_dead_letters(1);
    bench.create("plain", &[]);
    bench.create("x.fifo", &[]);
    for (source, destination, refused) in [
        ("absent", Some("absent"), EngineError::MoveSourceDoesNotExist),
        ("plain", Some("absent"), EngineError::SourceIsNoDeadLetterQueue),
        ("dead", Some("absent"), EngineError::MoveDestinationDoesNotExist),
    ] {
        assert_eq!(bench.start_move(source, destination, None), Err(refused));
    }
    for destination in ["dead", "x.fifo"] {
        let refused = bench.start_move("dead", Some(destination), None);
        assert!(matches!(refused, Err(EngineError::MoveDestinationUnfit(_))), "{refused:?}");
    }
    bench.start_move("dead", None, Some(1)).unwrap();
    assert_eq!(bench.start_move("dead", None, None), Err(EngineError::MoveTaskRunning));
    let absent = Command::ListMoveTasks { source: named("absent"), limit: 1 };
    assert_eq!(bench.decide(absent).unwrap_err(), EngineError::MoveSourceDoesNotExist);
}

#[test]
fn a_queue_that_nobody_names_any_more_is_no_dead_letter_queue() {
    let mut bench = with_dead_letters(1);
    bench.set("q", &[("RedrivePolicy", "")]);
    assert_eq!(bench.start_move("dead", None, None), Err(EngineError::SourceIsNoDeadLetterQueue));
}

#[test]
fn a_task_moves_no_faster_than_it_may() {
    let mut bench = with_dead_letters(100);
    bench.start_move("dead", None, Some(10)).unwrap();
    bench.step_tasks();
    assert_eq!(view(&mut bench).moved, 1, "one to begin with");
    run(&mut bench, 1);
    assert_eq!(view(&mut bench).moved, 11);
    run(&mut bench, 3);
    assert_eq!(view(&mut bench).moved, 41);
    bench.pass(3_600_000);
    bench.step_tasks();
    bench.step_tasks();
    assert_eq!(view(&mut bench).moved, 51, "an hour without a step is no burst");
    bench.pass(50);
    bench.step_tasks();
    assert_eq!(view(&mut bench).moved, 51, "half a message is none");
    bench.pass(50);
    bench.step_tasks();
    assert_eq!(view(&mut bench).moved, 52, "but it counts");
    run(&mut bench, 10);
    assert_eq!(view(&mut bench).status, TaskStatus::Completed);
}

#[test]
fn without_a_rate_a_task_moves_500_a_second() {
    let mut bench = with_dead_letters(1_200);
    bench.start_move("dead", None, None).unwrap();
    run(&mut bench, 1);
    assert_eq!(view(&mut bench).moved, 501);
    run(&mut bench, 1);
    assert_eq!(view(&mut bench).moved, 1_001);
    run(&mut bench, 1);
    assert_eq!((view(&mut bench).moved, view(&mut bench).status), (1_200, TaskStatus::Completed));
}

#[test]
fn a_cancelled_task_stops_and_leaves_the_rest() {
    let mut bench = with_dead_letters(10);
    let task = bench.start_move("dead", None, Some(1)).unwrap();
    run(&mut bench, 2);
    assert_eq!(
        cancel(&mut bench, TaskId { nonce: task.nonce ^ 1, ..task }),
        Err(EngineError::MoveTaskDoesNotExist)
    );
    assert_eq!(cancel(&mut bench, task), Ok(2));
    assert_eq!(view(&mut bench).status, TaskStatus::Cancelling);
    assert_eq!(cancel(&mut bench, task), Err(EngineError::MoveTaskDoesNotExist));
    assert_eq!(bench.start_move("dead", None, None), Err(EngineError::MoveTaskRunning));
    run(&mut bench, 5);
    assert_eq!((view(&mut bench).status, view(&mut bench).moved), (TaskStatus::Cancelled, 2));
    assert_eq!((bench.counts("dead"), bench.counts("q")), ((8, 0, 0), (2, 0, 0)));
    assert!(!bench.engine.has_running_tasks());
    bench.start_move("dead", None, None).unwrap();
}

#[test]
fn a_destination_deleted_in_mid_run_ends_in_failure() {
    for destination in [None, Some("q")] {
        let mut bench = with_dead_letters(5);
        let task = bench.start_move("dead", destination, Some(1)).unwrap();
        bench.step_tasks();
        bench.delete_queue("q");
        run(&mut bench, 2);
        let view = view(&mut bench);
        assert_eq!((view.status, view.moved), (TaskStatus::Failed, 1));
        assert_eq!(view.failure.as_deref(), Some("AWS.SimpleQueueService.NonExistentQueue"));
        assert_eq!(bench.counts("dead"), (4, 0, 0), "nothing is lost");
        assert_eq!(cancel(&mut bench, task), Err(EngineError::MoveTaskDoesNotExist));
    }
}

#[test]
fn a_message_that_fell_out_of_no_queue_ends_in_failure() {
    let mut bench = with_dead_letters(0);
    bench.send("dead", "sent directly");
    bench.start_move("dead", None, None).unwrap();
    run(&mut bench, 1);
    assert_eq!(view(&mut bench).status, TaskStatus::Failed);
    assert_eq!(view(&mut bench).failure.as_deref(), Some("CouldNotDetermineMessageSource"));
    assert_eq!(bench.counts("dead"), (1, 0, 0));
}

#[test]
fn what_is_in_flight_or_comes_later_stays() {
    let mut bench = with_dead_letters(3);
    let got = bench.receive_one("dead");
    bench.start_move("dead", Some("q"), Some(1)).unwrap();
    assert_eq!(view(&mut bench).to_move, 2);
    bench.send("dead", "came later");
    run(&mut bench, 5);
    assert_eq!((view(&mut bench).status, view(&mut bench).moved), (TaskStatus::Completed, 2));
    assert_eq!(bench.counts("dead"), (1, 1, 0));
    bench.delete("dead", &got).unwrap();
    assert_eq!(bench.texts("dead", 10), ["came later"]);
}

#[test]
fn a_task_over_an_empty_queue_completes() {
    let mut bench = with_dead_letters(0);
    bench.start_move("dead", None, None).unwrap();
    bench.step_tasks();
    assert_eq!((view(&mut bench).status, view(&mut bench).moved), (TaskStatus::Completed, 0));
    bench.send("dead", "one");
    bench.start_move("dead", Some("q"), Some(1)).unwrap();
    bench.purge("dead");
    run(&mut bench, 1);
    assert_eq!(view(&mut bench).status, TaskStatus::Completed, "also after a purge");
}

#[test]
fn a_deleted_source_ends_its_task() {
    let mut bench = with_dead_letters(3);
    let task = bench.start_move("dead", None, Some(1)).unwrap();
    bench.delete_queue("dead");
    assert!(!bench.engine.has_running_tasks());
    run(&mut bench, 1);
    assert_eq!(cancel(&mut bench, task), Err(EngineError::MoveTaskDoesNotExist));
}

#[test]
fn moved_messages_have_a_fresh_retention() {
    let mut bench = with_dead_letters(1);
    for queue in ["q", "dead"] {
        bench.set(queue, &[("MessageRetentionPeriod", "100")]);
    }
    bench.pass(99_000);
    bench.start_move("dead", None, None).unwrap();
    bench.step_tasks();
    bench.pass(99_999);
    assert!(!bench.expire());
    bench.pass(1);
    assert!(bench.expire());
    assert_eq!(bench.counts("q"), (0, 0, 0));
}

#[test]
fn fifo_messages_move_in_the_order_of_their_groups_and_around_what_is_held_up() {
    let mut bench = Bench::new();
    bench.create("dead.fifo", &[]);
    bench.create("q.fifo", &[("RedrivePolicy", &redrive_policy("dead.fifo", 1))]);
    for n in 0..12 {
        bench.send_to("dead.fifo", &format!("g{}", n % 3), &format!("{n:02}"));
    }
    let held = bench.receive_one("dead.fifo");
    bench.start_move("dead.fifo", Some("q.fifo"), None).unwrap();
    bench.pass(1_000);
    bench.step_tasks();
    assert_eq!((bench.counts("q.fifo"), bench.counts("dead.fifo")), ((8, 0, 0), (3, 1, 0)));
    for _ in 0..2 {
        let texts = bench.texts("q.fifo", 4);
        assert!(texts.len() == 4 && texts.is_sorted(), "{texts:?}");
    }
    bench.delete("dead.fifo", &held).unwrap();
    assert_eq!(bench.texts("dead.fifo", 10), ["03", "06", "09"]);
}

#[test]
fn the_ten_latest_tasks_are_listed_latest_first() {
    let mut bench = with_dead_letters(0);
    for number in 1..=12 {
        assert_eq!(bench.start_move("dead", None, None).unwrap().number, number);
        bench.step_tasks();
    }
    let numbers: Vec<u64> = bench.tasks("dead").iter().map(|task| task.id.number).collect();
    assert_eq!(numbers, [12, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
    let one = Command::ListMoveTasks { source: named("dead"), limit: 1 };
    assert!(
        matches!(bench.decide(one), Ok(Reply::Tasks(tasks)) if tasks.len() == 1 && tasks[0].id.number == 12)
    );
    assert!(bench.tasks("q").is_empty());
}
