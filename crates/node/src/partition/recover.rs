//! From a journal to a partition: the checkpoint, then the records since.

use super::{
    Checkpoints, Cleaning, EntropyStream, Open, Partition, PartitionOptions, Token, Upkeep, manifest_bodies,
    warn_of,
};
use crate::batch::{Kind, items};
use crate::checkpoint::{self, Manifest, Part};
use crate::clock::{EngineClock, Reading};
use crate::space::Space;
use crate::waiters::Waiters;
use bongsu_engine::{BodyRef, Engine, EntityId, Options, QueueId, Record, ReplayError};
use bongsu_journal::{Entry, Journal, JournalError, Layout, Position, Reader};
use bytes::Bytes;
use std::collections::{BTreeSet, VecDeque};

/// Why a store can't be served.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The journal can't be read.
    #[error("the journal can't be read: {0}")]
    Journal(#[from] JournalError),
    /// The journal's content makes no sense.
    #[error("the entry at {position} can't be replayed: {why}")]
    Replay {
        /// Position of the entry.
        position: u64,
        /// What is wrong.
        why: ReplayError,
    },
    /// A thread could not be started.
    #[error("a thread can't be started: {0}")]
    Thread(String),
}

/// What a journal says when it is opened.
pub struct Opening<'a> {
    journal: &'a mut dyn Journal,
    reader: std::sync::Arc<dyn Reader>,
    layout: Layout,
}

/// What replay found.
struct Replayed {
    engine: Engine,
    checkpoints: Checkpoints,
    dirty: BTreeSet<EntityId>,
}

impl<T: Token> Partition<T> {
    /// Reads a journal and takes up where it ends.
    ///
    /// # Errors
    /// The journal can't be read, or holds what this version does not understand.
    pub fn open(
        journal: &mut dyn Journal,
        options: &PartitionOptions,
        reading: Reading,
    ) -> Result<Self, StartError> {
        let mark = journal.last_stamp().map_or(0, |stamp| stamp.mark);
        Self::open_from(journal, options, reading, mark)
    }

    /// As [`Partition::open`], but from the checkpoint that the entry at `mark` names, or from the beginning where that is 0.
    ///
    /// # Errors
    /// As for [`Partition::open`].
    pub(crate) fn open_from(
        journal: &mut dyn Journal,
        options: &PartitionOptions,
        reading: Reading,
        mark: u64,
    ) -> Result<Self, StartError> {
        let (layout, limits) = (journal.layout(), journal.limits());
        let last_stamp = journal.last_stamp();
        let (reader, tail) = (journal.reader(), journal.tail());
        let mut opening = Opening { journal, reader, layout };
        let Replayed { engine, checkpoints, dirty } =
            opening.replay(Options { cooldowns: options.cooldowns }, mark)?;
        let mut space = Space::new(&opening.journal.segments());
        engine.bodies().for_each(|body| space.stored(body));
        manifest_bodies(&checkpoints.manifest, &checkpoints.head)
            .into_iter()
            .for_each(|body| space.stored(body));
        let (mut clock, jump) = EngineClock::start(reading, last_stamp.map(|stamp| stamp.time_ms));
        warn_of(jump);
        let (moment, _) = clock.moment(reading);
        let mut partition = Self {
            engine,
            clock,
            entropy: EntropyStream(options.seed),
            layout,
            limits,
            open: Open::at(tail, layout, moment),
            appending: None,
            completing: None,
            checkpoint_bytes: options.checkpoint_bytes,
            steps: options.steps,
            deferred: VecDeque::new(),
            waiters: Waiters::default(),
            space,
            dropped: Vec::new(),
            room_bytes: opening.journal.room_bytes(),
            checkpoints,
            cleaning: Cleaning::default(),
            reserve: super::Reserve::default(),
            dirty,
            draining: false,
            stopping: false,
            failed: None,
            crowd_calls: 0,
            upkeep: Upkeep { next_task_step_ms: 0, next_ms: 0, last_task: QueueId(0) },
            outputs: Vec::new(),
            spare: super::Spare::default(),
        };
        partition.estimate_checkpoint();
        partition.engine.create_store(moment, options.new_secret, &mut partition.open.batch);
        partition.after_decision(moment);
        partition.flush(reading);
        Ok(partition)
    }
}

/// What a journal's records make, from the checkpoint that the entry at `mark` names (0: from the beginning), and the bytes
/// that the checkpoint takes.
pub(crate) fn replay(journal: &mut dyn Journal, mark: u64) -> Result<(Engine, Checkpoint), StartError> {
    let (layout, reader) = (journal.layout(), journal.reader());
    let replayed = Opening { journal, reader, layout }.replay(Options::default(), mark)?;
    let Checkpoints { manifest, head, .. } = &replayed.checkpoints;
    let checkpoint =
        Checkpoint { mark, replay_from: manifest.replay_from, bodies: manifest_bodies(manifest, head) };
    Ok((replayed.engine, checkpoint))
}

