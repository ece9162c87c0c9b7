//! The cleaner: deletes segments in which nothing lives, and empties those in which little does.

use super::{Output, Partition, Token};
use crate::clock::Reading;
use bongsu_engine::{BodyRef, QueueId, Relocation};
use bongsu_journal::{AppendError, Position, SegmentInfo};
use std::collections::VecDeque;

/// A segment is not ended early for less than this fraction of one.
const LEAST_GAIN: u64 = 256;

/// A segment being emptied.
#[derive(Debug)]
pub(super) struct Cleaning {
    pub(super) left: VecDeque<(QueueId, u64, BodyRef)>,
    /// Bytes are being read, or wait to be written again.
    busy: bool,
    waiting: Option<(QueueId, Vec<Relocation>)>,
    /// A checkpoint came into force since the last segment was emptied: looking for the next one is worth it.
    pub(super) rested: bool,
    last: u64,
    /// How many messages are being read.
    reading: usize,
    /// Everything that was to move from the last segment could be read.
    complete: bool,
}

impl Default for Cleaning {
    fn default() -> Self {
        Self {
            left: VecDeque::new(),
            busy: false,
            waiting: None,
            rested: true,
            last: u64::MAX,
            reading: 0,
            complete: false,
        }
    }
}

impl<T: Token> Partition<T> {
    /// Deletes what is dead; starts and continues to empty segments while the log, with what is allocated ahead of it, is over
    /// twice what lives in it plus two segments.
    pub(super) fn maintain_space(&mut self) {
        self.account_for_dropped();
        let needed_from = self.needed_from();
        while let Some(base) = self.space.take_dead(needed_from) {
            self.outputs.push(Output::DeleteSegment(Position(base)));
        }
        if self.cleaning.busy {
            return;
        }
        if self.cleaning.left.is_empty() {
            self.choose_segment();
        }
        // What is below the floor is not for copies, which may take more than was thought.
        if self.room_bytes >= self.floor_bytes() {
            self.read_slice();
        }
    }

    /// What the journal has allocated beyond the log's end, which takes up disk as entries do. One with room without end has
    /// allocated nothing.
    fn allocated_ahead_bytes(&self) -> u64 {
        if self.room_bytes == u64::MAX { 0 } else { self.room_bytes.min(2 * self.limits.segment_bytes) }
    }

    fn choose_segment(&mut self) {
        let (all, live) = self.space.totals();
        let needed_from = self.needed_from();
        self.estimate_checkpoint();
        let low = self.is_low_on_room();
        // On a full disk whatever can be gained is gained.
        if low {
            if !self.space.has_sparse() {
                return;
            }
        } else if all + self.allocated_ahead_bytes() <= 2 * live + 2 * self.limits.segment_bytes {
            return;
        }
        let spendable_bytes = if low { self.spendable_bytes() } else { u64::MAX };
        let emptiest = self.space.emptiest(needed_from);
        let was_emptied = |base| !self.cleaning.rested && base == self.cleaning.last;
        // What still lives in a segment from which all messages moved are snapshots.
        let only_snapshots =
            emptiest.is_some_and(|segment| was_emptied(segment.base) && self.cleaning.complete);
        let next = emptiest
            .filter(|segment| !was_emptied(segment.base))
            .filter(|segment| segment.live_bytes <= spendable_bytes);
        if let Some(segment) = next {
            self.cleaning.last = segment.base;
            (self.cleaning.rested, self.cleaning.complete) = (false, true);
            self.cleaning.left = self.engine.bodies_in(segment.base, segment.end).into();
        }
        // What no copying frees, a checkpoint does: old snapshots, and segments that replay still needs.
        if self.cleaning.left.is_empty()
            && (next.is_some() || only_snapshots || self.space.has_sealed_after(needed_from))
            && (!low || self.has_room_for_checkpoint())
        {
            self.checkpoints.wanted = true;
        }
    }

