//! GetQueueAttributes.

use crate::attributes;
use crate::call::Call;
use bongsu_wire::{GetQueueAttributesRequest, GetQueueAttributesResponse, Output, ServiceError};

pub(super) async fn run(call: &Call<'_>, request: GetQueueAttributesRequest) -> Result<Output, ServiceError> {
    let queue = call.describe(call.queue(&request.queue_url)?).await?;
    let attributes = attributes::view(&queue, &request.attribute_names)?;
    Ok(Output::GetQueueAttributes(GetQueueAttributesResponse { attributes }))
}
