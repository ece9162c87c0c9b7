//! When checkpoints are made, and what they set free.

use super::{Output, PART_HEADER_BYTES, Partition, Token, manifest_bodies};
use crate::checkpoint::{Manifest, Next, Round};
use bongsu_engine::{BodyRef, EntityId};
use bongsu_journal::{Position, Stamp};
use std::collections::{BTreeMap, VecDeque};

/// The checkpoint in force, and the one being made.
#[derive(Debug, Default)]
pub(super) struct Checkpoints {
    pub(super) manifest: Manifest,
    /// The manifest's own bytes.
    pub(super) head: Vec<BodyRef>,
    /// The entry that names the manifest in force; 0: none.
    pub(super) mark: u64,
    /// Up to where the log had grown when the last round began.
    pub(super) since: u64,
    /// Something waits for a checkpoint to be set free.
    pub(super) wanted: bool,
    round: Option<Round>,
    /// An entity that is being encoded, and as of which position.
    frozen: Option<(EntityId, u64)>,
    /// A complete round whose mark no durable entry carries yet.
    completed: Option<(Round, u64)>,
}

impl Checkpoints {
    /// What every entry says about where the checkpoint lies.
    pub(super) fn mark(&self) -> u64 {
        self.completed.as_ref().map_or(self.mark, |(_, mark)| *mark)
    }

    /// A checkpoint takes effect when an entry carries its mark; if nobody sends one, an empty one has to do.
    pub(super) fn wants_mark(&self) -> bool {
        self.completed.is_some()
    }

    pub(super) fn is_resting(&self) -> bool {
        self.round.is_none() && self.completed.is_none()
    }
}

/// The log grows by at least this many times the size of the last checkpoint before the next: a checkpoint may cost a quarter of
/// what is written beside it, and a start has to replay no more than this many times what it reads as snapshots.
const CHECKPOINT_FACTOR: u64 = 4;

impl<T: Token> Partition<T> {
    /// The bytes of the entity that [`Output::Encode`] asked for.
    pub fn encoded(&mut self, entity: EntityId, bytes: Vec<u8>) {
        let checkpoints = &mut self.checkpoints;
        if let Some((_, as_of)) = checkpoints.frozen.take_if(|(frozen, _)| *frozen == entity)
            && let Some(round) = &mut checkpoints.round
        {
            round.encoded(entity, as_of, bytes);
        }
    }

    /// Takes the next step of a checkpoint. `true`: the open batch completes it.
    pub(super) fn step_checkpoint(&mut self) -> bool {
        self.begin_round_if_due();
        loop {
            let frozen = self.checkpoints.frozen.is_some();
            let Some(round) = &mut self.checkpoints.round else { return false };
            match round.next(frozen) {
                Next::Wait => return false,
                Next::Write => {
                    let part_bytes = round.next_bytes(self.steps.slice_bytes);
                    let written_bytes = round.written_bytes();
                    if !self.has_space_for(PART_HEADER_BYTES)
                        || !self.has_room_for_part(part_bytes, written_bytes)
                    {
                        return false;
                    }
                    let Some(round) = &mut self.checkpoints.round else { return false };
                    let completes = round.write(&mut self.open.batch, self.steps.slice_bytes);
                    if completes && let Some(round) = self.checkpoints.round.take() {
                        self.checkpoints.completed = None;
                        self.checkpoints.wanted = false;
                        self.completing = Some(round);
                    }
                    return completes;
                }
                Next::Freeze(entity) => self.freeze(entity),
            }
        }
    }

    fn freeze(&mut self, entity: EntityId) {
        // An entity that was deleted since the round began needs no snapshot.
        let Some(frozen) = self.engine.freeze(entity) else { return };
        self.dirty.remove(&entity);
        let as_of = self.open.batch.next_item();
        #[cfg(feature = "planted")]
        let as_of = as_of + u64::from(crate::planted::is(crate::planted::Fault::SkipOneRecord));
        self.checkpoints.frozen = Some((entity, as_of));
        self.outputs.push(Output::Encode(entity, Box::new(frozen)));
    }

    fn begin_round_if_due(&mut self) {
        let grown = self.open.batch.position().0.saturating_sub(self.checkpoints.since);
        let due = grown >= self.checkpoint_bytes.max(CHECKPOINT_FACTOR * self.checkpoints.manifest.bytes());
        // On a full disk one that does not fit would only use up what deletes need.
        let due = due && (!self.is_low_on_room() || self.has_room_for_checkpoint());
        if !self.checkpoints.is_resting() || !(due || self.checkpoints.wanted) {
            return;
        }
        let mut kept = BTreeMap::new();
        let mut left = VecDeque::new();
        for entity in self.engine.entities() {
            let changed = self.dirty.contains(&entity);
            #[cfg(feature = "planted")]
            let changed = changed && !crate::planted::is(crate::planted::Fault::KeepOldSnapshots);
            // The directory is small, and must know every identity that was given out before the round.
            let snapshot =
                self.checkpoints.manifest.entities.get(&entity).filter(|_| entity != EntityId::Directory);
            let stays = |parts: &[crate::checkpoint::Part]| {
                !parts.iter().any(|part| self.space.is_sparse(part.at.position))
            };
            match snapshot {
                Some(snapshot) if !changed && stays(&snapshot.parts) => {
                    _ = kept.insert(entity, snapshot.clone())
                }
                _ => left.push_back(entity),
            }
        }
        let replay_from = self.open.batch.position().0;
        self.checkpoints.since = replay_from;
        self.checkpoints.round = Some(Round::begin(replay_from, kept, left));
    }

    /// An entry is durable: a checkpoint may have become complete, or have come into force.
    pub(super) fn checkpoint_progress(&mut self, position: Position, stamp: Stamp, has_manifest: bool) {
        if has_manifest && let Some(round) = self.completing.take() {
            self.checkpoints.completed = Some((round, position.0));
            return;
        }
        let in_force = |(_, mark): &mut (Round, u64)| stamp.mark == *mark;
        let Some((round, mark)) = self.checkpoints.completed.take_if(in_force) else { return };
        let (manifest, written) = round.complete();
        let in_manifest: Vec<BodyRef> = manifest.bodies().collect();
        let head: Vec<BodyRef> = written.into_iter().filter(|body| !in_manifest.contains(body)).collect();
        for old in manifest_bodies(&self.checkpoints.manifest, &self.checkpoints.head) {
            self.space.freed(old);
        }
        let counted = manifest_bodies(&manifest, &head).into_iter();
        #[cfg(feature = "planted")]
        let counted = counted.filter(|_| !crate::planted::is(crate::planted::Fault::ForgetSnapshotBytes));
        for new in counted {
            self.space.stored(new);
        }
        (self.checkpoints.manifest, self.checkpoints.head, self.checkpoints.mark) = (manifest, head, mark);
        self.cleaning.rested = true;
    }

    /// Replay starts here: segments before it are needed only for what lives in them.
    pub(super) fn needed_from(&self) -> u64 {
        self.checkpoints.manifest.replay_from
    }
}
