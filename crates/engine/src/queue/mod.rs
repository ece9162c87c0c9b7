//! One queue: its settings, its messages, and how each record changes them.

mod deduplication;
mod lane;
mod look;
pub(crate) mod messages;
mod sends;
pub(crate) mod tasks;

use crate::attributes::Settings;
use crate::command::{Description, StringMap, Surveyed, TaskStatus};
use crate::effects::Effects;
use crate::names::{BodyRef, QueueId, QueueName};
use crate::record::{Record, ReplayError};
pub(crate) use deduplication::{Attempts, Deduplication, hash};
use messages::{Messages, Pick, Tracked};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tasks::{Task, Tasks};

/// The state of one queue. Everything skipped in a snapshot follows from the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Queue {
    pub(crate) id: QueueId,
    pub(crate) name: QueueName,
    pub(crate) attributes: StringMap,
    pub(crate) tags: StringMap,
    pub(crate) created_wall_ms: u64,
    pub(crate) modified_wall_ms: u64,
    pub(crate) policy_version: u64,
    pub(crate) key: u64,
    pub(crate) next_sequence: u64,
    pub(crate) purged_at_ms: Option<u64>,
    pub(crate) messages: Messages,
    pub(crate) deduplication: Deduplication,
    pub(crate) attempts: Attempts,
    pub(crate) tasks: Tasks,
    #[serde(skip)]
    settings: Option<Box<Settings>>,
    #[serde(skip)]
    pub(crate) passing: Passing,
}

/// What goes by without being part of what happened: two queues that differ in it are equal.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Passing {
    /// Where the search for expired messages goes on.
    pub(crate) sweep: (u64, u64),
    /// Up to when time has passed.
    advanced_to_ms: u64,
}

impl PartialEq for Passing {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Queue {
    pub(crate) fn new(
        id: QueueId,
        name: QueueName,
        attributes: StringMap,
        tags: StringMap,
        wall_ms: u64,
        key: u64,
    ) -> Self {
        let fifo = name.is_fifo();
        let settings = Some(Box::new(Settings::read(&attributes)));
        Self {
            id,
            name,
            attributes,
            tags,
            created_wall_ms: wall_ms,
            modified_wall_ms: wall_ms,
            policy_version: 0,
            key,
            next_sequence: 1,
            purged_at_ms: None,
            messages: Messages::new(fifo),
            deduplication: Deduplication::default(),
            attempts: Attempts::default(),
            tasks: Tasks::default(),
            settings,
            passing: Passing::default(),
        }
    }

    /// A copy that is only good to be written: without what [`Queue::rebuild`] makes. What is deep is shared with it.
    pub(crate) fn frozen(&self) -> Self {
        Self {
            id: self.id,
            name: self.name.clone(),
            attributes: self.attributes.clone(),
            tags: self.tags.clone(),
            created_wall_ms: self.created_wall_ms,
            modified_wall_ms: self.modified_wall_ms,
            policy_version: self.policy_version,
            key: self.key,
            next_sequence: self.next_sequence,
            purged_at_ms: self.purged_at_ms,
            messages: self.messages.frozen(),
            deduplication: self.deduplication.frozen(),
            attempts: self.attempts.clone(),
            tasks: self.tasks.clone(),
            settings: None,
            passing: self.passing,
        }
    }

    /// Makes anew what a snapshot leaves out.
    pub(crate) fn rebuild(&mut self) {
        self.settings = Some(Box::new(Settings::read(&self.attributes)));
        self.messages.rebuild();
        self.deduplication.rebuild();
    }

    pub(crate) fn settings(&self) -> &Settings {
        #[expect(clippy::expect_used, reason = "set by new() and rebuild(), the only ways to a queue")]
        self.settings.as_deref().expect("a queue has its settings")
    }

    pub(crate) fn is_fifo(&self) -> bool {
        self.name.is_fifo()
    }

    /// The delay that applies to messages where they wait: on FIFO queues the queue's own, as it is now.
    pub(crate) fn fifo_delay_ms(&self) -> u64 {
        if self.is_fifo() { self.settings().delay_ms } else { 0 }
    }

    /// Lets time pass. A command does so once, before it decides: what it hands out with a timeout of 0 must not
    /// come back while it still chooses.
    pub(crate) fn advance(&mut self, now_ms: u64) {
        self.passing.advanced_to_ms = now_ms;
        self.messages.advance(now_ms);
        self.deduplication.advance(now_ms);
        self.attempts.advance(now_ms);
    }

