//! Which queues a list shows.

use super::{Filter, Kind, encryption, has_tag, surveyed};
use crate::watch::Surveyed;
use bongsu_engine::{Description, QueueId, QueueName, StringMap};

fn tags(pairs: &[(&str, &str)]) -> StringMap {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn queue(name: &str, attributes: &[(&str, &str)], sources: usize) -> Surveyed {
    let name = QueueName::new("111111111111", "eu-west-1", name);
    let description = Description {
        name: name.clone(),
        id: QueueId(1),
        fifo: name.is_fifo(),
        attributes: tags(attributes),
        tags: tags(&[("team", "a=b")]),
        created_wall_ms: 1,
        modified_wall_ms: 1,
        visible: 1,
        in_flight: 2,
        delayed: 3,
        oldest_age_ms: None,
        policy_version: 0,
        wait_ms: 0,
    };
    surveyed(name, description, sources)
}

#[test]
fn tags_are_found_by_key_or_by_key_and_value() {
    let tags = tags(&[("team", "a=b"), ("k=v", "x"), ("empty", "")]);
    for wanted in ["team", "team=a=b", "k=v", "k=v=x", "empty", "empty="] {
        assert!(has_tag(&tags, wanted), "{wanted}");
    }
    for wanted in ["tea", "teams", "team=", "team=a", "k", "k=v=", "", "empty=x"] {
        assert!(!has_tag(&tags, wanted), "{wanted}");
    }
}

#[test]
fn a_filter_asks_for_all_of_its_parts() {
    let plain = queue("Orders", &[], 0);
    let fifo = queue("orders.fifo", &[], 0);
    let dead = queue("orders-dead", &[], 2);
    let takes = |filter: &Filter| {
        let search = filter.search.as_deref();
        [&plain, &fifo, &dead].map(|queue| filter.takes(queue, search))
    };
    let all = Filter::default();
    assert_eq!(takes(&all), [true; 3]);
    assert_eq!(takes(&Filter { kind: Some(Kind::Standard), ..all.clone() }), [true, false, true]);
    assert_eq!(takes(&Filter { kind: Some(Kind::Fifo), ..all.clone() }), [false, true, false]);
    assert_eq!(takes(&Filter { kind: Some(Kind::DeadLetter), ..all.clone() }), [false, false, true]);
    assert_eq!(takes(&Filter { search: Some("orders".to_owned()), ..all.clone() }), [true; 3]);
    assert_eq!(takes(&Filter { search: Some("dead".to_owned()), ..all.clone() }), [false, false, true]);
    assert_eq!(takes(&Filter { tag: Some("team".to_owned()), ..all.clone() }), [true; 3]);
    let both = Filter { tag: Some("other".to_owned()), kind: Some(Kind::Fifo), ..all };
    assert_eq!(takes(&both), [false; 3]);
}

#[test]
fn encryption_is_as_the_attributes_have_it() {
    assert_eq!(encryption(None, None), "sqs");
    assert_eq!(encryption(Some(""), Some("true")), "sqs");
    assert_eq!(encryption(None, Some("false")), "none");
    assert_eq!(encryption(Some("alias/mine"), None), "kms");
}

#[test]
fn a_redrive_policy_names_the_dead_letter_queue() {
    let policy =
        r#"{"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:111111111111:dead", "maxReceiveCount": 3}"#;
    let target = |policy: &str| queue("q", &[("RedrivePolicy", policy)], 0).dead_letter_target;
    assert_eq!(target(policy), Some(QueueName::new("111111111111", "eu-west-1", "dead")));
    assert_eq!(target("{}"), None);
    assert_eq!(target("no JSON"), None);
    assert_eq!(queue("q", &[], 0).dead_letter_target, None);
}
