//! The step function over a real journal in memory, with the time and every finished append in the test's hands.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod documents;
mod full_disk;
mod limits;

use super::*;
use bongsu_engine::{EngineError, Outgoing, QueueName, Receipt, Receive, Relocation, Sent, StringMap};
use bongsu_journal::{Journal, JournalError, MemoryJournal, MemoryOptions};
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

#[derive(Clone, Debug)]
struct Client {
    number: u64,
    gone: Rc<Cell<bool>>,
}

impl Token for Client {
    fn is_abandoned(&self) -> bool {
        self.gone.get()
    }
}

/// A partition with its journal, and what a driver would do for it.
struct House<J = MemoryJournal> {
    partition: Partition<Client>,
    journal: J,
    options: PartitionOptions,
    now_ms: u64,
    calls: u64,
    replies: HashMap<u64, Result<Reply, CallError>>,
    /// Appends that the partition asked for and the test has not yet let happen.
    asked: VecDeque<(Position, Stamp, Bytes)>,
    entries: u64,
    deleted: u64,
}

fn options(checkpoint_bytes: u64) -> PartitionOptions {
    let steps = StepSizes::default();
    PartitionOptions { cooldowns: true, checkpoint_bytes, steps, seed: 7, new_secret: [7; 32] }
}

fn queue() -> QueueName {
    QueueName::new("000000000000", "us-east-1", "work")
}

fn outgoing(number: u64, bytes: usize) -> Outgoing {
    let mut stored = number.to_le_bytes().to_vec();
    stored.resize(bytes.max(8), number as u8);
    Outgoing {
        message_id: u128::from(number).to_le_bytes(),
        size_bytes: bytes as u64,
        delay_ms: None,
        group: None,
        deduplication_id: None,
        content_hash: None,
        stored,
    }
}

fn send(number: u64, bytes: usize) -> Command {
    Command::Send { name: queue(), messages: vec![outgoing(number, bytes)] }
}

fn receive(wait_ms: u64) -> Command {
    Command::Receive(Receive {
        name: queue(),
        max_messages: 10,
        visibility_timeout_ms: Some(30_000),
        wait_ms: Some(wait_ms),
        attempt_id: None,
    })
}

impl House {
    fn new(checkpoint_bytes: u64) -> Self {
        let journal =
            MemoryJournal::new(MemoryOptions { segment_bytes: 4 << 20, max_payload_bytes: 2 << 20 });
        let mut house = Self::over(journal, options(checkpoint_bytes), 1_000_000);
        house.settle();
        house
            .ask(Command::CreateQueue { name: queue(), attributes: StringMap::new(), tags: StringMap::new() })
            .unwrap();
        house
    }

    /// Forgets all that is not in the journal and starts again from it.
    fn restart(self) -> Self {
        let deleted = self.deleted;
        let mut house = Self::over(self.journal, self.options, self.now_ms + 1);
        house.deleted = deleted;
        house.settle();
        house
    }
}

impl<J: Journal> House<J> {
    fn over(mut journal: J, options: PartitionOptions, now_ms: u64) -> Self {
        let reading = Reading { monotonic_ms: now_ms, wall_ms: now_ms };
        let partition = Partition::open(&mut journal, &options, reading).unwrap();
        let (replies, asked) = Default::default();
        Self { partition, journal, options, now_ms, calls: 0, replies, asked, entries: 0, deleted: 0 }
    }

    fn reading(&self) -> Reading {
        Reading { monotonic_ms: self.now_ms, wall_ms: self.now_ms }
    }

    fn call_as(&mut self, command: Command, gone: Rc<Cell<bool>>) -> u64 {
        self.calls += 1;
        let token = Client { number: self.calls, gone };
        self.partition.call(self.reading(), token, command);
        self.collect();
        self.calls
    }

    fn call(&mut self, command: Command) -> u64 {
        self.call_as(command, Rc::default())
    }

