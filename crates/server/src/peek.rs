//! Looking at messages without receiving them: `/_aws/sqs/messages?QueueUrl=…` and
//! `/_aws/sqs/messages/REGION/ACCOUNT/QUEUE`.
//!
//! The answer has the shape of ReceiveMessage's, with all attributes, in XML or (by `Accept`) JSON. Beside them
//! `IsVisible` and `IsDelayed` say in which state a message is; messages in flight and delayed ones show with
//! `ShowInvisible=true` and `ShowDelayed=true`. An SDK whose endpoint is this path can call ReceiveMessage and sees
//! the same. A message whose key can't be used shows without its body and ids; `NotShown` says why.

use crate::call::Call;
use crate::errors::{About, from_call};
use crate::keys::{Opener, Unread};
use crate::operations::receive_message::{Facts, Shown, read};
use crate::{message_attributes, queue_url};
use bongsu_engine::{PeekState, Peeked, QueueName, Which};
use bongsu_node::Body;
use bongsu_wire::{
    ErrorKind, Message, MessageAttributes, Operation, Output, ReceiveMessageRequest, ReceiveMessageResponse,
    ServiceError,
};

mod json;

pub(crate) use json::answer as json_answer;

const PATH: &str = "/_aws/sqs/messages";
/// As many messages as are looked at; nobody reads more.
const MAX_MESSAGES: usize = 1000;
/// Messages stop being added beyond this, so that a look at long messages doesn't fill the memory.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// Whether a path is one of this page.
pub(crate) fn is_path(path: &str) -> bool {
    path.strip_prefix(PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A request to this page as its URL tells it.
#[derive(Debug)]
pub(crate) struct PeekRequest {
    /// Whether it names no action but, at most, the one that this page has.
    pub(crate) is_plain: bool,
    /// What a plain look asks for.
    pub(crate) operation: Operation,
    /// The queue of the path, as the path of a QueueUrl; `/` where there is none.
    pub(crate) queue_path: String,
}

/// Reads the URL; `None` where it is not one of this page.
pub(crate) fn request(path: &str, query: &str) -> Option<PeekRequest> {
    if !is_path(path) {
        return None;
    }
    let queue_path = path_of_queue(path);
    let queue_url = parameter(query, "QueueUrl").or_else(|| queue_path.clone()).unwrap_or_default();
    let operation = Operation::ReceiveMessage(ReceiveMessageRequest {
        queue_url,
        attribute_names: Vec::new(),
        message_system_attribute_names: Vec::new(),
        message_attribute_names: Vec::new(),
        max_number_of_messages: None,
        visibility_timeout: None,
        wait_time_seconds: None,
        receive_request_attempt_id: None,
    });
    let is_plain = parameter(query, "Action").is_none_or(|action| action == "ReceiveMessage");
    Some(PeekRequest { is_plain, operation, queue_path: queue_path.unwrap_or_else(|| "/".to_owned()) })
}

/// `/REGION/ACCOUNT/QUEUE` behind the page's own path, in the form of a QueueUrl that carries its region.
fn path_of_queue(path: &str) -> Option<String> {
    let rest = path.strip_prefix(PATH)?.trim_matches('/');
    (!rest.is_empty()).then(|| format!("/queue/{rest}"))
}

fn parameter(query: &str, name: &str) -> Option<String> {
    let mut parameters = form_urlencoded::parse(query.as_bytes());
    parameters.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

fn switch(query: &str, name: &str) -> bool {
    parameter(query, name).is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
}

/// Shows messages.
///
/// # Errors
/// `QueueDoesNotExist`, `InvalidAddress` for what is no QueueUrl, `UnsupportedOperation` for other actions.
pub(crate) async fn run(call: &Call<'_>, query: &str, operation: Operation) -> Result<Output, ServiceError> {
    let Operation::ReceiveMessage(request) = operation else {
        return Err(ServiceError::new(
            ErrorKind::UnsupportedOperation,
            "This endpoint only accepts ReceiveMessage calls",
        ));
    };
    // The queue that the caller was let in for; it may stand in the path, and then the request has it from there.
    let name = queue(call, &request.queue_url)?;
    let fifo = name.is_fifo();
    let (invisible, delayed) = (switch(query, "ShowInvisible"), switch(query, "ShowDelayed"));
    let peeked = call.edge.node.peek(name.clone(), Which::first(MAX_MESSAGES)).await;
    let peeked = peeked.map_err(|error| from_call(error, About::default()))?;
    let shown = peeked.into_iter().filter(|(peeked, _)| match peeked.state {
        PeekState::Visible => true,
        PeekState::InFlight => invisible,
        PeekState::Delayed => delayed,
    });
    let mut messages = Vec::new();
    let mut bytes = 0;
    let mut opener = call.opener(&name);
    for (peeked, body) in shown {
        if let Some(message) = show(fifo, &peeked, &body, &mut opener).await? {
            bytes += message.body.len() as u64 + message_attributes::size_bytes(&message.message_attributes);
            if bytes > MAX_BYTES && !messages.is_empty() {
                break;
            }
            messages.push(message);
        }
    }
    Ok(Output::ReceiveMessage(ReceiveMessageResponse { messages }))
}

fn queue(call: &Call<'_>, url: &str) -> Result<QueueName, ServiceError> {
    if url.is_empty() {
        return Err(ServiceError::queue_does_not_exist());
    }
    queue_url::read(url, call.caller).ok_or_else(|| {
        let message = format!("The address {url} is not valid for this endpoint.");
        ServiceError::new(ErrorKind::InvalidAddress, message)
    })
}

async fn show(
    fifo: bool,
    peeked: &Peeked,
    body: &Body,
    opener: &mut Opener<'_>,
) -> Result<Option<Message>, ServiceError> {
    let all = ["All".to_owned()];
    let shown = Shown::new(&all, &[], &all)?;
    let facts = Facts {
        fifo,
        sequence: peeked.sequence,
        receive_count: peeked.receive_count,
        first_received_wall_ms: peeked.first_received_wall_ms,
        moved: peeked.moved.as_deref(),
    };
    let mut message = match read(body, peeked.sequence, opener).await {
        // Nobody received it, so that there is nothing to delete it with.
        Ok(stored) => facts.message(&shown, String::new(), stored),
        Err(Unread::Damaged) => return Ok(None),
        Err(Unread::Key(error)) => not_shown(peeked, &error),
    };
    let state = [
        ("IsVisible", peeked.state == PeekState::Visible),
        ("IsDelayed", peeked.state == PeekState::Delayed),
    ];
    message.attributes.extend(state.map(|(name, value)| (name.to_owned(), value.to_string())));
    Ok(Some(message))
}

/// What is known of a message without its key.
fn not_shown(peeked: &Peeked, error: &ServiceError) -> Message {
    let attributes = [
        ("ApproximateReceiveCount", peeked.receive_count.to_string()),
        ("NotShown", format!("{}: {}", error.kind.code(), error.message)),
    ];
    Message {
        message_id: String::new(),
        receipt_handle: String::new(),
        md5_of_body: String::new(),
        body: String::new(),
        attributes: attributes.map(|(name, value)| (name.to_owned(), value)).into(),
        md5_of_message_attributes: None,
        message_attributes: MessageAttributes::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{is_path, request, switch};
    use bongsu_wire::Operation;

    #[test]
    fn the_page_has_two_forms() {
        for path in
            ["/_aws/sqs/messages", "/_aws/sqs/messages/", "/_aws/sqs/messages/us-east-1/000000000000/q"]
        {
            assert!(is_path(path), "{path}");
        }
        for path in ["/", "/000000000000/q", "/_aws/sqs/messagesx", "/_aws/sqs"] {
            assert!(!is_path(path), "{path}");
        }
    }

    #[test]
    fn a_queue_is_named_by_parameter_or_by_path() {
        let queue_url = |path: &str, query: &str| match request(path, query).unwrap().operation {
            Operation::ReceiveMessage(request) => request.queue_url,
            other => panic!("{other:?}"),
        };
        assert_eq!(queue_url("/_aws/sqs/messages", "QueueUrl=http%3A%2F%2Fh%2F0%2Fq"), "http://h/0/q");
        assert_eq!(
            queue_url("/_aws/sqs/messages/eu-west-1/000000000000/q", ""),
            "/queue/eu-west-1/000000000000/q"
        );
        assert_eq!(queue_url("/_aws/sqs/messages", ""), "");
    }

    #[test]
    fn other_actions_are_not_plain() {
        let is_plain = |query: &str| request("/_aws/sqs/messages", query).unwrap().is_plain;
        assert!(is_plain("") && is_plain("Action=ReceiveMessage"));
        assert!(!is_plain("Action=SendMessage"));
    }

    #[test]
    fn switches_are_true_in_any_case() {
        assert!(switch("ShowDelayed=True", "ShowDelayed") && switch("a=b&ShowDelayed=1", "ShowDelayed"));
        assert!(!switch("ShowDelayed=False", "ShowDelayed") && !switch("", "ShowDelayed"));
    }
}
