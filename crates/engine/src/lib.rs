//! The deterministic heart of Bongsu: a state machine of queues with the semantics of Amazon SQS.
//!
//! [`Engine::decide`] checks a [`Command`] against the state, writes what happens as [`Record`]s to a [`Log`], and
//! makes them true at once with the very [`Engine::apply`] that replay runs. The same records give the same state,
//! byte for byte.
//!
//! **Must not know**: wire encodings, files, the network, the clock, random numbers, threads, async. Time comes as
//! [`Moment`], chance as [`Entropy`]; a stored message is bytes at a position, which the engine never looks into.

pub mod attributes;
mod command;
mod decide;
mod effects;
mod error;
mod inspect;
mod names;
#[cfg(feature = "planted")]
pub mod planted;
mod queue;
mod record;
mod registry;
mod runs;
mod size;
mod snapshot;
#[cfg(test)]
mod tests;

pub use command::*;
pub use decide::Relocation;
pub use effects::{Dropped, Effects};
pub use error::{AttributeError, EngineError};
pub use names::*;
pub use record::{EntityId, Record, ReplayError};
pub use registry::{
    Document, DocumentChange, DocumentWrite, DocumentsSize, Expected, MAX_COLLECTION_BYTES,
    MAX_DOCUMENT_BODY_BYTES, MAX_DOCUMENT_CHANGES, MAX_DOCUMENT_CHANGES_BYTES, MAX_DOCUMENT_NAME_BYTES,
    MAX_DOCUMENTS, MAX_DOCUMENTS_BYTES, MAX_DOCUMENTS_LISTED, MAX_DOCUMENTS_LISTED_BYTES,
};
pub use snapshot::Frozen;

use queue::Queue;
use registry::Registry;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// When something is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Engine time: never goes back; all deadlines follow it. Milliseconds.
    pub now_ms: u64,
    /// The wall clock, ms since 1970, for timestamps that clients see.
    pub wall_ms: u64,
    /// Whether messages may expire; off while the clock is in doubt.
    pub expire: bool,
}

/// Random bits for one decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entropy(pub u128);

/// Takes records down, in order.
pub trait Log {
    /// Writes a record with the bytes that it carries; says where those bytes will lie.
    fn write(&mut self, record: &Record, body: &[u8]) -> BodyRef;
}

/// How the engine decides. Never matters for [`Engine::apply`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// AWS's waits of 60 s between purges, and between the deletion of a queue and a new one of its name.
    pub cooldowns: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { cooldowns: true }
    }
}

/// All queues of a partition.
#[derive(Debug, Default)]
pub struct Engine {
    options: Options,
    directory: Directory,
    registry: Registry,
    queues: QueueMap<Queue>,
    // The rest follows from `queues`.
    names: BTreeMap<QueueName, QueueId>,
    /// Dead-letter queue → queues that name it.
    sources: BTreeMap<QueueName, BTreeSet<QueueName>>,
    /// Queues with a running move task.
    moving: BTreeSet<QueueId>,
    effects: Effects,
}

/// What belongs to no queue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Directory {
    pub(crate) secret: Option<[u8; 32]>,
    pub(crate) last_queue_id: u64,
    /// Names of deleted queues and when they were deleted (engine ms).
    pub(crate) released: BTreeMap<QueueName, u64>,
}

impl Engine {
    /// An empty engine.
    pub fn new(options: Options) -> Self {
        Self { options, ..Self::default() }
    }

    /// The store's secret; `None` until [`Record::StoreCreated`].
    pub fn secret(&self) -> Option<[u8; 32]> {
        self.directory.secret
    }

    /// Takes the effects of what was decided and applied since the last call.
    pub fn take_effects(&mut self) -> Effects {
        std::mem::take(&mut self.effects)
    }

    /// As [`Engine::take_effects`], but for [`Effects::ready`], which stays. What the caller hands in is emptied and its
    /// memory used again.
    pub fn exchange_effects(&mut self, effects: &mut Effects) {
        effects.clear();
        std::mem::swap(&mut self.effects, effects);
        std::mem::swap(&mut self.effects.ready, &mut effects.ready);
    }

    /// Takes [`Effects::ready`] alone, in the same way.
    pub fn exchange_ready(&mut self, ready: &mut Vec<QueueId>) {
        ready.clear();
        std::mem::swap(&mut self.effects.ready, ready);
    }

    /// How long a receive on this queue waits by default, ms.
    pub fn default_wait_ms(&self, name: &QueueName) -> u64 {
        self.queue(name).map_or(0, |queue| queue.settings().wait_ms)
    }

    /// The present life of a queue.
    pub fn queue_id(&self, name: &QueueName) -> Option<QueueId> {
        self.names.get(name).copied()
    }

    /// When, after `now_ms`, a message of this queue becomes visible by itself.
    pub fn next_change_ms(&self, id: QueueId, now_ms: u64) -> Option<u64> {
        let queue = self.queues.get(&id)?;
        queue.messages.next_change_ms(now_ms, queue.fifo_delay_ms())
    }

    /// Whether a move task runs.
    pub fn has_running_tasks(&self) -> bool {
        !self.moving.is_empty()
    }

    /// Queues with a running move task: those after `after`, and then from the first on, so that all have their turn where only
    /// some can be served at a time.
    pub fn running_tasks(&self, after: QueueId) -> Vec<QueueId> {
        let (before, behind): (Vec<QueueId>, Vec<QueueId>) = self.moving.iter().partition(|id| **id <= after);
        [behind, before].concat()
    }

