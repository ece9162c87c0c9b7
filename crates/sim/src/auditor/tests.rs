//! The auditor against stores that break their promises: each must be noticed, and an honest one must pass.

mod documents;

use super::*;
use crate::message::{self, Content};
use bongsu_engine::{
    BodyRef, Delivery, Description, Outgoing, PeekState, Peeked, QueueId, Receipt, Receive, Sent, StringMap,
    Which,
};

const BODY: BodyRef = BodyRef { position: 4_200, len: 40 };

/// An auditor, with answers as a store might give them.
struct Court {
    auditor: Auditor,
    name: QueueName,
    now_ms: u64,
    calls: u64,
}

impl Court {
    fn new(name: &str) -> Self {
        let mut auditor = Auditor::default();
        let name = QueueName::new("000000000000", "us-east-1", name);
        auditor.opened(Reading { monotonic_ms: 0, wall_ms: 1_000_000 }, 1, None).unwrap();
        let mut court = Self { auditor, name, now_ms: 0, calls: 0 };
        let name = court.name.clone();
        let create = Command::CreateQueue { name, attributes: StringMap::new(), tags: StringMap::new() };
        court.hear(create, Reply::Done, &[]).unwrap();
        court
    }

    fn hear(&mut self, command: Command, reply: Reply, contents: &[Content]) -> Verdict {
        self.calls += 1;
        self.auditor.called(self.calls, Rc::new(command));
        self.auditor.answered(self.calls, None, &Ok(reply), contents)
    }

    fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        self.auditor.pass(Reading { monotonic_ms: self.now_ms, wall_ms: 1_000_000 + self.now_ms });
    }

    fn sending(&self, number: Number) -> Command {
        let fifo = self.name.is_fifo();
        let outgoing = Outgoing {
            message_id: message::id(number),
            size_bytes: 40,
            delay_ms: None,
            group: fifo.then(|| "g".to_owned()),
            deduplication_id: fifo.then(|| format!("id {}", number % 10)),
            content_hash: None,
            stored: Vec::new(),
        };
        Command::Send { name: self.name.clone(), messages: vec![outgoing] }
    }

    fn send(&mut self, number: Number, sequence: u64) -> Verdict {
        let sent = Sent { message_id: message::id(number), sequence };
        self.hear(self.sending(number), Reply::Sent(vec![Ok(sent)]), &[])
    }

    fn receive(&mut self, got: &[(Number, u64, u64, u32)]) -> Verdict {
        let receive = Receive {
            name: self.name.clone(),
            max_messages: got.len().max(1),
            visibility_timeout_ms: Some(10_000),
            wait_ms: Some(0),
            attempt_id: None,
        };
        let delivery = |(_, sequence, nonce, receive_count): &(Number, u64, u64, u32)| Delivery {
            receipt: Receipt { queue: QueueId(1), sequence: *sequence, nonce: *nonce },
            body: BODY,
            receive_count: *receive_count,
            first_received_wall_ms: 1_000_000,
            moved: None,
        };
        let contents: Vec<Content> = got.iter().map(|(number, ..)| Content::Intact(*number, 40)).collect();
        self.hear(Command::Receive(receive), Reply::Received(got.iter().map(delivery).collect()), &contents)
    }

    fn delete(&mut self, sequence: u64, nonce: u64) -> Verdict {
        let receipts = vec![Receipt { queue: QueueId(1), sequence, nonce }];
        self.hear(Command::Delete { name: self.name.clone(), receipts }, Reply::Each(vec![Ok(())]), &[])
    }

    fn peek(&mut self, seen: &[(Number, u64)]) -> Verdict {
        let peeked = |(_, sequence): &(Number, u64)| Peeked {
            queue: QueueId(1),
            sequence: *sequence,
            body: BODY,
            receive_count: 0,
            first_received_wall_ms: 0,
            state: PeekState::Visible,
            moved: None,
        };
        let contents: Vec<Content> = seen.iter().map(|(number, _)| Content::Intact(*number, 40)).collect();
        let reply = Reply::Peeked(seen.iter().map(peeked).collect());
        self.hear(Command::Peek { name: self.name.clone(), which: Which::first(100) }, reply, &contents)
    }

    fn describe(&mut self, visible: u64, in_flight: u64) -> Verdict {
        let found = Description {
            name: self.name.clone(),
            id: QueueId(1),
            fifo: self.name.is_fifo(),
            attributes: StringMap::new(),
            tags: StringMap::new(),
            created_wall_ms: 0,
            modified_wall_ms: 0,
            visible,
            in_flight,
            delayed: 0,
            oldest_age_ms: None,
            policy_version: 0,
            wait_ms: 0,
        };
        self.hear(Command::Describe(self.name.clone()), Reply::Description(Box::new(found)), &[])
    }

    /// The process ends and another one opens the store.
    fn crash(&mut self, epoch: u64) -> Verdict {
        self.auditor.ended();
        let reading = Reading { monotonic_ms: self.now_ms, wall_ms: 1_000_000 + self.now_ms };
        self.auditor.opened(reading, epoch, Some(1_000_000 + self.now_ms))
    }
}

fn assert_broken(verdict: Verdict, part: &str) {
    let why = verdict.expect_err(part);
    assert!(why.contains(part), "{why}");
}

