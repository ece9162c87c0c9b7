//! A partition as a step function: commands, finished appends and the passing of time go in, outputs come out.
//!
//! What is decided is applied at once and gathered in the open batch. One append is under way at a time; what is
//! decided meanwhile goes out with the next, so that one sync serves everybody who waits. No answer leaves before all
//! records applied before its decision are durable.
//!
//! Must not know: clocks, threads, sockets. The driver (`crate::driver`) has them.

mod checkpoints;
mod cleaning;
mod documents;
mod mending;
mod receives;
mod recover;
mod room;
mod spare;
#[cfg(test)]
mod tests;

use crate::batch::Batch;
use crate::checkpoint::{Manifest, Round};
use crate::clock::{EngineClock, Jump, Reading};
use crate::error::CallError;
use crate::space::Space;
use crate::waiters::Waiters;
use bongsu_engine::{
    BodyRef, Command, Dropped, Effects, Engine, EntityId, Entropy, Frozen, Moment, QueueId, Reply,
};
use bongsu_journal::{AppendError, Appended, Layout, Limits, Position, Stamp};
use bytes::Bytes;
use checkpoints::Checkpoints;
use cleaning::Cleaning;
use room::Reserve;
use spare::Spare;
use std::collections::{BTreeSet, VecDeque};

/// How often running move tasks take a step, expired messages are looked for, and a full disk is tried again.
const TASK_STEP_MS: u64 = 100;
const UPKEEP_MS: u64 = 1_000;

/// A batch that may wait for more does so no longer than this,
const GATHER_MS: u64 = 1;
/// and not beyond so many commands
const GATHERED_CALLS: usize = 256;
/// or bytes: from here on the sync is not what a commit costs.
const GATHERED_BYTES: usize = 512 << 10;
/// Batches are kept open only where they fill: with fewer commands than this in the last ones there is nobody to wait for, and a commit
/// more costs little.
const CROWD_CALLS: usize = 4;
/// What a part of a checkpoint takes beside its own bytes, at most.
const PART_HEADER_BYTES: usize = 64;
/// Bytes given back by a purge or a deleted queue are accounted for in slices of so many messages.
const DROPPED_SLICE: usize = 50_000;

/// Somebody who waits for an answer.
pub trait Token {
    /// Whether nobody waits any more (the client went away).
    fn is_abandoned(&self) -> bool;
}

/// How much goes into an entry at a time. The defaults are for entries of megabytes; a simulation has smaller ones.
#[derive(Clone, Copy, Debug)]
pub struct StepSizes {
    /// What a command's records may add to its stored messages. An entry keeps so much free.
    pub records_bytes: usize,
    /// The largest piece of a snapshot, and what the cleaner copies at a time: no more than delays a commit.
    pub slice_bytes: usize,
}

impl Default for StepSizes {
    fn default() -> Self {
        Self { records_bytes: 512 << 10, slice_bytes: 512 << 10 }
    }
}

/// How a partition behaves.
#[derive(Clone, Copy, Debug)]
pub struct PartitionOptions {
    /// See [`bongsu_engine::Options::cooldowns`].
    pub cooldowns: bool,
    /// A checkpoint is made when the log has grown by at least this much since the last.
    pub checkpoint_bytes: u64,
    /// How much goes into an entry at a time.
    pub steps: StepSizes,
    /// Random; starts the stream of random numbers that decisions use.
    pub seed: u128,
    /// Random; becomes the secret of a store that is new.
    pub new_secret: [u8; 32],
}

/// What the driver is to do.
#[derive(Debug)]
pub enum Output<T> {
    /// Give an answer out.
    Reply(T, Result<Reply, CallError>),
    /// Append this entry, then call [`Partition::appended`].
    Append {
        /// Where it must lie.
        expected: Position,
        /// Time and mark.
        stamp: Stamp,
        /// The entry.
        payload: Bytes,
    },
    /// Delete a segment.
    DeleteSegment(Position),
    /// Have [`bongsu_journal::Journal::roll`] begin a new segment, then call [`Partition::set_room`] and
    /// [`Partition::rolled`].
    Roll {
        /// Room that the new one must have.
        needed_bytes: u64,
        /// Room that the old one keeps if there is no new one.
        kept_bytes: u64,
    },
    /// Encode an entity aside, then call [`Partition::encoded`].
    Encode(EntityId, Box<Frozen>),
    /// Read these messages' bytes aside, then call [`Partition::copied`].
    Read(QueueId, Vec<(u64, BodyRef)>),
}

