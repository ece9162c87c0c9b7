//! What must hold for any input: nothing panics, what was written is read back, XML is always XML.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod requests;
mod xml;

use bongsu_wire::{
    Message, MessageAttributeValue, MessageAttributes, Output, ReceiveMessageResponse, ServiceError,
    StringMap, decode_json, decode_query, encode_json, encode_query_json, encode_xml, error_json,
    error_query_json, error_xml,
};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

/// Characters that a message may have, which are those that XML 1.0 has; awkward ones more often than chance
/// would have them.
fn legal_character() -> impl Strategy<Value = char> {
    let is_legal =
        |&character: &char| matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{FFFD}' | '\u{10000}'..);
    let awkward = prop::sample::select(vec![
        '\r', '\n', '\t', ' ', '<', '>', '&', '"', '\'', ']', ';', '\\', '+', '%', '=', '\u{85}', '\u{2028}',
    ]);
    prop_oneof![1 => awkward, 1 => any::<char>().prop_filter("not in XML", is_legal)]
}

fn legal_text() -> impl Strategy<Value = String> {
    vec(legal_character(), 0..24).prop_map(String::from_iter)
}

fn name() -> impl Strategy<Value = String> {
    "[A-Za-z0-9_.-]{1,12}"
}

fn attribute() -> impl Strategy<Value = MessageAttributeValue> {
    (legal_text(), option::of(legal_text()), option::of(vec(any::<u8>(), 0..20))).prop_map(
        |(data_type, string_value, binary_value)| MessageAttributeValue {
            data_type,
            string_value,
            binary_value,
        },
    )
}

fn attributes() -> impl Strategy<Value = MessageAttributes> {
    btree_map(name(), attribute(), 0..4)
}

fn string_map() -> impl Strategy<Value = StringMap> {
    btree_map(legal_text(), legal_text(), 0..4)
}

fn message() -> impl Strategy<Value = Message> {
    let identity = (legal_text(), legal_text(), legal_text());
    (identity, legal_text(), string_map(), option::of(legal_text()), attributes()).prop_map(
        |(
            (message_id, receipt_handle, md5_of_body),
            body,
            attributes,
            md5_of_message_attributes,
            message_attributes,
        )| {
            Message {
                message_id,
                receipt_handle,
                md5_of_body,
                body,
                attributes,
                md5_of_message_attributes,
                message_attributes,
            }
        },
    )
}

const ACTIONS: [&str; 6] =
    ["SendMessage", "SendMessageBatch", "ReceiveMessage", "CreateQueue", "AddPermission", "UntagQueue"];

/// Requests that are valid except for what the test does to them.
fn golden_requests(file: &str) -> Vec<Vec<u8>> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let folders = |path: &std::path::Path| -> Vec<_> {
        std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let cases = folders(&root).into_iter().flat_map(|action| folders(&action));
    let requests: Vec<_> = cases.filter_map(|case| std::fs::read(case.join(file)).ok()).collect();
    assert!(requests.len() > 30, "{file}");
    requests
}

fn damaged(file: &str) -> impl Strategy<Value = Vec<u8>> {
    let damage = vec(
        (any::<prop::sample::Index>(), prop::sample::select(b"{}[]\":,.&=%+0e\\u\xff\x00".to_vec())),
        0..4,
    );
    (prop::sample::select(golden_requests(file)), damage, any::<prop::sample::Index>()).prop_map(
        |(mut request, damage, end)| {
            for (place, byte) in damage {
                let at = place.index(request.len());
                request[at] = byte;
            }
            request.truncate(end.index(request.len() * 2));
            request
        },
    )
}

proptest! {
    #[test]
    fn decoding_json_never_panics(target in ".{0,40}", body in vec(any::<u8>(), 0..200)) {
        let _ = decode_json(&target, &body);
    }

    #[test]
    fn decoding_damaged_json_never_panics(action in prop::sample::select(ACTIONS.to_vec()), body in damaged("request.json")) {
        let _ = decode_json(&format!("AmazonSQS.{action}"), &body);
    }

    #[test]
    fn decoding_queries_never_panics(path in ".{0,20}", query in ".{0,60}", form in vec(any::<u8>(), 0..200)) {
        let _ = decode_query(&path, &query, &form);
    }

    #[test]
    fn decoding_damaged_queries_never_panics(action in prop::sample::select(ACTIONS.to_vec()), form in damaged("request.form")) {
        let form: Vec<u8> = form.into_iter().map(|byte| if byte == b'\n' { b'&' } else { byte }).collect();
        let _ = decode_query("/", &format!("Action={action}"), &form);
        let _ = decode_query("/", "", &form);
    }

    #[test]
    fn requests_are_read_as_they_were_written(request in requests::send_message_batch()) {
        let operation = bongsu_wire::Operation::SendMessageBatch(request.clone());
        let json = requests::json(&request);
        prop_assert_eq!(&decode_json("AmazonSQS.SendMessageBatch", json.as_bytes()).unwrap(), &operation);
        let form = requests::form(&request);
        prop_assert_eq!(&decode_query("/", "", form.as_bytes()).unwrap(), &operation);
    }

    #[test]
    fn messages_are_read_as_they_were_written(messages in vec(message(), 0..3)) {
        let output = Output::ReceiveMessage(ReceiveMessageResponse { messages: messages.clone() });
        let xml = encode_xml(&output, "id");
        prop_assert_eq!(xml::messages(&xml), &messages[..]);

        let json: serde_json::Value = serde_json::from_slice(&encode_json(&output)).unwrap();
        prop_assert_eq!(requests::messages(&json["Messages"]), &messages[..]);
        let query: serde_json::Value = serde_json::from_slice(&encode_query_json(&output, "id")).unwrap();
        prop_assert_eq!(
            query["ReceiveMessageResponse"]["ReceiveMessageResult"]["messages"].as_array().map_or(0, Vec::len),
            messages.len()
        );
    }

    #[test]
    fn refusals_can_be_read_whatever_they_echo(
        kind in prop::sample::select(bongsu_wire::ErrorKind::ALL.to_vec()),
        message in any::<String>(),
    ) {
        let error = ServiceError::new(kind, message.clone());
        let (body, header) = error_json(&error);
        let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
        prop_assert_eq!(json["message"].as_str(), Some(message.as_str()));
        prop_assert!(header.bytes().all(|byte| byte.is_ascii_graphic()), "{header}");
        let query: serde_json::Value = serde_json::from_slice(&error_query_json(&error, "id")).unwrap();
        prop_assert_eq!(query["Error"]["Code"].as_str(), Some(kind.code()));

        let tree = xml::parse(&error_xml(&error, "id"));
        let read = tree.child("Error").child("Message").text.clone();
        let expected = message.chars().map(|character| match character {
            '\t' | '\n' | '\r' | '\u{20}'..='\u{FFFD}' | '\u{10000}'.. => character,
            _ => '\u{FFFD}',
        });
        prop_assert_eq!(read, expected.collect::<String>());
        prop_assert_eq!(&tree.child("Error").child("Code").text, kind.code());
    }
}
