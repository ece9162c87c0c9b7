//! The 23 actions: one file each with its shapes and how they are read and written, and here the choice among
//! them.

use crate::error::ServiceError;
use crate::fields::Fields;
use crate::sink::Sink;

mod add_permission;
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
mod purge_queue;
mod receive_message;
mod remove_permission;
mod send_message;
mod send_message_batch;
mod set_queue_attributes;
mod start_message_move_task;
mod tag_queue;
mod untag_queue;

pub use add_permission::*;
pub use cancel_message_move_task::*;
pub use change_message_visibility::*;
pub use change_message_visibility_batch::*;
pub use create_queue::*;
pub use delete_message::*;
pub use delete_message_batch::*;
pub use delete_queue::*;
pub use get_queue_attributes::*;
pub use get_queue_url::*;
pub use list_dead_letter_source_queues::*;
pub use list_message_move_tasks::*;
pub use list_queue_tags::*;
pub use list_queues::*;
pub use purge_queue::*;
pub use receive_message::*;
pub use remove_permission::*;
pub use send_message::*;
pub use send_message_batch::*;
pub use set_queue_attributes::*;
pub use start_message_move_task::*;
pub use tag_queue::*;
pub use untag_queue::*;

/// A request, decoded: which action, and what it is asked for. Required members are there and every member
/// has its type; whether the values make sense is for the service to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// See [`SendMessageRequest`].
    SendMessage(SendMessageRequest),
    /// See [`SendMessageBatchRequest`].
    SendMessageBatch(SendMessageBatchRequest),
    /// See [`ReceiveMessageRequest`].
    ReceiveMessage(ReceiveMessageRequest),
    /// See [`DeleteMessageRequest`].
    DeleteMessage(DeleteMessageRequest),
    /// See [`DeleteMessageBatchRequest`].
    DeleteMessageBatch(DeleteMessageBatchRequest),
    /// See [`ChangeMessageVisibilityRequest`].
    ChangeMessageVisibility(ChangeMessageVisibilityRequest),
    /// See [`ChangeMessageVisibilityBatchRequest`].
    ChangeMessageVisibilityBatch(ChangeMessageVisibilityBatchRequest),
    /// See [`CreateQueueRequest`].
    CreateQueue(CreateQueueRequest),
    /// See [`DeleteQueueRequest`].
    DeleteQueue(DeleteQueueRequest),
    /// See [`PurgeQueueRequest`].
    PurgeQueue(PurgeQueueRequest),
    /// See [`GetQueueUrlRequest`].
    GetQueueUrl(GetQueueUrlRequest),
    /// See [`ListQueuesRequest`].
    ListQueues(ListQueuesRequest),
    /// See [`GetQueueAttributesRequest`].
    GetQueueAttributes(GetQueueAttributesRequest),
    /// See [`SetQueueAttributesRequest`].
    SetQueueAttributes(SetQueueAttributesRequest),
    /// See [`AddPermissionRequest`].
    AddPermission(AddPermissionRequest),
    /// See [`RemovePermissionRequest`].
    RemovePermission(RemovePermissionRequest),
    /// See [`TagQueueRequest`].
    TagQueue(TagQueueRequest),
    /// See [`UntagQueueRequest`].
    UntagQueue(UntagQueueRequest),
    /// See [`ListQueueTagsRequest`].
    ListQueueTags(ListQueueTagsRequest),
    /// See [`ListDeadLetterSourceQueuesRequest`].
    ListDeadLetterSourceQueues(ListDeadLetterSourceQueuesRequest),
    /// See [`StartMessageMoveTaskRequest`].
    StartMessageMoveTask(StartMessageMoveTaskRequest),
    /// See [`ListMessageMoveTasksRequest`].
    ListMessageMoveTasks(ListMessageMoveTasksRequest),
    /// See [`CancelMessageMoveTaskRequest`].
    CancelMessageMoveTask(CancelMessageMoveTaskRequest),
}

