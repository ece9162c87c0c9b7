//! Handing messages out.

use super::Decision;
use crate::command::{Delivery, Receive, Reply};
use crate::error::EngineError;
use crate::names::{QueueId, QueueName, Receipt};
use crate::queue::hash;
use crate::queue::messages::{Candidate, Handed, Pick};
use crate::record::Record;

/// SQS's bound on messages in flight, for both types of queue.
const MAX_IN_FLIGHT: u64 = 120_000;
/// How many expired or dead letters one receive clears away before it answers with what it has.
const MAX_CLEARED: usize = 500;

/// SQS hands out no more at a time; memory for so many is made ready at once.
const USUAL_MOST: usize = 10;

/// What happens to a message whose turn it is.
enum Fate {
    HandOut,
    Expire,
    DeadLetter { target: QueueId, target_name: QueueName },
}

impl Decision<'_> {
    pub(super) fn receive(&mut self, receive: &Receive) -> Result<Reply, EngineError> {
        let queue = self.queue(&receive.name)?;
        let (id, fifo) = (queue.id, queue.is_fifo());
        if receive.attempt_id.is_some() && !fifo {
            return Err(EngineError::AttemptIdOnStandard);
        }
        if !fifo && queue.messages.in_flight() >= MAX_IN_FLIGHT {
            return Err(EngineError::OverLimit);
        }
        let timeout_ms = receive.visibility_timeout_ms.unwrap_or(queue.settings().visibility_timeout_ms);
        let visible_at_ms = self.at.now_ms + timeout_ms;
        let attempt_key = receive.attempt_id.as_deref().map_or(0, |attempt| self.attempt_key(id, attempt));
        if let Some(again) = self.receive_again(id, attempt_key, visible_at_ms)? {
            return Ok(Reply::Received(again));
        }
        let (at_ms, wall_ms, nonce) = (self.at.now_ms, self.at.wall_ms, self.nonce());
        let pick = Pick { nonce, at_ms, visible_at_ms, wall_ms };
        let (picks, deliveries) = self.fill(id, receive.max_messages, pick);
        if picks.is_empty() {
            return Ok(Reply::Received(Vec::new()));
        }
        if let Some(queue) = self.by_id(id) {
            queue.note_attempt(attempt_key, at_ms, nonce, &picks);
        }
        self.note(&Record::Received { queue: id, picks, nonce, at_ms, visible_at_ms, wall_ms, attempt_key });
        Ok(Reply::Received(deliveries))
    }

    fn attempt_key(&mut self, id: QueueId, attempt: &str) -> u128 {
        self.by_id(id).map_or(0, |queue| hash(id, queue.key, &["receive", attempt]))
    }

    /// The same messages and handles again, while none of them was changed: what ReceiveRequestAttemptId is for.
    fn receive_again(
        &mut self,
        id: QueueId,
        attempt_key: u128,
        visible_at_ms: u64,
    ) -> Result<Option<Vec<Delivery>>, EngineError> {
        let Some(queue) = self.by_id(id) else { return Ok(None) };
        let Some(attempt) = queue.attempts.find(attempt_key) else { return Ok(None) };
        if attempt.void {
            return Err(EngineError::AttemptNotRetryable);
        }
        let (nonce, sequences) = (attempt.nonce, attempt.sequences.clone());
        let in_flight = |sequence: &u64| {
            queue
                .messages
                .tracked(*sequence)
                .is_some_and(|message| message.in_flight && message.nonce == nonce)
        };
        if !sequences.iter().all(in_flight) {
            return Ok(None);
        }
        self.emit(&Record::ReceivedAgain { queue: id, attempt_key, visible_at_ms }, &[]);
        let Some(queue) = self.by_id(id) else { return Ok(None) };
        let again = |sequence: &u64| {
            queue.messages.tracked(*sequence).map(|message| delivery(id, *sequence, message.handed()))
        };
        Ok(Some(sequences.iter().filter_map(again).collect()))
    }

    /// Takes out up to `most` messages, for the record and for the answer; expired ones and dead letters that are in the
    /// way go where they belong.
    fn fill(&mut self, id: QueueId, most: usize, pick: Pick) -> (Vec<(u64, u32)>, Vec<Delivery>) {
        let (mut picks, mut deliveries, mut cleared) = (Vec::new(), Vec::new(), 0);
        'groups: while let Some(head) = self.next_head(id) {
            let barrier = self.by_id(id).map_or(0, |queue| queue.messages.barrier(head.lane));
            let lane = head.lane;
            let mut next = Some(head);
            while let Some(message) = next {
                if picks.len() >= most {
                    break 'groups;
                }
                if cleared >= MAX_CLEARED {
                    // There may be more to receive: who waits is to look again.
                    self.engine.effects.ready(id);
                    break 'groups;
                }
                match self.fate(id, &message) {
                    Fate::HandOut => {
                        let Some(delivery) = self.pick(id, &message, pick) else { break 'groups };
                        if picks.is_empty() {
                            // Where there is one there are mostly as many as asked for.
                            picks.reserve_exact(most.min(USUAL_MOST));
                            deliveries.reserve_exact(most.min(USUAL_MOST));
                        }
                        picks.push((message.sequence, lane));
                        deliveries.push(delivery);
                    }
                    Fate::Expire => {
                        self.take_out(id, &message);
                        cleared += 1;
                    }
                    Fate::DeadLetter { target, target_name } => {
                        self.move_dead_letter(id, &message, target, &target_name);
                        cleared += 1;
                    }
                }
                next = self.next_in_group(id, lane, barrier);
            }
        }
        (picks, deliveries)
    }

    fn next_head(&mut self, id: QueueId) -> Option<Candidate> {
        let now_ms = self.at.now_ms;
        let queue = self.by_id(id)?;
        let delay_ms = queue.fifo_delay_ms();
        queue.messages.candidate(now_ms, delay_ms).filter(|_| queue.messages.in_flight() < MAX_IN_FLIGHT)
    }

    /// A FIFO receive goes on within the group before it turns to the next; a standard one chooses anew each time.
    fn next_in_group(&mut self, id: QueueId, lane: u32, barrier: u64) -> Option<Candidate> {
        let now_ms = self.at.now_ms;
        let queue = self.by_id(id).filter(|queue| queue.is_fifo())?;
        let delay_ms = queue.fifo_delay_ms();
        queue.messages.next_in_group(lane, barrier, now_ms, delay_ms)
    }

    fn fate(&self, id: QueueId, message: &Candidate) -> Fate {
        let Some(queue) = self.engine.queues.get(&id) else { return Fate::HandOut };
        let settings = queue.settings();
        if self.at.expire && message.enqueued_ms + settings.retention_ms <= self.at.now_ms {
            return Fate::Expire;
        }
        let Some(redrive) =
            settings.redrive.as_ref().filter(|redrive| message.receive_count >= redrive.max_receive_count)
        else {
            return Fate::HandOut;
        };
        // A dead-letter queue that is gone (or is the queue itself) takes nothing: the message stays and is handed out.
        match self.engine.names.get(&redrive.target) {
            Some(target) if *target != id && redrive.target.is_fifo() == queue.is_fifo() => {
                Fate::DeadLetter { target: *target, target_name: queue.name.clone() }
            }
            _ => Fate::HandOut,
        }
    }

    /// Hands one message out at once, so that the choice of the next sees it; the record follows when all are chosen.
    fn pick(&mut self, id: QueueId, message: &Candidate, pick: Pick) -> Option<Delivery> {
        let queue = self.by_id(id).filter(|queue| queue.messages.in_flight() < MAX_IN_FLIGHT)?;
        let handed = queue.messages.pick(message.sequence, message.lane, pick)?;
        Some(delivery(id, message.sequence, handed))
    }

    /// Takes a visible message out of its queue for good.
    pub(super) fn take_out(&mut self, id: QueueId, message: &Candidate) {
        let messages = vec![(message.sequence, message.lane)];
        self.emit(&Record::Removed { queue: id, messages, at_ms: self.at.now_ms }, &[]);
    }
}

fn delivery(id: QueueId, sequence: u64, handed: Handed) -> Delivery {
    Delivery {
        receipt: Receipt { queue: id, sequence, nonce: handed.nonce },
        body: handed.body,
        receive_count: handed.receive_count,
        first_received_wall_ms: handed.first_received_wall_ms,
        moved: handed.moved,
    }
}
