//! Why the engine says no. What a client reads of it is the server's affair.

use crate::names::QueueName;

/// A refusal. Nothing was changed, but for the other entries of a batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// No queue of that name lives.
    #[error("queue {0} does not exist")]
    QueueDoesNotExist(QueueName),
    /// The name breaks SQS's rules.
    #[error("queue name is not valid")]
    InvalidQueueName,
    /// CreateQueue on an existing queue, with this attribute differing.
    #[error("queue exists with a different value for {0}")]
    QueueNameExists(String),
    /// A queue of this name was deleted less than 60 s ago.
    #[error("queue was deleted recently")]
    QueueDeletedRecently,
    /// PurgeQueue came less than 60 s after the last.
    #[error("queue {0} was purged recently")]
    PurgeQueueInProgress(String),
    /// An attribute's name or value is wrong.
    #[error(transparent)]
    Attribute(#[from] AttributeError),
    /// The queue would have more than 50 tags.
    #[error("too many tags")]
    TooManyTags,
    /// The policy was changed by somebody else in between.
    #[error("policy changed meanwhile")]
    PolicyConflict,
    /// The message is longer than the queue's MaximumMessageSize (bytes).
    #[error("message is longer than {limit_bytes} bytes")]
    MessageTooLong {
        /// The queue's limit.
        limit_bytes: u64,
    },
    /// A FIFO queue needs a MessageGroupId.
    #[error("message group id is missing")]
    MissingGroupId,
    /// A FIFO queue without content-based deduplication needs a MessageDeduplicationId.
    #[error("message deduplication id is missing")]
    MissingDeduplicationId,
    /// MessageDeduplicationId on a standard queue.
    #[error("message deduplication id on a standard queue")]
    UnexpectedDeduplicationId,
    /// A per-message delay on a FIFO queue.
    #[error("per-message delay on a FIFO queue")]
    DelayOnFifo {
        /// What was asked for.
        delay_seconds: u64,
    },
    /// ReceiveRequestAttemptId on a standard queue.
    #[error("receive request attempt id on a standard queue")]
    AttemptIdOnStandard,
    /// A message of that receive attempt was deleted or changed since, so it can't be repeated.
    #[error("receive request attempt id is not valid any more")]
    AttemptNotRetryable,
    /// More than 120,000 messages of a standard queue would be in flight.
    #[error("too many messages in flight")]
    OverLimit,
    /// A bound of ours is reached (deduplication window full, store low on space); try again later.
    #[error("throttled: {0}")]
    Throttled(&'static str),
    /// The receipt is of another queue or another life of this one.
    #[error("receipt is of another queue")]
    ReceiptOfOtherQueue,
    /// The receipt's time is over (an error on FIFO queues only).
    #[error("receipt has expired")]
    ReceiptExpired,
    /// The message of the receipt is gone or, on a FIFO queue, its time is over or it was received again since.
    #[error("message is not available for a visibility change")]
    MessageNotAvailable,
    /// The timeouts since the receive would add up to more than 12 hours.
    #[error("total visibility timeout is beyond 12 hours")]
    VisibilityBeyondLimit,
    /// StartMoveTask: the source doesn't exist.
    #[error("source of the move does not exist")]
    MoveSourceDoesNotExist,
    /// StartMoveTask: the destination doesn't exist.
    #[error("destination of the move does not exist")]
    MoveDestinationDoesNotExist,
    /// StartMoveTask: no queue names the source as its dead-letter queue.
    #[error("source of the move is no dead-letter queue")]
    SourceIsNoDeadLetterQueue,
    /// StartMoveTask: the destination is the source, or of the other type (standard or FIFO).
    #[error("source and destination don't fit: {0}")]
    MoveDestinationUnfit(&'static str),
    /// StartMoveTask: one is running.
    #[error("a move task is running")]
    MoveTaskRunning,
    /// CancelMoveTask: no such task, or it is over.
    #[error("no such running move task")]
    MoveTaskDoesNotExist,
    /// ChangeDocuments: this document is not as the first of the changes that fails expects it to be.
    #[error("document {collection}/{name} is not as expected")]
    DocumentConflict {
        /// Its collection.
        collection: String,
        /// Its name.
        name: String,
    },
    /// ChangeDocuments: a collection's or a document's name breaks the rules, or comes twice.
    #[error("invalid change of documents: {0}")]
    InvalidDocument(&'static str),
    /// ChangeDocuments: too much, in one document, in one command, or in the store.
    #[error("limit of documents: {0}")]
    DocumentLimit(&'static str),
}

/// What is wrong with a queue attribute.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttributeError {
    /// SQS has no attribute of this name, or none for this type of queue.
    #[error("unknown attribute {0}")]
    Unknown(String),
    /// The value is not in the attribute's range.
    #[error("invalid value for {name}")]
    InvalidValue {
        /// Attribute.
        name: String,
        /// As given.
        value: String,
    },
    /// The value is longer than any that makes sense (8,192 bytes).
    #[error("value of {name} is too long")]
    TooLong {
        /// Attribute.
        name: String,
    },
    /// A FIFO attribute on a standard queue.
    #[error("{0} needs FifoQueue")]
    FifoOnly(String),
    /// FifoQueue can't be changed (or be anything but `true` at creation).
    #[error("queue type can't be changed")]
    TypeChange,
    /// The name ends in `.fifo` without FifoQueue, or the reverse.
    #[error("FifoQueue and the queue's name disagree")]
    TypeAndNameDisagree,
    /// perMessageGroupId needs DeduplicationScope messageGroup.
    #[error("perMessageGroupId needs deduplication scope messageGroup")]
    ThroughputNeedsGroupScope,
    /// KMS and SQS encryption at once.
    #[error("two kinds of encryption at once")]
    TwoEncryptions,
    /// RedrivePolicy: text and reason as SQS phrases it.
    #[error("redrive policy: {reason}")]
    RedrivePolicy {
        /// As given.
        value: String,
        /// What follows "Reason: " in SQS's message.
        reason: String,
    },
    /// RedrivePolicy names a queue that doesn't exist.
    #[error("dead-letter queue does not exist")]
    DeadLetterQueueDoesNotExist {
        /// As given.
        value: String,
    },
    /// RedriveAllowPolicy: text and reason as SQS phrases it.
    #[error("redrive allow policy: {reason}")]
    RedriveAllowPolicy {
        /// As given.
        value: String,
        /// What follows "Reason: ".
        reason: String,
    },
    /// The policy is too long, malformed, or beyond its quotas.
    #[error("policy: {reason}")]
    Policy {
        /// What is wrong.
        reason: String,
    },
}
