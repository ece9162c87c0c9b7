//! What holders of receipt handles may do: delete, and change when a message comes back.

use super::Decision;
use crate::command::Reply;
use crate::error::EngineError;
use crate::names::{QueueId, QueueName, Receipt};
use crate::record::Record;

/// SQS's bound on the time from a receive to the end of its visibility timeout.
const MAX_TOTAL_VISIBILITY_MS: u64 = 43_200_000;

impl Decision<'_> {
    pub(super) fn delete(&mut self, name: &QueueName, receipts: &[Receipt]) -> Result<Reply, EngineError> {
        let id = self.queue(name)?.id;
        let mut gone = Vec::with_capacity(receipts.len());
        let results = receipts.iter().map(|receipt| self.may_delete(id, *receipt, &mut gone)).collect();
        if !gone.is_empty() {
            self.emit(&Record::Removed { queue: id, messages: gone, at_ms: self.at.now_ms }, &[]);
        }
        Ok(Reply::Each(results))
    }

    /// On a standard queue a stale handle succeeds and deletes nothing; on a FIFO queue it is an error, unless the
    /// message is gone already.
    fn may_delete(
        &mut self,
        id: QueueId,
        receipt: Receipt,
        gone: &mut Vec<(u64, u32)>,
    ) -> Result<(), EngineError> {
        let Some(queue) = self.by_id(id).filter(|queue| queue.id == receipt.queue) else {
            return Err(EngineError::ReceiptOfOtherQueue);
        };
        let Some(message) = queue.messages.tracked(receipt.sequence) else { return Ok(()) };
        let current = message.nonce == receipt.nonce;
        #[cfg(feature = "planted")]
        let current = current || crate::planted::is(crate::planted::Fault::AcceptOldReceipts);
        if queue.is_fifo() && !(current && message.in_flight) {
            return Err(EngineError::ReceiptExpired);
        }
        let listed = (receipt.sequence, message.lane);
        if current && !gone.contains(&listed) {
            gone.push(listed);
        }
        Ok(())
    }

    pub(super) fn change_visibility(
        &mut self,
        name: &QueueName,
        changes: &[(Receipt, u64)],
    ) -> Result<Reply, EngineError> {
        let id = self.queue(name)?.id;
        let results =
            changes.iter().map(|(receipt, timeout_ms)| self.change_one(id, *receipt, *timeout_ms)).collect();
        Ok(Reply::Each(results))
    }

    fn change_one(&mut self, id: QueueId, receipt: Receipt, timeout_ms: u64) -> Result<(), EngineError> {
        let at_ms = self.at.now_ms;
        let Some(queue) = self.by_id(id).filter(|queue| queue.id == receipt.queue) else {
            return Err(EngineError::ReceiptOfOtherQueue);
        };
        let message = queue.messages.tracked(receipt.sequence).ok_or(EngineError::MessageNotAvailable)?;
        // On a standard queue any handle of the message serves, an older one too, and also when the message is visible
        // again: it is hidden anew. A FIFO handle ends with its timeout.
        if queue.is_fifo() && !(message.nonce == receipt.nonce && message.in_flight) {
            return Err(EngineError::MessageNotAvailable);
        }
        let visible_at_ms = at_ms + timeout_ms;
        if visible_at_ms.saturating_sub(message.received_ms) > MAX_TOTAL_VISIBILITY_MS {
            return Err(EngineError::VisibilityBeyondLimit);
        }
        let record =
            Record::VisibilityChanged { queue: id, sequence: receipt.sequence, at_ms, visible_at_ms };
        self.emit(&record, &[]);
        Ok(())
    }
}
