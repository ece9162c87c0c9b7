//! One process that serves the store: the partition with its journal, and what its threads have before them.

use crate::journal::TrickyJournal;
use bongsu_engine::{BodyRef, EntityId, Frozen, QueueId};
use bongsu_journal::{AppendError, Appended, Journal, Pin, Position, Reader, SegmentInfo, Stamp};
use bongsu_node::{Partition, Reading, Token};
use bytes::Bytes;
use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

/// Somebody who waits for an answer.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) call: u64,
    pub(crate) gone: Rc<Cell<bool>>,
}

impl Token for Client {
    fn is_abandoned(&self) -> bool {
        self.gone.get()
    }
}

/// What the journal's thread has to do, one after the other.
#[derive(Debug)]
pub(crate) enum Work {
    Append { expected: Position, stamp: Stamp, payload: Bytes },
    Delete(Position),
    Roll(u64, u64),
    Room,
}

/// What the journal's thread tells the partition.
#[derive(Debug)]
pub(crate) enum Told {
    Appended { at: Position, stamp: Stamp, result: Result<Appended, AppendError> },
    Rolled { result: Result<Option<SegmentInfo>, AppendError>, room_bytes: u64 },
    Room(u64),
    Nothing,
}

/// What is going to happen. The number says in which process; what belongs to another is forgotten.
pub(crate) enum Event {
    /// Clients call.
    Call(u64),
    /// The journal's thread does the first of its work, and then tells of it.
    Act(u64),
    Tell(u64, Told),
    Encode(u64, EntityId, Box<Frozen>),
    Read(u64, QueueId, Vec<(u64, BodyRef)>),
    /// A client reads the message that was pinned for it.
    LateRead(u64, Pin, BodyRef, Bytes),
    Abandon(Rc<Cell<bool>>),
    /// Somebody ends a process that serves no more.
    GiveUp(u64),
    Start,
    SpaceBack,
    Faster,
}

/// A process.
pub(crate) struct Process {
    pub(crate) number: u64,
    pub(crate) partition: Partition<Client>,
    pub(crate) journal: TrickyJournal,
    pub(crate) reader: Arc<dyn Reader>,
    pub(crate) work: VecDeque<Work>,
    /// The journal's thread is busy.
    pub(crate) acting: bool,
    /// It goes down in order.
    pub(crate) stopping: bool,
    /// Something was done to its journal that may end it.
    pub(crate) excused: bool,
    pub(crate) giving_up: bool,
}

impl Process {
    pub(crate) fn new(number: u64, partition: Partition<Client>, journal: TrickyJournal) -> Self {
        let reader = journal.reader();
        Self {
            number,
            partition,
            journal,
            reader,
            work: VecDeque::new(),
            acting: false,
            stopping: false,
            excused: false,
            giving_up: false,
        }
    }

    /// In how many milliseconds the partition wants to be woken.
    pub(crate) fn wake_in_ms(&mut self, reading: Reading) -> u64 {
        let due_ms = self.partition.next_wake_ms().saturating_sub(self.partition.now_ms(reading));
        // While a commit is under way time may stand still for the open batch.
        match (self.partition.has_gathered(), self.partition.is_idle()) {
            (true, _) => due_ms.min(2),
            (false, true) => due_ms,
            (false, false) => due_ms.max(2),
        }
    }

    /// Lets the partition take a step, as its thread does after each message. Where it `gathers`, its callers have more to add
    /// to the open batch.
    pub(crate) fn step(&mut self, reading: Reading, gathers: bool) {
        if self.partition.now_ms(reading) >= self.partition.next_wake_ms() {
            self.partition.tick(reading);
            if self.partition.is_low_on_room() && !self.work.iter().any(|work| matches!(work, Work::Room)) {
                self.work.push_back(Work::Room);
            }
        }
        if !gathers || !self.partition.may_gather(reading) {
            self.partition.flush(reading);
        }
    }

    /// A message's bytes, held.
    pub(crate) fn pin(&self, body: BodyRef) -> Option<(Pin, Bytes)> {
        let at = Position(body.position);
        let pin = self.reader.pin(at)?;
        let bytes = pin.read(at, body.len).ok()?;
        Some((pin, bytes))
    }

    /// Whether it went down as far as it should before its journal is closed.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.partition.is_idle() && self.work.is_empty() && !self.acting
    }
}
