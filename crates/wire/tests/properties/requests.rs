//! The inverse of decoding a batch, and of encoding messages as JSON: what a client would do.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bongsu_wire::{
    Message, MessageAttributeValue, MessageAttributes, SendMessageBatchRequest, SendMessageBatchRequestEntry,
    StringMap,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{attributes, legal_text};

fn entry() -> impl Strategy<Value = SendMessageBatchRequestEntry> {
    let ids = (legal_text(), option::of(legal_text()), option::of(legal_text()));
    (ids, legal_text(), option::of(any::<i32>()), attributes(), attributes()).prop_map(
        |(
            (id, message_deduplication_id, message_group_id),
            message_body,
            delay_seconds,
            message_attributes,
            message_system_attributes,
        )| SendMessageBatchRequestEntry {
            id,
            message_body,
            delay_seconds,
            message_attributes,
            message_system_attributes,
            message_deduplication_id,
            message_group_id,
        },
    )
}

pub(crate) fn send_message_batch() -> impl Strategy<Value = SendMessageBatchRequest> {
    ("[a-z/:]{1,20}", vec(entry(), 0..12))
        .prop_map(|(queue_url, entries)| SendMessageBatchRequest { queue_url, entries })
}

pub(crate) fn json(request: &SendMessageBatchRequest) -> String {
    let attributes = |attributes: &MessageAttributes| -> Map<String, Value> {
        let value = |value: &MessageAttributeValue| {
            json!({
                "DataType": value.data_type,
                "StringValue": value.string_value,
                "BinaryValue": value.binary_value.as_ref().map(|bytes| STANDARD.encode(bytes)),
            })
        };
        attributes.iter().map(|(name, attribute)| (name.clone(), value(attribute))).collect()
    };
    let entries = request.entries.iter().map(|entry| {
        json!({
            "Id": entry.id,
            "MessageBody": entry.message_body,
            "DelaySeconds": entry.delay_seconds,
            "MessageAttributes": attributes(&entry.message_attributes),
            "MessageSystemAttributes": attributes(&entry.message_system_attributes),
            "MessageDeduplicationId": entry.message_deduplication_id,
            "MessageGroupId": entry.message_group_id,
        })
    });
    json!({ "QueueUrl": request.queue_url, "Entries": entries.collect::<Vec<_>>() }).to_string()
}

/// Parameters of a form, in an order that no decoder should depend on.
#[derive(Default)]
struct Form(Vec<String>);

impl Form {
    fn add(&mut self, name: String, value: &str) {
        let value = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string().replace("%20", "+");
        self.0.push(format!("{name}={value}"));
    }

    fn add_optional(&mut self, name: String, value: Option<&String>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    fn add_attributes(&mut self, name: &str, attributes: &MessageAttributes) {
        for (index, (key, value)) in attributes.iter().enumerate() {
            let attribute = format!("{name}.{}", index + 1);
            self.add(format!("{attribute}.Name"), key);
            self.add(format!("{attribute}.Value.DataType"), &value.data_type);
            self.add_optional(format!("{attribute}.Value.StringValue"), value.string_value.as_ref());
            let bytes = value.binary_value.as_ref().map(|bytes| STANDARD.encode(bytes));
            self.add_optional(format!("{attribute}.Value.BinaryValue"), bytes.as_ref());
        }
    }
}

pub(crate) fn form(request: &SendMessageBatchRequest) -> String {
    let mut form = Form::default();
    for (index, entry) in request.entries.iter().enumerate() {
        // Gaps between the numbers, and more than one digit.
        let place = format!("SendMessageBatchRequestEntry.{}", index * 3 + 1);
        form.add(format!("{place}.Id"), &entry.id);
        form.add(format!("{place}.MessageBody"), &entry.message_body);
        let delay_seconds = entry.delay_seconds.map(|seconds| seconds.to_string());
        form.add_optional(format!("{place}.DelaySeconds"), delay_seconds.as_ref());
        form.add_attributes(&format!("{place}.MessageAttribute"), &entry.message_attributes);
        form.add_attributes(&format!("{place}.MessageSystemAttribute"), &entry.message_system_attributes);
        form.add_optional(format!("{place}.MessageDeduplicationId"), entry.message_deduplication_id.as_ref());
        form.add_optional(format!("{place}.MessageGroupId"), entry.message_group_id.as_ref());
    }
    form.add("QueueUrl".to_owned(), &request.queue_url);
    form.add("Action".to_owned(), "SendMessageBatch");
    form.0.reverse();
    form.0.join("&")
}

/// Reads the list of messages in an answer; without messages there must be no list.
pub(crate) fn messages(list: &Value) -> Vec<Message> {
    let Value::Array(messages) = list else {
        assert!(list.is_null());
        return Vec::new();
    };
    assert!(!messages.is_empty());
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let read = |message: &Value| Message {
        message_id: text(&message["MessageId"]).unwrap(),
        receipt_handle: text(&message["ReceiptHandle"]).unwrap(),
        md5_of_body: text(&message["MD5OfBody"]).unwrap(),
        body: text(&message["Body"]).unwrap(),
        attributes: map(&message["Attributes"], |value| text(value).unwrap())
            .into_iter()
            .collect::<StringMap>(),
        md5_of_message_attributes: text(&message["MD5OfMessageAttributes"]),
        message_attributes: map(&message["MessageAttributes"], |value| MessageAttributeValue {
            data_type: text(&value["DataType"]).unwrap(),
            string_value: text(&value["StringValue"]),
            binary_value: text(&value["BinaryValue"]).map(|bytes| STANDARD.decode(bytes).unwrap()),
        })
        .into_iter()
        .collect(),
    };
    messages.iter().map(read).collect()
}

fn map<T>(object: &Value, read: impl Fn(&Value) -> T) -> Vec<(String, T)> {
    let entries = object.as_object().into_iter().flatten();
    entries.map(|(key, value)| (key.clone(), read(value))).collect()
}
