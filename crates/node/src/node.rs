//! The handle that everybody calls.

use crate::commits::Commits;
use crate::driver::{self, Caller, Clocks, Shared, Threads};
use crate::error::CallError;
use crate::gather::Gatherer;
use crate::partition::{Partition, PartitionOptions, StartError, StepSizes};
use bongsu_engine::{BodyRef, Command, Delivery, Peeked, QueueName, Receive, Reply, Which};
use bongsu_journal::{Journal, JournalError, MemoryJournal, MemoryOptions, Pin, Position, Reader};
use bytes::Bytes;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// How long start-up waits for the journal to allocate space. Where files have to be written to be allocated, that takes
/// as long as writing a segment.
const ROOM_PATIENCE_MS: u64 = 10_000;

/// How a node runs.
#[derive(Clone, Copy, Debug)]
pub struct NodeOptions {
    /// AWS's waits of 60 s after a purge and after the deletion of a queue.
    pub cooldowns: bool,
    /// Random; becomes the store's secret if the store is new.
    pub new_secret: [u8; 32],
    /// Random; what decisions draw from.
    pub seed: u128,
    /// A checkpoint is made when the log has grown by at least this much since the last.
    pub checkpoint_bytes: u64,
}

impl NodeOptions {
    /// Options with these random bits, and all else by default.
    pub fn new(new_secret: [u8; 32], seed: u128) -> Self {
        Self { cooldowns: true, new_secret, seed, checkpoint_bytes: 64 << 20 }
    }
}

/// Whether a node serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It does.
    Ready,
    /// The disk is full: it serves receives and deletes, and refuses sends until there is space again.
    Full,
    /// The disk is full and the reserve nearly used up: it serves deletes and purges, and refuses receives too.
    NearlyOut,
    /// It is going down.
    Draining,
    /// It does not, and why.
    Failed(String),
}

/// A reply with a hold on the bytes of the messages in it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) reply: Reply,
    pub(crate) bodies: Vec<Body>,
}

/// Messages handed out, each with its bytes.
#[derive(Debug)]
pub struct Received {
    /// Where they come from.
    pub queue: Arc<QueueName>,
    /// In order.
    pub deliveries: Vec<(Delivery, Body)>,
}

/// A hold on a message's bytes in the journal.
#[derive(Clone)]
pub struct Body {
    pin: Pin,
    at: BodyRef,
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Body").field(&self.at).finish()
    }
}

impl Body {
    pub(crate) fn hold(reader: &dyn Reader, at: BodyRef) -> Option<Self> {
        Some(Self { pin: reader.pin(Position(at.position))?, at })
    }

    /// Another message that the same hold is on.
    pub(crate) fn hold_too(self, at: BodyRef) -> Option<Self> {
        self.pin.covers(Position(at.position)).then_some(Self { pin: self.pin, at })
    }

    /// The bytes: at once when they are in memory, else from a thread that may block.
    ///
    /// # Errors
    /// What the disk said.
    pub async fn read(&self) -> Result<Bytes, JournalError> {
        let (at, len) = (Position(self.at.position), self.at.len);
        if let Some(found) = self.pin.read_cached(at, len) {
            return found;
        }
        let pin = self.pin.clone();
        match tokio::task::spawn_blocking(move || pin.read(at, len)).await {
            Ok(result) => result,
            Err(error) => Err(JournalError::Ended(error.to_string())),
        }
    }
}

/// Messages that somebody waits for. If he goes away, those that are his already go back.
struct Expected<'a> {
    shared: &'a Shared,
    name: Arc<QueueName>,
    answer: oneshot::Receiver<Result<Answer, CallError>>,
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        // From now on whoever answers learns that nobody is here; what came before lies in the channel.
        self.answer.close();
        if let Ok(Ok(untaken)) = self.answer.try_recv()
            && let Reply::Received(deliveries) = &untaken.reply
        {
            self.shared.give_back(&self.name, deliveries);
        }
    }
}

/// A running node. Clones share it.
#[derive(Clone)]
pub struct Node {
    shared: Arc<Shared>,
    secret: [u8; 32],
    threads: Arc<Mutex<Option<Threads>>>,
}

