//! What happened: the lines of the journal that [`crate::Engine::apply`] makes true, live and in replay alike.
//!
//! Each record is about one entity, so that replay can skip those that an entity's snapshot already holds. The
//! encoding is postcard's; variants and fields are only ever added at the end (see `docs/journal-format.md`).

use crate::command::{Moved, StringMap, TaskStatus};
use crate::names::{BodyRef, QueueId, QueueName};
use crate::registry::DocumentWrite;
use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    /// (Directory) The store was made; the secret seals what clients carry around.
    StoreCreated {
        /// Random.
        secret: [u8; 32],
    },
    /// (Directory) A queue's name became free; it can't be taken again for 60 s.
    NameReleased {
        /// The name.
        name: QueueName,
        /// Engine time.
        at_ms: u64,
    },
    /// A queue began.
    QueueCreated {
        /// Its identity.
        queue: QueueId,
        /// Its name.
        name: QueueName,
        /// Attributes as given.
        attributes: StringMap,
        /// Tags as given.
        tags: StringMap,
        /// Wall ms.
        created_wall_ms: u64,
        /// Random; keys the deduplication hashes.
        key: u64,
    },
    /// A queue ended, with all in it.
    QueueDeleted {
        /// Which.
        queue: QueueId,
    },
    /// The attributes are now these.
    AttributesSet {
        /// Which queue.
        queue: QueueId,
        /// All of them.
        attributes: StringMap,
        /// Wall ms.
        modified_wall_ms: u64,
    },
    /// The tags are now these.
    TagsSet {
        /// Which queue.
        queue: QueueId,
        /// All of them.
        tags: StringMap,
    },
    /// All messages went, and the deduplication window with them.
    Purged {
        /// Which queue.
        queue: QueueId,
        /// Engine time.
        at_ms: u64,
    },
    /// A message came in. (Carries the stored message.)
    Sent {
        /// Which queue.
        queue: QueueId,
        /// Its number.
        sequence: u64,
        /// Engine time.
        enqueued_ms: u64,
        /// Engine time at which it can be received; 0: at once.
        due_ms: u64,
        /// Its group or tenant.
        group: Option<String>,
        /// Hash under which a resend is recognised; 0: none.
        deduplication_key: u128,
        /// To answer a resend with.
        message_id: [u8; 16],
    },
    /// Messages were handed out.
    Received {
        /// Which queue.
        queue: QueueId,
        /// Sequence and lane of each, in order.
        picks: Vec<(u64, u32)>,
        /// Goes into their receipt handles.
        nonce: u64,
        /// Engine time of the receive.
        at_ms: u64,
        /// Engine time at which they come back.
        visible_at_ms: u64,
        /// Wall time, for ApproximateFirstReceiveTimestamp.
        wall_ms: u64,
        /// Hash of the ReceiveRequestAttemptId; 0: none.
        attempt_key: u128,
    },
    /// A receive was repeated under its attempt id.
    ReceivedAgain {
        /// Which queue.
        queue: QueueId,
        /// The attempt.
        attempt_key: u128,
        /// Engine time at which they come back.
        visible_at_ms: u64,
    },
    /// Messages were deleted by their receivers, expired, or left for another queue.
    Removed {
        /// Which queue.
        queue: QueueId,
        /// Sequence and lane of each.
        messages: Vec<(u64, u32)>,
        /// Engine time.
        at_ms: u64,
    },
    /// A message in flight comes back at another time.
    VisibilityChanged {
        /// Which queue.
        queue: QueueId,
        /// Its number.
        sequence: u64,
        /// Engine time.
        at_ms: u64,
        /// Engine time at which it comes back.
        visible_at_ms: u64,
    },
    /// A message came from another queue; its bytes stay where they lie.
    Arrived {
        /// Which queue.
        queue: QueueId,
        /// Its number here.
        sequence: u64,
        /// Where its bytes lie.
        body: BodyRef,
        /// Engine time that retention counts from.
        enqueued_ms: u64,
        /// Its group or tenant.
        group: Option<String>,
        /// Goes on counting.
        receive_count: u32,
        /// Wall ms; 0: none.
        first_received_wall_ms: u64,
        /// What the move changed.
        moved: Arc<Moved>,
    },
    /// The cleaner copied messages to the end of the log. (Carries their bytes, one after the other.)
    Relocated {
        /// Which queue.
        queue: QueueId,
        /// Where they lay, in the order of the bytes carried.
        from: Vec<(u64, BodyRef)>,
    },
    /// A move task began.
    TaskStarted {
        /// The source queue.
        queue: QueueId,
        /// Its number.
        number: u64,
        /// Random.
        nonce: u64,
        /// The destination asked for.
        destination: Option<QueueName>,
        /// The velocity asked for.
        max_per_second: Option<u32>,
        /// Messages there.
        to_move: u64,
        /// Moves messages below this number.
        below_sequence: u64,
        /// Engine time.
        at_ms: u64,
        /// Wall ms.
        wall_ms: u64,
    },
    /// A move task moved messages.
    TaskProgressed {
        /// The source queue.
        queue: QueueId,
        /// Its number.
        number: u64,
        /// How many this time.
        moved: u64,
        /// Thousandths of a message that it may move on account.
        credit_milli: u64,
        /// Engine time.
        at_ms: u64,
    },
    /// A move task ended.
    TaskEnded {
        /// The source queue.
        queue: QueueId,
        /// Its number.
        number: u64,
        /// How.
        status: TaskStatus,
        /// Legacy error code, where it failed.
        failure: Option<String>,
    },
    /// (Registry) Documents were made, replaced or removed, all at once.
    DocumentsChanged {
        /// Version of the first change; the others count on from it.
        first_version: u64,
        /// The changes, each of another document.
        changes: Vec<DocumentWrite>,
    },
}

