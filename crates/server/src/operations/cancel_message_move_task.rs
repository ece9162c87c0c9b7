//! CancelMessageMoveTask.

use super::move_task::OpenedHandle;
use crate::call::{Call, unexpected};
use crate::errors::{About, from_call, invalid_parameter, move_source_not_found};
use bongsu_engine::{Command, EngineError, Reply};
use bongsu_node::CallError;
use bongsu_wire::{CancelMessageMoveTaskRequest, CancelMessageMoveTaskResponse, Output, ServiceError};

pub(super) async fn run(
    call: &Call<'_>,
    request: CancelMessageMoveTaskRequest,
) -> Result<Output, ServiceError> {
    if request.task_handle.is_empty() {
        return Err(invalid_parameter("The TaskHandle parameter is required."));
    }
    let handle = OpenedHandle::open(&request.task_handle)?;
    let source = match call.edge.node.call(Command::Describe(handle.source.clone())).await {
        Ok(Reply::Description(queue)) => queue.id,
        Ok(other) => return Err(unexpected(&other)),
        Err(CallError::Engine(EngineError::QueueDoesNotExist(_))) => return Err(move_source_not_found()),
        Err(error) => return Err(from_call(error, About::default())),
    };
    match call.ask(Command::CancelMoveTask(handle.task(source)), About::default()).await? {
        Reply::TaskCancelled { moved } => Ok(Output::CancelMessageMoveTask(CancelMessageMoveTaskResponse {
            approximate_number_of_messages_moved: i64::try_from(moved).unwrap_or(i64::MAX),
        })),
        other => Err(unexpected(&other)),
    }
}
