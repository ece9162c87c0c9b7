//! What a queue's operator does: looking page by page, removing and moving single messages, seeing all queues.

use super::bench::*;
use crate::*;

fn page(bench: &mut Bench, name: &str, state: Option<PeekState>, skip: u64, limit: usize) -> Vec<Peeked> {
    let which = Which::Page { state, skip, limit };
    match bench.decide(Command::Peek { name: named(name), which }).unwrap() {
        Reply::Peeked(seen) => seen,
        other => panic!("{other:?}"),
    }
}

fn sequences(seen: &[Peeked]) -> Vec<u64> {
    seen.iter().map(|seen| seen.sequence).collect()
}

fn operate(
    bench: &mut Bench,
    name: &str,
    sequences: &[u64],
    act: Act,
) -> Result<Vec<Result<(), EngineError>>, EngineError> {
    let id = bench.describe(name).id;
    let messages = sequences.iter().map(|sequence| (id, *sequence)).collect();
    let command = Command::Operate { name: named(name), messages, act };
    let results = match bench.decide(command)? {
        Reply::Each(results) => results,
        other => panic!("{other:?}"),
    };
    bench.verify();
    bench.assert_same(&bench.replay_all());
    Ok(results)
}

/// `q` with messages 1 to 7 in flight, 8 to 990 visible, and 991 to 1000 delayed.
fn deep() -> Bench {
    let mut bench = Bench::new();
    bench.create("q", &[]);
    bench.send_batch("q", (0..990).map(|n| outgoing(n, &format!("message {n}"))).collect());
    let delayed = |n| Outgoing { delay_ms: Some(900_000), ..outgoing(n, &format!("message {n}")) };
    bench.send_batch("q", (990..1000).map(delayed).collect());
    assert_eq!(bench.receive("q", 7).len(), 7);
    bench
}

#[test]
fn pages_cover_everything_once() {
    let mut bench = deep();
    for limit in [1, 7, 130, 1000] {
        let mut seen = Vec::new();
        loop {
            let next = page(&mut bench, "q", None, seen.len() as u64, limit);
            assert!(next.len() <= limit);
            if next.is_empty() {
                break;
            }
            seen.extend(sequences(&next));
        }
        assert!(seen.iter().copied().eq(1..=1000), "{limit}");
    }
    assert_eq!(bench.counts("q"), (983, 7, 10), "and nothing was touched");
}

