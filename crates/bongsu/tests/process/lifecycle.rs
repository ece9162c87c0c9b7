//! Starting, stopping, and what the user is told.

use crate::client::Connection;
use crate::fixture::{PATIENCE, Server, bongsu};
use serde_json::json;
use std::process::Output;
use std::time::Instant;

/// Runs the binary to its end.
fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = bongsu(arguments).output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[test]
fn a_ready_server_says_where_it_is_and_what_it_keeps() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("made").join("on the way");
    let server = Server::in_directory(&data_dir);
    assert_eq!(server.get("/readyz", "").status, 200);
    assert_eq!(server.get("/livez", "").text(), "ok\n");
    assert_eq!(server.get("/health", "").json()["status"], "ready");
    assert!(data_dir.is_dir());
}

#[test]
fn the_memory_journal_warns() {
    let mut process = bongsu(&["--listen", "127.0.0.1:0", "--journal", "memory"]).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(process.stderr.take().unwrap()));
    let first = lines.next().unwrap().unwrap();
    assert!(first.contains("WARN") && first.contains("keeps nothing"), "{first}");
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn messages_outlive_a_kill_and_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Server::in_directory(directory.path());
    server.queue("jobs", &json!({ "VisibilityTimeout": "60" }));
    for body in ["one", "two"] {
        let sent = server.json("SendMessage", &json!({ "QueueUrl": "jobs", "MessageBody": body }));
        assert_eq!(sent.status, 200, "{}", sent.text());
    }
    let received = server.json("ReceiveMessage", &json!({ "QueueUrl": "jobs" })).json();
    let handle = received["Messages"][0]["ReceiptHandle"].clone();
    server.signal("KILL");
    server.wait();
    let server = Server::in_directory(directory.path());
    // A handle from before the kill is still good.
    let deleted = server.json("DeleteMessage", &json!({ "QueueUrl": "jobs", "ReceiptHandle": handle }));
    assert_eq!(deleted.status, 200, "{}", deleted.text());
    let names = json!({ "QueueUrl": "jobs", "AttributeNames": ["All"] });
    let attributes = server.json("GetQueueAttributes", &names).json();
    assert_eq!(attributes["Attributes"]["ApproximateNumberOfMessages"], "1");
    assert_eq!(attributes["Attributes"]["ApproximateNumberOfMessagesNotVisible"], "0");
    let left = server.json("ReceiveMessage", &json!({ "QueueUrl": "jobs" })).json();
    assert_eq!(left["Messages"][0]["Body"], "two");
}

#[test]
fn a_stop_ends_long_polls_and_exits_with_success() {
    for signal in ["TERM", "INT"] {
        let directory = tempfile::tempdir().unwrap();
        let mut server = Server::in_directory(directory.path());
        server.queue("jobs", &json!({}));
        let mut connection = Connection::open(server.address);
        let body = "{\"QueueUrl\":\"jobs\",\"WaitTimeSeconds\":20}";
        connection.send(
            format!(
                "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: AmazonSQS.ReceiveMessage\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .as_bytes(),
        );
        // The poll must have arrived before the signal does.
        std::thread::sleep(std::time::Duration::from_millis(300));
        let begun = Instant::now();
        server.signal(signal);
        let answer = connection.receive();
        assert_eq!((answer.status, answer.json()), (200, json!({})));
        server.wait_for("stopped");
        assert_eq!(server.wait().code(), Some(0));
        assert!(begun.elapsed() < PATIENCE / 4);
    }
}

/// A request that doesn't end would hold up the stop for a while.
#[test]
fn a_second_signal_stops_at_once() {
    let mut server = Server::in_memory();
    let connection = Connection::open(server.address);
    connection.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf");
    // The half of the request must have arrived.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let begun = Instant::now();
    server.signal("TERM");
    server.wait_for("stopping");
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(1));
    assert!(begun.elapsed() < PATIENCE / 4);
}

