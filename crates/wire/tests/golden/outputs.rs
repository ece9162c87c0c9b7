//! The answers whose golden files are in `golden/`.

use bongsu_wire::*;

const URL: &str = "http://localhost:9324/000000000000/orders";
const OTHER_URL: &str = "http://localhost:9324/000000000000/orders.fifo";
const DEAD_ARN: &str = "arn:aws:sqs:us-east-1:000000000000:dead";
const MESSAGE_ID: &str = "0f2d3b1a-1111-4222-8333-444455556666";
/// Everything that XML and JSON have to escape.
const AWKWARD: &str = "a\r\nb\tc <&>'\" \\ \u{1F525} 봉수";

fn map(entries: &[(&str, &str)]) -> StringMap {
    entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn attributes() -> MessageAttributes {
    let text = |data_type: &str, value: &str| MessageAttributeValue {
        data_type: data_type.to_owned(),
        string_value: some(value),
        binary_value: None,
    };
    let raw = MessageAttributeValue {
        data_type: "Binary.png".to_owned(),
        string_value: None,
        binary_value: Some(vec![0, 1, 254, 255]),
    };
    [("city", text("String", AWKWARD)), ("price", text("Number.int", "42")), ("raw", raw)]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
}

fn failed() -> Vec<BatchResultErrorEntry> {
    let receiver = ServiceError::new(ErrorKind::InternalFailure, "Try again.");
    let sender = ServiceError::new(ErrorKind::ReceiptHandleIsInvalid, "The input receipt handle is invalid.");
    vec![
        BatchResultErrorEntry::new("bad", &sender),
        BatchResultErrorEntry { message: None, ..BatchResultErrorEntry::new("unlucky", &receiver) },
    ]
}

fn md5(text: &str) -> String {
    bongsu_wire::md5::show(&bongsu_wire::md5::body(text))
}

fn trace_header_md5() -> Option<String> {
    let header = MessageAttributeValue {
        data_type: "String".to_owned(),
        string_value: some("Root=1-5759e988-bd862e3fe1be46a994272793"),
        binary_value: None,
    };
    bongsu_wire::md5::message_attributes(&[("AWSTraceHeader".to_owned(), header)].into())
}

pub(crate) fn outputs() -> Vec<(&'static str, Output)> {
    let mut outputs = message_outputs();
    outputs.extend(queue_outputs());
    outputs.extend(move_task_outputs());
    outputs
}

fn message_outputs() -> Vec<(&'static str, Output)> {
    let sent = SendMessageResponse {
        md5_of_message_body: md5("hello"),
        md5_of_message_attributes: None,
        md5_of_message_system_attributes: None,
        message_id: MESSAGE_ID.to_owned(),
        sequence_number: None,
    };
    let sent_in_full = SendMessageResponse {
        md5_of_message_attributes: bongsu_wire::md5::message_attributes(&attributes()),
        md5_of_message_system_attributes: trace_header_md5(),
        sequence_number: some("00000000000000000042"),
        ..sent.clone()
    };
    let plain_entry = SendMessageBatchResultEntry {
        id: "one".to_owned(),
        message_id: MESSAGE_ID.to_owned(),
        md5_of_message_body: md5("first"),
        md5_of_message_attributes: None,
        md5_of_message_system_attributes: None,
        sequence_number: None,
    };
    let full_entry = SendMessageBatchResultEntry {
        id: "two".to_owned(),
        md5_of_message_attributes: bongsu_wire::md5::message_attributes(&attributes()),
        md5_of_message_system_attributes: trace_header_md5(),
        sequence_number: some("00000000000000000043"),
        ..plain_entry.clone()
    };
    let sent_batch =
        SendMessageBatchResponse { successful: vec![plain_entry, full_entry], failed: Vec::new() };
    let refused_batch = SendMessageBatchResponse { successful: Vec::new(), failed: failed() };
    let deleted = DeleteMessageBatchResultEntry { id: "a".to_owned() };
    let changed = ChangeMessageVisibilityBatchResultEntry { id: "a".to_owned() };
    vec![
        ("send_message/minimal", Output::SendMessage(sent)),
        ("send_message/full", Output::SendMessage(sent_in_full)),
        ("send_message_batch/full", Output::SendMessageBatch(sent_batch)),
        ("send_message_batch/eleven", Output::SendMessageBatch(refused_batch)),
        ("receive_message/minimal", Output::ReceiveMessage(ReceiveMessageResponse::default())),
        ("receive_message/full", Output::ReceiveMessage(ReceiveMessageResponse { messages: messages() })),
        ("delete_message/plain", Output::DeleteMessage),
        (
            "delete_message_batch/plain",
            Output::DeleteMessageBatch(DeleteMessageBatchResponse {
                successful: vec![deleted],
                failed: failed(),
            }),
        ),
        ("change_message_visibility/plain", Output::ChangeMessageVisibility),
        (
            "change_message_visibility_batch/plain",
            Output::ChangeMessageVisibilityBatch(ChangeMessageVisibilityBatchResponse {
                successful: vec![changed],
                failed: failed(),
            }),
        ),
    ]
}

fn messages() -> Vec<Message> {
    let bare = Message {
        message_id: MESSAGE_ID.to_owned(),
        receipt_handle: "AQEB+handle/with=signs".to_owned(),
        md5_of_body: md5("hello"),
        body: "hello".to_owned(),
        attributes: StringMap::new(),
        md5_of_message_attributes: None,
        message_attributes: MessageAttributes::new(),
    };
    let full = Message {
        md5_of_body: md5(AWKWARD),
        body: AWKWARD.to_owned(),
        attributes: map(&[("ApproximateReceiveCount", "1"), ("SenderId", "000000000000")]),
        md5_of_message_attributes: bongsu_wire::md5::message_attributes(&attributes()),
        message_attributes: attributes(),
        ..bare.clone()
    };
    vec![bare, full]
}

fn queue_outputs() -> Vec<(&'static str, Output)> {
    let queue_urls = vec![URL.to_owned(), OTHER_URL.to_owned()];
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    vec![
        ("create_queue/minimal", Output::CreateQueue(CreateQueueResponse { queue_url: URL.to_owned() })),
        ("delete_queue/plain", Output::DeleteQueue),
        ("purge_queue/plain", Output::PurgeQueue),
        ("get_queue_url/minimal", Output::GetQueueUrl(GetQueueUrlResponse { queue_url: URL.to_owned() })),
        ("list_queues/minimal", Output::ListQueues(ListQueuesResponse::default())),
        (
            "list_queues/full",
            Output::ListQueues(ListQueuesResponse {
                queue_urls: queue_urls.clone(),
                next_token: some("bmV4dA=="),
            }),
        ),
        ("get_queue_attributes/minimal", Output::GetQueueAttributes(GetQueueAttributesResponse::default())),
        (
            "get_queue_attributes/full",
            Output::GetQueueAttributes(GetQueueAttributesResponse {
                attributes: map(&[("Policy", policy), ("DelaySeconds", "0")]),
            }),
        ),
        ("set_queue_attributes/plain", Output::SetQueueAttributes),
        ("add_permission/plain", Output::AddPermission),
        ("remove_permission/plain", Output::RemovePermission),
        ("tag_queue/plain", Output::TagQueue),
        ("untag_queue/plain", Output::UntagQueue),
        (
            "list_queue_tags/plain",
            Output::ListQueueTags(ListQueueTagsResponse {
                tags: map(&[("team", "beacon"), ("Team", ""), ("cost centre", "a=b&c")]),
            }),
        ),
        ("list_queue_tags/none", Output::ListQueueTags(ListQueueTagsResponse::default())),
        (
            "list_dead_letter_source_queues/minimal",
            Output::ListDeadLetterSourceQueues(ListDeadLetterSourceQueuesResponse::default()),
        ),
        (
            "list_dead_letter_source_queues/full",
            Output::ListDeadLetterSourceQueues(ListDeadLetterSourceQueuesResponse {
                queue_urls,
                next_token: some("t"),
            }),
        ),
    ]
}

fn move_task_outputs() -> Vec<(&'static str, Output)> {
    let running = ListMessageMoveTasksResultEntry {
        task_handle: some("task=="),
        status: "RUNNING".to_owned(),
        source_arn: DEAD_ARN.to_owned(),
        destination_arn: some("arn:aws:sqs:us-east-1:000000000000:orders"),
        max_number_of_messages_per_second: Some(500),
        approximate_number_of_messages_moved: 3,
        approximate_number_of_messages_to_move: Some(5_000_000_000),
        failure_reason: None,
        started_timestamp_ms: 1_700_000_000_123,
    };
    let failed = ListMessageMoveTasksResultEntry {
        task_handle: None,
        status: "FAILED".to_owned(),
        destination_arn: None,
        max_number_of_messages_per_second: None,
        approximate_number_of_messages_to_move: None,
        failure_reason: some("AWS.SimpleQueueService.NonExistentQueue"),
        ..running.clone()
    };
    vec![
        (
            "start_message_move_task/minimal",
            Output::StartMessageMoveTask(StartMessageMoveTaskResponse { task_handle: "task==".to_owned() }),
        ),
        (
            "list_message_move_tasks/minimal",
            Output::ListMessageMoveTasks(ListMessageMoveTasksResponse::default()),
        ),
        (
            "list_message_move_tasks/full",
            Output::ListMessageMoveTasks(ListMessageMoveTasksResponse { results: vec![running, failed] }),
        ),
        (
            "cancel_message_move_task/plain",
            Output::CancelMessageMoveTask(CancelMessageMoveTaskResponse {
                approximate_number_of_messages_moved: 3,
            }),
        ),
    ]
}

pub(crate) fn errors() -> Vec<(&'static str, ServiceError)> {
    vec![
        ("queue_does_not_exist", ServiceError::queue_does_not_exist()),
        ("missing_parameter", ServiceError::missing_parameter("MessageBody")),
        (
            "invalid_parameter_value",
            ServiceError::new(
                ErrorKind::InvalidParameterValue,
                format!("Value {AWKWARD}\u{1} for parameter Label is invalid. Reason: can't find label."),
            ),
        ),
        (
            "purge_queue_in_progress",
            ServiceError::new(
                ErrorKind::PurgeQueueInProgress,
                "Only one PurgeQueue operation on orders is allowed every 60 seconds.",
            ),
        ),
        ("resource_not_found", ServiceError::new(ErrorKind::ResourceNotFound, "Task does not exist.")),
        (
            "serialization",
            decode_error("AmazonSQS.ReceiveMessage", r#"{"QueueUrl":"q","MaxNumberOfMessages":"1"}"#),
        ),
        ("unknown_operation", decode_error("AmazonSQS.SendMassage", "{}")),
        ("service_unavailable", ServiceError::new(ErrorKind::ServiceUnavailable, "Try again in a moment.")),
    ]
}

fn decode_error(target: &str, body: &str) -> ServiceError {
    decode_json(target, body.as_bytes()).unwrap_err()
}
