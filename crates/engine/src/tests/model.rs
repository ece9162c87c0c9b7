//! A naive SQS to compare the engine with: plain lists, linear scans, time as a comparison. Nothing here is packed,
//! indexed or moved on by a clock: a message is in flight while `hidden_until_ms` lies ahead, and that is all.
//!
//! Where SQS leaves a choice open (which of a standard queue's messages come, which dead letters a receive clears
//! away), the model is told what the engine chose, checks that it was one of the allowed choices, and follows it.

mod documents;
mod tasks;

use super::bench::{Got, Written, named, redrive_policy};
use crate::*;
use std::collections::{BTreeMap, BTreeSet};

const WINDOW_MS: u64 = 300_000;
const COOLDOWN_MS: u64 = 60_000;
const MAX_VISIBILITY_MS: u64 = 43_200_000;
/// A delayed message may come up to so much late, together with its neighbours.
const DUE_SLICE_MS: u64 = 50;
/// A receive that met so many expired messages and dead letters may answer with what it has.
const MAX_CLEARED: usize = 500;

/// Attributes that a history sets.
#[derive(Clone, Debug, Default)]
pub(super) struct Look {
    pub(super) visibility_s: Option<u64>,
    pub(super) delay_s: Option<u64>,
    pub(super) max_bytes: Option<u64>,
    pub(super) retention_s: Option<u64>,
    /// `Some(None)` removes the policy.
    pub(super) redrive: Option<Option<(String, u32)>>,
    pub(super) by_content: Option<bool>,
    pub(super) per_group: Option<bool>,
}

impl Look {
    pub(super) fn to_map(&self) -> StringMap {
        let number = |name: &str, value: Option<u64>| value.map(|value| (name.to_owned(), value.to_string()));
        let redrive = self.redrive.as_ref().map(|redrive| {
            let text = redrive.as_ref().map(|(target, count)| redrive_policy(target, *count));
            ("RedrivePolicy".to_owned(), text.unwrap_or_default())
        });
        let by_content = self.by_content.map(|on| ("ContentBasedDeduplication".to_owned(), on.to_string()));
        let scope = |per_group| if per_group { "messageGroup" } else { "queue" };
        let per_group = self.per_group.map(|on| ("DeduplicationScope".to_owned(), scope(on).to_owned()));
        [
            number("VisibilityTimeout", self.visibility_s),
            number("DelaySeconds", self.delay_s),
            number("MaximumMessageSize", self.max_bytes),
            number("MessageRetentionPeriod", self.retention_s),
            redrive,
            by_content,
            per_group,
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) now_ms: u64,
    pub(super) wall_ms: u64,
    pub(super) expire: bool,
    pub(super) cooldowns: bool,
    pub(super) queues: BTreeMap<String, ModelQueue>,
    pub(super) released: BTreeMap<String, u64>,
    pub(super) last_id: u64,
    pub(super) documents: documents::Documents,
}

#[derive(Debug)]
pub(super) struct ModelQueue {
    pub(super) id: QueueId,
    pub(super) fifo: bool,
    visibility_ms: u64,
    pub(super) delay_ms: u64,
    max_bytes: u64,
    retention_ms: u64,
    redrive: Option<(String, u32)>,
    by_content: bool,
    per_group: bool,
    pub(super) messages: Vec<ModelMessage>,
    next_sequence: u64,
    sends: Vec<PastSend>,
    attempts: Vec<PastReceive>,
    purged_at_ms: Option<u64>,
    pub(super) tasks: Vec<TaskView>,
    below_sequence: u64,
    task_started_ms: u64,
    credit_milli: u64,
    credit_at_ms: u64,
}

#[derive(Clone, Debug)]
pub(super) struct ModelMessage {
    pub(super) sequence: u64,
    pub(super) text: String,
    group: Option<String>,
    enqueued_ms: u64,
    due_ms: u64,
    /// It was received or came from another queue: no delay applies to it.
    touched: bool,
    pub(super) receive_count: u32,
    nonce: u64,
    received_ms: u64,
    hidden_until_ms: u64,
    pub(super) first_received_wall_ms: u64,
    pub(super) moved: Option<Moved>,
}

#[derive(Debug)]
struct PastSend {
    group: Option<String>,
    id: String,
    at_ms: u64,
    sent: Sent,
}

#[derive(Debug)]
struct PastReceive {
    id: String,
    at_ms: u64,
    nonce: u64,
    sequences: Vec<u64>,
    void: bool,
}

/// What a message may do at some time.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Standing {
    InFlight,
    Delayed,
    Expired,
    Dead,
    Ready,
}