#[test]
fn a_directory_in_use_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let _server = Server::in_directory(directory.path());
    let path = directory.path().to_str().unwrap();
    let (code, text) = run(&["--listen", "127.0.0.1:0", "--data-dir", path]);
    assert_eq!(code, Some(1));
    assert!(text.contains(path) && text.contains("in use by another process"), "{text}");
}

#[test]
fn a_port_in_use_is_refused_before_any_data_is_touched() {
    let server = Server::in_memory();
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let address = server.address.to_string();
    let (code, text) = run(&["--listen", &address, "--data-dir", data_dir.to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert!(text.contains(&format!("can't listen on {address}")), "{text}");
    assert!(!data_dir.exists());
}

#[test]
fn mistakes_in_settings_are_explained() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bongsu.toml");
    let path = file.to_str().unwrap();
    std::fs::write(&file, "listne = 'x'").unwrap();
    let (code, text) = run(&["--config", path]);
    assert_eq!(code, Some(1));
    assert!(text.contains("listne") && text.contains(path), "{text}");
    std::fs::write(&file, "journal = 'memory'\nlisten = '127.0.0.1:0'\n[[queues]]\nname = 'a b'\n").unwrap();
    let (code, text) = run(&["--config", path]);
    assert_eq!(code, Some(1));
    assert!(text.contains("can't declare the queue a b"), "{text}");
    let (code, text) = run(&["--account", "12"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("twelve digits"), "{text}");
}

#[test]
fn declared_queues_are_there_and_stay_as_declared() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bongsu.toml");
    let data_dir = directory.path().join("data");
    let declare = |delay: u32| {
        let text = format!(
            "listen = '127.0.0.1:0'\ndata-dir = '{}'\naccount = '123456789012'\nregion = 'eu-west-1'\n\
             public-url = 'https://queues.example.com'\n\
             [[queues]]\nname = 'jobs.fifo'\ntags = {{ team = 'a' }}\n\
             attributes = {{ FifoQueue = true, DelaySeconds = {delay}, RedrivePolicy = {{ deadLetterTargetArn = \
             'arn:aws:sqs:eu-west-1:123456789012:dead.fifo', maxReceiveCount = 3 }} }}\n\
             [[queues]]\nname = 'dead.fifo'\nattributes = {{ FifoQueue = true }}\n",
            data_dir.display()
        );
        std::fs::write(&file, text).unwrap();
    };
    for delay in [5, 7, 7] {
        declare(delay);
        let mut server = Server::start(&["--config", file.to_str().unwrap()]);
        let found = server.json("GetQueueUrl", &json!({ "QueueName": "jobs.fifo" })).json();
        assert_eq!(found["QueueUrl"], "https://queues.example.com/123456789012/jobs.fifo");
        let names = json!({ "QueueUrl": found["QueueUrl"], "AttributeNames": ["All"] });
        let attributes = server.json("GetQueueAttributes", &names).json()["Attributes"].clone();
        assert_eq!(attributes["DelaySeconds"], delay.to_string());
        assert!(attributes["RedrivePolicy"].as_str().unwrap().contains("dead.fifo"));
        let tags = server.json("ListQueueTags", &json!({ "QueueUrl": found["QueueUrl"] })).json();
        assert_eq!(tags, json!({ "Tags": { "team": "a" } }));
        server.signal("TERM");
        assert_eq!(server.wait().code(), Some(0));
    }
}

#[test]
fn the_environment_sets_what_no_flag_does() {
    let mut command = bongsu(&["serve", "--journal", "memory"]);
    command.env("BONGSU_LISTEN", "127.0.0.1:0").env("BONGSU_ACCOUNT", "12");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("twelve digits"));
}

#[test]
fn the_version_is_told() {
    let output = bongsu(&["--version"]).stdout(std::process::Stdio::piped()).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("bongsu {}\n", env!("CARGO_PKG_VERSION")));
}
