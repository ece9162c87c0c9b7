//! What the three actions of move tasks share: ARNs and task handles.

use crate::errors::invalid_parameter;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bongsu_engine::{QueueId, QueueName, TaskId};
use bongsu_wire::ServiceError;
use serde::{Deserialize, Serialize};

/// Reads the ARN of a queue; `parameter` is `SourceArn` or `DestinationArn`.
///
/// # Errors
/// `InvalidParameterValue` where it is malformed.
pub(super) fn queue_of_arn(parameter: &str, arn: &str) -> Result<QueueName, ServiceError> {
    QueueName::from_arn(arn).ok_or_else(|| {
        invalid_parameter(format!(
            "You must use this format to specify the {parameter}: arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
        ))
    })
}

/// A task handle's content. Clients know its form (base64 of this JSON), and some take it apart.
#[derive(Serialize, Deserialize)]
struct Handle {
    #[serde(rename = "taskId")]
    task_id: String,
    #[serde(rename = "sourceArn")]
    source_arn: String,
}

/// A task handle that was opened.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OpenedHandle {
    /// The dead-letter queue.
    pub(super) source: QueueName,
    /// Number and nonce of the task.
    task_id: uuid::Uuid,
}

impl OpenedHandle {
    /// Reads a handle.
    ///
    /// # Errors
    /// `InvalidParameterValue` for what has not a handle's form.
    pub(super) fn open(handle: &str) -> Result<Self, ServiceError> {
        let invalid = || invalid_parameter("Value for parameter TaskHandle is invalid.");
        let json = STANDARD.decode(handle).map_err(|_| invalid())?;
        let handle: Handle = serde_json::from_slice(&json).map_err(|_| invalid())?;
        let source = QueueName::from_arn(&handle.source_arn).ok_or_else(invalid)?;
        let task_id = uuid::Uuid::parse_str(&handle.task_id).map_err(|_| invalid())?;
        Ok(Self { source, task_id })
    }

    /// The task, if the queue that has the name now is the one that the handle was made for: the engine compares
    /// the nonce.
    pub(super) fn task(&self, source: QueueId) -> TaskId {
        let (number, nonce) = self.task_id.as_u64_pair();
        TaskId { source, number, nonce }
    }
}

/// The handle of a task.
pub(super) fn handle_of(task: TaskId, source: &QueueName) -> String {
    let task_id = uuid::Uuid::from_u64_pair(task.number, task.nonce).to_string();
    let handle = serde_json::json!({ "taskId": task_id, "sourceArn": source.arn() });
    STANDARD.encode(handle.to_string())
}

#[cfg(test)]
mod tests {
    use super::{OpenedHandle, STANDARD, handle_of, queue_of_arn};
    use base64::Engine as _;
    use bongsu_engine::{QueueId, QueueName, TaskId};

    #[test]
    fn a_handle_names_its_task() {
        let source = QueueName::new("000000000000", "us-east-1", "dlq");
        let task = TaskId { source: QueueId(4), number: 2, nonce: u64::MAX };
        let opened = OpenedHandle::open(&handle_of(task, &source)).unwrap();
        assert_eq!(opened.source, source);
        assert_eq!(opened.task(QueueId(4)), task);
    }

    #[test]
    fn what_is_no_handle() {
        let without_arn = STANDARD.encode("{\"taskId\":\"10f6f1f0-0000-0000-0000-000000000000\"}");
        let bad_arn =
            STANDARD.encode("{\"taskId\":\"10f6f1f0-0000-0000-0000-000000000000\",\"sourceArn\":\"x\"}");
        let bad_id =
            STANDARD.encode("{\"taskId\":\"x\",\"sourceArn\":\"arn:aws:sqs:us-east-1:000000000000:q\"}");
        for handle in ["foobared", "", "!", &STANDARD.encode("x"), &without_arn, &bad_arn, &bad_id] {
            let error = OpenedHandle::open(handle).unwrap_err();
            assert_eq!(error.message, "Value for parameter TaskHandle is invalid.");
        }
    }

    #[test]
    fn arns_have_one_form() {
        assert!(queue_of_arn("SourceArn", "arn:aws:sqs:us-east-1:000000000000:q").is_ok());
        for arn in ["", "q", "arn:aws:sns:us-east-1:000000000000:q", "arn:aws:sqs:us-east-1:1:q"] {
            let error = queue_of_arn("SourceArn", arn).unwrap_err();
            assert_eq!(
                error.message,
                "You must use this format to specify the SourceArn: \
                 arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
            );
        }
    }
}
