//! Queue attributes: what may be set, what comes back, what it means.

use super::bench::*;
use crate::attributes::default_of;
use crate::*;

#[derive(Clone, Copy, Debug)]
enum Says {
    Good,
    Unknown,
    Invalid,
    FifoOnly,
}
use Says::{FifoOnly, Good, Invalid, Unknown};

/// Queue type, attribute, value, and what SQS says to it, at creation and when it is set alike.
#[rustfmt::skip]
const TABLE: &[(&str, &str, &str, Says)] = &[
    ("q", "VisibilityTimeout", "0", Good), ("q", "VisibilityTimeout", "43200", Good),
    ("q", "VisibilityTimeout", "43201", Invalid), ("q", "VisibilityTimeout", "-1", Invalid),
    ("q", "VisibilityTimeout", "", Invalid), ("q", "VisibilityTimeout", " 30", Invalid),
    ("q", "VisibilityTimeout", "30 ", Invalid), ("q", "VisibilityTimeout", "30.0", Invalid),
    ("q", "VisibilityTimeout", "+30", Invalid), ("q", "VisibilityTimeout", "thirty", Invalid),
    ("q", "VisibilityTimeout", "99999999999999999999999", Invalid), ("q", "VisibilityTimeout", "١", Invalid),
    ("q", "DelaySeconds", "0", Good), ("q", "DelaySeconds", "900", Good), ("q", "DelaySeconds", "901", Invalid),
    ("f.fifo", "DelaySeconds", "900", Good), ("f.fifo", "DelaySeconds", "901", Invalid),
    ("q", "MaximumMessageSize", "1023", Invalid), ("q", "MaximumMessageSize", "1024", Good),
    ("q", "MaximumMessageSize", "1048576", Good), ("q", "MaximumMessageSize", "1048577", Invalid),
    ("q", "MessageRetentionPeriod", "59", Invalid), ("q", "MessageRetentionPeriod", "60", Good),
    ("q", "MessageRetentionPeriod", "1209600", Good), ("q", "MessageRetentionPeriod", "1209601", Invalid),
    ("q", "ReceiveMessageWaitTimeSeconds", "0", Good), ("q", "ReceiveMessageWaitTimeSeconds", "20", Good),
    ("q", "ReceiveMessageWaitTimeSeconds", "21", Invalid),
    ("q", "KmsDataKeyReusePeriodSeconds", "59", Invalid), ("q", "KmsDataKeyReusePeriodSeconds", "60", Good),
    ("q", "KmsDataKeyReusePeriodSeconds", "86400", Good), ("q", "KmsDataKeyReusePeriodSeconds", "86401", Invalid),
    ("q", "KmsMasterKeyId", "alias/aws/sqs", Good), ("q", "KmsMasterKeyId", "any string", Good),
    ("q", "SqsManagedSseEnabled", "true", Good), ("q", "SqsManagedSseEnabled", "FALSE", Good),
    ("q", "SqsManagedSseEnabled", "yes", Invalid), ("q", "SqsManagedSseEnabled", "", Invalid),
    ("q", "Foo", "1", Unknown), ("q", "visibilitytimeout", "1", Unknown), ("q", "", "1", Unknown),
    ("q", "QueueArn", "arn", Unknown), ("q", "CreatedTimestamp", "1", Unknown),
    ("q", "ApproximateNumberOfMessages", "1", Unknown),
    ("q", "ContentBasedDeduplication", "true", Unknown),
    ("q", "DeduplicationScope", "queue", FifoOnly), ("q", "FifoThroughputLimit", "perQueue", FifoOnly),
    ("f.fifo", "ContentBasedDeduplication", "true", Good), ("f.fifo", "ContentBasedDeduplication", "on", Invalid),
    ("f.fifo", "DeduplicationScope", "messageGroup", Good), ("f.fifo", "DeduplicationScope", "queue", Good),
    ("f.fifo", "DeduplicationScope", "MessageGroup", Invalid), ("f.fifo", "DeduplicationScope", "", Invalid),
    ("f.fifo", "FifoThroughputLimit", "perQueue", Good), ("f.fifo", "FifoThroughputLimit", "perGroup", Invalid),
    ("f.fifo", "FifoQueue", "true", Good),
    ("q", "Policy", "{}", Good), ("q", "RedriveAllowPolicy", r#"{"redrivePermission":"denyAll"}"#, Good),
];

fn expected(name: &str, value: &str, says: Says) -> Result<(), EngineError> {
    Err(EngineError::Attribute(match says {
        Good => return Ok(()),
        Unknown => AttributeError::Unknown(name.to_owned()),
        Invalid => AttributeError::InvalidValue { name: name.to_owned(), value: value.to_owned() },
        FifoOnly => AttributeError::FifoOnly(name.to_owned()),
    }))
}

fn reason<T: std::fmt::Debug>(result: Result<T, EngineError>) -> String {
    match result {
        Err(EngineError::Attribute(AttributeError::RedrivePolicy { reason, .. })) => reason,
        Err(EngineError::Attribute(AttributeError::RedriveAllowPolicy { reason, .. })) => reason,
        Err(EngineError::Attribute(AttributeError::Policy { reason })) => reason,
        other => format!("{other:?}"),
    }
}

#[test]
fn each_attribute_takes_its_range_and_nothing_else() {
    for (queue, name, value, says) in TABLE {
        let expected = expected(name, value, *says);
        assert_eq!(
            Bench::new().try_create(queue, &[(name, value)]),
            expected,
            "create {queue} {name}={value}"
        );
        let mut bench = Bench::new();
        bench.create(queue, &[]);
        assert_eq!(bench.try_set(queue, &[(name, value)]), expected, "set {queue} {name}={value}");
        let shown = bench.describe(queue).attributes.get(*name).cloned();
        let before = (*name == "FifoQueue").then_some("true".to_owned());
        let wanted = if matches!(says, Good) { Some((*value).to_owned()) } else { before };
        assert_eq!(shown, wanted, "{queue} {name}={value} comes back as it was set");
    }
}

#[test]
fn unset_attributes_read_as_their_defaults() {
    for (name, value) in [
        ("VisibilityTimeout", Some("30")),
        ("DelaySeconds", Some("0")),
        ("MaximumMessageSize", Some("1048576")),
        ("MessageRetentionPeriod", Some("345600")),
        ("ReceiveMessageWaitTimeSeconds", Some("0")),
        ("KmsDataKeyReusePeriodSeconds", Some("300")),
        ("SqsManagedSseEnabled", Some("true")),
        ("ContentBasedDeduplication", Some("false")),
        ("DeduplicationScope", Some("queue")),
        ("FifoThroughputLimit", Some("perQueue")),
        ("Policy", None),
        ("RedrivePolicy", None),
        ("KmsMasterKeyId", None),
    ] {
        assert_eq!(default_of(name).as_deref(), value, "{name}");
    }
}

#[test]
fn one_bad_attribute_refuses_all() {
    let mut bench = Bench::new();
    bench.create("q", &[]);
    assert!(bench.try_set("q", &[("DelaySeconds", "5"), ("VisibilityTimeout", "no")]).is_err());
    assert!(bench.describe("q").attributes.is_empty());
}

#[test]
fn the_name_and_fifo_queue_say_the_same() {
    let mut bench = Bench::new();
    let disagree = Err(EngineError::Attribute(AttributeError::TypeAndNameDisagree));
    assert_eq!(bench.try_create("q", &[("FifoQueue", "true")]), disagree);
    let unknown = Err(EngineError::Attribute(AttributeError::Unknown("FifoQueue".to_owned())));
    assert_eq!(bench.try_create("q", &[("FifoQueue", "false")]), unknown);
    let command =
        Command::CreateQueue { name: named("f.fifo"), attributes: StringMap::new(), tags: StringMap::new() };
    assert!(matches!(
        bench.decide(command),
        Err(EngineError::Attribute(AttributeError::TypeAndNameDisagree))
    ));
    assert_eq!(bench.try_create("f.fifo", &[("FifoQueue", "false")]), unknown);
    assert!(bench.try_create("f.fifo", &[("FifoQueue", "perhaps")]).is_err());
    bench.create("f.fifo", &[("FifoQueue", "TRUE")]);
}

#[test]
fn a_queue_does_not_change_its_type() {
    let mut bench = Bench::new();
    bench.create("q", &[]);
    bench.create("f.fifo", &[]);
    bench.set("f.fifo", &[("FifoQueue", "true")]);
    let change = Err(EngineError::Attribute(AttributeError::TypeChange));
    assert_eq!(bench.try_set("f.fifo", &[("FifoQueue", "false")]), change);
    assert!(bench.try_set("q", &[("FifoQueue", "true")]).is_err());
    let unknown = Err(EngineError::Attribute(AttributeError::Unknown("FifoQueue".to_owned())));
    assert_eq!(bench.try_set("q", &[("FifoQueue", "false")]), unknown);
}

#[test]
fn high_throughput_needs_the_scope_of_a_group() {
    let needs = Err(EngineError::Attribute(AttributeError::ThroughputNeedsGroupScope));
    let high = ("FifoThroughputLimit", "perMessageGroupId");
    let scope = ("DeduplicationScope", "messageGroup");
    let mut bench = Bench::new();
    assert_eq!(bench.try_create("a.fifo", &[high]), needs);
    bench.create("a.fifo", &[high, scope]);
    assert_eq!(
        bench.try_set("a.fifo", &[("DeduplicationScope", "queue")]),
        needs,
        "it would not fit any more"
    );
    bench.create("b.fifo", &[]);
    assert_eq!(bench.try_set("b.fifo", &[high]), needs);
    bench.set("b.fifo", &[scope]);
    bench.set("b.fifo", &[high]);
}

#[test]
fn there_is_one_kind_of_encryption_at_a_time() {
    let (key, sqs) = (("KmsMasterKeyId", "alias/k"), ("SqsManagedSseEnabled", "true"));
    let mut bench = Bench::new();
    let two = Err(EngineError::Attribute(AttributeError::TwoEncryptions));
    assert_eq!(bench.try_create("q", &[key, sqs]), two);
    bench.create("q", &[sqs]);
    assert_eq!(bench.try_set("q", &[key, sqs]), two);
    bench.set("q", &[key]);
    assert_eq!(bench.describe("q").attributes, map(&[key]), "a key ends SQS's own encryption");
    bench.set("q", &[sqs]);
    assert_eq!(bench.describe("q").attributes, map(&[sqs]), "and the reverse");
    bench.set("q", &[key, ("SqsManagedSseEnabled", "false")]);
    bench.set("q", &[("KmsMasterKeyId", "")]);
    assert_eq!(bench.describe("q").attributes.get("KmsMasterKeyId"), None);
}

#[test]
fn an_empty_policy_is_removed() {
    let mut bench = Bench::new();
    bench.create("dead", &[]);
    let redrive = redrive_policy("dead", 3);
    for (name, value) in [
        ("Policy", r#"{"Version":"2012-10-17"}"#),
        ("RedrivePolicy", redrive.as_str()),
        ("RedriveAllowPolicy", r#"{"redrivePermission":"allowAll"}"#),
    ] {
        bench.create("q", &[]);
        bench.set("q", &[(name, value)]);
        assert_eq!(bench.describe("q").attributes, map(&[(name, value)]));
        bench.set("q", &[(name, "")]);
        assert!(bench.describe("q").attributes.is_empty(), "{name}");
        bench.create("r", &[(name, "")]);
        assert!(bench.describe("r").attributes.is_empty(), "{name}");
    }
}

#[test]
fn a_policy_is_a_json_object_of_at_most_8192_bytes() {
    let mut bench = Bench::new();
    bench.create("q", &[]);
    let padded = |length: usize| format!(r#"{{"Id":"{}"}}"#, "x".repeat(length - 9));
    assert_eq!(padded(8_192).len(), 8_192);
    bench.set("q", &[("Policy", &padded(8_192))]);
    for bad in [padded(8_193).as_str(), "[]", "1", "null", "policy", "{", " "] {
        let refused = bench.try_set("q", &[("Policy", bad)]);
        assert!(matches!(refused, Err(EngineError::Attribute(AttributeError::Policy { .. }))), "{bad:.20}");
    }
}

/// The texts are kept as they are: without a bound one request could be larger than what the store takes at a time.
#[test]
fn redrive_policies_have_at_most_8192_bytes_as_policies_have() {
    let mut bench = Bench::new();
    bench.create("dead", &[]);
    bench.create("q", &[]);
    for (name, least) in [
        ("RedrivePolicy", redrive_policy("dead", 3)),
        ("RedriveAllowPolicy", r#"{"redrivePermission":"denyAll"}"#.to_owned()),
    ] {
        let padded = |length: usize| format!("{least}{}", " ".repeat(length - least.len()));
        bench.set("q", &[(name, &padded(8_192))]);
        assert_eq!(bench.describe("q").attributes[name], padded(8_192), "as it was set");
        let too_long = Err(AttributeError::TooLong { name: name.to_owned() }.into());
        for value in [padded(8_193), "{".repeat(5 << 20)] {
            assert_eq!(bench.try_set("q", &[(name, &value)]), too_long);
            assert_eq!(bench.try_create("r", &[(name, &value)]), too_long);
        }
    }
}

#[test]
fn a_redrive_policy_is_read_strictly() {
    let mut bench = Bench::new();
    bench.create("dead", &[]);
    bench.create("dead.fifo", &[]);
    bench.create("q", &[]);
    let arn = named("dead").arn();
    let invalid_count = |count: &str| {
        format!("Invalid value for maxReceiveCount: {count}, valid values are from 1 to 1000 both inclusive.")
    };
    let supported = "Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn].";
    let bad_arn = "Invalid value for deadLetterTargetArn.";
    let with_arn = |arn: &str| format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":1}}"#);
    for (policy, why) in [
        ("{}".to_owned(), "Redrive policy does not contain mandatory attribute: maxReceiveCount."),
        (
            r#"{"maxReceiveCount":1}"#.to_owned(),
            "Redrive policy does not contain mandatory attribute: deadLetterTargetArn.",
        ),
        (redrive_policy("dead", 0), &invalid_count("0")),
        (redrive_policy("dead", 1001), &invalid_count("1001")),
        (format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":"x"}}"#), &invalid_count("x")),
        (format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":1.5}}"#), &invalid_count("1.5")),
        (format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":-1}}"#), &invalid_count("-1")),
        (format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":1,"x":2}}"#), supported),
        (with_arn("arn:aws:sqs:us-east-1"), bad_arn),
        (with_arn("arn:aws:sns:us-east-1:000000000000:dead"), bad_arn),
        (with_arn("dead"), bad_arn),
        (with_arn("arn:aws:sqs:eu-west-1:000000000000:dead"), bad_arn),
        (with_arn("arn:aws:sqs:us-east-1:111111111111:dead"), bad_arn),
        (r#"{"deadLetterTargetArn":7,"maxReceiveCount":1}"#.to_owned(), bad_arn),
        ("[]".to_owned(), "Redrive policy is not a valid JSON map."),
        ("policy".to_owned(), "Redrive policy is not a valid JSON map."),
        (redrive_policy("dead.fifo", 1), "Dead-letter queue must be same type of queue as the source.."),
    ] {
        assert_eq!(reason(bench.try_set("q", &[("RedrivePolicy", &policy)])), why, "{policy}");
        assert_eq!(reason(bench.try_create("r", &[("RedrivePolicy", &policy)])), why, "{policy}");
    }
    let absent = redrive_policy("absent", 1);
    let missing = AttributeError::DeadLetterQueueDoesNotExist { value: absent.clone() };
    assert_eq!(bench.try_set("q", &[("RedrivePolicy", &absent)]), Err(missing.into()));
    bench.set("q", &[("RedrivePolicy", &redrive_policy("q", 1))]);
    bench.create("self", &[("RedrivePolicy", &redrive_policy("self", 1000))]);
}

/// Recorded: a count that was sent as a string is given back as a number, in compact form.
#[test]
fn a_redrive_policy_with_a_count_in_quotes_comes_back_normalised() {
    let mut bench = Bench::new();
    bench.create("dead", &[]);
    let arn = named("dead").arn();
    let quoted = format!(r#"{{ "deadLetterTargetArn": "{arn}", "maxReceiveCount": "3" }}"#);
    let spaced = format!(r#"{{ "maxReceiveCount": 3, "deadLetterTargetArn": "{arn}" }}"#);
    bench.create("q", &[("RedrivePolicy", &quoted)]);
    assert_eq!(bench.describe("q").attributes["RedrivePolicy"], redrive_policy("dead", 3));
    bench.set("q", &[("RedrivePolicy", &spaced)]);
    assert_eq!(bench.describe("q").attributes["RedrivePolicy"], spaced, "otherwise as it was set");
    for same in [&quoted, &spaced, &redrive_policy("dead", 3)] {
        bench.create("q", &[("RedrivePolicy", same)]);
    }
}

#[test]
fn a_redrive_allow_policy_is_read_strictly() {
    let mut bench = Bench::new();
    bench.create("q", &[]);
    let arns = |count: usize| {
        let arns: Vec<String> =
            (0..count).map(|n| format!("\"{}\"", named(&format!("s{n}")).arn())).collect();
        format!("[{}]", arns.join(","))
    };
    let by_queue = |count| format!(r#"{{"redrivePermission":"byQueue","sourceQueueArns":{}}}"#, arns(count));
    let unsupported = "as it\u{2019}s in an unsupported format.";
    for (policy, why) in [
        ("x".to_owned(), unsupported),
        ("[]".to_owned(), unsupported),
        ("{}".to_owned(), unsupported),
        (r#"{"redrivePermission":"some"}"#.to_owned(), unsupported),
        (r#"{"redrivePermission":"allowAll","x":1}"#.to_owned(), unsupported),
        (r#"{"redrivePermission":"byQueue","sourceQueueArns":"arn"}"#.to_owned(), unsupported),
        (r#"{"redrivePermission":"byQueue","sourceQueueArns":[1]}"#.to_owned(), unsupported),
        (
            r#"{"redrivePermission":"byQueue"}"#.to_owned(),
            "you must also specify one or more sourceQueueArns values.",
        ),
        (by_queue(0), "you must also specify one or more sourceQueueArns values."),
        (by_queue(11), "The maximum number of source queue ARNs you can specify is 10."),
        (by_queue(1).replace("byQueue", "allowAll"), "you must set redrivePermission to byQueue."),
        (by_queue(1).replace("byQueue", "denyAll"), "you must set redrivePermission to byQueue."),
    ] {
        let said = reason(bench.try_set("q", &[("RedriveAllowPolicy", &policy)]));
        assert!(said.ends_with(why), "{policy}: {said}");
    }
    bench.set("q", &[("RedriveAllowPolicy", &by_queue(10))]);
    bench.set("q", &[("RedriveAllowPolicy", r#"{"redrivePermission":"allowAll","sourceQueueArns":[]}"#)]);
}

#[test]
fn a_redrive_allow_policy_decides_which_queues_may_name_this_one() {
    let deny = r#"{"redrivePermission":"denyAll"}"#.to_owned();
    let only_b = format!(r#"{{"redrivePermission":"byQueue","sourceQueueArns":["{}"]}}"#, named("b").arn());
    let all = r#"{"redrivePermission":"allowAll"}"#.to_owned();
    for (policy, a, b) in
        [(deny, false, false), (only_b, false, true), (all, true, true), (String::new(), true, true)]
    {
        let mut bench = Bench::new();
        bench.create("dead", &[("RedriveAllowPolicy", &policy)]);
        bench.create("a", &[]);
        let redrive = redrive_policy("dead", 1);
        assert_eq!(bench.try_set("a", &[("RedrivePolicy", &redrive)]).is_ok(), a, "{policy}");
        assert_eq!(bench.try_create("b", &[("RedrivePolicy", &redrive)]).is_ok(), b, "{policy}");
    }
    let mut bench = Bench::new();
    bench.create("dead", &[]);
    bench.create("a", &[("RedrivePolicy", &redrive_policy("dead", 1))]);
    bench.set("dead", &[("RedriveAllowPolicy", r#"{"redrivePermission":"denyAll"}"#)]);
    bench.set("a", &[("DelaySeconds", "0")]);
}

#[test]
fn a_message_is_measured_against_the_queues_own_limit() {
    let mut bench = Bench::new();
    bench.create("q", &[("MaximumMessageSize", "1024")]);
    let of = |size_bytes| Outgoing { size_bytes, ..outgoing(1, "body") };
    let results = bench.send_batch("q", vec![of(1025), of(1024)]);
    assert_eq!(results[0], Err(EngineError::MessageTooLong { limit_bytes: 1024 }));
    assert!(results[1].is_ok(), "each entry on its own");
}

#[test]
fn a_new_visibility_timeout_counts_for_later_receives() {
    let mut bench = Bench::new();
    bench.create("q", &[("VisibilityTimeout", "5")]);
    (0..2).for_each(|n| _ = bench.send("q", &format!("message {n}")));
    bench.receive_one("q");
    bench.set("q", &[("VisibilityTimeout", "10")]);
    bench.receive_one("q");
    bench.pass(5_000);
    assert_eq!(bench.counts("q"), (1, 1, 0));
    bench.pass(5_000);
    assert_eq!(bench.counts("q"), (2, 0, 0));
}

/// Documented: a change of DelaySeconds reaches messages already in the queue on FIFO queues only.
#[test]
fn a_new_delay_reaches_messages_that_are_there_on_fifo_queues_only() {
    let mut bench = Bench::new();
    bench.create("q", &[]);
    bench.create("f.fifo", &[]);
    bench.send("q", "one");
    bench.send_to("f.fifo", "g", "one");
    for queue in ["q", "f.fifo"] {
        bench.set(queue, &[("DelaySeconds", "10")]);
    }
    assert_eq!(bench.counts("q"), (1, 0, 0));
    assert_eq!(bench.counts("f.fifo"), (0, 0, 1));
    assert_eq!((bench.texts("q", 1).len(), bench.texts("f.fifo", 1).len()), (1, 0));
    bench.pass(2_000);
    let id = bench.engine.queue_id(&named("f.fifo")).unwrap();
    bench.set("f.fifo", &[("DelaySeconds", "2")]);
    assert!(bench.ready.contains(&id), "long polls are told");
    assert_eq!(bench.texts("f.fifo", 1), ["one"]);
}

#[test]
fn a_new_retention_reaches_all_messages_that_are_there() {
    for queue in ["q", "f.fifo"] {
        let mut bench = Bench::new();
        bench.create(queue, &[]);
        bench.send_to(queue, "g", "old");
        bench.pass(100_000);
        bench.send_to(queue, "g", "new");
        bench.set(queue, &[("MessageRetentionPeriod", "60")]);
        assert_eq!(bench.texts(queue, 10), ["new"], "{queue}");
        assert_eq!(bench.counts(queue), (0, 1, 0), "{queue}");
    }
}
