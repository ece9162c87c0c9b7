//! The 23 actions: one file each, which checks what the request alone decides, asks the engine, and puts the answer
//! into the wire's shape.

use crate::call::Call;
use bongsu_engine::QueueName;
use bongsu_wire::{Operation, Output, ServiceError};

mod add_permission;
mod batch;
mod cancel_message_move_task;
mod change_message_visibility;
mod change_message_visibility_batch;
mod create_queue;
mod delete_message;
mod delete_message_batch;
mod delete_queue;
mod get_queue_attributes;
mod get_queue_url;
mod list_dead_letter_source_queues;
mod list_message_move_tasks;
mod list_queue_tags;
mod list_queues;
mod move_task;
mod outgoing;
mod page;
mod permission;
mod purge_queue;
pub(crate) mod receive_message;
mod remove_permission;
mod send_message;
mod send_message_batch;
mod set_queue_attributes;
mod start_message_move_task;
mod tag_queue;
mod tags;
mod untag_queue;

/// The dead-letter queue of the task that a handle names; `None` for what is no handle.
pub(crate) fn source_of_task(handle: &str) -> Option<QueueName> {
    move_task::OpenedHandle::open(handle).ok().map(|handle| handle.source)
}

/// Does what a request asks for.
///
/// # Errors
/// What the client reads instead of an answer.
pub(crate) async fn run(call: &Call<'_>, operation: Operation) -> Result<Output, ServiceError> {
    // A request is moved about as one piece with room for the largest of these: the rare ones get their own.
    match operation {
        Operation::SendMessage(request) => send_message::run(call, request).await,
        Operation::SendMessageBatch(request) => send_message_batch::run(call, request).await,
        Operation::ReceiveMessage(request) => receive_message::run(call, request).await,
        Operation::DeleteMessage(request) => delete_message::run(call, request).await,
        Operation::DeleteMessageBatch(request) => delete_message_batch::run(call, request).await,
        Operation::ChangeMessageVisibility(request) => {
            Box::pin(change_message_visibility::run(call, request)).await
        }
        Operation::ChangeMessageVisibilityBatch(request) => {
            Box::pin(change_message_visibility_batch::run(call, request)).await
        }
        Operation::CreateQueue(request) => Box::pin(create_queue::run(call, request)).await,
        Operation::DeleteQueue(request) => Box::pin(delete_queue::run(call, request)).await,
        Operation::PurgeQueue(request) => Box::pin(purge_queue::run(call, request)).await,
        Operation::GetQueueUrl(request) => Box::pin(get_queue_url::run(call, request)).await,
        Operation::ListQueues(request) => Box::pin(list_queues::run(call, request)).await,
        Operation::GetQueueAttributes(request) => Box::pin(get_queue_attributes::run(call, request)).await,
        Operation::SetQueueAttributes(request) => Box::pin(set_queue_attributes::run(call, request)).await,
        Operation::AddPermission(request) => Box::pin(add_permission::run(call, request)).await,
        Operation::RemovePermission(request) => Box::pin(remove_permission::run(call, request)).await,
        Operation::TagQueue(request) => Box::pin(tag_queue::run(call, request)).await,
        Operation::UntagQueue(request) => Box::pin(untag_queue::run(call, request)).await,
        Operation::ListQueueTags(request) => Box::pin(list_queue_tags::run(call, request)).await,
        Operation::ListDeadLetterSourceQueues(request) => {
            Box::pin(list_dead_letter_source_queues::run(call, request)).await
        }
        Operation::StartMessageMoveTask(request) => {
            Box::pin(start_message_move_task::run(call, request)).await
        }
        Operation::ListMessageMoveTasks(request) => {
            Box::pin(list_message_move_tasks::run(call, request)).await
        }
        Operation::CancelMessageMoveTask(request) => {
            Box::pin(cancel_message_move_task::run(call, request)).await
        }
    }
}
