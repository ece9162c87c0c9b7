#![allow(clippy::unwrap_used)]

use super::actions::{Action, Ending};
use super::survey::{Snapshot, Wanted};
use super::{Clock, Series, Watch, sampler};
use crate::access::Caller;
use bongsu_engine::{Command, Outgoing, QueueName, StringMap};
use bongsu_node::{Node, NodeOptions};
use bongsu_wire::ErrorKind;
use std::collections::{BTreeMap, BTreeSet};

fn watch() -> Watch {
    Watch::new(Node::in_memory(NodeOptions::new([1; 32], 2)).unwrap(), None)
}

fn name(queue: &str) -> QueueName {
    QueueName::new("000000000000", "us-east-1", queue)
}

async fn create(watch: &Watch, name: &QueueName, attributes: &[(&str, &str)]) {
    let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let (name, attributes) = (name.clone(), attributes.collect());
    watch.0.node.call(Command::CreateQueue { name, attributes, tags: StringMap::new() }).await.unwrap();
}

async fn send(watch: &Watch, name: &QueueName, count: usize) {
    for _ in 0..count {
        let message = Outgoing {
            message_id: [7; 16],
            size_bytes: 3000,
            delay_ms: None,
            group: None,
            deduplication_id: None,
            content_hash: None,
            stored: vec![1],
        };
        watch.0.node.call(Command::Send { name: name.clone(), messages: vec![message] }).await.unwrap();
        watch.counters().of(name).sent(3000);
    }
}

/// A sample as if it were taken ten seconds later than it is.
async fn sample(watch: &Watch) {
    let found = watch.0.surveys.get(Wanted::default(), &watch.0.node, watch.0.clock).await;
    let inner = std::sync::Arc::clone(&watch.0);
    tokio::task::spawn_blocking(move || sampler::sample(&inner, &found)).await.unwrap();
}

#[tokio::test]
async fn a_survey_sees_all_queues_and_is_taken_once_for_all_who_ask() {
    let watch = watch();
    for number in 0..600 {
        create(&watch, &name(&format!("q{number}")), &[]).await;
    }
    let (one, another) = tokio::join!(watch.survey(), watch.survey());
    assert_eq!(one.len(), 600);
    assert!(std::sync::Arc::ptr_eq(&one, &another));
    assert!(one.is_sorted_by(|a, b| a.name < b.name));
    create(&watch, &name("late"), &[]).await;
    assert_eq!(watch.survey().await.len(), 600, "it is no second old");
    assert_eq!(watch.0.surveys.get(Wanted::default(), &watch.0.node, watch.0.clock).await.queues.len(), 601);
}

#[tokio::test]
async fn an_overview_names_queues_that_somebody_should_look_at() {
    let watch = watch();
    let (source, dead, fine) = (name("source"), name("dead"), name("fine"));
    create(&watch, &dead, &[]).await;
    let redrive = format!("{{\"deadLetterTargetArn\":\"{}\",\"maxReceiveCount\":3}}", dead.arn());
    create(&watch, &source, &[("RedrivePolicy", &redrive)]).await;
    create(&watch, &fine, &[]).await;
    send(&watch, &dead, 2).await;
    send(&watch, &fine, 5).await;
    let overview = watch.overview().await;
    assert_eq!((overview.queues, overview.visible, overview.in_flight, overview.delayed), (3, 7, 0, 0));
    let failing: Vec<_> = overview.failing.iter().map(|f| (&f.name, f.reason.word(), f.visible)).collect();
    assert_eq!(failing, [(&dead, "dead-letters", 2)]);
    assert_eq!(overview.busiest, [fine, dead]);
    assert!(overview.oldest_age_ms.is_some() && overview.disk.is_none());
    assert_eq!(overview.disk_state.word(), "ok");
    assert!((overview.rates.sent - 0.7).abs() < 0.01, "{:?}", overview.rates);
}

#[tokio::test]
async fn samples_become_a_history_and_sparklines() {
    let watch = watch();
    let queue = name("q");
    create(&watch, &queue, &[]).await;
    send(&watch, &queue, 4).await;
    sample(&watch).await;
    assert_eq!(watch.sparkline(&queue), [Some(4.0)]);
    assert!(watch.sparkline(&name("other")).is_empty());
    let now_ms = crate::clock::wall_ms();
    let range = (now_ms - 60_000, now_ms + 1);
    let last = |samples: super::Samples| samples.values.into_iter().flatten().next_back();
    assert_eq!(last(watch.history(Some(&queue), Series::Visible, range, 100).await), Some(4.0));
    assert_eq!(last(watch.history(None, Series::Visible, range, 100).await), Some(4.0));
    assert_eq!(
        last(watch.history(None, Series::Requests, range, 100).await),
        None,
        "nothing to compare with"
    );
    assert_eq!(last(watch.history(Some(&name("other")), Series::Visible, range, 100).await), None);
    watch.0.node.call(Command::DeleteQueue(queue.clone())).await.unwrap();
    sample(&watch).await;
    assert!(watch.sparkline(&queue).is_empty());
    assert!(watch.counters().known(&queue).is_none(), "its counters are gone with it");
    assert_eq!(last(watch.history(Some(&queue), Series::Visible, range, 100).await), None);
}

