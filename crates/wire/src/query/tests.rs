#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::{
    ErrorKind, Operation, ReceiveMessageRequest, SendMessageBatchRequest, SendMessageRequest, ServiceError,
    decode_query,
};

fn refusal(form: &str) -> (ErrorKind, String) {
    let ServiceError { kind, message } = decode_query("/", "", form.as_bytes()).unwrap_err();
    (kind, message)
}

fn receive(parameters: &str) -> ReceiveMessageRequest {
    let form = format!("Action=ReceiveMessage&QueueUrl=q&{parameters}");
    match decode_query("/", "", form.as_bytes()).unwrap() {
        Operation::ReceiveMessage(request) => request,
        other => panic!("{other:?}"),
    }
}

fn send(parameters: &str) -> Result<SendMessageRequest, ServiceError> {
    let form = format!("Action=SendMessage&QueueUrl=q&{parameters}");
    match decode_query("/", "", form.as_bytes())? {
        Operation::SendMessage(request) => Ok(request),
        other => panic!("{other:?}"),
    }
}

fn send_batch(parameters: &str) -> Result<SendMessageBatchRequest, ServiceError> {
    let form = format!("Action=SendMessageBatch&QueueUrl=q&{parameters}");
    match decode_query("/", "", form.as_bytes())? {
        Operation::SendMessageBatch(request) => Ok(request),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_action_comes_from_url_or_form() {
    for (query, form) in
        [("Action=ListQueues", ""), ("", "Action=ListQueues"), ("Version=1999-01-01&Action=ListQueues", "&&")]
    {
        assert_eq!(decode_query("/", query, form.as_bytes()).unwrap().name(), "ListQueues");
    }
    for form in ["", "Action=", "Action", "action=ListQueues", "Action.1=ListQueues"] {
        assert_eq!(refusal(form).0, ErrorKind::MissingAction, "{form}");
    }
    let unknown = refusal("Action=SendMassage");
    assert_eq!(
        unknown,
        (ErrorKind::UnknownOperation, "The action SendMassage is not valid for this endpoint.".into())
    );
}

#[test]
fn the_queue_url_parameter_wins_over_the_path() {
    let cases = [
        ("/000000000000/orders", "", Some("/000000000000/orders")),
        ("/000000000000/orders", "QueueUrl=http://h/1/other", Some("http://h/1/other")),
        ("/000000000000/orders", "QueueUrl=", Some("/000000000000/orders")),
        ("/", "QueueUrl=orders", Some("orders")),
        ("/", "", None),
        ("", "", None),
        ("//", "", None),
    ];
    for (path, parameter, expected) in cases {
        let decoded = decode_query(path, "Action=PurgeQueue", parameter.as_bytes());
        match expected {
            Some(url) => assert_eq!(decoded.unwrap().queue_url(), Some(url), "{path} {parameter}"),
            None => assert_eq!(decoded.unwrap_err().kind, ErrorKind::InvalidAddress, "{path}"),
        }
    }
}

#[test]
fn the_last_of_parameters_with_the_same_name_counts_and_the_form_comes_last() {
    let decoded = decode_query("/", "Action=DeleteQueue&QueueUrl=a&QueueUrl=b", b"QueueUrl=c").unwrap();
    assert_eq!(decoded.queue_url(), Some("c"));
    let tags = "Action=TagQueue&QueueUrl=q&Tag.1.Key=k&Tag.1.Value=first&Tag.2.Key=k&Tag.2.Value=second";
    let Operation::TagQueue(request) = decode_query("/", tags, b"").unwrap() else { panic!("not TagQueue") };
    assert_eq!(request.tags["k"], "second");
    // Enough of them that a sort which does not keep their order would show.
    let many: String = (0..1000).rev().map(|number| format!("&P{number}=x&MessageBody={number}")).collect();
    assert_eq!(send(&many).unwrap().message_body, "0");
}

#[test]
fn text_is_decoded_as_forms_encode_it() {
    let cases = [
        ("a+b", "a b"),
        ("a%20b%2B", "a b+"),
        ("%ED%95%9c", "한"),
        ("한", "한"),
        ("a=b=c", "a=b=c"),
        ("100%", "100%"),
        ("%zz%4", "%zz%4"),
        ("%00", "\0"),
        ("%0D%0A", "\r\n"),
    ];
    for (encoded, expected) in cases {
        assert_eq!(send(&format!("MessageBody={encoded}")).unwrap().message_body, expected, "{encoded}");
    }
    assert_eq!(send("%4dessageBody=named+by+escapes").unwrap().message_body, "named by escapes");
}

#[test]
fn text_that_is_not_utf_8_is_refused() {
    for form in [
        &b"Action=SendMessage&MessageBody=%ff"[..],
        b"Action=SendMessage&MessageBody=\xff",
        b"Action=SendMessage&\xc0=+",
    ] {
        assert_eq!(decode_query("/", "", form).unwrap_err().kind, ErrorKind::MalformedQueryString);
    }
}

#[test]
fn numbers_are_text() {
    for (text, number) in [("10", Some(10)), ("-1", Some(-1)), ("007", Some(7)), ("", None)] {
        assert_eq!(receive(&format!("MaxNumberOfMessages={text}")).max_number_of_messages, number, "{text}");
    }
    for text in ["ten", "1.0", "1e1", "2147483648", "+", "%201", "99999999999999999999"] {
        let (kind, message) =
            refusal(&format!("Action=ReceiveMessage&QueueUrl=q&MaxNumberOfMessages={text}"));
        assert_eq!(kind, ErrorKind::Serialization, "{text}");
        assert!(message.contains("MaxNumberOfMessages"), "{message}");
    }
}

#[test]
fn lists_are_in_the_order_of_their_numbers() {
    let numbered =
        "AttributeName.10=c&AttributeName.2=b&AttributeName.1=a&AttributeName.18446744073709551615=d";
    assert_eq!(receive(numbered).attribute_names, ["a", "b", "c", "d"]);
    assert_eq!(receive("AttributeName.member.2=b&AttributeName.member.1=a").attribute_names, ["a", "b"]);
    assert_eq!(receive("AttributeName=All").attribute_names, ["All"]);
    assert_eq!(receive("AttributeName.0=a&AttributeName.1=b").attribute_names, ["a", "b"]);
    assert_eq!(receive("AttributeName.1.x=a").attribute_names, [""; 0]);
    assert_eq!(receive("MessageSystemAttributeName.1=ALL").message_system_attribute_names, ["ALL"]);
    // JSON's names mean nothing here.
    assert_eq!(receive("AttributeNames.1=All").attribute_names, [""; 0]);
    let too_large = refusal("Action=ReceiveMessage&QueueUrl=q&AttributeName.18446744073709551616=a");
    assert_eq!(too_large.0, ErrorKind::Serialization);
}

#[test]
fn maps_may_be_without_a_number_when_they_have_one_entry() {
    let form = "Action=SetQueueAttributes&QueueUrl=q&Attribute.Name=DelaySeconds&Attribute.Value=15";
    let Operation::SetQueueAttributes(request) = decode_query("/", form, b"").unwrap() else {
        panic!("not SetQueueAttributes");
    };
    assert_eq!(request.attributes["DelaySeconds"], "15");
}

#[test]
fn batches_read_everything_below_their_entries() {
    let batch = send_batch(
        "SendMessageBatchRequestEntry.7.Id=second&SendMessageBatchRequestEntry.7.MessageBody=\
         &SendMessageBatchRequestEntry.3.Id=first&SendMessageBatchRequestEntry.3.MessageBody=b&SendMessageBatchRequestEntry.3.DelaySeconds=1\
         &SendMessageBatchRequestEntry.3.MessageAttribute.1.Name=n&SendMessageBatchRequestEntry.3.MessageAttribute.1.Value.DataType=Binary\
         &SendMessageBatchRequestEntry.3.MessageAttribute.1.Value.BinaryValue=AAE%3D",
    )
    .unwrap();
    let ids: Vec<_> = batch.entries.iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(ids, ["first", "second"]);
    assert_eq!(batch.entries[0].delay_seconds, Some(1));
    assert_eq!(batch.entries[0].message_attributes["n"].binary_value, Some(vec![0, 1]));
    assert!(send_batch("").unwrap().entries.is_empty());
}

#[test]
fn required_members_are_named_with_their_place() {
    let cases = [
        ("Action=SendMessage&QueueUrl=q&MessageBody=", "MessageBody"),
        (
            "Action=SendMessageBatch&QueueUrl=q&SendMessageBatchRequestEntry.4.Id=a",
            "SendMessageBatchRequestEntry.4.MessageBody",
        ),
        ("Action=ChangeMessageVisibility&QueueUrl=q&ReceiptHandle=h&VisibilityTimeout=", "VisibilityTimeout"),
        ("Action=CreateQueue&QueueName=q&Attribute.1.Value=5", "Attribute.1.Name"),
        ("Action=CreateQueue&QueueName=q&Attribute.2.Name=DelaySeconds", "Attribute.2.Value"),
        ("Action=TagQueue&QueueUrl=q", "Tags"),
        ("Action=AddPermission&QueueUrl=q&Label=l&AWSAccountId.1=1", "Actions"),
    ];
    for (form, parameter) in cases {
        let expected =
            (ErrorKind::MissingParameter, format!("The request must contain the parameter {parameter}."));
        assert_eq!(refusal(form), expected, "{form}");
    }
}

#[test]
fn attributes_that_are_lists_are_not_supported() {
    let attribute = "MessageBody=b&MessageAttribute.1.Name=a&MessageAttribute.1.Value";
    for list in ["StringListValue.1=x", "BinaryListValue.member.1=AA=="] {
        assert_eq!(
            send(&format!("{attribute}.{list}")).unwrap_err().kind,
            ErrorKind::UnsupportedOperation,
            "{list}"
        );
    }
    let entry = "SendMessageBatchRequestEntry.member.1";
    let longest_name = format!(
        "{entry}.Id=a&{entry}.MessageBody=b&{entry}.MessageAttribute.member.1.Name=n\
         &{entry}.MessageAttribute.member.1.Value.StringListValue.member.1=x"
    );
    let message = send_batch(&longest_name).unwrap_err().message;
    assert_eq!(message, "Message attribute list values in SendMessageBatch operation are not supported.");
    let bad_base64 = send(&format!("{attribute}.BinaryValue=A")).unwrap_err();
    assert_eq!(bad_base64.kind, ErrorKind::Serialization);
}

#[test]
fn names_without_end_and_parameters_without_number_are_bounded() {
    let long = format!("MessageBody=b&{}=x", "a.".repeat(100_000));
    assert_eq!(send(&long).unwrap(), send("MessageBody=b").unwrap());
    let many: String = (0..16_384).map(|number| format!("&P{number}=x")).collect();
    assert_eq!(send(&many).unwrap_err().kind, ErrorKind::MalformedQueryString);
}
