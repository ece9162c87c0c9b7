#![allow(clippy::unwrap_used)]

use super::{About, from_call, from_engine};
use bongsu_engine::{AttributeError, EngineError, QueueName};
use bongsu_node::CallError;
use bongsu_wire::ErrorKind;

/// Every refusal of the engine with the code and the words of the reference.
#[test]
fn refusals_have_the_words_of_the_real_service() {
    let about = About {
        queue_name: "jobs",
        receipt_handle: "HANDLE",
        visibility_timeout_seconds: 30,
        attempt_id: "attempt",
    };
    let jobs = QueueName::new("000000000000", "us-east-1", "jobs");
    let policy = || "{\"deadLetterTargetArn\": \"dummy\"}".to_owned();
    let cases: Vec<(EngineError, &str, &str)> = vec![
        (
            EngineError::QueueDoesNotExist(jobs),
            "AWS.SimpleQueueService.NonExistentQueue",
            "The specified queue does not exist.",
        ),
        (
            EngineError::InvalidQueueName,
            "InvalidParameterValue",
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        ),
        (
            EngineError::QueueNameExists("DelaySeconds".to_owned()),
            "QueueAlreadyExists",
            "A queue already exists with the same name and a different value for attribute DelaySeconds",
        ),
        (
            EngineError::QueueDeletedRecently,
            "AWS.SimpleQueueService.QueueDeletedRecently",
            "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
        ),
        (
            EngineError::PurgeQueueInProgress("jobs".to_owned()),
            "AWS.SimpleQueueService.PurgeQueueInProgress",
            "Only one PurgeQueue operation on jobs is allowed every 60 seconds.",
        ),
        (
            EngineError::MessageTooLong { limit_bytes: 1024 },
            "InvalidParameterValue",
            "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes.",
        ),
        (
            EngineError::MissingGroupId,
            "MissingParameter",
            "The request must contain the parameter MessageGroupId.",
        ),
        (
            EngineError::MissingDeduplicationId,
            "InvalidParameterValue",
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
        ),
        (
            EngineError::UnexpectedDeduplicationId,
            "InvalidParameterValue",
            "The request include parameter MessageDeduplicationId which is not valid for this queue type",
        ),
        (
            EngineError::DelayOnFifo { delay_seconds: 2 },
            "InvalidParameterValue",
            "Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for \
             this queue type.",
        ),
        (
            EngineError::AttemptIdOnStandard,
            "InvalidParameterValue",
            "Value attempt for parameter ReceiveRequestAttemptId is invalid. Reason: The request include parameter that \
             is not valid for this queue type.",
        ),
        (
            EngineError::ReceiptOfOtherQueue,
            "ReceiptHandleIsInvalid",
            "The receipt handle \"HANDLE\" is not valid for this queue.",
        ),
        (
            EngineError::ReceiptExpired,
            "InvalidParameterValue",
            "Value HANDLE for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.",
        ),
        (
            EngineError::MessageNotAvailable,
            "InvalidParameterValue",
            "Value HANDLE for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for \
             visibility timeout change.",
        ),
        (
            EngineError::VisibilityBeyondLimit,
            "InvalidParameterValue",
            "Value 30 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is \
             beyond the limit [43200 seconds].",
        ),
        (
            EngineError::MoveSourceDoesNotExist,
            "ResourceNotFoundException",
            "The resource that you specified for the SourceArn parameter doesn't exist.",
        ),
        (
            EngineError::MoveDestinationDoesNotExist,
            "ResourceNotFoundException",
            "The resource that you specified for the DestinationArn parameter doesn't exist.",
        ),
        (
            EngineError::SourceIsNoDeadLetterQueue,
            "InvalidParameterValue",
            "Source queue must be configured as a Dead Letter Queue.",
        ),
        (
            EngineError::MoveTaskRunning,
            "InvalidParameterValue",
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
        ),
        (EngineError::MoveTaskDoesNotExist, "ResourceNotFoundException", "Task does not exist."),
        (
            AttributeError::Unknown("FifoQueue".to_owned()).into(),
            "InvalidAttributeName",
            "Unknown Attribute FifoQueue.",
        ),
        (
            AttributeError::InvalidValue { name: "DelaySeconds".to_owned(), value: "x".to_owned() }.into(),
            "InvalidAttributeValue",
            "Invalid value for the parameter DelaySeconds.",
        ),
        (
            AttributeError::FifoOnly("DeduplicationScope".to_owned()).into(),
            "InvalidAttributeName",
            "You can specify the DeduplicationScope only when FifoQueue is set to true.",
        ),
        (
            AttributeError::TypeChange.into(),
            "InvalidAttributeValue",
            "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.",
        ),
        (
            AttributeError::TypeAndNameDisagree.into(),
            "InvalidParameterValue",
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with \
             .fifo suffix and be 1 to 80 in length.",
        ),
        (
            AttributeError::TwoEncryptions.into(),
            "InvalidAttributeName",
            "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.",
        ),
        (
            AttributeError::RedrivePolicy {
                value: policy(),
                reason: "Invalid value for deadLetterTargetArn.".to_owned(),
            }
            .into(),
            "InvalidParameterValue",
            "Value {\"deadLetterTargetArn\": \"dummy\"} for parameter RedrivePolicy is invalid. Reason: Invalid value for \
             deadLetterTargetArn.",
        ),
        (
            AttributeError::RedrivePolicy {
                value: String::new(),
                reason: "Redrive policy is not a valid JSON map.".to_owned(),
            }
            .into(),
            "InvalidParameterValue",
            "Invalid value for the parameter RedrivePolicy. Reason: Redrive policy is not a valid JSON map.",
        ),
        (
            AttributeError::DeadLetterQueueDoesNotExist { value: policy() }.into(),
            "InvalidParameterValue",
            "Value {\"deadLetterTargetArn\": \"dummy\"} for parameter RedrivePolicy is invalid. Reason: Dead letter target \
             does not exist.",
        ),
        (
            AttributeError::Policy { reason: "too long".to_owned() }.into(),
            "InvalidAttributeValue",
            "Invalid value for the parameter Policy.",
        ),
    ];
    for (error, code, message) in cases {
        let shown = from_engine(error.clone(), about);
        assert_eq!((shown.kind.code(), shown.message.as_str()), (code, message), "{error:?}");
    }
}

