//! What can be asked of the engine, and what it answers. Errors are in [`crate::error`].

use crate::error::EngineError;
use crate::names::{BodyRef, QueueId, QueueName, Receipt, TaskId};
use crate::registry::{Document, DocumentChange};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Attribute or tag name to value, exactly as the user wrote both.
pub type StringMap = BTreeMap<String, String>;

/// A request to the engine. Durations are milliseconds unless the name says otherwise.
#[derive(Clone, Debug)]
pub enum Command {
    /// Makes a queue, or finds the equal one that exists. → [`Reply::Done`]
    CreateQueue {
        /// Name of the queue; checked by the engine.
        name: QueueName,
        /// Attributes as given; checked by the engine.
        attributes: StringMap,
        /// Tags as given; their number is checked by the engine.
        tags: StringMap,
    },
    /// → [`Reply::Done`]
    DeleteQueue(QueueName),
    /// Changes the attributes named; an empty `Policy`, `RedrivePolicy` or `RedriveAllowPolicy` removes it. → [`Reply::Done`]
    SetAttributes {
        /// The queue.
        name: QueueName,
        /// What to change.
        attributes: StringMap,
    },
    /// Replaces the policy if nobody changed it since it was described. → [`Reply::Done`]
    SetPolicy {
        /// The queue.
        name: QueueName,
        /// [`Description::policy_version`] that the new text was made from; else [`EngineError::PolicyConflict`].
        expected_version: u64,
        /// The new text; `None` removes the policy.
        policy: Option<String>,
    },
    /// Adds or replaces tags. → [`Reply::Done`]
    TagQueue {
        /// The queue.
        name: QueueName,
        /// Tags to add or to replace.
        tags: StringMap,
    },
    /// Removes tags; unknown keys are ignored. → [`Reply::Done`]
    UntagQueue {
        /// The queue.
        name: QueueName,
        /// Keys to remove.
        keys: Vec<String>,
    },
    /// → [`Reply::Done`]
    PurgeQueue(QueueName),
    /// Sends one message or a batch; each succeeds or fails on its own. → [`Reply::Sent`]
    Send {
        /// The queue.
        name: QueueName,
        /// The messages, in order.
        messages: Vec<Outgoing>,
    },
    /// Hands out messages. The engine answers at once, perhaps with none; waiting is the node's. → [`Reply::Received`]
    Receive(Receive),
    /// → [`Reply::Each`], one result for each receipt, in order.
    Delete {
        /// The queue that the request names.
        name: QueueName,
        /// Opened receipt handles.
        receipts: Vec<Receipt>,
    },
    /// → [`Reply::Each`], one result for each change, in order.
    ChangeVisibility {
        /// The queue that the request names.
        name: QueueName,
        /// Receipt and new timeout from now on, 0–43,200,000 ms (checked by the caller).
        changes: Vec<(Receipt, u64)>,
    },
    /// → [`Reply::TaskStarted`]
    StartMoveTask {
        /// The dead-letter queue to empty.
        source: QueueName,
        /// Where to; `None`: each message's own source queue.
        destination: Option<QueueName>,
        /// 1–500 (checked by the caller); `None`: as fast as goes.
        max_per_second: Option<u32>,
    },
    /// → [`Reply::TaskCancelled`]
    CancelMoveTask(TaskId),

    /// Everything about one queue. → [`Reply::Description`]
    Describe(QueueName),
    /// Queues of one account and region by name. → [`Reply::Names`]
    ListQueues {
        /// Account.
        account: String,
        /// Region.
        region: String,
        /// Only names that start so.
        prefix: String,
        /// Only names after this one (exclusive), for the next page.
        after: Option<String>,
        /// At most so many.
        limit: usize,
    },
    /// Queues whose redrive policy names this queue. → [`Reply::Names`]
    ListSources {
        /// The dead-letter queue.
        name: QueueName,
        /// Only names after this one (exclusive).
        after: Option<String>,
        /// At most so many.
        limit: usize,
    },
    /// Latest first. → [`Reply::Tasks`]
    ListMoveTasks {
        /// The dead-letter queue.
        source: QueueName,
        /// At most so many.
        limit: usize,
    },
    /// Looks at messages without touching them. → [`Reply::Peeked`]
    Peek {
        /// The queue.
        name: QueueName,
        /// Which of them.
        which: Which,
    },
    /// Removes messages or moves them elsewhere, without receipts: what a queue's operator does. Those that are being worked on can't be
    /// moved. → [`Reply::Each`], one result for each message, in order.
    Operate {
        /// The queue.
        name: QueueName,
        /// Each by the life of the queue in which it was seen, as numbers come again in the next one, and its sequence number; at most 100
        /// (checked by the caller).
        messages: Vec<(QueueId, u64)>,
        /// What to do with them.
        act: Act,
    },
    /// All queues of all accounts and regions, in order of their names. → [`Reply::Surveyed`]
    Survey {
        /// Only queues after this one (exclusive), for the next page.
        after: Option<QueueName>,
        /// At most so many.
        limit: usize,
    },