/// The state of a partition.
#[derive(Debug)]
pub struct Partition<T> {
    engine: Engine,
    clock: EngineClock,
    entropy: EntropyStream,
    layout: Layout,
    limits: Limits,
    open: Open<T>,
    appending: Option<Appending<T>>,
    deferred: VecDeque<(T, Command)>,
    waiters: Waiters<T>,
    space: Space,
    dropped: Vec<Dropped>,
    room_bytes: u64,
    checkpoints: Checkpoints,
    checkpoint_bytes: u64,
    steps: StepSizes,
    /// A checkpoint whose last entry is being appended.
    completing: Option<Round>,
    cleaning: Cleaning,
    reserve: Reserve,
    dirty: BTreeSet<EntityId>,
    draining: bool,
    stopping: bool,
    failed: Option<String>,
    /// How many commands the last commits had: the most, forgotten by halves.
    crowd_calls: usize,
    upkeep: Upkeep,
    outputs: Vec<Output<T>>,
    spare: Spare<T>,
}

/// What is being gathered. What its records mean for bytes is with the engine until the batch goes off.
#[derive(Debug)]
struct Open<T> {
    batch: Batch,
    moment: Moment,
    replies: Replies<T>,
}

/// Answers and who waits for them.
type Replies<T> = Vec<(T, Result<Reply, CallError>)>;

/// What is being made durable.
#[derive(Debug)]
struct Appending<T> {
    position: Position,
    stamp: Stamp,
    payload: Bytes,
    next: Position,
    replies: Replies<T>,
    effects: Effects,
    /// The entry completes a checkpoint.
    has_manifest: bool,
    /// Set after a refusal for want of space: tried again then.
    retry_ms: Option<u64>,
}

#[derive(Debug)]
struct Upkeep {
    next_task_step_ms: u64,
    next_ms: u64,
    /// The queue whose move task took the last step.
    last_task: QueueId,
}

/// Random numbers for decisions, from a random seed. They need to be unique, not secret: receipts are sealed.
#[derive(Debug)]
struct EntropyStream(u128);

impl EntropyStream {
    fn next(&mut self) -> Entropy {
        // A Weyl sequence through a finalizer (as in SplitMix64), once for each half.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let mix = |mut z: u64| {
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        let (high, low) = ((self.0 >> 64) as u64, self.0 as u64);
        Entropy((u128::from(mix(high ^ low.rotate_left(32))) << 64) | u128::from(mix(low)))
    }
}

impl<T: Token> Partition<T> {
    /// What is to be done now, in order.
    pub fn take_outputs(&mut self) -> Vec<Output<T>> {
        std::mem::take(&mut self.outputs)
    }