impl ModelMessage {
    fn is_in_flight(&self, at_ms: u64) -> bool {
        self.hidden_until_ms > at_ms
    }
}

impl ModelQueue {
    fn is_delayed(&self, message: &ModelMessage, at_ms: u64) -> bool {
        let due_ms = match self.fifo {
            true => message.enqueued_ms + self.delay_ms,
            false => message.due_ms.div_ceil(DUE_SLICE_MS) * DUE_SLICE_MS,
        };
        !message.touched && due_ms > at_ms
    }

    fn message(&mut self, sequence: u64) -> Option<&mut ModelMessage> {
        self.messages.iter_mut().find(|message| message.sequence == sequence)
    }

    fn remove(&mut self, sequence: u64) -> ModelMessage {
        let index = self.messages.iter().position(|message| message.sequence == sequence).unwrap();
        let message = self.messages.remove(index);
        self.void(message.nonce);
        message
    }

    pub(super) fn discard(&mut self, sequence: u64) {
        self.remove(sequence);
    }

    fn void(&mut self, nonce: u64) {
        self.attempts.iter_mut().filter(|past| past.nonce == nonce).for_each(|past| past.void = true);
    }

    fn groups(&self) -> BTreeSet<Option<String>> {
        self.messages.iter().map(|message| message.group.clone()).collect()
    }

    /// (visible, in flight, delayed)
    pub(super) fn counts(&self, at_ms: u64) -> (u64, u64, u64) {
        let in_flight = self.messages.iter().filter(|message| message.is_in_flight(at_ms)).count() as u64;
        let delayed = self.messages.iter().filter(|message| self.is_delayed(message, at_ms)).count() as u64;
        (self.messages.len() as u64 - in_flight - delayed, in_flight, delayed)
    }

    pub(super) fn state(&self, message: &ModelMessage, at_ms: u64) -> PeekState {
        match () {
            () if message.is_in_flight(at_ms) => PeekState::InFlight,
            () if self.is_delayed(message, at_ms) => PeekState::Delayed,
            () => PeekState::Visible,
        }
    }
}

impl Model {
    fn missing(name: &str) -> EngineError {
        EngineError::QueueDoesNotExist(named(name))
    }

    fn queue(&mut self, name: &str) -> Result<&mut ModelQueue, EngineError> {
        self.queues.get_mut(name).ok_or_else(|| Self::missing(name))
    }

    fn name_of(&self, id: QueueId) -> String {
        self.queues.iter().find(|(_, queue)| queue.id == id).unwrap().0.clone()
    }

    fn standing(&self, queue: &ModelQueue, name: &str, message: &ModelMessage, at_ms: u64) -> Standing {
        let dead = queue.redrive.as_ref().is_some_and(|(target, count)| {
            message.receive_count >= *count && target != name && self.queues.contains_key(target)
        });
        match () {
            () if message.is_in_flight(at_ms) => Standing::InFlight,
            () if queue.is_delayed(message, at_ms) => Standing::Delayed,
            () if self.expire && message.enqueued_ms + queue.retention_ms <= at_ms => Standing::Expired,
            () if dead => Standing::Dead,
            () => Standing::Ready,
        }
    }

    /// What a FIFO group offers, in order, up to what holds up the rest.
    fn offered(&self, name: &str, group: &Option<String>, at_ms: u64) -> Vec<(u64, Standing)> {
        let queue = &self.queues[name];
        let mut messages: Vec<_> = queue.messages.iter().filter(|message| message.group == *group).collect();
        messages.sort_by_key(|message| message.sequence);
        messages
            .into_iter()
            .map(|message| (message.sequence, self.standing(queue, name, message, at_ms)))
            .take_while(|(_, standing)| !matches!(standing, Standing::InFlight | Standing::Delayed))
            .collect()
    }

