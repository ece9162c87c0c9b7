//! The auditor: an independent model of what was promised. It sees commands, the answers that were released, and what
//! clients can see; from these it keeps, for each message, the places where it may be. An answer that fits none of them
//! is a broken promise.
//!
//! Answers leave a partition in the order in which they were decided, so they are taken as they come. What was
//! under way when a process ended may or may not have happened; what is seen later says which.
//!
//! Must not know: the engine's state, records, entries (but for the time that an entry is stamped with), the disk.

mod documents;
mod looks;
mod place;
mod queues;
mod receives;
mod sends;
mod silent;
#[cfg(test)]
mod tests;
mod time;

use crate::message::{self, Content, Number};
use bongsu_engine::{Command, EngineError, QueueName, Reply, Which};
use bongsu_node::{CallError, Reading};
use documents::Documents;
use place::{Message, Messages};
use queues::{Name, Queue};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use time::{Clock, Span};

/// `Err` tells which promise was broken, and how.
pub(crate) type Verdict = Result<(), String>;

/// One life of a queue, in the order in which the auditor heard of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Life(pub(crate) usize);

/// How the partition refuses what would grow a full disk; nothing was done then.
pub(crate) const FULL_DISK: &str = "the disk is full";

/// How often a message may have gone from one waiting receive to the next before the end.
const LATE_ROUNDS: usize = 2;

fn broken(what: String) -> Verdict {
    Err(what)
}

/// The model.
#[derive(Debug, Default)]
pub(crate) struct Auditor {
    clock: Clock,
    now_ms: u64,
    /// Stamp of the last entry that is known to be durable.
    last_entry_ms: u64,
    epoch: u64,
    names: BTreeMap<QueueName, Name>,
    queues: Vec<Queue>,
    messages: Messages,
    documents: Documents,
    /// Commands without an answer, by their numbers; without the bytes of messages.
    pending: BTreeMap<u64, Rc<Command>>,
    /// Receipts that were given out: nonce, sequence, queue.
    nonces: BTreeSet<(u64, u64, usize)>,
    /// The process is going down in order: waits end early.
    draining: bool,
}

impl Auditor {
    fn message(&mut self, number: Number) -> &mut Message {
        &mut self.messages[number]
    }

    fn name(&self, life: Life) -> &str {
        &self.queues[life.0].name.name
    }

    fn explain(&self, number: Number, what: &str) -> String {
        let message = &self.messages[number];
        if message.places.is_empty() {
            return format!("message {number} {what}, but: it {}", message.fate);
        }
        let names: Vec<&str> = message.places.iter().map(|place| self.name(place.life)).collect();
        let gone = if message.may_be_gone { " or gone" } else { "" };
        format!("message {number} {what}, but: known in {names:?}{gone} as {:?}", message.places)
    }

    fn check_somewhere(&mut self, number: Number, what: &str) -> Verdict {
        let message = &self.messages[number];
        if message.places.is_empty() && !message.may_be_gone {
            return broken(format!("message {number} {what} (its last: {})", message.fate));
        }
        Ok(())
    }

    // --- What happens to the store ---------------------------------------------------------------------------------

    /// A process opened the store; `last_entry_ms` is the stamp of the last entry that it found.
    pub(crate) fn opened(&mut self, reading: Reading, epoch: u64, last_entry_ms: Option<u64>) -> Verdict {
        let found_ms = last_entry_ms.unwrap_or(0);
        if !(self.last_entry_ms..=self.now_ms.max(self.last_entry_ms)).contains(&found_ms) {
            let known_ms = self.last_entry_ms;
            return broken(format!(
                "the log ends with an entry of {found_ms}, and one of {known_ms} was durable"
            ));
        }
        if epoch <= self.epoch {
            return broken(format!("the log was opened as epoch {epoch}, after {}", self.epoch));
        }
        (self.epoch, self.last_entry_ms) = (epoch, found_ms);
        self.clock.open(reading, last_entry_ms);
        self.draining = false;
        self.pass(reading);
        Ok(())
    }

    /// Time has passed.
    pub(crate) fn pass(&mut self, reading: Reading) {
        self.now_ms = self.clock.now_ms(reading);
    }

    /// The process goes down in order.
    pub(crate) fn drains(&mut self) {
        self.draining = true;
    }

    /// An entry of this stamp is durable.
    pub(crate) fn entry_durable(&mut self, stamp_ms: u64) -> Verdict {
        if stamp_ms < self.last_entry_ms || stamp_ms > self.now_ms {
            let (last_ms, now_ms) = (self.last_entry_ms, self.now_ms);
            return broken(format!("an entry of {stamp_ms} follows one of {last_ms} at {now_ms}"));
        }
        self.last_entry_ms = stamp_ms;
        Ok(())
    }

