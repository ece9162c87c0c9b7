//! `ListQueues`: the queues of the caller's account, by prefix and in pages.

use crate::error::ServiceError;
use crate::fields::Fields;
use crate::shapes::ListName;
use crate::sink::Sink;

const QUEUE_URLS: ListName = ListName { json: "QueueUrls", query: "QueueUrl" };

/// What `ListQueues` is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQueuesRequest {
    /// What the names begin with; any when absent.
    pub queue_name_prefix: Option<String>,
    /// Where the last page ended.
    pub next_token: Option<String>,
    /// How many queues a page has; without it there is one page and no token.
    pub max_results: Option<i32>,
}

impl ListQueuesRequest {
    pub(crate) fn read<F: Fields>(fields: &mut F) -> Result<Self, ServiceError> {
        Ok(Self {
            queue_name_prefix: fields.string("QueueNamePrefix")?,
            next_token: fields.string("NextToken")?,
            max_results: fields.integer("MaxResults")?,
        })
    }
}

/// What `ListQueues` answers; without queues the list is absent on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListQueuesResponse {
    /// The queues' URLs.
    pub queue_urls: Vec<String>,
    /// Where this page ended; absent on the last one.
    pub next_token: Option<String>,
}

impl ListQueuesResponse {
    pub(crate) fn write<S: Sink>(&self, sink: &mut S) {
        sink.present_strings(&QUEUE_URLS, &self.queue_urls);
        sink.optional_string("NextToken", self.next_token.as_deref());
    }
}
