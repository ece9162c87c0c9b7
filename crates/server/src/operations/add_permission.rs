//! AddPermission.

use super::permission::edit_policy;
use crate::call::Call;
use crate::policy::{Grant, add};
use bongsu_wire::{AddPermissionRequest, Output, ServiceError};

pub(super) async fn run(call: &Call<'_>, request: AddPermissionRequest) -> Result<Output, ServiceError> {
    let name = call.queue(&request.queue_url)?;
    let grant =
        Grant { label: &request.label, accounts: &request.aws_account_ids, actions: &request.actions };
    grant.check()?;
    edit_policy(call, name.clone(), |policy| add(policy, &name, &grant).map(Some)).await?;
    Ok(Output::AddPermission)
}
