//! What is shown of messages, and what is found in them.

use super::{AttributeRow, MessageRow, cut, queue_of};
use crate::access::Caller;
use crate::desk::Visit;
use bongsu_wire::StringMap;
use hyper::HeaderMap;
use std::collections::BTreeMap;

fn row(body: &str) -> MessageRow {
    let text = AttributeRow {
        data_type: "String".to_owned(),
        string_value: Some("Straße".to_owned()),
        binary_value: None,
    };
    let binary = AttributeRow {
        data_type: "Binary".to_owned(),
        string_value: None,
        binary_value: Some("QUJD".to_owned()),
    };
    MessageRow {
        sequence: "1".to_owned(),
        id: "0f1e2d3c-0000-4000-8000-000000000000".to_owned(),
        state: "visible",
        body: body.to_owned(),
        body_bytes: body.len(),
        truncated: false,
        md5_of_body: String::new(),
        attributes: StringMap::from([("MessageGroupId".to_owned(), "Customer-7".to_owned())]),
        message_attributes: BTreeMap::from([("Trace.Id".to_owned(), text), ("raw".to_owned(), binary)]),
        not_shown: None,
    }
}

#[test]
fn a_text_is_found_wherever_people_see_it() {
    let row = row("{\"Order\": \"ÄRGER\"}");
    for needle in ["order", "ärger", "customer-7", "trace.id", "stra", "0f1e2d3c", "raw"] {
        assert!(row.has(needle), "{needle}");
    }
    for needle in ["qujd", "string", "messagegroupid", "orders"] {
        assert!(!row.has(needle), "{needle}");
    }
}

#[test]
fn a_list_shows_the_beginnings() {
    let long = row(&"é".repeat(5000)).cut();
    assert_eq!((long.body.chars().count(), long.body_bytes, long.truncated), (4096, 10_000, true));
    assert!(long.body.capacity() < 10_000, "the rest takes no memory");
    let exact = row(&"é".repeat(4096)).cut();
    assert_eq!((exact.body.chars().count(), exact.truncated), (4096, false));
    let mut attribute = row("short");
    attribute.message_attributes.get_mut("raw").unwrap().binary_value = Some("QUJD".repeat(1000));
    let attribute = attribute.cut();
    assert!(attribute.truncated && attribute.body == "short");
    assert_eq!(attribute.message_attributes["raw"].binary_value.as_ref().unwrap().len(), 512);
}

#[test]
fn a_cut_is_between_characters() {
    let mut text = "a€b".to_owned();
    assert!(!cut(&mut text, 3));
    assert!(cut(&mut text, 2));
    assert_eq!(text, "a€");
    assert!(cut(&mut text, 0));
    assert_eq!(text, "");
}

#[test]
fn only_names_name_queues() {
    let visit = Visit {
        caller: Caller::unchecked("111111111111", "eu-west-1"),
        headers: HeaderMap::new(),
        is_secure: false,
        host: String::new(),
    };
    for name in ["q", "Q-1_x", "q.fifo", &"q".repeat(80)] {
        assert_eq!(
            queue_of(&visit, name).unwrap().arn(),
            format!("arn:aws:sqs:eu-west-1:111111111111:{name}")
        );
    }
    for name in ["", "*", "a/b", "a:b", "a.b", ".fifo.fifo", "q?", "ü", "222222222222/q", &"q".repeat(81)] {
        assert!(queue_of(&visit, name).is_err(), "{name}");
    }
}
