//! A look at all queues: depths, ages, tags. One at a time, and not more often than somebody asks who can't live with the last.

use bongsu_engine::Surveyed;
use bongsu_engine::{Command, QueueName, Reply};
use bongsu_node::{CallError, Node};
use std::sync::Arc;
use tokio::sync::Mutex;

/// So many queues are looked at in one step of the engine, during which nobody else is served.
const PAGE: usize = 250;

/// What a look found.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot {
    /// When, by the server's own clock; 0 before the first.
    pub(super) taken_ns: u64,
    /// In order of name.
    pub(super) queues: Arc<Vec<Surveyed>>,
}

impl Snapshot {
    /// What was found of a queue.
    pub(super) fn find(&self, name: &QueueName) -> Option<&Surveyed> {
        let index = self.queues.binary_search_by(|queue| queue.name.cmp(name)).ok()?;
        self.queues.get(index)
    }
}

/// The last look.
#[derive(Debug, Default)]
pub(super) struct Surveys {
    last: Mutex<Snapshot>,
}

impl Surveys {
    /// A look that is at most so old: the last one, or a new one. Who comes while one is under way gets that one. Where the node
    /// doesn't answer any more, it is the last one.
    pub(super) async fn at_most(&self, max_age_ns: u64, node: &Node, clock: super::Clock) -> Snapshot {
        let mut last = self.last.lock().await;
        if last.taken_ns > 0 && clock.now_ns().saturating_sub(last.taken_ns) < max_age_ns {
            return last.clone();
        }
        let begun_ns = clock.now_ns();
        match walk(node).await {
            Ok(queues) => *last = Snapshot { taken_ns: begun_ns.max(1), queues: Arc::new(queues) },
            Err(error) => tracing::debug!(%error, "can't look at the queues"),
        }
        last.clone()
    }
}

async fn walk(node: &Node) -> Result<Vec<Surveyed>, CallError> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        match node.call(Command::Survey { after, limit: PAGE }).await? {
            Reply::Surveyed { queues, more } => {
                all.extend(queues);
                after = all.last().filter(|_| more).map(|last: &Surveyed| last.name.clone());
            }
            _ => {
                return Err(CallError::Unavailable(
                    "the engine answered something else than was asked".into(),
                ));
            }
        }
        if after.is_none() {
            return Ok(all);
        }
        // Requests come first.
        tokio::task::yield_now().await;
    }
}
