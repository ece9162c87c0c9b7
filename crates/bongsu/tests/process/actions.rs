//! Every action once, in AWS JSON, and what makes each different.

use crate::fixture::Server;
use serde_json::{Value, json};

/// Calls an action that succeeds; answers without members have an empty body or an empty object.
fn ok(server: &Server, action: &str, body: Value) -> Value {
    let answer = server.json(action, &body);
    assert_eq!(answer.status, 200, "{action}: {}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/x-amz-json-1.0"));
    if answer.body.is_empty() { Value::Null } else { answer.json() }
}

/// Calls an action that is refused: status, legacy code, message.
fn refused(server: &Server, action: &str, body: Value) -> (u16, String, String) {
    let answer = server.json(action, &body);
    let code = answer.header("x-amzn-query-error").unwrap_or_default().to_owned();
    let message = answer.json()["message"].as_str().unwrap_or_default().to_owned();
    (answer.status, code.split(';').next().unwrap().to_owned(), message)
}

fn invalid(message: &str) -> (u16, String, String) {
    (400, "InvalidParameterValue".to_owned(), message.to_owned())
}

#[test]
fn a_message_is_sent_received_and_deleted() {
    let server = Server::in_memory();
    let url = server.queue("jobs", &json!({}));
    assert_eq!(url, format!("http://{}/000000000000/jobs", server.address));
    let attributes = json!({
        "City": { "DataType": "String", "StringValue": "Seoul" },
        "Picture": { "DataType": "Binary.png", "BinaryValue": "AAEC/w==" },
    });
    let trace = json!({ "AWSTraceHeader": { "DataType": "String", "StringValue": "Root=1-5759e988" } });
    let sent = ok(
        &server,
        "SendMessage",
        json!({ "QueueUrl": url, "MessageBody": "안녕\r\n", "MessageAttributes": attributes, "MessageSystemAttributes": trace }),
    );
    for digest in ["MD5OfMessageBody", "MD5OfMessageAttributes", "MD5OfMessageSystemAttributes"] {
        assert_eq!(sent[digest].as_str().unwrap().len(), 32);
    }
    let all = json!({
        "QueueUrl": url, "MessageSystemAttributeNames": ["ALL"], "MessageAttributeNames": ["All"], "MaxNumberOfMessages": 10
    });
    let received = ok(&server, "ReceiveMessage", all);
    let message = &received["Messages"][0];
    assert_eq!(message["Body"], "안녕\r\n");
    assert_eq!(message["MessageId"], sent["MessageId"]);
    assert_eq!(message["MD5OfBody"], sent["MD5OfMessageBody"]);
    assert_eq!(message["MD5OfMessageAttributes"], sent["MD5OfMessageAttributes"]);
    assert_eq!(message["MessageAttributes"], attributes);
    assert_eq!(message["Attributes"]["AWSTraceHeader"], "Root=1-5759e988");
    assert_eq!(message["Attributes"]["ApproximateReceiveCount"], "1");
    let delete = json!({ "QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"] });
    ok(&server, "DeleteMessage", delete.clone());
    ok(&server, "DeleteMessage", delete);
    assert_eq!(ok(&server, "ReceiveMessage", json!({ "QueueUrl": url })), json!({}));
}

#[test]
fn the_trace_header_can_come_over_http() {
    let server = Server::in_memory();
    let url = server.queue("jobs", &json!({}));
    let head = format!(
        "POST / HTTP/1.1\r\nHost: {}\r\nX-Amz-Target: AmazonSQS.SendMessage\r\nX-Amzn-Trace-Id: Root=1-aa\r\n",
        server.address
    );
    let sent = server.post(&head, json!({ "QueueUrl": url, "MessageBody": "x" }).to_string().as_bytes());
    assert_eq!(sent.json().get("MD5OfMessageSystemAttributes"), None);
    let names = json!({ "QueueUrl": url, "AttributeNames": ["AWSTraceHeader"] });
    let received = ok(&server, "ReceiveMessage", names);
    assert_eq!(received["Messages"][0]["Attributes"], json!({ "AWSTraceHeader": "Root=1-aa" }));
}

