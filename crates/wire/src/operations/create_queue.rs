//! `CreateQueue`: makes a queue, or confirms that it is there with these attributes.

use crate::error::ServiceError;
use crate::fields::Fields;
use crate::shapes::{ATTRIBUTES, MapName, StringMap, TAGS};
use crate::sink::Sink;

/// The one place where the model writes the member with a small letter.
const SMALL_TAGS: MapName = MapName { json: "tags", ..TAGS };

/// What `CreateQueue` is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateQueueRequest {
    /// The queue's name, `.fifo` included.
    pub queue_name: String,
    /// Attributes by name; those left out have their defaults.
    pub attributes: StringMap,
    /// Tags by key.
    pub tags: StringMap,
}

impl CreateQueueRequest {
    pub(crate) fn read<F: Fields>(fields: &mut F) -> Result<Self, ServiceError> {
        Ok(Self {
            queue_name: fields.queue_name()?,
            attributes: fields.string_map(&ATTRIBUTES)?,
            tags: fields.string_map(&SMALL_TAGS)?,
        })
    }
}

/// What `CreateQueue` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateQueueResponse {
    /// The queue's URL.
    pub queue_url: String,
}

impl CreateQueueResponse {
    pub(crate) fn write<S: Sink>(&self, sink: &mut S) {
        sink.string("QueueUrl", &self.queue_url);
    }
}