    /// Why the partition serves no more, if it does not.
    pub fn failure(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// The store's secret.
    pub fn secret(&self) -> [u8; 32] {
        self.engine.secret().unwrap_or_default()
    }

    /// Whether nothing is gathered, under way, or waited for.
    pub fn is_idle(&self) -> bool {
        self.appending.is_none() && self.open.batch.is_empty() && self.deferred.is_empty()
    }

    /// When [`Partition::tick`] wants to be called next, in engine time.
    pub fn next_wake_ms(&self) -> u64 {
        if self.failed.is_some() {
            return self.upkeep.next_ms;
        }
        let waiting = self.waiters.next_wake_ms();
        let step = self.engine.has_running_tasks().then_some(self.upkeep.next_task_step_ms);
        [waiting, step].into_iter().flatten().fold(self.upkeep.next_ms, u64::min)
    }

    /// Engine time now.
    pub fn now_ms(&mut self, reading: Reading) -> u64 {
        self.clock.moment(reading).0.now_ms
    }

    /// Takes a command. Its answer comes as [`Output::Reply`].
    pub fn call(&mut self, reading: Reading, token: T, command: Command) {
        if let Some(reason) = &self.failed {
            self.outputs.push(Output::Reply(token, Err(CallError::Unavailable(reason.clone()))));
        } else if self.stopping {
            self.outputs.push(Output::Reply(token, Err(CallError::ShuttingDown)));
        } else if !self.deferred.is_empty() || !self.fits(&command) {
            self.deferred.push_back((token, command));
        } else {
            self.execute(reading, token, command);
        }
    }

    /// A command's records must not straddle entries: one that might not fit waits for the next batch.
    fn fits(&self, command: &Command) -> bool {
        self.open.batch.is_empty() || self.has_space_for(self.engine.carried_bytes(command))
    }

    fn has_space_for(&self, carried_bytes: usize) -> bool {
        self.open.batch.len() + carried_bytes + self.steps.records_bytes
            <= self.limits.max_payload_bytes as usize
    }

    fn execute(&mut self, reading: Reading, token: T, command: Command) {
        let moment = self.moment(reading);
        if let Err(refusal) = self.refuse_growth(&command) {
            return self.answer(token, Err(refusal));
        }
        match command {
            Command::Receive(receive) => self.receive(moment, token, receive),
            command => {
                let entropy = self.entropy.next();
                let result = self.engine.decide(moment, entropy, command, &mut self.open.batch);
                self.answer(token, result.map_err(CallError::Engine));
            }
        }
        self.after_decision(moment);
    }

    /// All that is decided within one batch is decided at one time, so that replay can repeat it.
    fn moment(&mut self, reading: Reading) -> Moment {
        if self.open.batch.is_empty() {
            let (moment, jump) = self.clock.moment(reading);
            warn_of(jump);
            self.open.moment = moment;
        }
        self.open.moment
    }

    /// Gives an answer out as soon as everything applied before it is durable.
    fn answer(&mut self, token: T, result: Result<Reply, CallError>) {
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Fault::LooksDoNotWait)
            && matches!(result, Ok(Reply::Description(_) | Reply::Peeked(_)))
        {
            return self.outputs.push(Output::Reply(token, result));
        }
        if !self.open.batch.is_empty() {
            self.open.replies.push((token, result));
        } else if let Some(appending) = &mut self.appending {
            appending.replies.push((token, result));
        } else {
            self.outputs.push(Output::Reply(token, result));
        }
    }

    /// Serves those whom the decision made ready.
    fn after_decision(&mut self, moment: Moment) {
        let mut ready = std::mem::take(&mut self.spare.ready);
        loop {
            self.engine.exchange_ready(&mut ready);
            if ready.is_empty() {
                break;
            }
            for queue in &ready {
                self.serve(moment, *queue);
            }
        }
        self.spare.ready = ready;
    }

    /// Whether commands wait in an open batch that could be sent off.
    pub fn has_gathered(&self) -> bool {
        self.appending.is_none() && self.failed.is_none() && !self.open.batch.is_empty()
    }

    /// Whether the open batch, if there is one, may stay open for a moment, so that one sync does for more commands.
    pub fn may_gather(&mut self, reading: Reading) -> bool {
        !self.stopping
            && self.crowd_calls >= CROWD_CALLS
            && self.deferred.is_empty()
            && !self.open.batch.is_empty()
            && self.open.replies.len() < GATHERED_CALLS
            && self.open.batch.len() < GATHERED_BYTES
            && self.clock.moment(reading).0.now_ms <= self.open.moment.now_ms + GATHER_MS
    }

