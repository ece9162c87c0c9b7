//! Looking at messages without receiving them, searching them, and what an operator does with those that he has chosen.
//!
//! A look needs what a receive needs, the message's key too, and leaves no trace in the queue.

use super::{Desk, Refusal, Visit, guarded};
use crate::audit::resource_of;
use crate::call::{Call, unexpected};
use crate::dispatch::to_its_end;
use crate::errors::{About, from_call, from_engine, invalid_parameter};
use crate::keys::{Opener, Unread};
use crate::message::show_id;
use crate::operations::receive_message::{Facts, Shown, read};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bongsu_engine::{Act, Command, EngineError, PeekState, Peeked, QueueId, QueueName, Reply, Which};
use bongsu_node::Body;
use bongsu_wire::{
    ErrorKind, Message, MessageAttributeValue, Operation, PurgeQueueRequest, ReceiveMessageRequest,
    ServiceError, StartMessageMoveTaskRequest, StringMap,
};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use tokio::time::Instant;

/// Of a body that stands in a list so much is shown, characters.
const MAX_LISTED_CHARS: usize = 4096;
/// The same of a message attribute's value.
const MAX_LISTED_VALUE_CHARS: usize = 512;
/// What one step of a search may take: the client goes on where it ended.
const MAX_SEARCHED: u64 = 2000;
const MAX_SEARCH: Duration = Duration::from_millis(250);
const MAX_FOUND: usize = 100;
/// Messages that a search asks for at a time: to pass over those before costs more than to hold on to so many bodies.
const SEARCH_PAGE: usize = 1000;
/// A search lets others run after so many messages, or so much text of theirs.
const SEARCH_BREATH: u64 = 16;
const SEARCH_BREATH_BYTES: usize = 256 * 1024;
/// Messages that one request may discard or move.
const MAX_CHOSEN: usize = 100;

/// Which messages of a queue to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// All of them.
    All,
    /// Those that can be received.
    Visible,
    /// Those that were received and come back unless they are deleted.
    InFlight,
    /// Those that can't be received yet.
    Delayed,
}

/// A part of a queue's messages.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// How many there are in this state.
    pub total: u64,
    /// How many were passed over.
    pub offset: u64,
    /// In the queue's order.
    pub messages: Vec<MessageRow>,
}

/// One step of a search.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// What was found.
    pub matches: Vec<MessageRow>,
    /// How many messages were looked at in this step.
    pub scanned: u64,
    /// Where the next step begins; `None`: nothing is left.
    pub next_offset: Option<u64>,
    /// How many there are in this state.
    pub total: u64,
}

/// A message that was looked at.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageRow {
    /// Names it within its queue: see [`MessageNumber`].
    pub sequence: String,
    /// MessageId; empty where it can't be shown.
    pub id: String,
    /// `visible`, `in-flight` or `delayed`.
    pub state: &'static str,
    /// The body, or its beginning.
    pub body: String,
    /// How long the whole body is, bytes.
    pub body_bytes: usize,
    /// Whether something was cut off, of the body or of a message attribute.
    pub truncated: bool,
    /// MD5OfBody.
    pub md5_of_body: String,
    /// System attributes.
    pub attributes: StringMap,
    /// Message attributes.
    pub message_attributes: BTreeMap<String, AttributeRow>,
    /// Why nothing is shown of it.
    pub not_shown: Option<String>,
}

/// A message attribute.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AttributeRow {
    /// `String`, `Number` or `Binary`, with its label.
    pub data_type: String,
    /// Of a String or Number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub string_value: Option<String>,
    /// Of a Binary, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binary_value: Option<String>,
}

/// Names a message within its queue. Numbers begin anew when a queue is made anew, so that the queue's life belongs to it: what was
/// seen in an earlier one is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageNumber {
    life: QueueId,
    sequence: u64,
}

impl fmt::Display for MessageNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.life.0, self.sequence)
    }
}

impl FromStr for MessageNumber {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (life, sequence) = text.split_once('-').ok_or(())?;
        let number = |text: &str| text.parse().map_err(|_| ());
        Ok(Self { life: QueueId(number(life)?), sequence: number(sequence)? })
    }
}

/// What became of one message out of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Which.
    pub number: MessageNumber,
    /// Why nothing was done with it.
    pub error: Option<Refusal>,
}

impl State {
    fn filter(self) -> Option<PeekState> {
        match self {
            Self::All => None,
            Self::Visible => Some(PeekState::Visible),
            Self::InFlight => Some(PeekState::InFlight),
            Self::Delayed => Some(PeekState::Delayed),
        }
    }
}