/// A store that answers no more is a gap in the charts, not a line that goes on; and nothing of what was is forgotten.
#[tokio::test]
async fn what_can_not_be_looked_at_is_a_gap() {
    let watch = watch();
    let queue = name("q");
    create(&watch, &queue, &[]).await;
    send(&watch, &queue, 1).await;
    sample(&watch).await;
    let old = Snapshot { taken_ns: 1, ended_ns: 1, ..Snapshot::default() };
    for unanswered in [Snapshot::default(), old] {
        let inner = std::sync::Arc::clone(&watch.0);
        let is_old = unanswered.taken_ns > 0;
        tokio::task::spawn_blocking(move || {
            sampler::sample_at(&inner, &unanswered, if is_old { 6_000_000_000 } else { 2 })
        })
        .await
        .unwrap();
        assert_eq!(watch.sparkline(&queue), [Some(1.0)]);
        assert!(watch.counters().known(&queue).is_some());
    }
}

#[tokio::test]
async fn a_history_in_files_survives() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::in_memory(NodeOptions::new([1; 32], 2)).unwrap();
    let open = || Watch::new(node.clone(), Some(dir.path().to_owned()));
    let (queue, watch) = (name("q"), open());
    create(&watch, &queue, &[]).await;
    send(&watch, &queue, 3).await;
    sample(&watch).await;
    let now_ms = crate::clock::wall_ms();
    // The step under way is not written: a later one ends it.
    watch.0.history().record(now_ms + 20_000, "", &[(Series::Visible, 1.0)]);
    watch.close();
    drop(watch);
    let watch = open();
    let range = (now_ms - 60_000, now_ms + 1);
    let samples = watch.history(Some(&queue), Series::Visible, range, 100).await;
    assert_eq!(samples.values.into_iter().flatten().next_back(), Some(3.0));
    assert!(watch.overview().await.disk.is_none(), "not looked at yet");
    sample(&watch).await;
    assert!(watch.overview().await.disk.unwrap().free_bytes > 0);
}

#[test]
fn requests_are_counted_without_their_waits() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _entered = runtime.enter();
    let watch = watch();
    let second = 1_000_000_000;
    while watch.now_ns() < 20_000_000 {}
    let now = watch.now_ns();
    watch.answered(Action::RECEIVE, Ending::Done, (now - 11_000_000, 10_000_000), "id");
    watch.answered(Action::RECEIVE, Ending::Error(ErrorKind::OverLimit), (now - 11_000_000, second), "id");
    let latencies = watch.latencies();
    assert_eq!(latencies.len(), 1);
    let receive = &latencies[0];
    assert_eq!(receive.action, "ReceiveMessage");
    assert!((0.9..3.0).contains(&receive.p99_ms.unwrap()), "{receive:?}");
    assert!((receive.errors_per_second - 0.1).abs() < 0.001, "{receive:?}");
}

#[test]
fn a_slow_request_leaves_a_line_but_a_thousand_leave_no_thousand() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _entered = runtime.enter();
    let watch = watch();
    let inner = &watch.0;
    let written = crate::logged::logged(|| {
        for now_ns in [5_000_000_000, 5_900_000_000, 6_100_000_000] {
            inner.note_slow(Action::SEND, Ending::Done, now_ns, 1_500_000_000, "the-id");
        }
    });
    assert_eq!(written.lines().count(), 2, "{written}");
    assert!(written.contains("the-id") && written.contains("duration_ms=1500"), "{written}");
}

#[tokio::test]
async fn long_polls_show_while_they_wait() {
    let watch = watch();
    let queue = name("q");
    create(&watch, &queue, &[]).await;
    let (caller, counters) = (Caller::unchecked("000000000000", "us-east-1"), watch.counters().of(&queue));
    watch.receives(&counters, &caller, b"sdk", watch.now_ns());
    let poll = watch.begin_long_poll(Some(counters), &caller, b"sdk");
    assert_eq!((watch.consumers(&queue)[0].waiting, watch.overview().await.long_polls), (1, 1));
    drop(poll);
    assert_eq!((watch.consumers(&queue)[0].waiting, watch.overview().await.long_polls), (0, 0));
    let open = watch.connections().open();
    assert_eq!(watch.overview().await.connections, 1);
    drop(open);
    assert_eq!(watch.overview().await.connections, 0);
}

/// What a scraper reads of a page: types by name, and values by series.
fn parse(page: &str) -> (BTreeMap<String, String>, BTreeMap<String, f64>) {
    let (mut types, mut series) = (BTreeMap::new(), BTreeMap::new());
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(types.insert(name.to_owned(), kind.to_owned()).is_none(), "{name} twice");
        } else if !line.starts_with('#') {
            let (key, value) = line.rsplit_once(' ').unwrap();
            let value = value.parse().unwrap();
            assert!(series.insert(key.to_owned(), value).is_none(), "{key} twice");
        }
    }
    (types, series)
}

