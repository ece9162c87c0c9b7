use super::{is_shareable, of};
use crate::access::Caller;
use bongsu_engine::StringMap;
use bongsu_wire::{CreateQueueRequest, Operation, decode_json};

/// As AWS documents under CreateQueue: tags at creation take the right to tag.
#[test]
fn a_queue_with_tags_takes_the_right_to_tag_it() {
    let caller = Caller::unchecked("111111111111", "eu-west-1");
    let actions = |tags: &[(&str, &str)]| {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let attributes = StringMap::new();
        let request = CreateQueueRequest { queue_name: "jobs".to_owned(), attributes, tags };
        let needs = of(&Operation::CreateQueue(request), &caller);
        let arn = "arn:aws:sqs:eu-west-1:111111111111:jobs";
        assert!(needs.iter().all(|need| need.queue.as_ref().is_some_and(|queue| queue.arn() == arn)));
        needs.iter().map(|need| need.action).collect::<Vec<_>>()
    };
    assert_eq!(actions(&[]), ["sqs:CreateQueue"]);
    assert_eq!(actions(&[("team", "a")]), ["sqs:CreateQueue", "sqs:TagQueue"]);
}

/// Every action's request is somewhere in here: what an action doesn't have is passed over.
const ANY_REQUEST: &str = r#"{
    "QueueUrl": "http://h/222222222222/jobs", "QueueName": "jobs", "MessageBody": "m", "ReceiptHandle": "h",
    "VisibilityTimeout": 1, "Attributes": {"DelaySeconds": "1"}, "AttributeNames": ["All"], "Label": "l", "AWSAccountIds": ["333333333333"],
    "Actions": ["*"], "Tags": {"a": "b"}, "TagKeys": ["a"], "SourceArn": "arn:aws:sqs:eu-west-1:222222222222:jobs",
    "TaskHandle": "h", "Entries": [{"Id": "1", "MessageBody": "m", "ReceiptHandle": "h", "VisibilityTimeout": 1}]
}"#;

const ACTIONS: [&str; 23] = [
    "AddPermission",
    "CancelMessageMoveTask",
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
    "CreateQueue",
    "DeleteMessage",
    "DeleteMessageBatch",
    "DeleteQueue",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "ListMessageMoveTasks",
    "ListQueueTags",
    "ListQueues",
    "PurgeQueue",
    "ReceiveMessage",
    "RemovePermission",
    "SendMessage",
    "SendMessageBatch",
    "SetQueueAttributes",
    "StartMessageMoveTask",
    "TagQueue",
    "UntagQueue",
];

/// What is simulated has to be what is decided.
#[test]
fn an_action_is_shareable_by_its_name_where_its_request_is() {
    let caller = Caller::unchecked("111111111111", "eu-west-1");
    for action in ACTIONS {
        let operation = decode_json(&format!("AmazonSQS.{action}"), ANY_REQUEST.as_bytes()).unwrap();
        let needs = of(&operation, &caller);
        let own = needs.first().unwrap();
        assert_eq!(own.action, format!("sqs:{}", action.strip_suffix("Batch").unwrap_or(action)));
        for need in needs.iter().filter(|need| need.action == own.action) {
            assert_eq!(need.cross_account, is_shareable(need.action), "{action}");
            assert_eq!(is_shareable(&need.action.to_uppercase()), need.cross_account, "{action}");
        }
    }
    assert!(!is_shareable("iam:CreateUser") && !is_shareable("SendMessage") && !is_shareable(""));
}