impl Desk {
    /// A part of a queue's messages, with the beginnings of their bodies.
    ///
    /// # Errors
    /// As for receiving from it.
    pub async fn messages(
        &self,
        visit: &Visit,
        queue: &str,
        state: State,
        offset: u64,
        limit: usize,
    ) -> Result<Page, Refusal> {
        let call = self.call(visit, false);
        let (name, locked) = self.enter(&call, visit, queue).await?;
        let total = total(&call, &name, state).await?;
        let which = Which::Page { state: state.filter(), skip: offset, limit };
        let mut messages = Vec::with_capacity(limit.min(1000));
        let mut opener = call.opener(&name);
        for (peeked, body) in look(&call, &name, which).await? {
            messages.push(row(&name, &peeked, &body, &mut opener, locked.as_deref()).await?.cut());
        }
        Ok(Page { total, offset, messages })
    }

    /// One whole message; `None` where it is gone.
    ///
    /// # Errors
    /// As for receiving from the queue.
    pub async fn message(
        &self,
        visit: &Visit,
        queue: &str,
        number: MessageNumber,
    ) -> Result<Option<MessageRow>, Refusal> {
        let call = self.call(visit, false);
        let (name, locked) = self.enter(&call, visit, queue).await?;
        let found = look(&call, &name, Which::Of(number.life, vec![number.sequence])).await?;
        let mut opener = call.opener(&name);
        match found.first() {
            Some((peeked, body)) => Ok(Some(row(&name, peeked, body, &mut opener, locked.as_deref()).await?)),
            None => Ok(None),
        }
    }

    /// Looks for a text, whatever its case, in messages from an offset on: in bodies, ids, groups, names and values of attributes. Ends
    /// after a bounded amount of work.
    ///
    /// # Errors
    /// As for receiving from the queue.
    pub async fn search(
        &self,
        visit: &Visit,
        queue: &str,
        text: &str,
        state: State,
        offset: u64,
    ) -> Result<Found, Refusal> {
        let call = self.call(visit, false);
        let (name, locked) = self.enter(&call, visit, queue).await?;
        let total = total(&call, &name, state).await?;
        let needle = text.to_lowercase();
        let until = Instant::now() + MAX_SEARCH;
        let mut opener = call.opener(&name);
        let (mut matches, mut scanned, mut unbroken_bytes) = (Vec::new(), 0, 0);
        loop {
            let which = Which::Page {
                state: state.filter(),
                skip: offset.saturating_add(scanned),
                limit: SEARCH_PAGE,
            };
            let page = look(&call, &name, which).await?;
            let is_last = page.len() < SEARCH_PAGE;
            for (peeked, body) in &page {
                let row = row(&name, peeked, body, &mut opener, locked.as_deref()).await?;
                scanned += 1;
                unbroken_bytes += row.body_bytes;
                if row.has(&needle) {
                    matches.push(row.cut());
                }
                if scanned >= MAX_SEARCHED || matches.len() >= MAX_FOUND || Instant::now() >= until {
                    let next_offset = Some(offset.saturating_add(scanned));
                    return Ok(Found { matches, scanned, next_offset, total });
                }
                if scanned % SEARCH_BREATH == 0 || unbroken_bytes >= SEARCH_BREATH_BYTES {
                    unbroken_bytes = 0;
                    tokio::task::yield_now().await;
                }
            }
            if is_last {
                return Ok(Found { matches, scanned, next_offset: None, total });
            }
        }
    }

    /// Deletes messages for good, in whichever state they are.
    ///
    /// # Errors
    /// As for purging the queue.
    pub async fn discard(
        &self,
        visit: Visit,
        queue: &str,
        numbers: Vec<MessageNumber>,
    ) -> Result<Vec<Outcome>, Refusal> {
        let purge = PurgeQueueRequest { queue_url: queue.to_owned() };
        self.act(visit, queue, numbers, Act::Discard, ("DiscardMessages", Operation::PurgeQueue(purge))).await
    }

    /// Moves messages to the queue of this ARN, or, without one, each to the queue that it fell out of.
    ///
    /// # Errors
    /// As for moving all of them by a task.
    pub async fn move_messages(
        &self,
        visit: Visit,
        queue: &str,
        numbers: Vec<MessageNumber>,
        destination_arn: Option<&str>,
    ) -> Result<Vec<Outcome>, Refusal> {
        let malformed = || invalid_parameter("The destination is no queue's ARN.");
        let to = destination_arn.map(|arn| QueueName::from_arn(arn).ok_or_else(malformed)).transpose()?;
        let source = queue_of(&visit, queue)?;
        let task = StartMessageMoveTaskRequest {
            source_arn: source.arn(),
            destination_arn: destination_arn.map(str::to_owned),
            max_number_of_messages_per_second: None,
        };
        let operation = Operation::StartMessageMoveTask(task);
        self.act(visit, queue, numbers, Act::Move { to }, ("MoveMessages", operation)).await
    }

