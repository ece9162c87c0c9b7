//! What was counted and timed.

use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The range and precision of latencies: from a microsecond to ten minutes, three digits.
const MIN_NS: u64 = 1_000;
const MAX_NS: u64 = 600_000_000_000;
const DIGITS: u8 = 3;

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operation {
    Send,
    SendBatch,
    Receive,
    Delete,
    /// From the begin of a send to the message's arrival.
    EndToEnd,
}

impl Operation {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Send => "SendMessage",
            Self::SendBatch => "SendMessageBatch",
            Self::Receive => "ReceiveMessage",
            Self::Delete => "DeleteMessage(Batch)",
            Self::EndToEnd => "end to end",
        }
    }
}

/// One operation's figures.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// In nanoseconds, of requests that succeeded; of receives, those that found something.
    pub(super) latency_ns: Histogram<u64>,
    /// Requests that succeeded.
    pub(super) requests: u64,
    /// Messages in them.
    pub(super) messages: u64,
    /// Receives that found nothing.
    pub(super) empty: u64,
    /// When the last one that succeeded (and found something) ended.
    pub(super) last: Option<Instant>,
}

/// All figures of a thread, or of all.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) rows: BTreeMap<Operation, Row>,
    /// How often each error came. A batch entry that failed counts as one.
    pub(super) errors: BTreeMap<String, u64>,
}

impl Row {
    #[expect(clippy::expect_used, reason = "the bounds are constants, which a test makes a histogram of")]
    fn new() -> Self {
        let latency_ns = Histogram::new_with_bounds(MIN_NS, MAX_NS, DIGITS).expect("sound bounds");
        Self { latency_ns, requests: 0, messages: 0, empty: 0, last: None }
    }
}

impl Tally {
    /// A request succeeded with so many messages.
    pub(super) fn succeeded(&mut self, operation: Operation, messages: u64, latency: Duration, at: Instant) {
        let row = self.rows.entry(operation).or_insert_with(Row::new);
        row.latency_ns.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
        row.requests += 1;
        row.messages += messages;
        row.last = row.last.max(Some(at));
    }

    /// A receive found nothing.
    pub(super) fn found_nothing(&mut self) {
        self.rows.entry(Operation::Receive).or_insert_with(Row::new).empty += 1;
    }

    pub(super) fn failed(&mut self, code: String, times: u64) {
        if times > 0 {
            *self.errors.entry(code).or_default() += times;
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (operation, from) in &other.rows {
            let to = self.rows.entry(*operation).or_insert_with(Row::new);
            // Both have the same bounds, so that nothing lies beyond them.
            _ = to.latency_ns.add(&from.latency_ns);
            to.requests += from.requests;
            to.messages += from.messages;
            to.empty += from.empty;
            to.last = to.last.max(from.last);
        }
        for (code, times) in &other.errors {
            self.failed(code.clone(), *times);
        }
    }

    pub(super) fn failures(&self) -> u64 {
        self.errors.values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::{Operation, Tally};
    use crate::bench::clock::now;
    use std::time::Duration;

    #[test]
    fn tallies_add_up() {
        let (start, mut all) = (now(), Tally::default());
        for (thread, ms) in [(0, 1), (1, 3)] {
            let mut tally = Tally::default();
            for _ in 0..100 {
                let latency = Duration::from_millis(ms);
                tally.succeeded(Operation::SendBatch, 10, latency, start + Duration::from_secs(thread));
            }
            tally.found_nothing();
            tally.failed("Throttled".into(), 2);
            tally.failed("Other".into(), 0);
            all.add(&tally);
        }
        let row = &all.rows[&Operation::SendBatch];
        assert_eq!((row.requests, row.messages), (200, 2_000));
        assert_eq!(row.last, Some(start + Duration::from_secs(1)));
        let at = |quantile| row.latency_ns.value_at_quantile(quantile) as f64 / 1e6;
        assert!((at(0.5) - 1.0).abs() < 0.01 && (at(0.51) - 3.0).abs() < 0.01);
        assert_eq!(all.rows[&Operation::Receive].empty, 2);
        assert_eq!((all.failures(), all.errors.len()), (4, 1));
    }
}
