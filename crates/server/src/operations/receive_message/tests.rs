#![allow(clippy::unwrap_used)]

use super::{Facts, Shown, max_messages, visibility_timeout_ms, wait_ms};
use crate::message::{StoredAttribute, StoredMessage, StoredValue};
use bongsu_engine::{Moved, QueueName};
use bongsu_wire::Message;

fn stored() -> StoredMessage {
    StoredMessage {
        message_id: [0x11; 16],
        sent_wall_ms: 1_700_000_000_000,
        sender_id: "000000000000".to_owned(),
        body: "hello".to_owned(),
        body_md5: [0xab; 16],
        attributes: vec![StoredAttribute {
            name: "Foo".to_owned(),
            data_type: "String".to_owned(),
            value: StoredValue::Text("Bar".to_owned()),
        }],
        trace_header: None,
        group: Some("g".to_owned()),
        deduplication_id: Some("d".to_owned()),
    }
}

fn show(fifo: bool, moved: Option<&Moved>, system: &[&str], attributes: &[&str]) -> Message {
    let owned = |names: &[&str]| -> Vec<String> { names.iter().map(|&name| name.to_owned()).collect() };
    let (system, attributes) = (owned(system), owned(attributes));
    let shown = Shown::new(&[], &system, &attributes).unwrap();
    let facts =
        Facts { fifo, sequence: 42, receive_count: 3, first_received_wall_ms: 1_700_000_000_500, moved };
    facts.message(&shown, "HANDLE".to_owned(), stored())
}

#[test]
fn nothing_is_shown_that_was_not_asked_for() {
    let message = show(true, None, &[], &[]);
    assert_eq!(message.message_id, "11111111-1111-1111-1111-111111111111");
    assert_eq!(message.md5_of_body, "ab".repeat(16));
    assert!(message.attributes.is_empty() && message.message_attributes.is_empty());
    assert_eq!(message.md5_of_message_attributes, None);
}

#[test]
fn all_of_a_fifo_message() {
    for all in ["All", "ALL"] {
        let attributes = show(true, None, &[all], &[]).attributes;
        let shown: Vec<(&str, &str)> =
            attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            shown,
            [
                ("ApproximateFirstReceiveTimestamp", "1700000000500"),
                ("ApproximateReceiveCount", "3"),
                ("MessageDeduplicationId", "d"),
                ("MessageGroupId", "g"),
                ("SenderId", "000000000000"),
                ("SentTimestamp", "1700000000000"),
                ("SequenceNumber", "10000000000000000042"),
            ]
        );
    }
}

#[test]
fn standard_queues_show_no_sequence_number() {
    assert!(!show(false, None, &["All"], &[]).attributes.contains_key("SequenceNumber"));
    assert!(show(false, None, &["SequenceNumber"], &[]).attributes.is_empty());
}

#[test]
fn a_move_changes_id_time_and_source() {
    let moved = Moved {
        dead_letter_source: Some(QueueName::new("000000000000", "us-east-1", "jobs")),
        message_id: Some([0x22; 16]),
        sent_wall_ms: Some(5),
    };
    let message = show(false, Some(&moved), &["DeadLetterQueueSourceArn", "SentTimestamp"], &[]);
    assert_eq!(message.message_id, "22222222-2222-2222-2222-222222222222");
    assert_eq!(message.attributes["DeadLetterQueueSourceArn"], "arn:aws:sqs:us-east-1:000000000000:jobs");
    assert_eq!(message.attributes["SentTimestamp"], "5");
}

#[test]
fn the_digest_covers_the_attributes_that_are_shown() {
    let message = show(false, None, &[], &["Foo"]);
    assert_eq!(message.md5_of_message_attributes.as_deref(), Some("ae7155c6026991b6d54b11589678bf9c"));
    assert_eq!(show(false, None, &[], &["Other"]).md5_of_message_attributes, None);
}

#[test]
fn unknown_system_attributes_are_refused_and_queue_attributes_are_not() {
    let names = |name: &str| vec![name.to_owned()];
    assert!(Shown::new(&names("QueueArn"), &[], &[]).is_ok());
    let error = Shown::new(&names("Foo"), &[], &[]).err().unwrap();
    assert_eq!(
        (error.kind.code(), error.message.as_str()),
        ("InvalidAttributeName", "Unknown Attribute Foo.")
    );
}

#[test]
fn ranges_and_what_is_said_beyond_them() {
    assert_eq!((max_messages(None), max_messages(Some(1)), max_messages(Some(10))), (Ok(1), Ok(1), Ok(10)));
    assert_eq!((wait_ms(0), wait_ms(20)), (Ok(0), Ok(20_000)));
    assert_eq!((visibility_timeout_ms(0), visibility_timeout_ms(43_200)), (Ok(0), Ok(43_200_000)));
    let cases = [
        (
            max_messages(Some(11)).err(),
            "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.",
        ),
        (
            max_messages(Some(0)).err(),
            "Value 0 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.",
        ),
        (
            wait_ms(21).err(),
            "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.",
        ),
        (
            wait_ms(-1).err(),
            "Value -1 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.",
        ),
        (
            visibility_timeout_ms(43_201).err(),
            "Value 43201 for parameter VisibilityTimeout is invalid. Reason: Must be >= 0 and <= 43200, if provided.",
        ),
    ];
    for (error, message) in cases {
        assert_eq!(error.unwrap().message, message);
    }
}
