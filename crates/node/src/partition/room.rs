//! What is still done when the journal runs out of room, in the order in which it is given up: sends first, then
//! everything but what makes room.

use super::documents::adds;
use super::{Partition, Token};
use crate::error::CallError;
use bongsu_engine::{Act, Command, EngineError};

const FULL: &str = "the disk is full: only receives and deletes are served";
const NEARLY_OUT: &str =
    "the disk is full, and the reserve is nearly used up: only deletes and purges are served";

/// What the room that is left is kept for.
#[derive(Debug, Default)]
pub(super) struct Reserve {
    /// What the next checkpoint may take: what lives is given back only when one is written.
    checkpoint_bytes: u64,
    /// A new segment was asked for.
    pub(super) rolling: bool,
    /// What the log was told last.
    says_low: bool,
    says_nearly_out: bool,
    pub(super) says_stuck: bool,
}

/// What a checkpoint takes beside snapshots of messages: queues, the manifest.
const CHECKPOINT_BASE_BYTES: u64 = 64 << 10;

/// What a segment has no space for, at most, because of its own header.
const SEGMENT_HEADER_BYTES: u64 = 4096;

impl<T: Token> Partition<T> {
    /// With little space left nothing new is taken in, so that receives, deletes and the cleaner can go on. With next to
    /// none, only what makes space.
    pub(super) fn refuse_growth(&self, command: &Command) -> Result<(), CallError> {
        self.refuse_what_never_fits(command)?;
        let refused = match command {
            Command::Send { .. }
            | Command::CreateQueue { .. }
            | Command::TagQueue { .. }
            | Command::SetAttributes { .. }
            | Command::SetPolicy { .. }
            | Command::StartMoveTask { .. }
            | Command::Operate { act: Act::Move { .. }, .. } => self.is_low_on_room().then_some(FULL),
            // What only removes is done, as deletes are.
            Command::ChangeDocuments { changes } if adds(changes) => self.is_low_on_room().then_some(FULL),
            Command::Receive(_) | Command::ChangeVisibility { .. } => {
                self.is_nearly_out_of_room().then_some(NEARLY_OUT)
            }
            _ => None,
        };
        refused.map_or(Ok(()), |reason| Err(CallError::Unavailable(reason.into())))
    }

    /// A command's records lie in one entry. One that is too large would otherwise end the journal, and all service with it.
    fn refuse_what_never_fits(&self, command: &Command) -> Result<(), CallError> {
        let bytes = self.engine.carried_bytes(command) + self.steps.records_bytes;
        if bytes <= self.limits.max_payload_bytes as usize {
            return Ok(());
        }
        Err(CallError::Engine(match command {
            Command::ChangeDocuments { .. } => {
                EngineError::DocumentLimit("the changes of a command are larger than the journal's entries")
            }
            Command::Send { .. } => EngineError::Throttled("a batch larger than the journal's entries"),
            _ => EngineError::Throttled("a command larger than the journal's entries"),
        }))
    }

    /// Below this much room nothing new is taken in. At most half a segment: a journal with space always has that much.
    pub(super) fn reserve_bytes(&self) -> u64 {
        // On a small disk segments have just that size: an empty one, less its header, has to be enough.
        (self.limits.segment_bytes / 4).saturating_sub(SEGMENT_HEADER_BYTES)
            + 2 * self.reserved_for_checkpoint()
    }

    /// Below this much room the reserve is kept for deletes and the checkpoint that gives back what they delete: neither
    /// receives nor the cleaner go on.
    pub(super) fn floor_bytes(&self) -> u64 {
        self.limits.segment_bytes / 16 + self.reserved_for_checkpoint()
    }

    /// So much a checkpoint leaves to deletes.
    pub(super) fn last_bytes(&self) -> u64 {
        self.limits.segment_bytes / 64
    }

    /// What is kept beyond that for the next checkpoint; a small one fits as it is.
    fn reserved_for_checkpoint(&self) -> u64 {
        let segment_bytes = self.limits.segment_bytes;
        self.reserve.checkpoint_bytes.saturating_sub(segment_bytes / 32).min(segment_bytes / 8)
    }

