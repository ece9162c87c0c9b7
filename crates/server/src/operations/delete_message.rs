//! DeleteMessage.

use crate::call::{Call, unexpected};
use crate::errors::{About, from_engine, internal_failure, invalid_receipt_handle};
use bongsu_engine::{Command, Reply};
use bongsu_wire::{DeleteMessageRequest, Output, ServiceError};

pub(super) async fn run(call: &Call<'_>, request: DeleteMessageRequest) -> Result<Output, ServiceError> {
    let name = call.queue(&request.queue_url)?;
    let handle = request.receipt_handle.as_str();
    if handle.is_empty() {
        return Err(ServiceError::missing_parameter("ReceiptHandle"));
    }
    let Some(receipt) = call.edge.sealer.open(handle) else {
        // Whether the queue is there is said first.
        call.describe(name).await?;
        return Err(invalid_receipt_handle(handle));
    };
    let counting = call.edge.facts.counting(&name);
    let about = About { receipt_handle: handle, ..About::default() };
    match call.ask(Command::Delete { name, receipts: vec![receipt] }, about).await? {
        Reply::Each(mut results) => {
            let result = results.pop().ok_or_else(internal_failure)?;
            result.map_err(|error| from_engine(error, about))?;
            counting.now().deleted(1);
            Ok(Output::DeleteMessage)
        }
        other => Err(unexpected(&other)),
    }
}
