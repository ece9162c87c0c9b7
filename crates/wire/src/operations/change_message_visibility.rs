//! `ChangeMessageVisibility`: hides a received message for longer, or shows it again.

use crate::error::ServiceError;
use crate::fields::Fields;

/// What `ChangeMessageVisibility` is asked for. Its answer has no members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeMessageVisibilityRequest {
    /// The queue's URL, or what the caller gave instead of one.
    pub queue_url: String,
    /// The handle that the receive returned.
    pub receipt_handle: String,
    /// Seconds from now until the message can be received again.
    pub visibility_timeout: i32,
}

impl ChangeMessageVisibilityRequest {
    pub(crate) fn read<F: Fields>(fields: &mut F) -> Result<Self, ServiceError> {
        Ok(Self {
            queue_url: fields.queue_url()?,
            receipt_handle: fields.required_string("ReceiptHandle")?,
            visibility_timeout: fields.required_integer("VisibilityTimeout")?,
        })
    }
}
