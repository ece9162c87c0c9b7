//! `DeleteMessage`: removes a received message for good.

use crate::error::ServiceError;
use crate::fields::Fields;

/// What `DeleteMessage` is asked for. Its answer has no members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteMessageRequest {
    /// The queue's URL, or what the caller gave instead of one.
    pub queue_url: String,
    /// The handle that the receive returned.
    pub receipt_handle: String,
}

impl DeleteMessageRequest {
    pub(crate) fn read<F: Fields>(fields: &mut F) -> Result<Self, ServiceError> {
        Ok(Self { queue_url: fields.queue_url()?, receipt_handle: fields.required_string("ReceiptHandle")? })
    }
}
