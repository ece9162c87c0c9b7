//! SendMessageBatch. Entries fail one by one, but for what a FIFO queue refuses: there SQS refuses the whole batch,
//! because a message that is left out would change the order of those behind it.

use super::batch;
use super::outgoing::{Draft, Prepared, accepted};
use crate::call::{Call, unexpected};
use crate::errors::{About, from_engine, internal_failure, invalid_parameter, invalid_value};
use crate::keys::Sealing;
use bongsu_engine::attributes::boolean;
use bongsu_engine::{Command, EngineError, QueueName, Reply, Sent};
use bongsu_wire::{
    BatchResultErrorEntry, ErrorKind, Output, SendMessageBatchRequest, SendMessageBatchRequestEntry,
    SendMessageBatchResponse, SendMessageBatchResultEntry, ServiceError, md5,
};

/// The longest batch, all entries together.
const MAX_BATCH_BYTES: u64 = 1_048_576;

pub(super) async fn run(call: &Call<'_>, request: SendMessageBatchRequest) -> Result<Output, ServiceError> {
    let name = call.queue(&request.queue_url)?;
    batch::check("SendMessageBatchRequestEntry", request.entries.iter().map(|entry| entry.id.as_str()))?;
    let entries: Vec<(String, Draft)> = request.entries.into_iter().map(draft).collect();
    let size_bytes: u64 = entries.iter().map(|(_, draft)| draft.size_bytes()).sum();
    if size_bytes > MAX_BATCH_BYTES {
        return Err(ServiceError::new(
            ErrorKind::BatchRequestTooLong,
            format!(
                "Batch requests cannot be longer than {MAX_BATCH_BYTES} bytes. You have sent {size_bytes} bytes."
            ),
        ));
    }
    let fifo = name.is_fifo();
    if fifo {
        check_fifo(call, &name, &entries).await?;
    }
    let sealing = call.sealing(&name).await?;
    if let Sealing::NoQueue = sealing {
        return Err(ServiceError::queue_does_not_exist());
    }
    let bodies: Vec<&str> = entries.iter().map(|(_, draft)| draft.body.as_str()).collect();
    let digests = md5::bodies(&bodies);
    let mut prepared = Vec::with_capacity(entries.len());
    for (index, ((id, draft), body_md5)) in entries.into_iter().zip(digests).enumerate() {
        prepared.push((id, prepare((call, &sealing), fifo, index, draft, body_md5)));
    }
    send(call, name, prepared).await
}

fn draft(entry: SendMessageBatchRequestEntry) -> (String, Draft) {
    let draft = Draft {
        body: entry.message_body,
        delay_seconds: entry.delay_seconds,
        attributes: entry.message_attributes,
        system_attributes: entry.message_system_attributes,
        deduplication_id: entry.message_deduplication_id,
        group_id: entry.message_group_id,
    };
    (entry.id, draft)
}

/// What SQS refuses a whole batch for on a FIFO queue.
async fn check_fifo(
    call: &Call<'_>,
    name: &QueueName,
    entries: &[(String, Draft)],
) -> Result<(), ServiceError> {
    for (index, (_, draft)) in entries.iter().enumerate() {
        if draft.body.is_empty() {
            return Err(missing_body(index));
        }
        if draft.group_id.is_none() {
            return Err(invalid_parameter("The request must contain the parameter MessageGroupId."));
        }
        if let Some(delay_seconds) = draft.delay_seconds.filter(|delay_seconds| *delay_seconds != 0) {
            let reason = "The request include parameter that is not valid for this queue type.";
            return Err(invalid_value(delay_seconds, "DelaySeconds", reason));
        }
    }
    if entries.iter().any(|(_, draft)| draft.deduplication_id.is_none()) {
        let facts = call.edge.facts.of(&call.edge.node, name).await?;
        let facts = facts.ok_or_else(ServiceError::queue_does_not_exist)?;
        let by_content = facts.attributes.get("ContentBasedDeduplication").and_then(|value| boolean(value));
        if by_content != Some(true) {
            return Err(from_engine(EngineError::MissingDeduplicationId, About::default()));
        }
    }
    Ok(())
}

fn prepare(
    (call, sealing): (&Call<'_>, &Sealing),
    fifo: bool,
    index: usize,
    draft: Draft,
    body_md5: md5::Digest,
) -> Result<Prepared, ServiceError> {
    if draft.body.is_empty() {
        return Err(missing_body(index));
    }
    draft.prepare(call, fifo, body_md5, sealing)
}

fn missing_body(index: usize) -> ServiceError {
    ServiceError::missing_parameter(&format!("SendMessageBatchRequestEntry.{}.MessageBody", index + 1))
}

/// Sends what is in order, and puts results and refusals together in the entries' order.
async fn send(
    call: &Call<'_>,
    name: QueueName,
    prepared: Vec<(String, Result<Prepared, ServiceError>)>,
) -> Result<Output, ServiceError> {
    let fifo = name.is_fifo();
    let mut messages = Vec::with_capacity(prepared.len());
    let mut told = Vec::with_capacity(prepared.len());
    for (id, result) in prepared {
        told.push(match result {
            Ok(Prepared { outgoing, body_md5, attributes_md5, system_attributes_md5 }) => {
                let size_bytes = outgoing.size_bytes;
                messages.push(outgoing);
                (id, Ok((size_bytes, body_md5, attributes_md5, system_attributes_md5)))
            }
            Err(error) => (id, Err(error)),
        });
    }
    let mut results = ask(call, name, messages).await?.into_iter();
    let mut response = SendMessageBatchResponse::default();
    for (id, told) in told {
        let sent = match told {
            Err(error) => Err(error),
            Ok(digests) => {
                let result = results.next().ok_or_else(internal_failure)?;
                result.map(|sent| (sent, digests)).map_err(batch_error)
            }
        };
        match sent {
            Ok((sent, (size_bytes, body_md5, attributes_md5, system_attributes_md5))) => {
                if let Some(counters) = call.watching.counters() {
                    counters.sent(size_bytes);
                }
                let accepted = accepted(sent, fifo);
                response.successful.push(SendMessageBatchResultEntry {
                    id,
                    message_id: accepted.message_id,
                    md5_of_message_body: body_md5,
                    md5_of_message_attributes: attributes_md5,
                    md5_of_message_system_attributes: system_attributes_md5,
                    sequence_number: accepted.sequence_number,
                });
            }
            Err(error) => response.failed.push(BatchResultErrorEntry::new(id, &error)),
        }
    }
    Ok(Output::SendMessageBatch(response))
}

/// A batch of which no entry is in order still learns whether the queue is there.
async fn ask(
    call: &Call<'_>,
    name: QueueName,
    messages: Vec<bongsu_engine::Outgoing>,
) -> Result<Vec<Result<Sent, EngineError>>, ServiceError> {
    if messages.is_empty() {
        return call.describe(name).await.map(|_| Vec::new());
    }
    match call.ask(Command::Send { name, messages }, About::default()).await? {
        Reply::Sent(results) => Ok(results),
        other => Err(unexpected(&other)),
    }
}

/// Some refusals have other words, or another code, in a batch.
fn batch_error(error: EngineError) -> ServiceError {
    match error {
        EngineError::MissingGroupId => {
            invalid_parameter("The request must contain the parameter MessageGroupId.")
        }
        EngineError::UnexpectedDeduplicationId => {
            invalid_parameter("The request include parameter that is not valid for this queue type")
        }
        other => from_engine(other, About::default()),
    }
}
