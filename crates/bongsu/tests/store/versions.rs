//! Stores that earlier versions wrote, in `tests/stores/`. Each must be found sound, with all that was in it, and be served.
//!
//! A store is written once, when a version of the formats is new, by the ignored test at the end of this file
//! (`cargo test --release -p bongsu --test store -- --ignored write_the_store`), and never changed after that.

use super::{files, run, text};
use crate::client::Answer;
use crate::fixture::Server;
use bongsu_journal::{FileJournal, FileOptions, RealDisk};
use bongsu_server::config::{Overrides, Settings};
use bongsu_server::entropy::Entropy;
use bongsu_server::keys::master::MasterKeySource;
use bongsu_server::{Node, NodeOptions};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn stores() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join("stores")
}

/// A copy of a committed store, and what is known about it.
fn copy_of(version: &str, place: &Path) -> (PathBuf, Value) {
    let dir = place.join(version);
    std::fs::create_dir(&dir).unwrap();
    for (path, bytes) in files(&stores().join(version).join("store")) {
        std::fs::write(dir.join(path.file_name().unwrap()), bytes).unwrap();
    }
    let known = std::fs::read(stores().join(version).join("known.json")).unwrap();
    (dir, serde_json::from_slice(&known).unwrap())
}

#[test]
fn a_store_of_version_1_is_sound_and_has_all_that_was_in_it() {
    let place = tempfile::tempdir().unwrap();
    let (dir, known) = copy_of("v1", place.path());
    let before = files(&dir);
    let checked = run(&["check", text(&dir), "--json"]);
    assert_eq!(checked.code, 0, "{}{}", checked.said, checked.complained);
    let told = checked.json();
    assert_told(&told["contents"], &known["contents"]);
    assert_told(&told["log"], &known["log"]);
    assert_eq!(told["contents"]["documents"], 0, "it was written before there were any");
    assert!(told["contents"]["checkpoint"].is_object());
    assert_eq!(files(&dir), before);
}

/// All that was known is told; since then more may be told.
fn assert_told(told: &Value, known: &Value) {
    let known = known.as_object().unwrap();
    assert!(!known.is_empty());
    known.iter().for_each(|(name, value)| assert_eq!(told[name], *value, "{name}"));
}

#[test]
fn a_store_of_version_1_is_served() {
    let place = tempfile::tempdir().unwrap();
    let (dir, known) = copy_of("v1", place.path());
    let server = Server::in_directory(&dir);
    // A receipt handle that was given out then is good now.
    let handle = &known["receiptHandle"];
    let deleted = server.json("DeleteMessage", &json!({ "QueueUrl": "work", "ReceiptHandle": handle }));
    assert_eq!(deleted.status, 200, "{}", deleted.text());
    for (queue, expected) in known["messages"].as_object().unwrap() {
        assert_eq!(look_at(server.address, queue), *expected, "{queue}");
    }
    let received = call(server.address, "ReceiveMessage", &json!({ "QueueUrl": "purged" }));
    assert!(received["Messages"][0]["Body"].is_string(), "{received}");
    for (queue, expected) in known["attributes"].as_object().unwrap() {
        assert_eq!(attributes(server.address, queue), *expected, "{queue}");
    }
}

fn call(address: SocketAddr, action: &str, body: &Value) -> Value {
    let body = body.to_string();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: {address}\r\nX-Amz-Target: AmazonSQS.{action}\r\n\
         Content-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let answer = Answer::to(address, format!("{head}{body}").as_bytes());
    assert_eq!(answer.status, 200, "{action} {body}: {}", answer.text());
    if answer.body.is_empty() { json!({}) } else { answer.json() }
}