    /// What a receive would have to do with: messages to hand out or to clear away.
    fn within_reach(&self, name: &str, at_ms: u64) -> Vec<(u64, Standing)> {
        let Some(queue) = self.queues.get(name) else { return Vec::new() };
        if queue.fifo {
            return queue.groups().iter().flat_map(|group| self.offered(name, group, at_ms)).collect();
        }
        let all = queue.messages.iter();
        all.map(|message| (message.sequence, self.standing(queue, name, message, at_ms)))
            .filter(|(_, standing)| !matches!(standing, Standing::InFlight | Standing::Delayed))
            .collect()
    }

    /// Whether a receive at that time would find something.
    pub(super) fn is_receivable(&self, name: &str, at_ms: u64) -> bool {
        self.within_reach(name, at_ms).iter().any(|(_, standing)| *standing == Standing::Ready)
    }

    /// The first time after now at which a queue has something to receive.
    pub(super) fn next_receivable_ms(&self, name: &str) -> Option<u64> {
        let queue = &self.queues[name];
        let mut times: Vec<u64> = Vec::new();
        for message in &queue.messages {
            let due = message.due_ms.div_ceil(DUE_SLICE_MS) * DUE_SLICE_MS;
            times.extend([message.hidden_until_ms, due, message.enqueued_ms + queue.delay_ms]);
        }
        times.sort_unstable();
        times.into_iter().find(|at_ms| *at_ms > self.now_ms && self.is_receivable(name, *at_ms))
    }

    // --- Queues ----------------------------------------------------------------------------------------------------

    pub(super) fn create(&mut self, name: &str, look: &Look) -> Result<(), EngineError> {
        if let Some(queue) = self.queues.get(name) {
            let differs = |asked: Option<u64>, have: u64| asked.is_some_and(|asked| asked != have);
            let asked_redrive = look.redrive.as_ref().is_some_and(|redrive| *redrive != queue.redrive);
            let first = [
                (differs(look.delay_s, queue.delay_ms / 1000), "DelaySeconds"),
                (differs(look.max_bytes, queue.max_bytes), "MaximumMessageSize"),
                (differs(look.retention_s, queue.retention_ms / 1000), "MessageRetentionPeriod"),
                (differs(look.visibility_s, queue.visibility_ms / 1000), "VisibilityTimeout"),
                (asked_redrive, "RedrivePolicy"),
                (look.by_content.is_some_and(|on| on != queue.by_content), "ContentBasedDeduplication"),
                (look.per_group.is_some_and(|on| on != queue.per_group), "DeduplicationScope"),
            ];
            let first = first.iter().find(|(differs, _)| *differs);
            return first.map_or(Ok(()), |(_, name)| Err(EngineError::QueueNameExists((*name).to_owned())));
        }
        let recently = self.released.get(name).is_some_and(|at_ms| at_ms + COOLDOWN_MS > self.now_ms);
        if self.cooldowns && recently {
            return Err(EngineError::QueueDeletedRecently);
        }
        self.check_redrive(name, look)?;
        self.last_id += 1;
        let mut queue = ModelQueue {
            id: QueueId(self.last_id),
            fifo: name.ends_with(".fifo"),
            visibility_ms: 30_000,
            delay_ms: 0,
            max_bytes: 1_048_576,
            retention_ms: 345_600_000,
            redrive: None,
            by_content: false,
            per_group: false,
            messages: Vec::new(),
            next_sequence: 1,
            sends: Vec::new(),
            attempts: Vec::new(),
            purged_at_ms: None,
            tasks: Vec::new(),
            below_sequence: 0,
            task_started_ms: 0,
            credit_milli: 0,
            credit_at_ms: 0,
        };
        queue.set(look);
        self.queues.insert(name.to_owned(), queue);
        Ok(())
    }

    fn check_redrive(&self, name: &str, look: &Look) -> Result<(), EngineError> {
        let Some(Some((target, count))) = &look.redrive else { return Ok(()) };
        if target == name || self.queues.contains_key(target) {
            return Ok(());
        }
        let value = redrive_policy(target, *count);
        Err(AttributeError::DeadLetterQueueDoesNotExist { value }.into())
    }

