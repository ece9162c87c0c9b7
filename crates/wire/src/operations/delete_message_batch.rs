//! `DeleteMessageBatch`: removes up to ten received messages, each of which succeeds or fails alone.

use crate::error::ServiceError;
use crate::fields::Fields;
use crate::shapes::{BatchResultErrorEntry, FAILED, ListName};
use crate::sink::Sink;

const ENTRIES: ListName = ListName { json: "Entries", query: "DeleteMessageBatchRequestEntry" };
const SUCCESSFUL: ListName = ListName { json: "Successful", query: "DeleteMessageBatchResultEntry" };

/// What `DeleteMessageBatch` is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteMessageBatchRequest {
    /// The queue's URL, or what the caller gave instead of one.
    pub queue_url: String,
    /// The messages; may be empty or too many, which is for the service to refuse.
    pub entries: Vec<DeleteMessageBatchRequestEntry>,
}

/// One message to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteMessageBatchRequestEntry {
    /// The caller's name for the entry, unique within the batch.
    pub id: String,
    /// The handle that the receive returned.
    pub receipt_handle: String,
}

impl DeleteMessageBatchRequest {
    pub(crate) fn read<F: Fields>(fields: &mut F) -> Result<Self, ServiceError> {
        Ok(Self {
            queue_url: fields.queue_url()?,
            entries: fields.structures(&ENTRIES, |fields| {
                Ok(DeleteMessageBatchRequestEntry {
                    id: fields.required_string("Id")?,
                    receipt_handle: fields.required_string("ReceiptHandle")?,
                })
            })?,
        })
    }
}

/// What `DeleteMessageBatch` answers: each entry is in one of the two lists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeleteMessageBatchResponse {
    /// The entries that were deleted.
    pub successful: Vec<DeleteMessageBatchResultEntry>,
    /// The entries that were refused.
    pub failed: Vec<BatchResultErrorEntry>,
}

/// An entry that was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteMessageBatchResultEntry {
    /// The caller's id of the entry.
    pub id: String,
}

impl DeleteMessageBatchResponse {
    pub(crate) fn write<S: Sink>(&self, sink: &mut S) {
        sink.present_structures(&SUCCESSFUL, &self.successful, |entry, sink| sink.string("Id", &entry.id));
        sink.present_structures(&FAILED, &self.failed, BatchResultErrorEntry::write);
    }
}
