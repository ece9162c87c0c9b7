//! Messages that change queues: into a dead-letter queue, and out of it by a move task.

use super::Decision;
use crate::command::{Moved, Reply, TaskStatus};
use crate::error::EngineError;
use crate::names::{QueueId, QueueName, TaskId};
use crate::queue::messages::{Candidate, Tracked};
use crate::record::Record;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Messages that one step of a task moves at most, so that a step is no longer than a commit.
const STEP_MESSAGES: u64 = 100;

impl Decision<'_> {
    /// Moves a message that was received too often. Its bytes stay where they lie.
    pub(super) fn move_dead_letter(
        &mut self,
        from: QueueId,
        message: &Candidate,
        to: QueueId,
        source: &QueueName,
    ) {
        let fifo = source.is_fifo();
        let (now_ms, wall_ms) = (self.at.now_ms, self.at.wall_ms);
        let Some(tracked) = self.by_id(from).and_then(|queue| queue.messages.head(message)) else { return };
        self.relink(from, message, tracked, to, |moved, arrived| {
            moved.dead_letter_source = Some(source.clone());
            #[cfg(feature = "planted")]
            if crate::planted::is(crate::planted::Fault::ResetCountOfDeadLetters) {
                arrived.receive_count = 0;
            }
            if fifo {
                // On FIFO dead-letter queues SQS stamps the message anew; on standard ones it keeps its age.
                moved.sent_wall_ms = Some(wall_ms);
                arrived.enqueued_ms = now_ms;
            }
        });
    }

    /// Takes a message out of one queue and into another; `change` says what is different there.
    pub(super) fn relink(
        &mut self,
        from: QueueId,
        message: &Candidate,
        tracked: Tracked,
        to: QueueId,
        change: impl FnOnce(&mut Moved, &mut Arrival),
    ) {
        let Some(source) = self.by_id(from) else { return };
        let group = source.messages.group_of(message.lane);
        let mut moved = tracked.moved.as_deref().cloned().unwrap_or_default();
        let mut arrival = Arrival {
            enqueued_ms: tracked.enqueued_ms,
            receive_count: tracked.receive_count,
            first_received_wall_ms: tracked.first_received_wall_ms,
        };
        change(&mut moved, &mut arrival);
        self.take_out(from, message);
        let Some(target) = self.by_id(to) else { unreachable!("the target was looked up before the move") };
        let record = Record::Arrived {
            queue: to,
            sequence: target.next_sequence,
            body: tracked.body,
            enqueued_ms: arrival.enqueued_ms,
            group: group.map(|group| group.to_string()),
            receive_count: arrival.receive_count,
            first_received_wall_ms: arrival.first_received_wall_ms,
            moved: Arc::new(moved),
        };
        self.emit(&record, &[]);
    }

    pub(super) fn start_move(
        &mut self,
        source: &QueueName,
        destination: Option<QueueName>,
        max_per_second: Option<u32>,
    ) -> Result<Reply, EngineError> {
        let at = self.at;
        self.queue(source).map_err(|_| EngineError::MoveSourceDoesNotExist)?;
        if !self.engine.sources.contains_key(source) {
            return Err(EngineError::SourceIsNoDeadLetterQueue);
        }
        if let Some(destination) = &destination {
            self.check_fit(source, source.is_fifo(), destination)?;
        }
        let nonce = self.nonce();
        let queue = self.queue(source)?;
        if queue.tasks.active().is_some() {
            return Err(EngineError::MoveTaskRunning);
        }
        let (number, below_sequence) = (queue.tasks.next_number(), queue.next_sequence);
        let (to_move, _) = queue.messages.visible_and_delayed(at.now_ms, 0);
        let queue = queue.id;
        let record = Record::TaskStarted {
            queue,
            number,
            nonce,
            destination,
            max_per_second,
            to_move,
            below_sequence,
            at_ms: at.now_ms,
            wall_ms: at.wall_ms,
        };
        self.emit(&record, &[]);
        Ok(Reply::TaskStarted(TaskId { source: queue, number, nonce }))
    }

    pub(super) fn cancel_move(&mut self, task: TaskId) -> Result<Reply, EngineError> {
        let active = self.by_id(task.source).and_then(|queue| queue.tasks.active());
        let running = active.filter(|active| {
            active.status == TaskStatus::Running && active.number == task.number && active.nonce == task.nonce
        });
        let moved = running.ok_or(EngineError::MoveTaskDoesNotExist)?.moved;
        self.end_task(task.source, task.number, TaskStatus::Cancelling, None);
        Ok(Reply::TaskCancelled { moved })
    }

    /// Moves what a running task may move by now; ends it when nothing is left or a destination is gone.
    pub(super) fn step_move(&mut self, id: QueueId) {
        let now_ms = self.at.now_ms;
        let Some(queue) = self.by_id(id) else { return };
        queue.advance(now_ms);
        let Some(task) = queue.tasks.active().cloned() else { return };
        if task.status == TaskStatus::Cancelling {
            return self.end_task(id, task.number, TaskStatus::Cancelled, None);
        }
        let credit_milli = task.credit_milli(now_ms);
        let may_move = (credit_milli / 1000).min(STEP_MESSAGES);
        let (mut moved, mut ending) = (0, None);
        while moved < may_move && ending.is_none() {
            match self.move_next(id, &task.destination, task.below_sequence, task.moved + moved) {
                Ok(true) => moved += 1,
                Ok(false) => ending = Some((TaskStatus::Completed, None)),
                Err(failure) => ending = Some((TaskStatus::Failed, Some(failure.to_owned()))),
            }
        }
        if moved > 0 {
            let credit_milli = credit_milli - moved * 1000;
            let record =
                Record::TaskProgressed { queue: id, number: task.number, moved, credit_milli, at_ms: now_ms };
            self.emit(&record, &[]);
        }
        if let Some((status, failure)) = ending {
            self.end_task(id, task.number, status, failure);
        }
    }

    /// Moves one message; `false` when there is none left, an error code when it has nowhere to go.
    fn move_next(
        &mut self,
        id: QueueId,
        asked: &Option<QueueName>,
        below: u64,
        count: u64,
    ) -> Result<bool, &'static str> {
        let Some(queue) = self.by_id(id) else { return Ok(false) };
        let Some(message) = queue.messages.oldest(below) else { return Ok(false) };
        let own_source = || {
            let moved = queue.messages.tracked(message.sequence)?.moved.as_ref()?;
            moved.dead_letter_source.clone()
        };
        let destination = asked.clone().or_else(own_source).ok_or("CouldNotDetermineMessageSource")?;
        let gone = "AWS.SimpleQueueService.NonExistentQueue";
        let target = *self.engine.names.get(&destination).ok_or(gone)?;
        if target == id {
            return Err("CouldNotDetermineMessageSource");
        }
        let (now_ms, wall_ms, message_id) = (self.at.now_ms, self.at.wall_ms, self.message_id(id, count));
        let Some(tracked) = self.by_id(id).and_then(|queue| queue.messages.head(&message)) else {
            return Ok(false);
        };
        self.relink(id, &message, tracked, target, |moved, arrival| {
            *moved =
                Moved { dead_letter_source: None, message_id: Some(message_id), sent_wall_ms: Some(wall_ms) };
            *arrival = Arrival { enqueued_ms: now_ms, receive_count: 0, first_received_wall_ms: 0 };
        });
        Ok(true)
    }

    /// A new message id, in the form of a UUID of version 4.
    pub(super) fn message_id(&self, id: QueueId, count: u64) -> [u8; 16] {
        let mut hasher = Sha256::new();
        hasher.update(self.entropy.0.to_le_bytes());
        hasher.update(id.0.to_le_bytes());
        hasher.update(count.to_le_bytes());
        let digest = hasher.finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        bytes
    }

    fn end_task(&mut self, queue: QueueId, number: u64, status: TaskStatus, failure: Option<String>) {
        self.emit(&Record::TaskEnded { queue, number, status, failure }, &[]);
    }
}

/// How a message counts and ages in the queue it comes to.
pub(super) struct Arrival {
    pub(super) enqueued_ms: u64,
    pub(super) receive_count: u32,
    pub(super) first_received_wall_ms: u64,
}
