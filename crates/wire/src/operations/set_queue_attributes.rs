//! `SetQueueAttributes`: changes settings of a queue.

use crate::error::ServiceError;
use crate::fields::Fields;
use crate::shapes::{ATTRIBUTES, StringMap};

/// What `SetQueueAttributes` is asked for. Its answer has no members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetQueueAttributesRequest {
    /// The queue's URL, or what the caller gave instead of one.
    pub queue_url: String,
    /// The attributes that change, never empty; an empty value may stand for removing one.
    pub attributes: StringMap,
}

impl SetQueueAttributesRequest {
    pub(crate) fn read<F: Fields>(fields: &mut F) -> Result<Self, ServiceError> {
        Ok(Self { queue_url: fields.queue_url()?, attributes: fields.required_string_map(&ATTRIBUTES)? })
    }
}
