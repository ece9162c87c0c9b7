//! How large the records of a command can become, known before it is decided: a command's records lie in one entry of the
//! journal, which holds only so much.

use crate::Engine;
use crate::command::{Command, Outgoing, StringMap};
use crate::names::QueueName;
use crate::registry::DocumentChange;

/// What a record takes beside texts and bytes, at most: the log's own header, numbers, lengths.
const RECORD_BYTES: usize = 128;
/// What each text, message or receipt takes in a record beside its bytes, at most: lengths, numbers.
const PART_BYTES: usize = 32;

impl Engine {
    /// At most so many bytes a command's records take for what the command carries, and for what its queue holds already where
    /// that is written again with it. Records about messages that are there (receives, dead letters) are not counted: how many
    /// one command writes is bounded by the engine.
    pub fn carried_bytes(&self, command: &Command) -> usize {
        match command {
            Command::CreateQueue { name, attributes, tags } => {
                RECORD_BYTES + name_bytes(name) + map_bytes(attributes) + map_bytes(tags)
            }
            Command::SetAttributes { name, attributes } => {
                RECORD_BYTES
                    + map_bytes(attributes)
                    + self.kept_attributes(name, |key| attributes.contains_key(key))
            }
            Command::SetPolicy { name, policy, .. } => {
                let policy_bytes = policy.as_ref().map_or(0, String::len);
                RECORD_BYTES + PART_BYTES + policy_bytes + self.kept_attributes(name, |key| key == "Policy")
            }
            Command::TagQueue { name, tags } => {
                RECORD_BYTES + map_bytes(tags) + self.kept_tags(name, |key| tags.contains_key(key))
            }
            Command::UntagQueue { name, .. } => RECORD_BYTES + self.kept_tags(name, |_| false),
            Command::Send { messages, .. } => messages.iter().map(message_bytes).sum(),
            Command::StartMoveTask { destination, .. } => {
                RECORD_BYTES + destination.as_ref().map_or(0, name_bytes)
            }
            Command::DeleteQueue(name) => 2 * RECORD_BYTES + name_bytes(name),
            Command::Delete { receipts, .. } => receipts.len() * RECORD_BYTES,
            Command::ChangeVisibility { changes, .. } => changes.len() * RECORD_BYTES,
            Command::ChangeDocuments { changes } => {
                RECORD_BYTES + changes.iter().map(change_bytes).sum::<usize>()
            }
            // A message's removal, and its arrival elsewhere under a group of at most 128 bytes.
            Command::Operate { messages, .. } => messages.len() * (2 * RECORD_BYTES + 128),
            Command::PurgeQueue(_) | Command::CancelMoveTask(_) | Command::Receive(_) => RECORD_BYTES,
            Command::Describe(_)
            | Command::ListQueues { .. }
            | Command::ListSources { .. }
            | Command::ListMoveTasks { .. }
            | Command::Peek { .. }
            | Command::Survey { .. }
            | Command::ListDocuments { .. } => 0,
        }
    }

    fn kept_attributes(&self, name: &QueueName, is_replaced: impl Fn(&str) -> bool) -> usize {
        self.queue(name).map_or(0, |queue| kept_bytes(&queue.attributes, is_replaced))
    }

    fn kept_tags(&self, name: &QueueName, is_replaced: impl Fn(&str) -> bool) -> usize {
        self.queue(name).map_or(0, |queue| kept_bytes(&queue.tags, is_replaced))
    }
}

fn name_bytes(name: &QueueName) -> usize {
    3 * PART_BYTES + name.account.len() + name.region.len() + name.name.len()
}

fn map_bytes(map: &StringMap) -> usize {
    kept_bytes(map, |_| false)
}

fn kept_bytes(map: &StringMap, is_replaced: impl Fn(&str) -> bool) -> usize {
    let kept = map.iter().filter(|(key, _)| !is_replaced(key));
    kept.map(|(key, value)| 2 * PART_BYTES + key.len() + value.len()).sum()
}

fn message_bytes(message: &Outgoing) -> usize {
    RECORD_BYTES + message.group.as_ref().map_or(0, String::len) + message.stored.len()
}

fn change_bytes(change: &DocumentChange) -> usize {
    PART_BYTES + change.size_bytes() as usize
}