    /// Does something with messages, and notes it in the audit log; `operation` is what needs the same rights.
    async fn act(
        &self,
        visit: Visit,
        queue: &str,
        numbers: Vec<MessageNumber>,
        act: Act,
        (action, operation): (&'static str, Operation),
    ) -> Result<Vec<Outcome>, Refusal> {
        if numbers.is_empty() || numbers.len() > MAX_CHOSEN {
            return Err(invalid_parameter(format!("Between 1 and {MAX_CHOSEN} messages at a time.")).into());
        }
        let desk = self.clone();
        let name = queue_of(&visit, queue)?;
        let work = async move {
            let request_id = desk.request_id();
            let call = desk.call(&visit, desk.dispatcher.edge.audit.is_on());
            let result = guarded(acted(&call, &name, numbers, act, &operation), &request_id).await;
            call.audit(
                &request_id,
                action,
                resource_of(&operation),
                result.as_ref().err().map(|error| error.kind.code()),
            );
            result
        };
        Ok(to_its_end(Box::pin(work)).await?)
    }

    /// The queue, if the visitor may receive from it, and, where its key keeps him from it, why nothing of its messages is shown.
    async fn enter(
        &self,
        call: &Call<'_>,
        visit: &Visit,
        queue: &str,
    ) -> Result<(QueueName, Option<String>), ServiceError> {
        let name = queue_of(visit, queue)?;
        let receive = ReceiveMessageRequest {
            queue_url: queue.to_owned(),
            attribute_names: Vec::new(),
            message_system_attribute_names: Vec::new(),
            message_attribute_names: Vec::new(),
            max_number_of_messages: None,
            visibility_timeout: None,
            wait_time_seconds: None,
            receive_request_attempt_id: None,
        };
        self.permit(call, &Operation::ReceiveMessage(receive)).await?;
        let locked = match call.check_receivable(&name).await {
            Ok(()) => None,
            Err(error) if is_of_key(error.kind) => Some(unreadable(&error)),
            Err(error) => return Err(error),
        };
        Ok((name, locked))
    }
}

/// The queue of this name in the visitor's account and region. What can't be a name is no queue's: in a policy's eyes it could be
/// something else.
pub(super) fn queue_of(visit: &Visit, queue: &str) -> Result<QueueName, ServiceError> {
    let plain = queue.strip_suffix(".fifo").unwrap_or(queue);
    let is_name = (1..=80).contains(&queue.len())
        && plain.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    match is_name {
        true => Ok(QueueName::new(visit.account(), visit.region(), queue)),
        false => Err(ServiceError::queue_does_not_exist()),
    }
}

async fn acted(
    call: &Call<'_>,
    name: &QueueName,
    numbers: Vec<MessageNumber>,
    act: Act,
    operation: &Operation,
) -> Result<Vec<Outcome>, ServiceError> {
    call.permit(operation).await?;
    let messages = numbers.iter().map(|number| (number.life, number.sequence)).collect();
    let command = Command::Operate { name: name.clone(), messages, act };
    let results = match call.ask(command, About::default()).await? {
        Reply::Each(results) => results,
        other => return Err(unexpected(&other)),
    };
    let outcomes = numbers.into_iter().zip(results).map(|(number, result)| {
        let error = result.err().map(|error| match error {
            EngineError::MessageNotAvailable => gone(),
            other => from_engine(other, About::default()).into(),
        });
        Outcome { number, error }
    });
    Ok(outcomes.collect())
}

fn gone() -> Refusal {
    let message =
        "The message is not there any more, or somebody has received it and not given it back.".to_owned();
    Refusal { status: 404, code: Cow::Borrowed("MessageGone"), message }
}

async fn total(call: &Call<'_>, name: &QueueName, state: State) -> Result<u64, ServiceError> {
    let description = call.describe(name.clone()).await?;
    let (visible, in_flight, delayed) = (description.visible, description.in_flight, description.delayed);
    Ok(match state {
        State::All => visible + in_flight + delayed,
        State::Visible => visible,
        State::InFlight => in_flight,
        State::Delayed => delayed,
    })
}

async fn look(call: &Call<'_>, name: &QueueName, which: Which) -> Result<Vec<(Peeked, Body)>, ServiceError> {
    let looked = call.edge.node.peek(name.clone(), which).await;
    looked.map_err(|error| from_call(error, About::default()))
}

/// Whether an error says that a queue's key can't be used, or not by this caller.
fn is_of_key(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::KmsAccessDenied
            | ErrorKind::KmsDisabled
            | ErrorKind::KmsInvalidKeyUsage
            | ErrorKind::KmsInvalidState
            | ErrorKind::KmsNotFound
            | ErrorKind::KmsOptInRequired
            | ErrorKind::KmsThrottled
    )
}

