//! The page that Prometheus reads: its text format, version 0.0.4.
//!
//! Written by hand rather than with a metrics crate: those find a metric by hashing its name and labels, or keep a handle for each,
//! where here a request already holds its queue's counters, and depths come from the engine at the moment of the scrape.

use super::counters::{QueueCounters, Totals};
use super::histogram::SHOWN_OCTAVES;
use super::process::{Process, start_seconds};
use super::survey::Snapshot;
use super::{Inner, actions};
use bongsu_engine::QueueName;
use bongsu_node::Status;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The page's content type.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A metric: its name, its type, and what it says.
pub(super) type Metric = (&'static str, &'static str, &'static str);

const VISIBLE: Metric =
    ("sqs_approximate_number_of_messages_visible", "gauge", "Messages that can be received.");
const NOT_VISIBLE: Metric = (
    "sqs_approximate_number_of_messages_not_visible",
    "gauge",
    "Messages that were received and not deleted yet.",
);
const DELAYED: Metric =
    ("sqs_approximate_number_of_messages_delayed", "gauge", "Messages that can't be received yet.");
const OLDEST: Metric = (
    "sqs_approximate_age_of_oldest_message_seconds",
    "gauge",
    "Since the oldest message of the queue was sent; 0 where there is none.",
);
const SENT: Metric = ("sqs_number_of_messages_sent_total", "counter", "Messages taken in.");
const RECEIVED: Metric = ("sqs_number_of_messages_received_total", "counter", "Messages handed out.");
const DELETED: Metric =
    ("sqs_number_of_messages_deleted_total", "counter", "Messages that their receivers deleted.");
const EMPTY_RECEIVES: Metric =
    ("sqs_number_of_empty_receives_total", "counter", "Receives that got no message.");
const SIZES: Metric =
    ("sqs_sent_message_size_bytes", "histogram", "Body and attributes of the messages taken in.");
const BUILD_INFO: Metric = ("bongsu_build_info", "gauge", "Always 1; the version is a label.");
const REQUESTS: Metric =
    ("bongsu_requests_total", "counter", "Requests answered, by action and by how they ended.");
const DURATIONS: Metric = (
    "bongsu_request_duration_seconds",
    "histogram",
    "From a request's last byte to its answer, waiting for messages aside.",
);
const CONNECTIONS: Metric = ("bongsu_connections", "gauge", "Connections that are open.");
const LONG_POLLS: Metric = ("bongsu_long_polls", "gauge", "Receives that wait for messages.");
const JOURNAL_BYTES: Metric =
    ("bongsu_journal_bytes", "gauge", "What the journal takes on disk, with what is allocated ahead.");
const DISK_FREE: Metric = ("bongsu_disk_free_bytes", "gauge", "What is free where the journal lies.");
const COMMITS: Metric =
    ("bongsu_journal_commits_total", "counter", "Batches of changes that were written to the journal.");
const COMMIT_DURATIONS: Metric = (
    "bongsu_journal_commit_duration_seconds",
    "histogram",
    "From handing a batch to the journal until it is durable.",
);
const READY: Metric = ("bongsu_ready", "gauge", "1 while the server serves everything, as /readyz says.");
const FAILURES: Metric =
    ("bongsu_authentication_failures_total", "counter", "Requests by somebody who could not show who he is.");
const QUEUES: Metric = ("bongsu_queues", "gauge", "Queues that there are.");
const LEFT_OUT: Metric =
    ("bongsu_history_subjects_left_out", "gauge", "Queues that the history has no room for.");
const RESIDENT: Metric = ("process_resident_memory_bytes", "gauge", "Memory of the process.");
const CPU: Metric = ("process_cpu_seconds_total", "counter", "Processor time that the process has taken.");
const FDS: Metric = ("process_open_fds", "gauge", "Files and sockets that the process has open.");
const STARTED: Metric = ("process_start_time_seconds", "gauge", "When the process started, since 1970.");

/// All of them, in the order of the page.
#[cfg(test)]
pub(super) const ALL: &[Metric] = &[
    VISIBLE,
    NOT_VISIBLE,
    DELAYED,
    OLDEST,
    SENT,
    RECEIVED,
    DELETED,
    EMPTY_RECEIVES,
    SIZES,
    BUILD_INFO,
    REQUESTS,
    DURATIONS,
    CONNECTIONS,
    LONG_POLLS,
    JOURNAL_BYTES,
    DISK_FREE,
    COMMITS,
    COMMIT_DURATIONS,
    READY,
    FAILURES,
    QUEUES,
    LEFT_OUT,
    RESIDENT,
    CPU,
    FDS,
    STARTED,
];

/// A page as it is written.
struct Page(String);

impl Page {
    fn begin(&mut self, (name, kind, help): Metric) {
        // Writing to a String can't fail; nor below.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: f64) {
        let _ = match labels {
            "" => writeln!(self.0, "{name} {value}"),
            _ => writeln!(self.0, "{name}{{{labels}}} {value}"),
        };
    }

    /// A metric without labels.
    fn single(&mut self, metric: Metric, value: f64) {
        self.begin(metric);
        self.sample(metric.0, "", value);
    }

    /// One that the system may not tell.
    fn possibly(&mut self, metric: Metric, value: Option<f64>) {
        if let Some(value) = value {
            self.single(metric, value);
        }
    }

    /// One histogram; `bounds` are the upper bounds with how many values are not above them.
    fn histogram(
        &mut self,
        name: &str,
        labels: &str,
        bounds: impl Iterator<Item = (f64, u64)>,
        count: u64,
        sum: f64,
    ) {
        let comma = if labels.is_empty() { "" } else { "," };
        for (bound, below) in bounds {
            let _ = writeln!(self.0, "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {below}");
        }
        let _ = writeln!(self.0, "{name}_bucket{{{labels}{comma}le=\"+Inf\"}} {count}");
        self.sample(&format!("{name}_sum"), labels, sum);
        self.sample(&format!("{name}_count"), labels, count as f64);
    }
}

/// A label's value: only these three characters would be misread.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// What identifies a queue.
fn labels(name: &QueueName) -> String {
    let (account, region, queue) = (escaped(&name.account), escaped(&name.region), escaped(&name.name));
    format!("account=\"{account}\",region=\"{region}\",queue=\"{queue}\"")
}

/// The whole page. Takes some milliseconds where there are thousands of queues.
pub(super) fn render(inner: &Inner, found: &Snapshot) -> Vec<u8> {
    let mut page = Page(String::with_capacity(16 * 1024 + found.queues.len() * 1024));
    render_queues(&mut page, inner, found);
    page.begin(BUILD_INFO);
    page.sample(BUILD_INFO.0, concat!("version=\"", env!("CARGO_PKG_VERSION"), "\""), 1.0);
    render_requests(&mut page, inner);
    page.single(CONNECTIONS, inner.connections.count() as f64);
    page.single(LONG_POLLS, inner.long_polls() as f64);
    let disk = inner.data_dir.as_deref().and_then(super::Disk::read);
    page.possibly(JOURNAL_BYTES, disk.map(|disk| disk.journal_bytes as f64));
    page.possibly(DISK_FREE, disk.map(|disk| disk.free_bytes as f64));
    render_commits(&mut page, inner);
    page.single(READY, f64::from(u8::from(inner.node.status() == Status::Ready)));
    page.single(FAILURES, inner.authentication_failures.load(Ordering::Relaxed) as f64);
    page.single(QUEUES, found.queues.len() as f64);
    page.single(LEFT_OUT, inner.left_out.load(Ordering::Relaxed) as f64);
    let process = Process::read();
    page.possibly(RESIDENT, process.resident_bytes.map(|bytes| bytes as f64));
    page.single(CPU, process.cpu_seconds_total);
    page.possibly(FDS, process.open_fds.map(|open| open as f64));
    page.possibly(STARTED, start_seconds());
    page.0.into_bytes()
}

/// A queue with its labels, which stand on many lines, and its counters, if it has some.
struct Row<'a> {
    labels: String,
    queue: &'a bongsu_engine::Surveyed,
    counters: Option<Arc<QueueCounters>>,
    totals: Totals,
}

