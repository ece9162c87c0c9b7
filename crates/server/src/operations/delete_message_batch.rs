//! DeleteMessageBatch.

use super::batch;
use crate::call::{Call, unexpected};
use crate::errors::{About, from_engine, internal_failure, invalid_receipt_handle};
use bongsu_engine::{Command, Reply};
use bongsu_wire::{
    BatchResultErrorEntry, DeleteMessageBatchRequest, DeleteMessageBatchResponse,
    DeleteMessageBatchResultEntry, Output, ServiceError,
};

pub(super) async fn run(call: &Call<'_>, request: DeleteMessageBatchRequest) -> Result<Output, ServiceError> {
    let name = call.queue(&request.queue_url)?;
    let entries = request.entries;
    batch::check("DeleteMessageBatchRequestEntry", entries.iter().map(|entry| entry.id.as_str()))?;
    let opened: Vec<_> = entries.iter().map(|entry| call.edge.sealer.open(&entry.receipt_handle)).collect();
    let counting = call.edge.facts.counting(&name);
    let command = Command::Delete { name, receipts: opened.iter().flatten().copied().collect() };
    let mut results = match call.ask(command, About::default()).await? {
        Reply::Each(results) => results.into_iter(),
        other => return Err(unexpected(&other)),
    };
    let mut response = DeleteMessageBatchResponse::default();
    for (entry, opened) in entries.into_iter().zip(opened) {
        let about = About { receipt_handle: &entry.receipt_handle, ..About::default() };
        let result = match opened {
            Some(_) => {
                let result = results.next().ok_or_else(internal_failure)?;
                result.map_err(|error| from_engine(error, about))
            }
            None if entry.receipt_handle.is_empty() => Err(ServiceError::missing_parameter("ReceiptHandle")),
            None => Err(invalid_receipt_handle(&entry.receipt_handle)),
        };
        match result {
            Ok(()) => response.successful.push(DeleteMessageBatchResultEntry { id: entry.id }),
            Err(error) => response.failed.push(BatchResultErrorEntry::new(entry.id, &error)),
        }
    }
    if !response.successful.is_empty() {
        counting.now().deleted(response.successful.len());
    }
    Ok(Output::DeleteMessageBatch(response))
}
