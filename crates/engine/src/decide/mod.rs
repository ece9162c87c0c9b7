//! From command to records: one file per kind of request.

mod maintain;
mod manage;
mod operate;
mod receipts;
mod receive;
mod redrive;
mod registry;
mod send;
mod view;

pub use maintain::Relocation;

use crate::command::{Command, Receive, Reply};
use crate::error::EngineError;
use crate::names::{BodyRef, QueueId, QueueName};
use crate::queue::Queue;
use crate::record::Record;
use crate::{Engine, Entropy, Log, Moment};

/// AWS's wait between purges, and before a deleted queue's name is free.
pub(crate) const COOLDOWN_MS: u64 = 60_000;

/// One decision under way.
struct Decision<'a> {
    engine: &'a mut Engine,
    at: Moment,
    entropy: Entropy,
    log: &'a mut dyn Log,
}

impl Engine {
    /// Decides a command. Records that it writes are applied when it returns; the reply may be given out once they are
    /// durable.
    ///
    /// # Errors
    /// Says why the command is refused; then nothing was written.
    pub fn decide(
        &mut self,
        at: Moment,
        entropy: Entropy,
        command: Command,
        log: &mut dyn Log,
    ) -> Result<Reply, EngineError> {
        let mut decision = Decision { engine: self, at, entropy, log };
        match command {
            Command::CreateQueue { name, attributes, tags } => decision.create(name, attributes, tags),
            Command::DeleteQueue(name) => decision.delete_queue(&name),
            Command::SetAttributes { name, attributes } => decision.set_attributes(&name, attributes),
            Command::SetPolicy { name, expected_version, policy } => {
                decision.set_policy(&name, expected_version, policy)
            }
            Command::TagQueue { name, tags } => decision.tag(&name, tags),
            Command::UntagQueue { name, keys } => decision.untag(&name, &keys),
            Command::PurgeQueue(name) => decision.purge(&name),
            Command::Send { name, messages } => decision.send(&name, messages),
            Command::Receive(receive) => decision.receive(&receive),
            Command::Delete { name, receipts } => decision.delete(&name, &receipts),
            Command::ChangeVisibility { name, changes } => decision.change_visibility(&name, &changes),
            Command::StartMoveTask { source, destination, max_per_second } => {
                decision.start_move(&source, destination, max_per_second)
            }
            Command::CancelMoveTask(task) => decision.cancel_move(task),
            Command::Describe(name) => decision.describe(&name),
            Command::ListQueues { account, region, prefix, after, limit } => {
                decision.list_queues(&account, &region, &prefix, after.as_deref(), limit)
            }
            Command::ListSources { name, after, limit } => {
                decision.list_sources(&name, after.as_deref(), limit)
            }
            Command::ListMoveTasks { source, limit } => decision.list_moves(&source, limit),
            Command::Peek { name, which } => decision.peek(&name, &which),
            Command::Operate { name, messages, act } => decision.operate(&name, &messages, &act),
            Command::Survey { after, limit } => Ok(decision.survey(after.as_ref(), limit)),
            Command::ChangeDocuments { changes } => decision.change_documents(changes),
            Command::ListDocuments { collection, after, limit } => {
                Ok(decision.list_documents(collection.as_deref(), after.as_ref(), limit))
            }
        }
    }
}

impl Engine {
    /// As [`Engine::decide`] of [`Command::Receive`], for a request that is still needed: a long poll asks again.
    ///
    /// # Errors
    /// Says why the receive is refused; then nothing was written.
    pub fn decide_receive(
        &mut self,
        at: Moment,
        entropy: Entropy,
        receive: &Receive,
        log: &mut dyn Log,
    ) -> Result<Reply, EngineError> {
        Decision { engine: self, at, entropy, log }.receive(receive)
    }
}

impl Decision<'_> {
    /// Writes a record and makes it true.
    fn emit(&mut self, record: &Record, body: &[u8]) {
        let at = self.log.write(record, body);
        if let Err(error) = self.engine.apply(record, at) {
            // What was decided against the state fits the state; going on with a wrong state could lose messages.
            unreachable!("a decision doesn't fit the state it was made from: {error}");
        }
    }

    /// Writes a record that is already true.
    fn note(&mut self, record: &Record) -> BodyRef {
        self.log.write(record, &[])
    }

    /// The queue of that name, at the present time.
    fn queue(&mut self, name: &QueueName) -> Result<&mut Queue, EngineError> {
        let missing = || EngineError::QueueDoesNotExist(name.clone());
        let id = self.engine.names.get(name).ok_or_else(missing)?;
        let queue = self.engine.queues.get_mut(id).ok_or_else(missing)?;
        queue.advance(self.at.now_ms);
        Ok(queue)
    }

    fn by_id(&mut self, id: QueueId) -> Option<&mut Queue> {
        self.engine.queues.get_mut(&id)
    }

    /// A number for receipts; never 0, which stands for "never received".
    fn nonce(&self) -> u64 {
        (self.entropy.0 as u64).max(1)
    }
}