    /// What is dead in the active segment is given back as in others, once a new one takes its place. That is done on a full
    /// disk when nothing else is to be gained, and little lives there that would have to move.
    pub(super) fn roll_when_full(&mut self) {
        let waits = self.reserve.rolling || self.space.has_sealed_after(self.needed_from());
        if !self.is_low_on_room() || waits || !self.checkpoints.is_resting() {
            return;
        }
        let Some(active) = self.space.active() else { return };
        let checkpoint_bytes = self.checkpoint_bytes_ahead();
        // What lives there of snapshots does not move: the next checkpoint takes its place.
        let (manifest, head) = (&self.checkpoints.manifest, &self.checkpoints.head);
        let snapshots = manifest.bodies().chain(head.iter().copied());
        let snapshots = snapshots.filter(|body| body.position >= active.base);
        let snapshot_bytes: u64 = snapshots.map(|body| u64::from(body.len)).sum();
        let moving_bytes = active.live_bytes.saturating_sub(snapshot_bytes);
        let dead_bytes = active.bytes().saturating_sub(active.live_bytes);
        let least_bytes = (self.limits.segment_bytes / LEAST_GAIN).max(2 * checkpoint_bytes);
        if dead_bytes >= least_bytes && moving_bytes * 4 <= active.bytes() {
            self.reserve.rolling = true;
            let written_bytes = checkpoint_bytes + moving_bytes;
            let needed_bytes = self.last_bytes() + written_bytes + written_bytes / 4;
            self.outputs.push(Output::Roll { needed_bytes, kept_bytes: self.floor_bytes() });
        }
    }

    /// The journal has begun a new segment, as [`Output::Roll`] asked for, or had no space for that.
    pub fn rolled(&mut self, result: Result<Option<SegmentInfo>, AppendError>) {
        self.reserve.rolling = false;
        match result {
            Ok(None) => {}
            Ok(Some(sealed)) => {
                self.space.grown(sealed.end.0, Some(sealed));
                // Replay has to begin after it before it can go.
                self.checkpoints.wanted = true;
            }
            Err(error) => self.fail(error.to_string()),
        }
    }

    fn read_slice(&mut self) {
        let Some((queue, ..)) = self.cleaning.left.front().copied() else { return };
        let (mut slice, mut bytes) = (Vec::new(), 0);
        while let Some((_, sequence, body)) =
            self.cleaning.left.front().copied().filter(|(owner, ..)| *owner == queue)
        {
            if !slice.is_empty() && bytes + u64::from(body.len) > self.steps.slice_bytes as u64 {
                break;
            }
            bytes += u64::from(body.len);
            slice.push((sequence, body));
            self.cleaning.left.pop_front();
        }
        (self.cleaning.busy, self.cleaning.reading) = (true, slice.len());
        self.outputs.push(Output::Read(queue, slice));
    }

    /// The bytes that [`Output::Read`] asked for (without those that could not be read).
    pub fn copied(&mut self, reading: Reading, queue: QueueId, found: Vec<Relocation>) {
        self.cleaning.complete &= found.len() == self.cleaning.reading;
        self.cleaning.waiting = Some((queue, found));
        self.write_copies(reading);
    }

    /// Writes copies again as soon as they fit; call it when a new batch is open.
    pub(super) fn write_copies(&mut self, reading: Reading) {
        let Some((_, found)) = &self.cleaning.waiting else { return };
        let bytes: usize = found.iter().map(|one| one.bytes.len() + 64).sum();
        if self.failed.is_some() || !(self.open.batch.is_empty() || self.has_space_for(bytes)) {
            return;
        }
        let moment = self.moment(reading);
        if let Some((queue, found)) = self.cleaning.waiting.take() {
            self.engine.relocate(moment, queue, &found, &mut self.open.batch);
            self.cleaning.busy = false;
            self.after_decision(moment);
        }
    }
}
