//! `ChangeMessageVisibilityBatch`: `ChangeMessageVisibility` for up to ten messages, each of which succeeds
//! or fails alone.

use crate::error::ServiceError;
use crate::fields::Fields;
use crate::shapes::{BatchResultErrorEntry, FAILED, ListName};
use crate::sink::Sink;

const ENTRIES: ListName = ListName { json: "Entries", query: "ChangeMessageVisibilityBatchRequestEntry" };
const SUCCESSFUL: ListName =
    ListName { json: "Successful", query: "ChangeMessageVisibilityBatchResultEntry" };

/// What `ChangeMessageVisibilityBatch` is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeMessageVisibilityBatchRequest {
    /// The queue's URL, or what the caller gave instead of one.
    pub queue_url: String,
    /// The messages; may be empty or too many, which is for the service to refuse.
    pub entries: Vec<ChangeMessageVisibilityBatchRequestEntry>,
}

/// One message whose visibility changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeMessageVisibilityBatchRequestEntry {
    /// The caller's name for the entry, unique within the batch.
    pub id: String,
    /// The handle that the receive returned.
    pub receipt_handle: String,
    /// Seconds from now until the message can be received again. The model does not require it here.
    pub visibility_timeout: Option<i32>,
}

impl ChangeMessageVisibilityBatchRequest {
    pub(crate) fn read<F: Fields>(fields: &mut F) -> Result<Self, ServiceError> {
        Ok(Self {
            queue_url: fields.queue_url()?,
            entries: fields.structures(&ENTRIES, |fields| {
                Ok(ChangeMessageVisibilityBatchRequestEntry {
                    id: fields.required_string("Id")?,
                    receipt_handle: fields.required_string("ReceiptHandle")?,
                    visibility_timeout: fields.integer("VisibilityTimeout")?,
                })
            })?,
        })
    }
}

/// What `ChangeMessageVisibilityBatch` answers: each entry is in one of the two lists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangeMessageVisibilityBatchResponse {
    /// The entries that were changed.
    pub successful: Vec<ChangeMessageVisibilityBatchResultEntry>,
    /// The entries that were refused.
    pub failed: Vec<BatchResultErrorEntry>,
}

/// An entry that was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeMessageVisibilityBatchResultEntry {
    /// The caller's id of the entry.
    pub id: String,
}

impl ChangeMessageVisibilityBatchResponse {
    pub(crate) fn write<S: Sink>(&self, sink: &mut S) {
        sink.present_structures(&SUCCESSFUL, &self.successful, |entry, sink| sink.string("Id", &entry.id));
        sink.present_structures(&FAILED, &self.failed, BatchResultErrorEntry::write);
    }
}
