//! Receives that wait for messages: long polls.

use bongsu_engine::{QueueId, QueueMap, Receive};
use std::collections::{BTreeSet, VecDeque};

/// A receive that found nothing and may wait.
#[derive(Debug)]
pub(crate) struct Waiter<T> {
    pub(crate) token: T,
    pub(crate) receive: Receive,
    pub(crate) until_ms: u64,
}

/// All waiting receives, by queue in the order in which they came, and when to look after each queue.
#[derive(Debug)]
pub(crate) struct Waiters<T> {
    queues: QueueMap<Parked<T>>,
    wakes: BTreeSet<(u64, QueueId)>,
}

#[derive(Debug)]
struct Parked<T> {
    waiters: VecDeque<Waiter<T>>,
    wake_ms: Option<u64>,
}

impl<T> Default for Waiters<T> {
    fn default() -> Self {
        Self { queues: QueueMap::default(), wakes: BTreeSet::new() }
    }
}

impl<T> Waiters<T> {
    /// Parks a receive at the end of its queue's line.
    pub(crate) fn park(&mut self, queue: QueueId, waiter: Waiter<T>) {
        let parked = Parked { waiters: VecDeque::new(), wake_ms: None };
        self.queues.entry(queue).or_insert(parked).waiters.push_back(waiter);
    }

    /// Whether the queue is known here: somebody waits for it, or it is to be looked after.
    pub(crate) fn has(&self, queue: QueueId) -> bool {
        self.queues.contains_key(&queue)
    }

    /// Puts a receive that was taken back to the front.
    pub(crate) fn put_back(&mut self, queue: QueueId, waiter: Waiter<T>) {
        if let Some(parked) = self.queues.get_mut(&queue) {
            parked.waiters.push_front(waiter);
        } else {
            self.park(queue, waiter);
        }
    }

    /// Takes the one that waits longest.
    pub(crate) fn take_first(&mut self, queue: QueueId) -> Option<Waiter<T>> {
        self.queues.get_mut(&queue)?.waiters.pop_front()
    }

    /// Takes those whose time is over, or whom `gone` says nobody waits for.
    pub(crate) fn take_over(
        &mut self,
        queue: QueueId,
        now_ms: u64,
        gone: impl Fn(&T) -> bool,
    ) -> Vec<Waiter<T>> {
        let Some(parked) = self.queues.get_mut(&queue) else { return Vec::new() };
        let over = |waiter: &Waiter<T>| waiter.until_ms <= now_ms || gone(&waiter.token);
        let (taken, left): (VecDeque<_>, VecDeque<_>) = parked.waiters.drain(..).partition(over);
        parked.waiters = left;
        taken.into()
    }

    /// Everybody, from every queue.
    pub(crate) fn take_all(&mut self) -> Vec<Waiter<T>> {
        self.wakes.clear();
        let mut queues: Vec<_> = self.queues.drain().collect();
        queues.sort_by_key(|(queue, _)| *queue);
        queues.into_iter().flat_map(|(_, parked)| parked.waiters).collect()
    }

    /// Notes when to look after a queue again: at `change_ms`, or when the first wait is over.
    pub(crate) fn schedule(&mut self, queue: QueueId, change_ms: Option<u64>) {
        let Some(parked) = self.queues.get_mut(&queue) else { return };
        if let Some(old) = parked.wake_ms.take() {
            self.wakes.remove(&(old, queue));
        }
        let over = parked.waiters.iter().map(|waiter| waiter.until_ms).min();
        let Some(over) = over else {
            self.queues.remove(&queue);
            return;
        };
        let wake = change_ms.map_or(over, |change| change.min(over));
        parked.wake_ms = Some(wake);
        self.wakes.insert((wake, queue));
    }

    /// When the next queue is to be looked after.
    pub(crate) fn next_wake_ms(&self) -> Option<u64> {
        self.wakes.first().map(|(at, _)| *at)
    }

    /// A queue that is due; call [`Waiters::schedule`] for it afterwards.
    pub(crate) fn take_due(&mut self, now_ms: u64) -> Option<QueueId> {
        let (at, queue) = self.wakes.first().copied().filter(|(at, _)| *at <= now_ms)?;
        self.wakes.remove(&(at, queue));
        if let Some(parked) = self.queues.get_mut(&queue) {
            parked.wake_ms = None;
        }
        Some(queue)
    }
}
