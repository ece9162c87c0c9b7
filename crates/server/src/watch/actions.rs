//! Requests by action: how many, how they ended, how long they took.

use super::histogram::{Durations, Reading};
use bongsu_wire::{ErrorKind, Operation};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Everything that is counted under a name of its own.
pub(crate) const NAMES: [&str; 27] = [
    "SendMessage",
    "SendMessageBatch",
    "ReceiveMessage",
    "DeleteMessage",
    "DeleteMessageBatch",
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
    "CreateQueue",
    "DeleteQueue",
    "PurgeQueue",
    "GetQueueUrl",
    "ListQueues",
    "GetQueueAttributes",
    "SetQueueAttributes",
    "AddPermission",
    "RemovePermission",
    "TagQueue",
    "UntagQueue",
    "ListQueueTags",
    "ListDeadLetterSourceQueues",
    "StartMessageMoveTask",
    "ListMessageMoveTasks",
    "CancelMessageMoveTask",
    "Bongsu",
    "IAM",
    "KMS",
    "None",
];

/// A row of [`NAMES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Action(u8);

impl Action {
    pub(crate) const SEND: Self = Self(0);
    pub(crate) const RECEIVE: Self = Self(2);
    pub(crate) const DELETE: Self = Self(3);
    /// Users, keys and policies, by this server's own API.
    pub(crate) const ADMIN: Self = Self(23);
    /// The same by IAM's.
    pub(crate) const IAM: Self = Self(24);
    /// Key management.
    pub(crate) const KMS: Self = Self(25);
    /// Refused before it was known what is asked for.
    pub(crate) const NONE: Self = Self(26);

    /// Of a request for SQS.
    pub(crate) fn of(operation: &Operation) -> Self {
        Self(match operation {
            Operation::SendMessage(_) => 0,
            Operation::SendMessageBatch(_) => 1,
            Operation::ReceiveMessage(_) => 2,
            Operation::DeleteMessage(_) => 3,
            Operation::DeleteMessageBatch(_) => 4,
            Operation::ChangeMessageVisibility(_) => 5,
            Operation::ChangeMessageVisibilityBatch(_) => 6,
            Operation::CreateQueue(_) => 7,
            Operation::DeleteQueue(_) => 8,
            Operation::PurgeQueue(_) => 9,
            Operation::GetQueueUrl(_) => 10,
            Operation::ListQueues(_) => 11,
            Operation::GetQueueAttributes(_) => 12,
            Operation::SetQueueAttributes(_) => 13,
            Operation::AddPermission(_) => 14,
            Operation::RemovePermission(_) => 15,
            Operation::TagQueue(_) => 16,
            Operation::UntagQueue(_) => 17,
            Operation::ListQueueTags(_) => 18,
            Operation::ListDeadLetterSourceQueues(_) => 19,
            Operation::StartMessageMoveTask(_) => 20,
            Operation::ListMessageMoveTasks(_) => 21,
            Operation::CancelMessageMoveTask(_) => 22,
        })
    }

    /// Which row.
    pub(super) fn index(self) -> usize {
        usize::from(self.0)
    }

    /// As metrics name it.
    pub(crate) fn name(self) -> &'static str {
        NAMES.get(self.index()).copied().unwrap_or("None")
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// As asked.
    Done,
    /// In a refusal, or a failure.
    Error(ErrorKind),
    /// In a refusal of a service beside SQS, which have codes of their own.
    Refused,
}

impl Ending {
    /// What stands for the code: `OK`, the last part of the error's type, or `Refused`.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Done => "OK",
            Self::Error(kind) => kind.json_type(),
            Self::Refused => "Refused",
        }
    }
}

/// Threads count in a place of their own, as far as there are places: two that add to one counter wait for each other.
const MAX_SHARDS: usize = 4;

thread_local! {
    static THREAD: Cell<usize> = const { Cell::new(usize::MAX) };
}

static THREADS: AtomicUsize = AtomicUsize::new(0);

/// This thread's number.
fn thread() -> usize {
    THREAD.with(|thread| {
        if thread.get() == usize::MAX {
            thread.set(THREADS.fetch_add(1, Ordering::Relaxed));
        }
        thread.get()
    })
}

/// All requests.
#[derive(Debug)]
pub(super) struct Actions {
    shards: Box<[Shard]>,
    errors: Box<[Errors]>,
}

#[derive(Debug)]
#[repr(align(128))]
struct Shard {
    done: [AtomicU64; NAMES.len()],
    durations: [Durations; NAMES.len()],
}

/// How requests for one action failed, by [`ErrorKind::ALL`]; the last is [`Ending::Refused`].
#[derive(Debug)]
struct Errors([AtomicU64; ErrorKind::ALL.len() + 1]);

/// What was counted of one action.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) durations: Reading,
    /// Codes that there were, with how many requests ended so; `OK` first.
    pub(super) endings: Vec<(&'static str, u64)>,
}

