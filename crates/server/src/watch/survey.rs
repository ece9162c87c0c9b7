//! A look at all queues: depths, ages, tags. One at a time, and not more often than somebody asks who can't live with the last.

use bongsu_engine::Surveyed;
use bongsu_engine::{Command, QueueName, Reply};
use bongsu_node::{CallError, Node};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// So many queues are looked at in one step of the engine, during which nobody else is served.
const PAGE: usize = 250;
/// A step is answered once what it saw is durable: on a disk that is full or stands still that may be never. So long it may take.
const PAGE_TIME_LIMIT: Duration = Duration::from_secs(2);
/// So long the whole look may take: a scraper waits for ten seconds.
const WALK_TIME_LIMIT: Duration = Duration::from_secs(8);
/// After a look that failed there is none for so long: who waited for it doesn't try as long again, one after the other.
const RETRY_NS: u64 = 1_000_000_000;

/// What a look found.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot {
    /// When it began, by the server's own clock: what was done before is in it. 0 before the first.
    pub(super) taken_ns: u64,
    /// When it ended.
    pub(super) ended_ns: u64,
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

/// What look somebody can live with.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted {
    /// It ended less than so long ago. One that began after it was asked for will do in any case.
    pub(super) max_age_ns: u64,
    /// It did not begin before this.
    pub(super) since_ns: u64,
}

/// The last look.
#[derive(Debug, Default)]
pub(super) struct Surveys {
    last: Mutex<Last>,
}

#[derive(Debug, Default)]
struct Last {
    found: Snapshot,
    /// When a look failed, if it was the last one.
    failed_ns: Option<u64>,
}

impl Surveys {
    /// A look that will do: the last one, or a new one. Who asks before one begins gets that one. Where the node doesn't answer, it is
    /// the last one.
    pub(super) async fn get(&self, wanted: Wanted, node: &Node, clock: super::Clock) -> Snapshot {
        let ask = |after| node.call(Command::Survey { after, limit: PAGE });
        self.get_with(wanted, clock, ask).await
    }

    async fn get_with<F>(
        &self,
        wanted: Wanted,
        clock: super::Clock,
        ask: impl Fn(Option<QueueName>) -> F,
    ) -> Snapshot
    where
        F: Future<Output = Result<Reply, CallError>>,
    {
        let asked_ns = clock.now_ns();
        let mut last = self.last.lock().await;
        let begun_ns = clock.now_ns().max(1);
        if last.will_do(wanted, asked_ns, begun_ns) {
            return last.found.clone();
        }
        let walked = timeout(WALK_TIME_LIMIT, walk(ask)).await;
        let ended_ns = clock.now_ns();
        match walked.unwrap_or_else(|_| Err(took_too_long())) {
            Ok(queues) => {
                let found = Snapshot { taken_ns: begun_ns, ended_ns, queues: Arc::new(queues) };
                *last = Last { found, failed_ns: None };
            }
            Err(error) => {
                tracing::debug!(%error, "can't look at the queues");
                last.failed_ns = Some(ended_ns);
            }
        }
        last.found.clone()
    }
}

impl Last {
    fn will_do(&self, wanted: Wanted, asked_ns: u64, now_ns: u64) -> bool {
        if self.failed_ns.is_some_and(|failed_ns| now_ns.saturating_sub(failed_ns) < RETRY_NS) {
            return true;
        }
        let Snapshot { taken_ns, ended_ns, .. } = self.found;
        let is_young = now_ns.saturating_sub(ended_ns) < wanted.max_age_ns;
        taken_ns > 0 && (taken_ns >= asked_ns || (is_young && taken_ns >= wanted.since_ns))
    }
}

fn took_too_long() -> CallError {
    CallError::Unavailable("the store takes too long to answer".into())
}

async fn walk<F>(ask: impl Fn(Option<QueueName>) -> F) -> Result<Vec<Surveyed>, CallError>
where
    F: Future<Output = Result<Reply, CallError>>,
{
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        match timeout(PAGE_TIME_LIMIT, ask(after)).await.map_err(|_| took_too_long())?? {
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

#[cfg(test)]
mod tests {
    use super::{RETRY_NS, Snapshot, Surveys, Wanted};
    use crate::watch::Clock;
    use bongsu_engine::Reply;
    use std::cell::Cell;
    use std::future::{pending, ready};
    use std::sync::Arc;
    use tokio::task::yield_now;

    fn nothing() -> Reply {
        Reply::Surveyed { queues: Vec::new(), more: false }
    }

    /// A store that stands still costs two seconds, not for ever, and that not everybody anew: all get what was known before.
    #[tokio::test]
    async fn a_store_that_does_not_answer_leaves_the_last_look() {
        let (surveys, clock, tries) = (Surveys::default(), Clock::start(), Cell::new(0));
        let known = surveys.get_with(Wanted::default(), clock, |_| ready(Ok(nothing()))).await;
        assert!(known.taken_ns > 0 && known.ended_ns >= known.taken_ns);
        let stalled = |_| {
            tries.set(tries.get() + 1);
            pending()
        };
        let get = || surveys.get_with(Wanted::default(), clock, stalled);
        let begun_ns = clock.now_ns();
        let found: [Snapshot; 4] = tokio::join!(get(), get(), get(), get()).into();
        assert!(found.iter().all(|found| Arc::ptr_eq(&found.queues, &known.queues)));
        assert!((2_000_000_000..4_000_000_000).contains(&(clock.now_ns() - begun_ns)));
        assert_eq!(tries.get(), 1);
        let answered = || surveys.get_with(Wanted::default(), clock, |_| ready(Ok(nothing())));
        assert_eq!(answered().await.taken_ns, known.taken_ns, "not again so soon");
        let failed_ns = clock.now_ns();
        while clock.now_ns() - failed_ns <= RETRY_NS {
            yield_now().await;
        }
        assert!(answered().await.taken_ns > known.taken_ns, "and then it goes on");
    }

    /// A look that takes longer than a look may be old is shared all the same, by those who asked before it began; who comes while it
    /// is under way, and needs what was just done to be in it, gets the next.
    #[tokio::test]
    async fn a_look_is_shared_however_long_it_takes() {
        let (surveys, clock, looks) = (Surveys::default(), Clock::start(), Cell::new(0));
        let slow = |_| {
            looks.set(looks.get() + 1);
            let begun_ns = clock.now_ns();
            async move {
                while clock.now_ns() < begun_ns + 50_000_000 {
                    yield_now().await;
                }
                Ok(nothing())
            }
        };
        let get = |max_age_ns, since_ns| surveys.get_with(Wanted { max_age_ns, since_ns }, clock, slow);
        let late = async {
            while looks.get() == 0 {
                yield_now().await;
            }
            // Three who need one from after now, and one who doesn't.
            let now_ns = clock.now_ns();
            let since = || get(40_000_000, now_ns);
            tokio::join!(get(40_000_000, 0), since(), since(), since())
        };
        let (first, (second, third, fourth, fifth)) = tokio::join!(get(40_000_000, 0), late);
        assert_eq!(looks.get(), 2);
        assert_eq!(second.taken_ns, first.taken_ns, "it has only just ended");
        assert!(third.taken_ns >= first.ended_ns);
        assert_eq!([fourth.taken_ns, fifth.taken_ns], [third.taken_ns; 2]);
    }
}
