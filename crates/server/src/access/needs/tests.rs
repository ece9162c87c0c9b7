use super::of;
use crate::access::Caller;
use bongsu_engine::StringMap;
use bongsu_wire::{CreateQueueRequest, Operation};

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