#[test]
fn an_honest_store_passes() {
    let mut court = Court::new("work");
    court.send(1, 1).unwrap();
    court.receive(&[(1, 1, 7, 1)]).unwrap();
    court.describe(0, 1).unwrap();
    court.pass(10_000);
    court.receive(&[(1, 1, 8, 2)]).unwrap();
    court.delete(1, 8).unwrap();
    court.describe(0, 0).unwrap();
    court.auditor.finished().unwrap();
}

#[test]
fn a_lost_message_is_noticed_by_a_look_a_receive_a_count_and_at_the_end() {
    let lost = || {
        let mut court = Court::new("work");
        court.send(1, 1).unwrap();
        court
    };
    assert_broken(lost().peek(&[]), "not in work any more");
    assert_broken(lost().receive(&[]), "not found by a receive");
    assert_broken(lost().describe(0, 0), "counts 0 visible");
    assert_broken(lost().auditor.finished(), "not there when all queues were drained");
}

#[test]
fn what_was_deleted_or_never_sent_must_not_come() {
    let mut court = Court::new("work");
    court.send(1, 1).unwrap();
    court.receive(&[(1, 1, 7, 1)]).unwrap();
    court.delete(1, 7).unwrap();
    court.pass(20_000);
    assert_broken(court.receive(&[(1, 1, 8, 2)]), "it was deleted");
    assert_broken(court.receive(&[(9, 2, 8, 1)]), "never sent");
}

#[test]
fn a_message_in_flight_must_not_come_again_nor_with_a_wrong_count() {
    let mut court = Court::new("work");
    court.send(1, 1).unwrap();
    court.receive(&[(1, 1, 7, 1)]).unwrap();
    court.pass(9_999);
    assert_broken(court.receive(&[(1, 1, 8, 2)]), "was handed out");
    court.pass(1);
    assert_broken(court.receive(&[(1, 1, 8, 1)]), "was handed out");
}

#[test]
fn a_fifo_group_keeps_its_order_and_takes_nothing_twice() {
    let mut court = Court::new("orders.fifo");
    court.send(1, 1).unwrap();
    court.send(2, 2).unwrap();
    assert_broken(court.receive(&[(2, 2, 7, 1)]), "earlier in its group");
    let mut court = Court::new("orders.fifo");
    court.send(1, 1).unwrap();
    court.pass(299_999);
    assert_broken(court.send(11, 2), "duplicates 1");
    let mut court = Court::new("orders.fifo");
    court.send(1, 1).unwrap();
    court.pass(300_000);
    court.send(11, 2).unwrap();
}

#[test]
fn damage_passes_only_where_something_was_damaged() {
    let mut court = Court::new("work");
    court.send(1, 1).unwrap();
    let life = court.auditor.life(&court.name).unwrap();
    let damaged = Content::Damaged(Some(1));
    assert!(court.auditor.identify(life, 1, damaged).is_err());
    court.auditor.damaged(1);
    assert_eq!(court.auditor.identify(life, 1, damaged), Ok(Some(1)));
}

#[test]
fn a_send_without_an_answer_may_be_there_or_not_but_not_both() {
    for survived in [false, true] {
        let mut court = Court::new("work");
        court.auditor.called(99, Rc::new(court.sending(1)));
        court.crash(2).unwrap();
        let seen: &[(Number, u64)] = if survived { &[(1, 1)] } else { &[] };
        court.peek(seen).unwrap();
        let other: &[(Number, u64)] = if survived { &[] } else { &[(1, 1)] };
        assert!(court.peek(other).is_err(), "it can't change its mind");
    }
}

#[test]
fn of_sends_without_answers_no_later_one_survives_an_earlier_one() {
    let mut court = Court::new("work");
    court.auditor.called(98, Rc::new(court.sending(1)));
    court.auditor.called(99, Rc::new(court.sending(2)));
    court.crash(2).unwrap();
    assert_broken(court.peek(&[(2, 2)]), "survived, and 1, sent before it, did not");
}

/// Of two sends whose answers a crash took, the first had gone on to a dead-letter queue that was deleted before the crash.
#[test]
fn a_message_may_have_gone_on_to_a_queue_that_is_gone() {
    let mut court = Court::new("work");
    let dead = QueueName::new("000000000000", "us-east-1", "dead");
    let policy = format!("{{\"deadLetterTargetArn\":\"{}\",\"maxReceiveCount\":1}}", dead.arn());
    let attributes = StringMap::from([("RedrivePolicy".to_owned(), policy)]);
    court.hear(Command::SetAttributes { name: court.name.clone(), attributes }, Reply::Done, &[]).unwrap();
    court.auditor.called(97, Rc::new(court.sending(1)));
    court.auditor.called(98, Rc::new(court.sending(2)));
    court.auditor.called(99, Rc::new(Command::DeleteQueue(dead)));
    court.crash(2).unwrap();
    court.peek(&[(2, 2)]).unwrap();
}

#[test]
fn the_log_must_reach_as_far_as_what_was_durable_and_epochs_must_grow() {
    let mut court = Court::new("work");
    court.pass(500);
    court.auditor.entry_durable(1_000_500).unwrap();
    court.auditor.ended();
    let reading = Reading { monotonic_ms: 500, wall_ms: 1_000_500 };
    assert_broken(court.auditor.opened(reading, 2, Some(1_000_499)), "was durable");
    assert_broken(court.auditor.opened(reading, 1, Some(1_000_500)), "epoch");
}