    /// What the next checkpoint may take.
    pub(super) fn checkpoint_bytes_ahead(&self) -> u64 {
        self.reserve.checkpoint_bytes
    }

    /// Estimates the next checkpoint: as large as the last one, as snapshots grow slowly, but no larger than the messages
    /// that are left account for, as they may have been consumed since. How much documents take is known.
    pub(super) fn estimate_checkpoint(&mut self) {
        let (_, live_bytes) = self.space.totals();
        let last_bytes = self.checkpoints.manifest.bytes();
        let message_bytes = live_bytes.saturating_sub(last_bytes);
        let last_bytes = last_bytes.saturating_sub(self.documents_bytes_of_checkpoint());
        let most_bytes = 2 * message_bytes + CHECKPOINT_BASE_BYTES.min(self.limits.segment_bytes / 16);
        let of_messages_bytes = last_bytes.max(message_bytes / 64).min(most_bytes);
        self.reserve.checkpoint_bytes = of_messages_bytes + self.documents_bytes_ahead();
        self.say_what_changed();
    }

    /// Whether a checkpoint of the expected size can be completed, with something left for deletes.
    pub(super) fn has_room_for_checkpoint(&self) -> bool {
        let bytes = self.checkpoint_bytes_ahead();
        self.room_bytes >= bytes + bytes / 4 + self.last_bytes()
    }

    /// Whether the next part of a checkpoint leaves something for deletes; and for receives, unless all that is missing of the
    /// checkpoint will probably fit: one that does not come to its end gives nothing back.
    pub(super) fn has_room_for_part(&self, part_bytes: usize, written_bytes: u64) -> bool {
        let missing_bytes = self.checkpoint_bytes_ahead().saturating_sub(written_bytes);
        let fits = self.room_bytes >= missing_bytes + missing_bytes / 4 + self.last_bytes();
        let left_bytes = if fits { self.last_bytes() } else { self.floor_bytes() };
        self.room_bytes >= (self.open.batch.len() + part_bytes) as u64 + left_bytes
    }

    /// How much room the journal has, learned outside of an append.
    pub fn set_room(&mut self, room_bytes: u64) {
        self.room_bytes = room_bytes;
        self.say_what_changed();
    }

    /// Says in the log that the disk is full, or that it is not any more: once, however many requests are refused.
    fn say_what_changed(&mut self) {
        let is_nearly_out = self.is_nearly_out_of_room();
        if std::mem::replace(&mut self.reserve.says_nearly_out, is_nearly_out) != is_nearly_out {
            match is_nearly_out {
                true => tracing::warn!(room_bytes = self.room_bytes, "{NEARLY_OUT}"),
                false => tracing::info!(room_bytes = self.room_bytes, "receives are served again"),
            }
        }
        let is_low = self.is_low_on_room();
        if std::mem::replace(&mut self.reserve.says_low, is_low) == is_low {
            return;
        }
        if is_low {
            tracing::warn!(room_bytes = self.room_bytes, "{FULL}");
        } else {
            tracing::info!(room_bytes = self.room_bytes, "the disk has space again: everything is served");
        }
    }

    /// Says that an append found no space, once until one does.
    pub(super) fn say_that_nothing_goes_on(&mut self) {
        if !std::mem::replace(&mut self.reserve.says_stuck, true) {
            tracing::error!("no space is left on the disk: nothing is answered until there is");
        }
    }

    /// Whether room is so low that nothing new is taken in; the journal should be asked again now and then.
    pub fn is_low_on_room(&self) -> bool {
        self.room_bytes < self.reserve_bytes()
    }

    /// Whether room is so low that receives are refused too.
    pub fn is_nearly_out_of_room(&self) -> bool {
        self.room_bytes < self.floor_bytes()
    }

    /// What the cleaner may copy at a time of little room, beside what receives and deletes need. Records about the copies
    /// take something too.
    pub(super) fn spendable_bytes(&self) -> u64 {
        self.room_bytes.saturating_sub(self.floor_bytes()) / 4 * 3
    }
}
