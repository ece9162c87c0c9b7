//! `SendMessageBatch`: puts up to ten messages into a queue, each of which succeeds or fails alone.

use crate::error::ServiceError;
use crate::fields::Fields;
use crate::shapes::{
    BatchResultErrorEntry, FAILED, ListName, MESSAGE_ATTRIBUTES, MESSAGE_SYSTEM_ATTRIBUTES,
    MessageAttributeValue, MessageAttributes,
};
use crate::sink::Sink;

const ENTRIES: ListName = ListName { json: "Entries", query: "SendMessageBatchRequestEntry" };
const SUCCESSFUL: ListName = ListName { json: "Successful", query: "SendMessageBatchResultEntry" };

/// What `SendMessageBatch` is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendMessageBatchRequest {
    /// The queue's URL, or what the caller gave instead of one.
    pub queue_url: String,
    /// The messages; may be empty or too many, which is for the service to refuse.
    pub entries: Vec<SendMessageBatchRequestEntry>,
}

/// One message of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendMessageBatchRequestEntry {
    /// The caller's name for the entry, unique within the batch.
    pub id: String,
    /// The body; unlike `SendMessage`'s it may be empty here, so that the entry can fail alone.
    pub message_body: String,
    /// Seconds until the message can be received; the queue's own when absent.
    pub delay_seconds: Option<i32>,
    /// The caller's attributes, empty when there are none.
    pub message_attributes: MessageAttributes,
    /// Attributes that mean something to the service (`AWSTraceHeader`).
    pub message_system_attributes: MessageAttributes,
    /// FIFO: what makes two sends one message.
    pub message_deduplication_id: Option<String>,
    /// FIFO: the group within which order is kept. Standard: the tenant.
    pub message_group_id: Option<String>,
}

impl SendMessageBatchRequest {
    pub(crate) fn read<F: Fields>(fields: &mut F) -> Result<Self, ServiceError> {
        Ok(Self {
            queue_url: fields.queue_url()?,
            entries: fields.structures(&ENTRIES, SendMessageBatchRequestEntry::read)?,
        })
    }
}

impl SendMessageBatchRequestEntry {
    fn read<F: Fields>(fields: &mut F) -> Result<Self, ServiceError> {
        let attribute = |fields: &mut F| MessageAttributeValue::read(fields, "SendMessageBatch");
        Ok(Self {
            id: fields.required_string("Id")?,
            message_body: fields.required_string("MessageBody")?,
            delay_seconds: fields.integer("DelaySeconds")?,
            message_attributes: fields.structure_map(&MESSAGE_ATTRIBUTES, attribute)?,
            message_system_attributes: fields.structure_map(&MESSAGE_SYSTEM_ATTRIBUTES, attribute)?,
            message_deduplication_id: fields.string("MessageDeduplicationId")?,
            message_group_id: fields.string("MessageGroupId")?,
        })
    }
}

/// What `SendMessageBatch` answers: each entry is in one of the two lists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SendMessageBatchResponse {
    /// The entries that were sent.
    pub successful: Vec<SendMessageBatchResultEntry>,
    /// The entries that were refused.
    pub failed: Vec<BatchResultErrorEntry>,
}

/// An entry that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendMessageBatchResultEntry {
    /// The caller's id of the entry.
    pub id: String,
    /// The message's id.
    pub message_id: String,
    /// See [`crate::md5::body`].
    pub md5_of_message_body: String,
    /// See [`crate::md5::message_attributes`]; absent when there are none.
    pub md5_of_message_attributes: Option<String>,
    /// See [`crate::md5::message_attributes`]; absent when there are none.
    pub md5_of_message_system_attributes: Option<String>,
    /// FIFO: the message's place, 20 digits.
    pub sequence_number: Option<String>,
}

impl SendMessageBatchResponse {
    pub(crate) fn write<S: Sink>(&self, sink: &mut S) {
        sink.present_structures(&SUCCESSFUL, &self.successful, SendMessageBatchResultEntry::write);
        sink.present_structures(&FAILED, &self.failed, BatchResultErrorEntry::write);
    }
}

impl SendMessageBatchResultEntry {
    fn write<S: Sink>(&self, sink: &mut S) {
        sink.string("Id", &self.id);
        sink.string("MessageId", &self.message_id);
        sink.string("MD5OfMessageBody", &self.md5_of_message_body);
        sink.optional_string("MD5OfMessageAttributes", self.md5_of_message_attributes.as_deref());
        sink.optional_string(
            "MD5OfMessageSystemAttributes",
            self.md5_of_message_system_attributes.as_deref(),
        );
        sink.optional_string("SequenceNumber", self.sequence_number.as_deref());
    }
}
