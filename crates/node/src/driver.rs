//! The threads that run a partition: one steps it, one writes the journal, one does slow work aside.

use crate::clock::Reading;
use crate::error::CallError;
use crate::node::{Answer, Body, Status};
use crate::partition::{Output, Partition, Token};
use bongsu_engine::{BodyRef, Command, EntityId, Frozen, QueueId, Relocation, Reply};
use bongsu_journal::{AppendError, Appended, Journal, JournalError, Position, Reader, Stamp};
use bytes::Bytes;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::oneshot;

/// Messages that are taken in at once before the next commit is sent off.
const TAKEN_AT_ONCE: usize = 512;

type Answering = oneshot::Sender<Result<Answer, CallError>>;

/// What the partition's thread is told.
pub(crate) enum Message {
    Call(Command, Answering),
    Appended(Result<Appended, AppendError>),
    Room(u64),
    Encoded(EntityId, Vec<u8>),
    Copied(QueueId, Vec<Relocation>),
    Drain,
    Shutdown,
}

enum JournalWork {
    Append(Position, Stamp, Bytes),
    Delete(Position),
    Room,
}

enum AsideWork {
    Encode(EntityId, Box<Frozen>),
    Read(QueueId, Vec<(u64, BodyRef)>),
}

/// The status that everybody can see.
pub(crate) type SharedStatus = Arc<Mutex<Status>>;

pub(crate) fn set_status(shared: &SharedStatus, status: Status) {
    *shared.lock().unwrap_or_else(PoisonError::into_inner) = status;
}

/// Somebody who waits at the other end of a channel.
#[derive(Debug)]
pub(crate) struct Caller(Answering);

impl Token for Caller {
    fn is_abandoned(&self) -> bool {
        self.0.is_closed()
    }
}

/// The clocks of the machine; the one place where they are read for the engine.
#[derive(Clone, Copy)]
pub(crate) struct Clocks {
    origin: Instant,
}

impl Clocks {
    #[expect(clippy::disallowed_methods, reason = "time enters the node here")]
    pub(crate) fn start() -> Self {
        Self { origin: Instant::now() }
    }

    #[expect(clippy::disallowed_methods, reason = "time enters the node here")]
    pub(crate) fn read(&self) -> Reading {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Reading { monotonic_ms: millis(self.origin.elapsed()), wall_ms: millis(wall) }
    }
}

/// Everything that the partition's thread holds.
pub(crate) struct Driver {
    pub(crate) partition: Partition<Caller>,
    pub(crate) clocks: Clocks,
    pub(crate) reader: Arc<dyn Reader>,
    pub(crate) messages: Receiver<Message>,
    pub(crate) status: SharedStatus,
    journal: Sender<JournalWork>,
    aside: Sender<AsideWork>,
    shutting_down: bool,
}

/// The threads of a node. The journal's gives the journal back so that it can be closed.
pub(crate) struct Threads {
    pub(crate) partition: JoinHandle<()>,
    pub(crate) journal: JoinHandle<Box<dyn Journal>>,
    pub(crate) aside: JoinHandle<()>,
}

/// Starts the threads that run `partition`.
pub(crate) fn start(
    partition: Partition<Caller>,
    journal: Box<dyn Journal>,
    clocks: Clocks,
    (sender, messages): (Sender<Message>, Receiver<Message>),
    status: SharedStatus,
) -> std::io::Result<Threads> {
    let reader = journal.reader();
    let (journal_work, journal_queue) = std::sync::mpsc::channel();
    let (aside_work, aside_queue) = std::sync::mpsc::channel();
    let (for_journal, for_aside, aside_reader) = (sender.clone(), sender, reader.clone());
    let journal =
        named("bongsu-journal").spawn(move || run_journal(journal, &journal_queue, &for_journal))?;
    let aside = named("bongsu-aside").spawn(move || run_aside(&*aside_reader, &aside_queue, &for_aside))?;
    let driver = Driver {
        partition,
        clocks,
        reader,
        messages,
        status,
        journal: journal_work,
        aside: aside_work,
        shutting_down: false,
    };
    let partition = named("bongsu-partition").spawn(move || driver.run())?;
    Ok(Threads { partition, journal, aside })
}

fn named(name: &str) -> std::thread::Builder {
    std::thread::Builder::new().name(name.to_owned())
}

impl Driver {
    fn run(mut self) {
        // A panic must not look like a server that is slow: whoever looks sees that the store is gone.
        let guard = FailOnPanic(self.status.clone());
        self.perform();
        while !(self.shutting_down && self.partition.is_idle()) {
            if !self.take_messages() {
                break;
            }
            let reading = self.clocks.read();
            if self.partition.now_ms(reading) >= self.partition.next_wake_ms() {
                self.partition.tick(reading);
                if self.partition.is_low_on_room() {
                    self.tell_journal(JournalWork::Room);
                }
            }
            self.partition.flush(reading);
            self.perform();
            if self.shutting_down && self.partition.failure().is_some() {
                break;
            }
        }
        std::mem::forget(guard);
    }