fn number_of(peeked: &Peeked) -> String {
    MessageNumber { life: peeked.queue, sequence: peeked.sequence }.to_string()
}

fn unreadable(error: &ServiceError) -> String {
    format!("{}: {}", error.kind.code(), error.message)
}

async fn row(
    name: &QueueName,
    peeked: &Peeked,
    body: &Body,
    opener: &mut Opener<'_>,
    locked: Option<&str>,
) -> Result<MessageRow, ServiceError> {
    if let Some(why) = locked {
        return Ok(MessageRow::hidden(peeked, why.to_owned()));
    }
    let all = ["All".to_owned()];
    let shown = Shown::new(&all, &[], &all)?;
    let facts = Facts {
        fifo: name.is_fifo(),
        sequence: peeked.sequence,
        receive_count: peeked.receive_count,
        first_received_wall_ms: peeked.first_received_wall_ms,
        moved: peeked.moved.as_deref(),
    };
    let hidden = match read(body, peeked.sequence, opener).await {
        Ok(stored) => {
            let mut message = facts.message(&shown, String::new(), stored);
            if peeked.receive_count == 0 {
                // The time of a receive that never was.
                message.attributes.remove("ApproximateFirstReceiveTimestamp");
            }
            return Ok(MessageRow::new(peeked, message));
        }
        Err(Unread::Damaged) => "Its stored bytes are damaged; the server's log says more.".to_owned(),
        Err(Unread::Key(error)) => unreadable(&error),
    };
    Ok(MessageRow::hidden(peeked, hidden))
}

impl MessageRow {
    fn new(peeked: &Peeked, message: Message) -> Self {
        let attributes = message.message_attributes.into_iter();
        Self {
            sequence: number_of(peeked),
            id: message.message_id,
            state: state_of(peeked),
            body_bytes: message.body.len(),
            body: message.body,
            truncated: false,
            md5_of_body: message.md5_of_body,
            attributes: message.attributes,
            message_attributes: attributes.map(|(name, value)| (name, AttributeRow::of(value))).collect(),
            not_shown: None,
        }
    }

    fn hidden(peeked: &Peeked, why: String) -> Self {
        let moved_id = peeked.moved.as_ref().and_then(|moved| moved.message_id);
        let count = ("ApproximateReceiveCount".to_owned(), peeked.receive_count.to_string());
        Self {
            sequence: number_of(peeked),
            id: moved_id.map(show_id).unwrap_or_default(),
            state: state_of(peeked),
            body: String::new(),
            body_bytes: 0,
            truncated: false,
            md5_of_body: String::new(),
            attributes: StringMap::from([count]),
            message_attributes: BTreeMap::new(),
            not_shown: Some(why),
        }
    }

    /// As it stands in a list.
    fn cut(mut self) -> Self {
        self.truncated = cut(&mut self.body, MAX_LISTED_CHARS);
        for attribute in self.message_attributes.values_mut() {
            let values = [&mut attribute.string_value, &mut attribute.binary_value];
            for value in values.into_iter().flatten() {
                // What is left of base64 is still some, as four characters say three bytes.
                self.truncated |= cut(value, MAX_LISTED_VALUE_CHARS);
            }
        }
        self
    }

    /// Whether a text in lower case occurs in it.
    fn has(&self, needle: &str) -> bool {
        let has = |text: &str| text.to_lowercase().contains(needle);
        has(&self.body)
            || has(&self.id)
            || self.attributes.values().any(|value| has(value))
            || self
                .message_attributes
                .iter()
                .any(|(name, attribute)| has(name) || attribute.string_value.as_deref().is_some_and(has))
    }
}

impl AttributeRow {
    fn of(value: MessageAttributeValue) -> Self {
        Self {
            data_type: value.data_type,
            string_value: value.string_value,
            binary_value: value.binary_value.map(|bytes| STANDARD.encode(bytes)),
        }
    }
}

fn state_of(peeked: &Peeked) -> &'static str {
    match peeked.state {
        PeekState::Visible => "visible",
        PeekState::InFlight => "in-flight",
        PeekState::Delayed => "delayed",
    }
}

/// Shortens a text to so many characters; says whether it was longer.
fn cut(text: &mut String, max_chars: usize) -> bool {
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => {
            text.truncate(end);
            // Otherwise a page of beginnings would take as much memory as the whole messages.
            text.shrink_to_fit();
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests;
