//! Figures: of what a visitor may see, and, for those who look after the server as a whole, of the server.

use super::queues::{QueueRow, RatesRow};
use super::{Desk, Refusal, Visit};
use crate::access::{Resource, Who};
use crate::call::Call;
use crate::errors::invalid_parameter;
use crate::watch::{Disk, DiskState, Failing, Latency, Overview, Reason, Series, Surveyed};
use bongsu_wire::{ErrorKind, ServiceError};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// So many of the queues with the most traffic are named.
const MAX_BUSIEST: usize = 5;
/// What policies call the right to see figures of the whole server.
const GET_METRICS: &str = "bongsu:GetMetrics";
/// Lines of one chart.
const MAX_SERIES: usize = 12;

/// Everything at a glance.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OverviewRow {
    /// How many queues the visitor may see; all that follows is of them.
    pub queues: usize,
    /// Messages that can be received.
    pub visible: u64,
    /// Messages that were received and come back unless they are deleted.
    pub in_flight: u64,
    /// Messages that can't be received yet.
    pub delayed: u64,
    /// How long ago the oldest message was sent, ms.
    pub oldest_age_ms: Option<u64>,
    /// The last minute's.
    pub rates: RatesRow,
    /// Queues that somebody should look at.
    pub failing: Vec<FailingRow>,
    /// Queues with the most traffic.
    pub busiest: Vec<QueueRow>,
    /// Of the whole server; empty for others than its operators.
    pub latency: Vec<LatencyRow>,
    /// Where messages are kept, if anywhere; `None` for others than the server's operators.
    pub disk: Option<DiskRow>,
    /// The process; `None` for others than the server's operators.
    pub process: Option<ProcessRow>,
}

/// A queue that somebody should look at.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailingRow {
    /// Which.
    pub name: String,
    /// `dead-letters`, `stuck` or `growing`.
    pub reason: &'static str,
    /// Messages that failed: those of a dead-letter queue.
    pub dead_letters: u64,
    /// How long ago the oldest message was sent, ms.
    pub oldest_age_ms: Option<u64>,
    /// Messages that can be received.
    pub visible: u64,
}

/// How fast requests of one action were answered in the last minute.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LatencyRow {
    /// Which.
    pub action: &'static str,
    /// Requests a second.
    pub per_second: f64,
    /// Half of them took less.
    pub p50_ms: Option<f64>,
    /// 99 % of them took less.
    pub p99_ms: Option<f64>,
    /// Refused or failed ones a second.
    pub errors_per_second: f64,
}

/// The disk that messages are kept on.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiskRow {
    /// What the journal's files take.
    pub journal_bytes: u64,
    /// What of it is not dead; `None` where that is not known.
    pub live_bytes: Option<u64>,
    /// What is free.
    pub free_bytes: u64,
    /// How large the disk is.
    pub total_bytes: u64,
    /// `ok`, `low`, `full` or `failed`.
    pub state: &'static str,
}

/// The server's process.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessRow {
    /// Memory; `None` where the system doesn't tell.
    pub resident_bytes: Option<u64>,
    /// Processor time so far.
    pub cpu_seconds_total: f64,
    /// Since the start.
    pub uptime_ms: u64,
    /// Connections to the API that are open.
    pub connections: u64,
}

/// Values of a chart.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// Between two values.
    pub step_ms: u64,
    /// The time of the first value, wall ms.
    pub from_ms: u64,
    /// Values by the series' names, the oldest first; `None` where nothing is known.
    pub series: BTreeMap<&'static str, Vec<Option<f32>>>,
}

impl Desk {
    /// Everything at a glance.
    ///
    /// # Errors
    /// As for ListQueues.
    pub async fn overview(&self, visit: &Visit) -> Result<OverviewRow, Refusal> {
        let call = self.call(visit, false);
        let seen = self.seen(&call, visit).await?;
        let mut rates = RatesRow::default();
        let mut busiest: Vec<(Reverse<u64>, &Surveyed)> = Vec::new();
        let (mut count, mut visible, mut in_flight, mut delayed) = (0, 0, 0, 0);
        for queue in seen.iter() {
            (count, visible) = (count + 1, visible + queue.visible);
            (in_flight, delayed) = (in_flight + queue.in_flight, delayed + queue.delayed);
            let own = RatesRow::from(self.watch().rates(&queue.name));
            rates.add(own);
            let traffic = ((own.sent + own.received) * 1000.0) as u64;
            if traffic > 0 {
                busiest.push((Reverse(traffic), queue));
            }
        }
        busiest.sort_by_key(|(traffic, _)| *traffic);
        let server = match self.permit_operator(&call) {
            Ok(()) => Some(self.watch().overview().await),
            Err(_) => None,
        };
        let mut rows = Vec::with_capacity(MAX_BUSIEST);
        for (_, queue) in busiest.iter().take(MAX_BUSIEST) {
            rows.push(self.row(&call, queue).await);
        }
        Ok(OverviewRow {
            queues: count,
            visible,
            in_flight,
            delayed,
            oldest_age_ms: seen.iter().filter_map(|queue| queue.oldest_age_ms).max(),
            rates,
            failing: self.watch().failing(seen.iter()).into_iter().map(FailingRow::from).collect(),
            busiest: rows,
            latency: server.iter().flat_map(|server| &server.latency).map(LatencyRow::of).collect(),
            disk: server.as_ref().and_then(|server| Some(DiskRow::of(server.disk?, server.disk_state))),
            process: server.as_ref().map(ProcessRow::of),
        })
    }

