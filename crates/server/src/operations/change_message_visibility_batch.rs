//! ChangeMessageVisibilityBatch.

use super::batch;
use super::change_message_visibility::timeout_ms;
use crate::call::{Call, unexpected};
use crate::errors::{About, from_engine, internal_failure, invalid_receipt_handle, invalid_value};
use bongsu_engine::{Command, Receipt, Reply};
use bongsu_wire::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequest, ChangeMessageVisibilityBatchRequestEntry,
    ChangeMessageVisibilityBatchResponse, ChangeMessageVisibilityBatchResultEntry, Output, ServiceError,
};

pub(super) async fn run(
    call: &Call<'_>,
    request: ChangeMessageVisibilityBatchRequest,
) -> Result<Output, ServiceError> {
    let name = call.queue(&request.queue_url)?;
    let entries = request.entries;
    batch::check("ChangeMessageVisibilityBatchRequestEntry", entries.iter().map(|entry| entry.id.as_str()))?;
    let checked: Vec<_> =
        entries.iter().enumerate().map(|(index, entry)| check(call, index, entry)).collect();
    let changes = checked.iter().filter_map(|change| change.as_ref().ok().copied()).collect();
    let mut results = match call.ask(Command::ChangeVisibility { name, changes }, About::default()).await? {
        Reply::Each(results) => results.into_iter(),
        other => return Err(unexpected(&other)),
    };
    let mut response = ChangeMessageVisibilityBatchResponse::default();
    for (entry, checked) in entries.into_iter().zip(checked) {
        let about = About {
            receipt_handle: &entry.receipt_handle,
            visibility_timeout_seconds: entry.visibility_timeout.unwrap_or_default(),
            ..About::default()
        };
        let result = match checked {
            Ok(_) => {
                let result = results.next().ok_or_else(internal_failure)?;
                result.map_err(|error| from_engine(error, about))
            }
            Err(error) => Err(error),
        };
        match result {
            Ok(()) => response.successful.push(ChangeMessageVisibilityBatchResultEntry { id: entry.id }),
            Err(error) => response.failed.push(BatchResultErrorEntry::new(entry.id, &error)),
        }
    }
    Ok(Output::ChangeMessageVisibilityBatch(response))
}

/// What the entry alone decides.
fn check(
    call: &Call<'_>,
    index: usize,
    entry: &ChangeMessageVisibilityBatchRequestEntry,
) -> Result<(Receipt, u64), ServiceError> {
    if entry.receipt_handle.is_empty() {
        return Err(ServiceError::missing_parameter("ReceiptHandle"));
    }
    let timeout_seconds = entry.visibility_timeout.ok_or_else(|| {
        let place = index + 1;
        ServiceError::missing_parameter(&format!(
            "ChangeMessageVisibilityBatchRequestEntry.{place}.VisibilityTimeout"
        ))
    })?;
    let timeout_ms = timeout_ms(timeout_seconds).ok_or_else(|| {
        let reason = "VisibilityTimeout must be an integer between 0 and 43200.";
        invalid_value(timeout_seconds, "VisibilityTimeout", reason)
    })?;
    let receipt = call.edge.sealer.open(&entry.receipt_handle);
    receipt.map(|receipt| (receipt, timeout_ms)).ok_or_else(|| invalid_receipt_handle(&entry.receipt_handle))
}
