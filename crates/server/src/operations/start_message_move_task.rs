//! StartMessageMoveTask.

use super::move_task::{handle_of, queue_of_arn};
use crate::call::{Call, unexpected};
use crate::errors::{About, invalid_parameter};
use bongsu_engine::{Command, Reply};
use bongsu_wire::{Output, ServiceError, StartMessageMoveTaskRequest, StartMessageMoveTaskResponse};

const MAX_PER_SECOND: u32 = 500;

pub(super) async fn run(
    call: &Call<'_>,
    request: StartMessageMoveTaskRequest,
) -> Result<Output, ServiceError> {
    let source = queue_of_arn("SourceArn", &request.source_arn)?;
    let destination = request.destination_arn.as_deref();
    let destination = destination.map(|arn| queue_of_arn("DestinationArn", arn)).transpose()?;
    let max_per_second = request.max_number_of_messages_per_second.map(max_per_second).transpose()?;
    let command = Command::StartMoveTask { source: source.clone(), destination, max_per_second };
    match call.ask(command, About::default()).await? {
        Reply::TaskStarted(task) => Ok(Output::StartMessageMoveTask(StartMessageMoveTaskResponse {
            task_handle: handle_of(task, &source),
        })),
        other => Err(unexpected(&other)),
    }
}

fn max_per_second(asked: i32) -> Result<u32, ServiceError> {
    let rate = u32::try_from(asked).ok().filter(|rate| (1..=MAX_PER_SECOND).contains(rate));
    rate.ok_or_else(|| {
        invalid_parameter(
            "Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: You must enter a number that's between \
             1 and 500.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::max_per_second;

    #[test]
    fn rates_are_between_1_and_500() {
        assert_eq!((max_per_second(1), max_per_second(500)), (Ok(1), Ok(500)));
        for rate in [0, 501, -1] {
            assert!(max_per_second(rate).is_err());
        }
    }
}
