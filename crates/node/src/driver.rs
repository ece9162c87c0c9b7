//! What runs a partition: whoever calls steps it, under a lock; one thread writes the journal and keeps the time, one does
//! slow work aside.
//!
//! A call decides on the caller's own thread, so that nothing has to be handed over but the commit: while the journal's
//! thread syncs one entry, calls gather in the next.

use crate::clock::Reading;
use crate::commits::CommitCounters;
use crate::error::CallError;
use crate::gather::{self, Gathering};
use crate::node::{Answer, Body, Status};
use crate::partition::{Output, Partition, Token};
use bongsu_engine::{
    BodyRef, Command, Delivery, EntityId, Frozen, QueueId, QueueName, Receive, Relocation, Reply,
};
use bongsu_journal::{Journal, JournalError, Position, Reader, Stamp};
use bytes::Bytes;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::oneshot;

/// The journal's thread looks around at least this often.
const MAX_SLEEP_MS: u64 = 1_000;
/// While a commit can't go on (a full disk), time stands still for the open batch: asking again and again would only spin.
const MIN_SLEEP_MS: u64 = 2;

pub(crate) type Answering = oneshot::Sender<Result<Answer, CallError>>;
type Answers = Vec<(Caller, Result<Answer, CallError>)>;

/// Somebody who waits at the other end of a channel.
#[derive(Debug)]
pub(crate) struct Caller {
    answering: Answering,
    /// The queue that messages are received from: they go back there if nobody takes the answer.
    receives_from: Option<Arc<QueueName>>,
}

impl Token for Caller {
    fn is_abandoned(&self) -> bool {
        self.answering.is_closed()
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

    /// Since it was started.
    fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "time enters the node here")]
    pub(crate) fn read(&self) -> Reading {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Reading { monotonic_ms: millis(self.origin.elapsed()), wall_ms: millis(wall) }
    }
}

/// A partition, shared by those who call it and the threads that serve it.
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Tells the journal's thread that there is something to do.
    changed: Condvar,
    clocks: Clocks,
    reader: Arc<dyn Reader>,
    gathering: Gathering,
    pub(crate) commits: CommitCounters,
}

struct State {
    /// `None` once the node is shut down, or when a step panicked: then nobody may see its state any more.
    partition: Option<Partition<Caller>>,
    append: Option<(Position, Stamp, Bytes)>,
    dead_segments: Vec<Position>,
    /// A new segment is to begin, with so much room; so much is kept in the old one.
    roll: Option<(u64, u64)>,
    aside: Option<Sender<AsideWork>>,
    status: Status,
    /// Until when the journal's thread sleeps, in engine time; 0 while it is awake.
    sleeps_until_ms: u64,
    /// A worker rests since the last batch went off: whatever is in the open one has waited long enough.
    worker_rests: bool,
    shutting_down: bool,
}

enum AsideWork {
    Encode(EntityId, Box<Frozen>),
    Read(QueueId, Vec<(u64, BodyRef)>),
}

/// What happens to the open batch after a step.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    /// It goes off, if nothing is under way.
    Flush,
    /// It may stay open: whoever calls has more to add, or rests and tells.
    Gather,
}

enum JournalWork {
    Append(Position, Stamp, Bytes),
    Delete(Vec<Position>),
    Roll(u64, u64),
    /// The open batch has gathered enough.
    Flush,
    Tick,
    Stop,
}

/// The threads of a node. The journal's gives the journal back so that it can be closed.
pub(crate) struct Threads {
    pub(crate) journal: JoinHandle<Box<dyn Journal>>,
    pub(crate) aside: JoinHandle<()>,
}

