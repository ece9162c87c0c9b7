#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{Outside, read};
use crate::import::plan::Plan;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn plan(text: &str) -> Plan {
    let variables = BTreeMap::from([("FROM_OUTSIDE".to_owned(), "outside".to_owned())]);
    let files = |name: &str| match name {
        "attributes.json" => Some(r#"{"VisibilityTimeout": "77"}"#.to_owned()),
        _ => None,
    };
    read("init.sh", text, &Outside { read: &files, variables: &variables }).unwrap()
}

/// Names with attributes, redrive policies with the queue's name.
fn queues(text: &str) -> Value {
    let plan = plan(text);
    plan.queues.iter().map(|queue| (queue.name.clone(), json!(queue.whole("arn")))).collect()
}

fn names(text: &str) -> Vec<String> {
    plan(text).queues.into_iter().map(|queue| queue.name).collect()
}

fn lost(text: &str) -> Vec<String> {
    plan(text)
        .notes
        .iter()
        .filter(|note| note.is_loss)
        .map(|note| format!("{}: {}", note.place, note.text))
        .collect()
}

const USUAL: &str = r#"#!/usr/bin/env bash
set -euo pipefail
echo "configuring sqs"   # awslocal sqs create-queue --queue-name commented
LOCALSTACK_HOST=localhost
AWS_REGION=eu-central-1

create_queue() {
  local QUEUE_NAME_TO_CREATE=$1
  local ENABLE_FIFO=${2:-false}
  if [ "$ENABLE_FIFO" == false ]; then
    local ATTRIBUTES="VisibilityTimeout=${VISIBILITY:-45}"
  else
    local ATTRIBUTES="VisibilityTimeout=45,FifoQueue=true"
  fi
  awslocal --endpoint-url=http://${LOCALSTACK_HOST}:4566 sqs create-queue \
    --queue-name "${QUEUE_NAME_TO_CREATE}" --region ${AWS_REGION} --attributes "$ATTRIBUTES"
}
create_queue "plain"
create_queue ordered.fifo true
echo done
"#;

#[test]
fn a_usual_script() {
    assert_eq!(
        queues(USUAL),
        json!({
            "plain": { "VisibilityTimeout": "45" },
            "ordered.fifo": { "VisibilityTimeout": "45", "FifoQueue": "true" },
        })
    );
    assert_eq!(lost(USUAL), [""; 0]);
    assert_eq!(plan(USUAL).region.as_deref(), Some("eu-central-1"));
}

#[test]
fn dead_letter_queues_in_the_forms_that_are_about() {
    let by_output = r#"
DLQ_URL=$(awslocal sqs create-queue --queue-name dead --query 'QueueUrl' --output text)
DLQ_ARN=$(awslocal sqs get-queue-attributes --queue-url "$DLQ_URL" --attribute-names QueueArn --query Attributes.QueueArn --output text)
awslocal sqs create-queue --queue-name jobs --attributes '{
  "RedrivePolicy": "{\"deadLetterTargetArn\":\"'"$DLQ_ARN"'\",\"maxReceiveCount\":\"3\"}"
}'"#;
    let by_text = r#"
awslocal sqs create-queue --queue-name dead
awslocal sqs create-queue --queue-name jobs
awslocal sqs set-queue-attributes --queue-url http://localhost:4566/000000000000/jobs --attributes "{\"RedrivePolicy\":\"{\\\"deadLetterTargetArn\\\":\\\"arn:aws:sqs:us-east-1:000000000000:dead\\\",\\\"maxReceiveCount\\\":\\\"3\\\"}\"}"
"#;
    let shorthand = r#"
aws sqs create-queue --queue-name=dead --endpoint-url http://x
aws --region us-east-1 sqs create-queue --queue-name jobs --attributes 'RedrivePolicy="{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:dead\",\"maxReceiveCount\":3}"'
"#;
    let redrive = r#"{"deadLetterTargetArn":"arn:dead","maxReceiveCount":3}"#;
    for text in [by_output, by_text, shorthand] {
        assert_eq!(queues(text), json!({ "dead": {}, "jobs": { "RedrivePolicy": redrive } }), "{text}");
        assert_eq!(lost(text), [""; 0], "{text}");
    }
}

