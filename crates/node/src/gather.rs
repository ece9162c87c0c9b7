//! When to send a batch off: once nobody is about to add to it.
//!
//! A commit costs a sync and two changes of thread, however many commands are in it. So a batch stays open while the
//! threads that call still have requests at hand, and goes out when one of them runs out of work, when it is large, or
//! when somebody calls a moment later. On an idle machine that is at once.

use crate::driver::Shared;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};

/// Told by the threads that call a node when they have nothing else to do. Clones are one.
#[derive(Clone, Default)]
pub struct Gatherer(Arc<Inner>);

#[derive(Default)]
struct Inner {
    node: OnceLock<Weak<Shared>>,
}

thread_local! {
    /// Whether this thread tells when it rests, so that batches may wait for it.
    static IS_WORKER: Cell<bool> = const { Cell::new(false) };
}

impl Gatherer {
    /// This thread will tell whenever it rests.
    pub fn worker_starts(&self) {
        IS_WORKER.set(true);
    }

    /// This thread is about to wait for something to do.
    pub fn worker_rests(&self) {
        if let Some(shared) = self.0.node.get().and_then(Weak::upgrade) {
            shared.worker_rests();
        }
    }

    /// Tells this node from now on.
    pub(crate) fn tell(&self, shared: &Arc<Shared>) {
        // A gatherer is of one runtime, and that of one node.
        _ = self.0.node.set(Arc::downgrade(shared));
    }
}

impl std::fmt::Debug for Gatherer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gatherer")
    }
}

/// Whether the thread that runs this tells when it rests.
pub(crate) fn on_worker() -> bool {
    IS_WORKER.get()
}

/// Whether something waits in an open batch for a worker to rest. Looked at without a lock whenever one does.
#[derive(Default)]
pub(crate) struct Gathering(AtomicBool);

impl Gathering {
    pub(crate) fn begin(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Ends it; says whether it was on.
    pub(crate) fn end(&self) -> bool {
        self.0.load(Ordering::Acquire) && self.0.swap(false, Ordering::AcqRel)
    }
}

#[cfg(test)]
mod tests {
    use super::Gatherer;
    use crate::{Node, NodeOptions};
    use bongsu_engine::{Command, Outgoing, QueueName, Receive, Reply, StringMap};
    use bongsu_journal::{FileJournal, FileOptions, MemoryJournal, MemoryOptions, RealDisk};
    use std::sync::Arc;
    use std::time::Duration;

    fn node() -> (Node, Gatherer) {
        let journal = Box::new(MemoryJournal::new(MemoryOptions::default()));
        let (node, gatherer) =
            (Node::start(journal, NodeOptions::new([1; 32], 2)).unwrap(), Gatherer::default());
        node.gather(&gatherer);
        (node, gatherer)
    }

    fn create(name: &str) -> Command {
        let name = QueueName::new("000000000000", "us-east-1", name);
        Command::CreateQueue { name, attributes: StringMap::new(), tags: StringMap::new() }
    }

    /// Runs calls on a worker that never rests: a runtime whose threads start as workers and don't tell when they park.
    fn run(workers: usize, tells: bool) {
        let (node, gatherer) = node();
        let (starts, rests) = (gatherer.clone(), gatherer);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(workers)
            .on_thread_start(move || starts.worker_starts())
            .on_thread_park(move || {
                if tells {
                    rests.worker_rests();
                }
            })
            .build()
            .unwrap();
        let calls = (0..200).map(|number| {
            let node = node.clone();
            runtime.spawn(async move { node.call(create(&format!("q{number}"))).await })
        });
        let calls: Vec<_> = calls.collect();
        for call in calls {
            assert!(matches!(runtime.block_on(call), Ok(Ok(Reply::Done))));
        }
        node.shutdown().unwrap();
    }

    #[test]
    fn batches_go_off_when_workers_rest() {
        run(1, true);
        run(3, true);
    }

    #[test]
    fn batches_go_off_though_nobody_says_that_he_rests() {
        run(2, false);
    }

    /// While there is always a next entry to write, what is due by the clock has to be done in between.
    #[test]
    fn a_long_poll_ends_in_time_beside_a_load_that_never_pauses() {
        // Syncs that take a while: meanwhile others call, and so on.
        let place = tempfile::tempdir().unwrap();
        let options = FileOptions { segment_bytes: 16 << 20, ..FileOptions::default() };
        let journal = FileJournal::open(Arc::new(RealDisk), place.path(), options).unwrap();
        let node = Node::start(Box::new(journal), NodeOptions::new([1; 32], 2)).unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        for name in ["busy", "idle"] {
            runtime.block_on(node.call(create(name))).unwrap();
        }
        let tag = |number: u64| Command::TagQueue {
            name: QueueName::new("000000000000", "us-east-1", "busy"),
            tags: StringMap::from([("number".to_owned(), number.to_string())]),
        };
        let load: Vec<_> = (0..8)
            .map(|_| {
                let node = node.clone();
                runtime.spawn(async move {
                    for number in 0.. {
                        if node.call(tag(number)).await.is_err() {
                            return;
                        }
                    }
                })
            })
            .collect();
        let receive = Receive {
            name: QueueName::new("000000000000", "us-east-1", "idle"),
            max_messages: 1,
            visibility_timeout_ms: None,
            wait_ms: Some(300),
            attempt_id: None,
        };
        let polled = async { tokio::time::timeout(Duration::from_secs(20), node.receive(receive)).await };
        let received = runtime.block_on(polled).expect("the poll ends").unwrap();
        assert!(received.deliveries.is_empty());
        node.shutdown().unwrap();
        load.into_iter().for_each(|one| runtime.block_on(one).unwrap());
    }

    /// A client went away between the decision to hand a message out to it and the sync: the message was gone for its whole
    /// visibility timeout.
    #[test]
    fn a_message_for_somebody_who_went_away_comes_back_at_once() {
        let (node, _gatherer) = node();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(node.call(create("q"))).unwrap();
        let receive = |wait_ms| Receive {
            name: QueueName::new("000000000000", "us-east-1", "q"),
            max_messages: 1,
            visibility_timeout_ms: None,
            wait_ms: Some(wait_ms),
            attempt_id: None,
        };
        for number in 0..200_u8 {
            let waiting = {
                let node = node.clone();
                let receive = receive(20_000);
                runtime.spawn(async move { node.receive(receive).await })
            };
            let message = Outgoing {
                message_id: [number; 16],
                size_bytes: 1,
                delay_ms: None,
                group: None,
                deduplication_id: None,
                content_hash: None,
                stored: vec![number],
            };
            let name = QueueName::new("000000000000", "us-east-1", "q");
            let sent = {
                let node = node.clone();
                runtime.spawn(async move { node.call(Command::Send { name, messages: vec![message] }).await })
            };
            for _ in 0..u32::from(number) * 20 {
                std::hint::spin_loop();
            }
            waiting.abort();
            let taken = runtime.block_on(waiting);
            runtime.block_on(sent).unwrap().unwrap();
            if let Ok(Ok(received)) = taken
                && !received.deliveries.is_empty()
            {
                // It was in time for once.
                continue;
            }
            let received = runtime.block_on(node.receive(receive(5_000))).unwrap();
            assert_eq!(received.deliveries.len(), 1, "round {number}");
        }
        node.shutdown().unwrap();
    }

    #[test]
    fn who_never_said_that_he_tells_is_not_waited_for() {
        let (node, _gatherer) = node();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert!(matches!(runtime.block_on(node.call(create("q"))), Ok(Reply::Done)));
        node.shutdown().unwrap();
    }
}