/// A checkpoint, as far as somebody from outside needs to know it.
#[derive(Clone, Debug)]
pub(crate) struct Checkpoint {
    /// The entry that names its manifest.
    pub(crate) mark: u64,
    /// Where replay starts from.
    pub(crate) replay_from: u64,
    /// Its bytes.
    pub(crate) bodies: Vec<BodyRef>,
}

impl Opening<'_> {
    fn replay(&mut self, options: Options, mark: u64) -> Result<Replayed, StartError> {
        let mut engine = Engine::new(options);
        let mut checkpoints = Checkpoints::default();
        let first = self.journal.segments().first().map_or(Position::ZERO, |segment| segment.base);
        let mut from = first;
        if mark != 0 {
            (checkpoints.manifest, checkpoints.head) = self.read_manifest(mark)?;
            self.restore(&mut engine, &checkpoints.manifest)?;
            from = Position(checkpoints.manifest.replay_from);
        }
        (checkpoints.mark, checkpoints.since) = (mark, from.0);
        let mut dirty = BTreeSet::new();
        for entry in self.reader.entries(from, self.journal.tail()) {
            let entry = entry?;
            self.replay_entry(&mut engine, &entry, &checkpoints, &mut dirty)
                .map_err(|why| StartError::Replay { position: entry.position.0, why })?;
            engine.take_effects();
        }
        engine.finish_replay();
        Ok(Replayed { engine, checkpoints, dirty })
    }

    fn replay_entry(
        &self,
        engine: &mut Engine,
        entry: &Entry,
        checkpoints: &Checkpoints,
        dirty: &mut BTreeSet<EntityId>,
    ) -> Result<(), ReplayError> {
        for item in items(&entry.payload) {
            let item = item.map_err(|why| ReplayError::Malformed(why.to_owned()))?;
            if item.kind != Kind::Record {
                continue;
            }
            let record = Record::decode(item.head)?;
            let entity = record.entity();
            let at = self.layout.within(entry.position, item.offset).0;
            let held = checkpoints.manifest.entities.get(&entity).is_some_and(|snapshot| at < snapshot.as_of);
            #[cfg(feature = "planted")]
            let held = held && !crate::planted::is(crate::planted::Fault::RepeatRecords);
            if held {
                continue;
            }
            let position = self.layout.within(entry.position, item.carried_offset).0;
            let body = BodyRef { position, len: item.carried.len() as u32 };
            match engine.apply(&record, body) {
                Ok(()) => _ = dirty.insert(entity),
                // A queue that was deleted while the checkpoint was made is not in it, but its last records may be
                // among those to replay.
                Err(ReplayError::UnknownEntity(_)) if entry.position.0 <= checkpoints.mark => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads the manifest that the entry at `mark` names; also says which bytes it takes itself.
    fn read_manifest(&self, mark: u64) -> Result<(Manifest, Vec<BodyRef>), StartError> {
        let wrong =
            |why: &str| StartError::Replay { position: mark, why: ReplayError::Malformed(why.to_owned()) };
        let mut entries = self.reader.entries(Position(mark), self.journal.tail());
        let entry =
            entries.next().ok_or_else(|| wrong("no checkpoint where the log says that there is one"))??;
        let found = items(&entry.payload).filter_map(Result::ok).find(|item| item.kind == Kind::Manifest);
        let item = found.ok_or_else(|| wrong("no manifest in the entry that should have one"))?;
        let at = |why| StartError::Replay { position: mark, why };
        let parts = checkpoint::manifest_parts(item.carried).map_err(at)?;
        let manifest = checkpoint::manifest(&self.read_parts(&parts)?).map_err(at)?;
        let position = self.layout.within(entry.position, item.carried_offset).0;
        let own = BodyRef { position, len: item.carried.len() as u32 };
        Ok((manifest, parts.iter().map(|part| part.at).chain([own]).collect()))
    }

    fn restore(&self, engine: &mut Engine, manifest: &Manifest) -> Result<(), StartError> {
        for (entity, snapshot) in &manifest.entities {
            let bytes = self.read_parts(&snapshot.parts)?;
            engine
                .restore(*entity, &bytes)
                .map_err(|why| StartError::Replay { position: snapshot.as_of, why })?;
        }
        Ok(())
    }

    fn read_parts(&self, parts: &[Part]) -> Result<Vec<u8>, StartError> {
        let mut all = Vec::new();
        for part in parts {
            let bytes: Bytes = read(&*self.reader, part.at)?;
            let checked =
                part.check(&bytes).map_err(|why| StartError::Replay { position: part.at.position, why })?;
            all.extend_from_slice(checked);
        }
        Ok(all)
    }
}

fn read(reader: &dyn Reader, body: BodyRef) -> Result<Bytes, JournalError> {
    let at = Position(body.position);
    reader.pin(at).ok_or(JournalError::Missing(at))?.read(at, body.len)
}
