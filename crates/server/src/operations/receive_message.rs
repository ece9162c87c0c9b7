//! ReceiveMessage.

use super::outgoing::{check_id, show_sequence};
use crate::call::Call;
use crate::errors::{About, internal_failure, invalid_value};
use crate::keys::{Opener, Unread};
use crate::message::{Stored, StoredMessage, show_id};
use crate::message_attributes::{NameFilter, is_all};
use bongsu_engine::{Delivery, Moved, Receive};
use bongsu_node::Body;
use bongsu_wire::{
    ErrorKind, Message, Output, ReceiveMessageRequest, ReceiveMessageResponse, ServiceError, StringMap, md5,
};

mod waiting;

/// Longest visibility timeout, seconds.
pub(super) const MAX_VISIBILITY_SECONDS: u64 = 43_200;
const MAX_WAIT_SECONDS: u64 = 20;
const MAX_MESSAGES: usize = 10;

/// System attributes of a message, each with where it comes from in [`system_attribute`].
const SYSTEM_ATTRIBUTES: [&str; 9] = [
    "AWSTraceHeader",
    "ApproximateFirstReceiveTimestamp",
    "ApproximateReceiveCount",
    "DeadLetterQueueSourceArn",
    "MessageDeduplicationId",
    "MessageGroupId",
    "SenderId",
    "SentTimestamp",
    "SequenceNumber",
];

pub(super) async fn run(call: &Call<'_>, request: ReceiveMessageRequest) -> Result<Output, ServiceError> {
    let name = call.queue(&request.queue_url)?;
    let max_messages = max_messages(request.max_number_of_messages)?;
    let wait_ms = request.wait_time_seconds.map(wait_ms).transpose()?;
    let visibility_timeout_ms = request.visibility_timeout.map(visibility_timeout_ms).transpose()?;
    let attempt_id = request.receive_request_attempt_id;
    check_id("ReceiveRequestAttemptId", attempt_id.as_deref())?;
    let shown = Shown::new(
        &request.attribute_names,
        &request.message_system_attribute_names,
        &request.message_attribute_names,
    )?;
    let about = About { attempt_id: attempt_id.as_deref().unwrap_or_default(), ..About::default() };
    let fifo = name.is_fifo();
    call.check_receivable(&name).await?;
    if let Some(counters) = call.watching.counters() {
        call.edge.watch.receives(counters, call.caller, call.user_agent(), call.watching.begun_ns);
    }
    let receive =
        Receive { name, max_messages, visibility_timeout_ms, wait_ms, attempt_id: attempt_id.clone() };
    let Some(received) = waiting::receive(call, receive, about).await? else {
        return Ok(Output::ReceiveMessage(ReceiveMessageResponse::default()));
    };
    let handed_out = received.deliveries.len();
    let mut messages = Vec::with_capacity(handed_out);
    let mut opener = call.opener(&received.queue);
    for (delivery, body) in &received.deliveries {
        match read(body, delivery.receipt.sequence, &mut opener).await {
            Ok(stored) => {
                if let (Some(_), Some(header)) = (&call.edge.tracer, &stored.trace_header) {
                    call.watching.comes_from(header);
                }
                messages.push(message(call, fifo, &shown, delivery, stored));
            }
            Err(Unread::Damaged) => {}
            Err(Unread::Key(error)) => {
                // Nobody gets anything, and everything is there again at once: also what could have been opened.
                call.edge.node.give_back(&received);
                return Err(error);
            }
        }
    }
    // A damaged message comes back, and in the end to its dead-letter queue; it must not take the others with it.
    if messages.is_empty() && handed_out > 0 {
        return Err(internal_failure());
    }
    if let Some(counters) = call.watching.counters() {
        counters.received(messages.len());
    }
    Ok(Output::ReceiveMessage(ReceiveMessageResponse { messages }))
}

/// Reads a message's bytes and opens them. What can't be read, or is damaged, leaves a line in the log.
///
/// # Errors
/// [`Unread`].
pub(crate) async fn read(
    body: &Body,
    sequence: u64,
    opener: &mut Opener<'_>,
) -> Result<StoredMessage, Unread> {
    let bytes = body.read().await.map_err(|error| {
        tracing::error!(sequence, %error, "can't read a stored message");
        Unread::Damaged
    })?;
    let stored = Stored::read(&bytes).map_err(|error| {
        tracing::error!(sequence, %error, "a stored message is damaged");
        Unread::Damaged
    })?;
    match stored {
        Stored::Plain(message) => Ok(message),
        Stored::Sealed(sealed) => opener.open(&sealed, sequence),
    }
}

fn message(
    call: &Call<'_>,
    fifo: bool,
    shown: &Shown<'_>,
    delivery: &Delivery,
    stored: StoredMessage,
) -> Message {
    let facts = Facts {
        fifo,
        sequence: delivery.receipt.sequence,
        receive_count: delivery.receive_count,
        first_received_wall_ms: delivery.first_received_wall_ms,
        moved: delivery.moved.as_deref(),
    };
    let receipt_handle = call.edge.sealer.seal(&delivery.receipt);
    facts.message(shown, receipt_handle, stored)
}