impl Operation {
    /// The action's name, as targets, `Action` parameters and policies spell it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SendMessage(_) => "SendMessage",
            Self::SendMessageBatch(_) => "SendMessageBatch",
            Self::ReceiveMessage(_) => "ReceiveMessage",
            Self::DeleteMessage(_) => "DeleteMessage",
            Self::DeleteMessageBatch(_) => "DeleteMessageBatch",
            Self::ChangeMessageVisibility(_) => "ChangeMessageVisibility",
            Self::ChangeMessageVisibilityBatch(_) => "ChangeMessageVisibilityBatch",
            Self::CreateQueue(_) => "CreateQueue",
            Self::DeleteQueue(_) => "DeleteQueue",
            Self::PurgeQueue(_) => "PurgeQueue",
            Self::GetQueueUrl(_) => "GetQueueUrl",
            Self::ListQueues(_) => "ListQueues",
            Self::GetQueueAttributes(_) => "GetQueueAttributes",
            Self::SetQueueAttributes(_) => "SetQueueAttributes",
            Self::AddPermission(_) => "AddPermission",
            Self::RemovePermission(_) => "RemovePermission",
            Self::TagQueue(_) => "TagQueue",
            Self::UntagQueue(_) => "UntagQueue",
            Self::ListQueueTags(_) => "ListQueueTags",
            Self::ListDeadLetterSourceQueues(_) => "ListDeadLetterSourceQueues",
            Self::StartMessageMoveTask(_) => "StartMessageMoveTask",
            Self::ListMessageMoveTasks(_) => "ListMessageMoveTasks",
            Self::CancelMessageMoveTask(_) => "CancelMessageMoveTask",
        }
    }

    /// The queue that the action is about, as the caller named it; `None` for actions that take no QueueUrl.
    pub fn queue_url(&self) -> Option<&str> {
        match self {
            Self::SendMessage(request) => Some(&request.queue_url),
            Self::SendMessageBatch(request) => Some(&request.queue_url),
            Self::ReceiveMessage(request) => Some(&request.queue_url),
            Self::DeleteMessage(request) => Some(&request.queue_url),
            Self::DeleteMessageBatch(request) => Some(&request.queue_url),
            Self::ChangeMessageVisibility(request) => Some(&request.queue_url),
            Self::ChangeMessageVisibilityBatch(request) => Some(&request.queue_url),
            Self::DeleteQueue(request) => Some(&request.queue_url),
            Self::PurgeQueue(request) => Some(&request.queue_url),
            Self::GetQueueAttributes(request) => Some(&request.queue_url),
            Self::SetQueueAttributes(request) => Some(&request.queue_url),
            Self::AddPermission(request) => Some(&request.queue_url),
            Self::RemovePermission(request) => Some(&request.queue_url),
            Self::TagQueue(request) => Some(&request.queue_url),
            Self::UntagQueue(request) => Some(&request.queue_url),
            Self::ListQueueTags(request) => Some(&request.queue_url),
            Self::ListDeadLetterSourceQueues(request) => Some(&request.queue_url),
            Self::CreateQueue(_)
            | Self::GetQueueUrl(_)
            | Self::ListQueues(_)
            | Self::StartMessageMoveTask(_)
            | Self::ListMessageMoveTasks(_)
            | Self::CancelMessageMoveTask(_) => None,
        }
    }

    /// Reads the action of this name; `None` when there is no such action.
    pub(crate) fn read<F: Fields>(action: &str, fields: &mut F) -> Result<Option<Self>, ServiceError> {
        Ok(Some(match action {
            "SendMessage" => Self::SendMessage(SendMessageRequest::read(fields)?),
            "SendMessageBatch" => Self::SendMessageBatch(SendMessageBatchRequest::read(fields)?),
            "ReceiveMessage" => Self::ReceiveMessage(ReceiveMessageRequest::read(fields)?),
            "DeleteMessage" => Self::DeleteMessage(DeleteMessageRequest::read(fields)?),
            "DeleteMessageBatch" => Self::DeleteMessageBatch(DeleteMessageBatchRequest::read(fields)?),
            "ChangeMessageVisibility" => {
                Self::ChangeMessageVisibility(ChangeMessageVisibilityRequest::read(fields)?)
            }
            "ChangeMessageVisibilityBatch" => {
                Self::ChangeMessageVisibilityBatch(ChangeMessageVisibilityBatchRequest::read(fields)?)
            }
            "CreateQueue" => Self::CreateQueue(CreateQueueRequest::read(fields)?),
            "DeleteQueue" => Self::DeleteQueue(DeleteQueueRequest::read(fields)?),
            "PurgeQueue" => Self::PurgeQueue(PurgeQueueRequest::read(fields)?),
            "GetQueueUrl" => Self::GetQueueUrl(GetQueueUrlRequest::read(fields)?),
            "ListQueues" => Self::ListQueues(ListQueuesRequest::read(fields)?),
            "GetQueueAttributes" => Self::GetQueueAttributes(GetQueueAttributesRequest::read(fields)?),
            "SetQueueAttributes" => Self::SetQueueAttributes(SetQueueAttributesRequest::read(fields)?),
            "AddPermission" => Self::AddPermission(AddPermissionRequest::read(fields)?),
            "RemovePermission" => Self::RemovePermission(RemovePermissionRequest::read(fields)?),
            "TagQueue" => Self::TagQueue(TagQueueRequest::read(fields)?),
            "UntagQueue" => Self::UntagQueue(UntagQueueRequest::read(fields)?),
            "ListQueueTags" => Self::ListQueueTags(ListQueueTagsRequest::read(fields)?),
            "ListDeadLetterSourceQueues" => {
                Self::ListDeadLetterSourceQueues(ListDeadLetterSourceQueuesRequest::read(fields)?)
            }
            "StartMessageMoveTask" => Self::StartMessageMoveTask(StartMessageMoveTaskRequest::read(fields)?),
            "ListMessageMoveTasks" => Self::ListMessageMoveTasks(ListMessageMoveTasksRequest::read(fields)?),
            "CancelMessageMoveTask" => {
                Self::CancelMessageMoveTask(CancelMessageMoveTaskRequest::read(fields)?)
            }
            _ => return Ok(None),
        }))
    }
}