    /// Waits for a message or for the next wake-up; takes what else is there. `false`: nobody is left to send any.
    fn take_messages(&mut self) -> bool {
        let reading = self.clocks.read();
        let due_ms = self.partition.next_wake_ms().saturating_sub(self.partition.now_ms(reading));
        // While a commit is under way time may stand still for the open batch; asking again and again would only spin.
        let wait_ms = if self.partition.is_idle() { due_ms } else { due_ms.max(2) };
        let first = match self.messages.recv_timeout(Duration::from_millis(wait_ms.min(1_000))) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        };
        let reading = self.clocks.read();
        self.take(reading, first);
        for _ in 1..TAKEN_AT_ONCE {
            let Ok(message) = self.messages.try_recv() else { break };
            self.take(reading, message);
        }
        true
    }

    fn take(&mut self, reading: Reading, message: Message) {
        match message {
            Message::Call(_, answering) if self.shutting_down => {
                _ = answering.send(Err(CallError::ShuttingDown))
            }
            Message::Call(command, answering) => self.partition.call(reading, Caller(answering), command),
            Message::Appended(result) => {
                self.partition.appended(reading, result);
                if let Some(reason) = self.partition.failure() {
                    set_status(&self.status, Status::Failed(reason.to_owned()));
                }
            }
            Message::Room(bytes) => self.partition.set_room(bytes),
            Message::Encoded(entity, bytes) => self.partition.encoded(entity, bytes),
            Message::Copied(queue, found) => self.partition.copied(reading, queue, found),
            Message::Drain => self.partition.drain(),
            Message::Shutdown => {
                self.partition.drain();
                self.shutting_down = true;
            }
        }
    }

    fn perform(&mut self) {
        for output in self.partition.take_outputs() {
            match output {
                Output::Reply(caller, result) => {
                    let answer = result.and_then(|reply| self.answer(reply));
                    // Nobody there any more: the client went away.
                    _ = caller.0.send(answer);
                }
                Output::Append { expected, stamp, payload } => {
                    self.tell_journal(JournalWork::Append(expected, stamp, payload));
                }
                Output::DeleteSegment(base) => self.tell_journal(JournalWork::Delete(base)),
                Output::Encode(entity, frozen) => self.do_aside(AsideWork::Encode(entity, frozen)),
                Output::Read(queue, bodies) => self.do_aside(AsideWork::Read(queue, bodies)),
            }
        }
    }

    fn tell_journal(&self, work: JournalWork) {
        if self.journal.send(work).is_err() {
            set_status(&self.status, Status::Failed("the journal's thread is gone".into()));
        }
    }

    fn do_aside(&self, work: AsideWork) {
        if self.aside.send(work).is_err() {
            set_status(&self.status, Status::Failed("the thread for work aside is gone".into()));
        }
    }

    /// Adds to a reply a hold on each message's bytes, before anything could delete them.
    fn answer(&self, reply: Reply) -> Result<Answer, CallError> {
        let refs: Vec<BodyRef> = match &reply {
            Reply::Received(messages) => messages.iter().map(|message| message.body).collect(),
            Reply::Peeked(messages) => messages.iter().map(|message| message.body).collect(),
            _ => Vec::new(),
        };
        let bodies: Option<Vec<Body>> =
            refs.into_iter().map(|body| Body::hold(&*self.reader, body)).collect();
        let bodies = bodies
            .ok_or_else(|| CallError::Unavailable("a message's bytes are missing from the journal".into()))?;
        Ok(Answer { reply, bodies })
    }
}

struct FailOnPanic(SharedStatus);

impl Drop for FailOnPanic {
    fn drop(&mut self) {
        set_status(&self.0, Status::Failed("the partition's thread ended in a panic; see the log".into()));
    }
}

fn run_journal(
    mut journal: Box<dyn Journal>,
    work: &Receiver<JournalWork>,
    done: &Sender<Message>,
) -> Box<dyn Journal> {
    while let Ok(work) = work.recv() {
        match work {
            JournalWork::Append(expected, stamp, payload) => {
                let result = journal.append(expected, stamp, &payload);
                if done.send(Message::Appended(result)).is_err() {
                    break;
                }
            }
            JournalWork::Delete(base) => {
                if let Err(error) = journal.delete_segment(base) {
                    tracing::warn!("a segment that nobody needs stays for now: {error}");
                }
            }
            JournalWork::Room => _ = done.send(Message::Room(journal.room_bytes())),
        }
    }
    journal
}

fn run_aside(reader: &dyn Reader, work: &Receiver<AsideWork>, done: &Sender<Message>) {
    while let Ok(work) = work.recv() {
        let message = match work {
            AsideWork::Encode(entity, frozen) => Message::Encoded(entity, frozen.encode()),
            AsideWork::Read(queue, bodies) => Message::Copied(queue, read_all(reader, bodies)),
        };
        if done.send(message).is_err() {
            break;
        }
    }
}

/// Reads messages for the cleaner. What can't be read stays where it is, and keeps its segment.
fn read_all(reader: &dyn Reader, bodies: Vec<(u64, BodyRef)>) -> Vec<Relocation> {
    let read = |body: BodyRef| -> Result<Bytes, JournalError> {
        let at = Position(body.position);
        reader.pin(at).ok_or(JournalError::Missing(at))?.read(at, body.len)
    };
    let mut found = Vec::with_capacity(bodies.len());
    for (sequence, from) in bodies {
        match read(from) {
            Ok(bytes) => found.push(Relocation { sequence, from, bytes: bytes.into() }),
            Err(error) => tracing::warn!("the cleaner can't read a message at {}: {error}", from.position),
        }
    }
    found
}
