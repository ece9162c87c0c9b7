#![allow(clippy::unwrap_used)]

use super::Conditions;
use crate::access::Caller;
use crate::facts::{Facts, Policy};
use crate::keys::QueueSealing;
use crate::watch::Clock;
use crate::watch::counters::Counters;
use bongsu_engine::{QueueName, StringMap};
use bongsu_policy::{Context, Document, Kind, Limits, Principal, Request, Value, Values, evaluate};
use hyper::HeaderMap;

const ACCOUNT: &str = "111111111111";

fn map(pairs: &[(&str, &str)]) -> StringMap {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn facts(tags: &[(&str, &str)]) -> Facts {
    let name = QueueName::new(ACCOUNT, "eu-west-1", "jobs");
    let sealing = QueueSealing::of(&name, &StringMap::new());
    let counters = Counters::new(Clock::start()).of(&name);
    Facts { attributes: StringMap::new(), tags: map(tags), policy: Policy::None, sealing, counters }
}

/// Asks about a request on a queue with these tags, which removes tags of these keys.
fn with<R>(tags: &[(&str, &str)], removed: &[&str], ask: impl FnOnce(&Conditions<'_>) -> R) -> R {
    let (caller, headers, facts) = (Caller::unchecked(ACCOUNT, "us-east-1"), HeaderMap::new(), facts(tags));
    let removed: Vec<String> = removed.iter().map(|key| (*key).to_owned()).collect();
    ask(&Conditions {
        caller: &caller,
        headers: &headers,
        is_secure: false,
        resource_account: ACCOUNT,
        resource_tags: Some(&facts.tags),
        region: "eu-west-1",
        request_tags: None,
        removed_tags: &removed,
    })
}

/// Whether a user may delete the queue who may do everything but what this statement denies.
fn may_delete(deny: &str, conditions: &Conditions<'_>) -> bool {
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"*","Resource":"*"}},
            {{"Effect":"Deny","Action":"sqs:*","Resource":"*","Condition":{deny}}}]}}"#
    );
    let policy = Document::parse(&text, Kind::Identity, &Limits::IDENTITY).unwrap();
    let tags = StringMap::new();
    let arn = "arn:aws:iam::111111111111:user/ann";
    let principal = Principal::User { account: ACCOUNT, name: "ann", arn, id: "AIDAANN", tags: &tags };
    let request = Request {
        action: "sqs:DeleteQueue",
        resource: "arn:aws:sqs:eu-west-1:111111111111:jobs",
        resource_account: ACCOUNT,
        principal,
        cross_account: false,
        context: conditions,
    };
    evaluate(&request, [("own", &policy)], None).is_allowed()
}

/// A queue can have `PROTECTED` and `protected`, which one key of a condition means: whoever may tag could put a tag before the one
/// that keeps a queue from being deleted.
#[test]
fn a_deny_by_a_tag_is_not_lifted_by_another_of_the_same_letters() {
    let deny = r#"{"StringEquals":{"aws:ResourceTag/protected":"true"}}"#;
    for tags in [
        &[("protected", "true")][..],
        &[("PROTECTED", "no"), ("protected", "true")],
        &[("Protected", "true"), ("protected", "no")],
        &[("PROTECTED", ""), ("Protected", "no"), ("protected", "true")],
    ] {
        assert!(!with(tags, &[], |conditions| may_delete(deny, conditions)), "{tags:?}");
    }
    for tags in [&[][..], &[("PROTECTED", "no")], &[("PROTECTED", "no"), ("protected", "false")]] {
        assert!(with(tags, &[], |conditions| may_delete(deny, conditions)), "{tags:?}");
    }
}

#[test]
fn the_keys_of_tags_that_are_removed_are_shown() {
    let deny = r#"{"ForAnyValue:StringEquals":{"aws:TagKeys":"protected"}}"#;
    assert!(!with(&[], &["other", "protected"], |conditions| may_delete(deny, conditions)));
    assert!(with(&[], &["other"], |conditions| may_delete(deny, conditions)));
    assert!(with(&[], &[], |conditions| may_delete(deny, conditions)));
}

/// The scope's region is where the request was signed for; a QueueUrl with a region, or an ARN, leads elsewhere.
#[test]
fn the_region_is_that_of_the_queue() {
    with(&[], &[], |conditions| {
        assert_eq!(conditions.values("aws:requestedregion"), Values::One(Value::from("eu-west-1")));
    });
}
