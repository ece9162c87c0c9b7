//! The one table from what the engine and the node refuse to what a client reads: kind (and so code and status) and
//! the real service's words. Where its words are not recorded ours say what is wrong.

use bongsu_engine::{AttributeError, EngineError};
use bongsu_node::CallError;
use bongsu_wire::{ErrorKind, ServiceError};

/// What the request said that a refusal repeats. Parts that an action doesn't have stay empty.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct About<'a> {
    /// QueueName.
    pub(crate) queue_name: &'a str,
    /// ReceiptHandle.
    pub(crate) receipt_handle: &'a str,
    /// VisibilityTimeout, seconds.
    pub(crate) visibility_timeout_seconds: i32,
    /// ReceiveRequestAttemptId.
    pub(crate) attempt_id: &'a str,
}

/// `InvalidParameterValue` with this message.
pub(crate) fn invalid_parameter(message: impl Into<String>) -> ServiceError {
    ServiceError::new(ErrorKind::InvalidParameterValue, message)
}

/// `InvalidParameterValue` in the form that names value, parameter and reason.
pub(crate) fn invalid_value(value: impl std::fmt::Display, parameter: &str, reason: &str) -> ServiceError {
    invalid_parameter(format!("Value {value} for parameter {parameter} is invalid. Reason: {reason}"))
}

/// Something that should not happen; what it was is for the log, not for the client.
pub(crate) fn internal_failure() -> ServiceError {
    ServiceError::new(
        ErrorKind::InternalFailure,
        "The request processing has failed because of an unknown error, exception or failure.",
    )
}

/// More than this caller's share.
pub(crate) fn throttled() -> ServiceError {
    ServiceError::new(ErrorKind::RequestThrottled, "The request was denied due to request throttling.")
}

/// A handle that was never given out, as DeleteMessage and batches say it.
pub(crate) fn invalid_receipt_handle(handle: &str) -> ServiceError {
    ServiceError::new(
        ErrorKind::ReceiptHandleIsInvalid,
        format!("The input receipt handle \"{handle}\" is not a valid receipt handle."),
    )
}

/// What the node could not do.
pub(crate) fn from_call(error: CallError, about: About<'_>) -> ServiceError {
    match error {
        CallError::Engine(error) => from_engine(error, about),
        CallError::Unavailable(reason) => {
            // The change of the store's state was logged, once; this comes with each request until it changes again.
            tracing::debug!(%reason, "refused a request because the store is unavailable");
            unavailable("The service is unavailable. Please try again.")
        }
        CallError::ShuttingDown => unavailable("The service is shutting down. Please try again."),
    }
}

fn unavailable(message: &str) -> ServiceError {
    ServiceError::new(ErrorKind::ServiceUnavailable, message)
}

/// What the engine refused.
pub(crate) fn from_engine(error: EngineError, about: About<'_>) -> ServiceError {
    use EngineError as E;
    let refuse = |kind, message: &str| ServiceError::new(kind, message);
    match error {
        E::QueueDoesNotExist(_) => ServiceError::queue_does_not_exist(),
        E::InvalidQueueName => invalid_parameter(INVALID_QUEUE_NAME),
        E::QueueNameExists(attribute) => ServiceError::new(
            ErrorKind::QueueNameExists,
            format!(
                "A queue already exists with the same name and a different value for attribute {attribute}"
            ),
        ),
        E::QueueDeletedRecently => refuse(
            ErrorKind::QueueDeletedRecently,
            "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
        ),
        E::PurgeQueueInProgress(name) => ServiceError::new(
            ErrorKind::PurgeQueueInProgress,
            format!("Only one PurgeQueue operation on {name} is allowed every 60 seconds."),
        ),
        E::Attribute(error) => from_attribute(error, about),
        E::TooManyTags => invalid_parameter(format!("Too many tags added for queue {}.", about.queue_name)),
        E::PolicyConflict => refuse(
            ErrorKind::RequestThrottled,
            "The policy was changed by another request at the same time. Please try again.",
        ),
        E::MessageTooLong { limit_bytes } => invalid_parameter(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {limit_bytes} bytes."
        )),
        E::MissingGroupId => ServiceError::missing_parameter("MessageGroupId"),
        E::MissingDeduplicationId => invalid_parameter(
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
        ),
        E::UnexpectedDeduplicationId => invalid_parameter(
            "The request include parameter MessageDeduplicationId which is not valid for this queue type",
        ),
        E::DelayOnFifo { delay_seconds } => invalid_value(delay_seconds, "DelaySeconds", NOT_FOR_THIS_TYPE),
        E::AttemptIdOnStandard => {
            invalid_value(about.attempt_id, "ReceiveRequestAttemptId", NOT_FOR_THIS_TYPE)
        }
        E::AttemptNotRetryable => invalid_value(
            about.attempt_id,
            "ReceiveRequestAttemptId",
            "The receiveRequestAttemptId is not valid anymore since the receive call is not retryable.",
        ),
        E::OverLimit => refuse(
            ErrorKind::OverLimit,
            "Too many messages have been received without being deleted.\nPlease delete your received messages or let them \
             timeout before receiving more.",
        ),
        E::Throttled(reason) => {
            tracing::warn!(reason, "throttled a request");
            throttled()
        }
        other => from_receipt_or_move(other, about),
    }
}

