//! ChangeMessageVisibility.

use super::receive_message::MAX_VISIBILITY_SECONDS;
use crate::call::{Call, unexpected};
use crate::errors::{About, from_engine, internal_failure, invalid_value};
use bongsu_engine::{Command, Reply};
use bongsu_wire::{ChangeMessageVisibilityRequest, ErrorKind, Output, ServiceError};

pub(super) async fn run(
    call: &Call<'_>,
    request: ChangeMessageVisibilityRequest,
) -> Result<Output, ServiceError> {
    let name = call.queue(&request.queue_url)?;
    let handle = request.receipt_handle.as_str();
    if handle.is_empty() {
        return Err(ServiceError::missing_parameter("ReceiptHandle"));
    }
    let timeout_seconds = request.visibility_timeout;
    let timeout_ms = timeout_ms(timeout_seconds)
        .ok_or_else(|| invalid_value(timeout_seconds, "VisibilityTimeout", "Must be between 0 and 43200."))?;
    let Some(receipt) = call.edge.sealer.open(handle) else {
        call.describe(name).await?;
        // In other words than DeleteMessage, as recorded.
        return Err(ServiceError::new(
            ErrorKind::ReceiptHandleIsInvalid,
            "The input receipt handle is invalid.",
        ));
    };
    let about =
        About { receipt_handle: handle, visibility_timeout_seconds: timeout_seconds, ..About::default() };
    match call.ask(Command::ChangeVisibility { name, changes: vec![(receipt, timeout_ms)] }, about).await? {
        Reply::Each(mut results) => {
            let result = results.pop().ok_or_else(internal_failure)?;
            result.map(|()| Output::ChangeMessageVisibility).map_err(|error| from_engine(error, about))
        }
        other => Err(unexpected(&other)),
    }
}

/// Milliseconds, where the seconds are in range.
pub(super) fn timeout_ms(timeout_seconds: i32) -> Option<u64> {
    let seconds = u64::try_from(timeout_seconds).ok()?;
    (seconds <= MAX_VISIBILITY_SECONDS).then_some(seconds * 1000)
}
