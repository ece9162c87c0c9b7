//! Answers and errors of Query as JSON, for callers who ask for it with `Accept: application/json` (API
//! Gateway's SQS integrations do).
//!
//! This is neither AWS JSON 1.0 nor XML in braces. Recorded from the real service are the XML's envelope, `null`
//! for what is absent, and two lists that begin with a small letter. That maps are lists of their entries is how
//! Query's model has them; no recording says so.

use std::collections::BTreeMap;

use crate::error::ServiceError;
use crate::json::JsonSink;
use crate::operations::Output;
use crate::shapes::{ListName, MapName};
use crate::sink::Sink;

/// Encodes an answer, for the content type `application/json`.
pub fn encode_query_json(output: &Output, request_id: &str) -> Vec<u8> {
    let action = output.name();
    let mut sink = QueryJsonSink(JsonSink::with_capacity(output.size_estimate()));
    sink.object(|sink| {
        sink.object_member(&format!("{action}Response"), |sink| {
            if output.has_result() {
                sink.object_member(&format!("{action}Result"), |sink| output.write(sink));
            }
            sink.object_member("ResponseMetadata", |sink| sink.string("RequestId", request_id));
        });
    });
    sink.0.into_bytes()
}

/// Encodes a refusal, in Query's wording and with the legacy code.
pub fn error_query_json(error: &ServiceError, request_id: &str) -> Vec<u8> {
    let mut sink = QueryJsonSink(JsonSink::default());
    sink.object(|sink| {
        sink.object_member("Error", |sink| {
            sink.string("Code", error.kind.code());
            sink.string("Message", error.query_message());
            sink.string("Type", error.kind.fault_name());
        });
        sink.string("RequestId", request_id);
    });
    sink.0.into_bytes()
}

/// Writes JSON as AWS writes it for Query.
struct QueryJsonSink(JsonSink);

impl QueryJsonSink {
    fn object(&mut self, write_members: impl FnOnce(&mut Self)) {
        self.0.enclosed(b'{', b'}', |inner| Self::continued(inner, write_members));
    }

    fn object_member(&mut self, name: &str, write_members: impl FnOnce(&mut Self)) {
        self.0.key(name);
        self.object(write_members);
    }

    fn array_member<T>(
        &mut self,
        name: &str,
        elements: impl IntoIterator<Item = T>,
        write: impl Fn(&mut Self, T),
    ) {
        self.0.key(name);
        self.0.enclosed(b'[', b']', |inner| {
            for element in elements {
                inner.next();
                Self::continued(inner, |sink| write(sink, element));
            }
        });
    }

    /// Lets `write` go on where `inner` is, in this sink's style.
    fn continued(inner: &mut JsonSink, write: impl FnOnce(&mut Self)) {
        let mut sink = QueryJsonSink(std::mem::take(inner));
        write(&mut sink);
        *inner = sink.0;
    }

    fn null(&mut self, name: &str) {
        self.0.key(name);
        self.0.raw("null");
    }
}

fn list_name(name: &ListName) -> &'static str {
    match name.json {
        "Messages" => "messages",
        "QueueUrls" => "queueUrls",
        same => same,
    }
}

impl Sink for QueryJsonSink {
    fn string(&mut self, name: &'static str, value: &str) {
        self.0.string(name, value);
    }

    fn integer(&mut self, name: &'static str, value: i64) {
        self.0.integer(name, value);
    }

    fn boolean(&mut self, name: &'static str, value: bool) {
        self.0.boolean(name, value);
    }

    fn blob(&mut self, name: &'static str, value: &[u8]) {
        self.0.blob(name, value);
    }

    fn strings(&mut self, name: &ListName, values: &[String]) {
        self.array_member(list_name(name), values, |sink, value| sink.0.text(value));
    }

    fn string_map(&mut self, name: &MapName, values: &BTreeMap<String, String>) {
        self.array_member(name.json, values, |sink, (key, value)| {
            sink.object(|sink| {
                sink.string(name.query_key, key);
                sink.string("Value", value);
            });
        });
    }

    fn structures<T>(&mut self, name: &ListName, values: &[T], write: impl Fn(&T, &mut Self)) {
        self.array_member(list_name(name), values, |sink, value| sink.object(|sink| write(value, sink)));
    }

    fn structure_map<T>(
        &mut self,
        name: &MapName,
        values: &BTreeMap<String, T>,
        write: impl Fn(&T, &mut Self),
    ) {
        self.array_member(name.json, values, |sink, (key, value)| {
            sink.object(|sink| {
                sink.string(name.query_key, key);
                sink.object_member("Value", |sink| write(value, sink));
            });
        });
    }

    fn absent(&mut self, name: &'static str) {
        self.null(name);
    }

    fn absent_list(&mut self, name: &ListName) {
        self.null(list_name(name));
    }

    fn absent_map(&mut self, name: &MapName) {
        self.null(name.json);
    }
}