/// What is shown of a message beside its stored form.
pub(crate) struct Facts<'a> {
    pub(crate) fifo: bool,
    pub(crate) sequence: u64,
    pub(crate) receive_count: u32,
    pub(crate) first_received_wall_ms: u64,
    pub(crate) moved: Option<&'a Moved>,
}

impl Facts<'_> {
    /// The message as a client sees it.
    pub(crate) fn message(
        &self,
        shown: &Shown<'_>,
        receipt_handle: String,
        stored: StoredMessage,
    ) -> Message {
        let names = SYSTEM_ATTRIBUTES.iter().filter(|name| shown.wants_system(name));
        let attributes: StringMap = names
            .filter_map(|name| Some(((*name).to_owned(), self.system_attribute(&stored, name)?)))
            .collect();
        let message_attributes = stored.wire_attributes(|name| shown.message_attributes.wants(name));
        let message_id = self.moved.and_then(|moved| moved.message_id).unwrap_or(stored.message_id);
        Message {
            message_id: show_id(message_id),
            receipt_handle,
            md5_of_body: md5::show(&stored.body_md5),
            body: stored.body,
            attributes,
            md5_of_message_attributes: md5::message_attributes(&message_attributes),
            message_attributes,
        }
    }

    fn system_attribute(&self, stored: &StoredMessage, name: &str) -> Option<String> {
        match name {
            "AWSTraceHeader" => stored.trace_header.clone(),
            "ApproximateFirstReceiveTimestamp" => Some(self.first_received_wall_ms.to_string()),
            "ApproximateReceiveCount" => Some(self.receive_count.to_string()),
            "DeadLetterQueueSourceArn" => Some(self.moved?.dead_letter_source.as_ref()?.arn()),
            "MessageDeduplicationId" => stored.deduplication_id.clone(),
            "MessageGroupId" => stored.group.clone(),
            "SenderId" => Some(stored.sender_id.clone()),
            "SentTimestamp" => {
                let moved = self.moved.and_then(|moved| moved.sent_wall_ms);
                Some(moved.unwrap_or(stored.sent_wall_ms).to_string())
            }
            "SequenceNumber" => self.fifo.then(|| show_sequence(self.sequence)),
            _ => None,
        }
    }
}

/// What of a message a receive asks to see.
pub(crate) struct Shown<'a> {
    /// Both parameters mean the same; the older one is still used by most.
    system: [&'a [String]; 2],
    all_system: bool,
    message_attributes: NameFilter<'a>,
}

impl<'a> Shown<'a> {
    /// From the three parameters.
    ///
    /// # Errors
    /// `InvalidAttributeName` for a system attribute that there isn't.
    pub(crate) fn new(
        attribute_names: &'a [String],
        message_system_attribute_names: &'a [String],
        message_attribute_names: &'a [String],
    ) -> Result<Self, ServiceError> {
        let system = [attribute_names, message_system_attribute_names];
        let is_known = |name: &String| is_all(name) || SYSTEM_ATTRIBUTES.contains(&name.as_str());
        // The names of queues' attributes are legal in the older parameter, which is shared with GetQueueAttributes.
        let is_legal = |name: &String| is_known(name) || crate::attributes::is_known(name);
        if let Some(name) = system.iter().flat_map(|names| names.iter()).find(|name| !is_legal(name)) {
            let message = format!("Unknown Attribute {name}.");
            return Err(ServiceError::new(ErrorKind::InvalidAttributeName, message));
        }
        let all_system = system.iter().any(|names| names.iter().any(|name| is_all(name)));
        Ok(Self { system, all_system, message_attributes: NameFilter::new(message_attribute_names) })
    }

    fn wants_system(&self, name: &str) -> bool {
        self.all_system || self.system.iter().any(|names| names.iter().any(|wanted| wanted == name))
    }
}

fn max_messages(asked: Option<i32>) -> Result<usize, ServiceError> {
    let Some(asked) = asked else { return Ok(1) };
    match usize::try_from(asked) {
        Ok(count) if (1..=MAX_MESSAGES).contains(&count) => Ok(count),
        _ => Err(invalid_value(asked, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")),
    }
}

fn wait_ms(asked: i32) -> Result<u64, ServiceError> {
    match u64::try_from(asked) {
        Ok(seconds) if seconds <= MAX_WAIT_SECONDS => Ok(seconds * 1000),
        _ => Err(invalid_value(asked, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")),
    }
}

fn visibility_timeout_ms(asked: i32) -> Result<u64, ServiceError> {
    match u64::try_from(asked) {
        Ok(seconds) if seconds <= MAX_VISIBILITY_SECONDS => Ok(seconds * 1000),
        _ => Err(invalid_value(asked, "VisibilityTimeout", "Must be >= 0 and <= 43200, if provided.")),
    }
}

#[cfg(test)]
mod tests;
