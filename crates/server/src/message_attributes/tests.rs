#![allow(clippy::unwrap_used)]

use super::{
    INVALID_CHARACTERS, NameFilter, check, check_body, has_valid_characters, size_bytes, trace_header,
};
use bongsu_wire::{ErrorKind, MessageAttributeValue, MessageAttributes};

fn text(data_type: &str, value: &str) -> MessageAttributeValue {
    MessageAttributeValue {
        data_type: data_type.to_owned(),
        string_value: Some(value.to_owned()),
        binary_value: None,
    }
}

fn binary(data_type: &str, value: &[u8]) -> MessageAttributeValue {
    MessageAttributeValue {
        data_type: data_type.to_owned(),
        string_value: None,
        binary_value: Some(value.to_vec()),
    }
}

fn one(name: &str, value: MessageAttributeValue) -> MessageAttributes {
    MessageAttributes::from([(name.to_owned(), value)])
}

#[test]
fn attributes_that_sqs_takes() {
    let long_name = "a".repeat(256);
    let cases = [
        one("Hello", text("String", "there")),
        one("Hello", text("String.custom.label", "there")),
        one("a-b_c.D9", text("String", "\u{10ffff}\t\r\n")),
        one(&long_name, text("String", "x")),
        one("awsome", text("String", "x")),
        one("AmazonPrime", text("String", "x")),
        one("n", text("Number", "1")),
        one("n", text("Number.int", "-12.5e+10")),
        one("n", text("Number", ".5")),
        one("n", text("Number", "00012345678901234567890123456789012345678000")),
        one("b", binary("Binary", &[0])),
        one("b", binary("Binary.png", &[0, 255])),
        MessageAttributes::new(),
    ];
    for attributes in cases {
        assert_eq!(check(&attributes), Ok(()), "{attributes:?}");
    }
}

#[test]
fn attributes_that_sqs_refuses_and_what_it_says() {
    let reserved = "You can't use message attribute names beginning with 'AWS.' or 'Amazon'. These strings are reserved for \
                    internal use.";
    let cases = [
        (one("", text("String", "x")), "The request must contain non-empty message (user) attribute names."),
        (
            one(&"a".repeat(257), text("String", "x")),
            "Message (user) attribute name must be shorter than 256 bytes.",
        ),
        (one("AWS.x", text("String", "x")), reserved),
        (one("aws.x", text("String", "x")), reserved),
        (one("aMaZon.x", text("String", "x")), reserved),
        (
            one("Hello", MessageAttributeValue::default()),
            "The message (user) attribute 'Hello' must contain a non-empty message attribute value.",
        ),
        (
            one("Hello", text("", "x")),
            "The message (user) attribute 'Hello' must contain a non-empty message attribute type.",
        ),
        (
            one("Hello", text(&"String.".repeat(40), "x")),
            "Message (user) attribute type must be shorter than 256 bytes.",
        ),
        (
            one("Hello", text("Text", "x")),
            "The type of message (user) attribute 'Hello' is invalid. You must use only the following supported type \
             prefixes: Binary, Number, String.",
        ),
        (
            one("Hello", text("string", "x")),
            "The type of message (user) attribute 'Hello' is invalid. You must use only the following supported type \
             prefixes: Binary, Number, String.",
        ),
        (
            one("Hello", text("String", "")),
            "Message (user) attribute 'Hello' must contain a non-empty value of type 'String'.",
        ),
        (
            one("Hello", binary("String", b"x")),
            "Message (user) attribute 'Hello' must contain a non-empty value of type 'String'.",
        ),
        (
            one("Hello", binary("Binary", b"")),
            "Message (user) attribute 'Hello' must contain a non-empty value of type 'Binary'.",
        ),
        (
            one("Hello", text("Number", "abc")),
            "Can't cast the value of message (user) attribute 'Hello' to a number.",
        ),
        (
            one("Hello", text("Number", "1.2.3")),
            "Can't cast the value of message (user) attribute 'Hello' to a number.",
        ),
        (
            one("Hello", text("Number", "1e")),
            "Can't cast the value of message (user) attribute 'Hello' to a number.",
        ),
        (
            one("Hello", text("Number", ".")),
            "Can't cast the value of message (user) attribute 'Hello' to a number.",
        ),
        (
            one("Hello", text("Number", &"1".repeat(39))),
            "Can't cast the value of message (user) attribute 'Hello' to a number.",
        ),
        (one("Hello", text("String", "\u{1}")), INVALID_CHARACTERS),
        (one("Hello", text("String.\u{b}", "x")), INVALID_CHARACTERS),
    ];
    for (attributes, message) in cases {
        let error = check(&attributes).unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidParameterValue);
        assert_eq!(error.message, message);
    }
}