    /// The bytes of this message rotted where they lie, or were copied like that.
    pub(crate) fn damaged(&mut self, number: Number) {
        self.message(number).damaged = true;
    }

    /// The process ended: what it had not answered may or may not have happened.
    pub(crate) fn ended(&mut self) {
        let now = Span { from: self.last_entry_ms, to: self.now_ms };
        self.follow_silent_moves();
        let pending: Vec<Rc<Command>> = std::mem::take(&mut self.pending).into_values().collect();
        for command in &pending {
            self.unsure(now, command);
            self.follow_silent_moves();
        }
        // A receive that waited may have been served at any time, and what came after it may have come upon that.
        let waited = pending.iter().filter(|command| may_wait(command)).count();
        let concerned = |command: &&Rc<Command>| {
            matches!(***command, Command::Receive(_) | Command::ChangeVisibility { .. })
        };
        for _ in 0..waited.min(LATE_ROUNDS) {
            for command in pending.iter().filter(concerned) {
                self.unsure(now, command);
                self.follow_silent_moves();
            }
        }
        self.forgive_what_moved_on(&pending);
    }

    fn unsure(&mut self, now: Span, command: &Command) {
        match command {
            Command::Send { name, messages } => self.unsure_send(now, name, messages),
            Command::Receive(receive) => self.unsure_receive(now, receive),
            Command::Delete { name, receipts } => self.unsure_delete(name, receipts),
            Command::ChangeVisibility { name, changes } => self.unsure_visibility(now, name, changes),
            Command::PurgeQueue(name) => {
                for life in self.lives(name) {
                    self.queues[life.0].may_be_purged = Some(now);
                    self.queues[life.0].unsure_sends.clear();
                    self.all_may_be_gone(life, "its queue may have been purged");
                    self.forget_sends_perhaps(life);
                }
            }
            Command::StartMoveTask { source, destination, .. } => self.unsure_task(source, destination),
            Command::CreateQueue { name, .. } => {
                // The queue may have come only now: sends before that went to nobody.
                for life in self.lives(name) {
                    self.queues[life.0].unsure_sends.clear();
                }
                self.unsure_management(now, name, command);
            }
            Command::DeleteQueue(name)
            | Command::SetAttributes { name, .. }
            | Command::SetPolicy { name, .. }
            | Command::TagQueue { name, .. }
            | Command::UntagQueue { name, .. } => self.unsure_management(now, name, command),
            Command::ChangeDocuments { changes } => self.unsure_documents(changes),
            _ => {}
        }
    }

    // --- Commands and their answers --------------------------------------------------------------------------------

    pub(crate) fn called(&mut self, call: u64, command: Rc<Command>) {
        if let Command::Send { messages, .. } = &*command {
            self.sending(messages);
        }
        self.pending.insert(call, command);
    }

    /// An answer was released: with the entry of this stamp, or at once. `contents` are the messages in it.
    pub(crate) fn answered(
        &mut self,
        call: u64,
        entry_ms: Option<u64>,
        result: &Result<Reply, CallError>,
        contents: &[Content],
    ) -> Verdict {
        let Some(command) = self.pending.remove(&call) else {
            return broken(format!("call {call} was answered twice"));
        };
        let from = entry_ms.unwrap_or(self.now_ms);
        // What wrote records was decided at the very time of its entry; a look may have come later.
        let to = if wrote(&command, result) { from } else { self.now_ms };
        let now = Span { from, to };
        match result {
            Err(CallError::Unavailable(reason)) if reason.starts_with(FULL_DISK) => match &*command {
                Command::ChangeDocuments { changes } => self.documents_refused_for_space(changes),
                _ => Ok(()),
            },
            Err(CallError::Unavailable(_) | CallError::ShuttingDown) => {
                self.pending.insert(call, command);
                Ok(())
            }
            Err(CallError::Engine(error)) => {
                self.follow_silent_moves();
                self.check_existence(&command, Err(error))?;
                self.refusal(now, &command, error)
            }
            Ok(reply) => {
                if !matches!(*command, Command::Send { .. }) {
                    self.follow_silent_moves();
                }
                self.check_existence(&command, Ok(()))?;
                self.success(now, &command, reply, contents)
            }
        }
    }