/// Everything in a queue, whatever its state, without what changes as time passes.
fn look_at(address: SocketAddr, queue: &str) -> Value {
    let url = format!("http://{address}/000000000000/{queue}");
    let target = format!("/_aws/sqs/messages?QueueUrl={url}&ShowInvisible=true&ShowDelayed=true");
    let request = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\nAccept: application/json\r\n\r\n");
    let answer = Answer::to(address, request.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut found = answer.json()["ReceiveMessageResponse"]["ReceiveMessageResult"]["Message"].take();
    // One message stands there alone, none not at all.
    let mut messages = match found.take() {
        Value::Array(messages) => messages,
        Value::Null => Vec::new(),
        single => vec![single],
    };
    for message in &mut messages {
        let passing =
            |attribute: &Value| attribute["Name"] == "IsVisible" || attribute["Name"] == "IsDelayed";
        message["Attribute"].as_array_mut().unwrap().retain(|attribute| !passing(attribute));
    }
    messages.sort_by_key(|message| message["Body"].to_string());
    Value::Array(messages)
}

/// Attributes that were set, and tags.
fn attributes(address: SocketAddr, queue: &str) -> Value {
    let asked = json!({ "QueueUrl": queue, "AttributeNames": ["All"] });
    let mut found = call(address, "GetQueueAttributes", &asked)["Attributes"].take();
    let counted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
    for name in counted.into_iter().chain(["ApproximateNumberOfMessagesDelayed"]) {
        found.as_object_mut().unwrap().remove(name);
    }
    let tags = call(address, "ListQueueTags", &json!({ "QueueUrl": queue }))["Tags"].take();
    json!({ "attributes": found, "tags": tags })
}

/// A server within this process, whose node makes checkpoints early.
struct Within {
    runtime: tokio::runtime::Runtime,
    server: bongsu_server::Server,
    node: Node,
}

impl Within {
    fn start(dir: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let journal = FileJournal::open(Arc::new(RealDisk), dir, FileOptions::default()).unwrap();
        let options = NodeOptions { checkpoint_bytes: 4 << 10, ..NodeOptions::new([0x5e; 32], 77) };
        let node = Node::start(Box::new(journal), options).unwrap();
        let settings = Settings::load(None, Overrides::default()).unwrap();
        let server = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let master = MasterKeySource::Ephemeral.load(&Entropy::new()).unwrap();
            bongsu_server::Server::start(listener, node.clone(), &settings, master).await.unwrap()
        });
        Self { runtime, server, node }
    }

    fn call(&self, action: &str, body: &Value) -> Value {
        call(self.server.local_address(), action, body)
    }

    fn stop(self) {
        self.runtime.block_on(self.server.stop());
        self.node.shutdown().unwrap();
    }
}

const RETENTION: &str = "1209600";

fn create_queues(server: &Within) {
    let arn = |name: &str| format!("arn:aws:sqs:us-east-1:000000000000:{name}");
    let create = |name: &str, attributes: Value, tags: Value| {
        let mut attributes = attributes;
        attributes["MessageRetentionPeriod"] = json!(RETENTION);
        server.call("CreateQueue", &json!({ "QueueName": name, "Attributes": attributes, "tags": tags }));
    };
    let redrive = |name: &str| json!({ "deadLetterTargetArn": arn(name), "maxReceiveCount": 1 }).to_string();
    create("dead", json!({}), json!({ "team": "gr\u{fc}n + b" }));
    create("dead.fifo", json!({ "FifoQueue": "true" }), json!({}));
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}]}"#;
    create(
        "work",
        json!({ "RedrivePolicy": redrive("dead"), "VisibilityTimeout": "43200", "Policy": policy }),
        json!({ "team": "one", "cost-centre": "7" }),
    );
    create(
        "orders.fifo",
        json!({ "FifoQueue": "true", "ContentBasedDeduplication": "true", "RedrivePolicy": redrive("dead.fifo"),
            "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId" }),
        json!({}),
    );
    create("later", json!({ "DelaySeconds": "900", "ReceiveMessageWaitTimeSeconds": "1" }), json!({}));
    create("fair", json!({ "KmsMasterKeyId": "alias/aws/sqs" }), json!({}));
    create("gone", json!({}), json!({}));
    create("purged", json!({}), json!({}));
}

fn send(server: &Within, queue: &str, body: &str, more: Value) {
    let mut message = json!({ "QueueUrl": queue, "MessageBody": body });
    message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    server.call("SendMessage", &message);
}

