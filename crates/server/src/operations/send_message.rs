//! SendMessage.

use super::outgoing::{Draft, accepted};
use crate::call::{Call, unexpected};
use crate::errors::{About, from_engine, internal_failure};
use crate::keys::Sealing;
use bongsu_engine::{Command, EngineError, QueueName, Reply};
use bongsu_wire::{Output, SendMessageRequest, SendMessageResponse, ServiceError, md5};

/// The longest message that a queue can be set to take.
const MAX_MESSAGE_BYTES: u64 = 1_048_576;

pub(super) async fn run(call: &Call<'_>, request: SendMessageRequest) -> Result<Output, ServiceError> {
    let name = call.queue(&request.queue_url)?;
    let fifo = name.is_fifo();
    let draft = Draft {
        body: request.message_body,
        delay_seconds: request.delay_seconds,
        attributes: request.message_attributes,
        system_attributes: request.message_system_attributes,
        deduplication_id: request.message_deduplication_id,
        group_id: request.message_group_id,
    };
    if draft.size_bytes() > MAX_MESSAGE_BYTES {
        return Err(Box::pin(too_long(call, name)).await?);
    }
    let body_md5 = md5::body(&draft.body);
    let sealing = call.sealing(&name).await?;
    let prepared = draft.prepare(call, fifo, body_md5, &sealing)?;
    if let Sealing::NoQueue = sealing {
        return Err(ServiceError::queue_does_not_exist());
    }
    let size_bytes = prepared.outgoing.size_bytes;
    let command = Command::Send { name, messages: vec![prepared.outgoing] };
    let sent = match call.ask(command, About::default()).await? {
        Reply::Sent(mut results) => results.pop().ok_or_else(internal_failure)?,
        other => return Err(unexpected(&other)),
    };
    let accepted = accepted(sent.map_err(|error| from_engine(error, About::default()))?, fifo);
    if let Some(counters) = call.watching.counters() {
        counters.sent(size_bytes);
    }
    Ok(Output::SendMessage(SendMessageResponse {
        md5_of_message_body: prepared.body_md5,
        md5_of_message_attributes: prepared.attributes_md5,
        md5_of_message_system_attributes: prepared.system_attributes_md5,
        message_id: accepted.message_id,
        sequence_number: accepted.sequence_number,
    }))
}

/// What is longer than any queue's limit needn't go further; the refusal names this queue's own limit.
async fn too_long(call: &Call<'_>, name: QueueName) -> Result<ServiceError, ServiceError> {
    let queue = call.describe(name).await?;
    let limit = queue.attributes.get("MaximumMessageSize").and_then(|limit| limit.parse().ok());
    let error = EngineError::MessageTooLong { limit_bytes: limit.unwrap_or(MAX_MESSAGE_BYTES) };
    Ok(from_engine(error, About::default()))
}