/// Starts the threads that serve `partition`.
pub(crate) fn start(
    partition: Partition<Caller>,
    journal: Box<dyn Journal>,
    clocks: Clocks,
) -> std::io::Result<(Arc<Shared>, Threads)> {
    let (aside, aside_work) = std::sync::mpsc::channel();
    let state = State {
        partition: Some(partition),
        append: None,
        dead_segments: Vec::new(),
        roll: None,
        aside: Some(aside),
        status: Status::Ready,
        sleeps_until_ms: 0,
        worker_rests: false,
        shutting_down: false,
    };
    let shared = Arc::new(Shared {
        state: Mutex::new(state),
        changed: Condvar::new(),
        clocks,
        reader: journal.reader(),
        gathering: Gathering::default(),
        commits: CommitCounters::default(),
    });
    // What the start itself decided goes out first.
    shared.step(Then::Flush, |_, _| ());
    let (for_journal, for_aside) = (shared.clone(), shared.clone());
    let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
    let journal = named("bongsu-journal").spawn(move || run_journal(&for_journal, journal))?;
    let aside = named("bongsu-aside").spawn(move || run_aside(&for_aside, &aside_work))?;
    Ok((shared, Threads { journal, aside }))
}

impl Shared {
    /// Takes a command; the answer comes over the channel, or its sender is dropped.
    pub(crate) fn call(&self, command: Command, answering: Answering) {
        self.call_as(Caller { answering, receives_from: None }, command);
    }

    /// Receives from the queue `name`, where messages go back that nobody takes.
    pub(crate) fn receive(&self, receive: Receive, name: Arc<QueueName>, answering: Answering) {
        self.call_as(Caller { answering, receives_from: Some(name) }, Command::Receive(receive));
    }

    fn call_as(&self, caller: Caller, command: Command) {
        let then = if gather::on_worker() { Then::Gather } else { Then::Flush };
        self.step(then, |partition, reading| partition.call(reading, caller, command));
    }

    /// A thread that calls has run out of work: what it has put into the open batch need not wait for more.
    pub(crate) fn worker_rests(&self) {
        if !self.gathering.end() {
            return;
        }
        let mut state = self.lock();
        state.worker_rests = true;
        if state.sleeps_until_ms > 0 {
            self.changed.notify_one();
        }
    }

    /// Takes one step of the partition, sends off what it gathered, and gives answers out.
    fn step(&self, then: Then, step: impl FnOnce(&mut Partition<Caller>, Reading)) {
        let mut state = self.lock();
        let Some(partition) = &mut state.partition else { return };
        let reading = self.clocks.read();
        step(partition, reading);
        if then == Then::Flush || !partition.may_gather(reading) {
            partition.flush(reading);
        } else {
            self.gathering.begin();
        }
        let answers = self.perform(&mut state);
        self.wake_journal(&state);
        drop(state);
        for (caller, answer) in answers {
            // Nobody there any more: the client went away.
            if let Err(Ok(untaken)) = caller.answering.send(answer)
                && let Some(name) = caller.receives_from
                && let Reply::Received(deliveries) = &untaken.reply
            {
                self.give_back(&name, deliveries);
            }
        }
    }

