//! UntagQueue.

use super::tags;
use crate::call::Call;
use crate::errors::About;
use bongsu_engine::Command;
use bongsu_wire::{Output, ServiceError, UntagQueueRequest};

pub(super) async fn run(call: &Call<'_>, request: UntagQueueRequest) -> Result<Output, ServiceError> {
    let name = call.queue(&request.queue_url)?;
    request.tag_keys.iter().try_for_each(|key| tags::check_key(key))?;
    call.order(Command::UntagQueue { name, keys: request.tag_keys }, About::default()).await?;
    Ok(Output::UntagQueue)
}