/// What an action answers when it succeeds. Actions whose answer has no members carry nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// See [`SendMessageResponse`].
    SendMessage(SendMessageResponse),
    /// See [`SendMessageBatchResponse`].
    SendMessageBatch(SendMessageBatchResponse),
    /// See [`ReceiveMessageResponse`].
    ReceiveMessage(ReceiveMessageResponse),
    /// Nothing but success.
    DeleteMessage,
    /// See [`DeleteMessageBatchResponse`].
    DeleteMessageBatch(DeleteMessageBatchResponse),
    /// Nothing but success.
    ChangeMessageVisibility,
    /// See [`ChangeMessageVisibilityBatchResponse`].
    ChangeMessageVisibilityBatch(ChangeMessageVisibilityBatchResponse),
    /// See [`CreateQueueResponse`].
    CreateQueue(CreateQueueResponse),
    /// Nothing but success.
    DeleteQueue,
    /// Nothing but success.
    PurgeQueue,
    /// See [`GetQueueUrlResponse`].
    GetQueueUrl(GetQueueUrlResponse),
    /// See [`ListQueuesResponse`].
    ListQueues(ListQueuesResponse),
    /// See [`GetQueueAttributesResponse`].
    GetQueueAttributes(GetQueueAttributesResponse),
    /// Nothing but success.
    SetQueueAttributes,
    /// Nothing but success.
    AddPermission,
    /// Nothing but success.
    RemovePermission,
    /// Nothing but success.
    TagQueue,
    /// Nothing but success.
    UntagQueue,
    /// See [`ListQueueTagsResponse`].
    ListQueueTags(ListQueueTagsResponse),
    /// See [`ListDeadLetterSourceQueuesResponse`].
    ListDeadLetterSourceQueues(ListDeadLetterSourceQueuesResponse),
    /// See [`StartMessageMoveTaskResponse`].
    StartMessageMoveTask(StartMessageMoveTaskResponse),
    /// See [`ListMessageMoveTasksResponse`].
    ListMessageMoveTasks(ListMessageMoveTasksResponse),
    /// See [`CancelMessageMoveTaskResponse`].
    CancelMessageMoveTask(CancelMessageMoveTaskResponse),
}

