//! ListMessageMoveTasks.

use super::move_task::{handle_of, queue_of_arn};
use crate::call::{Call, unexpected};
use crate::errors::{About, invalid_parameter};
use bongsu_engine::{Command, Reply, TaskStatus, TaskView};
use bongsu_wire::{
    ListMessageMoveTasksRequest, ListMessageMoveTasksResponse, ListMessageMoveTasksResultEntry, Output,
    ServiceError,
};

const MAX_RESULTS: usize = 10;

pub(super) async fn run(
    call: &Call<'_>,
    request: ListMessageMoveTasksRequest,
) -> Result<Output, ServiceError> {
    let source = queue_of_arn("SourceArn", &request.source_arn)?;
    let limit = limit(request.max_results)?;
    match call.ask(Command::ListMoveTasks { source, limit }, About::default()).await? {
        Reply::Tasks(tasks) => Ok(Output::ListMessageMoveTasks(ListMessageMoveTasksResponse {
            results: tasks.into_iter().map(entry).collect(),
        })),
        other => Err(unexpected(&other)),
    }
}

fn limit(max_results: Option<i32>) -> Result<usize, ServiceError> {
    let limit = usize::try_from(max_results.unwrap_or(1)).ok();
    limit.filter(|limit| (1..=MAX_RESULTS).contains(limit)).ok_or_else(|| {
        invalid_parameter(
            "Value for parameter MaxResults is invalid. Reason: You must enter a number that's between 1 and 10.",
        )
    })
}

fn entry(task: TaskView) -> ListMessageMoveTasksResultEntry {
    let status = match task.status {
        TaskStatus::Running => "RUNNING",
        TaskStatus::Completed => "COMPLETED",
        TaskStatus::Cancelling => "CANCELLING",
        TaskStatus::Cancelled => "CANCELLED",
        TaskStatus::Failed => "FAILED",
    };
    ListMessageMoveTasksResultEntry {
        task_handle: (task.status == TaskStatus::Running).then(|| handle_of(task.id, &task.source)),
        status: status.to_owned(),
        source_arn: task.source.arn(),
        destination_arn: task.destination.as_ref().map(|destination| destination.arn()),
        max_number_of_messages_per_second: task.max_per_second.and_then(|rate| i32::try_from(rate).ok()),
        approximate_number_of_messages_moved: count(task.moved),
        approximate_number_of_messages_to_move: Some(count(task.to_move)),
        failure_reason: task.failure,
        started_timestamp_ms: count(task.started_wall_ms),
    }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{entry, limit};
    use bongsu_engine::{QueueId, QueueName, TaskId, TaskStatus, TaskView};

    #[test]
    fn one_task_is_shown_unless_more_are_asked_for() {
        assert_eq!((limit(None), limit(Some(10))), (Ok(1), Ok(10)));
        for max_results in [0, 11, -1] {
            assert!(limit(Some(max_results)).is_err());
        }
    }

    #[test]
    fn a_handle_is_shown_only_while_the_task_runs() {
        let task = |status| TaskView {
            id: TaskId { source: QueueId(1), number: 1, nonce: 1 },
            status,
            source: QueueName::new("000000000000", "us-east-1", "dlq"),
            destination: None,
            max_per_second: None,
            moved: 1,
            to_move: 2,
            failure: None,
            started_wall_ms: 5,
        };
        assert!(entry(task(TaskStatus::Running)).task_handle.is_some());
        for status in
            [TaskStatus::Cancelling, TaskStatus::Completed, TaskStatus::Cancelled, TaskStatus::Failed]
        {
            assert_eq!(entry(task(status)).task_handle, None);
        }
    }
}
