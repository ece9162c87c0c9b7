//! What the sampler remembers from one sample to the next: requests by action, and the depth of queues in the last half hour.

use super::actions::{Action, Counted, NAMES};
use super::series::Series;
use super::survey::Snapshot;
use bongsu_engine::QueueName;
use std::collections::{HashMap, VecDeque};

/// As counters' rates: a minute.
const SAMPLES: usize = 6;
/// A rate is of at least so long.
const MIN_SPAN_NS: u64 = 10_000_000_000;
/// Minutes that a sparkline shows.
pub(super) const SPARK_MINUTES: usize = 30;
/// A clock that was set back by more than this won't soon be where it was: what was noted until then goes, so that it can go on.
const MAX_SET_BACK_MINUTES: u64 = 10;
/// So many queues have one.
const MAX_SPARKS: usize = 20_000;

/// How fast requests for one action were answered in the last minute.
#[derive(Clone, Debug, PartialEq)]
pub struct Latency {
    /// The action's name; `Bongsu`, `IAM` and `KMS` stand for all of those services, `None` for requests that were refused before it
    /// was known what they ask for.
    pub action: &'static str,
    /// Requests a second.
    pub per_second: f64,
    /// Half of them took less, milliseconds; waiting for messages aside.
    pub p50_ms: Option<f64>,
    /// 99 % of them took less, milliseconds; waiting for messages aside.
    pub p99_ms: Option<f64>,
    /// Requests a second that did not end as asked.
    pub errors_per_second: f64,
}

/// Requests at the last samples.
#[derive(Debug, Default)]
pub(super) struct Requests {
    /// Oldest first.
    samples: VecDeque<(u64, Vec<Counted>)>,
}

impl Requests {
    /// Notes a sample; gives the server's series since the last one.
    pub(super) fn sample(&mut self, now_ns: u64, counted: Vec<Counted>) -> Vec<(Series, f64)> {
        let mut values = Vec::new();
        if let Some((then_ns, before)) = self.samples.back() {
            let seconds = now_ns.saturating_sub(*then_ns) as f64 / 1e9;
            if seconds <= 0.0 {
                return values;
            }
            let sum = |of: &dyn Fn(&Counted) -> u64| {
                let total = |all: &[Counted]| all.iter().map(of).sum::<u64>();
                total(&counted).saturating_sub(total(before)) as f64 / seconds
            };
            values.push((Series::Requests, sum(&|counted| counted.durations.count())));
            values.push((Series::Errors, sum(&Counted::errors)));
            for (action, p50, p99) in [
                (Action::SEND, Series::SendP50Ms, Series::SendP99Ms),
                (Action::RECEIVE, Series::ReceiveP50Ms, Series::ReceiveP99Ms),
                (Action::DELETE, Series::DeleteP50Ms, Series::DeleteP99Ms),
            ] {
                let index = action.index();
                let since = counted[index].durations.since(&before[index].durations);
                for (series, share) in [(p50, 0.5), (p99, 0.99)] {
                    values.extend(since.percentile_ms(share).map(|value| (series, value)));
                }
            }
        }
        if self.samples.len() >= SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back((now_ns, counted));
        values
    }

    /// The last minute, for actions that were asked for.
    pub(super) fn latencies(&self, now_ns: u64, counted: &[Counted]) -> Vec<Latency> {
        let nothing = (0, vec![Counted::default(); NAMES.len()]);
        let (then_ns, before) = self.samples.front().unwrap_or(&nothing);
        let seconds = now_ns.saturating_sub(*then_ns).max(MIN_SPAN_NS) as f64 / 1e9;
        let rows = NAMES.iter().zip(counted).zip(before);
        let latencies = rows.filter_map(|((action, now), before)| {
            let since = now.durations.since(&before.durations);
            let count = since.count();
            (count > 0).then(|| Latency {
                action,
                per_second: count as f64 / seconds,
                p50_ms: since.percentile_ms(0.5),
                p99_ms: since.percentile_ms(0.99),
                errors_per_second: now.errors().saturating_sub(before.errors()) as f64 / seconds,
            })
        });
        latencies.collect()
    }
}