    /// Makes, replaces and removes documents: all of them or none. → [`Reply::DocumentsChanged`]
    ChangeDocuments {
        /// At most 100, of at most 2 MiB together, each of another document; checked by the engine.
        changes: Vec<DocumentChange>,
    },
    /// Documents in the order of collection and name (bytewise). → [`Reply::Documents`]
    ListDocuments {
        /// Only of this collection.
        collection: Option<String>,
        /// Only after this collection and name (exclusive), for the next page.
        after: Option<(String, String)>,
        /// At most so many; never more than 1,000, nor than 4 MiB.
        limit: usize,
    },
}

/// Which messages to look at.
#[derive(Clone, Debug)]
pub enum Which {
    /// Those after the first `skip`. First come messages that were received before, then the others group by group, then delayed ones;
    /// within a page they are in order of their sequence. While messages come and go, pages shift.
    Page {
        /// Only those in this state.
        state: Option<PeekState>,
        /// So many are passed over.
        skip: u64,
        /// At most so many.
        limit: usize,
    },
    /// Those with these sequence numbers, in this life of the queue; what is gone is left out.
    Of(QueueId, Vec<u64>),
}

impl Which {
    /// The first messages, in whatever state.
    pub fn first(limit: usize) -> Self {
        Self::Page { state: None, skip: 0, limit }
    }
}

/// What an operator does with messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// They are removed, also while somebody works on them.
    Discard,
    /// They go to another queue, as a move task's do.
    Move {
        /// Where to; `None`: each message's own source queue.
        to: Option<QueueName>,
    },
}

/// A message to be sent.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Drawn by the caller (UUID v4 bytes).
    pub message_id: [u8; 16],
    /// Body and attributes as SQS counts them, compared with MaximumMessageSize.
    pub size_bytes: u64,
    /// Per-message delay, 0–900,000 ms (range checked by the caller); `None`: the queue's.
    pub delay_ms: Option<u64>,
    /// MessageGroupId: FIFO group, or tenant of a fair queue.
    pub group: Option<String>,
    /// MessageDeduplicationId as given.
    pub deduplication_id: Option<String>,
    /// SHA-256 of the body in lower-case hex, given for FIFO queues: stands in where content-based deduplication is on.
    pub content_hash: Option<String>,
    /// The message as it will be stored and read back; the engine doesn't look inside.
    pub stored: Vec<u8>,
}

/// A request for messages.
#[derive(Clone, Debug)]
pub struct Receive {
    /// The queue.
    pub name: QueueName,
    /// 1–10 (checked by the caller).
    pub max_messages: usize,
    /// 0–43,200,000 ms (checked by the caller); `None`: the queue's.
    pub visibility_timeout_ms: Option<u64>,
    /// How long the node may hold the request while nothing is there, 0–20,000 ms; `None`: the queue's.
    pub wait_ms: Option<u64>,
    /// ReceiveRequestAttemptId; FIFO only.
    pub attempt_id: Option<String>,
}

/// What the engine answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// It is so now.
    Done,
    /// One result for each message, in order.
    Sent(Vec<Result<Sent, EngineError>>),
    /// Messages handed out, perhaps none.
    Received(Vec<Delivery>),
    /// One result for each part, in order.
    Each(Vec<Result<(), EngineError>>),
    /// About one queue.
    Description(Box<Description>),
    /// Names in order; `more` where the limit cut the list.
    Names {
        /// The names.
        names: Vec<QueueName>,
        /// Whether there are further ones.
        more: bool,
    },
    /// The task that was started.
    TaskStarted(TaskId),
    /// How many messages the cancelled task had moved.
    TaskCancelled {
        /// Moved so far.
        moved: u64,
    },
    /// Tasks, latest first.
    Tasks(Vec<TaskView>),
    /// Messages looked at.
    Peeked(Vec<Peeked>),
    /// Queues as they stand; `more` where the limit cut the list.
    Surveyed {
        /// The queues.
        queues: Vec<Surveyed>,
        /// Whether there are further ones.
        more: bool,
    },
    /// The version of each change, in order; a removal has one too.
    DocumentsChanged {
        /// Ascending; the last is the registry's version now.
        versions: Vec<u64>,
    },
    /// Documents in order.
    Documents {
        /// The documents.
        documents: Vec<Arc<Document>>,
        /// Whether there are further ones.
        more: bool,
        /// The version of the registry's last change, of whatever document; 0 before the first. Pages of one version fit together.
        version: u64,
    },
}

/// A message that was taken in, or the earlier one that it duplicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Of the stored message; with a duplicate the first send's.
    pub message_id: [u8; 16],
    /// Counts within the queue from 1; shown on FIFO queues.
    pub sequence: u64,
}