    pub(super) fn set(&mut self, name: &str, look: &Look) -> Result<(), EngineError> {
        self.queue(name)?;
        self.check_redrive(name, look)?;
        self.queue(name)?.set(look);
        Ok(())
    }

    pub(super) fn delete_queue(&mut self, name: &str) -> Result<(), EngineError> {
        self.queues.remove(name).ok_or_else(|| Self::missing(name))?;
        self.released.insert(name.to_owned(), self.now_ms);
        Ok(())
    }

    pub(super) fn purge(&mut self, name: &str) -> Result<(), EngineError> {
        let (now_ms, cooldowns) = (self.now_ms, self.cooldowns);
        let queue = self.queue(name)?;
        if cooldowns && queue.purged_at_ms.is_some_and(|at_ms| at_ms + COOLDOWN_MS > now_ms) {
            return Err(EngineError::PurgeQueueInProgress(name.to_owned()));
        }
        queue.purged_at_ms = Some(now_ms);
        queue.messages.clear();
        queue.sends.clear();
        queue.attempts.clear();
        Ok(())
    }

    // --- Messages --------------------------------------------------------------------------------------------------

    pub(super) fn send(
        &mut self,
        name: &str,
        messages: &[Outgoing],
    ) -> Result<Vec<Result<Sent, EngineError>>, EngineError> {
        let now_ms = self.now_ms;
        let queue = self.queue(name)?;
        Ok(messages.iter().map(|message| queue.send_one(now_ms, message)).collect())
    }

    pub(super) fn delete(
        &mut self,
        name: &str,
        receipts: &[Receipt],
    ) -> Result<Vec<Result<(), EngineError>>, EngineError> {
        let now_ms = self.now_ms;
        let queue = self.queue(name)?;
        let before = queue.messages.clone();
        let one = |receipt: &Receipt| {
            if receipt.queue != queue.id {
                return Err(EngineError::ReceiptOfOtherQueue);
            }
            let Some(message) = before.iter().find(|message| message.sequence == receipt.sequence) else {
                return Ok(());
            };
            let current = message.nonce == receipt.nonce;
            if queue.fifo && !(current && message.is_in_flight(now_ms)) {
                return Err(EngineError::ReceiptExpired);
            }
            if current && queue.messages.iter().any(|left| left.sequence == message.sequence) {
                queue.remove(message.sequence);
            }
            Ok(())
        };
        Ok(receipts.iter().map(one).collect())
    }

    pub(super) fn change_visibility(
        &mut self,
        name: &str,
        changes: &[(Receipt, u64)],
    ) -> Result<Vec<Result<(), EngineError>>, EngineError> {
        let now_ms = self.now_ms;
        let queue = self.queue(name)?;
        let flying: Vec<u64> =
            queue.messages.iter().filter(|m| m.is_in_flight(now_ms)).map(|m| m.sequence).collect();
        let fifo = queue.fifo;
        let one = |(receipt, timeout_ms): &(Receipt, u64)| {
            if receipt.queue != queue.id {
                return Err(EngineError::ReceiptOfOtherQueue);
            }
            let Some(message) = queue.message(receipt.sequence) else {
                return Err(EngineError::MessageNotAvailable);
            };
            // On a standard queue an older handle serves as well as the last one.
            let serves = !fifo || (message.nonce == receipt.nonce && flying.contains(&receipt.sequence));
            if !serves {
                return Err(EngineError::MessageNotAvailable);
            }
            if now_ms + timeout_ms - message.received_ms > MAX_VISIBILITY_MS {
                return Err(EngineError::VisibilityBeyondLimit);
            }
            message.hidden_until_ms = now_ms + timeout_ms;
            let nonce = message.nonce;
            queue.void(nonce);
            Ok(())
        };
        Ok(changes.iter().map(one).collect())
    }