#[test]
fn names_keep_to_their_alphabet() {
    for name in ["a b", "caf\u{e9}", "a/b", ".a", "a.", "a..b"] {
        let error = check(&one(name, text("String", "x"))).unwrap_err();
        assert!(
            error.message.starts_with(&format!("The message (user) attribute name '{name}' is invalid."))
        );
    }
}

#[test]
fn a_message_has_at_most_ten_attributes() {
    let attributes = |count: usize| -> MessageAttributes {
        (0..count).map(|index| (format!("a{index}"), text("String", "x"))).collect()
    };
    assert_eq!(check(&attributes(10)), Ok(()));
    let error = check(&attributes(11)).unwrap_err();
    assert_eq!(error.message, "Number of message attributes [11] exceeds the allowed maximum [10].");
}

#[test]
fn the_trace_header_is_the_only_system_attribute() {
    assert_eq!(trace_header(&MessageAttributes::new()), Ok(None));
    let header = "Root=1-5759e988-bd862e3fe1be46a994272793";
    let sent = one("AWSTraceHeader", text("String", header));
    assert_eq!(trace_header(&sent).unwrap().as_deref(), Some(header));
    let error = trace_header(&one("Hello", text("String", "x"))).unwrap_err();
    assert_eq!(error.message, "Message system attribute name 'Hello' is invalid.");
    let error = trace_header(&one("AWSTraceHeader", text("String", ""))).unwrap_err();
    assert_eq!(
        error.message,
        "Message (system) attribute 'AWSTraceHeader' must contain a non-empty value of type 'String'."
    );
    assert!(trace_header(&one("AWSTraceHeader", text("Number", "1"))).is_err());
    assert!(trace_header(&one("AWSTraceHeader", text("String", &"x".repeat(8193)))).is_err());
}

#[test]
fn names_types_and_values_count_towards_the_size() {
    let mut attributes = one("name", text("String", "\u{e9}"));
    attributes.insert("b".to_owned(), binary("Binary", &[1, 2, 3]));
    assert_eq!(size_bytes(&attributes), (4 + 6 + 2) + (1 + 6 + 3));
}

#[test]
fn filters_by_name_and_prefix() {
    let shown = |filters: &[&str]| -> Vec<&str> {
        let filters: Vec<String> = filters.iter().map(|&name| name.to_owned()).collect();
        let filter = NameFilter::new(&filters);
        ["General", "Hello", "Help.Me"].into_iter().filter(|name| filter.wants(name)).collect()
    };
    let all = vec!["General", "Hello", "Help.Me"];
    assert_eq!(shown(&[]), Vec::<&str>::new());
    for filter in ["All", "ALL", "all", ".*", "*"] {
        assert_eq!(shown(&[filter]), all, "{filter}");
    }
    assert_eq!(shown(&["Foo", "Help"]), Vec::<&str>::new());
    assert_eq!(shown(&["Foo", "Hello"]), vec!["Hello"]);
    assert_eq!(shown(&["Hel.*"]), vec!["Hello", "Help.Me"]);
    assert_eq!(shown(&["AWS.", "..foo"]), Vec::<&str>::new());
}

#[test]
fn bodies_keep_to_the_characters_of_xml() {
    for body in ["a", "\t\n\r ~", "\u{d7ff}\u{e000}\u{fffd}\u{10000}\u{10ffff}"] {
        assert_eq!(check_body(body), Ok(()));
    }
    for body in ["\0", "\u{8}", "\u{b}", "\u{1f}", "\u{fffe}", "\u{ffff}"] {
        assert_eq!(check_body(body).unwrap_err().kind, ErrorKind::InvalidMessageContents, "{body:?}");
    }
}

#[test]
fn every_character_is_judged_as_the_contract_says() {
    let valid = |c: char| {
        matches!(c, '\t' | '\n' | '\r')
            || ('\u{20}'..='\u{d7ff}').contains(&c)
            || ('\u{e000}'..='\u{fffd}').contains(&c)
            || c >= '\u{10000}'
    };
    for c in '\0'..=char::MAX {
        assert_eq!(has_valid_characters(&format!("some text around {c} it")), valid(c), "{c:?}");
    }
}