    /// Makes messages visible again that were handed out to somebody who went away before the answer came.
    pub(crate) fn give_back<'a>(&self, name: &QueueName, deliveries: impl IntoIterator<Item = &'a Delivery>) {
        let changes: Vec<_> = deliveries.into_iter().map(|delivery| (delivery.receipt, 0)).collect();
        if !changes.is_empty() {
            let (answering, _nobody) = oneshot::channel();
            self.call(Command::ChangeVisibility { name: name.clone(), changes }, answering);
        }
    }

    /// The state; a panic within a step takes the partition with it, and everybody who waits learns of it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| {
            let mut state = PoisonError::into_inner(poisoned);
            if state.partition.take().is_some() {
                state.status = Status::Failed("a step of the partition panicked; see the log".to_owned());
            }
            state
        })
    }

    fn perform(&self, state: &mut State) -> Answers {
        let Some(partition) = &mut state.partition else { return Answers::new() };
        let mut answers = Answers::new();
        for output in partition.take_outputs() {
            match output {
                // Messages are held before anything could delete their segment: that is done by the journal's thread,
                // which learns of it from a later output.
                Output::Reply(caller, result) => {
                    answers.push((caller, result.and_then(|reply| hold_bodies(&*self.reader, reply))));
                }
                Output::Append { expected, stamp, payload } => {
                    state.append = Some((expected, stamp, payload));
                    state.worker_rests = false;
                }
                Output::DeleteSegment(base) => state.dead_segments.push(base),
                Output::Roll { needed_bytes, kept_bytes } => state.roll = Some((needed_bytes, kept_bytes)),
                Output::Encode(entity, frozen) => ask_aside(&state.aside, AsideWork::Encode(entity, frozen)),
                Output::Read(queue, bodies) => ask_aside(&state.aside, AsideWork::Read(queue, bodies)),
            }
        }
        match (&state.status, partition.failure()) {
            (Status::Failed(_), _) => {}
            (_, Some(reason)) => state.status = Status::Failed(reason.to_owned()),
            (Status::Draining, None) => {}
            (Status::Ready | Status::Full | Status::NearlyOut, None) => state.status = room_status(partition),
        }
        answers
    }

    /// Wakes the journal's thread if it sleeps and there is work, or something is due before it would wake.
    fn wake_journal(&self, state: &State) {
        let Some(partition) = &state.partition else { return };
        let has_work = state.append.is_some() || !state.dead_segments.is_empty() || state.roll.is_some();
        if state.sleeps_until_ms > 0 && (has_work || partition.next_wake_ms() < state.sleeps_until_ms) {
            self.changed.notify_one();
        }
    }

    /// Waits for something to do. After a tick that left something due (`rest`), it waits a little first.
    fn next_journal_work(&self, mut rest: bool) -> JournalWork {
        let mut state = self.lock();
        loop {
            state.sleeps_until_ms = 0;
            // Under a load that never pauses there is always something to append: what is due goes in between.
            if !rest && state.append.is_some() && self.is_tick_due(&mut state) {
                return JournalWork::Tick;
            }
            if let Some((expected, stamp, payload)) = state.append.take() {
                return JournalWork::Append(expected, stamp, payload);
            }
            if !state.dead_segments.is_empty() {
                return JournalWork::Delete(std::mem::take(&mut state.dead_segments));
            }
            if let Some((needed_bytes, kept_bytes)) = state.roll.take() {
                return JournalWork::Roll(needed_bytes, kept_bytes);
            }
            let (shutting_down, worker_rests) = (state.shutting_down, state.worker_rests);
            let Some(partition) = &mut state.partition else { return JournalWork::Stop };
            if shutting_down && (partition.is_idle() || partition.failure().is_some()) {
                return JournalWork::Stop;
            }
            let reading = self.clocks.read();
            let gathers = partition.has_gathered();
            if gathers && (worker_rests || !partition.may_gather(reading)) {
                return JournalWork::Flush;
            }
            let now_ms = partition.now_ms(reading);
            let due_ms = if gathers { now_ms + 1 } else { partition.next_wake_ms() };
            if due_ms <= now_ms && !rest {
                return JournalWork::Tick;
            }
            rest = false;
            let sleep_ms = due_ms.saturating_sub(now_ms).clamp(MIN_SLEEP_MS, MAX_SLEEP_MS);
            state.sleeps_until_ms = now_ms + sleep_ms;
            let woken = self.changed.wait_timeout(state, Duration::from_millis(sleep_ms));
            state = match woken {
                Ok((state, _)) => state,
                Err(poisoned) => {
                    // It holds the lock.
                    drop(poisoned);
                    self.lock()
                }
            };
        }
    }

    fn is_tick_due(&self, state: &mut State) -> bool {
        let reading = self.clocks.read();
        state.partition.as_mut().is_some_and(|partition| {
            partition.failure().is_none() && partition.next_wake_ms() <= partition.now_ms(reading)
        })
    }

    /// Whether it serves.
    pub(crate) fn status(&self) -> Status {
        self.lock().status.clone()
    }

    /// Begins to go down: long polls end, later ones don't wait.
    pub(crate) fn drain(&self) {
        {
            let mut state = self.lock();
            if matches!(state.status, Status::Ready | Status::Full | Status::NearlyOut) {
                state.status = Status::Draining;
            }
        }
        self.step(Then::Flush, |partition, _| partition.drain());
    }

    /// Has the journal's thread finish what is under way, and end.
    pub(crate) fn stop(&self) {
        self.drain();
        self.lock().shutting_down = true;
        self.step(Then::Flush, |partition, _| partition.stop());
        self.changed.notify_one();
    }

    /// Lets go of the partition, so that whoever still calls learns that it is gone, and of the thread aside.
    pub(crate) fn let_go(&self) {
        let mut state = self.lock();
        (state.partition, state.aside) = (None, None);
    }
}