    fn ask(&mut self, command: Command) -> Result<Reply, CallError> {
        let call = self.call(command);
        self.settle();
        self.replies.remove(&call).expect("an answer once all is durable")
    }

    fn collect(&mut self) {
        self.partition.flush(self.reading());
        for output in self.partition.take_outputs() {
            match output {
                Output::Reply(client, result) => _ = self.replies.insert(client.number, result),
                Output::Append { expected, stamp, payload } => {
                    self.asked.push_back((expected, stamp, payload))
                }
                Output::DeleteSegment(base) => match self.journal.delete_segment(base) {
                    Ok(()) => self.deleted += 1,
                    Err(JournalError::Io { .. } | JournalError::Ended(_)) => {}
                    Err(error) => panic!("{error}"),
                },
                Output::Roll { needed_bytes, kept_bytes } => {
                    let result = self.journal.roll(needed_bytes, kept_bytes);
                    self.partition.rolled(result);
                }
                Output::Encode(entity, frozen) => self.partition.encoded(entity, frozen.encode()),
                Output::Read(queue, bodies) => {
                    let found = bodies.into_iter().map(|(sequence, from)| Relocation {
                        sequence,
                        from,
                        bytes: self.bytes(from),
                    });
                    let found = found.collect();
                    self.partition.copied(self.reading(), queue, found);
                }
            }
        }
    }

    fn bytes(&self, at: BodyRef) -> Vec<u8> {
        let position = Position(at.position);
        self.journal.reader().pin(position).unwrap().read(position, at.len).unwrap().to_vec()
    }

    /// Lets one append happen.
    fn append_one(&mut self) {
        let (expected, stamp, payload) = self.asked.pop_front().expect("an append to be asked for");
        let result = self.journal.append(expected, stamp, &payload);
        self.entries += 1;
        self.partition.appended(self.reading(), result);
        self.collect();
    }

    fn settle(&mut self) {
        self.collect();
        while !self.asked.is_empty() {
            self.append_one();
        }
    }

    fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        self.partition.tick(self.reading());
        self.settle();
    }

    fn receive_now(&mut self) -> Vec<(u64, Receipt)> {
        let Reply::Received(messages) = self.ask(receive(0)).unwrap() else { panic!("not a receive") };
        let number = |body| u64::from_le_bytes(self.bytes(body)[..8].try_into().unwrap());
        messages.into_iter().map(|message| (number(message.body), message.receipt)).collect()
    }

    fn log_bytes(&self) -> u64 {
        self.journal.segments().iter().map(|segment| segment.end.0 - segment.base.0).sum()
    }

    fn counts(&mut self) -> (u64, u64, u64) {
        let Reply::Description(described) = self.ask(Command::Describe(queue())).unwrap() else { panic!() };
        (described.visible, described.in_flight, described.delayed)
    }
}

#[test]
fn no_answer_leaves_before_its_records_are_durable() {
    let mut house = House::new(u64::MAX);
    let sent = house.call(send(1, 100));
    assert!(house.replies.is_empty());
    house.append_one();
    assert!(matches!(&house.replies[&sent], Ok(Reply::Sent(results)) if results[0].is_ok()));
}

#[test]
fn a_read_waits_for_what_it_saw() {
    let mut house = House::new(u64::MAX);
    house.call(send(1, 100));
    let read = house.call(Command::Describe(queue()));
    assert!(!house.replies.contains_key(&read), "the message it counts is not durable yet");
    house.append_one();
    assert!(matches!(&house.replies[&read], Ok(Reply::Description(it)) if it.visible == 1));
    let read = house.call(Command::Describe(queue()));
    assert!(house.replies.contains_key(&read), "nothing is under way, so there is nothing to wait for");
}

#[test]
fn what_comes_during_a_commit_goes_out_with_the_next() {
    let mut house = House::new(u64::MAX);
    let before = house.entries;
    (0..50).for_each(|number| _ = house.call(send(number, 100)));
    house.settle();
    assert_eq!(house.entries - before, 2);
    assert_eq!(house.counts(), (50, 0, 0));
}

