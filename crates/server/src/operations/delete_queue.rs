//! DeleteQueue.

use crate::call::Call;
use crate::errors::About;
use bongsu_engine::Command;
use bongsu_wire::{DeleteQueueRequest, Output, ServiceError};

pub(super) async fn run(call: &Call<'_>, request: DeleteQueueRequest) -> Result<Output, ServiceError> {
    let name = call.queue(&request.queue_url)?;
    call.order(Command::DeleteQueue(name.clone()), About::default()).await?;
    call.edge.watch.counters().forget(&name);
    Ok(Output::DeleteQueue)
}