    /// Makes a record true; `body` says where the bytes lie that it carries.
    ///
    /// # Errors
    /// The record doesn't fit the state: the journal is not this engine's, or damaged.
    pub fn apply(&mut self, record: &Record, body: BodyRef) -> Result<(), ReplayError> {
        match record {
            Record::StoreCreated { secret } => self.directory.secret = Some(*secret),
            Record::NameReleased { name, at_ms } => self.release_name(name.clone(), *at_ms),
            Record::QueueCreated { queue, name, attributes, tags, created_wall_ms, key } => {
                self.directory.last_queue_id = self.directory.last_queue_id.max(queue.0);
                let made = Queue::new(
                    *queue,
                    name.clone(),
                    attributes.clone(),
                    tags.clone(),
                    *created_wall_ms,
                    *key,
                );
                self.add(made);
            }
            Record::QueueDeleted { queue } => {
                let mut gone =
                    self.queues.remove(queue).ok_or(ReplayError::UnknownEntity(record.entity()))?;
                self.unindex(&gone);
                self.effects.dropped(std::mem::take(&mut gone.messages));
                // Who waits for its messages is to learn that there are none to come.
                self.effects.ready(*queue);
            }
            Record::DocumentsChanged { first_version, changes } => {
                #[cfg(feature = "planted")]
                let changes = &planted::documents_replayed(changes);
                self.registry.apply(*first_version, changes)?;
            }
            _ => self.apply_within(record, body)?,
        }
        Ok(())
    }

    fn apply_within(&mut self, record: &Record, body: BodyRef) -> Result<(), ReplayError> {
        let EntityId::Queue(id) = record.entity() else {
            return Err(ReplayError::UnknownEntity(record.entity()));
        };
        let queue = self.queues.get_mut(&id).ok_or(ReplayError::UnknownEntity(record.entity()))?;
        match record {
            Record::AttributesSet { .. } => {
                let before = queue.settings().redrive.clone();
                queue.apply(record, body, &mut self.effects)?;
                let (name, after) = (queue.name.clone(), queue.settings().redrive.clone());
                if before != after {
                    self.index_source(&name, before.map(|redrive| redrive.target), false);
                    self.index_source(&name, after.map(|redrive| redrive.target), true);
                }
            }
            Record::TaskStarted { .. } => {
                queue.apply(record, body, &mut self.effects)?;
                self.moving.insert(id);
            }
            Record::TaskEnded { .. } => {
                queue.apply(record, body, &mut self.effects)?;
                if queue.tasks.active().is_none() {
                    self.moving.remove(&id);
                }
            }
            _ => queue.apply(record, body, &mut self.effects)?,
        }
        Ok(())
    }

    fn queue(&self, name: &QueueName) -> Option<&Queue> {
        self.queues.get(self.names.get(name)?)
    }

    fn add(&mut self, queue: Queue) {
        self.names.insert(queue.name.clone(), queue.id);
        let target = queue.settings().redrive.clone().map(|redrive| redrive.target);
        self.index_source(&queue.name, target, true);
        if queue.tasks.active().is_some() {
            self.moving.insert(queue.id);
        }
        self.queues.insert(queue.id, queue);
    }

    fn unindex(&mut self, queue: &Queue) {
        if self.names.get(&queue.name) == Some(&queue.id) {
            self.names.remove(&queue.name);
            let target = queue.settings().redrive.clone().map(|redrive| redrive.target);
            self.index_source(&queue.name, target, false);
        }
        self.moving.remove(&queue.id);
    }

    fn index_source(&mut self, source: &QueueName, target: Option<QueueName>, is: bool) {
        let Some(target) = target else { return };
        let sources = self.sources.entry(target.clone()).or_default();
        if is {
            sources.insert(source.clone());
        } else {
            sources.remove(source);
        }
        if sources.is_empty() {
            self.sources.remove(&target);
        }
    }

    /// Old releases go when a new one comes: within the cool-down there are only so many.
    fn release_name(&mut self, name: QueueName, at_ms: u64) {
        self.directory.released.retain(|_, released_ms| *released_ms + decide::COOLDOWN_MS > at_ms);
        self.directory.released.insert(name, at_ms);
    }

    /// Makes anew what follows from the queues, after a replay that began in the middle of the log.
    pub fn finish_replay(&mut self) {
        let queues = std::mem::take(&mut self.queues);
        (self.names, self.sources, self.moving) = Default::default();
        let mut queues: Vec<Queue> = queues.into_values().collect();
        queues.sort_by_key(|queue| queue.id);
        queues.into_iter().for_each(|queue| self.add(queue));
        self.effects = Effects::default();
    }

    /// Every stored message's bytes, to count what lives where.
    pub fn bodies(&self) -> impl Iterator<Item = BodyRef> + '_ {
        self.queues.values().flat_map(|queue| queue.messages.bodies())
    }

    /// Messages whose bytes lie in `from..to`, for the cleaner.
    pub fn bodies_in(&self, from: u64, to: u64) -> Vec<(QueueId, u64, BodyRef)> {
        let mut found = Vec::new();
        for (id, queue) in &self.queues {
            queue.messages.in_range(from, to, &mut |sequence, body| found.push((*id, sequence, body)));
        }
        found.sort_by_key(|(id, _, body)| (*id, body.position));
        found
    }
}