#[tokio::test]
async fn the_page_for_prometheus_says_what_was_counted() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::in_memory(NodeOptions::new([1; 32], 2)).unwrap();
    let watch = Watch::new(node, Some(dir.path().to_owned()));
    let queue = QueueName::new("000000000000", "odd\"\\\nregion", "q");
    create(&watch, &queue, &[]).await;
    send(&watch, &queue, 2).await;
    watch.counters().of(&queue).deleted(1);
    watch.answered(Action::SEND, Ending::Done, (0, 0), "id");
    watch.answered(Action::SEND, Ending::Error(ErrorKind::AccessDenied), (0, 0), "id");
    watch.authentication_failed();
    let page = String::from_utf8(watch.render_metrics().await).unwrap();
    let (types, series) = parse(&page);
    let shown: BTreeSet<&str> = types.keys().map(String::as_str).collect();
    let all: BTreeSet<&str> = super::metrics::ALL.iter().map(|(name, _, _)| *name).collect();
    assert_eq!(shown, all);
    let labels = r#"account="000000000000",region="odd\"\\\nregion",queue="q""#;
    for (key, value) in [
        (format!("sqs_number_of_messages_sent_total{{{labels}}}"), 2.0),
        (format!("sqs_number_of_messages_deleted_total{{{labels}}}"), 1.0),
        (format!("sqs_approximate_number_of_messages_visible{{{labels}}}"), 2.0),
        (format!("sqs_sent_message_size_bytes_bucket{{{labels},le=\"2048\"}}"), 0.0),
        (format!("sqs_sent_message_size_bytes_bucket{{{labels},le=\"4096\"}}"), 2.0),
        (format!("sqs_sent_message_size_bytes_sum{{{labels}}}"), 6000.0),
        ("bongsu_requests_total{action=\"SendMessage\",code=\"OK\"}".to_owned(), 1.0),
        ("bongsu_requests_total{action=\"SendMessage\",code=\"AccessDeniedException\"}".to_owned(), 1.0),
        ("bongsu_request_duration_seconds_count{action=\"SendMessage\"}".to_owned(), 2.0),
        ("bongsu_authentication_failures_total".to_owned(), 1.0),
        ("bongsu_queues".to_owned(), 1.0),
        ("bongsu_ready".to_owned(), 1.0),
    ] {
        assert_eq!(series.get(&key), Some(&value), "{key}");
    }
}

/// On a disk that stands still the history is locked for as long as it is written.
#[test]
fn the_page_does_not_wait_for_the_history() {
    let watch = watch();
    let held = watch.0.history();
    let (inner, (done, is_done)) = (std::sync::Arc::clone(&watch.0), std::sync::mpsc::channel());
    let rendering =
        std::thread::spawn(move || done.send(super::metrics::render(&inner, &Snapshot::default())));
    let page = is_done.recv_timeout(std::time::Duration::from_secs(10));
    drop(held);
    rendering.join().unwrap().unwrap();
    assert!(String::from_utf8(page.unwrap()).unwrap().contains("\nbongsu_ready 1\n"));
}

/// What operators are told is what they get: names and types.
#[test]
fn the_table_of_the_documentation_is_the_page() {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/monitoring.md")).unwrap();
    let rows = text.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
        let (name, kind) = (cells.next()?.strip_suffix('`')?, cells.next()?);
        ["gauge", "counter", "histogram"].contains(&kind).then_some((name, kind))
    });
    let told: Vec<(&str, &str)> = rows.collect();
    let shown: Vec<(&str, &str)> = super::metrics::ALL.iter().map(|(name, kind, _)| (*name, *kind)).collect();
    assert_eq!(told, shown);
}

/// Rules of Prometheus' own lint: what a name ends in, and that there is help.
#[test]
fn names_keep_to_the_rules() {
    for (name, kind, help) in super::metrics::ALL {
        assert_eq!(name.ends_with("_total"), *kind == "counter", "{name}");
        let stem = name.strip_suffix("_total").unwrap_or(name);
        let has_unit_inside = ["_seconds_", "_bytes_"].iter().any(|unit| stem.contains(unit));
        assert!(!has_unit_inside, "{name}: the unit comes last");
        assert!(["gauge", "counter", "histogram"].contains(kind), "{name}");
        assert!(help.ends_with('.') && !help.contains('\n'), "{name}: {help}");
    }
}

/// Timed rather than asserted: `cargo test -- --ignored --nocapture what_counting_costs`.
#[tokio::test]
#[ignore = "a measurement"]
async fn what_counting_costs() {
    let watch = watch();
    let counters = watch.counters().of(&name("q"));
    let (clock, rounds) = (Clock::start(), 1_000_000_u64);
    for _ in 0..rounds {
        let begun_ns = watch.now_ns();
        counters.sent(1000);
        watch.answered(Action::SEND, Ending::Done, (begun_ns, 0), "id");
    }
    println!("{} ns a request", clock.now_ns() / rounds);
    let caller = Caller::unchecked("000000000000", "us-east-1");
    let clock = Clock::start();
    for _ in 0..rounds {
        watch.receives(&counters, &caller, b"Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux", 1);
    }
    println!("{} ns a receiver", clock.now_ns() / rounds);
}