/// The entity that a record or a snapshot is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EntityId {
    /// What belongs to no queue: names that were released, the next identity, the secret.
    Directory,
    /// One queue.
    Queue(QueueId),
    /// Documents.
    Registry,
}

impl Record {
    /// Whom it is about.
    pub fn entity(&self) -> EntityId {
        match self {
            Self::StoreCreated { .. } | Self::NameReleased { .. } => EntityId::Directory,
            Self::QueueCreated { queue, .. }
            | Self::QueueDeleted { queue }
            | Self::AttributesSet { queue, .. }
            | Self::TagsSet { queue, .. }
            | Self::Purged { queue, .. }
            | Self::Sent { queue, .. }
            | Self::Received { queue, .. }
            | Self::ReceivedAgain { queue, .. }
            | Self::Removed { queue, .. }
            | Self::VisibilityChanged { queue, .. }
            | Self::Arrived { queue, .. }
            | Self::Relocated { queue, .. }
            | Self::TaskStarted { queue, .. }
            | Self::TaskProgressed { queue, .. }
            | Self::TaskEnded { queue, .. } => EntityId::Queue(*queue),
            Self::DocumentsChanged { .. } => EntityId::Registry,
        }
    }

    /// Its bytes, put at the end of `into`.
    pub fn encode(&self, into: &mut Vec<u8>) {
        let start = into.len();
        if let Err(error) = postcard::serialize_with_flavor(self, Tail(into)) {
            // A Vec takes all there is, and every field has a known length: there is nothing to fail.
            unreachable!("record at {start} can't be encoded: {error}");
        }
    }

    /// Reads what [`Record::encode`] wrote; never panics on anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, ReplayError> {
        postcard::from_bytes(bytes).map_err(|error| ReplayError::Malformed(error.to_string()))
    }
}

/// The end of a vector, where postcard puts bytes; its own takes them one by one.
struct Tail<'a>(&'a mut Vec<u8>);

impl Flavor for Tail<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Why a journal's content can't be made true.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The bytes are no record or no snapshot.
    #[error("malformed record: {0}")]
    Malformed(String),
    /// The record speaks of something that isn't there.
    #[error("record of queue {queue:?} doesn't fit the state: {why}")]
    Misfit {
        /// The queue.
        queue: QueueId,
        /// What is wrong.
        why: &'static str,
    },
    /// The record of documents doesn't follow on the last.
    #[error("record of documents doesn't fit the state: {why}")]
    RegistryMisfit {
        /// What is wrong.
        why: &'static str,
    },
    /// The record is about an entity that isn't there.
    #[error("record of {0:?}, which does not exist")]
    UnknownEntity(EntityId),
}