/// The depth of queues, minute by minute.
#[derive(Debug, Default)]
pub(super) struct Sparks {
    of: HashMap<QueueName, Spark>,
}

#[derive(Debug)]
struct Spark {
    /// The last minute that has a value, since 1970.
    minute: u64,
    /// The last is of that minute; what is not known is no number.
    values: VecDeque<f32>,
}

impl Sparks {
    /// Notes the depths that a survey found. Gives the queues that are new here, and those that are gone.
    pub(super) fn sample(&mut self, wall_ms: u64, found: &Snapshot) -> (Vec<QueueName>, Vec<QueueName>) {
        let minute = wall_ms / 60_000;
        let (mut new, mut gone) = (Vec::new(), Vec::new());
        self.of.retain(|name, _| {
            let is_there = found.find(name).is_some();
            if !is_there {
                gone.push(name.clone());
            }
            is_there
        });
        for queue in found.queues.iter() {
            let depth = queue.visible as f32;
            if let Some(spark) = self.of.get_mut(&queue.name) {
                spark.note(minute, depth);
            } else if self.of.len() < MAX_SPARKS {
                self.of.insert(queue.name.clone(), Spark { minute, values: VecDeque::from([depth]) });
                new.push(queue.name.clone());
            }
        }
        (new, gone)
    }

    /// Fills in what was before the last start, oldest first, one value a minute up to this one.
    pub(super) fn fill(&mut self, name: &QueueName, before: &[Option<f32>]) {
        let Some(spark) = self.of.get_mut(name) else { return };
        for value in before.iter().rev().take(SPARK_MINUTES.saturating_sub(spark.values.len())) {
            spark.values.push_front(value.unwrap_or(f32::NAN));
        }
    }

    /// The last half hour of a queue, one value a minute, the oldest first; `None` where nothing is known.
    pub(super) fn show(&self, wall_ms: u64, name: &QueueName) -> Vec<Option<f64>> {
        let Some(spark) = self.of.get(name) else { return Vec::new() };
        let behind = usize::try_from((wall_ms / 60_000).saturating_sub(spark.minute)).unwrap_or(usize::MAX);
        // The minute that has only just begun has no value yet.
        let behind = behind.saturating_sub(1).min(SPARK_MINUTES);
        let known = spark.values.iter().map(|value| (!value.is_nan()).then(|| f64::from(*value)));
        let shown: Vec<_> = known.chain(std::iter::repeat_n(None, behind)).collect();
        shown[shown.len().saturating_sub(SPARK_MINUTES)..].to_vec()
    }

    /// The depth ten minutes ago.
    pub(super) fn ten_minutes_ago(&self, name: &QueueName) -> Option<f64> {
        let values = &self.of.get(name)?.values;
        let value = values.get(values.len().checked_sub(11)?)?;
        (!value.is_nan()).then(|| f64::from(*value))
    }
}

