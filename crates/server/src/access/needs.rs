//! What a request needs to be allowed: actions, each on a resource.

use super::caller::Caller;
use crate::policy::OWNER_ONLY;
use crate::queue_url;
use bongsu_engine::QueueName;
use bongsu_wire::Operation;

/// One thing to be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    /// As policies name it.
    pub(crate) action: &'static str,
    /// On which queue; `None`: on none, so that a policy has to allow it on `*`.
    pub(crate) queue: Option<QueueName>,
    /// Whether the owner can grant it to other accounts at all.
    pub(crate) cross_account: bool,
}

/// What an operation needs. The first is what it is; a redrive needs more, as it moves messages on the caller's behalf, and so does
/// a queue that is made with tags.
pub(crate) fn of(operation: &Operation, caller: &Caller) -> Vec<Need> {
    let own = |action, queue| vec![Need { action, queue, cross_account: false }];
    let shared = |action, queue| vec![Need { action, queue, cross_account: true }];
    let url = operation.queue_url().and_then(|url| queue_url::read(url, caller));
    match operation {
        Operation::SendMessage(_) | Operation::SendMessageBatch(_) => shared("sqs:SendMessage", url),
        Operation::ReceiveMessage(_) => shared("sqs:ReceiveMessage", url),
        Operation::DeleteMessage(_) | Operation::DeleteMessageBatch(_) => shared("sqs:DeleteMessage", url),
        Operation::ChangeMessageVisibility(_) | Operation::ChangeMessageVisibilityBatch(_) => {
            shared("sqs:ChangeMessageVisibility", url)
        }
        Operation::CreateQueue(request) => {
            let queue = named(caller, None, &request.queue_name);
            let mut needs = own("sqs:CreateQueue", Some(queue.clone()));
            if !request.tags.is_empty() {
                needs.extend(own("sqs:TagQueue", Some(queue)));
            }
            needs
        }
        Operation::DeleteQueue(_) => own("sqs:DeleteQueue", url),
        Operation::PurgeQueue(_) => shared("sqs:PurgeQueue", url),
        Operation::GetQueueUrl(request) => {
            let account = request.queue_owner_aws_account_id.as_deref();
            shared("sqs:GetQueueUrl", Some(named(caller, account, &request.queue_name)))
        }
        Operation::ListQueues(_) => own("sqs:ListQueues", None),
        Operation::GetQueueAttributes(_) => shared("sqs:GetQueueAttributes", url),
        Operation::SetQueueAttributes(_) => own("sqs:SetQueueAttributes", url),
        Operation::AddPermission(_) => own("sqs:AddPermission", url),
        Operation::RemovePermission(_) => own("sqs:RemovePermission", url),
        Operation::TagQueue(_) => own("sqs:TagQueue", url),
        Operation::UntagQueue(_) => own("sqs:UntagQueue", url),
        Operation::ListQueueTags(_) => own("sqs:ListQueueTags", url),
        Operation::ListDeadLetterSourceQueues(_) => shared("sqs:ListDeadLetterSourceQueues", url),
        Operation::StartMessageMoveTask(request) => {
            redrive(&request.source_arn, request.destination_arn.as_deref())
        }
        Operation::ListMessageMoveTasks(request) => {
            own("sqs:ListMessageMoveTasks", QueueName::from_arn(&request.source_arn))
        }
        Operation::CancelMessageMoveTask(request) => {
            own("sqs:CancelMessageMoveTask", crate::operations::source_of_task(&request.task_handle))
        }
    }
}

/// Whether the owner can grant an action to other accounts at all; its name as policies have it, in any case.
pub(crate) fn is_shareable(action: &str) -> bool {
    let (service, name) = action.split_once(':').unwrap_or_default();
    service.eq_ignore_ascii_case("sqs") && !OWNER_ONLY.iter().any(|only| only.eq_ignore_ascii_case(name))
}

/// The real service asks for the rights to take messages from the source and to send to the destination. Where the messages go
/// back to their own sources, those are not known before.
fn redrive(source_arn: &str, destination_arn: Option<&str>) -> Vec<Need> {
    let source = QueueName::from_arn(source_arn);
    let on_source = |action| Need { action, queue: source.clone(), cross_account: false };
    let mut needs: Vec<_> =
        ["sqs:StartMessageMoveTask", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
            .map(on_source)
            .into();
    if let Some(destination) = destination_arn {
        let queue = QueueName::from_arn(destination);
        needs.push(Need { action: "sqs:SendMessage", queue, cross_account: true });
    }
    needs
}

fn named(caller: &Caller, account: Option<&str>, name: &str) -> QueueName {
    let account = account.filter(|account| !account.is_empty()).unwrap_or(&caller.account);
    QueueName::new(account, &caller.region, name)
}

#[cfg(test)]
mod tests;