    /// Follows a receive that the engine decided, and checks that it could decide so.
    pub(super) fn receive(
        &mut self,
        name: &str,
        asked: &Receive,
        result: &Result<Vec<Got>, EngineError>,
        written: &[Written],
    ) {
        let Some(queue) = self.queues.get_mut(name) else {
            return assert_eq!(result.as_ref().unwrap_err(), &Self::missing(name));
        };
        if asked.attempt_id.is_some() && !queue.fifo {
            return assert_eq!(result, &Err(EngineError::AttemptIdOnStandard));
        }
        let timeout_ms = asked.visibility_timeout_ms.unwrap_or(queue.visibility_ms);
        let hidden_until_ms = self.now_ms + timeout_ms;
        if let Some(id) = &asked.attempt_id
            && let Some(again) = queue.attempt_again(id, self.now_ms)
        {
            let Ok(sequences) = again else {
                return assert_eq!(result, &Err(EngineError::AttemptNotRetryable));
            };
            let got = result.as_ref().unwrap();
            assert!(got.iter().map(|got| got.delivery.receipt.sequence).eq(sequences));
            for got in got {
                let message = queue.message(got.delivery.receipt.sequence).unwrap();
                message.hidden_until_ms = hidden_until_ms;
                message.assert_is(got);
                assert_eq!(got.delivery.receipt.nonce, message.nonce, "the same handle");
            }
            return;
        }
        let got = result.as_ref().unwrap();
        let cleared = self.follow_departures(written);
        let picks: Vec<u64> = got.iter().map(|got| got.delivery.receipt.sequence).collect();
        self.assert_allowed(name, asked.max_messages, &picks, cleared);
        let (now_ms, wall_ms) = (self.now_ms, self.wall_ms);
        let queue = self.queues.get_mut(name).unwrap();
        for got in got {
            let receipt = got.delivery.receipt;
            assert_eq!(receipt.queue, queue.id);
            let message = queue.message(receipt.sequence).unwrap();
            assert_ne!(message.nonce, receipt.nonce, "a new handle");
            message.taken(receipt.nonce, now_ms, hidden_until_ms, wall_ms);
            message.assert_is(got);
        }
        if let (Some(id), Some(first)) = (&asked.attempt_id, got.first()) {
            queue.attempts.retain(|past| past.id != *id);
            let (at_ms, nonce) = (now_ms, first.delivery.receipt.nonce);
            let past = PastReceive { id: id.clone(), at_ms, nonce, sequences: picks, void: false };
            queue.attempts.push(past);
        }
    }

    /// Whether these messages, in this order, answer a receive of so many.
    fn assert_allowed(&self, name: &str, most: usize, picks: &[u64], cleared: usize) {
        assert!(picks.len() <= most);
        let full = picks.len() == most || cleared >= MAX_CLEARED;
        let mut left = self.within_reach(name, self.now_ms);
        if !self.queues[name].fifo {
            for pick in picks {
                let index = left.iter().position(|(sequence, _)| sequence == pick).expect("within reach");
                assert_eq!(left.remove(index).1, Standing::Ready, "{pick}");
            }
            return assert!(full || left.is_empty(), "left behind in {name}: {left:?}");
        }
        let group_of = |sequence: u64| {
            let mut messages = self.queues[name].messages.iter();
            messages.find(|message| message.sequence == sequence).expect("it is there").group.clone()
        };
        let mut groups_left = self.queues[name].groups();
        let mut rest = picks;
        while let Some(first) = rest.first() {
            let group = group_of(*first);
            assert!(groups_left.remove(&group), "a receive fills up with one group before the next");
            let count = rest.iter().take_while(|sequence| group_of(**sequence) == group).count();
            let (run, others) = rest.split_at(count);
            let offered = self.offered(name, &group, self.now_ms);
            let expected: Vec<_> = offered.iter().take(count).copied().collect();
            assert!(expected.iter().map(|(sequence, _)| sequence).eq(run), "{run:?} of {offered:?}");
            assert!(expected.iter().all(|(_, standing)| *standing == Standing::Ready));
            let exhausted = offered.len() == count;
            assert!(exhausted || (others.is_empty() && full), "{run:?} of {offered:?}");
            rest = others;
        }
        let others = groups_left.iter().flat_map(|group| self.offered(name, group, self.now_ms));
        assert!(full || others.count() == 0, "left behind in {name}");
    }

