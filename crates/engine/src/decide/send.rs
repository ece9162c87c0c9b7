//! Taking messages in.

use super::Decision;
use crate::command::{Outgoing, Reply, Sent};
use crate::error::EngineError;
use crate::names::{QueueId, QueueName};
use crate::queue::hash;
use crate::record::Record;

impl Decision<'_> {
    pub(super) fn send(&mut self, name: &QueueName, messages: Vec<Outgoing>) -> Result<Reply, EngineError> {
        let id = self.queue(name)?.id;
        // Collected in one go they would take the messages' memory, and cut it down to their own size.
        let mut results = Vec::with_capacity(messages.len());
        for message in messages {
            results.push(self.send_one(id, message));
        }
        Ok(Reply::Sent(results))
    }

    fn send_one(&mut self, id: QueueId, message: Outgoing) -> Result<Sent, EngineError> {
        let now_ms = self.at.now_ms;
        let Some(queue) = self.engine.queues.get(&id) else { unreachable!("looked up by send()") };
        let settings = queue.settings();
        if message.size_bytes > settings.max_message_bytes {
            return Err(EngineError::MessageTooLong { limit_bytes: settings.max_message_bytes });
        }
        let mut due_ms = 0;
        let mut deduplication_key = 0;
        if queue.is_fifo() {
            let group = message.group.as_deref().ok_or(EngineError::MissingGroupId)?;
            if let Some(delay_ms) = message.delay_ms.filter(|delay_ms| *delay_ms > 0) {
                return Err(EngineError::DelayOnFifo { delay_seconds: delay_ms / 1000 });
            }
            let content = message.content_hash.as_ref().filter(|_| settings.content_based_deduplication);
            let chosen =
                message.deduplication_id.as_ref().or(content).ok_or(EngineError::MissingDeduplicationId)?;
            let scope = if settings.deduplicate_within_group { group } else { "" };
            deduplication_key = hash(id, queue.key, &["send", scope, chosen]);
            if let Some((sequence, message_id)) = queue.deduplication.find(deduplication_key) {
                return Ok(Sent { message_id, sequence });
            }
            if queue.deduplication.is_full() {
                return Err(EngineError::Throttled("too many messages within the deduplication interval"));
            }
        } else {
            if message.deduplication_id.is_some() {
                return Err(EngineError::UnexpectedDeduplicationId);
            }
            let delay_ms = message.delay_ms.unwrap_or(settings.delay_ms);
            due_ms = if delay_ms > 0 { now_ms + delay_ms } else { 0 };
        }
        let (sequence, message_id) = (queue.next_sequence, message.message_id);
        let group = message.group;
        let record = Record::Sent {
            queue: id,
            sequence,
            enqueued_ms: now_ms,
            due_ms,
            group,
            deduplication_key,
            message_id,
        };
        self.emit(&record, &message.stored);
        Ok(Sent { message_id, sequence })
    }
}
