//! What the server sees of itself: counters of queues and requests, depths and ages, who receives, and how all that was over time.
//!
//! Counting happens where requests are answered and costs a few atomic additions (`counters`, `actions`, `histogram`). Depths and
//! ages are the engine's; a look at all queues (`survey`) is taken every ten seconds by `sampler`, and when somebody asks. What
//! samples leave behind: the last minute (`past`), and the history. `metrics` shows it to Prometheus, [`Watch`] to the console.
//!
//! Must not know how requests are decoded or answered.

pub(crate) mod actions;
mod consumers;
pub(crate) mod counters;
mod histogram;
mod keeping;
mod memory;
pub mod metrics;
mod overview;
mod past;
mod process;
mod request;
mod sampler;
mod series;
mod survey;

pub use bongsu_engine::Surveyed;
pub use consumers::Consumer;
pub use counters::Rates;
pub use keeping::Samples;
pub use overview::{DiskState, Failing, Overview, Reason};
pub use past::Latency;
pub use process::{Disk, Process};
pub use series::Series;

use crate::access::Caller;
pub(crate) use crate::clock::Clock;
use crate::clock::wall_ms;
use actions::{Action, Actions, Ending};
use bongsu_engine::QueueName;
use bongsu_node::{Node, Status};
use counters::{Counters, QueueCounters};
use keeping::Keeping;
pub(crate) use request::{Counting, Watching};
use sampler::Sampled;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use survey::{Surveys, Wanted};
use tokio::task::JoinHandle;

/// How old a look at all queues may be for who asks for one.
const MAX_SURVEY_AGE_NS: u64 = 1_000_000_000;
/// What takes longer than this, waiting for messages aside, leaves a line in the log. At most one a second.
const SLOW_NS: u64 = 1_000_000_000;

/// What the server sees of itself. Clones share it.
#[derive(Clone, Debug)]
pub struct Watch(Arc<Inner>);

struct Inner {
    clock: Clock,
    node: Node,
    /// Where messages are kept, if they are.
    data_dir: Option<PathBuf>,
    actions: Actions,
    counters: Arc<Counters>,
    connections: Connections,
    authentication_failures: AtomicU64,
    long_polls: AtomicU64,
    /// The last second in which a slow request was logged.
    slow_second: AtomicU64,
    surveys: Surveys,
    sampled: Mutex<Sampled>,
    history: Mutex<Keeping>,
    /// How many queues the history has no room for, as of the last sample: it is locked while it is written.
    left_out: AtomicU64,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

/// How many connections are open. Clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connections(Arc<AtomicU64>);

/// A connection that counts until this is dropped.
#[derive(Debug)]
pub(crate) struct OpenConnection(Connections);

impl Connections {
    /// One more.
    pub(crate) fn open(&self) -> OpenConnection {
        self.0.fetch_add(1, Ordering::Relaxed);
        OpenConnection(self.clone())
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A long poll that counts until this is dropped.
pub(crate) struct LongPoll<'a> {
    inner: &'a Inner,
    counters: Option<Arc<QueueCounters>>,
    caller: &'a Caller,
    user_agent: &'a [u8],
}

impl Drop for LongPoll<'_> {
    fn drop(&mut self) {
        self.inner.long_polls.fetch_sub(1, Ordering::Relaxed);
        if let Some(counters) = &self.counters {
            counters.consumers.wait(self.caller, self.user_agent, self.inner.clock.now_ns(), false);
        }
    }
}

impl Watch {
    /// Over this node, which keeps its messages in `data_dir`, if anywhere. Blocks while it opens the history.
    pub(crate) fn new(node: Node, data_dir: Option<PathBuf>) -> Self {
        let (clock, history) = (Clock::start(), Keeping::open(data_dir.as_deref()));
        Self(Arc::new(Inner {
            clock,
            node,
            data_dir,
            actions: Actions::default(),
            counters: Arc::new(Counters::new(clock)),
            connections: Connections::default(),
            authentication_failures: AtomicU64::new(0),
            long_polls: AtomicU64::new(0),
            slow_second: AtomicU64::new(0),
            surveys: Surveys::default(),
            sampled: Mutex::default(),
            history: Mutex::new(history),
            left_out: AtomicU64::new(0),
        }))
    }

    /// Begins to look at everything every ten seconds.
    pub(crate) fn start_sampling(&self) -> JoinHandle<()> {
        tokio::spawn(sampler::run(Arc::clone(&self.0)))
    }

    /// The time, for [`Watch::answered`]: nanoseconds since the server started.
    pub(crate) fn now_ns(&self) -> u64 {
        self.0.clock.now_ns()
    }

    /// Counts a request that is answered: it began at `begun_ns`, and waited for messages for `waited_ns` of the time since.
    pub(crate) fn answered(
        &self,
        action: Action,
        ending: Ending,
        (begun_ns, waited_ns): (u64, u64),
        request_id: &str,
    ) {
        let now_ns = self.now_ns();
        let duration_ns = now_ns.saturating_sub(begun_ns).saturating_sub(waited_ns);
        self.0.actions.note(action, ending, duration_ns);
        if duration_ns > SLOW_NS {
            self.0.note_slow(action, ending, now_ns, duration_ns, request_id);
        }
    }

    /// Counts somebody who could not show who he is.
    pub(crate) fn authentication_failed(&self) {
        self.0.authentication_failures.fetch_add(1, Ordering::Relaxed);
    }

    /// The counters of queues.
    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.0.counters
    }

    /// Counts connections.
    pub(crate) fn connections(&self) -> &Connections {
        &self.0.connections
    }

    /// Notes who receives from a queue.
    pub(crate) fn receives(
        &self,
        counters: &QueueCounters,
        caller: &Caller,
        user_agent: &[u8],
        begun_ns: u64,
    ) {
        counters.consumers.note(caller, user_agent, begun_ns);
    }