    // --- What goes by itself ---------------------------------------------------------------------------------------

    /// Follows messages that records say expired or became dead letters, each of which must have been due for it;
    /// says how many.
    fn follow_departures(&mut self, written: &[Written]) -> usize {
        let mut count = 0;
        let mut written = written.iter().peekable();
        while let Some(Written { record, .. }) = written.next() {
            let Record::Removed { queue, messages, .. } = record else { continue };
            let name = self.name_of(*queue);
            let next = written.peek().map(|next| &next.record);
            let arrival = next.filter(|next| matches!(next, Record::Arrived { .. }));
            count += messages.len();
            for (sequence, _) in messages {
                let standing = self.standing_of(&name, *sequence);
                match arrival {
                    Some(arrival) => {
                        assert_eq!(standing, Standing::Dead, "{sequence} of {name}");
                        self.follow_dead_letter(&name, *sequence, arrival);
                    }
                    None => {
                        assert_eq!(standing, Standing::Expired, "{sequence} of {name}");
                        self.queues.get_mut(&name).unwrap().remove(*sequence);
                    }
                }
            }
        }
        count
    }

    /// How a message stands that goes away by itself: in FIFO groups only what is within reach can.
    fn standing_of(&self, name: &str, sequence: u64) -> Standing {
        let reach = self.within_reach(name, self.now_ms);
        reach.iter().find(|(one, _)| *one == sequence).expect("within reach").1
    }

    fn follow_dead_letter(&mut self, name: &str, sequence: u64, arrival: &Record) {
        let queue = self.queues.get_mut(name).unwrap();
        let (fifo, target) = (queue.fifo, queue.redrive.clone().unwrap().0);
        let mut message = queue.remove(sequence);
        let mut moved = message.moved.unwrap_or_default();
        moved.dead_letter_source = Some(named(name));
        if fifo {
            moved.sent_wall_ms = Some(self.wall_ms);
            message.enqueued_ms = self.now_ms;
        }
        message.moved = Some(moved);
        self.arrive(&target, message, arrival);
    }

    fn arrive(&mut self, target: &str, mut message: ModelMessage, arrival: &Record) {
        let queue = self.queues.get_mut(target).expect("the target is there");
        let Record::Arrived { queue: id, sequence, .. } = arrival else { panic!("{arrival:?}") };
        assert_eq!((*id, *sequence), (queue.id, queue.next_sequence), "where it arrived");
        message.sequence = queue.next_sequence;
        queue.next_sequence += 1;
        (message.touched, message.nonce, message.received_ms, message.hidden_until_ms) = (true, 0, 0, 0);
        queue.messages.push(message);
    }

    /// Follows the removal of expired messages; they may be in flight.
    pub(super) fn expired(&mut self, written: &[Written]) {
        for Written { record, .. } in written {
            let Record::Removed { queue, messages, .. } = record else { panic!("{record:?}") };
            let name = self.name_of(*queue);
            let (now_ms, expire) = (self.now_ms, self.expire);
            let queue = self.queues.get_mut(&name).unwrap();
            for (sequence, _) in messages {
                let message = queue.remove(*sequence);
                assert!(expire && message.enqueued_ms + queue.retention_ms <= now_ms, "{message:?}");
            }
        }
    }

    /// After all that expired was removed: what should have been. A delayed message is let go when it is due.
    pub(super) fn assert_nothing_is_expired(&self) {
        for (name, queue) in self.queues.iter().filter(|_| self.expire) {
            let old = |message: &&ModelMessage| {
                let over = message.enqueued_ms + queue.retention_ms <= self.now_ms;
                over && !queue.is_delayed(message, self.now_ms) && (queue.fifo || message.due_ms == 0)
            };
            // Behind a younger message that came in late, an older one may go unseen until it is received.
            let in_order = queue.messages.iter().all(|message| message.due_ms == 0);
            assert!(!in_order || queue.messages.iter().find(old).is_none(), "in {name}");
        }
    }
}

