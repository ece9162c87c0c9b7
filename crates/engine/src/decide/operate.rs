//! What a queue's operator does with single messages, without receipts.

use super::Decision;
use super::redrive::Arrival;
use crate::command::{Act, Moved, Reply};
use crate::error::EngineError;
use crate::names::{QueueId, QueueName};
use crate::queue::messages::{Candidate, Tracked};
use crate::record::Record;
use std::collections::BTreeMap;

impl Decision<'_> {
    pub(super) fn operate(
        &mut self,
        name: &QueueName,
        messages: &[(QueueId, u64)],
        act: &Act,
    ) -> Result<Reply, EngineError> {
        let queue = self.queue(name)?;
        let (id, fifo) = (queue.id, queue.is_fifo());
        let here = messages.iter().filter(|(life, _)| *life == id).map(|(_, sequence)| *sequence);
        let seen = queue.messages.find(&here.collect());
        let mut found: BTreeMap<u64, Tracked> =
            seen.into_iter().map(|seen| (seen.sequence, seen.to_tracked())).collect();
        if let Act::Move { to: Some(to) } = act {
            self.check_fit(name, fifo, to)?;
        }
        let mut moved = 0;
        let mut one = |(life, sequence): &(QueueId, u64)| {
            // Taken out: a number that comes twice is there only once.
            let message = if *life == id { found.remove(sequence) } else { None };
            let message = message.ok_or(EngineError::MessageNotAvailable)?;
            match act {
                Act::Discard => self.discard_one(id, *sequence, &message),
                Act::Move { to } => {
                    self.move_one(id, name, (*sequence, message), to.as_ref(), moved)?;
                    moved += 1;
                }
            }
            Ok(())
        };
        // In the order in which they lie, whatever the order in which they are named: groups keep theirs where they go.
        let mut order: Vec<usize> = (0..messages.len()).collect();
        order.sort_by_key(|index| messages[*index]);
        let mut results = vec![Ok(()); messages.len()];
        for index in order {
            results[index] = one(&messages[index]);
        }
        Ok(Reply::Each(results))
    }

    /// Refuses a destination that messages of a queue can't go to.
    pub(super) fn check_fit(
        &mut self,
        source: &QueueName,
        fifo: bool,
        destination: &QueueName,
    ) -> Result<(), EngineError> {
        self.engine.names.get(destination).ok_or(EngineError::MoveDestinationDoesNotExist)?;
        if destination == source {
            return Err(EngineError::MoveDestinationUnfit("source and destination are the same queue"));
        }
        if destination.is_fifo() != fifo {
            return Err(EngineError::MoveDestinationUnfit("source and destination are of different types"));
        }
        Ok(())
    }

    fn discard_one(&mut self, id: QueueId, sequence: u64, message: &Tracked) {
        let messages = vec![(sequence, message.lane)];
        self.emit(&Record::Removed { queue: id, messages, at_ms: self.at.now_ms }, &[]);
    }

    fn move_one(
        &mut self,
        id: QueueId,
        name: &QueueName,
        (sequence, message): (u64, Tracked),
        asked: Option<&QueueName>,
        count: u64,
    ) -> Result<(), EngineError> {
        if message.in_flight {
            return Err(EngineError::MessageNotAvailable);
        }
        let unknown = EngineError::MoveDestinationUnfit("the message came from no other queue");
        let source = || message.moved.as_ref()?.dead_letter_source.clone();
        let destination = asked.cloned().or_else(source).ok_or(unknown)?;
        self.check_fit(name, name.is_fifo(), &destination)?;
        let target = *self.engine.names.get(&destination).ok_or(EngineError::MoveDestinationDoesNotExist)?;
        let (now_ms, wall_ms, message_id) = (self.at.now_ms, self.at.wall_ms, self.message_id(id, count));
        let candidate = Candidate {
            sequence,
            lane: message.lane,
            enqueued_ms: message.enqueued_ms,
            receive_count: message.receive_count,
        };
        self.relink(id, &candidate, message, target, |moved, arrival| {
            *moved =
                Moved { dead_letter_source: None, message_id: Some(message_id), sent_wall_ms: Some(wall_ms) };
            *arrival = Arrival { enqueued_ms: now_ms, receive_count: 0, first_received_wall_ms: 0 };
        });
        Ok(())
    }
}
