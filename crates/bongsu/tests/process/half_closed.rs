//! Connections that are used in unusual ways, and clients that go away.

use crate::client::Connection;
use crate::fixture::{PATIENCE, Server};
use serde_json::json;
use std::net::Shutdown;
use std::time::{Duration, Instant};

fn request(server: &Server, action: &str, body: &serde_json::Value) -> Vec<u8> {
    let body = body.to_string();
    format!(
        "POST / HTTP/1.1\r\nHost: {}\r\nX-Amz-Target: AmazonSQS.{action}\r\nContent-Length: {}\r\n\r\n{body}",
        server.address,
        body.len()
    )
    .into_bytes()
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Server::in_memory();
    let mut connection = Connection::open(server.address);
    let create = request(&server, "CreateQueue", &json!({ "QueueName": "jobs" }));
    let send = request(&server, "SendMessage", &json!({ "QueueUrl": "jobs", "MessageBody": "x" }));
    let receive = request(&server, "ReceiveMessage", &json!({ "QueueUrl": "jobs" }));
    connection.send(&[create, send, receive].concat());
    assert!(connection.receive().json()["QueueUrl"].is_string());
    assert!(connection.receive().json()["MessageId"].is_string());
    assert_eq!(connection.receive().json()["Messages"][0]["Body"], "x");
}

#[test]
fn one_connection_serves_many_requests() {
    let server = Server::in_memory();
    server.queue("jobs", &json!({}));
    let mut connection = Connection::open(server.address);
    for number in 0..100 {
        connection.send(&request(
            &server,
            "SendMessage",
            &json!({ "QueueUrl": "jobs", "MessageBody": number.to_string() }),
        ));
        assert_eq!(connection.receive().status, 200);
    }
}

#[test]
fn who_closes_only_the_sending_side_still_gets_an_answer() {
    let server = Server::in_memory();
    server.queue("jobs", &json!({}));
    for (action, body) in [
        ("SendMessage", json!({ "QueueUrl": "jobs", "MessageBody": "x" })),
        ("ReceiveMessage", json!({ "QueueUrl": "jobs", "WaitTimeSeconds": 5 })),
    ] {
        let mut connection = Connection::open(server.address);
        connection.send(&request(&server, action, &body));
        connection.stream().shutdown(Shutdown::Write).unwrap();
        let answer = connection.receive();
        assert_eq!(answer.status, 200);
        assert_ne!(answer.json(), json!({}), "{action}");
        assert!(connection.is_closed());
    }
}

/// A consumer that is stopped in the middle of a long poll used to take one message with it, which nobody saw until its
/// visibility timeout was over.
#[test]
fn who_goes_away_during_a_long_poll_takes_no_message_along() {
    let server = Server::in_memory();
    server.queue("jobs", &json!({}));
    for _ in 0..5 {
        let connection = Connection::open(server.address);
        connection.send(&request(
            &server,
            "ReceiveMessage",
            &json!({ "QueueUrl": "jobs", "WaitTimeSeconds": 20 }),
        ));
        // Long enough for the poll to wait, and then for the server to see that the client is gone.
        std::thread::sleep(Duration::from_millis(250));
        drop(connection);
    }
    std::thread::sleep(Duration::from_millis(250));
    server.json("SendMessage", &json!({ "QueueUrl": "jobs", "MessageBody": "x" }));
    let received = server.json("ReceiveMessage", &json!({ "QueueUrl": "jobs" }));
    assert_eq!(received.json()["Messages"][0]["Body"], "x");
}

#[test]
fn a_long_poll_ends_when_a_message_comes() {
    let server = Server::in_memory();
    server.queue("jobs", &json!({}));
    let begun = Instant::now();
    let mut connection = Connection::open(server.address);
    connection.send(&request(
        &server,
        "ReceiveMessage",
        &json!({ "QueueUrl": "jobs", "WaitTimeSeconds": 20 }),
    ));
    std::thread::sleep(Duration::from_millis(300));
    server.json("SendMessage", &json!({ "QueueUrl": "jobs", "MessageBody": "x" }));
    assert_eq!(connection.receive().json()["Messages"][0]["Body"], "x");
    assert!(begun.elapsed() < PATIENCE / 4);
}
