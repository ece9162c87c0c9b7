//! Sends: what was taken in, under which number, and what was recognised as sent before.

use super::message::{self, Number};
use super::place::{Message, Place};
use super::queues::Settings;
use super::time::Span;
use super::{Auditor, Life, Verdict, broken};
use bongsu_engine::{Command, EngineError, Outgoing, QueueName, Sent};
use std::collections::BTreeSet;
use std::rc::Rc;

/// SQS's deduplication interval.
pub(crate) const WINDOW_MS: u64 = 300_000;

/// A send that a FIFO queue may remember.
#[derive(Clone, Debug)]
pub(crate) struct Past {
    key: String,
    at: Span,
    number: Number,
    sequence: Option<u64>,
    sure: bool,
}

impl Auditor {
    /// A send was called: its messages are known from now on.
    pub(crate) fn sending(&mut self, messages: &[Outgoing]) {
        for outgoing in messages {
            let message = Message::new(outgoing.group.clone(), outgoing.size_bytes as usize);
            self.messages.insert(message::number(&outgoing.message_id), message);
        }
    }

    pub(crate) fn sent(
        &mut self,
        now: Span,
        name: &QueueName,
        messages: &[Outgoing],
        results: &[Result<Sent, EngineError>],
    ) -> Verdict {
        let Some(life) = self.life(name) else { return Ok(()) };
        if results.len() != messages.len() {
            return broken(format!("{} answers to {} messages", results.len(), messages.len()));
        }
        for (outgoing, result) in messages.iter().zip(results) {
            let number = message::number(&outgoing.message_id);
            match result {
                Ok(sent) if sent.message_id == outgoing.message_id => {
                    self.accepted(now, life, outgoing, number, sent.sequence)?;
                }
                Ok(sent) => self.recognised(now, life, outgoing, sent)?,
                Err(error) => self.refused(life, outgoing, error)?,
            }
        }
        Ok(())
    }

    fn accepted(
        &mut self,
        now: Span,
        life: Life,
        outgoing: &Outgoing,
        number: Number,
        sequence: u64,
    ) -> Verdict {
        let queue = &mut self.queues[life.0];
        let settings = queue.now().clone();
        if outgoing.size_bytes > settings.max_bytes {
            return broken(format!("message {number} is too long and was taken in"));
        }
        if sequence <= queue.last_sequence {
            let last = queue.last_sequence;
            return broken(format!("message {number} has the sequence number {sequence} after {last}"));
        }
        queue.last_sequence = sequence;
        if queue.is_fifo() {
            let Some(key) = key(&settings, outgoing) else {
                return broken(format!("message {number} has nothing to deduplicate by and was taken in"));
            };
            let within = |past: &&Past| past.key == key && !past.at.plus(WINDOW_MS).may_be_over(now);
            if let Some(past) = queue.sends.iter().filter(|past| past.sure).find(within) {
                let earlier = past.number;
                return broken(format!("message {number} duplicates {earlier} and was taken in"));
            }
            queue.sends.push(Past { key, at: now, number, sequence: Some(sequence), sure: true });
            queue.sends.retain(|past| past.at.plus(WINDOW_MS).may_lie_ahead(now));
        }
        let delay_ms = if queue.is_fifo() { 0 } else { outgoing.delay_ms.unwrap_or(settings.delay_ms) };
        queue.messages.insert(number);
        self.message(number).is_at(Place::sent(life, Some(sequence), now, delay_ms));
        Ok(())
    }

    /// The answer names an earlier message: it must be one that the queue still remembers.
    fn recognised(&mut self, now: Span, life: Life, outgoing: &Outgoing, sent: &Sent) -> Verdict {
        let (number, earlier) = (message::number(&outgoing.message_id), message::number(&sent.message_id));
        let queue = &mut self.queues[life.0];
        let key = key(queue.now(), outgoing);
        let past = queue.sends.iter_mut().find(|past| {
            Some(&past.key) == key.as_ref()
                && past.number == earlier
                && past.at.plus(WINDOW_MS).may_lie_ahead(now)
                && past.sequence.is_none_or(|sequence| sequence == sent.sequence)
        });
        let Some(past) = past else {
            return broken(format!("message {number} is said to duplicate {earlier}, which it does not"));
        };
        (past.sure, past.sequence) = (true, Some(sent.sequence));
        queue.last_sequence = queue.last_sequence.max(sent.sequence);
        let message = self.message(earlier);
        let unknown = |place: &&mut Place| place.life == life && place.source.is_none() && !place.renamed;
        message.places.iter_mut().filter(unknown).for_each(|place| place.sequence = Some(sent.sequence));
        self.message(number).fate = "was recognised as a duplicate";
        Ok(())
    }