#[test]
fn a_batch_never_outgrows_an_entry() {
    let mut house = House::new(u64::MAX);
    let calls: Vec<u64> = (0..20).map(|number| house.call(send(number, 1_000_000))).collect();
    house.settle();
    assert!(
        calls
            .iter()
            .all(|call| matches!(&house.replies[call], Ok(Reply::Sent(results)) if results[0].is_ok()))
    );
    let received: Vec<u64> = (0..2).flat_map(|_| house.receive_now()).map(|(number, _)| number).collect();
    assert_eq!(received, (0..20).collect::<Vec<_>>());
}

#[test]
fn a_long_poll_ends_with_the_message() {
    let mut house = House::new(u64::MAX);
    let poll = house.call(receive(20_000));
    house.pass(5_000);
    assert!(!house.replies.contains_key(&poll));
    house.ask(send(1, 100)).unwrap();
    assert!(matches!(&house.replies[&poll], Ok(Reply::Received(messages)) if messages.len() == 1));
}

#[test]
fn a_long_poll_ends_with_its_time() {
    let mut house = House::new(u64::MAX);
    let poll = house.call(receive(3_000));
    house.pass(2_999);
    assert!(!house.replies.contains_key(&poll));
    house.pass(1);
    assert!(matches!(&house.replies[&poll], Ok(Reply::Received(messages)) if messages.is_empty()));
}

#[test]
fn a_long_poll_gets_what_comes_back_by_itself() {
    let mut house = House::new(u64::MAX);
    house.ask(send(1, 100)).unwrap();
    assert_eq!(house.receive_now().len(), 1);
    house.now_ms += 20_000;
    let poll = house.call(receive(20_000));
    house.settle();
    let wake = house.partition.next_wake_ms();
    assert!(wake <= house.now_ms + 10_000, "must wake when the visibility timeout is over");
    house.pass(10_000);
    assert!(matches!(&house.replies[&poll], Ok(Reply::Received(messages)) if messages[0].receive_count == 2));
}

#[test]
fn long_polls_are_served_in_the_order_in_which_they_came_and_the_gone_are_passed_over() {
    let mut house = House::new(u64::MAX);
    let gone = Rc::new(Cell::new(false));
    let first = house.call_as(receive(20_000), gone.clone());
    let second = house.call(receive(20_000));
    let third = house.call(receive(20_000));
    gone.set(true);
    house.ask(send(1, 100)).unwrap();
    assert!(matches!(&house.replies[&second], Ok(Reply::Received(messages)) if messages.len() == 1));
    assert!(!house.replies.contains_key(&first) && !house.replies.contains_key(&third));
}

#[test]
fn a_long_poll_learns_at_once_that_its_queue_is_deleted() {
    let mut house = House::new(u64::MAX);
    let polls = [house.call(receive(20_000)), house.call(receive(20_000))];
    house.ask(Command::DeleteQueue(queue())).unwrap();
    for poll in polls {
        assert!(matches!(&house.replies[&poll], Err(CallError::Engine(EngineError::QueueDoesNotExist(_)))));
    }
}

#[test]
fn draining_ends_long_polls_and_later_ones_do_not_wait() {
    let mut house = House::new(u64::MAX);
    let poll = house.call(receive(20_000));
    house.partition.drain();
    house.settle();
    assert!(matches!(&house.replies[&poll], Ok(Reply::Received(messages)) if messages.is_empty()));
    assert!(matches!(house.ask(receive(20_000)), Ok(Reply::Received(_))));
    assert!(house.ask(send(1, 100)).is_ok(), "all else is still served");
}

#[test]
fn after_a_stop_what_was_taken_is_finished_and_nothing_more_is_taken() {
    let mut house = House::new(u64::MAX);
    let sent = house.call(send(1, 100));
    house.partition.stop();
    let late = house.call(send(2, 100));
    assert!(matches!(&house.replies[&late], Err(CallError::ShuttingDown)));
    assert!(!house.partition.is_idle());
    house.settle();
    assert!(matches!(&house.replies[&sent], Ok(Reply::Sent(results)) if results[0].is_ok()));
    assert!(house.partition.is_idle());
}