    /// Sends the open batch off if nothing is under way. Call it after every step, or at least soon.
    pub fn flush(&mut self, reading: Reading) {
        if self.appending.is_some() || self.failed.is_some() {
            return;
        }
        self.dirty.extend(self.open.batch.touched.drain(..));
        let has_manifest = self.step_checkpoint();
        if self.open.batch.is_empty() && !self.checkpoints.wants_mark() {
            return;
        }
        self.crowd_calls = self.open.replies.len().max(self.crowd_calls / 2);
        let moment = self.open.moment;
        let next = self.open.batch.next_entry();
        let gathered = std::mem::replace(&mut self.open, self.spare.open(next, self.layout, moment));
        let effects = self.spare.effects_of(&mut self.engine);
        let position = gathered.batch.position();
        let stamp = Stamp { time_ms: moment.now_ms, mark: self.checkpoints.mark() };
        let (payload, touched) = gathered.batch.into_parts();
        self.spare.touched = touched;
        self.outputs.push(Output::Append { expected: position, stamp, payload: payload.clone() });
        let replies = gathered.replies;
        #[cfg(feature = "planted")]
        let replies = self.answer_early(replies);
        self.appending = Some(Appending {
            position,
            stamp,
            payload,
            next,
            replies,
            effects,
            has_manifest,
            retry_ms: None,
        });
        self.write_copies(reading);
        self.take_deferred(reading);
    }

    #[cfg(feature = "planted")]
    fn answer_early(&mut self, replies: Replies<T>) -> Replies<T> {
        if !crate::planted::is(crate::planted::Fault::AnswerBeforeSync) {
            return replies;
        }
        let answers = replies.into_iter().map(|(token, result)| Output::Reply(token, result));
        self.outputs.extend(answers);
        Vec::new()
    }

    fn take_deferred(&mut self, reading: Reading) {
        while let Some((token, command)) = self.deferred.pop_front() {
            if !self.fits(&command) {
                self.deferred.push_front((token, command));
                return;
            }
            self.execute(reading, token, command);
        }
    }

    /// The append under way has ended.
    pub fn appended(&mut self, reading: Reading, result: Result<Appended, AppendError>) {
        let Some(mut appending) = self.appending.take() else { return };
        let appended = match result {
            Ok(appended) if appended.next == appending.next => appended,
            #[cfg(feature = "planted")]
            Err(AppendError::Unknown(_)) if crate::planted::is(crate::planted::Fault::TakeUnknownForDone) => {
                Appended { next: appending.next, room_bytes: self.room_bytes, rolled: None }
            }
            Ok(appended) => {
                self.appending = Some(appending);
                return self.fail(format!(
                    "the journal put the next entry at {}, not where expected",
                    appended.next.0
                ));
            }
            Err(AppendError::Full) => {
                self.say_that_nothing_goes_on();
                // Whatever was believed, there is none: nobody else shall wait for this entry.
                self.set_room(0);
                appending.retry_ms = Some(self.clock.moment(reading).0.now_ms + UPKEEP_MS);
                self.appending = Some(appending);
                return;
            }
            Err(error) => {
                self.appending = Some(appending);
                return self.fail(error.to_string());
            }
        };
        self.reserve.says_stuck = false;
        self.set_room(appended.room_bytes);
        self.space.grown(appended.next.0, appended.rolled);
        appending.effects.stored.iter().for_each(|body| self.space.stored(*body));
        appending.effects.freed.iter().for_each(|body| self.space.freed(*body));
        self.dropped.append(&mut appending.effects.dropped);
        let replies = appending.replies.drain(..);
        self.outputs.extend(replies.map(|(token, result)| Output::Reply(token, result)));
        self.spare.take(appending.payload, appending.replies, appending.effects);
        self.checkpoint_progress(appending.position, appending.stamp, appending.has_manifest);
        self.maintain_space();
    }

