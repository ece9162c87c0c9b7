#![allow(clippy::unwrap_used)]

use super::context::Context;
use super::export::{self, Collector, CollectorError};
use super::span::{Span, trace_headers};
use bongsu_wire::{ErrorKind, Operation, Output, ServiceError, decode_json};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const URL: &str = "http://localhost:9324/000000000000/jobs";
const HEADER: &str = "Root=1-5f84c7a1-e7d1852db8c4fd35d88bf49a;Parent=53995c3f42cd8ad8;Sampled=1";

fn operation(action: &str, body: &Value) -> Operation {
    decode_json(&format!("AmazonSQS.{action}"), body.to_string().as_bytes()).unwrap()
}

fn span() -> Span {
    let delete = json!({ "QueueUrl": URL, "ReceiptHandle": "r" });
    Span::new([1; 16], [2; 8], None, &operation("DeleteMessage", &delete))
}

fn collector(endpoint: &str) -> Collector {
    let (headers, service_name) = ("x-key=secret, x-other = b".to_owned(), "queues".to_owned());
    Collector { endpoint: endpoint.to_owned(), headers, service_name }
}

fn attribute<'a>(span: &'a Value, key: &str) -> Option<&'a Value> {
    let attributes = span["attributes"].as_array().unwrap();
    let found = attributes.iter().find(|attribute| attribute["key"] == key)?;
    found["value"].as_object()?.values().next()
}

#[test]
fn a_span_says_what_was_asked_and_how_it_ended() {
    let entry = |id: &str| {
        let header = json!({ "DataType": "String", "StringValue": HEADER });
        json!({ "Id": id, "MessageBody": "b", "MessageSystemAttributes": { "AWSTraceHeader": header } })
    };
    let batch = json!({ "QueueUrl": URL, "Entries": [entry("a"), entry("b")] });
    let operation = operation("SendMessageBatch", &batch);
    assert_eq!(trace_headers(&operation), [HEADER, HEADER]);
    let context = Context::from_aws(HEADER).unwrap();
    let mut span = Span::new([0xab; 16], [0xcd; 8], Some([0xef; 8]), &operation);
    span.link(context);
    span.link(context);
    span.request_id = "the-id".to_owned();
    (span.start_ns, span.end_ns) = (5, 7);
    span.note_result(&Err(ServiceError::new(ErrorKind::InternalFailure, "secret words")));
    let shown = span.to_json();
    assert_eq!(shown["traceId"], "ab".repeat(16));
    assert_eq!((&shown["spanId"], &shown["parentSpanId"]), (&json!("cd".repeat(8)), &json!("ef".repeat(8))));
    assert_eq!((&shown["name"], &shown["kind"]), (&json!("SendMessageBatch jobs"), &json!(2)));
    assert_eq!((&shown["startTimeUnixNano"], &shown["endTimeUnixNano"]), (&json!("5"), &json!("7")));
    assert_eq!(shown["status"]["code"], 2);
    let links = json!([{ "traceId": "5f84c7a1e7d1852db8c4fd35d88bf49a", "spanId": "53995c3f42cd8ad8" }]);
    assert_eq!(shown["links"], links);
    for (key, value) in [
        ("messaging.system", "aws_sqs"),
        ("messaging.operation.name", "SendMessageBatch"),
        ("messaging.operation.type", "send"),
        ("messaging.destination.name", "jobs"),
        ("messaging.batch.message_count", "2"),
        ("error.type", "InternalFailure"),
        ("aws.request_id", "the-id"),
    ] {
        assert_eq!(attribute(&shown, key), Some(&json!(value)), "{key}");
    }
    assert!(!shown.to_string().contains("secret words"));
}

#[test]
fn a_refusal_is_no_error_of_the_server() {
    let mut span = span();
    span.note_result(&Err(ServiceError::new(ErrorKind::AccessDenied, "")));
    assert_eq!(span.to_json()["status"], Value::Null);
    assert_eq!(attribute(&span.to_json(), "error.type"), Some(&json!("AccessDeniedException")));
    let receive = operation("ReceiveMessage", &json!({ "QueueUrl": URL }));
    let mut span = Span::new([1; 16], [2; 8], None, &receive);
    span.note_result(&Ok(Output::ReceiveMessage(Default::default())));
    assert_eq!(attribute(&span.to_json(), "messaging.batch.message_count"), Some(&json!("0")));
    let list = Span::new([1; 16], [2; 8], None, &operation("ListQueues", &json!({})));
    assert_eq!(list.to_json()["name"], "ListQueues");
    assert_eq!(attribute(&list.to_json(), "messaging.destination.name"), None);
}

