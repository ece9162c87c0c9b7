//! What holds for all policies and requests.

use crate::asking::{Ask, Caller, Policies, verdict};
use crate::generated::{Sides, asks, policy, sides, statement, with_plain_arns};
use crate::naive::Verdict;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn many(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, cases, ..ProptestConfig::default() }
}

fn policies(sides: &Sides) -> Policies {
    let (identity, resource) = sides.texts();
    Policies::new(&identity, resource.as_deref())
}

fn decide(sides: &Sides, ask: &Ask) -> Verdict {
    verdict(policies(sides).decide(ask))
}

/// The owner's root keeps these against a queue's policy.
fn unlocks(ask: &Ask) -> bool {
    let own = matches!(ask.caller, Caller::Root(account) if account == ask.owner);
    own && ask.action.eq_ignore_ascii_case("sqs:SetQueueAttributes")
}

fn add(policy: &mut Value, statement: Value) {
    policy["Statement"].as_array_mut().unwrap().push(statement);
}

fn add_on_a_side(sides: &mut Sides, on_resource: bool, mut statement: Value) {
    let fresh = || json!({"Version": "2012-10-17", "Statement": []});
    if on_resource {
        let policy = sides.resource.get_or_insert_with(fresh);
        let plain = policy["Version"] != "2012-10-17";
        add(policy, if plain { with_plain_arns(&statement) } else { statement });
    } else {
        for contrary in ["Principal", "NotPrincipal"] {
            statement.as_object_mut().unwrap().remove(contrary);
        }
        sides.identity.push(fresh());
        add(sides.identity.last_mut().unwrap(), statement);
    }
}

proptest! {
    #![proptest_config(many(6000))]

    #[test]
    fn two_evaluators_agree(sides in sides(), asks in vec(asks(), 4)) {
        let policies = policies(&sides);
        for ask in asks {
            prop_assert_eq!(verdict(policies.decide(&ask)), policies.decide_naively(&ask), "{:?}", ask);
        }
    }
}

proptest! {
    #![proptest_config(many(1500))]

    #[test]
    fn deny_wins(mut sides in sides(), ask in asks(), on_resource: bool) {
        let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"});
        add_on_a_side(&mut sides, on_resource, deny);
        let expected = if on_resource && unlocks(&ask) { decide(&sides, &ask) } else { Verdict::Forbidden };
        prop_assert_eq!(decide(&sides, &ask), expected);
    }

    #[test]
    fn another_allow_never_denies(before in sides(), mut allow in statement(true), ask in asks(), on_resource: bool) {
        allow["Effect"] = "Allow".into();
        if !on_resource && allow.get("Resource").is_none() && allow.get("NotResource").is_none() {
            allow["Resource"] = "*".into();
        }
        let mut after = before.clone();
        add_on_a_side(&mut after, on_resource, allow);
        match decide(&before, &ask) {
            Verdict::NotAllowed => prop_assert_ne!(decide(&after, &ask), Verdict::Forbidden),
            same => prop_assert_eq!(decide(&after, &ask), same),
        }
    }

    #[test]
    fn order_does_not_matter(sides in sides(), ask in asks()) {
        let mut turned = sides.clone();
        turned.identity.reverse();
        for policy in turned.identity.iter_mut().chain(&mut turned.resource) {
            policy["Statement"].as_array_mut().unwrap().reverse();
        }
        prop_assert_eq!(decide(&sides, &ask), decide(&turned, &ask));
    }

    #[test]
    fn without_an_allow_only_the_owners_root_is_allowed(mut sides in sides(), ask in asks()) {
        for policy in sides.identity.iter_mut().chain(&mut sides.resource) {
            for statement in policy["Statement"].as_array_mut().unwrap() {
                statement["Effect"] = "Deny".into();
            }
        }
        if decide(&sides, &ask) == Verdict::Allowed {
            prop_assert!(matches!(ask.caller, Caller::Root(account) if account == ask.owner));
        }
    }

    #[test]
    fn the_statement_that_decided_decides_alone(sides in sides(), ask in asks()) {
        let policies = policies(&sides);
        let decision = policies.decide(&ask);
        let (by, effect) = match decision {
            bongsu_policy::Decision::Allowed { by: bongsu_policy::Grant::Statement(by) } => (by, "Allow"),
            bongsu_policy::Decision::Denied(bongsu_policy::Denial::Explicit { by }) => (by, "Deny"),
            _ => return Ok(()),
        };
        let mut alone = Sides { identity: Vec::new(), resource: None };
        let reduced = |policy: &Value| {
            let mut policy = policy.clone();
            policy["Statement"] = json!([policy["Statement"][by.index]]);
            policy
        };
        match by.policy {
            bongsu_policy::PolicyRef::Identity(name) => {
                let index: usize = name[1..].parse().unwrap();
                alone.identity.push(reduced(&sides.identity[index - 1]));
                prop_assert_eq!(&alone.identity[0]["Statement"][0]["Effect"], effect);
            }
            bongsu_policy::PolicyRef::Resource => {
                alone.resource = sides.resource.as_ref().map(reduced);
                prop_assert_eq!(&alone.resource.as_ref().unwrap()["Statement"][0]["Effect"], effect);
            }
        }
        prop_assert_eq!(decide(&alone, &ask), verdict(decision));
    }

    #[test]
    fn reading_does_not_depend_on_white_space(policy in policy(true), ask in asks()) {
        let plain = Policies::new(&[], Some(&policy.to_string()));
        let pretty = Policies::new(&[], Some(&serde_json::to_string_pretty(&policy).unwrap()));
        prop_assert_eq!(plain.decide(&ask), pretty.decide(&ask));
    }
}

/// What is generated reaches all that can come out: agreeing on `NotAllowed` alone would show little.
#[test]
fn the_generated_requests_reach_every_outcome() {
    let mut runner = TestRunner::deterministic();
    let mut outcomes: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..4000 {
        let sides = sides().new_tree(&mut runner).unwrap().current();
        let ask = asks().new_tree(&mut runner).unwrap().current();
        let words = policies(&sides).decide(&ask).to_string();
        // Without numbers and names of statements.
        let kind = words.split(" by statement").next().unwrap().to_owned();
        let sides = words.matches("policy \"").count() * 10 + words.matches("queue's policy").count();
        *outcomes.entry(format!("{kind}/{sides}")).or_default() += 1;
    }
    let seen: Vec<&str> =
        outcomes.iter().filter(|(_, count)| **count >= 15).map(|(kind, _)| kind.as_str()).collect();
    let expected = [
        "allowed to the root of the account that owns it/0",
        "allowed/1",
        "allowed/10",
        "allowed/11",
        "denied/1",
        "denied/10",
        "denied: no identity policy allows it/0",
        "denied: no policy allows it/0",
        "denied: only the account that owns it may do this/0",
        "denied: the queue's policy does not allow it/1",
    ];
    assert_eq!(seen, expected, "{outcomes:?}");
}
