//! Requests that are wrong in every way: an answer each, in AWS's form, and never just a closed connection.

use crate::client::{Answer, Connection};
use crate::fixture::Server;
use serde_json::json;

fn json_request(server: &Server, target: &str, body: &[u8]) -> Answer {
    let head = format!(
        "POST / HTTP/1.1\r\nHost: {}\r\nX-Amz-Target: {target}\r\nContent-Type: application/x-amz-json-1.0\r\n",
        server.address
    );
    server.post(&head, body)
}

#[test]
fn json_that_cannot_be_read() {
    let server = Server::in_memory();
    let unknown = ("InvalidAction;Sender", "com.amazon.coral.service#UnknownOperationException");
    let malformed = ("MalformedInput;Sender", "com.amazon.coral.service#SerializationException");
    let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    let cases: [(&str, &[u8], (&str, &str)); 10] = [
        ("AmazonSQS.Foo", b"{}", unknown),
        ("Foo", b"{}", unknown),
        ("", b"{}", unknown),
        ("AmazonSQS.SendMessage", b"{", malformed),
        ("AmazonSQS.SendMessage", b"[]", malformed),
        ("AmazonSQS.SendMessage", b"\"x\"", malformed),
        ("AmazonSQS.SendMessage", b"{\"QueueUrl\": \"\xff\xfe\"}", malformed),
        ("AmazonSQS.SendMessage", b"{\"QueueUrl\": {}, \"MessageBody\": \"x\"}", malformed),
        ("AmazonSQS.ReceiveMessage", b"{\"QueueUrl\": \"q\", \"WaitTimeSeconds\": \"x\"}", malformed),
        ("AmazonSQS.SendMessage", &deep, malformed),
    ];
    for (target, body, (legacy, kind)) in cases {
        let answer = json_request(&server, target, body);
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        assert_eq!(answer.status, 400, "{target} {shown}");
        assert_eq!(answer.header("x-amzn-query-error"), Some(legacy), "{target} {shown}");
        assert_eq!(answer.json()["__type"], kind, "{target} {shown}");
        assert_eq!(answer.header("content-type"), Some("application/x-amz-json-1.0"));
        assert_eq!(answer.header("x-amzn-requestid").unwrap().len(), 36);
    }
}

#[test]
fn forms_that_cannot_be_read() {
    let server = Server::in_memory();
    server.queue("jobs", &json!({}));
    let cases = [
        ("Action=Foo", 400, "InvalidAction"),
        ("Action=", 400, "MissingAction"),
        ("", 400, "MissingAction"),
        ("{\"QueueUrl\": \"jobs\"}", 400, "MissingAction"),
        ("Action=SendMessage&QueueUrl=jobs", 400, "MissingParameter"),
        ("Action=ReceiveMessage&QueueUrl=jobs&WaitTimeSeconds=x", 400, "MalformedInput"),
        ("Action=SendMessage&QueueUrl=jobs&MessageBody=%FF%FE", 404, "MalformedQueryString"),
        ("Action=SendMessage&QueueUrl=jobs&MessageBody=%01", 400, "InvalidMessageContents"),
        ("Action=SendMessage&QueueUrl=none&MessageBody=x", 400, "AWS.SimpleQueueService.NonExistentQueue"),
    ];
    for (form, status, code) in cases {
        let answer = server.query("/", form);
        assert_eq!((answer.status, answer.element("Code").as_deref()), (status, Some(code)), "{form}");
        assert_eq!(answer.header("content-type"), Some("text/xml"));
        assert_eq!(answer.element("RequestId").as_deref(), answer.header("x-amzn-requestid"));
        assert_eq!(answer.element("Type").as_deref(), Some("Sender"));
    }
}

