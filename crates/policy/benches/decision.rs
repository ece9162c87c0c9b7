//! What a decision costs: `cargo bench -p bongsu-policy`.
#![allow(clippy::expect_used)]

use bongsu_policy::{Context, Document, Kind, Limits, Principal, Request, Value, Values, evaluate};
use divan::{Bencher, black_box};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// Shows allocations beside the time: without variables there are none.
#[global_allocator]
static ALLOCATIONS: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    divan::main();
}

/// What a server has at hand for every request.
struct Facts;

impl Context for Facts {
    fn values(&self, key: &str) -> Values<'_> {
        match key {
            "aws:sourceip" => Values::One(Value::Address(IpAddr::V4(Ipv4Addr::new(10, 52, 176, 9)))),
            "aws:currenttime" => Values::One(Value::Instant { unix_ms: 1_246_363_100_000 }),
            "aws:securetransport" => Values::One(Value::Bool(true)),
            "aws:useragent" => Values::One(Value::from("Boto3/1.34 md/Botocore#1.34")),
            _ => Values::Absent,
        }
    }
}

const SHORT: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sqs:SendMessage",
    "Resource": "arn:aws:sqs:us-east-1:111111111111:orders"}}"#;
const WILDCARDS: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Deny", "Action": ["sqs:Delete*", "sqs:Purge*"], "Resource": "*"},
    {"Effect": "Allow", "Action": "sqs:*Message*", "Resource": "arn:aws:sqs:*:111111111111:ord*"}]}"#;
const CONDITIONS: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*", "Condition": {
        "IpAddress": {"aws:SourceIp": ["192.168.0.0/16", "10.52.176.0/24"]},
        "DateLessThan": {"aws:CurrentTime": "2009-06-30T12:00Z"},
        "Bool": {"aws:SecureTransport": "true"},
        "StringLike": {"aws:UserAgent": "Boto3/*"}}}]}"#;
const VARIABLES: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sqs:SendMessage",
    "Resource": "arn:aws:sqs:*:*:${aws:PrincipalTag/team}"}}"#;
const QUEUE: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
    {"Effect": "Allow", "Principal": {"AWS": ["222222222222", "111111111111"]}, "Action": "sqs:SendMessage"}]}"#;

fn decide(bencher: Bencher<'_, '_>, identity: &str, resource: Option<&str>) {
    let identity = Document::parse(identity, Kind::Identity, &Limits::IDENTITY).expect("a policy");
    let resource =
        resource.map(|text| Document::parse(text, Kind::Resource, &Limits::QUEUE).expect("a policy"));
    let tags = BTreeMap::from([("team".to_owned(), "orders".to_owned())]);
    let principal = Principal::User {
        account: "111111111111",
        name: "alice",
        arn: "arn:aws:iam::111111111111:user/alice",
        id: "AIDA1",
        tags: &tags,
    };
    let request = Request {
        action: "sqs:SendMessage",
        resource: "arn:aws:sqs:us-east-1:111111111111:orders",
        resource_account: "111111111111",
        principal,
        cross_account: true,
        context: &Facts,
    };
    let policies = [("own", &identity)];
    assert!(evaluate(&request, policies, resource.as_ref()).is_allowed());
    bencher
        .bench_local(|| evaluate(black_box(&request), black_box(policies), resource.as_ref()).is_allowed());
}

#[divan::bench]
fn one_short_identity_policy(bencher: Bencher<'_, '_>) {
    decide(bencher, SHORT, None);
}

#[divan::bench]
fn wildcards(bencher: Bencher<'_, '_>) {
    decide(bencher, WILDCARDS, None);
}

#[divan::bench]
fn four_conditions(bencher: Bencher<'_, '_>) {
    decide(bencher, CONDITIONS, None);
}

#[divan::bench]
fn a_variable(bencher: Bencher<'_, '_>) {
    decide(bencher, VARIABLES, None);
}

#[divan::bench]
fn with_the_queues_policy(bencher: Bencher<'_, '_>) {
    decide(bencher, SHORT, Some(QUEUE));
}

#[divan::bench]
fn reading_a_queues_policy(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| Document::parse(black_box(QUEUE), Kind::Resource, &Limits::QUEUE));
}
