//! Policies and requests by chance, from small vocabularies, so that they often have to do with each other.

use crate::asking::{ALICE, Ask, BOB, CAROL, Caller, queue};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

/// The two sides of a decision, as JSON.
#[derive(Clone, Debug)]
pub(crate) struct Sides {
    pub(crate) identity: Vec<Value>,
    pub(crate) resource: Option<Value>,
}

impl Sides {
    pub(crate) fn texts(&self) -> (Vec<String>, Option<String>) {
        (self.identity.iter().map(Value::to_string).collect(), self.resource.as_ref().map(Value::to_string))
    }
}

pub(crate) fn sides() -> impl Strategy<Value = Sides> {
    let resource = proptest::option::weighted(0.7, policy(true));
    (vec(policy(false), 0..3), resource).prop_map(|(identity, resource)| Sides { identity, resource })
}

pub(crate) fn asks() -> impl Strategy<Value = Ask> {
    let callers = vec![
        Caller::Anonymous,
        Caller::Root("111111111111"),
        Caller::Root("222222222222"),
        ALICE,
        ALICE,
        CAROL,
        BOB,
        BOB,
        Caller::Service("sns.amazonaws.com"),
    ];
    const ASKED: &[&str] =
        &["sqs:SendMessage", "sqs:ReceiveMessage", "SQS:setqueueattributes", "kms:Decrypt"];
    const QUEUES: &[&str] = &["orders", "alice", "billing", "a*"];
    (
        select(callers),
        select(ASKED),
        select(QUEUES),
        prop::bool::weighted(0.9),
        prop::bool::weighted(0.85),
        vec((select(&KEYS[..]), 0..4_usize), 0..5),
    )
        .prop_map(|(caller, action, name, first_owns, cross_account, picks)| {
            let owner = if first_owns { "111111111111" } else { "222222222222" };
            let mut ask = Ask {
                caller,
                action: action.to_owned(),
                resource: queue(name).replace("111111111111", owner),
                owner: owner.to_owned(),
                cross_account,
                context: Default::default(),
            };
            for ((key, values), pick) in picks {
                let value = values[pick % values.len()].to_owned();
                ask.context.entry(key.to_lowercase()).or_default().push(value);
            }
            ask
        })
}

/// Keys that requests have, and their values.
const KEYS: [(&str, &[&str]); 9] = [
    ("aws:SourceIp", &["10.52.176.9", "10.52.177.9", "2001:db8::5", "::ffff:10.52.176.8"]),
    ("aws:CurrentTime", &["2009-06-30T11:59:59Z", "2009-06-30T12:00:00Z", "2012-02-29T00:00:00Z"]),
    ("aws:EpochTime", &["1246363199", "1246363200", "1400000000"]),
    ("aws:SecureTransport", &["true", "false"]),
    ("aws:SourceArn", &["arn:aws:sns:us-east-1:111111111111:news", "arn:aws:s3:::bucket", "nonsense"]),
    ("aws:TagKeys", &["Team", "stage", "a*"]),
    ("aws:ResourceTag/team", &["orders", "billing", "Orders", "alice"]),
    ("size", &["9", "10", "10.5", "-3"]),
    ("payload", &["AAEC", "/w==", "?"]),
];

