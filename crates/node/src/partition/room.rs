//! What is still done when the journal runs out of room, in the order in which it is given up: sends first, then
//! everything but what makes room.

use super::{Partition, Token};
use crate::error::CallError;
use bongsu_engine::{Command, EngineError};

const FULL: &str = "the disk is full: only receives and deletes are served";
const NEARLY_OUT: &str =
    "the disk is full, and the reserve is nearly used up: only deletes and purges are served";

impl<T: Token> Partition<T> {
    /// With little space left nothing new is taken in, so that receives, deletes and the cleaner can go on. With next to
    /// none, only what makes space.
    pub(super) fn refuse_growth(&self, command: &Command) -> Result<(), CallError> {
        if let Command::Send { messages, .. } = command {
            let bytes: usize = messages.iter().map(|message| message.stored.len()).sum();
            if bytes + self.steps.records_bytes > self.limits.max_payload_bytes as usize {
                return Err(CallError::Engine(EngineError::Throttled(
                    "a batch larger than the journal's entries",
                )));
            }
        }
        let refused = match command {
            Command::Send { .. }
            | Command::CreateQueue { .. }
            | Command::TagQueue { .. }
            | Command::SetAttributes { .. }
            | Command::SetPolicy { .. }
            | Command::StartMoveTask { .. } => self.is_low_on_room().then_some(FULL),
            Command::Receive(_) | Command::ChangeVisibility { .. } => {
                (self.room_bytes < self.floor_bytes()).then_some(NEARLY_OUT)
            }
            _ => None,
        };
        refused.map_or(Ok(()), |reason| Err(CallError::Unavailable(reason.into())))
    }

    /// Below this much room nothing new is taken in.
    pub(super) fn reserve_bytes(&self) -> u64 {
        self.limits.segment_bytes / 4
    }

    /// Below this much room the reserve is kept for deletes: neither receives nor the cleaner nor checkpoints go on.
    pub(super) fn floor_bytes(&self) -> u64 {
        self.reserve_bytes() / 4
    }

    /// How much room the journal has, learned outside of an append.
    pub fn set_room(&mut self, room_bytes: u64) {
        let was_low = self.is_low_on_room();
        self.room_bytes = room_bytes;
        match (was_low, self.is_low_on_room()) {
            (false, true) => tracing::error!("{FULL}"),
            (true, false) => tracing::info!("the disk has space again: everything is served"),
            _ => {}
        }
    }

    /// Whether room is so low that nothing new is taken in; the journal should be asked again now and then.
    pub fn is_low_on_room(&self) -> bool {
        self.room_bytes < self.reserve_bytes()
    }

    /// What the cleaner may write at a time of little room: copies have to fit beside what deletes need.
    pub(super) fn spendable_bytes(&self) -> u64 {
        self.room_bytes.saturating_sub(self.floor_bytes()) / 2
    }
}
