//! `ListQueueTags`: the tags of a queue.

use crate::error::ServiceError;
use crate::fields::Fields;
use crate::shapes::{StringMap, TAGS};
use crate::sink::Sink;

/// What `ListQueueTags` is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQueueTagsRequest {
    /// The queue's URL, or what the caller gave instead of one.
    pub queue_url: String,
}

impl ListQueueTagsRequest {
    pub(crate) fn read<F: Fields>(fields: &mut F) -> Result<Self, ServiceError> {
        Ok(Self { queue_url: fields.queue_url()? })
    }
}

/// What `ListQueueTags` answers; without tags the map is absent on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListQueueTagsResponse {
    /// Tags by key.
    pub tags: StringMap,
}

impl ListQueueTagsResponse {
    pub(crate) fn write<S: Sink>(&self, sink: &mut S) {
        sink.present_string_map(&TAGS, &self.tags);
    }
}