    /// A queue that lives answers, one that does not says so.
    fn check_existence(&self, command: &Command, result: Result<(), &EngineError>) -> Verdict {
        let Some(name) = named(command) else { return Ok(()) };
        // Describing settles what is unsure, and looks after itself.
        if matches!(command, Command::CreateQueue { .. } | Command::Describe(_)) {
            return Ok(());
        }
        let missing =
            matches!(result, Err(EngineError::QueueDoesNotExist(_) | EngineError::MoveSourceDoesNotExist));
        match self.life(name) {
            Some(_) if missing => broken(format!("{} is said not to exist", name.name)),
            None if !missing && !matches!(result, Err(EngineError::Throttled(_))) => {
                broken(format!("{} answers, and does not exist", name.name))
            }
            _ => Ok(()),
        }
    }

    fn refusal(&mut self, now: Span, command: &Command, error: &EngineError) -> Verdict {
        match command {
            Command::CreateQueue { name, attributes, tags } => {
                self.created(now, (name, attributes, tags), Err(error))
            }
            Command::PurgeQueue(name) => self.purged(now, name, Err(error)),
            Command::ChangeDocuments { changes } => self.documents_refused(changes, error),
            Command::ListDocuments { .. } => broken(format!("{command:?} was refused: {error}")),
            Command::Describe(name) => self.described(name, Err(error)),
            Command::Receive(receive) if *error == EngineError::AttemptNotRetryable => {
                self.attempt_refused(now, receive)
            }
            Command::Receive(receive) if *error == EngineError::AttemptIdOnStandard => {
                let fitting = receive.attempt_id.is_some() && !receive.name.is_fifo();
                if fitting { Ok(()) } else { broken(format!("{command:?} was refused: {error}")) }
            }
            Command::StartMoveTask { source, .. } if *error == EngineError::MoveTaskRunning => {
                match self.life(source).is_some_and(|life| !self.queues[life.0].moving.is_empty()) {
                    true => Ok(()),
                    false => broken(format!("a move task is said to run on {}", source.name)),
                }
            }
            Command::Send { .. } | Command::Delete { .. } | Command::ChangeVisibility { .. }
                if !matches!(error, EngineError::QueueDoesNotExist(_)) =>
            {
                broken(format!("all of {command:?} was refused: {error}"))
            }
            _ => Ok(()),
        }
    }

    fn success(&mut self, now: Span, command: &Command, reply: &Reply, contents: &[Content]) -> Verdict {
        match (command, reply) {
            (Command::CreateQueue { name, attributes, tags }, Reply::Done) => {
                self.created(now, (name, attributes, tags), Ok(()))
            }
            (Command::DeleteQueue(name), Reply::Done) => {
                self.queue_deleted(now, name);
                Ok(())
            }
            (Command::SetAttributes { name, attributes }, Reply::Done) => {
                self.attributes_set(name, attributes);
                Ok(())
            }
            (Command::SetPolicy { name, policy, .. }, Reply::Done) => {
                let text = policy.clone().unwrap_or_default();
                self.attributes_set(name, &[("Policy".to_owned(), text)].into());
                Ok(())
            }
            (Command::TagQueue { name, .. } | Command::UntagQueue { name, .. }, Reply::Done) => {
                self.tags_set(name, command);
                Ok(())
            }
            (Command::PurgeQueue(name), Reply::Done) => self.purged(now, name, Ok(())),
            (Command::Send { name, messages }, Reply::Sent(results)) => {
                self.sent(now, name, messages, results)
            }
            (Command::Receive(receive), Reply::Received(deliveries)) => {
                self.received(now, receive, deliveries, contents)
            }
            (Command::Delete { name, receipts }, Reply::Each(results)) if receipts.len() == results.len() => {
                let mut pairs = receipts.iter().zip(results);
                pairs.try_for_each(|(receipt, result)| self.deleted(now, name, receipt, result))
            }
            (Command::ChangeVisibility { name, changes }, Reply::Each(results))
                if changes.len() == results.len() =>
            {
                let mut pairs = changes.iter().zip(results);
                pairs.try_for_each(|((receipt, timeout_ms), result)| {
                    self.visibility_changed(now, name, (receipt, *timeout_ms), result)
                })
            }
            (Command::StartMoveTask { source, destination, .. }, Reply::TaskStarted(_)) => {
                self.task_started(source, destination);
                Ok(())
            }
            (Command::CancelMoveTask(_), Reply::TaskCancelled { .. }) => Ok(()),
            (Command::ChangeDocuments { changes }, Reply::DocumentsChanged { versions }) => {
                self.documents_changed(changes, versions)
            }
            _ => self.look(now, command, reply, contents),
        }
    }

