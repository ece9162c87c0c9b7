//! `SendMessage`: puts one message into a queue.

use crate::error::ServiceError;
use crate::fields::Fields;
use crate::shapes::{
    MESSAGE_ATTRIBUTES, MESSAGE_SYSTEM_ATTRIBUTES, MessageAttributeValue, MessageAttributes,
};
use crate::sink::Sink;

/// What `SendMessage` is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendMessageRequest {
    /// The queue's URL, or what the caller gave instead of one.
    pub queue_url: String,
    /// The body, never empty.
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

impl SendMessageRequest {
    pub(crate) fn read<F: Fields>(fields: &mut F) -> Result<Self, ServiceError> {
        let attribute = |fields: &mut F| MessageAttributeValue::read(fields, "SendMessage");
        Ok(Self {
            queue_url: fields.queue_url()?,
            message_body: fields.required_text("MessageBody")?,
            delay_seconds: fields.integer("DelaySeconds")?,
            message_attributes: fields.structure_map(&MESSAGE_ATTRIBUTES, attribute)?,
            message_system_attributes: fields.structure_map(&MESSAGE_SYSTEM_ATTRIBUTES, attribute)?,
            message_deduplication_id: fields.string("MessageDeduplicationId")?,
            message_group_id: fields.string("MessageGroupId")?,
        })
    }
}

/// What `SendMessage` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendMessageResponse {
    /// See [`crate::md5::body`].
    pub md5_of_message_body: String,
    /// See [`crate::md5::message_attributes`]; absent when there are none.
    pub md5_of_message_attributes: Option<String>,
    /// See [`crate::md5::message_attributes`]; absent when there are none.
    pub md5_of_message_system_attributes: Option<String>,
    /// The message's id.
    pub message_id: String,
    /// FIFO: the message's place, 20 digits.
    pub sequence_number: Option<String>,
}

impl SendMessageResponse {
    pub(crate) fn write<S: Sink>(&self, sink: &mut S) {
        sink.string("MD5OfMessageBody", &self.md5_of_message_body);
        sink.optional_string("MD5OfMessageAttributes", self.md5_of_message_attributes.as_deref());
        sink.optional_string(
            "MD5OfMessageSystemAttributes",
            self.md5_of_message_system_attributes.as_deref(),
        );
        sink.string("MessageId", &self.message_id);
        sink.optional_string("SequenceNumber", self.sequence_number.as_deref());
    }
}