#[test]
fn visibility_changes_one_by_one_and_in_batches() {
    let server = Server::in_memory();
    let url = server.queue("jobs", &json!({}));
    ok(&server, "SendMessage", json!({ "QueueUrl": url, "MessageBody": "x" }));
    let receive = || {
        let received = ok(&server, "ReceiveMessage", json!({ "QueueUrl": url }));
        received["Messages"][0]["ReceiptHandle"].as_str().map(str::to_owned)
    };
    let handle = receive().unwrap();
    assert_eq!(receive(), None);
    let change = json!({ "QueueUrl": url, "ReceiptHandle": handle, "VisibilityTimeout": 0 });
    ok(&server, "ChangeMessageVisibility", change);
    let handle = receive().unwrap();
    let entries = json!([
        { "Id": "good", "ReceiptHandle": handle, "VisibilityTimeout": 0 },
        { "Id": "garbage", "ReceiptHandle": "fake", "VisibilityTimeout": 0 },
        { "Id": "range", "ReceiptHandle": handle, "VisibilityTimeout": 43201 },
        { "Id": "missing", "ReceiptHandle": handle },
    ]);
    let changed = ok(&server, "ChangeMessageVisibilityBatch", json!({ "QueueUrl": url, "Entries": entries }));
    assert_eq!(changed["Successful"], json!([{ "Id": "good" }]));
    let failed: Vec<(&str, &str)> = changed["Failed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["Id"].as_str().unwrap(), entry["Code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        failed,
        [
            ("garbage", "ReceiptHandleIsInvalid"),
            ("range", "InvalidParameterValue"),
            ("missing", "MissingParameter")
        ]
    );
    assert!(receive().is_some());
}

#[test]
fn deletes_in_batches() {
    let server = Server::in_memory();
    let (url, other) = (server.queue("jobs", &json!({})), server.queue("other", &json!({})));
    for queue in [&url, &other] {
        ok(&server, "SendMessage", json!({ "QueueUrl": queue, "MessageBody": "x" }));
    }
    let handle = |queue: &str| {
        let received = ok(&server, "ReceiveMessage", json!({ "QueueUrl": queue }));
        received["Messages"][0]["ReceiptHandle"].as_str().unwrap().to_owned()
    };
    let (own, foreign) = (handle(&url), handle(&other));
    let entries = json!([
        { "Id": "garbage", "ReceiptHandle": "fake" },
        { "Id": "foreign", "ReceiptHandle": foreign },
        { "Id": "good", "ReceiptHandle": own },
    ]);
    let deleted = ok(&server, "DeleteMessageBatch", json!({ "QueueUrl": url, "Entries": entries }));
    assert_eq!(deleted["Successful"], json!([{ "Id": "good" }]));
    assert_eq!(
        deleted["Failed"],
        json!([
            {
                "Id": "garbage", "SenderFault": true, "Code": "ReceiptHandleIsInvalid",
                "Message": "The input receipt handle \"fake\" is not a valid receipt handle.",
            },
            {
                "Id": "foreign", "SenderFault": true, "Code": "ReceiptHandleIsInvalid",
                "Message": format!("The receipt handle \"{foreign}\" is not valid for this queue."),
            },
        ])
    );
}

#[test]
fn entries_of_a_batch_are_sent_one_by_one() {
    let server = Server::in_memory();
    let url = server.queue("jobs", &json!({ "MaximumMessageSize": "1024" }));
    let entries = json!([
        { "Id": "a", "MessageBody": "first" },
        { "Id": "empty", "MessageBody": "" },
        { "Id": "characters", "MessageBody": "\u{1}" },
        { "Id": "long", "MessageBody": "x".repeat(1025) },
        { "Id": "delay", "MessageBody": "x", "DelaySeconds": 901 },
        { "Id": "deduplication", "MessageBody": "x", "MessageDeduplicationId": "d" },
        { "Id": "tenant", "MessageBody": "last", "MessageGroupId": "t" },
    ]);
    let sent = ok(&server, "SendMessageBatch", json!({ "QueueUrl": url, "Entries": entries }));
    let ids = |list: &Value, member: &str| -> Vec<String> {
        list.as_array().unwrap().iter().map(|entry| entry[member].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&sent["Successful"], "Id"), ["a", "tenant"]);
    assert_eq!(ids(&sent["Failed"], "Id"), ["empty", "characters", "long", "delay", "deduplication"]);
    assert_eq!(
        ids(&sent["Failed"], "Message"),
        [
            "The request must contain the parameter SendMessageBatchRequestEntry.2.MessageBody.",
            "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | \
             #x10000 to #x10FFFF",
            "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes.",
            "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.",
            "The request include parameter that is not valid for this queue type",
        ]
    );
}

