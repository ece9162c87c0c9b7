//! ListQueueTags.

use crate::call::Call;
use bongsu_wire::{ListQueueTagsRequest, ListQueueTagsResponse, Output, ServiceError};

pub(super) async fn run(call: &Call<'_>, request: ListQueueTagsRequest) -> Result<Output, ServiceError> {
    let queue = call.describe(call.queue(&request.queue_url)?).await?;
    Ok(Output::ListQueueTags(ListQueueTagsResponse { tags: queue.tags }))
}