#[test]
fn loops_lists_and_variables() {
    for (text, expected) in [
        (
            "for q in a b \"c\"; do awslocal sqs create-queue --queue-name $q-queue; done",
            vec!["a-queue", "b-queue", "c-queue"],
        ),
        (
            "QUEUES=(\"a\"\n b # comment\n)\nfor q in \"${QUEUES[@]}\"\ndo\n awslocal sqs create-queue --queue-name \"$q\"\ndone",
            vec!["a", "b"],
        ),
        (
            "Q=(a)\nQ+=(b)\nfor q in ${Q[@]}; do awslocal sqs create-queue --queue-name $q; done",
            vec!["a", "b"],
        ),
        ("Q=a\nQ+=b\nawslocal sqs create-queue --queue-name $Q", vec!["ab"]),
        (
            "QUEUES='a b'\nfor q in $QUEUES; do awslocal sqs create-queue --queue-name $q; done",
            vec!["a", "b"],
        ),
        (
            "AWS='aws --endpoint-url http://h'\n$AWS sqs create-queue --queue-name a && $AWS sqs create-queue --queue-name b",
            vec!["a", "b"],
        ),
        ("awslocal sqs get-queue-url --queue-name a || awslocal sqs create-queue --queue-name a", vec!["a"]),
        ("awslocal sqs create-queue --queue-name $FROM_OUTSIDE", vec!["outside"]),
        ("docker exec -it localstack awslocal sqs create-queue --queue-name a > /dev/null 2>&1 &", vec!["a"]),
        (
            "if ! awslocal sqs get-queue-url --queue-name a; then awslocal sqs create-queue --queue-name a; fi",
            vec!["a"],
        ),
        ("echo awslocal sqs create-queue --queue-name a", vec![]),
        (
            "cat <<EOF > x\nawslocal sqs create-queue --queue-name a\nEOF\nawslocal sqs create-queue --queue-name b",
            vec!["b"],
        ),
        ("function mk { awslocal sqs create-queue --queue-name \"$@\"; }\nmk a", vec!["a"]),
        (
            "(awslocal sqs create-queue --queue-name a) | { awslocal sqs create-queue --queue-name b; }",
            vec!["a", "b"],
        ),
        ("awslocal sqs create-queue --cli-input-json '{\"QueueName\": \"a\"}'", vec!["a"]),
        ("awslocal sqs create-queue \\\r\n  --queue-name a\r\n", vec!["a"]),
        ("x=`awslocal sqs create-queue --queue-name a`", vec!["a"]),
    ] {
        assert_eq!(names(text), expected, "{text}");
    }
}

#[test]
fn attributes_and_tags() {
    let text = "awslocal sqs create-queue --queue-name a --attributes file://attributes.json --tags team=x,level=3\n\
        awslocal sqs tag-queue --queue-url $(awslocal sqs get-queue-url --queue-name a) --tags '{\"env\": \"dev\"}'\n\
        awslocal sqs create-queue --queue-name b --attributes DelaySeconds=1,VisibilityTimeout=2\n\
        awslocal sqs create-queue --queue-name c --attributes DelaySeconds=1 VisibilityTimeout=2\n";
    assert_eq!(json!(plan(text).queues[0].tags), json!({ "team": "x", "level": "3", "env": "dev" }));
    let both = json!({ "DelaySeconds": "1", "VisibilityTimeout": "2" });
    assert_eq!(queues(text), json!({ "a": { "VisibilityTimeout": "77" }, "b": both, "c": both }));
}

