//! `StartMessageMoveTask`: begins to move the messages of a dead-letter queue.

use crate::error::ServiceError;
use crate::fields::Fields;
use crate::sink::Sink;

/// What `StartMessageMoveTask` is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartMessageMoveTaskRequest {
    /// The dead-letter queue's ARN.
    pub source_arn: String,
    /// Where the messages go; back to each one's own source when absent.
    pub destination_arn: Option<String>,
    /// The highest rate; as fast as possible when absent.
    pub max_number_of_messages_per_second: Option<i32>,
}

impl StartMessageMoveTaskRequest {
    pub(crate) fn read<F: Fields>(fields: &mut F) -> Result<Self, ServiceError> {
        Ok(Self {
            source_arn: fields.required_string("SourceArn")?,
            destination_arn: fields.string("DestinationArn")?,
            max_number_of_messages_per_second: fields.integer("MaxNumberOfMessagesPerSecond")?,
        })
    }
}

/// What `StartMessageMoveTask` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartMessageMoveTaskResponse {
    /// What cancels the task.
    pub task_handle: String,
}

impl StartMessageMoveTaskResponse {
    pub(crate) fn write<S: Sink>(&self, sink: &mut S) {
        sink.string("TaskHandle", &self.task_handle);
    }
}