#[test]
fn a_body_of_eight_mebibytes_is_read_and_a_longer_one_refused_with_an_answer() {
    let server = Server::in_memory();
    let url = server.queue("jobs", &json!({}));
    let body = |bytes: usize| {
        let empty = json!({ "QueueUrl": url, "MessageBody": "" }).to_string().len();
        json!({ "QueueUrl": url, "MessageBody": "x".repeat(bytes - empty) }).to_string()
    };
    let longest = json_request(&server, "AmazonSQS.SendMessage", body(8 << 20).as_bytes());
    assert_eq!(longest.status, 400);
    assert_eq!(
        longest.json()["message"],
        "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes."
    );
    for length in [(8 << 20) + 1, 20 << 20] {
        let answer = json_request(&server, "AmazonSQS.SendMessage", body(length).as_bytes());
        assert_eq!(answer.status, 413);
        assert_eq!(answer.header("x-amzn-query-error"), Some("RequestEntityTooLarge;Sender"));
    }
}

#[test]
fn a_message_of_a_mebibyte_arrives_whole_in_both_encodings() {
    let server = Server::in_memory();
    let url = server.queue("jobs", &json!({}));
    // Each character is three bytes here, six when it is escaped in JSON, nine in a form.
    let body = "\u{20ac}".repeat(349_525) + "x";
    let escaped: String = "\\u20ac".repeat(349_525) + "x";
    let request = format!("{{\"QueueUrl\":\"{url}\",\"MessageBody\":\"{escaped}\"}}");
    assert_eq!(json_request(&server, "AmazonSQS.SendMessage", request.as_bytes()).status, 200);
    let form = format!("Action=SendMessage&MessageBody={}x", "%E2%82%AC".repeat(349_525));
    assert_eq!(server.query("/000000000000/jobs", &form).status, 200);
    for _ in 0..2 {
        let received = server.json("ReceiveMessage", &json!({ "QueueUrl": url }));
        assert!(received.json()["Messages"][0]["Body"] == body.as_str());
    }
}

#[test]
fn a_client_that_waits_for_leave_is_told_before_it_sends_too_much() {
    let server = Server::in_memory();
    let mut connection = Connection::open(server.address);
    connection.send(
        format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nX-Amz-Target: AmazonSQS.SendMessage\r\nExpect: 100-continue\r\n\
             Content-Length: 100000000\r\n\r\n",
            server.address
        )
        .as_bytes(),
    );
    assert_eq!(connection.receive().status, 413);
}

#[test]
fn chunked_bodies_are_read() {
    let server = Server::in_memory();
    let request = format!(
        "POST / HTTP/1.1\r\nHost: {}\r\nX-Amz-Target: AmazonSQS.CreateQueue\r\nTransfer-Encoding: chunked\r\n\r\n\
         8\r\n{{\"QueueN\r\n10\r\name\": \"chunked\"}}\r\n0\r\n\r\n",
        server.address
    );
    let answer = Answer::to(server.address, request.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn methods_and_paths_without_a_meaning() {
    let server = Server::in_memory();
    let request = |method: &str, path: &str| {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
        Answer::to(server.address, request.as_bytes())
    };
    for path in ["/", "/000000000000/jobs", "/some/where", "/?a=b"] {
        let answer = request("GET", path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text().starts_with("<UnknownOperationException/>"));
    }
    for method in ["PUT", "DELETE", "PATCH", "FOO"] {
        let answer = request(method, "/");
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some("GET, HEAD, POST, OPTIONS")),
            "{method}"
        );
    }
    assert_eq!(request("OPTIONS", "/").status, 204);
}

#[test]
fn what_is_no_http_is_refused_and_the_server_lives_on() {
    let server = Server::in_memory();
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
    ] {
        assert_eq!(Answer::to(server.address, garbage).status, 400);
    }
    let headers = format!("GET / HTTP/1.1\r\n{}\r\n", "X-Filler: yes\r\n".repeat(5_000));
    assert_eq!(Answer::to(server.address, headers.as_bytes()).status, 431);
    assert_eq!(server.get("/health", "").status, 200);
}

#[test]
fn odd_header_values_do_no_harm() {
    let server = Server::in_memory();
    let request = b"POST / HTTP/1.1\r\nHost: \xff\xfe\r\nX-Amz-Target: AmazonSQS.CreateQueue\r\nAuthorization: \xff\r\n\
                    X-Amzn-Trace-Id: \xff\r\nContent-Length: 17\r\n\r\n{\"QueueName\":\"q\"}";
    let answer = Answer::to(server.address, request);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["QueueUrl"], format!("http://{}/000000000000/q", server.address));
}