type OfRow = fn(&Row<'_>) -> f64;
type OfTotals = fn(&Totals) -> u64;

fn render_queues(page: &mut Page, inner: &Inner, found: &Snapshot) {
    let rows: Vec<Row<'_>> = found
        .queues
        .iter()
        .map(|queue| {
            let counters = inner.counters.known(&queue.name);
            let totals = counters.as_ref().map_or_else(Totals::default, |counters| counters.totals());
            Row { labels: labels(&queue.name), queue, counters, totals }
        })
        .collect();
    let gauges: [(Metric, OfRow); 4] = [
        (VISIBLE, |row| row.queue.visible as f64),
        (NOT_VISIBLE, |row| row.queue.in_flight as f64),
        (DELAYED, |row| row.queue.delayed as f64),
        (OLDEST, |row| row.queue.oldest_age_ms.unwrap_or(0) as f64 / 1000.0),
    ];
    for (metric, value) in gauges {
        page.begin(metric);
        rows.iter().for_each(|row| page.sample(metric.0, &row.labels, value(row)));
    }
    let others = inner.counters.others();
    let of_others = others.totals();
    // Queues beyond the bound have no name here.
    let unnamed = (of_others != Totals::default()).then(|| labels(&QueueName::new("", "", "")));
    let counted: [(Metric, OfTotals); 4] = [
        (SENT, |totals| totals.sent),
        (RECEIVED, |totals| totals.received),
        (DELETED, |totals| totals.deleted),
        (EMPTY_RECEIVES, |totals| totals.empty_receives),
    ];
    for (metric, value) in counted {
        page.begin(metric);
        rows.iter().for_each(|row| page.sample(metric.0, &row.labels, value(&row.totals) as f64));
        if let Some(unnamed) = &unnamed {
            page.sample(metric.0, unnamed, value(&of_others) as f64);
        }
    }
    page.begin(SIZES);
    for row in &rows {
        if let Some(counters) = &row.counters {
            render_sizes(page, &row.labels, counters);
        }
    }
    if let Some(unnamed) = &unnamed {
        render_sizes(page, unnamed, others);
    }
}

fn render_sizes(page: &mut Page, labels: &str, counters: &QueueCounters) {
    let sum = counters.sizes.sum_bytes() as f64;
    let (bounds, count) = counters.sizes.cumulative();
    let bounds = bounds.into_iter().map(|(bound, below)| (bound as f64, below));
    page.histogram(SIZES.0, labels, bounds, count, sum);
}

fn render_commits(page: &mut Page, inner: &Inner) {
    let commits = inner.node.commits();
    let count = commits.count();
    page.single(COMMITS, count as f64);
    page.begin(COMMIT_DURATIONS);
    let bounds = SHOWN_OCTAVES.map(|octave| (bound_seconds(octave), commits.below_octave(octave)));
    page.histogram(COMMIT_DURATIONS.0, "", bounds, count, commits.sum_ns as f64 / 1e9);
}

fn bound_seconds(octave: u32) -> f64 {
    (1_u64 << octave) as f64 / 1e6
}

fn render_requests(page: &mut Page, inner: &Inner) {
    let all = inner.actions.read();
    let named = || actions::NAMES.iter().zip(&all);
    page.begin(REQUESTS);
    for (action, counted) in named() {
        for (code, count) in &counted.endings {
            page.sample(REQUESTS.0, &format!("action=\"{action}\",code=\"{code}\""), *count as f64);
        }
    }
    page.begin(DURATIONS);
    for (action, counted) in named() {
        let durations = &counted.durations;
        let count = durations.count();
        if count == 0 {
            continue;
        }
        let bounds = SHOWN_OCTAVES.map(|octave| (bound_seconds(octave), durations.below_octave(octave)));
        let sum_s = durations.sum_ns as f64 / 1e9;
        page.histogram(DURATIONS.0, &format!("action=\"{action}\""), bounds, count, sum_s);
    }
}
