//! `RemovePermission`: removes a statement from a queue's policy.

use crate::error::ServiceError;
use crate::fields::Fields;

/// What `RemovePermission` is asked for. Its answer has no members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovePermissionRequest {
    /// The queue's URL, or what the caller gave instead of one.
    pub queue_url: String,
    /// The statement's name.
    pub label: String,
}

impl RemovePermissionRequest {
    pub(crate) fn read<F: Fields>(fields: &mut F) -> Result<Self, ServiceError> {
        Ok(Self { queue_url: fields.queue_url()?, label: fields.required_string("Label")? })
    }
}