#[test]
fn a_failed_journal_ends_the_partition_and_tells_everybody() {
    let mut house = House::new(u64::MAX);
    let poll = house.call(receive(20_000));
    let sent = house.call(send(1, 100));
    let next = house.call(send(2, 100));
    house.partition.appended(house.reading(), Err(AppendError::Unavailable("EIO".into())));
    house.collect();
    for call in [poll, sent, next] {
        assert!(
            matches!(&house.replies[&call], Err(CallError::Unavailable(_)) | Ok(Reply::Received(_))),
            "{call}"
        );
    }
    let late = house.call(receive(0));
    assert!(matches!(&house.replies[&late], Err(CallError::Unavailable(_))));
    assert!(house.partition.failure().is_some());
}

/// The simulation found a thread that spun: when the journal failed while a move task was running, the task's next step
/// stayed due for ever, as nothing takes steps any more.
#[test]
fn a_failed_partition_with_a_running_task_does_not_ask_to_be_woken_at_once() {
    let mut house = House::new(u64::MAX);
    let source = QueueName::new("000000000000", "us-east-1", "source");
    let redrive = format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":1}}"#, queue().arn());
    let attributes = StringMap::from([("RedrivePolicy".to_owned(), redrive)]);
    house.ask(Command::CreateQueue { name: source, attributes, tags: StringMap::new() }).unwrap();
    house.ask(send(1, 100)).unwrap();
    house
        .ask(Command::StartMoveTask { source: queue(), destination: None, max_per_second: Some(1) })
        .unwrap();
    house.call(send(2, 100));
    house.partition.appended(house.reading(), Err(AppendError::Unavailable("EIO".into())));
    house.now_ms += 60_000;
    house.partition.tick(house.reading());
    assert!(house.partition.failure().is_some());
    assert!(house.partition.next_wake_ms() > house.now_ms);
}

#[test]
fn a_full_disk_is_tried_again_and_nothing_is_answered_meanwhile() {
    let mut house = House::new(u64::MAX);
    let sent = house.call(send(1, 100));
    house.asked.clear();
    house.partition.appended(house.reading(), Err(AppendError::Full));
    house.collect();
    assert!(!house.replies.contains_key(&sent) && house.asked.is_empty());
    house.pass(1_000);
    assert!(matches!(&house.replies[&sent], Ok(Reply::Sent(results)) if results[0].is_ok()));
}

/// A batch that is open has one moment. While the disk was full and somebody deleted or made something meanwhile, time stood still with it:
/// the append was never tried again, and nobody got an answer until a restart.
#[test]
fn a_full_disk_is_tried_again_also_while_others_wait_in_a_batch() {
    let mut house = House::new(u64::MAX);
    house.ask(send(1, 100)).unwrap();
    let received = house.receive_now();
    let sent = house.call(send(2, 100));
    let deleted = house.call(Command::Delete { name: queue(), receipts: vec![received[0].1] });
    house.asked.clear();
    house.partition.appended(house.reading(), Err(AppendError::Full));
    house.collect();
    assert!(!house.replies.contains_key(&sent) && !house.replies.contains_key(&deleted));
    house.pass(2_000);
    assert!(matches!(&house.replies[&sent], Ok(Reply::Sent(results)) if results[0].is_ok()));
    assert!(house.replies[&deleted].is_ok());
}

#[test]
fn with_little_room_sends_are_refused_and_receives_and_deletes_go_on() {
    let mut house = House::new(u64::MAX);
    house.ask(send(1, 100)).unwrap();
    house.partition.set_room(500_000);
    assert!(matches!(house.ask(send(2, 100)), Err(CallError::Unavailable(_))));
    house.partition.set_room(500_000);
    let received = house.receive_now();
    assert_eq!(received.len(), 1);
    house.partition.set_room(500_000);
    let deleted = house.ask(Command::Delete { name: queue(), receipts: vec![received[0].1] });
    assert!(matches!(deleted, Ok(Reply::Each(results)) if results == [Ok(())]));
    house.partition.set_room(u64::MAX);
    assert!(house.ask(send(3, 100)).is_ok());
}

