//! CreateQueue.

use super::tags;
use crate::call::Call;
use crate::errors::{About, invalid_parameter};
use crate::policy;
use bongsu_engine::{Command, QueueName};
use bongsu_wire::{CreateQueueRequest, CreateQueueResponse, Output, ServiceError};

pub(super) async fn run(call: &Call<'_>, request: CreateQueueRequest) -> Result<Output, ServiceError> {
    if request.queue_name.is_empty() {
        return Err(invalid_parameter("Queue name cannot be empty"));
    }
    if let Some(text) = request.attributes.get("Policy") {
        policy::check(text)?;
    }
    tags::check(&request.tags)?;
    let name = QueueName::new(&call.caller.account, &call.caller.region, request.queue_name);
    let queue_url = call.queue_url(&name);
    let about_name = name.name.clone();
    let about = About { queue_name: &about_name, ..About::default() };
    let command = Command::CreateQueue { name, attributes: request.attributes, tags: request.tags };
    call.order(command, about).await?;
    Ok(Output::CreateQueue(CreateQueueResponse { queue_url }))
}
