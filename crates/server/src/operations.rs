//! The 23 actions: one file each, which checks what the request alone decides, asks the engine, and puts the answer
//! into the wire's shape.

use crate::call::Call;
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

/// Does what a request asks for.
///
/// # Errors
/// What the client reads instead of an answer.
pub(crate) async fn run(call: &Call<'_>, operation: Operation) -> Result<Output, ServiceError> {
    match operation {
        Operation::SendMessage(request) => send_message::run(call, request).await,
        Operation::SendMessageBatch(request) => send_message_batch::run(call, request).await,
        Operation::ReceiveMessage(request) => receive_message::run(call, request).await,
        Operation::DeleteMessage(request) => delete_message::run(call, request).await,
        Operation::DeleteMessageBatch(request) => delete_message_batch::run(call, request).await,
        Operation::ChangeMessageVisibility(request) => change_message_visibility::run(call, request).await,
        Operation::ChangeMessageVisibilityBatch(request) => {
            change_message_visibility_batch::run(call, request).await
        }
        Operation::CreateQueue(request) => create_queue::run(call, request).await,
        Operation::DeleteQueue(request) => delete_queue::run(call, request).await,
        Operation::PurgeQueue(request) => purge_queue::run(call, request).await,
        Operation::GetQueueUrl(request) => get_queue_url::run(call, request).await,
        Operation::ListQueues(request) => list_queues::run(call, request).await,
        Operation::GetQueueAttributes(request) => get_queue_attributes::run(call, request).await,
        Operation::SetQueueAttributes(request) => set_queue_attributes::run(call, request).await,
        Operation::AddPermission(request) => add_permission::run(call, request).await,
        Operation::RemovePermission(request) => remove_permission::run(call, request).await,
        Operation::TagQueue(request) => tag_queue::run(call, request).await,
        Operation::UntagQueue(request) => untag_queue::run(call, request).await,
        Operation::ListQueueTags(request) => list_queue_tags::run(call, request).await,
        Operation::ListDeadLetterSourceQueues(request) => {
            list_dead_letter_source_queues::run(call, request).await
        }
        Operation::StartMessageMoveTask(request) => start_message_move_task::run(call, request).await,
        Operation::ListMessageMoveTasks(request) => list_message_move_tasks::run(call, request).await,
        Operation::CancelMessageMoveTask(request) => cancel_message_move_task::run(call, request).await,
    }
}