/// Operators that go with each other's keys and values.
const FAMILIES: [(&[&str], &[&str], &[&str]); 8] = [
    (
        &[
            "StringEquals",
            "StringNotEquals",
            "StringEqualsIgnoreCase",
            "StringNotEqualsIgnoreCase",
            "StringLike",
            "StringNotLike",
        ],
        &[
            "aws:ResourceTag/team",
            "AWS:tagkeys",
            "aws:username",
            "aws:PrincipalType",
            "aws:PrincipalTag/team",
            "aws:SourceIp",
        ],
        &[
            "orders",
            "Orders",
            "a*",
            "*",
            "?rders",
            "alice",
            "Team",
            "User",
            "${aws:username}",
            "${aws:PrincipalTag/team}",
            "${aws:PrincipalTag/team, 'billing'}",
            "${aws:TagKeys}",
            "a${*}",
            "10.*",
        ],
    ),
    (
        &[
            "NumericEquals",
            "NumericNotEquals",
            "NumericLessThan",
            "NumericLessThanEquals",
            "NumericGreaterThan",
            "NumericGreaterThanEquals",
        ],
        &["size", "aws:EpochTime", "aws:TagKeys"],
        &["10", "9.5", "10.50", "-3", "1246363200"],
    ),
    (
        &[
            "DateEquals",
            "DateNotEquals",
            "DateLessThan",
            "DateLessThanEquals",
            "DateGreaterThan",
            "DateGreaterThanEquals",
        ],
        &["aws:CurrentTime", "aws:EpochTime"],
        &["2009-06-30T12:00Z", "2009-06-30", "1246363199", "2012-02-29T01:00:00+01:00", "2010"],
    ),
    (
        &["Bool", "Null"],
        &["aws:SecureTransport", "aws:MultiFactorAuthPresent", "aws:username"],
        &["true", "false"],
    ),
    (
        &["IpAddress", "NotIpAddress"],
        &["aws:SourceIp"],
        &["10.52.176.0/24", "10.52.177.9", "0.0.0.0/0", "2001:db8::/32", "::/0", "::ffff:10.52.176.0/120"],
    ),
    (
        &["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
        &["aws:SourceArn", "aws:PrincipalArn"],
        &[
            "arn:aws:sns:*:111111111111:n*",
            "arn:aws:s3:::bucket",
            "arn:*:iam::*:user/*",
            "arn:aws:iam::${aws:PrincipalAccount}:user/${aws:username}",
            "${aws:PrincipalArn}",
            "arn:aws:sns:*:*:${aws:PrincipalTag/team}",
            "*",
        ],
    ),
    (&["BinaryEquals"], &["payload"], &["AAEC", "/w=="]),
    (
        &["StringEquals", "StringLike"],
        &["aws:PrincipalAccount", "aws:userid"],
        &["111111111111", "anonymous", "AIDA*"],
    ),
];

/// A policy for a user, or one for a resource.
pub(crate) fn policy(of_resource: bool) -> impl Strategy<Value = Value> {
    let version = select(vec![Some("2012-10-17"), Some("2012-10-17"), Some("2008-10-17"), None]);
    (version, vec(statement(of_resource), 1..4)).prop_map(|(version, statements)| {
        let mut policy = Map::new();
        if let Some(version) = version {
            policy.insert("Version".into(), version.into());
        }
        policy.insert("Statement".into(), statements.into());
        let policy = Value::from(policy);
        if version == Some("2012-10-17") {
            return policy;
        }
        with_plain_arns(&policy)
    })
}

/// For the older version: a text that is no variable there is no ARN either, and is refused.
pub(crate) fn with_plain_arns(json: &Value) -> Value {
    let text = json.to_string().replace("\"${aws:PrincipalArn}\"", "\"arn:aws:iam::*:root\"");
    serde_json::from_str(&text).unwrap()
}

pub(crate) fn statement(of_resource: bool) -> impl Strategy<Value = Value> {
    let effect = prop_oneof![7 => Just("Allow"), 2 => Just("Deny")];
    const ACTIONS: &[&str] =
        &["sqs:SendMessage", "sqs:*", "SQS:?end*", "sqs:Receive*", "*", "sqs:SetQueueAttributes", "k*:*"];
    const RESOURCES: &[&str] = &[
        "*",
        "arn:aws:sqs:us-east-1:111111111111:orders",
        "arn:aws:sqs:*:*:orders",
        "arn:aws:sqs:*:${aws:PrincipalAccount}:*",
        "arn:aws:sqs:us-east-1:111111111111:${aws:username}",
        "arn:aws:sqs:*:*:${aws:PrincipalTag/TEAM}",
        "arn:aws:sqs:*:*:${aws:PrincipalTag/team,'alice'}",
        "arn:aws:sqs:*:*:${aws:PrincipalTag/stars}",
        "arn:aws:sqs:*:*:a${*}",
    ];
    (
        effect,
        either("Action", ACTIONS),
        (prop::bool::weighted(0.5), either("Resource", RESOURCES)),
        principal(),
        conditions(),
    )
        .prop_map(move |(effect, action, resource, principal, conditions)| {
            let mut statement = Map::from_iter([("Effect".to_owned(), Value::from(effect)), action]);
            // Only a resource's policy can leave its resource out.
            let (left_out, resource) = resource;
            if !(left_out && of_resource) {
                statement.extend([resource]);
            }
            if of_resource {
                statement.extend([principal]);
            }
            if !conditions.is_empty() {
                statement.insert("Condition".into(), conditions.into());
            }
            statement.into()
        })
}

/// An element or, less often, its contrary.
fn either(
    name: &'static str,
    values: &'static [&'static str],
) -> impl Strategy<Value = (String, Value)> + use<> {
    (prop::bool::weighted(0.15), one_or_several(values)).prop_map(move |(contrary, value)| {
        (if contrary { format!("Not{name}") } else { name.to_owned() }, value)
    })
}

fn one_or_several(values: &'static [&'static str]) -> impl Strategy<Value = Value> + use<> {
    prop_oneof![
        select(values).prop_map(Value::from),
        subsequence(values, 1..=3.min(values.len())).prop_map(Value::from),
    ]
}

fn principal() -> impl Strategy<Value = (String, Value)> {
    let names = &[
        "*",
        "111111111111",
        "arn:aws:iam::111111111111:root",
        "arn:aws:iam::222222222222:root",
        "222222222222",
        "arn:aws:iam::111111111111:user/alice",
        "arn:aws:iam::222222222222:user/team/bob",
        "AIDACAROL",
        "AIDABOB",
    ][..];
    let value = prop_oneof![
        2 => Just(json!("*")),
        6 => one_or_several(names).prop_map(|names| json!({"AWS": names})),
        1 => Just(json!({"Service": "sns.amazonaws.com"})),
        1 => one_or_several(names).prop_map(|names| json!({"AWS": names, "Service": ["sns.amazonaws.com"]})),
        1 => Just(json!({"Federated": "x"})),
    ];
    (prop::bool::weighted(0.2), value).prop_map(|(contrary, value)| {
        ((if contrary { "NotPrincipal" } else { "Principal" }).to_owned(), value)
    })
}

fn conditions() -> impl Strategy<Value = Map<String, Value>> {
    let one = select(&FAMILIES[..]).prop_flat_map(|(operators, keys, values)| {
        let dress =
            select(vec![("", ""), ("", ""), ("", "IfExists"), ("ForAnyValue:", ""), ("ForAllValues:", "")]);
        (select(operators), dress, select(keys), one_or_several(values)).prop_map(
            |(operator, (before, after), key, value)| {
                // Null takes no company.
                let (before, after) = if operator == "Null" { ("", "") } else { (before, after) };
                (format!("{before}{operator}{after}"), key, value)
            },
        )
    });
    let count = prop_oneof![4 => Just(0_usize), 4 => Just(1), 2 => Just(2)];
    count.prop_flat_map(move |count| vec(one.clone(), count)).prop_map(|list| {
        let mut condition = Map::new();
        for (operator, key, value) in list {
            let keys = condition.entry(operator).or_insert_with(|| json!({}));
            keys.as_object_mut().unwrap().insert(key.to_owned(), value);
        }
        condition
    })
}