impl Spark {
    fn note(&mut self, minute: u64, depth: f32) {
        if minute.saturating_add(MAX_SET_BACK_MINUTES) < self.minute {
            *self = Self { minute, values: VecDeque::from([depth]) };
            return;
        }
        // A clock that goes back a little writes into the minute that is the last one here.
        let passed = minute.saturating_sub(self.minute);
        if passed > 0 {
            let missed = usize::try_from(passed - 1).unwrap_or(usize::MAX).min(SPARK_MINUTES);
            self.values.extend(std::iter::repeat_n(f32::NAN, missed));
            self.values.push_back(depth);
            self.minute = minute;
        } else if let Some(last) = self.values.back_mut() {
            *last = depth;
        }
        self.values.drain(..self.values.len().saturating_sub(SPARK_MINUTES));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{SPARK_MINUTES, Sparks};
    use crate::watch::survey::Snapshot;
    use bongsu_engine::{QueueId, QueueName, StringMap, Surveyed};
    use std::sync::Arc;

    fn name() -> QueueName {
        QueueName::new("000000000000", "us-east-1", "q")
    }

    fn found(visible: u64) -> Snapshot {
        let queue = Surveyed {
            name: name(),
            id: QueueId(1),
            fifo: false,
            visible,
            in_flight: 0,
            delayed: 0,
            oldest_age_ms: None,
            created_wall_ms: 0,
            tags: StringMap::new(),
            dead_letter_target: None,
            sources: 0,
            kms_key_id: None,
            sse: None,
        };
        Snapshot { taken_ns: 1, ended_ns: 1, queues: Arc::new(vec![queue]) }
    }

    const MINUTE_MS: u64 = 60_000;

    #[test]
    fn a_minute_shows_its_last_depth_and_what_is_missing_is_missing() {
        let mut sparks = Sparks::default();
        assert_eq!(sparks.sample(100 * MINUTE_MS, &found(1)), (vec![name()], vec![]));
        sparks.sample(100 * MINUTE_MS + 50_000, &found(2));
        sparks.sample(103 * MINUTE_MS, &found(5));
        let shown = [Some(2.0), None, None, Some(5.0)];
        assert_eq!(sparks.show(103 * MINUTE_MS, &name()), shown);
        assert_eq!(sparks.show(104 * MINUTE_MS, &name()), shown, "the minute has only begun");
        assert_eq!(sparks.show(105 * MINUTE_MS, &name())[4..], [None]);
        assert_eq!(sparks.show(1000 * MINUTE_MS, &name()), [None; SPARK_MINUTES]);
        sparks.sample(102 * MINUTE_MS, &found(6));
        assert_eq!(sparks.show(103 * MINUTE_MS, &name())[3], Some(6.0), "a clock that goes back");
        let nothing = Snapshot { taken_ns: 1, ..Snapshot::default() };
        assert_eq!(sparks.sample(104 * MINUTE_MS, &nothing), (vec![], vec![name()]));
    }

    #[test]
    fn a_clock_that_is_set_far_back_begins_anew() {
        let mut sparks = Sparks::default();
        for minute in 100..120 {
            sparks.sample(minute * MINUTE_MS, &found(1));
        }
        sparks.sample(109 * MINUTE_MS, &found(2));
        assert_eq!(sparks.show(109 * MINUTE_MS, &name()).len(), 20, "ten minutes are waited for");
        sparks.sample(108 * MINUTE_MS, &found(3));
        assert_eq!(sparks.show(108 * MINUTE_MS, &name()), [Some(3.0)]);
        sparks.sample(109 * MINUTE_MS, &found(4));
        assert_eq!(sparks.show(109 * MINUTE_MS, &name()), [Some(3.0), Some(4.0)]);
    }

    #[test]
    fn what_was_before_the_start_is_filled_in() {
        let mut sparks = Sparks::default();
        sparks.sample(100 * MINUTE_MS, &found(3));
        let before: Vec<_> =
            (0..SPARK_MINUTES).map(|minute| (minute != 28).then_some(minute as f32)).collect();
        sparks.fill(&name(), &before);
        let shown = sparks.show(100 * MINUTE_MS, &name());
        assert_eq!(shown.len(), SPARK_MINUTES);
        assert_eq!(shown[..2], [Some(1.0), Some(2.0)]);
        assert_eq!(shown[27..], [None, Some(29.0), Some(3.0)]);
        assert_eq!(sparks.ten_minutes_ago(&name()), Some(20.0));
        for minute in 101..200 {
            sparks.sample(minute * MINUTE_MS, &found(7));
        }
        assert_eq!(sparks.show(199 * MINUTE_MS, &name()), [Some(7.0); SPARK_MINUTES]);
    }
}
