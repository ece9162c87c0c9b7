//! RemovePermission.

use super::permission::edit_policy;
use crate::call::Call;
use crate::policy::{check_label, remove};
use bongsu_wire::{Output, RemovePermissionRequest, ServiceError};

pub(super) async fn run(call: &Call<'_>, request: RemovePermissionRequest) -> Result<Output, ServiceError> {
    let name = call.queue(&request.queue_url)?;
    check_label(&request.label)?;
    edit_policy(call, name, |policy| remove(policy, &request.label)).await?;
    Ok(Output::RemovePermission)
}
