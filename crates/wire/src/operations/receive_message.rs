//! `ReceiveMessage`: hands out up to ten messages and hides them for a while.

use crate::error::ServiceError;
use crate::fields::Fields;
use crate::shapes::{
    ATTRIBUTE_NAMES, ATTRIBUTES, ListName, MESSAGE_ATTRIBUTES, MessageAttributeValue, MessageAttributes,
    StringMap,
};
use crate::sink::Sink;

const MESSAGE_SYSTEM_ATTRIBUTE_NAMES: ListName =
    ListName { json: "MessageSystemAttributeNames", query: "MessageSystemAttributeName" };
const MESSAGE_ATTRIBUTE_NAMES: ListName =
    ListName { json: "MessageAttributeNames", query: "MessageAttributeName" };
const MESSAGES: ListName = ListName { json: "Messages", query: "Message" };

/// What `ReceiveMessage` is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiveMessageRequest {
    /// The queue's URL, or what the caller gave instead of one.
    pub queue_url: String,
    /// System attributes to return: the older name of `message_system_attribute_names`, still used by many.
    pub attribute_names: Vec<String>,
    /// System attributes to return.
    pub message_system_attribute_names: Vec<String>,
    /// Filters for the caller's attributes to return.
    pub message_attribute_names: Vec<String>,
    /// How many messages at most; one when absent.
    pub max_number_of_messages: Option<i32>,
    /// Seconds for which the messages are hidden; the queue's own when absent.
    pub visibility_timeout: Option<i32>,
    /// Seconds to wait for a message; the queue's own when absent.
    pub wait_time_seconds: Option<i32>,
    /// FIFO: makes a repeated receive return the same messages.
    pub receive_request_attempt_id: Option<String>,
}

impl ReceiveMessageRequest {
    pub(crate) fn read<F: Fields>(fields: &mut F) -> Result<Self, ServiceError> {
        Ok(Self {
            queue_url: fields.queue_url()?,
            attribute_names: fields.strings(&ATTRIBUTE_NAMES)?,
            message_system_attribute_names: fields.strings(&MESSAGE_SYSTEM_ATTRIBUTE_NAMES)?,
            message_attribute_names: fields.strings(&MESSAGE_ATTRIBUTE_NAMES)?,
            max_number_of_messages: fields.integer("MaxNumberOfMessages")?,
            visibility_timeout: fields.integer("VisibilityTimeout")?,
            wait_time_seconds: fields.integer("WaitTimeSeconds")?,
            receive_request_attempt_id: fields.string("ReceiveRequestAttemptId")?,
        })
    }
}

/// What `ReceiveMessage` answers; without messages the list is absent on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReceiveMessageResponse {
    /// The messages.
    pub messages: Vec<Message>,
}

/// A message as its receiver sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The message's id.
    pub message_id: String,
    /// What deletes this message, or changes its visibility.
    pub receipt_handle: String,
    /// See [`crate::md5::body`].
    pub md5_of_body: String,
    /// The body.
    pub body: String,
    /// The system attributes that were asked for.
    pub attributes: StringMap,
    /// See [`crate::md5::message_attributes`]: of the attributes returned; absent when there are none.
    pub md5_of_message_attributes: Option<String>,
    /// The caller's attributes that were asked for.
    pub message_attributes: MessageAttributes,
}

impl ReceiveMessageResponse {
    pub(crate) fn write<S: Sink>(&self, sink: &mut S) {
        sink.present_structures(&MESSAGES, &self.messages, Message::write);
    }
}

impl Message {
    /// See [`crate::Output::size_estimate`].
    pub(crate) fn size_estimate(&self) -> usize {
        const NAMES: usize = 768;
        const ATTRIBUTE_NAMES: usize = 160;
        let attribute = |(name, value): (&String, &MessageAttributeValue)| {
            let text = value.string_value.as_ref().map_or(0, String::len);
            let base64 = value.binary_value.as_ref().map_or(0, |bytes| bytes.len() / 3 * 4);
            ATTRIBUTE_NAMES + name.len() + text + base64
        };
        NAMES + self.body.len() + self.message_attributes.iter().map(attribute).sum::<usize>()
    }

    fn write<S: Sink>(&self, sink: &mut S) {
        sink.string("MessageId", &self.message_id);
        sink.string("ReceiptHandle", &self.receipt_handle);
        sink.string("MD5OfBody", &self.md5_of_body);
        sink.string("Body", &self.body);
        sink.present_string_map(&ATTRIBUTES, &self.attributes);
        sink.optional_string("MD5OfMessageAttributes", self.md5_of_message_attributes.as_deref());
        sink.present_structure_map(
            &MESSAGE_ATTRIBUTES,
            &self.message_attributes,
            MessageAttributeValue::write,
        );
    }
}