/// A message handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// What the receipt handle must say.
    pub receipt: Receipt,
    /// Where the stored message lies.
    pub body: BodyRef,
    /// How often it was received, this time counted.
    pub receive_count: u32,
    /// Wall time of the first receive, ms since 1970.
    pub first_received_wall_ms: u64,
    /// What differs from the stored message because it was moved.
    pub moved: Option<Arc<Moved>>,
}

/// What a move between queues changes about a message whose stored bytes stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Moved {
    /// DeadLetterQueueSourceArn: the queue it fell out of.
    pub dead_letter_source: Option<QueueName>,
    /// A new MessageId, given by move tasks.
    pub message_id: Option<[u8; 16]>,
    /// A new SentTimestamp (wall ms), on FIFO dead-letter queues and after move tasks.
    pub sent_wall_ms: Option<u64>,
}

/// A message looked at without being received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peeked {
    /// The life of the queue that it is in.
    pub queue: QueueId,
    /// Its sequence number.
    pub sequence: u64,
    /// Where the stored message lies.
    pub body: BodyRef,
    /// How often it was received.
    pub receive_count: u32,
    /// Wall time of the first receive; 0 where there was none.
    pub first_received_wall_ms: u64,
    /// In which state it is.
    pub state: PeekState,
    /// See [`Delivery::moved`].
    pub moved: Option<Arc<Moved>>,
}

/// The state of a message in its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeekState {
    /// Can be received (in a FIFO queue its group may be held up by another message).
    Visible,
    /// Received and neither deleted nor timed out.
    InFlight,
    /// Not to be received yet.
    Delayed,
}

/// Everything about one queue.
#[derive(Clone, Debug)]
pub struct Description {
    /// Its name.
    pub name: QueueName,
    /// Its present life.
    pub id: QueueId,
    /// Whether it is a FIFO queue.
    pub fifo: bool,
    /// Attributes as they were set (policies included); defaults are not among them.
    pub attributes: StringMap,
    /// Tags.
    pub tags: StringMap,
    /// CreatedTimestamp, wall ms.
    pub created_wall_ms: u64,
    /// LastModifiedTimestamp, wall ms.
    pub modified_wall_ms: u64,
    /// ApproximateNumberOfMessages.
    pub visible: u64,
    /// ApproximateNumberOfMessagesNotVisible.
    pub in_flight: u64,
    /// ApproximateNumberOfMessagesDelayed.
    pub delayed: u64,
    /// How long ago the oldest message was sent; `None` where there is none. Of very many groups only some are looked at.
    pub oldest_age_ms: Option<u64>,
    /// Grows with each change of the policy; for [`Command::SetPolicy`].
    pub policy_version: u64,
    /// ReceiveMessageWaitTimeSeconds as set or by default.
    pub wait_ms: u64,
}

/// How a queue stands, in short.
#[derive(Clone, Debug)]
pub struct Surveyed {
    /// Its name.
    pub name: QueueName,
    /// Its present life.
    pub id: QueueId,
    /// Whether it is a FIFO queue.
    pub fifo: bool,
    /// ApproximateNumberOfMessages.
    pub visible: u64,
    /// ApproximateNumberOfMessagesNotVisible.
    pub in_flight: u64,
    /// ApproximateNumberOfMessagesDelayed.
    pub delayed: u64,
    /// See [`Description::oldest_age_ms`].
    pub oldest_age_ms: Option<u64>,
    /// CreatedTimestamp, wall ms.
    pub created_wall_ms: u64,
    /// Tags.
    pub tags: StringMap,
    /// Its own dead-letter queue.
    pub dead_letter_target: Option<QueueName>,
    /// How many queues name it as theirs.
    pub sources: usize,
    /// KmsMasterKeyId as it was set.
    pub kms_key_id: Option<String>,
    /// SqsManagedSseEnabled as it was set.
    pub sse: Option<String>,
}

/// Where a move task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum TaskStatus {
    /// Moving.
    Running,
    /// CancelMessageMoveTask came; it stops at its next step.
    Cancelling,
    /// All that it found is moved.
    Completed,
    /// Stopped by CancelMessageMoveTask.
    Cancelled,
    /// A destination was gone; see [`TaskView::failure`].
    Failed,
}

/// A move task as `ListMessageMoveTasks` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskView {
    /// Its handle; SQS shows it only while it runs.
    pub id: TaskId,
    /// Status.
    pub status: TaskStatus,
    /// The dead-letter queue.
    pub source: QueueName,
    /// The destination that was asked for.
    pub destination: Option<QueueName>,
    /// The velocity that was asked for.
    pub max_per_second: Option<u32>,
    /// Messages moved so far.
    pub moved: u64,
    /// Messages that lay in the source when it started.
    pub to_move: u64,
    /// Legacy error code of what ended it, where it failed.
    pub failure: Option<String>,
    /// Wall ms.
    pub started_wall_ms: u64,
}