#[tokio::test]
async fn collectors_that_can_not_be_spoken_to_are_refused() {
    for endpoint in ["localhost:4318", "ftp://localhost", "http://", "http://user:word@localhost", "/x"] {
        let error = export::start(&collector(endpoint)).err().unwrap();
        assert_eq!(error, CollectorError::Endpoint(endpoint.to_owned()));
    }
    for headers in ["x", "a b=c", "x=\u{7}"] {
        let wrong = Collector { headers: headers.to_owned(), ..collector("http://localhost:4318") };
        assert_eq!(export::start(&wrong).err().unwrap(), CollectorError::Headers, "{headers}");
    }
    assert!(export::start(&collector("https://collector.example.com/otlp")).is_ok());
    assert!(export::start(&collector("http://[::1]:4318")).is_ok());
}

/// Takes requests one after the other and answers each with this status; shows their heads and bodies.
async fn fake(status: &'static str) -> (String, Arc<Mutex<Vec<(String, Value)>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/base/", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let taken = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut came = Vec::new();
            let (head, length) = loop {
                assert!(stream.read_buf(&mut came).await.unwrap() > 0);
                let text = String::from_utf8_lossy(&came).into_owned();
                if let Some((head, _)) = text.split_once("\r\n\r\n") {
                    let length = head.to_lowercase();
                    let length = length.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
                    break (head.to_owned(), length.parse::<usize>().unwrap());
                }
            };
            let begin = head.len() + 4;
            while came.len() < begin + length {
                assert!(stream.read_buf(&mut came).await.unwrap() > 0);
            }
            taken.lock().unwrap().push((head, serde_json::from_slice(&came[begin..]).unwrap()));
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\n{{}}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (endpoint, seen)
}

#[tokio::test]
async fn spans_arrive_in_batches_and_the_last_ones_at_the_end() {
    let (endpoint, seen) = fake("200 OK").await;
    let (exporter, exporting) = export::start(&collector(&endpoint)).unwrap();
    for _ in 0..1200 {
        exporter.send(span());
    }
    exporting.end().await;
    let seen = seen.lock().unwrap();
    let spans = |body: &Value| body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().len();
    let counts: Vec<usize> = seen.iter().map(|(_, body)| spans(body)).collect();
    assert_eq!(counts.iter().sum::<usize>(), 1200, "{counts:?}");
    assert!(counts.iter().all(|count| *count <= 512) && counts.len() <= 4, "{counts:?}");
    let (head, body) = &seen[0];
    assert!(head.starts_with("POST /base/v1/traces HTTP/1.1\r\n"), "{head}");
    let lower = head.to_lowercase();
    for header in ["content-type: application/json", "x-key: secret", "x-other: b"] {
        assert!(lower.contains(header), "{head}");
    }
    assert_eq!(attribute(&body["resourceSpans"][0]["resource"], "service.name"), Some(&json!("queues")));
}

/// A collector that says no, and none at all: requests don't notice, and what was lost is known.
#[tokio::test]
async fn what_the_collector_does_not_take_is_dropped_and_counted() {
    let (endpoint, seen) = fake("503 Service Unavailable").await;
    let (exporter, exporting) = export::start(&collector(&endpoint)).unwrap();
    for _ in 0..7 {
        exporter.send(span());
    }
    exporting.end().await;
    assert_eq!((exporter.dropped(), seen.lock().unwrap().len()), (7, 1));
    exporter.send(span());
    assert_eq!(exporter.dropped(), 8, "nobody sends any more");
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (exporter, exporting) = export::start(&collector(&format!("http://{free}"))).unwrap();
    for _ in 0..20_000 {
        exporter.send(span());
    }
    assert_eq!(exporter.dropped(), 20_000 - 8192, "the queue has an end");
    exporting.end().await;
    assert_eq!(exporter.dropped(), 20_000);
}