    fn refused(&mut self, life: Life, outgoing: &Outgoing, error: &EngineError) -> Verdict {
        let number = message::number(&outgoing.message_id);
        self.message(number).fate = "was refused";
        let queue = &self.queues[life.0];
        let fitting = match error {
            EngineError::MessageTooLong { limit_bytes } => outgoing.size_bytes > *limit_bytes,
            EngineError::MissingGroupId => queue.is_fifo() && outgoing.group.is_none(),
            EngineError::MissingDeduplicationId => queue.is_fifo() && key(queue.now(), outgoing).is_none(),
            EngineError::UnexpectedDeduplicationId => outgoing.deduplication_id.is_some(),
            EngineError::DelayOnFifo { .. } => queue.is_fifo() && outgoing.delay_ms.is_some(),
            _ => false,
        };
        if fitting { Ok(()) } else { broken(format!("message {number} was refused: {error}")) }
    }

    /// A send of which nobody knows whether it happened.
    pub(crate) fn unsure_send(&mut self, now: Span, name: &QueueName, messages: &[Outgoing]) {
        for life in self.lives(name) {
            for outgoing in messages {
                let number = message::number(&outgoing.message_id);
                let queue = &mut self.queues[life.0];
                let delays: Vec<u64> = queue.settings.iter().map(|one| one.delay_ms).collect();
                let keys: BTreeSet<String> =
                    queue.settings.iter().filter_map(|settings| key(settings, outgoing)).collect();
                if queue.is_fifo() {
                    let past = |key| Past { key, at: now, number, sequence: None, sure: false };
                    queue.sends.extend(keys.into_iter().map(past));
                } else if queue.settings.iter().all(|settings| outgoing.size_bytes <= settings.max_bytes) {
                    queue.unsure_sends.push(number);
                }
                queue.messages.insert(number);
                let fifo = queue.is_fifo();
                let message = self.message(number);
                message.fate = "was sent, and nobody knows whether it was taken in";
                for delay_ms in delays {
                    let delay_ms = if fifo { 0 } else { outgoing.delay_ms.unwrap_or(delay_ms) };
                    message.may_be_at(Place::sent(life, None, now, delay_ms));
                }
            }
        }
    }

    /// A purge that may have happened may have emptied the window too.
    pub(crate) fn forget_sends_perhaps(&mut self, life: Life) {
        self.queues[life.0].sends.iter_mut().for_each(|past| past.sure = false);
    }

    /// A message may have gone on, as a dead letter or by a move task, to a queue that was then purged or deleted: that it is
    /// gone does not say that it never came.
    pub(crate) fn forgive_what_moved_on(&mut self, pending: &[Rc<Command>]) {
        let emptied = |command: &Rc<Command>| match &**command {
            Command::PurgeQueue(name) | Command::DeleteQueue(name) => Some(name.clone()),
            _ => None,
        };
        let emptied: Vec<QueueName> = pending.iter().filter_map(emptied).collect();
        for queue in &mut self.queues {
            let dead_letters = queue.settings.iter().filter_map(|settings| settings.redrive.as_ref());
            let moved = queue.moving.iter().map(Option::as_ref);
            let mut targets = dead_letters.map(|(target, _)| Some(target)).chain(moved);
            // A task without a destination moves to wherever a message came from.
            if targets.any(|target| emptied.iter().any(|name| target.is_none_or(|target| target == name))) {
                queue.unsure_sends.clear();
            }
        }
    }

    /// The log keeps what was decided first: of sends whose answers were lost, no later one may have survived an
    /// earlier one. Call it when all messages of the queue were seen.
    pub(crate) fn check_survivors(&mut self, life: Life, seen: &[Number]) -> Verdict {
        let mut lost = None;
        for number in std::mem::take(&mut self.queues[life.0].unsure_sends) {
            if self.message(number).places.is_empty() {
                lost = Some(number);
            } else if let Some(lost) = lost.filter(|_| seen.contains(&number)) {
                return broken(format!("message {number} survived, and {lost}, sent before it, did not"));
            }
        }
        Ok(())
    }
}

/// What a FIFO queue would recognise the message by.
fn key(settings: &Settings, outgoing: &Outgoing) -> Option<String> {
    let content = outgoing.content_hash.as_ref().filter(|_| settings.by_content);
    let chosen = outgoing.deduplication_id.as_ref().or(content)?;
    let scope = outgoing.group.as_deref().filter(|_| settings.per_group).unwrap_or_default();
    Some(format!("{scope}|{chosen}"))
}
