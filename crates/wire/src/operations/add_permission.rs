//! `AddPermission`: adds a statement to a queue's policy.

use crate::error::ServiceError;
use crate::fields::Fields;
use crate::shapes::ListName;

const AWS_ACCOUNT_IDS: ListName = ListName { json: "AWSAccountIds", query: "AWSAccountId" };
const ACTIONS: ListName = ListName { json: "Actions", query: "ActionName" };

/// What `AddPermission` is asked for. Its answer has no members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddPermissionRequest {
    /// The queue's URL, or what the caller gave instead of one.
    pub queue_url: String,
    /// The statement's name, unique within the policy.
    pub label: String,
    /// The accounts that are given the permission, never empty.
    pub aws_account_ids: Vec<String>,
    /// The actions that are allowed, never empty; `*` is all of them.
    pub actions: Vec<String>,
}

impl AddPermissionRequest {
    pub(crate) fn read<F: Fields>(fields: &mut F) -> Result<Self, ServiceError> {
        Ok(Self {
            queue_url: fields.queue_url()?,
            label: fields.required_string("Label")?,
            aws_account_ids: fields.required_strings(&AWS_ACCOUNT_IDS)?,
            actions: fields.required_strings(&ACTIONS)?,
        })
    }
}
