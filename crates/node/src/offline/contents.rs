//! What a journal amounts to: queues, messages, a checkpoint. And whether each living message can be read.

use super::{Progress, Verify};
use crate::partition::{StartError, replay};
use bongsu_engine::{BodyRef, Description, DocumentsSize, Engine, QueueId, QueueName};
use bongsu_journal::{Journal, Pin, Position, Reader, SegmentInfo};
use std::collections::{BTreeMap, BTreeSet};

/// How many lost messages are described one by one.
const MAX_DESCRIBED: usize = 20;

/// The checkpoint in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointInfo {
    /// The entry that names its manifest.
    pub position: Position,
    /// Where replay starts from.
    pub replay_from: Position,
    /// Bytes of snapshots and manifest.
    pub bytes: u64,
}

/// A message that lives and can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostMessage {
    /// Its queue.
    pub queue: QueueName,
    /// Its number there.
    pub sequence: u64,
    /// Where its bytes should lie.
    pub position: Position,
    /// What is wrong with them.
    pub why: String,
}

/// What is in a store, as of its last entry.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// All queues, in the order of their names.
    pub queues: Vec<Description>,
    /// Living messages, in all states.
    pub messages: u64,
    /// Their bytes.
    pub message_bytes: u64,
    /// Documents of the registry.
    pub documents: DocumentsSize,
    /// Engine time of the last entry, ms.
    pub as_of_ms: u64,
    /// The checkpoint in force.
    pub checkpoint: Option<CheckpointInfo>,
    /// How many living messages can't be read.
    pub lost_messages: u64,
    /// Some of them.
    pub lost: Vec<LostMessage>,
    /// All of them.
    pub(super) lost_sequences: BTreeMap<QueueId, BTreeSet<u64>>,
}

impl Contents {
    /// Bytes that live: messages and checkpoint.
    #[must_use]
    pub fn live_bytes(&self) -> u64 {
        self.message_bytes + self.checkpoint.map_or(0, |checkpoint| checkpoint.bytes)
    }
}

/// A store rebuilt from its journal.
pub(super) struct Rebuilt {
    pub(super) engine: Engine,
    pub(super) checkpoint: Option<CheckpointInfo>,
}

/// Rebuilds a store from the checkpoint that the entry at `mark` names, or from the first entry where that is 0.
pub(super) fn rebuild(journal: &mut dyn Journal, mark: u64) -> Result<Rebuilt, StartError> {
    let (engine, found) = replay(journal, mark)?;
    let bytes = found.bodies.iter().map(|body| u64::from(body.len)).sum();
    let info =
        CheckpointInfo { position: Position(found.mark), replay_from: Position(found.replay_from), bytes };
    Ok(Rebuilt { engine, checkpoint: (mark != 0).then_some(info) })
}

impl Rebuilt {
    /// Reads every living message.
    pub(super) fn read(
        mut self,
        journal: &dyn Journal,
        verify: Verify<'_>,
        progress: &mut dyn Progress,
    ) -> Contents {
        let as_of_ms = journal.last_stamp().map_or(0, |stamp| stamp.time_ms);
        let queues = self.engine.describe_all(as_of_ms);
        let all: u64 = queues.iter().map(|queue| queue.visible + queue.in_flight + queue.delayed).sum();
        progress.begin("messages", all);
        let documents = self.engine.documents();
        let contents =
            Contents { queues, documents, as_of_ms, checkpoint: self.checkpoint, ..Contents::default() };
        let reader = journal.reader();
        let mut reading = Reading { reader: &*reader, verify, contents };
        for (from, to) in parts(&journal.segments()) {
            let mut bodies = self.engine.bodies_in(from, to);
            bodies.sort_unstable_by_key(|(_, _, body)| body.position);
            progress.advance(bodies.len() as u64);
            reading.read_all(&bodies);
        }
        reading.contents
    }
}

/// The whole address space, segment by segment, and what lies between them.
fn parts(segments: &[SegmentInfo]) -> Vec<(u64, u64)> {
    let mut parts = Vec::with_capacity(2 * segments.len() + 1);
    let mut at = 0;
    for segment in segments {
        parts.extend([(at, segment.base.0), (segment.base.0, segment.end.0)]);
        at = segment.end.0;
    }
    parts.push((at, u64::MAX));
    parts.retain(|(from, to)| from < to);
    parts
}

struct Reading<'a> {
    reader: &'a dyn Reader,
    verify: Verify<'a>,
    contents: Contents,
}

impl Reading<'_> {
    /// Reads messages that lie in one part of the log.
    fn read_all(&mut self, bodies: &[(QueueId, u64, BodyRef)]) {
        let Some((.., first)) = bodies.first() else { return };
        let pin = self.reader.pin(Position(first.position));
        for (queue, sequence, body) in bodies {
            self.contents.messages += 1;
            self.contents.message_bytes += u64::from(body.len);
            if let Err(why) = self.read_one(pin.as_ref(), *body) {
                self.lose(*queue, *sequence, *body, why);
            }
        }
    }

    fn read_one(&self, pin: Option<&Pin>, body: BodyRef) -> Result<(), String> {
        let pin = pin.ok_or("the segment that it lay in is not there")?;
        let bytes = pin.read(Position(body.position), body.len).map_err(|error| error.to_string())?;
        (self.verify)(&bytes)
    }

    fn lose(&mut self, id: QueueId, sequence: u64, body: BodyRef, why: String) {
        let contents = &mut self.contents;
        contents.lost_messages += 1;
        contents.lost_sequences.entry(id).or_default().insert(sequence);
        if contents.lost.len() < MAX_DESCRIBED
            && let Some(queue) = contents.queues.iter().find(|queue| queue.id == id)
        {
            let queue = queue.name.clone();
            contents.lost.push(LostMessage { queue, sequence, position: Position(body.position), why });
        }
    }
}
