//! TagQueue.

use super::tags;
use crate::call::Call;
use crate::errors::About;
use bongsu_engine::Command;
use bongsu_wire::{Output, ServiceError, TagQueueRequest};

pub(super) async fn run(call: &Call<'_>, request: TagQueueRequest) -> Result<Output, ServiceError> {
    let name = call.queue(&request.queue_url)?;
    tags::check(&request.tags)?;
    let about_name = name.name.clone();
    let about = About { queue_name: &about_name, ..About::default() };
    call.order(Command::TagQueue { name, tags: request.tags }, about).await?;
    Ok(Output::TagQueue)
}