impl Output {
    /// The name of the action that answers.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SendMessage(_) => "SendMessage",
            Self::SendMessageBatch(_) => "SendMessageBatch",
            Self::ReceiveMessage(_) => "ReceiveMessage",
            Self::DeleteMessage => "DeleteMessage",
            Self::DeleteMessageBatch(_) => "DeleteMessageBatch",
            Self::ChangeMessageVisibility => "ChangeMessageVisibility",
            Self::ChangeMessageVisibilityBatch(_) => "ChangeMessageVisibilityBatch",
            Self::CreateQueue(_) => "CreateQueue",
            Self::DeleteQueue => "DeleteQueue",
            Self::PurgeQueue => "PurgeQueue",
            Self::GetQueueUrl(_) => "GetQueueUrl",
            Self::ListQueues(_) => "ListQueues",
            Self::GetQueueAttributes(_) => "GetQueueAttributes",
            Self::SetQueueAttributes => "SetQueueAttributes",
            Self::AddPermission => "AddPermission",
            Self::RemovePermission => "RemovePermission",
            Self::TagQueue => "TagQueue",
            Self::UntagQueue => "UntagQueue",
            Self::ListQueueTags(_) => "ListQueueTags",
            Self::ListDeadLetterSourceQueues(_) => "ListDeadLetterSourceQueues",
            Self::StartMessageMoveTask(_) => "StartMessageMoveTask",
            Self::ListMessageMoveTasks(_) => "ListMessageMoveTasks",
            Self::CancelMessageMoveTask(_) => "CancelMessageMoveTask",
        }
    }

    /// Whether the answer has members at all: Query leaves the whole result element out when it has none.
    pub(crate) fn has_result(&self) -> bool {
        !matches!(
            self,
            Self::DeleteMessage
                | Self::ChangeMessageVisibility
                | Self::DeleteQueue
                | Self::PurgeQueue
                | Self::SetQueueAttributes
                | Self::AddPermission
                | Self::RemovePermission
                | Self::TagQueue
                | Self::UntagQueue
        )
    }

    /// About how many bytes the answer has in either encoding, rather more than less: those of its texts that
    /// can be long, and enough for the names around them.
    pub(crate) fn size_estimate(&self) -> usize {
        const ENVELOPE: usize = 512;
        const BATCH_ENTRY: usize = 384;
        let entries = match self {
            Self::ReceiveMessage(response) => response.messages.iter().map(Message::size_estimate).sum(),
            Self::SendMessageBatch(response) => {
                (response.successful.len() + response.failed.len()) * BATCH_ENTRY
            }
            Self::DeleteMessageBatch(response) => {
                (response.successful.len() + response.failed.len()) * BATCH_ENTRY
            }
            _ => 0,
        };
        ENVELOPE + entries
    }

    /// Whether the model gives this action no answer but success.
    pub(crate) fn has_no_shape(&self) -> bool {
        matches!(
            self,
            Self::DeleteMessage
                | Self::ChangeMessageVisibility
                | Self::DeleteQueue
                | Self::PurgeQueue
                | Self::SetQueueAttributes
                | Self::AddPermission
                | Self::RemovePermission
                | Self::TagQueue
                | Self::UntagQueue
        )
    }

    pub(crate) fn write<S: Sink>(&self, sink: &mut S) {
        match self {
            Self::SendMessage(response) => response.write(sink),
            Self::SendMessageBatch(response) => response.write(sink),
            Self::ReceiveMessage(response) => response.write(sink),
            Self::DeleteMessageBatch(response) => response.write(sink),
            Self::ChangeMessageVisibilityBatch(response) => response.write(sink),
            Self::CreateQueue(response) => response.write(sink),
            Self::GetQueueUrl(response) => response.write(sink),
            Self::ListQueues(response) => response.write(sink),
            Self::GetQueueAttributes(response) => response.write(sink),
            Self::ListQueueTags(response) => response.write(sink),
            Self::ListDeadLetterSourceQueues(response) => response.write(sink),
            Self::StartMessageMoveTask(response) => response.write(sink),
            Self::ListMessageMoveTasks(response) => response.write(sink),
            Self::CancelMessageMoveTask(response) => response.write(sink),
            Self::DeleteMessage
            | Self::ChangeMessageVisibility
            | Self::DeleteQueue
            | Self::PurgeQueue
            | Self::SetQueueAttributes
            | Self::AddPermission
            | Self::RemovePermission
            | Self::TagQueue
            | Self::UntagQueue => {}
        }
    }
}
