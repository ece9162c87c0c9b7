//! The page's JSON: the XML's elements as keys, an element that repeats as a list, one that doesn't as itself. It
//! is the form that tools for this path read; it is neither AWS JSON nor what Query answers in JSON.

use crate::http::Answer;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bongsu_wire::{Message, MessageAttributeValue, Output, ServiceError};
use hyper::StatusCode;
use serde_json::{Map, Value, json};

/// Puts the outcome of a look into this form.
pub(crate) fn answer(result: &Result<Output, ServiceError>, request_id: &str) -> Answer {
    let (status, body) = match result {
        Ok(Output::ReceiveMessage(response)) => (StatusCode::OK, messages(&response.messages, request_id)),
        // The page has no other outcome.
        Ok(_) => (StatusCode::OK, messages(&[], request_id)),
        Err(error) => {
            let status = StatusCode::from_u16(error.kind.status()).unwrap_or(StatusCode::BAD_REQUEST);
            (status, refusal(error, request_id))
        }
    };
    Answer::plain(status, "application/json", body.to_string())
}

fn messages(messages: &[Message], request_id: &str) -> Value {
    let mut result = Map::new();
    put(&mut result, "Message", messages.iter().map(message).collect());
    json!({
        "ReceiveMessageResponse": {
            "ReceiveMessageResult": result,
            "ResponseMetadata": { "RequestId": request_id },
        }
    })
}

fn message(message: &Message) -> Value {
    let mut members = Map::new();
    members.insert("MessageId".to_owned(), json!(message.message_id));
    members.insert("ReceiptHandle".to_owned(), json!(message.receipt_handle));
    members.insert("MD5OfBody".to_owned(), json!(message.md5_of_body));
    members.insert("Body".to_owned(), json!(message.body));
    let attributes = message.attributes.iter().map(|(name, value)| json!({ "Name": name, "Value": value }));
    put(&mut members, "Attribute", attributes.collect());
    if let Some(digest) = &message.md5_of_message_attributes {
        members.insert("MD5OfMessageAttributes".to_owned(), json!(digest));
    }
    let attributes = message.message_attributes.iter();
    let attributes = attributes.map(|(name, value)| json!({ "Name": name, "Value": attribute(value) }));
    put(&mut members, "MessageAttribute", attributes.collect());
    Value::Object(members)
}

fn attribute(value: &MessageAttributeValue) -> Value {
    let mut members = Map::new();
    if let Some(text) = &value.string_value {
        members.insert("StringValue".to_owned(), json!(text));
    }
    if let Some(bytes) = &value.binary_value {
        members.insert("BinaryValue".to_owned(), json!(STANDARD.encode(bytes)));
    }
    members.insert("DataType".to_owned(), json!(value.data_type));
    Value::Object(members)
}

/// None: no key; one: itself; several: a list.
fn put(members: &mut Map<String, Value>, name: &str, mut items: Vec<Value>) {
    match items.len() {
        0 => {}
        1 => {
            members.insert(name.to_owned(), items.swap_remove(0));
        }
        _ => {
            members.insert(name.to_owned(), Value::from(items));
        }
    }
}

fn refusal(error: &ServiceError, request_id: &str) -> Value {
    let fault = if error.kind.is_sender_fault() { "Sender" } else { "Receiver" };
    json!({
        "ErrorResponse": {
            "Error": {
                "Type": fault,
                "Code": error.kind.code(),
                "Message": error.query_message(),
                "Detail": null,
            },
            "RequestId": request_id,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::answer;
    use bongsu_wire::{
        Message, MessageAttributeValue, MessageAttributes, Output, ReceiveMessageResponse, ServiceError,
        StringMap,
    };
    use serde_json::{Value, json};

    fn message(id: &str) -> Message {
        let value = MessageAttributeValue {
            data_type: "Binary".to_owned(),
            string_value: None,
            binary_value: Some(vec![0]),
        };
        Message {
            message_id: id.to_owned(),
            receipt_handle: String::new(),
            md5_of_body: "d".to_owned(),
            body: "b".to_owned(),
            attributes: StringMap::from([("SenderId".to_owned(), "0".to_owned())]),
            md5_of_message_attributes: Some("a".to_owned()),
            message_attributes: MessageAttributes::from([("n".to_owned(), value)]),
        }
    }

    fn shown(messages: Vec<Message>) -> Value {
        let answer = answer(&Ok(Output::ReceiveMessage(ReceiveMessageResponse { messages })), "r");
        let shown: Value = serde_json::from_slice(&answer.body).unwrap();
        shown["ReceiveMessageResponse"]["ReceiveMessageResult"].clone()
    }

    #[test]
    fn one_is_itself_and_several_are_a_list() {
        assert_eq!(shown(Vec::new()), json!({}));
        let one = json!({
            "MessageId": "1", "ReceiptHandle": "", "MD5OfBody": "d", "Body": "b",
            "Attribute": { "Name": "SenderId", "Value": "0" },
            "MD5OfMessageAttributes": "a",
            "MessageAttribute": { "Name": "n", "Value": { "BinaryValue": "AA==", "DataType": "Binary" } },
        });
        assert_eq!(shown(vec![message("1")]), json!({ "Message": one }));
        assert_eq!(shown(vec![message("1"), message("2")])["Message"][0], one);
    }

    #[test]
    fn refusals_have_the_same_form() {
        let answer = answer(&Err(ServiceError::queue_does_not_exist()), "r");
        let shown: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(answer.status, 400);
        assert_eq!(shown["ErrorResponse"]["Error"]["Code"], "AWS.SimpleQueueService.NonExistentQueue");
    }
}