    pub(crate) fn describe(&self, now_ms: u64) -> Description {
        let (visible, delayed) = self.messages.visible_and_delayed(now_ms, self.fifo_delay_ms());
        Description {
            name: self.name.clone(),
            id: self.id,
            fifo: self.is_fifo(),
            attributes: self.attributes.clone(),
            tags: self.tags.clone(),
            created_wall_ms: self.created_wall_ms,
            modified_wall_ms: self.modified_wall_ms,
            visible,
            in_flight: self.messages.in_flight(),
            delayed,
            oldest_age_ms: self.oldest_age_ms(now_ms),
            policy_version: self.policy_version,
            wait_ms: self.settings().wait_ms,
        }
    }

    pub(crate) fn survey(&self, now_ms: u64, sources: usize) -> Surveyed {
        let (visible, delayed) = self.messages.visible_and_delayed(now_ms, self.fifo_delay_ms());
        let redrive = self.settings().redrive.as_ref();
        Surveyed {
            name: self.name.clone(),
            id: self.id,
            fifo: self.is_fifo(),
            visible,
            in_flight: self.messages.in_flight(),
            delayed,
            oldest_age_ms: self.oldest_age_ms(now_ms),
            created_wall_ms: self.created_wall_ms,
            tags: self.tags.clone(),
            dead_letter_target: redrive.map(|redrive| redrive.target.clone()),
            sources,
            kms_key_id: self.attributes.get("KmsMasterKeyId").cloned(),
            sse: self.attributes.get("SqsManagedSseEnabled").cloned(),
        }
    }

    fn oldest_age_ms(&self, now_ms: u64) -> Option<u64> {
        Some(now_ms.saturating_sub(self.messages.oldest_enqueued_ms()?))
    }

    /// In replay no command let time pass; records do.
    fn catch_up(&mut self, at_ms: u64) {
        if at_ms > self.passing.advanced_to_ms {
            self.advance(at_ms);
        }
    }

    fn misfit(&self, why: &'static str) -> ReplayError {
        ReplayError::Misfit { queue: self.id, why }
    }

    /// Makes a record true. `body` is where the bytes lie that the record carries.
    pub(crate) fn apply(
        &mut self,
        record: &Record,
        body: BodyRef,
        effects: &mut Effects,
    ) -> Result<(), ReplayError> {
        match record {
            Record::AttributesSet { attributes, modified_wall_ms, .. } => {
                self.set_attributes(attributes, *modified_wall_ms);
                // A FIFO queue's shorter delay reaches messages that are there already.
                effects.ready(self.id);
            }
            Record::TagsSet { tags, .. } => self.tags.clone_from(tags),
            Record::Purged { at_ms, .. } => self.purge(*at_ms, effects),
            Record::Sent { sequence, enqueued_ms, due_ms, group, deduplication_key, message_id, .. } => {
                self.catch_up(*enqueued_ms);
                self.next_sequence = self.next_sequence.max(sequence + 1);
                self.messages.admit(group.as_deref(), *sequence, body, *enqueued_ms, *due_ms);
                if *deduplication_key != 0 {
                    self.deduplication.remember(*deduplication_key, *enqueued_ms, *sequence, *message_id);
                }
                effects.stored(body);
                effects.ready(self.id);
            }
            Record::Received { picks, nonce, at_ms, visible_at_ms, wall_ms, attempt_key, .. } => {
                self.catch_up(*at_ms);
                let pick =
                    Pick { nonce: *nonce, at_ms: *at_ms, visible_at_ms: *visible_at_ms, wall_ms: *wall_ms };
                for (sequence, lane) in picks {
                    if self.messages.pick(*sequence, *lane, pick).is_none() {
                        return Err(self.misfit("receive of a message that isn't visible"));
                    }
                    #[cfg(feature = "planted")]
                    if crate::planted::is(crate::planted::Fault::ForgetCountInReplay)
                        && let Some(message) = self.messages.tracked_mut(*sequence)
                    {
                        message.receive_count -= 1;
                    }
                }
                self.note_attempt(*attempt_key, *at_ms, *nonce, picks);
            }
            Record::ReceivedAgain { attempt_key, visible_at_ms, .. } => {
                let sequences = self.attempts.find(*attempt_key).map(|attempt| attempt.sequences.clone());
                for sequence in sequences.ok_or_else(|| self.misfit("no such attempt"))? {
                    self.messages.set_deadline(sequence, 0, *visible_at_ms);
                }
            }
            Record::Removed { messages, at_ms, .. } => {
                self.catch_up(*at_ms);
                for (sequence, lane) in messages {
                    self.remove(*sequence, *lane, *at_ms, effects)?;
                }
            }
            Record::VisibilityChanged { sequence, at_ms, visible_at_ms, .. } => {
                self.catch_up(*at_ms);
                if let Some(attempt) = self.messages.tracked(*sequence).map(|message| message.attempt) {
                    self.attempts.void(attempt);
                }
                if !self.messages.set_deadline(*sequence, *at_ms, *visible_at_ms) {
                    return Err(self.misfit("visibility of a message that was never received"));
                }
                if visible_at_ms <= at_ms {
                    effects.ready(self.id);
                }
            }
            Record::Arrived { .. } => self.arrive(record, effects),
            Record::Relocated { from, .. } => self.relocate(from, body, effects),
            _ => self.apply_task(record)?,
        }
        Ok(())
    }