impl Node {
    /// Reads the journal, then serves it. Blocks while it reads.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(mut journal: Box<dyn Journal>, options: NodeOptions) -> Result<Self, StartError> {
        let clocks = Clocks::start();
        wait_for_room(&mut *journal, clocks);
        let NodeOptions { cooldowns, new_secret, seed, checkpoint_bytes } = options;
        let steps = StepSizes::default();
        let options = PartitionOptions { cooldowns, checkpoint_bytes, steps, seed, new_secret };
        let partition: Partition<Caller> = Partition::open(&mut *journal, &options, clocks.read())?;
        let secret = partition.secret();
        let (shared, threads) = driver::start(partition, journal, clocks)
            .map_err(|error| StartError::Thread(error.to_string()))?;
        Ok(Self { shared, secret, threads: Arc::new(Mutex::new(Some(threads))) })
    }

    /// A node that keeps nothing, for tests of what stands before it.
    ///
    /// # Errors
    /// See [`StartError`].
    #[doc(hidden)]
    pub fn in_memory(options: NodeOptions) -> Result<Self, StartError> {
        Self::start(Box::new(MemoryJournal::new(MemoryOptions::default())), options)
    }

    /// Asks the engine; answers when all that the answer rests on is durable.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call(&self, command: Command) -> Result<Reply, CallError> {
        Ok(self.ask(command).await?.reply)
    }

    /// Receives, waiting as long as asked for. Dropping the future ends the wait.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn receive(&self, receive: Receive) -> Result<Received, CallError> {
        let queue = Arc::new(receive.name.clone());
        let (answering, answer) = oneshot::channel();
        self.shared.receive(receive, Arc::clone(&queue), answering);
        let mut expected = Expected { shared: &self.shared, name: Arc::clone(&queue), answer };
        let Answer { reply, bodies } = (&mut expected.answer).await.map_err(|_| self.gone())??;
        let Reply::Received(deliveries) = reply else { return Err(unexpected()) };
        Ok(Received { queue, deliveries: deliveries.into_iter().zip(bodies).collect() })
    }

    /// Makes messages visible again at once that were handed out and that nobody will see.
    pub fn give_back(&self, received: &Received) {
        self.shared.give_back(&received.queue, received.deliveries.iter().map(|(delivery, _)| delivery));
    }

    /// Looks at messages without touching them.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn peek(&self, name: QueueName, which: Which) -> Result<Vec<(Peeked, Body)>, CallError> {
        let Answer { reply, bodies } = self.ask(Command::Peek { name, which }).await?;
        let Reply::Peeked(messages) = reply else { return Err(unexpected()) };
        Ok(messages.into_iter().zip(bodies).collect())
    }

    /// From now on leaves batches open while the threads that tell `gatherer` when they rest have work.
    pub fn gather(&self, gatherer: &Gatherer) {
        gatherer.tell(&self.shared);
    }

    async fn ask(&self, command: Command) -> Result<Answer, CallError> {
        let (answering, answer) = oneshot::channel();
        self.shared.call(command, answering);
        answer.await.map_err(|_| self.gone())?
    }

    fn gone(&self) -> CallError {
        match self.status() {
            Status::Failed(reason) => CallError::Unavailable(reason),
            _ => CallError::ShuttingDown,
        }
    }

    /// The store's secret, the same after each restart: seals what clients carry around.
    pub fn secret(&self) -> [u8; 32] {
        self.secret
    }

    /// Whether it serves.
    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// How long commits take.
    pub fn commits(&self) -> Commits {
        self.shared.commits.read()
    }

    /// Begins to go down: long polls get what there is, later ones don't wait; all else is still served.
    pub fn drain(&self) {
        self.shared.drain();
    }

    /// Ends the node: finishes what is under way, ends the threads, closes the journal. Blocks; calls from then on fail.
    ///
    /// # Errors
    /// What the disk said when the journal was closed. What was answered is safe all the same.
    pub fn shutdown(&self) -> Result<(), JournalError> {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(threads) = threads else { return Ok(()) };
        let panicked = |what: &str| JournalError::Ended(format!("the {what}'s thread ended in a panic"));
        self.shared.stop();
        let journal = threads.journal.join().map_err(|_| panicked("journal"));
        self.shared.let_go();
        threads.aside.join().map_err(|_| panicked("cleaner"))?;
        journal?.close()
    }
}

/// The journal allocates ahead in the background. A store that has space should not refuse its first sends because that
/// takes a moment; one that has none says so once it serves.
fn wait_for_room(journal: &mut dyn Journal, clocks: Clocks) {
    let until_ms = clocks.read().monotonic_ms + ROOM_PATIENCE_MS;
    while journal.is_allocating() && clocks.read().monotonic_ms < until_ms {
        std::thread::park_timeout(Duration::from_micros(500));
    }
}

fn unexpected() -> CallError {
    CallError::Unavailable("the engine answered something else than was asked".into())
}
