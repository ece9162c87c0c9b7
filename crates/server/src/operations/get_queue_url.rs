//! GetQueueUrl.

use crate::call::Call;
use crate::errors::invalid_parameter;
use bongsu_engine::QueueName;
use bongsu_wire::{GetQueueUrlRequest, GetQueueUrlResponse, Output, ServiceError};

pub(super) async fn run(call: &Call<'_>, request: GetQueueUrlRequest) -> Result<Output, ServiceError> {
    if request.queue_name.is_empty() {
        return Err(invalid_parameter(
            "Value for parameter QueueName is invalid. Reason: Must specify a queue name.",
        ));
    }
    let account = request.queue_owner_aws_account_id.filter(|account| !account.is_empty());
    let account = account.unwrap_or_else(|| call.caller.account.clone());
    let name = QueueName::new(account, &call.caller.region, request.queue_name);
    let queue = call.describe(name).await?;
    Ok(Output::GetQueueUrl(GetQueueUrlResponse { queue_url: call.queue_url(&queue.name) }))
}
