//! SendMessage.

use super::outgoing::{Draft, accepted};
use crate::call::{Call, unexpected};
use crate::errors::{About, from_engine, internal_failure};
use bongsu_engine::{Command, Reply};
use bongsu_wire::{Output, SendMessageRequest, SendMessageResponse, ServiceError};

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
    let prepared = draft.prepare(call, fifo)?;
    let command = Command::Send { name, messages: vec![prepared.outgoing] };
    let sent = match call.ask(command, About::default()).await? {
        Reply::Sent(mut results) => results.pop().ok_or_else(internal_failure)?,
        other => return Err(unexpected(&other)),
    };
    let accepted = accepted(sent.map_err(|error| from_engine(error, About::default()))?, fifo);
    Ok(Output::SendMessage(SendMessageResponse {
        md5_of_message_body: prepared.body_md5,
        md5_of_message_attributes: prepared.attributes_md5,
        md5_of_message_system_attributes: prepared.system_attributes_md5,
        message_id: accepted.message_id,
        sequence_number: accepted.sequence_number,
    }))
}