/// An append that the journal refused for want of space is tried again until it succeeds, and everybody who sends waits
/// behind it. The partition believed in the room that the append before had told it, so that sends went on being taken in
/// and timed out, one after the other, instead of being refused.
#[test]
fn after_an_append_found_no_space_sends_are_refused_at_once() {
    let mut house = House::new(u64::MAX);
    house.call(send(1, 100));
    house.asked.clear();
    house.partition.appended(house.reading(), Err(AppendError::Full));
    assert!(house.partition.is_low_on_room());
    house.call(send(2, 100));
    house.pass(1_000);
    assert!(!house.partition.is_low_on_room(), "the append that succeeded has told of room");
    assert_eq!(house.counts(), (1, 0, 0), "the first one is there, the second was refused");
}

#[test]
fn the_last_of_the_reserve_is_for_deletes_and_purges() {
    let mut house = House::new(u64::MAX);
    (0..3).for_each(|number| _ = house.ask(send(number, 100)).unwrap());
    let received = house.receive_now();
    let floor = house.partition.floor_bytes();
    house.partition.set_room(floor - 1);
    assert!(matches!(house.ask(receive(0)), Err(CallError::Unavailable(_))));
    house.partition.set_room(floor - 1);
    let deleted = house.ask(Command::Delete { name: queue(), receipts: vec![received[0].1] });
    assert!(matches!(deleted, Ok(Reply::Each(results)) if results == [Ok(())]));
    house.partition.set_room(floor - 1);
    assert!(house.ask(Command::PurgeQueue(queue())).is_ok());
}

/// On a disk of 80 MB the log never grew by what makes a checkpoint due, nor beyond twice what lives plus two segments:
/// once full, nothing that consumers deleted was ever given back, and sends were refused for ever.
#[test]
fn on_a_full_disk_what_is_deleted_is_given_back_though_the_log_is_small() {
    let mut house = House::new(u64::MAX);
    (0..60).for_each(|number| _ = house.ask(send(number, 100_000)).unwrap());
    let before = house.log_bytes();
    for _ in 0..6 {
        let received = house.receive_now();
        let receipts = received.into_iter().map(|(_, receipt)| receipt).collect();
        house.ask(Command::Delete { name: queue(), receipts }).unwrap();
    }
    (0..5).for_each(|_| house.pass(1_000));
    assert_eq!(house.deleted, 0, "with room enough nothing is hurried");
    for _ in 0..5 {
        let reserve = house.partition.reserve_bytes();
        house.partition.set_room(reserve - 1);
        house.pass(1_000);
    }
    assert!(house.deleted > 0 && house.log_bytes() < before, "{} of {before}", house.log_bytes());
    assert_eq!(house.restart().counts(), (0, 0, 0));
}

#[test]
fn a_restart_without_a_checkpoint_finds_everything() {
    let mut house = House::new(u64::MAX);
    (0..100).for_each(|number| _ = house.ask(send(number, 500)).unwrap());
    let received = house.receive_now();
    house.ask(Command::Delete { name: queue(), receipts: vec![received[0].1] }).unwrap();
    let mut house = house.restart();
    assert_eq!(house.counts(), (90, 9, 0));
    house.pass(30_000);
    assert_eq!(house.counts(), (99, 0, 0));
    let secret = house.partition.secret();
    assert_eq!((secret, house.restart().partition.secret()), ([7; 32], [7; 32]));
}