#[test]
fn no_refusal_of_the_engine_is_an_internal_failure() {
    let others = [
        EngineError::TooManyTags,
        EngineError::PolicyConflict,
        EngineError::OverLimit,
        EngineError::Throttled("deduplication window"),
        EngineError::AttemptNotRetryable,
        EngineError::MoveDestinationUnfit("same queue"),
        AttributeError::ThroughputNeedsGroupScope.into(),
        AttributeError::RedriveAllowPolicy { value: "{}".to_owned(), reason: "x".to_owned() }.into(),
    ];
    for error in others {
        assert_ne!(
            from_engine(error.clone(), About::default()).kind,
            ErrorKind::InternalFailure,
            "{error:?}"
        );
    }
}

#[test]
fn a_fifo_name_without_the_attribute_is_a_bad_name() {
    let about = About { queue_name: "jobs.fifo", ..About::default() };
    let error = from_engine(AttributeError::TypeAndNameDisagree.into(), about);
    assert_eq!(
        error.message,
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
    );
}

#[test]
fn an_unavailable_store_is_worth_a_retry() {
    for error in [CallError::Unavailable("disk is gone".to_owned()), CallError::ShuttingDown] {
        let shown = from_call(error, About::default());
        assert_eq!((shown.kind.status(), shown.kind.is_sender_fault()), (503, false));
        assert!(!shown.message.contains("disk"), "the reason is for the log");
    }
}