    /// How figures were over time: of a queue, or, for the server's operators, of the whole server.
    ///
    /// # Errors
    /// `InvalidParameterValue` for series that there aren't; `AccessDenied`; as for GetQueueAttributes.
    pub async fn history(
        &self,
        visit: &Visit,
        queue: Option<&str>,
        series: &[&str],
        times: (u64, u64),
        points: usize,
    ) -> Result<History, Refusal> {
        let subject = match queue {
            Some(queue) => Some(self.readable(visit, queue).await?),
            None => {
                self.admit_operator(visit)?;
                None
            }
        };
        if series.len() > MAX_SERIES {
            return Err(invalid_parameter(format!("At most {MAX_SERIES} series at a time.")).into());
        }
        let known = if subject.is_some() { Series::OF_QUEUE } else { Series::ALL.len() };
        let mut history = History::default();
        for name in series {
            let found = Series::named(name).filter(|series| (*series as usize) < known);
            let found =
                found.ok_or_else(|| invalid_parameter(format!("There is no series {name:?} of this.")))?;
            let samples = self.watch().history(subject.as_ref(), found, times, points).await;
            (history.step_ms, history.from_ms) = (samples.step_ms, samples.from_ms);
            history.series.insert(found.name(), samples.values);
        }
        Ok(history)
    }

    /// The page for Prometheus: its type, and its text. It names all queues of all accounts.
    ///
    /// # Errors
    /// `AccessDenied` for others than the server's operators.
    pub async fn metrics(&self, visit: &Visit) -> Result<(&'static str, Vec<u8>), Refusal> {
        self.admit_operator(visit)?;
        Ok((crate::watch::metrics::CONTENT_TYPE, self.watch().render_metrics().await))
    }

    /// Lets in whom figures of the whole server are for; a refusal is in the audit log.
    fn admit_operator(&self, visit: &Visit) -> Result<(), ServiceError> {
        let call = self.call(visit, false);
        let permitted = self.permit_operator(&call);
        if let Err(error) = &permitted {
            call.audit(&self.request_id(), "GetMetrics", None, Some(error.kind.code()));
        }
        permitted
    }

    /// Figures of the whole server name everybody's queues: they are for the root of the account that runs it, for those of its users
    /// whom a policy allows it, and for all where nobody is asked.
    fn permit_operator(&self, call: &Call<'_>) -> Result<(), ServiceError> {
        let account = self.dispatcher.edge.access.default_account.as_str();
        match call.caller.who {
            Who::Unchecked => Ok(()),
            Who::Root | Who::User(_) if call.caller.account == account => {
                call.authorize(GET_METRICS, &Resource::plain("*", account))
            }
            _ => {
                let message = "Figures of the whole server are for the account that runs it.";
                Err(ServiceError::new(ErrorKind::AccessDenied, message))
            }
        }
    }
}

impl RatesRow {
    fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.received += other.received;
        self.deleted += other.deleted;
        self.empty_receives += other.empty_receives;
    }
}

impl From<Failing> for FailingRow {
    fn from(failing: Failing) -> Self {
        let Failing { name, reason, visible, oldest_age_ms } = failing;
        let dead_letters = if reason == Reason::DeadLetters { visible } else { 0 };
        Self { name: name.name, reason: reason.word(), dead_letters, oldest_age_ms, visible }
    }
}

impl LatencyRow {
    fn of(latency: &Latency) -> Self {
        let Latency { action, per_second, p50_ms, p99_ms, errors_per_second } = *latency;
        Self { action, per_second, p50_ms, p99_ms, errors_per_second }
    }
}

impl DiskRow {
    fn of(disk: Disk, state: DiskState) -> Self {
        let Disk { journal_bytes, free_bytes, total_bytes } = disk;
        Self { journal_bytes, live_bytes: None, free_bytes, total_bytes, state: state.word() }
    }
}

impl ProcessRow {
    fn of(overview: &Overview) -> Self {
        Self {
            resident_bytes: overview.process.resident_bytes,
            cpu_seconds_total: overview.process.cpu_seconds_total,
            uptime_ms: overview.uptime_ms,
            connections: overview.connections,
        }
    }
}
