use super::{JsonSink, encode_json};
use crate::{Message, MessageAttributeValue, Output, ReceiveMessageResponse};
use proptest::collection::vec;
use proptest::prelude::*;

fn written(text: &str) -> Vec<u8> {
    let mut sink = JsonSink::default();
    sink.text(text);
    sink.into_bytes()
}

#[test]
fn every_character_is_written_as_serde_json_writes_it() {
    for character in '\0'..='\u{2100}' {
        for text in [format!("{character}"), format!("{}{character}x", "long enough ".repeat(9))] {
            assert_eq!(written(&text), serde_json::to_vec(&text).unwrap(), "{character:?}");
        }
    }
}

proptest! {
    #[test]
    fn texts_are_written_as_serde_json_writes_them(
        stretches in vec(("[ -~]{0,80}", prop_oneof![any::<char>(), prop::sample::select(vec!['"', '\\', '\n', '\u{1F}', '\u{7F}'])]), 0..8),
    ) {
        let text: String = stretches.into_iter().map(|(plain, character)| format!("{plain}{character}")).collect();
        prop_assert_eq!(written(&text), serde_json::to_vec(&text).unwrap());
    }
}

/// The estimate is there so that the body does not grow; nor may it hold many times what is in it.
#[test]
fn the_estimated_size_suits_received_messages() {
    for body_bytes in [1, 100, 1024, 262_144] {
        let attribute = MessageAttributeValue {
            data_type: "Binary".to_owned(),
            string_value: None,
            binary_value: Some(vec![7; 1000]),
        };
        let message = Message {
            message_id: "m".repeat(36),
            receipt_handle: "r".repeat(56),
            md5_of_body: "5".repeat(32),
            body: "b".repeat(body_bytes),
            attributes: [
                "ApproximateFirstReceiveTimestamp",
                "ApproximateReceiveCount",
                "SenderId",
                "SentTimestamp",
            ]
            .map(|name| (name.to_owned(), "1700000000123".to_owned()))
            .into(),
            md5_of_message_attributes: Some("5".repeat(32)),
            message_attributes: [("payload".to_owned(), attribute)].into(),
        };
        let output = Output::ReceiveMessage(ReceiveMessageResponse { messages: vec![message; 10] });
        for bytes in [encode_json(&output), crate::encode_xml(&output, "id")] {
            let estimate = output.size_estimate();
            assert!((bytes.len()..bytes.len() + 8_192).contains(&estimate), "{} and {estimate}", bytes.len());
        }
    }
}