impl ModelQueue {
    fn set(&mut self, look: &Look) {
        self.visibility_ms = look.visibility_s.map_or(self.visibility_ms, |seconds| seconds * 1000);
        self.delay_ms = look.delay_s.map_or(self.delay_ms, |seconds| seconds * 1000);
        self.retention_ms = look.retention_s.map_or(self.retention_ms, |seconds| seconds * 1000);
        self.max_bytes = look.max_bytes.unwrap_or(self.max_bytes);
        self.by_content = look.by_content.unwrap_or(self.by_content);
        self.per_group = look.per_group.unwrap_or(self.per_group);
        if let Some(redrive) = &look.redrive {
            self.redrive.clone_from(redrive);
        }
    }

    fn send_one(&mut self, now_ms: u64, message: &Outgoing) -> Result<Sent, EngineError> {
        if message.size_bytes > self.max_bytes {
            return Err(EngineError::MessageTooLong { limit_bytes: self.max_bytes });
        }
        let mut due_ms = 0;
        let mut past = None;
        if self.fifo {
            let group = message.group.clone().ok_or(EngineError::MissingGroupId)?;
            if message.delay_ms.is_some_and(|delay_ms| delay_ms > 0) {
                let delay_seconds = message.delay_ms.unwrap() / 1000;
                return Err(EngineError::DelayOnFifo { delay_seconds });
            }
            let content = message.content_hash.clone().filter(|_| self.by_content);
            let id = message.deduplication_id.clone().or(content);
            let id = id.ok_or(EngineError::MissingDeduplicationId)?;
            let group = self.per_group.then_some(group);
            let same =
                |past: &&PastSend| past.id == id && past.group == group && past.at_ms + WINDOW_MS > now_ms;
            if let Some(earlier) = self.sends.iter().find(same) {
                return Ok(earlier.sent);
            }
            past = Some((group, id));
        } else {
            if message.deduplication_id.is_some() {
                return Err(EngineError::UnexpectedDeduplicationId);
            }
            let delay_ms = message.delay_ms.unwrap_or(self.delay_ms);
            due_ms = if delay_ms > 0 { now_ms + delay_ms } else { 0 };
        }
        let sent = Sent { message_id: message.message_id, sequence: self.next_sequence };
        self.next_sequence += 1;
        if let Some((group, id)) = past {
            self.sends.push(PastSend { group, id, at_ms: now_ms, sent });
        }
        self.messages.push(ModelMessage {
            sequence: sent.sequence,
            text: String::from_utf8(message.stored.clone()).unwrap(),
            group: message.group.clone(),
            enqueued_ms: now_ms,
            due_ms,
            touched: false,
            receive_count: 0,
            nonce: 0,
            received_ms: 0,
            hidden_until_ms: 0,
            first_received_wall_ms: 0,
            moved: None,
        });
        Ok(sent)
    }

    /// What a repeated attempt gets: the same messages, or an error; `None`: it counts as a new one.
    fn attempt_again(&self, id: &str, now_ms: u64) -> Option<Result<Vec<u64>, ()>> {
        let past = self.attempts.iter().find(|past| past.id == id && past.at_ms + WINDOW_MS > now_ms)?;
        if past.void {
            return Some(Err(()));
        }
        let still_out = |sequence: &u64| {
            let mut messages = self.messages.iter();
            messages.any(|m| m.sequence == *sequence && m.nonce == past.nonce && m.is_in_flight(now_ms))
        };
        past.sequences.iter().all(still_out).then(|| Ok(past.sequences.clone()))
    }
}

impl ModelMessage {
    fn taken(&mut self, nonce: u64, now_ms: u64, hidden_until_ms: u64, wall_ms: u64) {
        (self.nonce, self.received_ms, self.hidden_until_ms) = (nonce, now_ms, hidden_until_ms);
        self.touched = true;
        self.receive_count += 1;
        if self.first_received_wall_ms == 0 {
            self.first_received_wall_ms = wall_ms;
        }
    }

    fn assert_is(&self, got: &Got) {
        assert_eq!(self.text, got.text);
        assert_eq!(self.receive_count, got.delivery.receive_count);
        assert_eq!(self.first_received_wall_ms, got.delivery.first_received_wall_ms);
        assert_eq!(self.moved.as_ref(), got.delivery.moved.as_deref());
    }
}