#[test]
fn what_can_not_be_taken_over_is_named() {
    for (text, reason) in [
        (
            "\nawslocal sqs create-queue --queue-name $NOBODY",
            "init.sh:2: sqs create-queue: --queue-name: $NOBODY has no value here",
        ),
        (
            "awslocal sqs create-queue --queue-name a --attributes \"x=$(date)\"",
            "--attributes: $(…) has no value",
        ),
        ("awslocal sqs create-queue --queue-name a${n%x}", "${n%x} has no value"),
        ("awslocal sqs create-queue", "--queue-name is missing"),
        ("awslocal sqs create-queue --queue-name a --attributes x", "x is no NAME=VALUE"),
        (
            "awslocal sqs create-queue --queue-name a --attributes file://none.json",
            "there is no file none.json",
        ),
        (
            "awslocal sqs set-queue-attributes --queue-url http://h/0/a --attributes x=1",
            "a is not made in this script",
        ),
        (
            "awslocal sqs send-message --queue-url http://h/0/a --message-body x",
            "sqs send-message: queues are made",
        ),
        ("awslocal sns create-topic --name t", "sns create-topic: only queues"),
        ("while true; do awslocal sqs create-queue --queue-name a; done", "`while` depends"),
        ("case $1 in a|b) awslocal sqs create-queue --queue-name a;; *) ;; esac", "`case` depends"),
        ("f() { f; awslocal sqs create-queue --queue-name a; }\nf", "too deeply"),
        (
            "awslocal sqs create-queue --queue-name a --region x\nawslocal sqs create-queue --queue-name b --region y",
            "--region y",
        ),
    ] {
        let lost = lost(text);
        assert!(lost.iter().any(|lost| lost.contains(reason)), "{text}: {lost:?}");
    }
}

#[test]
fn scripts_that_are_none_are_named_by_line() {
    let outside = Outside { read: &|_| None, variables: &BTreeMap::new() };
    for (text, reason) in [
        ("\necho 'x", "init.sh:2: a quote is not closed"),
        ("echo \"x", "a quote is not closed"),
        ("x=$(echo", "a bracket is not closed"),
        ("x=`echo", "a backtick is not closed"),
        ("if true; then", "fi is missing"),
        ("for x in a; do", "done is missing"),
        ("f() { echo", "} is missing"),
        ("fi", "fi"),
        ("case x in", "esac is missing"),
    ] {
        let outcome = read("init.sh", text, &outside);
        // A word out of place is a command to a shell too.
        if text == "fi" {
            assert!(outcome.is_ok());
            continue;
        }
        let error = outcome.unwrap_err();
        assert!(error.contains(reason), "{text}: {error}");
    }
    let deep = "$(".repeat(1_000);
    assert!(read("init.sh", &format!("x={deep}"), &outside).is_err());
    let deep = "( ".repeat(1_000);
    assert!(read("init.sh", &deep, &outside).is_err());
}

#[test]
fn scripts_without_an_end_come_to_one() {
    let doubling: String = (0..64).map(|_| "x=\"$x$x\"\n".to_owned()).collect();
    let _ = plan(&format!("x=aaaaaaaa\n{doubling}awslocal sqs create-queue --queue-name $x"));
    let words = "a ".repeat(200);
    let nested = format!(
        "X='{words}'\nfor a in $X; do for b in $X; do for c in $X; do awslocal sqs list-queues; done; done; done"
    );
    assert!(lost(&nested)[0].contains("goes on for too long"));
}

proptest! {
    #[test]
    fn no_script_is_too_strange(
        text in r#"(for|in|do|done|if|then|fi|case|esac|while|f\(\)|\{|\}|\(|\)|;|;;|\n|&&|\||"|'|`|\$\(|\$\{|\$x|x=|=|awslocal sqs|create-queue|--queue-name| |a|<<E|>|\\|:-|#){0,40}"#
    ) {
        let outside = Outside { read: &|_| None, variables: &BTreeMap::new() };
        let _ = read("f", &text, &outside);
    }
}
