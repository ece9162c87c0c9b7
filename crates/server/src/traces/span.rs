//! What is told of a request, in the words of OpenTelemetry's conventions for messaging.

use super::context::Context;
use bongsu_wire::{ErrorKind, Operation, Output, ServiceError};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// As OpenTelemetry's own limit.
const MAX_LINKS: usize = 128;
const KIND_SERVER: u8 = 2;
const STATUS_ERROR: u8 = 2;

/// A request, begun and perhaps ended.
#[derive(Debug)]
pub(crate) struct Span {
    trace_id: [u8; 16],
    id: [u8; 8],
    parent_id: Option<[u8; 8]>,
    operation: &'static str,
    /// `send`, `receive` or `settle`; `None` for what is about no message.
    kind: Option<&'static str>,
    queue: Option<String>,
    /// How many messages it is about.
    messages: Option<usize>,
    links: Vec<Context>,
    error: Option<ErrorKind>,
    pub(super) request_id: String,
    /// Since 1970.
    pub(super) start_ns: u64,
    /// Since 1970.
    pub(super) end_ns: u64,
}

impl Span {
    /// The span of a request that asks for this.
    pub(super) fn new(
        trace_id: [u8; 16],
        id: [u8; 8],
        parent_id: Option<[u8; 8]>,
        operation: &Operation,
    ) -> Self {
        let kind = match operation {
            Operation::SendMessage(_) | Operation::SendMessageBatch(_) => Some("send"),
            Operation::ReceiveMessage(_) => Some("receive"),
            Operation::DeleteMessage(_)
            | Operation::DeleteMessageBatch(_)
            | Operation::ChangeMessageVisibility(_)
            | Operation::ChangeMessageVisibilityBatch(_) => Some("settle"),
            _ => None,
        };
        let messages = match operation {
            Operation::SendMessageBatch(request) => Some(request.entries.len()),
            Operation::DeleteMessageBatch(request) => Some(request.entries.len()),
            Operation::ChangeMessageVisibilityBatch(request) => Some(request.entries.len()),
            _ => None,
        };
        let queue = operation.queue_url().and_then(|url| url.rsplit('/').next()).map(str::to_owned);
        Self {
            trace_id,
            id,
            parent_id,
            operation: operation.name(),
            kind,
            queue,
            messages,
            links: Vec::new(),
            error: None,
            request_id: String::new(),
            start_ns: 0,
            end_ns: 0,
        }
    }

    /// Points at another trace: that of a message's sender.
    pub(super) fn link(&mut self, context: Context) {
        // Without a span there is nothing to point at.
        if self.links.len() < MAX_LINKS && context.span_id.is_some() && !self.links.contains(&context) {
            self.links.push(context);
        }
    }

    /// Notes how it ended.
    pub(super) fn note_result(&mut self, result: &Result<Output, ServiceError>) {
        match result {
            Ok(Output::ReceiveMessage(response)) => self.messages = Some(response.messages.len()),
            Ok(_) => {}
            Err(error) => self.error = Some(error.kind),
        }
    }

    /// In OTLP's JSON (opentelemetry-proto, `Span`): ids in hexadecimal, times as strings of nanoseconds.
    pub(super) fn to_json(&self) -> Value {
        let text = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
        let mut attributes = vec![
            text("messaging.system", "aws_sqs"),
            text("messaging.operation.name", self.operation),
            text("aws.request_id", &self.request_id),
        ];
        attributes.extend(self.kind.map(|kind| text("messaging.operation.type", kind)));
        attributes.extend(self.queue.as_deref().map(|queue| text("messaging.destination.name", queue)));
        attributes.extend(self.messages.map(|count| {
            json!({ "key": "messaging.batch.message_count", "value": { "intValue": count.to_string() } })
        }));
        attributes.extend(self.error.map(|kind| text("error.type", kind.json_type())));
        let name = match &self.queue {
            Some(queue) => format!("{} {queue}", self.operation),
            None => self.operation.to_owned(),
        };
        let mut span = json!({
            "traceId": hex(&self.trace_id),
            "spanId": hex(&self.id),
            "name": name,
            "kind": KIND_SERVER,
            "startTimeUnixNano": self.start_ns.to_string(),
            "endTimeUnixNano": self.end_ns.to_string(),
            "attributes": attributes,
        });
        if let Some(parent_id) = self.parent_id {
            span["parentSpanId"] = hex(&parent_id).into();
        }
        if !self.links.is_empty() {
            let link = |link: &Context| {
                let span_id = link.span_id.unwrap_or_default();
                json!({ "traceId": hex(&link.trace_id), "spanId": hex(&span_id) })
            };
            span["links"] = self.links.iter().map(link).collect();
        }
        // A refusal is the client's to mend: for the server it is no error.
        if self.error.is_some_and(|kind| !kind.is_sender_fault()) {
            span["status"] = json!({ "code": STATUS_ERROR });
        }
        span
    }
}

/// The trace headers that messages come with.
pub(super) fn trace_headers(operation: &Operation) -> Vec<&str> {
    match operation {
        Operation::SendMessage(request) => {
            header_of(&request.message_system_attributes).into_iter().collect()
        }
        Operation::SendMessageBatch(request) => {
            request.entries.iter().filter_map(|entry| header_of(&entry.message_system_attributes)).collect()
        }
        _ => Vec::new(),
    }
}

fn header_of(attributes: &bongsu_wire::MessageAttributes) -> Option<&str> {
    attributes.get("AWSTraceHeader")?.string_value.as_deref()
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
