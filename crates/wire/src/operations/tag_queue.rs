//! `TagQueue`: sets tags of a queue.

use crate::error::ServiceError;
use crate::fields::Fields;
use crate::shapes::{StringMap, TAGS};

/// What `TagQueue` is asked for. Its answer has no members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagQueueRequest {
    /// The queue's URL, or what the caller gave instead of one.
    pub queue_url: String,
    /// Tags by key, never empty.
    pub tags: StringMap,
}

impl TagQueueRequest {
    pub(crate) fn read<F: Fields>(fields: &mut F) -> Result<Self, ServiceError> {
        Ok(Self { queue_url: fields.queue_url()?, tags: fields.required_string_map(&TAGS)? })
    }
}
