//! Who and what: queue names, their ARNs, and the identities that the store gives.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

/// The longest queue name, `.fifo` counted (SQS quota).
pub const MAX_QUEUE_NAME_CHARS: usize = 80;

/// The full name of a queue. Queues of two accounts or regions are separate, so both belong to the name.
///
/// The order (account, region, name) is the order in which `ListQueues` walks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QueueName {
    /// Twelve digits.
    pub account: String,
    /// As the signature's credential scope names it; any non-empty string.
    pub region: String,
    /// As the user wrote it.
    pub name: String,
}

impl QueueName {
    /// Puts a name together; checks nothing.
    pub fn new(account: impl Into<String>, region: impl Into<String>, name: impl Into<String>) -> Self {
        Self { account: account.into(), region: region.into(), name: name.into() }
    }

    /// `arn:aws:sqs:REGION:ACCOUNT:NAME`
    pub fn arn(&self) -> String {
        format!("arn:aws:sqs:{}:{}:{}", self.region, self.account, self.name)
    }

    /// Reads an ARN of the form that [`QueueName::arn`] writes (any partition is accepted); `None` where it is malformed.
    pub fn from_arn(arn: &str) -> Option<Self> {
        let mut parts = arn.split(':');
        let (scheme, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account, name) = (parts.next()?, parts.next()?, parts.next()?);
        let well_formed = scheme == "arn"
            && partition.starts_with("aws")
            && service == "sqs"
            && parts.next().is_none()
            && !region.is_empty()
            && account.len() == 12
            && account.bytes().all(|b| b.is_ascii_digit())
            && !name.is_empty();
        well_formed.then(|| Self::new(account, region, name))
    }

    /// Whether the name says FIFO. SQS ties the suffix to the type, so this equals the queue's own type.
    pub fn is_fifo(&self) -> bool {
        self.name.ends_with(".fifo")
    }

    /// Whether the last part keeps to SQS's alphabet and length.
    pub fn is_valid(&self) -> bool {
        let stem = self.name.strip_suffix(".fifo").unwrap_or(&self.name);
        !stem.is_empty()
            && self.name.len() <= MAX_QUEUE_NAME_CHARS
            && stem.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.arn())
    }
}

/// One life of a queue: a queue that is deleted and made again has another. Never used twice in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QueueId(pub u64);

/// What is kept for each queue.
pub type QueueMap<V> = HashMap<QueueId, V, BuildHasherDefault<QueueIdHasher>>;

/// Hashes a [`QueueId`], which is looked up several times for each request. Identities are counted by the store and
/// chosen by nobody, so that nobody can make them collide: a multiplication mixes them well enough.
#[derive(Clone, Copy, Debug, Default)]
pub struct QueueIdHasher(u64);

/// 2⁶⁴ divided by the golden ratio: spreads neighbours over all of the upper bits; odd, so that the lower ones stay distinct.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hasher for QueueIdHasher {
    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(SPREAD);
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Names one move task for as long as its source queue lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskId {
    /// The dead-letter queue that is being emptied.
    pub source: QueueId,
    /// Counts the source's tasks from 1.
    pub number: u64,
    /// Random, so that a handle can't be guessed.
    pub nonce: u64,
}

/// Where a stored message's bytes lie. The position is the journal's; the engine only keeps and compares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BodyRef {
    /// Position of the first byte.
    pub position: u64,
    /// Length in bytes.
    pub len: u32,
}

/// What a receipt handle says once it is opened: one receive of one message of one life of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Receipt {
    /// The queue that handed the message out.
    pub queue: QueueId,
    /// The message's sequence number there.
    pub sequence: u64,
    /// Drawn anew for each receive, so that an old handle can be told from the current one.
    pub nonce: u64,
}
