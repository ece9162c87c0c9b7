//! `PurgeQueue`: removes every message of a queue.

use crate::error::ServiceError;
use crate::fields::Fields;

/// What `PurgeQueue` is asked for. Its answer has no members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurgeQueueRequest {
    /// The queue's URL, or what the caller gave instead of one.
    pub queue_url: String,
}

impl PurgeQueueRequest {
    pub(crate) fn read<F: Fields>(fields: &mut F) -> Result<Self, ServiceError> {
        Ok(Self { queue_url: fields.queue_url()? })
    }
}
