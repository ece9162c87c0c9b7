use super::unexpected;
use crate::logged::logged;
use bongsu_engine::{QueueName, Reply};

/// Replies hold policies and names of queues.
#[test]
fn of_a_reply_that_was_not_expected_the_log_sees_the_kind_alone() {
    let names = vec![QueueName::new("111111111111", "eu-west-1", "secret")];
    let written = logged(|| _ = unexpected(&Reply::Names { names, more: false }));
    assert!(written.contains("reply=\"Names\"") && !written.contains("secret"), "{written}");
}
