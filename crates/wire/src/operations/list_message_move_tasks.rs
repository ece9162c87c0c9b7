//! `ListMessageMoveTasks`: the latest move tasks of a dead-letter queue.

use crate::error::ServiceError;
use crate::fields::Fields;
use crate::shapes::ListName;
use crate::sink::Sink;

const RESULTS: ListName = ListName { json: "Results", query: "ListMessageMoveTasksResultEntry" };

/// What `ListMessageMoveTasks` is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListMessageMoveTasksRequest {
    /// The dead-letter queue's ARN.
    pub source_arn: String,
    /// How many tasks at most; one when absent.
    pub max_results: Option<i32>,
}

impl ListMessageMoveTasksRequest {
    pub(crate) fn read<F: Fields>(fields: &mut F) -> Result<Self, ServiceError> {
        Ok(Self {
            source_arn: fields.required_string("SourceArn")?,
            max_results: fields.integer("MaxResults")?,
        })
    }
}

/// What `ListMessageMoveTasks` answers, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListMessageMoveTasksResponse {
    /// The tasks.
    pub results: Vec<ListMessageMoveTasksResultEntry>,
}

/// One move task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListMessageMoveTasksResultEntry {
    /// What cancels the task; shown only while it runs.
    pub task_handle: Option<String>,
    /// RUNNING, COMPLETED, CANCELLING, CANCELLED or FAILED.
    pub status: String,
    /// The dead-letter queue's ARN.
    pub source_arn: String,
    /// Where the messages go, if the caller said so.
    pub destination_arn: Option<String>,
    /// The highest rate, if the caller gave one.
    pub max_number_of_messages_per_second: Option<i32>,
    /// How many messages have been moved.
    pub approximate_number_of_messages_moved: i64,
    /// How many there were when the task started.
    pub approximate_number_of_messages_to_move: Option<i64>,
    /// Why it failed.
    pub failure_reason: Option<String>,
    /// When it started, in milliseconds since 1970.
    pub started_timestamp_ms: i64,
}

impl ListMessageMoveTasksResponse {
    pub(crate) fn write<S: Sink>(&self, sink: &mut S) {
        sink.structures(&RESULTS, &self.results, ListMessageMoveTasksResultEntry::write);
    }
}

impl ListMessageMoveTasksResultEntry {
    fn write<S: Sink>(&self, sink: &mut S) {
        sink.optional_string("TaskHandle", self.task_handle.as_deref());
        sink.string("Status", &self.status);
        sink.string("SourceArn", &self.source_arn);
        sink.optional_string("DestinationArn", self.destination_arn.as_deref());
        sink.optional_integer(
            "MaxNumberOfMessagesPerSecond",
            self.max_number_of_messages_per_second.map(i64::from),
        );
        sink.integer("ApproximateNumberOfMessagesMoved", self.approximate_number_of_messages_moved);
        sink.optional_integer(
            "ApproximateNumberOfMessagesToMove",
            self.approximate_number_of_messages_to_move,
        );
        sink.optional_string("FailureReason", self.failure_reason.as_deref());
        sink.integer("StartedTimestamp", self.started_timestamp_ms);
    }
}
