//! PurgeQueue.

use crate::call::Call;
use crate::errors::About;
use bongsu_engine::Command;
use bongsu_wire::{Output, PurgeQueueRequest, ServiceError};

pub(super) async fn run(call: &Call<'_>, request: PurgeQueueRequest) -> Result<Output, ServiceError> {
    let name = call.queue(&request.queue_url)?;
    call.order(Command::PurgeQueue(name), About::default()).await?;
    Ok(Output::PurgeQueue)
}