impl Counted {
    /// How many requests did not end as asked.
    pub(super) fn errors(&self) -> u64 {
        self.endings.iter().filter(|(code, _)| *code != Ending::Done.code()).map(|(_, count)| count).sum()
    }
}

impl Default for Actions {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let zeros = || AtomicU64::new(0);
        let shard = || Shard {
            done: std::array::from_fn(|_| zeros()),
            durations: std::array::from_fn(|_| Durations::default()),
        };
        Self {
            shards: (0..cores.clamp(1, MAX_SHARDS)).map(|_| shard()).collect(),
            errors: NAMES.iter().map(|_| Errors(std::array::from_fn(|_| zeros()))).collect(),
        }
    }
}

impl Actions {
    /// Counts a request.
    pub(super) fn note(&self, action: Action, ending: Ending, duration_ns: u64) {
        let (index, shard) = (action.index(), &self.shards[thread() % self.shards.len()]);
        shard.durations[index].note(duration_ns);
        match ending {
            Ending::Done => shard.done[index].fetch_add(1, Ordering::Relaxed),
            Ending::Error(kind) => self.errors[index].0[kind as usize].fetch_add(1, Ordering::Relaxed),
            Ending::Refused => self.errors[index].0[ErrorKind::ALL.len()].fetch_add(1, Ordering::Relaxed),
        };
    }

    /// What was counted so far, action by action in the order of [`NAMES`].
    pub(super) fn read(&self) -> Vec<Counted> {
        (0..NAMES.len()).map(|index| self.read_one(index)).collect()
    }

    fn read_one(&self, index: usize) -> Counted {
        let mut durations = Reading::default();
        self.shards.iter().for_each(|shard| shard.durations[index].add_to(&mut durations));
        let done: u64 = self.shards.iter().map(|shard| shard.done[index].load(Ordering::Relaxed)).sum();
        let kinds = ErrorKind::ALL.iter().map(|kind| Ending::Error(*kind));
        let codes = kinds.chain([Ending::Refused]).map(Ending::code);
        let errors = self.errors[index].0.iter().map(|count| count.load(Ordering::Relaxed));
        let mut endings = vec![(Ending::Done.code(), done)];
        endings.extend(codes.zip(errors));
        endings.retain(|(_, count)| *count > 0);
        Counted { durations, endings }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{Action, Actions, Ending, NAMES};
    use bongsu_wire::{ErrorKind, Operation, decode_json};
    use std::collections::BTreeSet;

    #[test]
    fn codes_differ_as_each_is_a_series_of_its_own() {
        let endings = ErrorKind::ALL.iter().map(|kind| Ending::Error(*kind));
        let codes: Vec<_> = endings.chain([Ending::Done, Ending::Refused]).map(Ending::code).collect();
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len(), "{codes:?}");
    }

    #[test]
    fn kinds_stand_in_the_order_of_the_table() {
        for (index, kind) in ErrorKind::ALL.iter().enumerate() {
            assert_eq!(*kind as usize, index);
        }
    }

    fn operation(name: &str) -> Operation {
        let url = "http://localhost/000000000000/q";
        let body = serde_json::json!({
            "QueueName": "q", "QueueUrl": url, "MessageBody": "b", "ReceiptHandle": "r", "Entries": [], "Label": "l",
            "AWSAccountIds": ["111111111111"], "Actions": ["*"], "Tags": {"t": "v"}, "TagKeys": ["t"], "VisibilityTimeout": 1, "Attributes": {"DelaySeconds": "1"},
            "SourceArn": "a", "TaskHandle": "h",
        });
        decode_json(&format!("AmazonSQS.{name}"), body.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn each_operation_counts_under_its_own_name() {
        for name in &NAMES[..23] {
            assert_eq!(Action::of(&operation(name)).name(), *name);
        }
        for (action, name) in [
            (Action::SEND, "SendMessage"),
            (Action::RECEIVE, "ReceiveMessage"),
            (Action::DELETE, "DeleteMessage"),
            (Action::ADMIN, "Bongsu"),
            (Action::IAM, "IAM"),
            (Action::KMS, "KMS"),
            (Action::NONE, "None"),
        ] {
            assert_eq!(action.name(), name);
        }
    }

    /// Threads count in different places: nothing may get lost between them.
    #[test]
    fn all_threads_count_together() {
        let actions = Actions::default();
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        actions.note(Action::SEND, Ending::Done, 1_000_000);
                        actions.note(Action::SEND, Ending::Error(ErrorKind::OverLimit), 3_000_000);
                    }
                });
            }
        });
        actions.note(Action::KMS, Ending::Refused, 1);
        let counted = actions.read();
        let sends = &counted[0];
        assert_eq!(sends.endings, [("OK", 600), ("OverLimit", 600)]);
        assert_eq!((sends.durations.count(), sends.durations.sum_ns), (1200, 2_400_000_000));
        assert_eq!(sends.errors(), 600);
        assert_eq!(counted[25].endings, [("Refused", 1)]);
        assert_eq!(counted[1], super::Counted::default());
    }
}
