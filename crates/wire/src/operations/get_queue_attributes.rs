//! `GetQueueAttributes`: settings and counts of a queue.

use crate::error::ServiceError;
use crate::fields::Fields;
use crate::shapes::{ATTRIBUTE_NAMES, ATTRIBUTES, StringMap};
use crate::sink::Sink;

/// What `GetQueueAttributes` is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetQueueAttributesRequest {
    /// The queue's URL, or what the caller gave instead of one.
    pub queue_url: String,
    /// The attributes to return; `All` is all of them, none is none.
    pub attribute_names: Vec<String>,
}

impl GetQueueAttributesRequest {
    pub(crate) fn read<F: Fields>(fields: &mut F) -> Result<Self, ServiceError> {
        Ok(Self { queue_url: fields.queue_url()?, attribute_names: fields.strings(&ATTRIBUTE_NAMES)? })
    }
}

/// What `GetQueueAttributes` answers; without attributes the map is absent on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GetQueueAttributesResponse {
    /// Attributes by name.
    pub attributes: StringMap,
}

impl GetQueueAttributesResponse {
    pub(crate) fn write<S: Sink>(&self, sink: &mut S) {
        sink.present_string_map(&ATTRIBUTES, &self.attributes);
    }
}