/// Messages in all states: waiting, delayed, in flight, come back, fallen into a dead-letter queue, moved, deleted.
/// Says a receipt handle of one in flight.
fn fill(server: &Within) -> Value {
    let attributes = json!({
        "Text": { "DataType": "String.label", "StringValue": "gr\u{fc}n" },
        "Count": { "DataType": "Number", "StringValue": "12.5" },
        "Bytes": { "DataType": "Binary", "BinaryValue": "AAEC/w==" },
    });
    send(server, "work", "in flight", json!({}));
    let asked = json!({ "QueueUrl": "work", "VisibilityTimeout": 43_200 });
    let handle = server.call("ReceiveMessage", &asked)["Messages"][0]["ReceiptHandle"].take();
    send(server, "purged", "before", json!({}));
    server.call("PurgeQueue", &json!({ "QueueUrl": "purged" }));
    send(server, "purged", "after", json!({}));
    let die = |bodies: &[&str]| {
        for body in bodies {
            send(server, "work", body, json!({ "MessageAttributes": attributes }));
        }
        for _ in 0..3 {
            // Once handed out, the second time they fall into the dead-letter queue.
            let asked = json!({ "QueueUrl": "work", "MaxNumberOfMessages": 10, "VisibilityTimeout": 0 });
            server.call("ReceiveMessage", &asked);
        }
    };
    die(&["dead 1", "dead 2"]);
    move_dead(server);
    die(&["dead 3"]);
    let trace = json!({ "AWSTraceHeader": { "DataType": "String",
        "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793" } });
    send(
        server,
        "work",
        "with everything \u{1f525}\r\n<&>",
        json!({
        "MessageAttributes": attributes, "MessageSystemAttributes": trace }),
    );
    send(server, "work", "delayed", json!({ "DelaySeconds": 900 }));
    send(server, "work", &"long ".repeat(400), json!({}));
    for (group, body) in [("a", "a 1"), ("b", "b 1"), ("a", "a 2"), ("a", "a 3"), ("c", "c 1"), ("c", "c 2")]
    {
        send(server, "orders.fifo", body, json!({ "MessageGroupId": group }));
    }
    // Heads of their groups: the second time they fall into the dead-letter queue. What is behind them stays.
    for _ in 0..4 {
        server.call("ReceiveMessage", &json!({ "QueueUrl": "orders.fifo", "VisibilityTimeout": 0 }));
    }
    send(server, "later", "by the queue's delay", json!({}));
    for (group, body) in [("loud", "loud 1"), ("loud", "loud 2"), ("quiet", "quiet 1")] {
        send(server, "fair", body, json!({ "MessageGroupId": group }));
    }
    let received = server.call("ReceiveMessage", &json!({ "QueueUrl": "fair" }));
    let deleted = &received["Messages"][0]["ReceiptHandle"];
    server.call("DeleteMessage", &json!({ "QueueUrl": "fair", "ReceiptHandle": deleted }));
    send(server, "gone", "gone with its queue", json!({}));
    server.call("DeleteQueue", &json!({ "QueueUrl": "gone" }));
    handle
}

/// Moves what is in the dead-letter queue away, to where nobody receives it again.
#[expect(clippy::disallowed_methods, reason = "a move takes its time")]
fn move_dead(server: &Within) {
    let arn = |name: &str| format!("arn:aws:sqs:us-east-1:000000000000:{name}");
    let asked = json!({ "SourceArn": arn("dead"), "DestinationArn": arn("purged") });
    server.call("StartMessageMoveTask", &asked);
    let asked = json!({ "SourceArn": arn("dead") });
    for _ in 0..100 {
        let tasks = server.call("ListMessageMoveTasks", &asked);
        if tasks["Results"][0]["Status"] == "COMPLETED" {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("the move did not end");
}

/// Writes `tests/stores/v1`, which must not be there.
#[test]
#[ignore = "writes a store that is committed"]
fn write_the_store() {
    let target = stores().join("v1");
    assert!(!target.exists(), "the store of version 1 was written before; it is not to change");
    let made = tempfile::tempdir().unwrap();
    let dir = made.path().join("store");
    let server = Within::start(&dir);
    create_queues(&server);
    let handle = fill(&server);
    server.stop();
    let server = Within::start(&dir);
    let asked =
        json!({ "QueueUrl": "orders.fifo", "VisibilityTimeout": 43_200, "ReceiveRequestAttemptId": "one" });
    server.call("ReceiveMessage", &asked);
    for number in 0..12 {
        send(
            &server,
            "fair",
            &format!("of the second opening {number}"),
            json!({ "MessageGroupId": "quiet" }),
        );
    }
    server.stop();
    let server = Within::start(&dir);
    send(&server, "work", "of the third opening", json!({}));
    server.stop();
    std::fs::create_dir_all(target.join("store")).unwrap();
    for (path, bytes) in files(&dir) {
        std::fs::write(target.join("store").join(path.file_name().unwrap()), bytes).unwrap();
    }

    // What is in it is told by the program that wrote it, on a copy.
    std::fs::write(target.join("known.json"), "{}").unwrap();
    let place = tempfile::tempdir().unwrap();
    let (copy, _) = copy_of("v1", place.path());
    let mut known = run(&["check", text(&copy), "--json"]).json();
    assert_eq!(known["sound"], true);
    let server = Within::start(&copy);
    server.call("DeleteMessage", &json!({ "QueueUrl": "work", "ReceiptHandle": handle }));
    let names: Vec<String> = known["contents"]["queues"]
        .as_array()
        .unwrap()
        .iter()
        .map(|queue| queue["name"].as_str().unwrap().to_owned())
        .collect();
    let address = server.server.local_address();
    let messages = names.iter().map(|name| (name.clone(), look_at(address, name)));
    let messages: Value = Value::Object(messages.collect());
    let attributes = names.iter().map(|name| (name.clone(), attributes(address, name)));
    let attributes: Value = Value::Object(attributes.collect());
    server.stop();
    let known = json!({
        "contents": known["contents"].take(), "log": known["log"].take(), "receiptHandle": handle,
        "messages": messages, "attributes": attributes,
    });
    std::fs::write(target.join("known.json"), format!("{known:#}\n")).unwrap();
}