#[test]
fn a_page_is_of_one_state() {
    let mut bench = deep();
    let mut of = |state, skip, limit| sequences(&page(&mut bench, "q", Some(state), skip, limit));
    assert_eq!(of(PeekState::InFlight, 0, 100), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(of(PeekState::InFlight, 5, 100), [6, 7]);
    assert_eq!(of(PeekState::Visible, 0, 2), [8, 9]);
    assert_eq!(of(PeekState::Visible, 981, 100), [989, 990]);
    assert_eq!(of(PeekState::Delayed, 8, 100), [999, 1000]);
    assert!(of(PeekState::Delayed, 10, 100).is_empty() && of(PeekState::Visible, u64::MAX, 1).is_empty());
}

#[test]
fn a_fifo_queues_delay_shows() {
    let mut bench = Bench::new();
    bench.create(
        "q.fifo",
        &[("FifoQueue", "true"), ("DelaySeconds", "60"), ("ContentBasedDeduplication", "true")],
    );
    bench.send_to("q.fifo", "a", "old");
    bench.send_to("q.fifo", "b", "old too");
    bench.pass(61_000);
    bench.send_to("q.fifo", "a", "new");
    let mut of = |state| sequences(&page(&mut bench, "q.fifo", Some(state), 0, 10));
    assert_eq!(of(PeekState::Visible), [1, 2]);
    assert_eq!(of(PeekState::Delayed), [3]);
    assert_eq!(sequences(&page(&mut bench, "q.fifo", None, 0, 10)), [1, 2, 3]);
    assert_eq!(bench.describe("q.fifo").oldest_age_ms, Some(61_000));
}

#[test]
fn single_messages_are_found_wherever_they_are() {
    let mut bench = deep();
    let which = Which::Of(bench.describe("q").id, vec![995, 3, 500, 3, 4000]);
    let Reply::Peeked(seen) = bench.decide(Command::Peek { name: named("q"), which }).unwrap() else {
        panic!()
    };
    assert_eq!(sequences(&seen), [3, 500, 995]);
    assert_eq!(
        seen.iter().map(|seen| seen.state).collect::<Vec<_>>(),
        [PeekState::InFlight, PeekState::Visible, PeekState::Delayed]
    );
}

#[test]
fn messages_are_discarded_wherever_they_are() {
    let mut bench = deep();
    let gone = Err(EngineError::MessageNotAvailable);
    let results = operate(&mut bench, "q", &[2, 8, 600, 600, 1000, 4000], Act::Discard).unwrap();
    assert_eq!(results, [Ok(()), Ok(()), Ok(()), gone.clone(), Ok(()), gone]);
    assert_eq!(bench.counts("q"), (981, 6, 9));
    let seen = sequences(&page(&mut bench, "q", None, 0, 1000));
    assert!([2, 8, 600, 1000].iter().all(|one| !seen.contains(one)) && seen.len() == 996);
}

#[test]
fn a_discarded_message_frees_its_group() {
    let mut bench = Bench::new();
    bench.create("q.fifo", &[("FifoQueue", "true"), ("ContentBasedDeduplication", "true")]);
    bench.send_to("q.fifo", "a", "stuck");
    bench.send_to("q.fifo", "a", "next");
    bench.receive("q.fifo", 1);
    assert!(bench.receive("q.fifo", 1).is_empty());
    assert_eq!(operate(&mut bench, "q.fifo", &[1], Act::Discard).unwrap(), [Ok(())]);
    assert_eq!(bench.texts("q.fifo", 1), ["next"]);
}

#[test]
fn chosen_dead_letters_go_back_as_new_messages() {
    let mut bench = Bench::new();
    bench.create("dead", &[]);
    bench.create("q", &[("RedrivePolicy", &redrive_policy("dead", 1))]);
    bench.create("other", &[]);
    bench.send_batch("q", (0..4).map(|n| outgoing(n, &format!("message {n}"))).collect());
    bench.receive_for("q", 4, 0);
    while bench.counts("dead").0 < 4 {
        assert!(bench.receive("q", 10).is_empty());
    }
    let ids: Vec<u64> = sequences(&bench.peek("dead"));
    assert_eq!(operate(&mut bench, "dead", &[ids[2]], Act::Move { to: None }).unwrap(), [Ok(())]);
    let to = Some(named("other"));
    let moved = operate(&mut bench, "dead", &[ids[0], ids[3]], Act::Move { to }).unwrap();
    assert_eq!(moved, [Ok(()), Ok(())]);
    assert_eq!((bench.counts("dead").0, bench.counts("q").0, bench.counts("other").0), (1, 1, 2));
    let got = bench.receive_one("q");
    assert_eq!(got.delivery.receive_count, 1, "counted anew");
    let messages = bench.peek("other");
    let new_ids: Vec<_> =
        messages.iter().map(|seen| seen.moved.as_ref().unwrap().message_id.unwrap()).collect();
    assert_ne!(new_ids[0], new_ids[1]);
}

#[test]
fn what_can_not_move_stays() {
    let mut bench = deep();
    bench.create("other", &[]);
    bench.create("other.fifo", &[("FifoQueue", "true")]);
    let to = |name: &str| Act::Move { to: Some(named(name)) };
    let gone = EngineError::MessageNotAvailable;
    assert_eq!(operate(&mut bench, "q", &[1], to("other")).unwrap(), [Err(gone)], "it is being worked on");
    assert!(operate(&mut bench, "q", &[9], Act::Move { to: None }).unwrap()[0].is_err(), "from nowhere");
    for unfit in ["q", "other.fifo"] {
        let refused = operate(&mut bench, "q", &[9], to(unfit));
        assert!(matches!(refused, Err(EngineError::MoveDestinationUnfit(_))), "{refused:?}");
    }
    let missing = operate(&mut bench, "q", &[9], to("nowhere"));
    assert_eq!(missing, Err(EngineError::MoveDestinationDoesNotExist));
    assert_eq!(bench.counts("q"), (983, 7, 10));
    assert_eq!(operate(&mut bench, "q", &[9, 500, 1000], to("other")).unwrap(), [Ok(()), Ok(()), Ok(())]);
    assert_eq!((bench.counts("q"), bench.counts("other")), ((981, 7, 9), (3, 0, 0)));
}

#[test]
fn a_survey_shows_all_queues_page_by_page() {
    let mut bench = Bench::new();
    bench.create("dead", &[]);
    for name in ["a", "b", "c"] {
        bench.create(name, &[("RedrivePolicy", &redrive_policy("dead", 1))]);
    }
    bench.send("b", "hello");
    bench.pass(5_000);
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let reply = bench.decide(Command::Survey { after: after.take(), limit: 3 }).unwrap();
        let Reply::Surveyed { queues, more } = reply else { panic!("{reply:?}") };
        after = queues.last().map(|queue| queue.name.clone());
        seen.extend(queues);
        if !more {
            break;
        }
    }
    let names: Vec<&str> = seen.iter().map(|queue| queue.name.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c", "dead"]);
    assert_eq!((seen[1].visible, seen[1].oldest_age_ms), (1, Some(5_000)));
    assert_eq!((seen[0].visible, seen[0].oldest_age_ms), (0, None));
    assert_eq!((seen[3].sources, seen[0].dead_letter_target.clone()), (3, Some(named("dead"))));
}

/// Sequence numbers begin anew with the queue: rows that were ticked before named other messages after.
#[test]
fn a_queue_that_was_made_anew_keeps_its_messages() {
    let mut bench = Bench::new();
    bench.create("q", &[]);
    bench.send("q", "old");
    let before = bench.peek("q").remove(0);
    bench.delete_queue("q");
    bench.pass(61_000);
    bench.create("q", &[]);
    bench.send("q", "new");
    let messages = vec![(before.queue, before.sequence)];
    for act in [Act::Discard, Act::Move { to: None }] {
        let command = Command::Operate { name: named("q"), messages: messages.clone(), act };
        let Ok(Reply::Each(results)) = bench.decide(command) else { panic!() };
        assert_eq!(results, [Err(EngineError::MessageNotAvailable)]);
    }
    let which = Which::Of(before.queue, vec![before.sequence]);
    let Reply::Peeked(seen) = bench.decide(Command::Peek { name: named("q"), which }).unwrap() else {
        panic!()
    };
    assert!(seen.is_empty());
    assert_eq!(bench.texts("q", 10), ["new"]);
}

/// They were taken in the order in which somebody had ticked them, so that a group came back in that order.
#[test]
fn messages_of_a_group_keep_their_order_however_they_are_named() {
    let mut bench = Bench::new();
    let fifo = [("FifoQueue", "true"), ("ContentBasedDeduplication", "true")];
    bench.create("q.fifo", &fifo);
    bench.create("other.fifo", &fifo);
    for text in ["first", "second", "third"] {
        bench.send_to("q.fifo", "a", text);
    }
    let to = Some(named("other.fifo"));
    let results = operate(&mut bench, "q.fifo", &[3, 9, 1, 2], Act::Move { to }).unwrap();
    assert_eq!(results, [Ok(()), Err(EngineError::MessageNotAvailable), Ok(()), Ok(())]);
    assert_eq!(bench.texts("other.fifo", 10), ["first", "second", "third"]);
}

/// Lanes are used again from the last one on, and only the first slots were looked at.
#[test]
fn the_oldest_message_is_seen_after_very_many_groups() {
    let mut bench = Bench::new();
    bench.create("q.fifo", &[("FifoQueue", "true"), ("ContentBasedDeduplication", "true")]);
    for group in 0..10_050 {
        bench.send_to("q.fifo", &format!("g{group}"), "x");
    }
    loop {
        let got = bench.receive("q.fifo", 10);
        if got.is_empty() {
            break;
        }
        bench.delete_all("q.fifo", &got);
    }
    assert_eq!(bench.describe("q.fifo").oldest_age_ms, None);
    bench.send_to("q.fifo", "late", "y");
    bench.pass(7_000);
    assert_eq!(bench.describe("q.fifo").oldest_age_ms, Some(7_000));
}

/// What a FIFO queue's delay held back, and an operator removed, was still counted as held back.
#[test]
fn what_is_discarded_is_not_counted_as_delayed() {
    let mut bench = Bench::new();
    let attributes = [("FifoQueue", "true"), ("DelaySeconds", "600"), ("ContentBasedDeduplication", "true")];
    bench.create("q.fifo", &attributes);
    for number in 0..4 {
        bench.send_to("q.fifo", "a", &format!("old {number}"));
    }
    bench.pass(601_000);
    for number in 0..4 {
        bench.send_to("q.fifo", "a", &format!("new {number}"));
    }
    assert_eq!(bench.counts("q.fifo"), (4, 0, 4));
    operate(&mut bench, "q.fifo", &[5, 6, 7, 8], Act::Discard).unwrap();
    assert_eq!(bench.counts("q.fifo"), (4, 0, 0));
}

/// Dead letters keep their age, and come in any order.
#[test]
fn the_oldest_dead_letter_need_not_be_the_first() {
    let mut bench = Bench::new();
    bench.create("dead", &[]);
    for name in ["slow", "quick"] {
        bench.create(name, &[("RedrivePolicy", &redrive_policy("dead", 1))]);
    }
    bench.send("slow", "old");
    bench.pass(100_000);
    bench.send("quick", "new");
    for name in ["quick", "slow"] {
        bench.receive_for(name, 1, 0);
        assert!(bench.receive(name, 1).is_empty());
    }
    assert_eq!(bench.counts("dead").0, 2);
    assert_eq!(bench.describe("dead").oldest_age_ms, Some(100_000));
}