    fn set_attributes(&mut self, attributes: &StringMap, modified_wall_ms: u64) {
        if self.attributes.get("Policy") != attributes.get("Policy") {
            self.policy_version += 1;
        }
        self.attributes.clone_from(attributes);
        self.modified_wall_ms = modified_wall_ms;
        self.settings = Some(Box::new(Settings::read(attributes)));
    }

    fn purge(&mut self, at_ms: u64, effects: &mut Effects) {
        let fifo = self.is_fifo();
        effects.dropped(std::mem::replace(&mut self.messages, Messages::new(fifo)));
        self.deduplication.clear();
        self.attempts.clear();
        self.purged_at_ms = Some(at_ms);
    }

    /// Remembers what a receive attempt got, so that it can be repeated.
    pub(crate) fn note_attempt(&mut self, key: u128, at_ms: u64, nonce: u64, picks: &[(u64, u32)]) {
        if key == 0 {
            return;
        }
        let sequences: Vec<u64> = picks.iter().map(|(sequence, _)| *sequence).collect();
        let number = self.attempts.remember(key, at_ms, nonce, sequences);
        for (sequence, _) in picks {
            if let Some(message) = self.messages.tracked_mut(*sequence) {
                message.attempt = number;
            }
        }
    }

    fn remove(
        &mut self,
        sequence: u64,
        lane: u32,
        at_ms: u64,
        effects: &mut Effects,
    ) -> Result<(), ReplayError> {
        let message = self
            .messages
            .remove(sequence, lane, at_ms)
            .ok_or_else(|| self.misfit("removal of a message that isn't there"))?;
        self.attempts.void(message.attempt);
        effects.freed(message.body);
        if self.is_fifo() {
            effects.ready(self.id);
        }
        Ok(())
    }

    fn arrive(&mut self, record: &Record, effects: &mut Effects) {
        let Record::Arrived {
            sequence,
            body,
            enqueued_ms,
            group,
            receive_count,
            first_received_wall_ms,
            moved,
            ..
        } = record
        else {
            return;
        };
        self.next_sequence = self.next_sequence.max(sequence + 1);
        let message = Tracked {
            lane: 0,
            body: *body,
            enqueued_ms: *enqueued_ms,
            receive_count: *receive_count,
            in_flight: false,
            nonce: 0,
            received_ms: 0,
            visible_at_ms: 0,
            first_received_wall_ms: *first_received_wall_ms,
            attempt: 0,
            moved: Some(moved.clone()),
        };
        self.messages.arrive(group.as_deref(), *sequence, message);
        effects.stored(*body);
        effects.ready(self.id);
    }

    fn relocate(&mut self, from: &[(u64, BodyRef)], body: BodyRef, effects: &mut Effects) {
        let mut at = body.position;
        let mut moved = BTreeMap::new();
        for (sequence, old) in from {
            moved.insert((*sequence, old.position), at);
            effects.freed(*old);
            effects.stored(BodyRef { position: at, len: old.len });
            at += u64::from(old.len);
        }
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Fault::ForgetRelocation) {
            return;
        }
        self.messages.relocate(&moved);
    }

    fn apply_task(&mut self, record: &Record) -> Result<(), ReplayError> {
        match record {
            Record::TaskStarted {
                number,
                nonce,
                destination,
                max_per_second,
                to_move,
                below_sequence,
                at_ms,
                wall_ms,
                ..
            } => {
                self.tasks.start(Task {
                    number: *number,
                    nonce: *nonce,
                    status: TaskStatus::Running,
                    destination: destination.clone(),
                    max_per_second: *max_per_second,
                    to_move: *to_move,
                    below_sequence: *below_sequence,
                    moved: 0,
                    failure: None,
                    started_wall_ms: *wall_ms,
                    credit_milli: 1000,
                    credit_at_ms: *at_ms,
                });
            }
            Record::TaskProgressed { number, moved, credit_milli, at_ms, .. } => {
                let misfit = self.misfit("no such task");
                let task = self.tasks.get_mut(*number).ok_or(misfit)?;
                task.moved += moved;
                (task.credit_milli, task.credit_at_ms) = (*credit_milli, *at_ms);
            }
            Record::TaskEnded { number, status, failure, .. } => {
                let misfit = self.misfit("no such task");
                let task = self.tasks.get_mut(*number).ok_or(misfit)?;
                (task.status, task.failure) = (*status, failure.clone());
            }
            _ => return Err(self.misfit("record is not about a queue's inside")),
        }
        Ok(())
    }
}
