//! `CancelMessageMoveTask`: stops a move task; what has moved stays moved.

use crate::error::ServiceError;
use crate::fields::Fields;
use crate::sink::Sink;

/// What `CancelMessageMoveTask` is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelMessageMoveTaskRequest {
    /// The handle that `StartMessageMoveTask` returned.
    pub task_handle: String,
}

impl CancelMessageMoveTaskRequest {
    pub(crate) fn read<F: Fields>(fields: &mut F) -> Result<Self, ServiceError> {
        Ok(Self { task_handle: fields.required_string("TaskHandle")? })
    }
}

/// What `CancelMessageMoveTask` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelMessageMoveTaskResponse {
    /// How many messages had been moved.
    pub approximate_number_of_messages_moved: i64,
}

impl CancelMessageMoveTaskResponse {
    pub(crate) fn write<S: Sink>(&self, sink: &mut S) {
        sink.integer("ApproximateNumberOfMessagesMoved", self.approximate_number_of_messages_moved);
    }
}
