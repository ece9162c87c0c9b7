//! SetQueueAttributes.

use crate::call::Call;
use crate::errors::About;
use crate::policy;
use bongsu_engine::Command;
use bongsu_wire::{Output, ServiceError, SetQueueAttributesRequest};

pub(super) async fn run(call: &Call<'_>, request: SetQueueAttributesRequest) -> Result<Output, ServiceError> {
    let name = call.queue(&request.queue_url)?;
    if let Some(text) = request.attributes.get("Policy") {
        policy::check(text)?;
    }
    let about_name = name.name.clone();
    let about = About { queue_name: &about_name, ..About::default() };
    call.order(Command::SetAttributes { name, attributes: request.attributes }, about).await?;
    Ok(Output::SetQueueAttributes)
}
