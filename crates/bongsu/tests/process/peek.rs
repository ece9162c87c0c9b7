//! Looking at messages without receiving them.

use crate::fixture::Server;
use serde_json::json;

#[test]
fn looking_changes_nothing() {
    let server = Server::in_memory();
    let url = server.queue("jobs", &json!({}));
    for body in ["one", "two"] {
        server.json("SendMessage", &json!({ "QueueUrl": url, "MessageBody": body }));
    }
    let target = format!("/_aws/sqs/messages?QueueUrl={url}");
    for _ in 0..3 {
        let xml = server.get(&target, "");
        assert_eq!(xml.header("content-type"), Some("text/xml"));
        assert_eq!(xml.element("Body").as_deref(), Some("one"));
        assert_eq!(xml.text().matches("<Name>ApproximateReceiveCount</Name><Value>0</Value>").count(), 2);
    }
    let listed = server.get(&target, "Accept: application/json\r\n");
    assert_eq!(listed.header("content-type"), Some("application/json"));
    let messages = listed.json()["ReceiveMessageResponse"]["ReceiveMessageResult"]["Message"].clone();
    assert_eq!((&messages[0]["Body"], &messages[1]["Body"]), (&json!("one"), &json!("two")));
    let received = server.json("ReceiveMessage", &json!({ "QueueUrl": url, "AttributeNames": ["All"] }));
    assert_eq!(received.json()["Messages"][0]["Attributes"]["ApproximateReceiveCount"], "1");
}

#[test]
fn hidden_messages_show_when_they_are_asked_for() {
    let server = Server::in_memory();
    let url = server.queue("jobs", &json!({}));
    server.json("SendMessage", &json!({ "QueueUrl": url, "MessageBody": "flying" }));
    server.json("ReceiveMessage", &json!({ "QueueUrl": url }));
    server.json("SendMessage", &json!({ "QueueUrl": url, "MessageBody": "late", "DelaySeconds": 900 }));
    server.json("SendMessage", &json!({ "QueueUrl": url, "MessageBody": "there" }));
    let bodies = |switches: &str| {
        let text = server.get(&format!("/_aws/sqs/messages?QueueUrl={url}{switches}"), "").text();
        ["flying", "late", "there"].map(|body| text.contains(&format!("<Body>{body}</Body>")))
    };
    assert_eq!(bodies(""), [false, false, true]);
    assert_eq!(bodies("&ShowInvisible=true"), [true, false, true]);
    assert_eq!(bodies("&ShowDelayed=True"), [false, true, true]);
    assert_eq!(bodies("&ShowDelayed=true&ShowInvisible=true"), [true, true, true]);
}

#[test]
fn the_queue_can_be_named_in_the_path() {
    let server = Server::in_memory();
    server.queue("jobs", &json!({}));
    server.json("SendMessage", &json!({ "QueueUrl": "jobs", "MessageBody": "x" }));
    let look = |region: &str| server.get(&format!("/_aws/sqs/messages/{region}/000000000000/jobs"), "");
    assert_eq!(look("us-east-1").element("Body").as_deref(), Some("x"));
    let other = look("us-east-2");
    assert_eq!(other.element("Code").as_deref(), Some("AWS.SimpleQueueService.NonExistentQueue"));
}

#[test]
fn an_sdk_can_use_it_as_its_endpoint() {
    let server = Server::in_memory();
    let url = server.queue("jobs", &json!({}));
    server.json("SendMessage", &json!({ "QueueUrl": url, "MessageBody": "x" }));
    let post = |action: &str, body: &serde_json::Value| {
        let head = format!(
            "POST /_aws/sqs/messages HTTP/1.1\r\nHost: {}\r\nX-Amz-Target: AmazonSQS.{action}\r\n",
            server.address
        );
        server.post(&head, body.to_string().as_bytes())
    };
    let seen = post("ReceiveMessage", &json!({ "QueueUrl": url })).json();
    assert_eq!(seen["Messages"][0]["Body"], "x");
    let refused = post("SendMessage", &json!({ "QueueUrl": url, "MessageBody": "x" }));
    assert_eq!(refused.json()["message"], "This endpoint only accepts ReceiveMessage calls");
    let form = server.query("/_aws/sqs/messages", &format!("Action=ReceiveMessage&QueueUrl={url}"));
    assert_eq!(form.element("Body").as_deref(), Some("x"));
}

#[test]
fn queues_that_are_not_there() {
    let server = Server::in_memory();
    let cases = [
        ("/_aws/sqs/messages", 400, "AWS.SimpleQueueService.NonExistentQueue"),
        ("/_aws/sqs/messages?QueueUrl=none", 400, "AWS.SimpleQueueService.NonExistentQueue"),
        ("/_aws/sqs/messages?QueueUrl=http://localhost:4566/nonsense", 404, "InvalidAddress"),
    ];
    for (target, status, code) in cases {
        let answer = server.get(target, "");
        assert_eq!((answer.status, answer.element("Code").as_deref()), (status, Some(code)), "{target}");
        let answer = server.get(target, "Accept: application/json\r\n");
        assert_eq!(answer.json()["ErrorResponse"]["Error"]["Code"], code, "{target}");
    }
}
