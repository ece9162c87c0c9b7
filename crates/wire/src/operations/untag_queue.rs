//! `UntagQueue`: removes tags from a queue.

use crate::error::ServiceError;
use crate::fields::Fields;
use crate::shapes::ListName;

const TAG_KEYS: ListName = ListName { json: "TagKeys", query: "TagKey" };

/// What `UntagQueue` is asked for. Its answer has no members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UntagQueueRequest {
    /// The queue's URL, or what the caller gave instead of one.
    pub queue_url: String,
    /// The keys of the tags to remove, never empty.
    pub tag_keys: Vec<String>,
}

impl UntagQueueRequest {
    pub(crate) fn read<F: Fields>(fields: &mut F) -> Result<Self, ServiceError> {
        Ok(Self { queue_url: fields.queue_url()?, tag_keys: fields.required_strings(&TAG_KEYS)? })
    }
}
