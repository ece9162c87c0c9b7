//! Requests read and answers written, in both encodings.

use crate::{Case, Work, body, pure};
use bongsu_wire::{
    DeleteMessageBatchResponse, DeleteMessageBatchResultEntry, Message, Operation, Output,
    ReceiveMessageResponse, SendMessageBatchResponse, SendMessageBatchResultEntry, SendMessageResponse,
    decode_json, decode_query, encode_json, encode_xml, md5,
};
use serde_json::{Value, json};
use std::hint::black_box;

const QUEUE_URL: &str = "http://127.0.0.1:9324/000000000000/work";
const MESSAGE_ID: &str = "5fea7756-0ea4-451a-a703-a558b933e274";
/// As long as a handle of ours.
const RECEIPT_HANDLE: &str = "AQAAAAAAAAAHAAABAAAAAAB7gl1A5cdnJkVO0Wmr0nDxYv2bWq3m8Jc=";
const REQUEST_ID: &str = "b6633655-283d-45b4-aee4-4e84e0ae6afa";

/// Requests.
pub(crate) const DECODE: &[Case] = &[
    Case { name: "decode/json/send", set_up: || json_request("SendMessage", send(&body())) },
    Case {
        name: "decode/json/send-escaped",
        set_up: || json_request("SendMessage", send(&body().replace("work", "\"wo\""))),
    },
    Case { name: "decode/json/send-batch-10", set_up: || json_request("SendMessageBatch", send_batch()) },
    Case { name: "decode/json/receive", set_up: || json_request("ReceiveMessage", receive()) },
    Case {
        name: "decode/json/delete-batch-10",
        set_up: || json_request("DeleteMessageBatch", delete_batch()),
    },
    Case { name: "decode/query/send", set_up: || query_request("SendMessage", &send(&body())) },
    Case { name: "decode/query/send-batch-10", set_up: || query_request("SendMessageBatch", &send_batch()) },
    Case { name: "decode/query/receive", set_up: || query_request("ReceiveMessage", &receive()) },
    Case {
        name: "decode/query/delete-batch-10",
        set_up: || query_request("DeleteMessageBatch", &delete_batch()),
    },
    Case { name: "md5/1-kib", set_up: body_md5 },
    Case { name: "md5/1-kib-10", set_up: batch_md5 },
    Case { name: "md5/200-kib-and-9-short", set_up: uneven_md5 },
];

/// Answers.
pub(crate) const ENCODE: &[Case] = &[
    Case { name: "encode/json/send", set_up: || json_answer(sent()) },
    Case { name: "encode/json/send-batch-10", set_up: || json_answer(sent_batch()) },
    Case { name: "encode/json/receive-1", set_up: || json_answer(received(1)) },
    Case { name: "encode/json/receive-10", set_up: || json_answer(received(10)) },
    Case { name: "encode/json/delete-batch-10", set_up: || json_answer(deleted_batch()) },
    Case { name: "encode/xml/send", set_up: || xml_answer(sent()) },
    Case { name: "encode/xml/send-batch-10", set_up: || xml_answer(sent_batch()) },
    Case { name: "encode/xml/receive-1", set_up: || xml_answer(received(1)) },
    Case { name: "encode/xml/receive-10", set_up: || xml_answer(received(10)) },
    Case { name: "encode/xml/delete-batch-10", set_up: || xml_answer(deleted_batch()) },
];

fn json_request(action: &'static str, request: Value) -> Box<dyn Work> {
    let (target, body) = (format!("AmazonSQS.{action}"), request.to_string().into_bytes());
    check(decode_json(&target, &body).ok(), action);
    pure(move || decode_json(black_box(&target), black_box(&body)))
}

fn query_request(action: &'static str, request: &Value) -> Box<dyn Work> {
    let form = form(action, request).into_bytes();
    check(decode_query("/", "", &form).ok(), action);
    pure(move || decode_query(black_box("/"), black_box(""), black_box(&form)))
}

/// Nobody shall measure how a request is refused, or read as one with nothing in it.
fn check(operation: Option<Operation>, action: &str) {
    let messages = match &operation {
        Some(Operation::SendMessageBatch(request)) => request.entries.len(),
        Some(Operation::DeleteMessageBatch(request)) => request.entries.len(),
        Some(Operation::SendMessage(_) | Operation::ReceiveMessage(_)) => 10,
        _ => 0,
    };
    assert_eq!((operation.map(|it| it.name()), messages), (Some(action), 10));
}