    fn look(&mut self, now: Span, command: &Command, reply: &Reply, contents: &[Content]) -> Verdict {
        match (command, reply) {
            (Command::Describe(name), Reply::Description(found)) => {
                self.described(name, Ok(found))?;
                if self.is_settled() { self.counted(now, name, found) } else { Ok(()) }
            }
            (Command::ListQueues { region, prefix, after, limit, .. }, Reply::Names { names, more }) => {
                self.queues_listed((region, prefix, after.as_deref()), *limit, names, *more)
            }
            (Command::ListSources { name, after, limit }, Reply::Names { names, more }) => {
                self.sources_listed(name, after.as_deref(), *limit, names, *more)
            }
            (Command::ListMoveTasks { source, .. }, Reply::Tasks(tasks)) => self.tasks_listed(source, tasks),
            (
                Command::ListDocuments { collection, after, limit },
                Reply::Documents { documents, more, version },
            ) => {
                let which = (collection.as_deref(), after.as_ref());
                self.documents_listed(which, *limit, documents, (*more, *version))
            }
            (Command::Peek { name, which: Which::Page { limit, .. } }, Reply::Peeked(seen)) => {
                self.peeked(now, name, seen, contents, seen.len() < *limit)
            }
            _ => broken(format!("{command:?} was answered with {reply:?}")),
        }
    }

    /// Whether no queue's existence or attributes are unsure.
    fn is_settled(&self) -> bool {
        self.names.values().all(|known| known.provisional.is_none())
            && self.queues.iter().all(|queue| queue.settings.len() == 1)
    }

    // --- The end ---------------------------------------------------------------------------------------------------

    /// All queues were drained: no message may be left.
    pub(crate) fn finished(&mut self) -> Verdict {
        for number in self.messages.numbers() {
            self.check_expiry(number);
            let message = &self.messages[number];
            if !message.may_be_gone {
                return Err(self.explain(number, "was not there when all queues were drained"));
            }
        }
        Ok(())
    }

    /// Bytes of messages that may be somewhere.
    pub(crate) fn live_bytes(&self) -> u64 {
        let live = self.messages.iter().filter(|message| !message.places.is_empty());
        live.map(|message| message.len as u64).sum()
    }

    /// How many messages may be somewhere.
    pub(crate) fn waiting(&self) -> u64 {
        self.messages.iter().filter(|message| !message.places.is_empty()).count() as u64
    }

    /// Names that queues may have.
    pub(crate) fn names(&self) -> Vec<QueueName> {
        self.names.iter().filter(|(_, known)| known.life.is_some()).map(|(name, _)| name.clone()).collect()
    }
}

/// Whether a receive may wait for messages.
fn may_wait(command: &Command) -> bool {
    matches!(command, Command::Receive(receive) if receive.wait_ms != Some(0))
}

/// Whether a command with this answer must have written records.
fn wrote(command: &Command, result: &Result<Reply, CallError>) -> bool {
    match (command, result) {
        (Command::Send { messages, .. }, Ok(Reply::Sent(results))) => messages
            .iter()
            .zip(results)
            .any(|(message, result)| matches!(result, Ok(sent) if sent.message_id == message.message_id)),
        (Command::ChangeVisibility { .. }, Ok(Reply::Each(results))) => results.iter().any(Result::is_ok),
        (_, Ok(Reply::Received(deliveries))) => !deliveries.is_empty(),
        (_, Ok(Reply::TaskStarted(_) | Reply::TaskCancelled { .. })) => true,
        (Command::PurgeQueue(_) | Command::DeleteQueue(_), Ok(_)) => true,
        _ => false,
    }
}

/// The queue that a command is about.
fn named(command: &Command) -> Option<&QueueName> {
    match command {
        Command::CreateQueue { name, .. }
        | Command::SetAttributes { name, .. }
        | Command::SetPolicy { name, .. }
        | Command::TagQueue { name, .. }
        | Command::UntagQueue { name, .. }
        | Command::Send { name, .. }
        | Command::Delete { name, .. }
        | Command::ChangeVisibility { name, .. }
        | Command::ListSources { name, .. }
        | Command::Peek { name, .. }
        | Command::DeleteQueue(name)
        | Command::PurgeQueue(name)
        | Command::Describe(name) => Some(name),
        Command::Receive(receive) => Some(&receive.name),
        Command::StartMoveTask { source, .. } | Command::ListMoveTasks { source, .. } => Some(source),
        Command::Operate { name, .. } => Some(name),
        Command::CancelMoveTask(_)
        | Command::Survey { .. }
        | Command::ListQueues { .. }
        | Command::ChangeDocuments { .. }
        | Command::ListDocuments { .. } => None,
    }
}