#[test]
fn batches_refused_as_a_whole() {
    let server = Server::in_memory();
    let url = server.queue("jobs", &json!({}));
    let fifo = server.queue("jobs.fifo", &json!({ "FifoQueue": "true" }));
    let send = |url: &str, entries: Value| {
        refused(&server, "SendMessageBatch", json!({ "QueueUrl": url, "Entries": entries }))
    };
    let half = "x".repeat(524_288);
    let long = json!([{ "Id": "1", "MessageBody": half }, { "Id": "2", "MessageBody": half.clone() + "x" }]);
    assert_eq!(
        send(&url, long),
        (
            400,
            "AWS.SimpleQueueService.BatchRequestTooLong".to_owned(),
            "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.".to_owned()
        )
    );
    let good = json!({ "Id": "1", "MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "d" });
    assert_eq!(
        send(&fifo, json!([good, { "Id": "2", "MessageBody": "x", "MessageDeduplicationId": "e" }])),
        invalid("The request must contain the parameter MessageGroupId.")
    );
    assert_eq!(
        send(&fifo, json!([good, { "Id": "2", "MessageBody": "x", "MessageGroupId": "g" }])),
        invalid(
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
        )
    );
    let counts = json!({ "QueueUrl": fifo, "AttributeNames": ["ApproximateNumberOfMessages"] });
    let counts = ok(&server, "GetQueueAttributes", counts);
    assert_eq!(counts["Attributes"]["ApproximateNumberOfMessages"], "0");
}

#[test]
fn fifo_queues_number_and_deduplicate() {
    let server = Server::in_memory();
    let url = server.queue("jobs.fifo", &json!({ "FifoQueue": "true", "ContentBasedDeduplication": "true" }));
    let send = json!({ "QueueUrl": url, "MessageBody": "x", "MessageGroupId": "g" });
    let first = ok(&server, "SendMessage", send.clone());
    assert_eq!(first["SequenceNumber"].as_str().unwrap().len(), 20);
    let again = ok(&server, "SendMessage", send);
    assert_eq!(again["MessageId"], first["MessageId"]);
    assert_eq!(again["SequenceNumber"], first["SequenceNumber"]);
    let received = ok(&server, "ReceiveMessage", json!({ "QueueUrl": url, "AttributeNames": ["All"] }));
    let attributes = &received["Messages"][0]["Attributes"];
    assert_eq!(
        attributes["MessageDeduplicationId"],
        "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    );
    assert_eq!(attributes["SequenceNumber"], first["SequenceNumber"]);
    let late = json!({ "QueueUrl": url, "MessageBody": "x", "MessageGroupId": "g", "DelaySeconds": 2 });
    assert_eq!(
        refused(&server, "SendMessage", late),
        invalid(
            "Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this \
             queue type."
        )
    );
}

#[test]
fn queues_are_found_listed_described_and_deleted() {
    let server = Server::in_memory();
    for name in ["a-1", "a-2", "b"] {
        server.queue(name, &json!({}));
    }
    let base = format!("http://{}/000000000000", server.address);
    let found = ok(&server, "GetQueueUrl", json!({ "QueueName": "b" }));
    assert_eq!(found, json!({ "QueueUrl": format!("{base}/b") }));
    let list = ok(&server, "ListQueues", json!({ "QueueNamePrefix": "a-" }));
    assert_eq!(list, json!({ "QueueUrls": [format!("{base}/a-1"), format!("{base}/a-2")] }));
    let first = ok(&server, "ListQueues", json!({ "MaxResults": 2 }));
    let second = ok(&server, "ListQueues", json!({ "MaxResults": 2, "NextToken": first["NextToken"] }));
    assert_eq!(second, json!({ "QueueUrls": [format!("{base}/b")] }));
    assert_eq!(ok(&server, "ListQueues", json!({ "QueueNamePrefix": "zzz" })), json!({}));
    let all = ok(&server, "GetQueueAttributes", json!({ "QueueUrl": "b", "AttributeNames": ["All"] }));
    assert_eq!(all["Attributes"].as_object().unwrap().len(), 12);
    let none =
        ok(&server, "GetQueueAttributes", json!({ "QueueUrl": "b", "AttributeNames": ["RedrivePolicy"] }));
    assert_eq!(none, json!({}));
    ok(&server, "SetQueueAttributes", json!({ "QueueUrl": "b", "Attributes": { "DelaySeconds": "7" } }));
    let delay = json!({ "QueueUrl": "/queue/b", "AttributeNames": ["DelaySeconds"] });
    assert_eq!(ok(&server, "GetQueueAttributes", delay), json!({ "Attributes": { "DelaySeconds": "7" } }));
    ok(&server, "PurgeQueue", json!({ "QueueUrl": "b" }));
    ok(&server, "DeleteQueue", json!({ "QueueUrl": "b" }));
    let missing = "The specified queue does not exist.".to_owned();
    assert_eq!(
        refused(&server, "GetQueueUrl", json!({ "QueueName": "b" })),
        (400, "AWS.SimpleQueueService.NonExistentQueue".to_owned(), missing)
    );
}

#[test]
fn tags_come_and_go() {
    let server = Server::in_memory();
    let url = server.queue("jobs", &json!({}));
    assert_eq!(ok(&server, "ListQueueTags", json!({ "QueueUrl": url })), json!({}));
    ok(&server, "TagQueue", json!({ "QueueUrl": url, "Tags": { "Team": "a", "team": "" } }));
    let tags = ok(&server, "ListQueueTags", json!({ "QueueUrl": url }));
    assert_eq!(tags, json!({ "Tags": { "Team": "a", "team": "" } }));
    ok(&server, "UntagQueue", json!({ "QueueUrl": url, "TagKeys": ["Team", "unknown"] }));
    assert_eq!(ok(&server, "ListQueueTags", json!({ "QueueUrl": url })), json!({ "Tags": { "team": "" } }));
    let many: serde_json::Map<String, Value> = (0..50).map(|tag| (format!("t{tag}"), json!(""))).collect();
    assert_eq!(
        refused(&server, "TagQueue", json!({ "QueueUrl": url, "Tags": many })),
        invalid("Too many tags added for queue jobs.")
    );
}

#[test]
fn permissions_edit_the_policy() {
    let server = Server::in_memory();
    let url = server.queue("jobs", &json!({}));
    let add = json!({
        "QueueUrl": url, "Label": "l", "AWSAccountIds": ["111111111111"], "Actions": ["SendMessage"]
    });
    ok(&server, "AddPermission", add.clone());
    let policy = || {
        let attributes =
            ok(&server, "GetQueueAttributes", json!({ "QueueUrl": url, "AttributeNames": ["Policy"] }));
        attributes["Attributes"]["Policy"].as_str().map(str::to_owned)
    };
    let parsed: Value = serde_json::from_str(&policy().unwrap()).unwrap();
    assert_eq!(parsed["Statement"][0]["Sid"], "l");
    let again = refused(&server, "AddPermission", add);
    assert_eq!(again, invalid("Value l for parameter Label is invalid. Reason: Already exists."));
    ok(&server, "RemovePermission", json!({ "QueueUrl": url, "Label": "l" }));
    assert_eq!(policy(), None);
    let gone = refused(&server, "RemovePermission", json!({ "QueueUrl": url, "Label": "l" }));
    assert_eq!(gone, invalid("Value l for parameter Label is invalid. Reason: can't find label."));
}

#[test]
fn permissions_added_at_once_are_all_there() {
    let server = Server::in_memory();
    let url = server.queue("jobs", &json!({}));
    std::thread::scope(|scope| {
        for label in 0..8 {
            let (server, url) = (&server, &url);
            scope.spawn(move || {
                let add = json!({
                    "QueueUrl": url, "Label": format!("l{label}"), "AWSAccountIds": ["111111111111"], "Actions": ["*"]
                });
                ok(server, "AddPermission", add)
            });
        }
    });
    let policy = ok(&server, "GetQueueAttributes", json!({ "QueueUrl": url, "AttributeNames": ["Policy"] }));
    let policy: Value = serde_json::from_str(policy["Attributes"]["Policy"].as_str().unwrap()).unwrap();
    assert_eq!(policy["Statement"].as_array().unwrap().len(), 8);
}

#[test]
fn messages_fall_into_the_dead_letter_queue_and_are_moved_back() {
    let server = Server::in_memory();
    let dead = server.queue("dead", &json!({}));
    let arn = "arn:aws:sqs:us-east-1:000000000000:dead";
    assert_eq!(
        refused(&server, "StartMessageMoveTask", json!({ "SourceArn": arn })),
        invalid("Source queue must be configured as a Dead Letter Queue.")
    );
    let policy = json!({ "deadLetterTargetArn": arn, "maxReceiveCount": "1" }).to_string();
    let url = server.queue("jobs", &json!({ "RedrivePolicy": policy, "VisibilityTimeout": "0" }));
    let sources = ok(&server, "ListDeadLetterSourceQueues", json!({ "QueueUrl": dead }));
    assert_eq!(sources, json!({ "queueUrls": [url] }));
    ok(&server, "SendMessage", json!({ "QueueUrl": url, "MessageBody": "x" }));
    for _ in 0..2 {
        ok(&server, "ReceiveMessage", json!({ "QueueUrl": url }));
    }
    let fallen = json!({ "QueueUrl": dead, "AttributeNames": ["All"], "VisibilityTimeout": 0 });
    let fallen = ok(&server, "ReceiveMessage", fallen);
    let attributes = &fallen["Messages"][0]["Attributes"];
    assert_eq!(attributes["DeadLetterQueueSourceArn"], "arn:aws:sqs:us-east-1:000000000000:jobs");
    let started =
        ok(&server, "StartMessageMoveTask", json!({ "SourceArn": arn, "MaxNumberOfMessagesPerSecond": 1 }));
    let wait = json!({ "QueueUrl": url, "WaitTimeSeconds": 10 });
    assert_eq!(ok(&server, "ReceiveMessage", wait)["Messages"][0]["Body"], "x");
    let tasks = ok(&server, "ListMessageMoveTasks", json!({ "SourceArn": arn }));
    assert_eq!(tasks["Results"][0]["ApproximateNumberOfMessagesMoved"], 1);
    let cancel = |handle: &Value| server.json("CancelMessageMoveTask", &json!({ "TaskHandle": handle }));
    assert_eq!(cancel(&json!("foobared")).json()["message"], "Value for parameter TaskHandle is invalid.");
    // Whether it still runs is a matter of timing; that it is known is not.
    let answer = cancel(&started["TaskHandle"]);
    assert!([200, 404].contains(&answer.status), "{}", answer.text());
}

#[test]
fn accounts_and_regions_are_separate() {
    let server = Server::in_memory();
    let call = |credential: &str, action: &str, body: Value| {
        let head = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nX-Amz-Target: AmazonSQS.{action}\r\nAuthorization: AWS4-HMAC-SHA256 \
             Credential={credential}/sqs/aws4_request, SignedHeaders=host, Signature=00\r\n",
            server.address
        );
        server.post(&head, body.to_string().as_bytes())
    };
    let one = "111111111111/20260101/eu-west-1";
    let url = call(one, "CreateQueue", json!({ "QueueName": "jobs" })).json()["QueueUrl"].clone();
    assert_eq!(url, format!("http://{}/111111111111/jobs", server.address));
    let arn = json!({ "QueueUrl": url, "AttributeNames": ["QueueArn"] });
    assert_eq!(
        call(one, "GetQueueAttributes", arn.clone()).json()["Attributes"]["QueueArn"],
        "arn:aws:sqs:eu-west-1:111111111111:jobs"
    );
    for other in ["111111111111/20260101/us-east-1", "222222222222/20260101/eu-west-1"] {
        assert_eq!(call(other, "GetQueueUrl", json!({ "QueueName": "jobs" })).status, 400, "{other}");
    }
    assert_eq!(call("key/20260101/us-east-1", "GetQueueAttributes", arn).status, 400);
}