    /// Time has passed.
    pub fn tick(&mut self, reading: Reading) {
        if self.failed.is_some() {
            self.upkeep.next_ms = self.clock.moment(reading).0.now_ms + UPKEEP_MS;
            return;
        }
        let moment = self.moment(reading);
        // The open batch has one moment, and while the journal refuses the entry before it, it stays open: its time stands still,
        // and what is due must not wait for it.
        let now_ms = self.clock.moment(reading).0.now_ms;
        self.look_after_waiters(moment);
        if self.engine.has_running_tasks() && now_ms >= self.upkeep.next_task_step_ms {
            self.upkeep.next_task_step_ms = now_ms + TASK_STEP_MS;
            // A move writes as much as a receive for each message, and nobody waits for it.
            if !self.is_low_on_room() {
                self.step_tasks(moment);
            }
        }
        if now_ms >= self.upkeep.next_ms {
            self.upkeep.next_ms = now_ms + UPKEEP_MS;
            self.retry_append(now_ms);
            if self.has_space_for(0) {
                let more = self.engine.expire(moment, &mut self.open.batch);
                self.upkeep.next_ms -= if more { UPKEEP_MS - TASK_STEP_MS } else { 0 };
            }
            self.maintain_space();
            self.roll_when_full();
        }
        self.after_decision(moment);
    }

    /// Takes a step of each running task, as long as the batch has space: those left out are the first the next time.
    fn step_tasks(&mut self, moment: Moment) {
        let entropy = self.entropy.next();
        for queue in self.engine.running_tasks(self.upkeep.last_task) {
            if !self.has_space_for(0) {
                return;
            }
            self.engine.step_task(moment, entropy, queue, &mut self.open.batch);
            self.upkeep.last_task = queue;
        }
    }

    fn retry_append(&mut self, now_ms: u64) {
        let Some(appending) = &mut self.appending else { return };
        if appending.retry_ms.take_if(|at| *at <= now_ms).is_some() {
            let (expected, stamp, payload) = (appending.position, appending.stamp, appending.payload.clone());
            self.outputs.push(Output::Append { expected, stamp, payload });
        }
    }

    /// Ends waiting: long polls get what there is, and later ones don't wait.
    pub fn drain(&mut self) {
        self.draining = true;
        for waiter in self.waiters.take_all() {
            self.answer(waiter.token, Ok(Reply::Received(Vec::new())));
        }
    }

    /// Takes no further calls; what was taken is finished.
    pub fn stop(&mut self) {
        self.drain();
        self.stopping = true;
    }

    /// The journal failed: what was applied beyond it must not be seen. Everybody gets an answer to try again.
    fn fail(&mut self, reason: String) {
        tracing::error!("the journal failed, and the partition with it: {reason}");
        let under_way = self.appending.take().map(|appending| appending.replies).unwrap_or_default();
        let open = std::mem::take(&mut self.open.replies);
        let deferred = std::mem::take(&mut self.deferred);
        let tokens = under_way.into_iter().chain(open).map(|(token, _)| token);
        let waiting = self.waiters.take_all().into_iter().map(|waiter| waiter.token);
        for token in tokens.chain(deferred.into_iter().map(|(token, _)| token)).chain(waiting) {
            self.outputs.push(Output::Reply(token, Err(CallError::Unavailable(reason.clone()))));
        }
        self.failed = Some(reason);
    }

    /// Gives back the bytes of dropped backlogs, a slice at a time.
    fn account_for_dropped(&mut self) {
        let Some(dropped) = self.dropped.last_mut() else { return };
        let space = &mut self.space;
        if !dropped.drain(DROPPED_SLICE, &mut |body| space.freed(body)) {
            self.dropped.pop();
        }
    }
}

impl<T> Open<T> {
    fn at(position: Position, layout: Layout, moment: Moment) -> Self {
        Self { batch: Batch::new(position, layout), moment, replies: Vec::new() }
    }
}

fn warn_of(jump: Option<Jump>) {
    if let Some(Jump(ms)) = jump {
        let minutes = ms / 60_000;
        tracing::warn!(
            "the clock is {minutes} minutes ahead of the store; nothing expires for the next 15 minutes"
        );
    }
}

pub(crate) use recover::replay;
/// What [`Partition::open`] starts from.
pub use recover::{Opening, StartError};

/// Kept apart so that the fields of a checkpoint stay in its file.
fn manifest_bodies(manifest: &Manifest, head: &[BodyRef]) -> Vec<BodyRef> {
    manifest.bodies().chain(head.iter().copied()).collect()
}
