#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::{ErrorKind, Operation, ReceiveMessageRequest, SendMessageRequest, ServiceError, decode_json};

fn refusal(target: &str, body: impl AsRef<[u8]>) -> (ErrorKind, String) {
    let ServiceError { kind, message } = decode_json(target, body.as_ref()).unwrap_err();
    (kind, message)
}

fn receive(members: &str) -> Result<ReceiveMessageRequest, ServiceError> {
    let body = format!(r#"{{"QueueUrl":"q"{members}}}"#);
    match decode_json("AmazonSQS.ReceiveMessage", body.as_bytes())? {
        Operation::ReceiveMessage(request) => Ok(request),
        other => panic!("{other:?}"),
    }
}

fn send(members: &str) -> Result<SendMessageRequest, ServiceError> {
    let body = format!(r#"{{"QueueUrl":"q","MessageBody":"b"{members}}}"#);
    match decode_json("AmazonSQS.SendMessage", body.as_bytes())? {
        Operation::SendMessage(request) => Ok(request),
        other => panic!("{other:?}"),
    }
}

#[test]
fn targets_that_name_no_action_are_unknown_operations() {
    for target in [
        "",
        "SendMessage",
        "AmazonSQS.",
        "AmazonSQS.sendMessage",
        "AmazonSNS.Publish",
        "AmazonSQS.SendMessage ",
    ] {
        assert_eq!(refusal(target, "{}").0, ErrorKind::UnknownOperation, "{target}");
    }
}

#[test]
fn bodies_that_are_not_one_object_are_refused() {
    let deep = "[".repeat(100_000);
    let bodies: [&[u8]; 15] = [
        b"[]",
        b"null",
        b"1",
        b"\"text\"",
        b"{",
        b"{}{}",
        b"{} x",
        b"{\"QueueNamePrefix\":}",
        b"{'a':1}",
        b"{\"a\":01}",
        b"{\"QueueNamePrefix\":\"\xff\"}",  // not UTF-8
        br#"{"QueueNamePrefix":"\ud800"}"#, // half of a surrogate pair
        b"{\"QueueNamePrefix\":\"a\nb\"}",  // a control character that should be escaped
        b"\xef\xbb\xbf{}",                  // a byte order mark
        deep.as_bytes(),
    ];
    for body in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        assert_eq!(refusal("AmazonSQS.ListQueues", body).0, ErrorKind::Serialization, "{shown}");
    }
}

#[test]
fn an_empty_body_is_an_empty_object() {
    let empty = decode_json("AmazonSQS.ListQueues", b"").unwrap();
    assert_eq!(empty, decode_json("AmazonSQS.ListQueues", b" { } ").unwrap());
}

#[test]
fn integers_are_numbers_that_equal_one() {
    let accepted = [
        ("10", 10),
        ("-1", -1),
        ("1.0", 1),
        ("1e1", 10),
        ("0.5e1", 5),
        ("-0", 0),
        ("2147483647", i32::MAX),
        ("-2147483648", i32::MIN),
    ];
    for (text, number) in accepted {
        let request = receive(&format!(r#","MaxNumberOfMessages":{text}"#)).unwrap();
        assert_eq!(request.max_number_of_messages, Some(number), "{text}");
    }
    let refused = [
        ("\"10\"", "STRING_VALUE can not be converted to an Integer"),
        ("true", "TRUE_VALUE can not be converted to an Integer"),
        ("false", "FALSE_VALUE can not be converted to an Integer"),
        ("1.5", "NUMBER_VALUE can not be converted to an Integer"),
        ("2147483648", "NUMBER_VALUE can not be converted to an Integer"),
        ("18446744073709551615", "NUMBER_VALUE can not be converted to an Integer"),
        ("123456789012345678901234567890", "NUMBER_VALUE can not be converted to an Integer"),
        ("[1]", "Start of list found where not expected"),
        ("{}", "Start of structure or map found where not expected."),
    ];
    for (text, message) in refused {
        let error = receive(&format!(r#","MaxNumberOfMessages":{text}"#)).unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Serialization, message), "{text}");
    }
    // Too large even for a float: not JSON that serde_json reads.
    assert_eq!(receive(r#","MaxNumberOfMessages":1e999"#).unwrap_err().kind, ErrorKind::Serialization);
}

#[test]
fn strings_lists_and_maps_must_be_what_they_are() {
    let cases = [
        (r#","MessageGroupId":5"#, "NUMBER_VALUE can not be converted to a String"),
        (r#","MessageGroupId":["a"]"#, "Start of list found where not expected"),
        (r#","MessageAttributes":[]"#, "Start of list found where not expected"),
        (r#","MessageAttributes":"a""#, "STRING_VALUE can not be converted to a Map"),
        (r#","MessageAttributes":{"a":"b"}"#, "STRING_VALUE can not be converted to a Map"),
        (r#","MessageAttributes":{"a":{"DataType":true}}"#, "TRUE_VALUE can not be converted to a String"),
        (r#","MessageAttributes":{"a":{"BinaryValue":"A"}}"#, "BinaryValue is not valid base64."),
        (r#","MessageAttributes":{"a":{"BinaryValue":"AA-_"}}"#, "BinaryValue is not valid base64."),
        (r#","MessageAttributes":{"a":{"BinaryValue":"AAA\n="}}"#, "BinaryValue is not valid base64."),
    ];
    for (members, message) in cases {
        let error = send(members).unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Serialization, message), "{members}");
    }
    let lists = [r#","AttributeNames":"All""#, r#","AttributeNames":[1]"#, r#","AttributeNames":[null]"#];
    for members in lists {
        assert_eq!(receive(members).unwrap_err().kind, ErrorKind::Serialization, "{members}");
    }
    let tags = r#"{"QueueName":"q","tags":{"a":1}}"#;
    assert_eq!(refusal("AmazonSQS.CreateQueue", tags).0, ErrorKind::Serialization);
}

#[test]
fn null_is_absent_and_unknown_members_are_ignored() {
    let nulls = send(
        r#","DelaySeconds":null,"MessageGroupId":null,"MessageAttributes":null,"MessageSystemAttributes":{"AWSTraceHeader":null}"#,
    );
    assert_eq!(nulls.unwrap(), send("").unwrap());
    assert_eq!(send(r#","NotInTheModel":{"deep":[1,{"er":null}]},"queueUrl":5"#).unwrap(), send("").unwrap());
    assert_eq!(receive(r#","AttributeNames":null"#).unwrap(), receive("").unwrap());
    let [with_null, without] = [r#"{"QueueName":"q","tags":{"a":null}}"#, r#"{"QueueName":"q"}"#]
        .map(|body| decode_json("AmazonSQS.CreateQueue", body.as_bytes()).unwrap());
    assert_eq!(with_null, without);
    // Query's names mean nothing here.
    assert_eq!(receive(r#","AttributeName":["All"]"#).unwrap(), receive("").unwrap());
}

#[test]
fn of_members_with_the_same_name_the_last_counts() {
    let twice = send(r#","MessageGroupId":"first","MessageGroupId":"second""#).unwrap();
    assert_eq!(twice.message_group_id.as_deref(), Some("second"));
    let tags = r#"{"QueueUrl":"q","Tags":{"k":"first","k":"second"}}"#;
    let Operation::TagQueue(request) = decode_json("AmazonSQS.TagQueue", tags.as_bytes()).unwrap() else {
        panic!("not TagQueue");
    };
    assert_eq!(request.tags["k"], "second");
}

/// Recorded from AWS: no queue named is a queue that does not exist.
#[test]
fn a_missing_queue_is_one_that_does_not_exist() {
    let bodies = [r#"{"MessageBody":"b"}"#, r#"{"MessageBody":"b","QueueUrl":null}"#, r#"{"QueueUrl":""}"#];
    for body in bodies {
        let error = decode_json("AmazonSQS.SendMessage", body.as_bytes()).unwrap_err();
        assert_eq!(error, ServiceError::queue_does_not_exist(), "{body}");
    }
}

#[test]
fn a_missing_queue_name_is_an_invalid_value() {
    for action in ["CreateQueue", "GetQueueUrl"] {
        let error = decode_json(&format!("AmazonSQS.{action}"), b"{}").unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidParameterValue);
        assert_eq!(
            error.message,
            "Value for parameter QueueName is invalid. Reason: Must specify a queue name."
        );
    }
}

#[test]
fn required_members_are_named_when_they_are_absent() {
    let entry = r#"{"QueueUrl":"q","Entries":[{"Id":"a","ReceiptHandle":"h"},{"Id":"b"}]}"#;
    let cases = [
        ("SendMessage", r#"{"QueueUrl":"q"}"#, "MessageBody"),
        ("SendMessage", r#"{"QueueUrl":"q","MessageBody":""}"#, "MessageBody"),
        ("DeleteMessage", r#"{"QueueUrl":"q"}"#, "ReceiptHandle"),
        ("ChangeMessageVisibility", r#"{"QueueUrl":"q","ReceiptHandle":"h"}"#, "VisibilityTimeout"),
        ("DeleteMessageBatch", entry, "DeleteMessageBatchRequestEntry.2.ReceiptHandle"),
        (
            "AddPermission",
            r#"{"QueueUrl":"q","Label":"l","AWSAccountIds":[],"Actions":["*"]}"#,
            "AWSAccountIds",
        ),
        ("AddPermission", r#"{"QueueUrl":"q","Label":"l","AWSAccountIds":["1"]}"#, "Actions"),
        ("TagQueue", r#"{"QueueUrl":"q","Tags":{}}"#, "Tags"),
        ("UntagQueue", r#"{"QueueUrl":"q"}"#, "TagKeys"),
        ("SetQueueAttributes", r#"{"QueueUrl":"q"}"#, "Attributes"),
        ("CancelMessageMoveTask", "{}", "TaskHandle"),
        ("ListMessageMoveTasks", "{}", "SourceArn"),
    ];
    for (action, body, parameter) in cases {
        let (kind, message) = refusal(&format!("AmazonSQS.{action}"), body);
        assert_eq!(kind, ErrorKind::MissingParameter, "{action} {body}");
        assert_eq!(
            message,
            format!("The request must contain the parameter {parameter}."),
            "{action} {body}"
        );
    }
}

#[test]
fn batches_may_be_empty_and_their_bodies_too() {
    for body in [r#"{"QueueUrl":"q"}"#, r#"{"QueueUrl":"q","Entries":[]}"#] {
        for action in ["SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"] {
            decode_json(&format!("AmazonSQS.{action}"), body.as_bytes()).unwrap();
        }
    }
    let empty = r#"{"QueueUrl":"q","Entries":[{"Id":"a","MessageBody":""}]}"#;
    decode_json("AmazonSQS.SendMessageBatch", empty.as_bytes()).unwrap();
    let not_an_entry = r#"{"QueueUrl":"q","Entries":[null]}"#;
    assert_eq!(refusal("AmazonSQS.SendMessageBatch", not_an_entry).0, ErrorKind::Serialization);
}

#[test]
fn attributes_that_are_lists_are_not_supported() {
    for list in [r#""StringListValues":["a"]"#, r#""BinaryListValues":["AA=="]"#] {
        let error =
            send(&format!(r#","MessageAttributes":{{"a":{{"DataType":"String",{list}}}}}"#)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::UnsupportedOperation);
        assert_eq!(
            error.message,
            "Message attribute list values in SendMessage operation are not supported."
        );
    }
    let always_sent = r#","MessageAttributes":{"a":{"DataType":"String","StringValue":"v","StringListValues":[],"BinaryListValues":[]}}"#;
    assert_eq!(send(always_sent).unwrap().message_attributes["a"].string_value.as_deref(), Some("v"));
}

#[test]
fn base64_may_leave_its_padding_out() {
    for (text, bytes) in [("AAE=", vec![0, 1]), ("AAE", vec![0, 1]), ("", vec![]), ("+/8=", vec![0xfb, 0xff])]
    {
        let members =
            format!(r#","MessageAttributes":{{"a":{{"DataType":"Binary","BinaryValue":"{text}"}}}}"#);
        assert_eq!(send(&members).unwrap().message_attributes["a"].binary_value, Some(bytes), "{text}");
    }
}

#[test]
fn attributes_without_a_type_are_for_the_service_to_refuse() {
    let request = send(r#","MessageAttributes":{"a":{}}"#).unwrap();
    assert_eq!(request.message_attributes["a"].data_type, "");
}

#[test]
fn escapes_become_the_characters_that_they_stand_for() {
    let request = receive(r#","ReceiveRequestAttemptId":"\u0041\n\"\\\/\ud83d\udd25""#).unwrap();
    assert_eq!(request.receive_request_attempt_id.as_deref(), Some("A\n\"\\/\u{1F525}"));
    let names = receive(r#","\u0041ttributeNames":["All"],"MessageSystemAttributeNames":["ALL"]"#).unwrap();
    assert_eq!(
        (names.attribute_names, names.message_system_attribute_names),
        (vec!["All".into()], vec!["ALL".into()])
    );
}

#[test]
fn a_body_of_very_many_values_is_refused_before_it_fills_the_memory() {
    let few = vec!["\"a\""; 16_000].join(",");
    receive(&format!(r#","AttributeNames":[{few}]"#)).unwrap();
    let many = vec!["0"; 16_384].join(",");
    let error = receive(&format!(r#","Ignored":[{many}]"#)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Serialization);
}
