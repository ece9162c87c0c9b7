//! `GetQueueUrl`: finds a queue by its name.

use crate::error::ServiceError;
use crate::fields::Fields;
use crate::sink::Sink;

/// What `GetQueueUrl` is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetQueueUrlRequest {
    /// The queue's name, `.fifo` included.
    pub queue_name: String,
    /// The account that owns the queue; the caller's when absent.
    pub queue_owner_aws_account_id: Option<String>,
}

impl GetQueueUrlRequest {
    pub(crate) fn read<F: Fields>(fields: &mut F) -> Result<Self, ServiceError> {
        Ok(Self {
            queue_name: fields.queue_name()?,
            queue_owner_aws_account_id: fields.string("QueueOwnerAWSAccountId")?,
        })
    }
}

/// What `GetQueueUrl` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetQueueUrlResponse {
    /// The queue's URL.
    pub queue_url: String,
}

impl GetQueueUrlResponse {
    pub(crate) fn write<S: Sink>(&self, sink: &mut S) {
        sink.string("QueueUrl", &self.queue_url);
    }
}
