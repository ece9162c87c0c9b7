//! `ListDeadLetterSourceQueues`: the queues that move their failed messages to this one, in pages.

use crate::error::ServiceError;
use crate::fields::Fields;
use crate::shapes::ListName;
use crate::sink::Sink;

/// Written with a small letter in the model, unlike `ListQueues`'s.
const SMALL_QUEUE_URLS: ListName = ListName { json: "queueUrls", query: "QueueUrl" };

/// What `ListDeadLetterSourceQueues` is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListDeadLetterSourceQueuesRequest {
    /// The dead-letter queue's URL, or what the caller gave instead of one.
    pub queue_url: String,
    /// Where the last page ended.
    pub next_token: Option<String>,
    /// How many queues a page has; without it there is one page and no token.
    pub max_results: Option<i32>,
}

impl ListDeadLetterSourceQueuesRequest {
    pub(crate) fn read<F: Fields>(fields: &mut F) -> Result<Self, ServiceError> {
        Ok(Self {
            queue_url: fields.queue_url()?,
            next_token: fields.string("NextToken")?,
            max_results: fields.integer("MaxResults")?,
        })
    }
}

/// What `ListDeadLetterSourceQueues` answers; without queues the list is absent on the wire, though the model
/// requires it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListDeadLetterSourceQueuesResponse {
    /// The source queues' URLs.
    pub queue_urls: Vec<String>,
    /// Where this page ended; absent on the last one.
    pub next_token: Option<String>,
}

impl ListDeadLetterSourceQueuesResponse {
    pub(crate) fn write<S: Sink>(&self, sink: &mut S) {
        sink.present_strings(&SMALL_QUEUE_URLS, &self.queue_urls);
        sink.optional_string("NextToken", self.next_token.as_deref());
    }
}
