//! `DeleteQueue`: removes a queue with everything in it.

use crate::error::ServiceError;
use crate::fields::Fields;

/// What `DeleteQueue` is asked for. Its answer has no members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteQueueRequest {
    /// The queue's URL, or what the caller gave instead of one.
    pub queue_url: String,
}

impl DeleteQueueRequest {
    pub(crate) fn read<F: Fields>(fields: &mut F) -> Result<Self, ServiceError> {
        Ok(Self { queue_url: fields.queue_url()? })
    }
}
