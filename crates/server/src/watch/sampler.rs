//! The task that looks at everything every ten seconds, and what it leaves behind.

use super::Inner;
use super::counters::Rates;
use super::past::{Requests, SPARK_MINUTES, Sparks};
use super::process::{Disk, Process};
use super::series::Series;
use super::survey::Snapshot;
use crate::clock;
use bongsu_engine::{QueueName, Surveyed};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often.
const INTERVAL: Duration = Duration::from_secs(10);
/// Samples between two writes of the history.
const FLUSH_SAMPLES: u64 = 6;
/// A look that ended longer ago is none: the store doesn't answer any more. Better a gap than what was.
const MAX_SAMPLE_AGE_NS: u64 = 5_000_000_000;
const MINUTE_MS: u64 = 60_000;

/// What samples leave behind.
#[derive(Debug, Default)]
pub(super) struct Sampled {
    pub(super) requests: Requests,
    pub(super) sparks: Sparks,
    pub(super) disk: Option<Disk>,
    /// How many samples there were.
    count: u64,
}

/// Samples for ever.
pub(super) async fn run(inner: Arc<Inner>) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let found = inner.survey().await;
        let sampling = Arc::clone(&inner);
        // With ten thousand queues this takes some milliseconds, and it reads and writes files.
        if let Err(error) = tokio::task::spawn_blocking(move || sample(&sampling, &found)).await {
            tracing::error!(%error, "a look at the queues was cut short");
        }
    }
}

/// Takes a sample. Blocks.
pub(super) fn sample(inner: &Inner, found: &Snapshot) {
    sample_at(inner, found, inner.clock.now_ns());
}

/// Takes a sample at this time of the server's clock.
pub(super) fn sample_at(inner: &Inner, found: &Snapshot, now_ns: u64) {
    let wall_ms = clock::wall_ms();
    if found.taken_ns == 0 || now_ns.saturating_sub(found.ended_ns) > MAX_SAMPLE_AGE_NS {
        return;
    }
    inner.counters.retain(found.taken_ns, |name| found.find(name).is_some());
    let disk = inner.data_dir.as_deref().and_then(Disk::read);
    let of_queues = sample_counters(inner, now_ns);
    let (of_server, new, gone, count) = {
        let mut sampled = inner.sampled();
        sampled.disk = disk;
        sampled.count += 1;
        let mut of_server = sampled.requests.sample(now_ns, inner.actions.read());
        of_server.extend(gauges_of_server(found, of_queues.total, disk));
        let (new, gone) = sampled.sparks.sample(wall_ms, found);
        (of_server, new, gone, sampled.count)
    };
    let mut history = inner.history();
    if count == 1 {
        let all: HashSet<String> = found.queues.iter().map(|queue| subject(&queue.name)).collect();
        history.retain(|subject| all.contains(subject));
    }
    for name in &gone {
        history.forget(&subject(name));
    }
    for name in &new {
        let from_ms = wall_ms.saturating_sub(SPARK_MINUTES as u64 * MINUTE_MS);
        let to_ms = wall_ms.saturating_sub(MINUTE_MS);
        let before = history.query(&subject(name), Series::Visible, (from_ms, to_ms), SPARK_MINUTES);
        let before = by_minute(&before, to_ms);
        if before.iter().any(Option::is_some) {
            inner.sampled().sparks.fill(name, &before);
        }
    }
    history.record(wall_ms, "", &of_server);
    for queue in found.queues.iter() {
        let rates = of_queues.by_name.get(&queue.name).copied();
        history.record(wall_ms, &subject(&queue.name), &values_of_queue(queue, rates));
    }
    inner.left_out.store(history.left_out() as u64, Ordering::Relaxed);
    if count % FLUSH_SAMPLES == 0 {
        drop(history);
        inner.flush_history(disk);
    }
}

/// Rates since the last sample.
struct QueueRates {
    by_name: HashMap<QueueName, Rates>,
    total: Rates,
}

fn sample_counters(inner: &Inner, now_ns: u64) -> QueueRates {
    let others = inner.counters.others();
    others.consumers.sample(now_ns);
    let mut total = others.sample(now_ns);
    let by_name = inner
        .counters
        .all()
        .into_iter()
        .map(|(name, counters)| {
            counters.consumers.sample(now_ns);
            let rates = counters.sample(now_ns);
            total += rates;
            (name, rates)
        })
        .collect();
    QueueRates { by_name, total }
}

/// The subject under which the history keeps a queue.
pub(super) fn subject(name: &QueueName) -> String {
    format!("{}/{}/{}", name.account, name.region, name.name)
}

fn values_of_queue(queue: &Surveyed, rates: Option<Rates>) -> [(Series, f64); Series::OF_QUEUE] {
    // A queue that nobody used since the start has no counters, and no traffic.
    let rates = rates.unwrap_or_default();
    [
        (Series::Visible, queue.visible as f64),
        (Series::InFlight, queue.in_flight as f64),
        (Series::Delayed, queue.delayed as f64),
        (Series::OldestAgeMs, queue.oldest_age_ms.unwrap_or(0) as f64),
        (Series::Sent, rates.sent),
        (Series::Received, rates.received),
        (Series::Deleted, rates.deleted),
        (Series::EmptyReceives, rates.empty_receives),
        (Series::SentBytes, rates.sent_bytes),
    ]
}

fn gauges_of_server(found: &Snapshot, rates: Rates, disk: Option<Disk>) -> Vec<(Series, f64)> {
    let sum = |of: fn(&Surveyed) -> u64| found.queues.iter().map(of).sum::<u64>() as f64;
    let oldest_age_ms = found.queues.iter().filter_map(|queue| queue.oldest_age_ms).max();
    let mut values = vec![
        (Series::Visible, sum(|queue| queue.visible)),
        (Series::InFlight, sum(|queue| queue.in_flight)),
        (Series::Delayed, sum(|queue| queue.delayed)),
        (Series::OldestAgeMs, oldest_age_ms.unwrap_or(0) as f64),
        (Series::Sent, rates.sent),
        (Series::Received, rates.received),
        (Series::Deleted, rates.deleted),
        (Series::EmptyReceives, rates.empty_receives),
        (Series::SentBytes, rates.sent_bytes),
    ];
    values.extend(disk.map(|disk| (Series::JournalBytes, disk.journal_bytes as f64)));
    values.extend(Process::read().resident_bytes.map(|bytes| (Series::ResidentBytes, bytes as f64)));
    values
}

/// Spreads what a history says over the minutes up to `to_ms`, oldest first.
fn by_minute(samples: &super::Samples, to_ms: u64) -> Vec<Option<f32>> {
    let minute_of = |at_ms: u64| at_ms / MINUTE_MS;
    let last = minute_of(to_ms);
    let first = last.saturating_sub(SPARK_MINUTES as u64 - 1);
    let mut minutes = vec![None; SPARK_MINUTES];
    for (index, value) in samples.values.iter().enumerate() {
        let minute = minute_of(samples.from_ms + index as u64 * samples.step_ms);
        if (first..=last).contains(&minute) && value.is_some() {
            minutes[(minute - first) as usize] = *value;
        }
    }
    minutes
}