/// A backlog that keeps moving for many times the size of a segment: the log must stay about as large as what lives, and
/// a restart anywhere must find exactly what was not deleted.
#[test]
fn the_log_stays_as_large_as_what_lives_and_restarts_find_it() {
    let mut house = House::new(1 << 20);
    let mut waiting: BTreeMap<u64, ()> = BTreeMap::new();
    let mut next = 0;
    for round in 0..60 {
        for _ in 0..40 {
            let messages = (0..10).map(|offset| outgoing(next + offset, 1_500)).collect();
            let Reply::Sent(results) = house.ask(Command::Send { name: queue(), messages }).unwrap() else {
                panic!()
            };
            assert!(results.iter().all(|result| matches!(result, Ok(Sent { .. }))));
            waiting.extend((next..next + 10).map(|number| (number, ())));
            next += 10;
        }
        for _ in 0..39 {
            let received = house.receive_now();
            let (stay, go): (Vec<_>, Vec<_>) = received.into_iter().partition(|(number, _)| number % 97 == 0);
            go.iter().for_each(|(number, _)| _ = waiting.remove(number));
            let receipts = go.into_iter().map(|(_, receipt)| receipt).collect();
            house.ask(Command::Delete { name: queue(), receipts }).unwrap();
            let changes = stay.into_iter().map(|(_, receipt)| (receipt, 0)).take(round % 2).collect();
            house.ask(Command::ChangeVisibility { name: queue(), changes }).unwrap();
        }
        house.pass(1_000);
        if round % 7 == 3 {
            house = house.restart();
            let (visible, in_flight, _) = house.counts();
            assert_eq!(visible + in_flight, waiting.len() as u64, "round {round}");
        }
    }
    for _ in 0..20 {
        house.pass(1_000);
    }
    let live = waiting.len() as u64 * 1_500;
    assert!(house.deleted > 5, "{} segments deleted", house.deleted);
    assert!(house.log_bytes() <= 2 * live + 3 * (4 << 20), "{} bytes of log for {live}", house.log_bytes());
    house.now_ms += 60_000;
    let mut house = house.restart();
    let mut found = BTreeMap::new();
    loop {
        let received = house.receive_now();
        if received.is_empty() {
            break;
        }
        found.extend(received.into_iter().map(|(number, _)| (number, ())));
    }
    assert_eq!(found, waiting);
}

#[test]
fn a_purged_backlog_gives_its_space_back() {
    let mut house = House::new(1 << 20);
    for number in 0..3_000 {
        let messages = (0..10).map(|offset| outgoing(number * 10 + offset, 1_000)).collect();
        house.ask(Command::Send { name: queue(), messages }).unwrap();
    }
    assert!(house.log_bytes() > 30_000_000);
    house.ask(Command::PurgeQueue(queue())).unwrap();
    (0..30).for_each(|_| house.pass(1_000));
    assert!(house.log_bytes() < 3 * (4 << 20), "{}", house.log_bytes());
    assert_eq!(house.restart().counts(), (0, 0, 0));
}

#[test]
fn queues_deleted_and_made_while_a_checkpoint_is_made_are_right_after_it() {
    let mut house = House::new(200_000);
    let name = |number: u64| QueueName::new("000000000000", "us-east-1", format!("queue-{number}"));
    let create = |number| Command::CreateQueue {
        name: name(number),
        attributes: StringMap::new(),
        tags: StringMap::new(),
    };
    for number in 0..400u64 {
        house.call(create(number));
        let messages = vec![outgoing(number, 4_000)];
        house.call(Command::Send { name: name(number), messages });
        if number >= 3 && number % 3 == 0 {
            house.call(Command::DeleteQueue(name(number - 3)));
        }
        if !house.asked.is_empty() {
            house.append_one();
        }
        if number % 50 == 49 {
            house.settle();
            house = house.restart();
        }
    }
    house.settle();
    let mut house = house.restart();
    for number in 0..400u64 {
        let deleted = number % 3 == 0 && number + 3 < 400;
        match house.ask(Command::Describe(name(number))) {
            Ok(Reply::Description(found)) => assert!(!deleted && found.visible == 1, "{number}"),
            other => assert!(deleted, "{number}: {other:?}"),
        }
    }
}