fn from_receipt_or_move(error: EngineError, about: About<'_>) -> ServiceError {
    use EngineError as E;
    let handle = about.receipt_handle;
    match error {
        E::ReceiptOfOtherQueue => ServiceError::new(
            ErrorKind::ReceiptHandleIsInvalid,
            format!("The receipt handle \"{handle}\" is not valid for this queue."),
        ),
        E::ReceiptExpired => invalid_value(handle, "ReceiptHandle", "The receipt handle has expired."),
        E::MessageNotAvailable => invalid_value(
            handle,
            "ReceiptHandle",
            "Message does not exist or is not available for visibility timeout change.",
        ),
        E::VisibilityBeyondLimit => invalid_value(
            about.visibility_timeout_seconds,
            "VisibilityTimeout",
            "Total VisibilityTimeout for the message is beyond the limit [43200 seconds].",
        ),
        E::MoveSourceDoesNotExist => not_found(NO_MOVE_SOURCE),
        E::MoveDestinationDoesNotExist => {
            not_found("The resource that you specified for the DestinationArn parameter doesn't exist.")
        }
        E::SourceIsNoDeadLetterQueue => {
            invalid_parameter("Source queue must be configured as a Dead Letter Queue.")
        }
        E::MoveDestinationUnfit(reason) => invalid_parameter(reason),
        E::MoveTaskRunning => invalid_parameter(
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
        ),
        E::MoveTaskDoesNotExist => not_found("Task does not exist."),
        // The caller has dealt with all others.
        other => {
            tracing::error!(error = %other, "a refusal without words for the client");
            internal_failure()
        }
    }
}

fn from_attribute(error: AttributeError, about: About<'_>) -> ServiceError {
    use AttributeError as A;
    let name_error = |message: String| ServiceError::new(ErrorKind::InvalidAttributeName, message);
    let value_error = |message: String| ServiceError::new(ErrorKind::InvalidAttributeValue, message);
    match error {
        A::Unknown(name) => name_error(format!("Unknown Attribute {name}.")),
        A::InvalidValue { name, .. } | A::TooLong { name } => value_error(format!("Invalid value for the parameter {name}.")),
        A::FifoOnly(name) => name_error(format!("You can specify the {name} only when FifoQueue is set to true.")),
        A::TypeChange => value_error(
            "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.".to_owned(),
        ),
        A::TypeAndNameDisagree if about.queue_name.ends_with(".fifo") => invalid_parameter(INVALID_QUEUE_NAME),
        A::TypeAndNameDisagree => invalid_parameter(
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with \
             .fifo suffix and be 1 to 80 in length.",
        ),
        A::ThroughputNeedsGroupScope => invalid_value(
            "perMessageGroupId",
            "FifoThroughputLimit",
            "FifoThroughputLimit can be set to perMessageGroupId only when DeduplicationScope is set to messageGroup.",
        ),
        A::TwoEncryptions => name_error(
            "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE."
                .to_owned(),
        ),
        A::RedrivePolicy { value, reason } => policy_error("RedrivePolicy", &value, &reason),
        A::DeadLetterQueueDoesNotExist { value } => {
            invalid_value(value, "RedrivePolicy", "Dead letter target does not exist.")
        }
        A::RedriveAllowPolicy { value, reason } => policy_error("RedriveAllowPolicy", &value, &reason),
        A::Policy { .. } => value_error("Invalid value for the parameter Policy.".to_owned()),
    }
}

/// SQS repeats a policy that it could read, and not one that it couldn't.
fn policy_error(attribute: &str, value: &str, reason: &str) -> ServiceError {
    if value.is_empty() {
        return invalid_parameter(format!("Invalid value for the parameter {attribute}. Reason: {reason}"));
    }
    invalid_value(value, attribute, reason)
}

fn not_found(message: &str) -> ServiceError {
    ServiceError::new(ErrorKind::ResourceNotFound, message)
}

/// CancelMessageMoveTask says it too, of the queue that a handle names.
pub(crate) fn move_source_not_found() -> ServiceError {
    not_found(NO_MOVE_SOURCE)
}

const NO_MOVE_SOURCE: &str = "The resource that you specified for the SourceArn parameter doesn't exist.";
const NOT_FOR_THIS_TYPE: &str = "The request include parameter that is not valid for this queue type.";
/// Without a full stop, as recorded.
const INVALID_QUEUE_NAME: &str =
    "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";

#[cfg(test)]
mod tests;
