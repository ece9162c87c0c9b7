//! Entities as bytes: what a checkpoint writes and start-up reads.

use crate::queue::Queue;
use crate::record::{EntityId, ReplayError};
use crate::registry::Registry;
use crate::{Directory, Engine, QueueId};

/// An entity as it was at one moment, to be encoded at leisure. Cheap to make: deep backlogs are shared.
#[derive(Clone, Debug)]
pub struct Frozen(State);

#[derive(Clone, Debug)]
enum State {
    Directory(Box<Directory>),
    Queue(Box<Queue>),
    Registry(Registry),
}

impl Frozen {
    /// Its bytes. Equal states give equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        let encoded = match &self.0 {
            State::Directory(directory) => postcard::to_stdvec(directory),
            State::Queue(queue) => postcard::to_stdvec(queue),
            State::Registry(registry) => postcard::to_stdvec(registry),
        };
        // A Vec takes all there is, and every field has a known length: there is nothing to fail.
        encoded.unwrap_or_else(|error| unreachable!("a snapshot can't be encoded: {error}"))
    }
}

impl Engine {
    /// All entities, in order. The registry is one from its first change on, so that a store without documents stays as it was
    /// before there were any.
    pub fn entities(&self) -> Vec<EntityId> {
        let mut queues: Vec<QueueId> = self.queues.keys().copied().collect();
        queues.sort_unstable();
        let registry = (self.registry.version() > 0).then_some(EntityId::Registry);
        let queues = queues.into_iter().map(EntityId::Queue);
        std::iter::once(EntityId::Directory).chain(queues).chain(registry).collect()
    }

    /// The entity as it is now; `None` where there is none.
    pub fn freeze(&self, entity: EntityId) -> Option<Frozen> {
        Some(Frozen(match entity {
            EntityId::Directory => State::Directory(Box::new(self.directory.clone())),
            EntityId::Queue(id) => State::Queue(Box::new(self.queues.get(&id)?.frozen())),
            EntityId::Registry => State::Registry(self.registry.clone()),
        }))
    }

    /// Puts an entity back as [`Frozen::encode`] wrote it.
    ///
    /// # Errors
    /// The bytes are no snapshot of such an entity.
    pub fn restore(&mut self, entity: EntityId, bytes: &[u8]) -> Result<(), ReplayError> {
        let malformed = |error: postcard::Error| ReplayError::Malformed(error.to_string());
        match entity {
            EntityId::Directory => self.directory = postcard::from_bytes(bytes).map_err(malformed)?,
            EntityId::Registry => self.registry = Registry::read(bytes)?,
            EntityId::Queue(id) => {
                let mut queue: Queue = postcard::from_bytes(bytes).map_err(malformed)?;
                if queue.id != id {
                    return Err(ReplayError::Malformed(format!("snapshot of {:?} under {id:?}", queue.id)));
                }
                queue.rebuild();
                #[cfg(feature = "planted")]
                spoil(&mut queue);
                // The directory's snapshot may be older than the queue.
                self.directory.last_queue_id = self.directory.last_queue_id.max(id.0);
                self.add(queue);
            }
        }
        Ok(())
    }
}

/// What planted faults lose of a snapshot.
#[cfg(feature = "planted")]
fn spoil(queue: &mut Queue) {
    use crate::planted::{Fault, is};
    if is(Fault::LoseWindowAtCheckpoint) {
        queue.deduplication.clear();
    }
    if is(Fault::LoseFlightsAtCheckpoint) {
        queue.messages.advance(u64::MAX >> 1);
    }
    if is(Fault::RepeatSequence) {
        queue.next_sequence = queue.next_sequence.saturating_sub(1).max(1);
    }
}