/// The request in the Query encoding: `Name=value`, `Entries` numbered under the name that Query has for them.
fn form(action: &str, request: &Value) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("Action", action).append_pair("Version", "2012-11-05");
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    for (name, value) in request.as_object().into_iter().flatten() {
        match value.as_array() {
            None => _ = form.append_pair(name, &text(value)),
            Some(entries) if name == "Entries" => {
                for (entry, number) in entries.iter().zip(1..) {
                    for (member, value) in entry.as_object().into_iter().flatten() {
                        form.append_pair(&format!("{action}RequestEntry.{number}.{member}"), &text(value));
                    }
                }
            }
            Some(names) => {
                for (value, number) in names.iter().zip(1..) {
                    form.append_pair(&format!("AttributeName.{number}"), &text(value));
                }
            }
        }
    }
    form.finish()
}

fn send(body: &str) -> Value {
    json!({"QueueUrl": QUEUE_URL, "MessageBody": body})
}

fn send_batch() -> Value {
    let entry = |number: usize| json!({"Id": number.to_string(), "MessageBody": body()});
    json!({"QueueUrl": QUEUE_URL, "Entries": (0..10).map(entry).collect::<Vec<_>>()})
}

fn receive() -> Value {
    json!({"QueueUrl": QUEUE_URL, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 20, "AttributeNames": ["All"]})
}

fn delete_batch() -> Value {
    let entry = |number: usize| json!({"Id": number.to_string(), "ReceiptHandle": RECEIPT_HANDLE});
    json!({"QueueUrl": QUEUE_URL, "Entries": (0..10).map(entry).collect::<Vec<_>>()})
}

fn body_md5() -> Box<dyn Work> {
    let body = body();
    pure(move || md5::body(black_box(&body)))
}

fn batch_md5() -> Box<dyn Work> {
    let bodies: Vec<String> = (0..10).map(|_| body()).collect();
    pure(move || {
        let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
        md5::bodies(black_box(&bodies))
    })
}

fn uneven_md5() -> Box<dyn Work> {
    let mut bodies: Vec<String> = (0..9).map(|_| body()).collect();
    bodies.push("x".repeat(200 << 10));
    pure(move || {
        let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
        md5::bodies(black_box(&bodies))
    })
}

fn json_answer(output: Output) -> Box<dyn Work> {
    pure(move || encode_json(black_box(&output)))
}

fn xml_answer(output: Output) -> Box<dyn Work> {
    pure(move || encode_xml(black_box(&output), black_box(REQUEST_ID)))
}

fn sent() -> Output {
    Output::SendMessage(SendMessageResponse {
        md5_of_message_body: md5::show(&md5::body(&body())),
        md5_of_message_attributes: None,
        md5_of_message_system_attributes: None,
        message_id: MESSAGE_ID.to_owned(),
        sequence_number: None,
    })
}

fn sent_batch() -> Output {
    let entry = |number: usize| SendMessageBatchResultEntry {
        id: number.to_string(),
        message_id: MESSAGE_ID.to_owned(),
        md5_of_message_body: md5::show(&md5::body(&body())),
        md5_of_message_attributes: None,
        md5_of_message_system_attributes: None,
        sequence_number: None,
    };
    let successful = (0..10).map(entry).collect();
    Output::SendMessageBatch(SendMessageBatchResponse { successful, failed: Vec::new() })
}

/// With the attributes that `All` shows on a standard queue.
fn received(count: usize) -> Output {
    let attributes = [
        ("ApproximateFirstReceiveTimestamp", "1700000000123"),
        ("ApproximateReceiveCount", "1"),
        ("SenderId", "000000000000"),
        ("SentTimestamp", "1700000000000"),
    ];
    let message = Message {
        message_id: MESSAGE_ID.to_owned(),
        receipt_handle: RECEIPT_HANDLE.to_owned(),
        md5_of_body: md5::show(&md5::body(&body())),
        body: body(),
        attributes: attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        md5_of_message_attributes: None,
        message_attributes: Default::default(),
    };
    Output::ReceiveMessage(ReceiveMessageResponse { messages: vec![message; count] })
}

fn deleted_batch() -> Output {
    let entry = |number: usize| DeleteMessageBatchResultEntry { id: number.to_string() };
    let successful = (0..10).map(entry).collect();
    Output::DeleteMessageBatch(DeleteMessageBatchResponse { successful, failed: Vec::new() })
}