    /// Notes somebody who waits for messages of a queue, until the result is dropped.
    pub(crate) fn begin_long_poll<'a>(
        &'a self,
        counters: Option<Arc<QueueCounters>>,
        caller: &'a Caller,
        user_agent: &'a [u8],
    ) -> LongPoll<'a> {
        self.0.long_polls.fetch_add(1, Ordering::Relaxed);
        if let Some(counters) = &counters {
            counters.consumers.wait(caller, user_agent, self.now_ns(), true);
        }
        LongPoll { inner: &self.0, counters, caller, user_agent }
    }

    /// The last minute's rates of a queue; zeros where nothing was counted.
    pub fn rates(&self, name: &QueueName) -> Rates {
        let now_ns = self.now_ns();
        self.0.counters.known(name).map_or_else(Rates::default, |counters| counters.rates(now_ns))
    }

    /// How many messages of a queue could be received, in the last half hour: one value a minute, the oldest first, at most thirty;
    /// `None` where nothing is known.
    pub fn sparkline(&self, name: &QueueName) -> Vec<Option<f64>> {
        self.0.sampled().sparks.show(wall_ms(), name)
    }

    /// All queues, in order of name, as they were at most a second ago. Where the store doesn't answer, as they were when it last did.
    pub async fn survey(&self) -> Arc<Vec<Surveyed>> {
        self.0.survey().await.queues
    }

    /// As [`Watch::survey`], but not from before [`Watch::now_ns`] said this.
    pub(crate) async fn survey_since(&self, since_ns: u64) -> Arc<Vec<Surveyed>> {
        self.0.survey_since(since_ns).await.queues
    }

    /// Those of these queues that somebody should look at, the worst first, at most ten.
    pub fn failing<'a>(&self, queues: impl Iterator<Item = &'a Surveyed>) -> Vec<Failing> {
        overview::failing(&self.0, queues)
    }

    /// The server at a glance.
    pub async fn overview(&self) -> Overview {
        let found = self.0.survey().await;
        overview::overview(&self.0, &found)
    }

    /// How fast requests were answered in the last minute, by action; those that there were none of are left out.
    pub fn latencies(&self) -> Vec<Latency> {
        self.0.latencies()
    }

    /// A chart's values: of a queue, or of the whole server. Times are wall time in milliseconds since 1970, the latter exclusive. It
    /// is the finest resolution that is kept since the first of them; where that has more than so many points, several become one.
    pub async fn history(
        &self,
        subject: Option<&QueueName>,
        series: Series,
        (from_ms, to_ms): (u64, u64),
        points: usize,
    ) -> Samples {
        let subject = subject.map(sampler::subject).unwrap_or_default();
        let inner = Arc::clone(&self.0);
        let query = move || inner.history().query(&subject, series, (from_ms, to_ms), points);
        let nothing = |_| Samples { step_ms: 10_000, from_ms, values: Vec::new() };
        tokio::task::spawn_blocking(query).await.unwrap_or_else(nothing)
    }

    /// The page for Prometheus, of type [`metrics::CONTENT_TYPE`].
    pub async fn render_metrics(&self) -> Vec<u8> {
        let found = self.0.survey().await;
        let inner = Arc::clone(&self.0);
        // Aside, as it takes a while where there are thousands of queues, and looks at files.
        tokio::task::spawn_blocking(move || metrics::render(&inner, &found)).await.unwrap_or_default()
    }

    /// Who received from a queue in the last five minutes, the last seen first; at most 32.
    pub fn consumers(&self, name: &QueueName) -> Vec<Consumer> {
        let known = self.0.counters.known(name);
        known.map_or_else(Vec::new, |counters| counters.consumers.show(self.now_ns(), wall_ms()))
    }

    /// Ends the history properly. Blocks.
    pub(crate) fn close(&self) {
        let disk = self.0.data_dir.as_deref().and_then(Disk::read);
        self.0.flush_history(disk);
    }
}

impl Inner {
    async fn survey(&self) -> survey::Snapshot {
        self.survey_since(0).await
    }

    async fn survey_since(&self, since_ns: u64) -> survey::Snapshot {
        let wanted = Wanted { max_age_ns: MAX_SURVEY_AGE_NS, since_ns };
        self.surveys.get(wanted, &self.node, self.clock).await
    }

    fn sampled(&self) -> MutexGuard<'_, Sampled> {
        // Each sample is of use on its own.
        self.sampled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn history(&self) -> MutexGuard<'_, Keeping> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the history, unless messages need the room. Blocks.
    fn flush_history(&self, disk: Option<Disk>) {
        let is_short = matches!(self.node.status(), Status::Full | Status::NearlyOut | Status::Failed(_));
        let free_bytes = if is_short { Some(0) } else { disk.map(|disk| disk.free_bytes) };
        self.history().flush(free_bytes);
    }

    fn latencies(&self) -> Vec<Latency> {
        let counted = self.actions.read();
        self.sampled().requests.latencies(self.clock.now_ns(), &counted)
    }

    fn long_polls(&self) -> u64 {
        self.long_polls.load(Ordering::Relaxed)
    }

    #[cold]
    fn note_slow(&self, action: Action, ending: Ending, now_ns: u64, duration_ns: u64, request_id: &str) {
        let second = now_ns / 1_000_000_000;
        if self.slow_second.swap(second, Ordering::Relaxed) != second {
            let (action, code, duration_ms) = (action.name(), ending.code(), duration_ns / 1_000_000);
            tracing::warn!(request_id, action, code, duration_ms, "a request took long");
        }
    }
}

#[cfg(test)]
mod tests;
