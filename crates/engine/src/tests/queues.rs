//! Queues themselves: names, creation, deletion, purge, tags, policy versions, lists.

use super::bench::*;
use crate::*;

#[test]
fn names_keep_to_the_alphabet_and_to_80_characters() {
    for (name, valid) in [
        ("q", true),
        ("A-z_09", true),
        (&"x".repeat(80), true),
        (&"x".repeat(81), false),
        (&format!("{}.fifo", "x".repeat(75)), true),
        (&format!("{}.fifo", "x".repeat(76)), false),
        ("", false),
        (".fifo", false),
        ("a.b", false),
        ("a.fifo.fifo", false),
        ("a.FIFO", false),
        ("a b", false),
        ("a/b", false),
        ("ä", false),
        ("a\n", false),
    ] {
        assert_eq!(named(name).is_valid(), valid, "{name:?}");
        let created = Bench::new().try_create(name, &[]);
        assert_eq!(created, if valid { Ok(()) } else { Err(EngineError::InvalidQueueName) }, "{name:?}");
    }
}

#[test]
fn an_arn_reads_back_as_the_name_it_was_made_of() {
    for name in [named("q"), QueueName::new("123456789012", "any region", "f.fifo")] {
        assert_eq!(QueueName::from_arn(&name.arn()), Some(name));
    }
    assert_eq!(named("q").arn(), "arn:aws:sqs:us-east-1:000000000000:q");
    let china = QueueName::from_arn("arn:aws-cn:sqs:cn-north-1:000000000000:q");
    assert_eq!(china, Some(QueueName::new("000000000000", "cn-north-1", "q")));
    for bad in [
        "",
        "q",
        "arn:aws:sqs:us-east-1:000000000000",
        "arn:aws:sqs:us-east-1:000000000000:",
        "arn:aws:sqs:us-east-1:000000000000:q:more",
        "arn:aws:sqs::000000000000:q",
        "arn:aws:sqs:us-east-1:00000000000:q",
        "arn:aws:sqs:us-east-1:00000000000x:q",
        "arn:aws:sns:us-east-1:000000000000:q",
        "arn:azure:sqs:us-east-1:000000000000:q",
        "urn:aws:sqs:us-east-1:000000000000:q",
    ] {
        assert_eq!(QueueName::from_arn(bad), None, "{bad}");
    }
}

#[test]
fn creating_a_queue_again_with_none_fewer_or_equal_attributes_changes_nothing() {
    let mut bench = Bench::new();
    let all = [("DelaySeconds", "5"), ("VisibilityTimeout", "7")];
    bench.create("q", &all);
    bench.send("q", "one");
    let id = bench.describe("q").id;
    for again in [&all[..], &all[..1], &[], &[("MaximumMessageSize", "1048576")], &[("DelaySeconds", "05")]] {
        let before = bench.log.written.len();
        bench.create("q", again);
        assert_eq!((bench.describe("q").id, bench.log.written.len()), (id, before), "{again:?}");
    }
}