fn room_status(partition: &Partition<Caller>) -> Status {
    match (partition.is_nearly_out_of_room(), partition.is_low_on_room()) {
        (true, _) => Status::NearlyOut,
        (false, true) => Status::Full,
        (false, false) => Status::Ready,
    }
}

fn ask_aside(aside: &Option<Sender<AsideWork>>, work: AsideWork) {
    // The thread is gone only while the node goes down: then no checkpoint and no cleaning need go on.
    if aside.as_ref().is_none_or(|aside| aside.send(work).is_err()) {
        tracing::debug!("work aside is left undone");
    }
}

/// Adds to a reply a hold on each message's bytes, before anything could delete them.
fn hold_bodies(reader: &dyn Reader, reply: Reply) -> Result<Answer, CallError> {
    let refs: Vec<BodyRef> = match &reply {
        Reply::Received(messages) => messages.iter().map(|message| message.body).collect(),
        Reply::Peeked(messages) => messages.iter().map(|message| message.body).collect(),
        _ => Vec::new(),
    };
    let mut last: Option<Body> = None;
    let mut hold = |body: BodyRef| {
        // Most of what is handed out together lies together.
        last = last.take().and_then(|last| last.hold_too(body)).or_else(|| Body::hold(reader, body));
        last.clone()
    };
    let bodies: Option<Vec<Body>> = refs.into_iter().map(&mut hold).collect();
    let bodies = bodies
        .ok_or_else(|| CallError::Unavailable("a message's bytes are missing from the journal".into()))?;
    Ok(Answer { reply, bodies })
}

fn run_journal(shared: &Shared, mut journal: Box<dyn Journal>) -> Box<dyn Journal> {
    let mut ticked = false;
    loop {
        let work = shared.next_journal_work(ticked);
        ticked = matches!(work, JournalWork::Tick);
        match work {
            JournalWork::Append(expected, stamp, payload) => {
                let begun = shared.clocks.elapsed();
                let result = journal.append(expected, stamp, &payload);
                // A full disk refuses quickly, again and again: no commits, and none that were fast.
                if result.is_ok() {
                    shared.commits.note(shared.clocks.elapsed().saturating_sub(begun));
                }
                // Let go of before the partition gathers another batch, which may be in the same memory.
                drop(payload);
                shared.step(Then::Gather, |partition, reading| partition.appended(reading, result));
            }
            JournalWork::Delete(segments) => {
                for base in segments {
                    if let Err(error) = journal.delete_segment(base) {
                        tracing::warn!("a segment that nobody needs stays for now: {error}");
                    }
                }
            }
            JournalWork::Roll(needed_bytes, kept_bytes) => {
                let result = journal.roll(needed_bytes, kept_bytes);
                let room_bytes = journal.room_bytes();
                shared.step(Then::Flush, |partition, _| {
                    partition.set_room(room_bytes);
                    partition.rolled(result);
                });
            }
            JournalWork::Flush => shared.step(Then::Flush, |_, _| ()),
            JournalWork::Tick => shared.step(Then::Flush, |partition, reading| {
                if partition.is_low_on_room() {
                    partition.set_room(journal.room_bytes());
                }
                partition.tick(reading);
            }),
            JournalWork::Stop => return journal,
        }
    }
}

fn run_aside(shared: &Shared, work: &Receiver<AsideWork>) {
    while let Ok(work) = work.recv() {
        match work {
            AsideWork::Encode(entity, frozen) => {
                let bytes = frozen.encode();
                shared.step(Then::Flush, |partition, _| partition.encoded(entity, bytes));
            }
            AsideWork::Read(queue, bodies) => {
                let found = read_all(&*shared.reader, bodies);
                shared.step(Then::Flush, |partition, reading| partition.copied(reading, queue, found));
            }
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