#[test]
fn creating_a_queue_again_with_another_value_names_the_first_that_differs() {
    let mut bench = Bench::new();
    bench.create("dead", &[]);
    bench.create("f.fifo", &[("DelaySeconds", "5")]);
    let high = [("DeduplicationScope", "messageGroup"), ("FifoThroughputLimit", "perMessageGroupId")];
    for (asked, named) in [
        (&[("DelaySeconds", "6"), ("VisibilityTimeout", "7")][..], "DelaySeconds"),
        (&[("DelaySeconds", "5"), ("VisibilityTimeout", "7")], "VisibilityTimeout"),
        (&[("VisibilityTimeout", "7"), ("MaximumMessageSize", "1024")], "MaximumMessageSize"),
        (
            &[("ReceiveMessageWaitTimeSeconds", "7"), ("VisibilityTimeout", "1")],
            "ReceiveMessageWaitTimeSeconds",
        ),
        (&[("MessageRetentionPeriod", "60")], "MessageRetentionPeriod"),
        (&[("ContentBasedDeduplication", "true")], "ContentBasedDeduplication"),
        (&high, "DeduplicationScope"),
        (&[("KmsMasterKeyId", "k")], "KmsMasterKeyId"),
        (&[("SqsManagedSseEnabled", "false")], "SqsManagedSseEnabled"),
        (&[("Policy", "{}")], "Policy"),
        (&[("RedriveAllowPolicy", r#"{"redrivePermission":"denyAll"}"#)], "RedriveAllowPolicy"),
    ] {
        let exists = EngineError::QueueNameExists(named.to_owned());
        assert_eq!(bench.try_create("f.fifo", asked), Err(exists), "{asked:?}");
    }
    bench.set("f.fifo", &[("DelaySeconds", "6")]);
    bench.create("f.fifo", &[("DelaySeconds", "6")]);
    bench.create("q", &[]);
    let redrive = redrive_policy("dead", 2);
    let exists = EngineError::QueueNameExists("RedrivePolicy".to_owned());
    assert_eq!(bench.try_create("q", &[("RedrivePolicy", &redrive)]), Err(exists));
}

/// With a KMS key set SqsManagedSseEnabled reads false, so asking for `true` asks for something else.
#[test]
fn creating_a_queue_with_a_key_again_compares_the_encryption_in_force() {
    let mut bench = Bench::new();
    bench.create("q", &[("KmsMasterKeyId", "alias/k")]);
    bench.create("q", &[("KmsMasterKeyId", "alias/k"), ("SqsManagedSseEnabled", "false")]);
    let exists = EngineError::QueueNameExists("SqsManagedSseEnabled".to_owned());
    assert_eq!(bench.try_create("q", &[("SqsManagedSseEnabled", "true")]), Err(exists));
    bench.set("q", &[("SqsManagedSseEnabled", "true")]);
    bench.create("q", &[("SqsManagedSseEnabled", "true")]);
}

#[test]
fn creating_a_queue_again_compares_tags_when_there_are_some() {
    let mut bench = Bench::new();
    let create = |tags: &[(&str, &str)]| Command::CreateQueue {
        name: named("q"),
        attributes: StringMap::new(),
        tags: map(tags),
    };
    bench.decide(create(&[("k", "v")])).unwrap();
    bench.decide(create(&[("k", "v")])).unwrap();
    bench.decide(create(&[])).unwrap();
    let refused = bench.decide(create(&[("k", "other")])).unwrap_err();
    assert_eq!(refused, EngineError::QueueNameExists("tags".to_owned()));
}

#[test]
fn a_deleted_name_is_free_after_60_s() {
    let mut bench = Bench::new();
    bench.create("q", &[]);
    let first = bench.send("q", "one");
    bench.delete_queue("q");
    assert_eq!(
        bench.decide(Command::DeleteQueue(named("q"))).unwrap_err(),
        EngineError::QueueDoesNotExist(named("q"))
    );
    bench.pass(59_999);
    assert_eq!(bench.try_create("q", &[]), Err(EngineError::QueueDeletedRecently));
    bench.pass(1);
    bench.create("q", &[]);
    assert_eq!(bench.counts("q"), (0, 0, 0));
    assert_eq!(bench.send("q", "two").sequence, first.sequence, "a new life counts anew");
}

#[test]
fn a_receipt_does_not_outlive_its_queue() {
    let mut bench = Bench::with(Options { cooldowns: false });
    bench.create("q", &[]);
    bench.send("q", "one");
    let got = bench.receive_one("q");
    bench.delete_queue("q");
    bench.create("q", &[]);
    bench.send("q", "two");
    assert_eq!(bench.delete("q", &got), Err(EngineError::ReceiptOfOtherQueue));
    assert_eq!(bench.change("q", &got, 0), Err(EngineError::ReceiptOfOtherQueue));
    assert_eq!(bench.counts("q"), (1, 0, 0));
}

#[test]
fn a_queue_is_purged_once_in_60_s() {
    for cooldowns in [true, false] {
        let mut bench = Bench::with(Options { cooldowns });
        bench.create("q", &[]);
        bench.purge("q");
        bench.pass(59_999);
        let again = bench.decide(Command::PurgeQueue(named("q"))).map(|_| ());
        let refused = EngineError::PurgeQueueInProgress("q".to_owned());
        assert_eq!(again, if cooldowns { Err(refused) } else { Ok(()) });
        bench.pass(1);
        assert!(bench.decide(Command::PurgeQueue(named("q"))).is_ok());
    }
}

#[test]
fn a_purge_takes_waiting_delayed_and_in_flight_messages() {
    let mut bench = Bench::new();
    bench.create("q", &[]);
    (0..500).for_each(|n| _ = bench.send("q", &format!("message {n}")));
    bench.try_send("q", Outgoing { delay_ms: Some(5_000), ..outgoing(1, "delayed") }).unwrap();
    let got = bench.receive("q", 10);
    bench.purge("q");
    assert_eq!(bench.counts("q"), (0, 0, 0));
    assert_eq!(bench.delete("q", &got[0]), Ok(()));
    assert_eq!(bench.change("q", &got[0], 5), Err(EngineError::MessageNotAvailable));
    bench.pass(60_000);
    assert!(bench.receive("q", 10).is_empty());
    bench.send("q", "after");
    assert_eq!(bench.texts("q", 10), ["after"]);
}

#[test]
fn tags_are_replaced_added_and_removed_up_to_50() {
    let mut bench = Bench::new();
    bench.create("q", &[]);
    let tag = |pairs: &[(&str, &str)]| Command::TagQueue { name: named("q"), tags: map(pairs) };
    bench.decide(tag(&[("a", "1"), ("A", "2"), ("empty", "")])).unwrap();
    bench.decide(tag(&[("a", "3")])).unwrap();
    assert_eq!(bench.describe("q").tags, map(&[("a", "3"), ("A", "2"), ("empty", "")]));
    let keys = vec!["A".to_owned(), "unknown".to_owned()];
    bench.decide(Command::UntagQueue { name: named("q"), keys }).unwrap();
    assert_eq!(bench.describe("q").tags, map(&[("a", "3"), ("empty", "")]));
    let many: StringMap = (0..48).map(|n| (format!("key {n}"), String::new())).collect();
    bench.decide(Command::TagQueue { name: named("q"), tags: many }).unwrap();
    let refused = bench.decide(tag(&[("a", "again"), ("one too many", "")])).unwrap_err();
    assert_eq!(refused, EngineError::TooManyTags);
    assert_eq!(bench.describe("q").tags["a"], "3", "nothing of it was applied");
    bench.decide(tag(&[("a", "again")])).unwrap();
    let tags: StringMap = (0..51).map(|n| (format!("key {n}"), String::new())).collect();
    let create = Command::CreateQueue { name: named("r"), attributes: StringMap::new(), tags };
    assert_eq!(bench.decide(create).unwrap_err(), EngineError::TooManyTags);
}

#[test]
fn a_policy_is_replaced_only_by_who_saw_the_last() {
    let mut bench = Bench::new();
    bench.create("q", &[]);
    let set = |expected_version, policy: Option<&str>| Command::SetPolicy {
        name: named("q"),
        expected_version,
        policy: policy.map(str::to_owned),
    };
    let seen = bench.describe("q").policy_version;
    bench.decide(set(seen, Some("{}"))).unwrap();
    assert_eq!(bench.decide(set(seen, None)).unwrap_err(), EngineError::PolicyConflict);
    let seen = bench.describe("q").policy_version;
    bench.set("q", &[("DelaySeconds", "1")]);
    assert_eq!(bench.describe("q").policy_version, seen, "other attributes don't matter");
    bench.set("q", &[("Policy", r#"{"Id":"x"}"#)]);
    assert_eq!(bench.decide(set(seen, None)).unwrap_err(), EngineError::PolicyConflict);
    let seen = bench.describe("q").policy_version;
    assert!(matches!(bench.decide(set(seen, Some("no JSON"))), Err(EngineError::Attribute(_))));
    bench.decide(set(seen, None)).unwrap();
    assert_eq!(bench.describe("q").attributes, map(&[("DelaySeconds", "1")]));
}

#[test]
fn timestamps_say_when_a_queue_was_made_and_changed() {
    let mut bench = Bench::new();
    bench.create("q", &[]);
    let created = bench.wall_ms();
    bench.pass(5_000);
    bench.send("q", "one");
    bench.decide(Command::TagQueue { name: named("q"), tags: map(&[("k", "v")]) }).unwrap();
    assert_eq!(
        (bench.describe("q").created_wall_ms, bench.describe("q").modified_wall_ms),
        (created, created)
    );
    bench.set("q", &[("DelaySeconds", "1")]);
    let modified = bench.wall_ms();
    assert_eq!(
        (bench.describe("q").created_wall_ms, bench.describe("q").modified_wall_ms),
        (created, modified)
    );
}

fn list(bench: &mut Bench, prefix: &str, after: Option<&str>, limit: usize) -> (Vec<String>, bool) {
    let command = Command::ListQueues {
        account: "000000000000".to_owned(),
        region: "us-east-1".to_owned(),
        prefix: prefix.to_owned(),
        after: after.map(str::to_owned),
        limit,
    };
    match bench.decide(command).unwrap() {
        Reply::Names { names, more } => (names.into_iter().map(|name| name.name).collect(), more),
        other => panic!("{other:?}"),
    }
}

#[test]
fn queues_are_listed_by_name_prefix_and_page_of_one_account_and_region() {
    let mut bench = Bench::new();
    for name in ["b2", "a", "b", "c", "b1", "b-", "B"] {
        bench.create(name, &[]);
    }
    for (account, region) in [("111111111111", "us-east-1"), ("000000000000", "eu-west-1")] {
        let name = QueueName::new(account, region, "b9");
        let (attributes, tags) = (StringMap::new(), StringMap::new());
        bench.decide(Command::CreateQueue { name, attributes, tags }).unwrap();
    }
    let mut check = |prefix, after, limit, names: &[&str], more| {
        let found = list(&mut bench, prefix, after, limit);
        assert_eq!(
            found,
            (names.iter().map(|name| (*name).to_owned()).collect(), more),
            "{prefix} {after:?} {limit}"
        );
    };
    check("", None, 100, &["B", "a", "b", "b-", "b1", "b2", "c"], false);
    check("b", None, 100, &["b", "b-", "b1", "b2"], false);
    check("b", None, 4, &["b", "b-", "b1", "b2"], false);
    check("b", None, 3, &["b", "b-", "b1"], true);
    check("b", Some("b1"), 3, &["b2"], false);
    check("b", Some("a"), 1, &["b"], true);
    check("b", Some("b2"), 3, &[], false);
    check("b", Some("z"), 3, &[], false);
    check("x", None, 3, &[], false);
    check("", Some("b2"), 3, &["c"], false);
}

#[test]
fn the_sources_of_a_dead_letter_queue_are_listed_by_page_and_follow_every_change() {
    let mut bench = Bench::with(Options { cooldowns: false });
    bench.create("dead", &[]);
    bench.create("other", &[]);
    let redrive = redrive_policy("dead", 1);
    for name in ["s2", "s1", "s3"] {
        bench.create(name, &[("RedrivePolicy", &redrive)]);
    }
    fn sources(bench: &mut Bench, after: Option<&str>, limit: usize) -> (Vec<String>, bool) {
        let command = Command::ListSources { name: named("dead"), after: after.map(str::to_owned), limit };
        match bench.decide(command).unwrap() {
            Reply::Names { names, more } => (names.into_iter().map(|name| name.name).collect(), more),
            other => panic!("{other:?}"),
        }
    }
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(sources(&mut bench, None, 10), (names(&["s1", "s2", "s3"]), false));
    assert_eq!(sources(&mut bench, None, 2), (names(&["s1", "s2"]), true));
    assert_eq!(sources(&mut bench, Some("s2"), 2), (names(&["s3"]), false));
    bench.set("s1", &[("RedrivePolicy", "")]);
    bench.set("s2", &[("RedrivePolicy", &redrive_policy("other", 1))]);
    assert_eq!(sources(&mut bench, None, 10), (names(&["s3"]), false));
    bench.delete_queue("s3");
    assert_eq!(sources(&mut bench, None, 10), (Vec::new(), false));
    bench.create("s3", &[("RedrivePolicy", &redrive)]);
    bench.delete_queue("dead");
    bench.create("dead", &[]);
    assert_eq!(sources(&mut bench, None, 10), (names(&["s3"]), false), "s3 names it still");
}

#[test]
fn what_is_asked_of_a_queue_that_does_not_exist_is_refused() {
    let mut bench = Bench::new();
    let name = || named("absent");
    for command in [
        Command::DeleteQueue(name()),
        Command::SetAttributes { name: name(), attributes: StringMap::new() },
        Command::SetPolicy { name: name(), expected_version: 0, policy: None },
        Command::TagQueue { name: name(), tags: StringMap::new() },
        Command::UntagQueue { name: name(), keys: Vec::new() },
        Command::PurgeQueue(name()),
        Command::Send { name: name(), messages: vec![outgoing(1, "one")] },
        Command::Receive(receive("absent", 1)),
        Command::Delete { name: name(), receipts: Vec::new() },
        Command::ChangeVisibility { name: name(), changes: Vec::new() },
        Command::Describe(name()),
        Command::ListSources { name: name(), after: None, limit: 1 },
        Command::Peek { name: name(), which: Which::first(1) },
    ] {
        let shown = format!("{command:?}");
        assert_eq!(bench.decide(command).unwrap_err(), EngineError::QueueDoesNotExist(name()), "{shown}");
    }
}
