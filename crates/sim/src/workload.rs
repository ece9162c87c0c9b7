//! What clients ask for. It knows answers only as a client would (receipts, task handles); whether they are right is
//! the auditor's affair. Each seed has a character of its own: which commands it prefers, how its queues are set.

pub(crate) mod documents;

use crate::message::{self, Number};
use crate::random::Dice;
use bongsu_engine::{Command, Outgoing, QueueName, Receipt, Receive, Reply, StringMap, TaskId, Which};
use bongsu_node::CallError;
use documents::Documents;
use std::collections::VecDeque;

const ACCOUNT: &str = "000000000000";
const REGIONS: [&str; 2] = ["us-east-1", "eu-west-3"];
/// Name, and the queue that its dead letters go to. Targets come first, so that they are made first.
const QUEUES: [(&str, Option<&str>); 9] = [
    ("deader", None),
    ("dead", Some("deader")),
    ("dead.fifo", None),
    ("work", Some("dead")),
    ("fair", Some("dead")),
    ("late", None),
    ("orders.fifo", Some("dead.fifo")),
    ("events.fifo", Some("dead.fifo")),
    ("elsewhere", None),
];
/// Receipts and task handles that clients remember.
const REMEMBERED: usize = 160;
/// Ten of these fit an entry.
const LARGE_BYTES: u64 = 13_000;
/// With so many messages about, clients would rather receive than send.
const MANY_MESSAGES: u64 = 250;

/// Everything that a client can ask for, and how often it does where a seed has no preference.
const KINDS: [(Kind, u64); 20] = [
    (Kind::Send, 300),
    (Kind::Receive, 330),
    (Kind::Delete, 170),
    (Kind::ChangeVisibility, 60),
    (Kind::Describe, 40),
    (Kind::Peek, 20),
    (Kind::PeekSome, 6),
    (Kind::ListQueues, 6),
    (Kind::ListSources, 6),
    (Kind::ListMoveTasks, 14),
    (Kind::StartMoveTask, 14),
    (Kind::CancelMoveTask, 4),
    (Kind::SetAttributes, 14),
    (Kind::SetPolicy, 4),
    (Kind::Tag, 6),
    (Kind::Purge, 3),
    (Kind::DeleteQueue, 3),
    (Kind::CreateQueue, 12),
    (Kind::ChangeDocuments, 30),
    (Kind::ListDocuments, 8),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Send,
    Receive,
    Delete,
    ChangeVisibility,
    Describe,
    Peek,
    PeekSome,
    ListQueues,
    ListSources,
    ListMoveTasks,
    StartMoveTask,
    CancelMoveTask,
    SetAttributes,
    SetPolicy,
    Tag,
    Purge,
    DeleteQueue,
    CreateQueue,
    ChangeDocuments,
    ListDocuments,
}

/// The clients.
#[derive(Debug)]
pub(crate) struct Workload {
    dice: Dice,
    weights: Vec<u64>,
    names: Vec<QueueName>,
    /// The queues that this seed likes best.
    favourites: Vec<usize>,
    receipts: VecDeque<(usize, Receipt)>,
    tasks: VecDeque<TaskId>,
    documents: Documents,
    policy_versions: Vec<u64>,
    last_number: Number,
    /// About how many messages wait.
    waiting: u64,
    next: VecDeque<Command>,
    large_permille: u64,
}

impl Workload {
    pub(crate) fn new(mut dice: Dice) -> Self {
        let names: Vec<QueueName> = QUEUES.iter().map(|(name, _)| named(name)).collect();
        // A seed that never does one thing, and often another, gets where an average one does not.
        let character = |dice: &mut Dice, weight: u64| match dice.below(6) {
            0 => weight / 4,
            1 | 2 => weight / 2,
            3 => weight * 2,
            _ => weight,
        };
        let weights = KINDS.iter().map(|(_, weight)| character(&mut dice, *weight).max(1)).collect();
        let favourites = (0..3).map(|_| dice.index(QUEUES.len())).collect();
        let large_permille = dice.pick(&[0, 10, 30, 120]);
        let mut workload = Self {
            dice,
            weights,
            favourites,
            policy_versions: vec![0; names.len()],
            names,
            receipts: VecDeque::new(),
            tasks: VecDeque::new(),
            documents: Documents::default(),
            last_number: 0,
            waiting: 0,
            next: VecDeque::new(),
            large_permille,
        };
        for queue in 0..QUEUES.len() {
            let create = workload.create(queue);
            workload.next.push_back(create);
        }
        workload
    }

    /// All names that queues may have.
    pub(crate) fn names(&self) -> &[QueueName] {
        &self.names
    }

    /// The next command of a client.
    pub(crate) fn command(&mut self) -> Command {
        if let Some(command) = self.next.pop_front() {
            return command;
        }
        let kind = KINDS[self.dice.weighted(&self.weights)].0;
        let kind = match kind {
            Kind::Send if self.waiting > MANY_MESSAGES => Kind::Receive,
            kind => kind,
        };
        self.of_kind(kind)
    }

    fn of_kind(&mut self, kind: Kind) -> Command {
        let queue = self.queue();
        let name = self.names[queue].clone();
        match kind {
            Kind::Send => self.send(queue),
            Kind::Receive => self.receive(queue),
            Kind::Delete => self.delete(),
            Kind::ChangeVisibility => self.change_visibility(),
            Kind::Describe => Command::Describe(name),
            Kind::Peek => Command::Peek { name, which: Which::first(100_000) },
            Kind::PeekSome => Command::Peek { name, which: Which::first(self.dice.between(1, 10) as usize) },
            Kind::ListQueues => self.list_queues(),
            Kind::ListSources => {
                let after = self.dice.permille(300).then(|| "late".to_owned());
                let target = self.dead_letter_queue();
                Command::ListSources { name: target, after, limit: self.dice.between(1, 4) as usize }
            }
            Kind::ListMoveTasks => Command::ListMoveTasks { source: self.dead_letter_queue(), limit: 10 },
            Kind::StartMoveTask => {
                let destination = self.dice.permille(400).then_some(name);
                let max_per_second = self.dice.permille(600).then(|| self.dice.pick(&[1, 5, 500]));
                Command::StartMoveTask { source: self.dead_letter_queue(), destination, max_per_second }
            }
            Kind::CancelMoveTask => match self.tasks.back() {
                Some(task) => Command::CancelMoveTask(*task),
                None => Command::Describe(name),
            },
            Kind::SetAttributes => Command::SetAttributes { attributes: self.attributes(queue, 300), name },
            Kind::SetPolicy => {
                let stale = u64::from(self.dice.permille(200));
                let policy = self.dice.permille(700).then(|| format!(r#"{{"Id":"{}"}}"#, self.dice.below(9)));
                Command::SetPolicy { name, expected_version: self.policy_versions[queue] + stale, policy }
            }
            Kind::Tag => {
                let key = format!("tag {}", self.dice.below(4));
                match self.dice.permille(600) {
                    true => Command::TagQueue { name, tags: [(key, self.dice.below(3).to_string())].into() },
                    false => Command::UntagQueue { name, keys: vec![key] },
                }
            }
            Kind::Purge => Command::PurgeQueue(name),
            Kind::DeleteQueue => Command::DeleteQueue(name),
            Kind::ChangeDocuments => self.documents.change(&mut self.dice),
            Kind::ListDocuments => self.documents.list(&mut self.dice),
            Kind::CreateQueue => {
                self.next.push_back(Command::Describe(name));
                self.create(queue)
            }
        }
    }

    fn queue(&mut self) -> usize {
        match self.dice.permille(600) {
            true => self.dice.pick(&self.favourites),
            false => self.dice.index(QUEUES.len()),
        }
    }

    fn dead_letter_queue(&mut self) -> QueueName {
        named(self.dice.pick(&["dead", "dead", "dead.fifo", "deader", "work"]))
    }

    fn is_fifo(&self, queue: usize) -> bool {
        self.names[queue].is_fifo()
    }

    // --- Queues ----------------------------------------------------------------------------------------------------

    fn create(&mut self, queue: usize) -> Command {
        let mut attributes = self.attributes(queue, 500);
        if self.is_fifo(queue) {
            attributes.insert("FifoQueue".to_owned(), "true".to_owned());
        }
        if attributes.get("RedrivePolicy").is_some_and(String::is_empty) {
            attributes.remove("RedrivePolicy");
        }
        Command::CreateQueue { name: self.names[queue].clone(), attributes, tags: StringMap::new() }
    }

    /// Attributes, each there so many times in a thousand.
    fn attributes(&mut self, queue: usize, permille: u64) -> StringMap {
        let mut attributes = StringMap::new();
        let choices: [(&str, &[u64]); 4] = [
            ("VisibilityTimeout", &[0, 1, 2, 5, 30, 300]),
            ("MessageRetentionPeriod", &[60, 90, 600, 345_600, 345_600, 1_209_600]),
            ("MaximumMessageSize", &[1_024, 1_048_576, 1_048_576, 1_048_576]),
            ("ReceiveMessageWaitTimeSeconds", &[0, 0, 1, 5, 20]),
        ];
        for (name, values) in choices {
            if self.dice.permille(permille) {
                attributes.insert(name.to_owned(), self.dice.pick(values).to_string());
            }
        }
        let delays: &[u64] =
            if QUEUES[queue].0 == "late" { &[1, 2, 5, 60, 900] } else { &[0, 0, 0, 0, 1, 3] };
        if self.dice.permille(permille) {
            attributes.insert("DelaySeconds".to_owned(), self.dice.pick(delays).to_string());
        }
        if let Some(target) = QUEUES[queue].1
            && self.dice.permille(permille + 300)
        {
            let policy = match self.dice.permille(900) {
                true => redrive_policy(&named(target), self.dice.pick(&[1, 1, 2, 3, 5])),
                false => String::new(),
            };
            attributes.insert("RedrivePolicy".to_owned(), policy);
        }
        if self.is_fifo(queue) {
            if self.dice.permille(permille) {
                let on = self.dice.permille(500).to_string();
                attributes.insert("ContentBasedDeduplication".to_owned(), on);
            }
            if self.dice.permille(permille / 2) {
                let scope = self.dice.pick(&["queue", "messageGroup"]).to_owned();
                attributes.insert("DeduplicationScope".to_owned(), scope);
            }
        }
        attributes
    }

    fn list_queues(&mut self) -> Command {
        let region = self.dice.pick(&[REGIONS[0], REGIONS[0], REGIONS[1]]).to_owned();
        let prefix = self.dice.pick(&["", "", "dead", "e", "x"]).to_owned();
        let after = self.dice.permille(300).then(|| "events.fifo".to_owned());
        let limit = self.dice.between(1, 9) as usize;
        Command::ListQueues { account: ACCOUNT.to_owned(), region, prefix, after, limit }
    }

    // --- Messages --------------------------------------------------------------------------------------------------

    fn send(&mut self, queue: usize) -> Command {
        let count = self.dice.pick(&[1, 1, 1, 2, 3, 10]);
        let messages: Vec<Outgoing> = (0..count).map(|_| self.outgoing(queue)).collect();
        self.waiting += messages.len() as u64;
        Command::Send { name: self.names[queue].clone(), messages }
    }

    fn outgoing(&mut self, queue: usize) -> Outgoing {
        self.last_number += 1;
        let (number, fifo) = (self.last_number, self.is_fifo(queue));
        let len = match self.dice.permille(self.large_permille) {
            true => self.dice.between(2_000, 8_000),
            false => self.dice.between(message::LEAST_BYTES as u64, 400),
        };
        let groups = if QUEUES[queue].0 == "fair" { 3 } else { 5 };
        let grouped = fifo || QUEUES[queue].0 == "fair" && self.dice.permille(900);
        let group = grouped.then(|| format!("group {}", self.dice.below(groups)));
        let shared = format!("shared {}", self.dice.below(12));
        let (deduplication_id, content_hash) = match (fifo, self.dice.below(10)) {
            (false, _) => (None, None),
            (true, 0 | 1) => (Some(shared), None),
            (true, 2) => (None, Some(shared)),
            (true, _) => (Some(format!("own {number}")), None),
        };
        let delay_ms = (!fifo && self.dice.permille(60)).then(|| self.dice.pick(&[0, 1_000, 5_000, 60_000]));
        Outgoing {
            message_id: message::id(number),
            size_bytes: len,
            delay_ms,
            group,
            deduplication_id,
            content_hash,
            stored: message::stored(number, len as usize),
        }
    }

    fn receive(&mut self, queue: usize) -> Command {
        let timeout_ms = self.dice.permille(700).then(|| {
            self.dice.pick(&[0, 100, 1_000, 1_000, 2_000, 5_000, 30_000, 30_000, 120_000, 43_200_000])
        });
        let attempt_id = (self.is_fifo(queue) && self.dice.permille(250))
            .then(|| format!("attempt {}", self.dice.below(6)));
        Command::Receive(Receive {
            name: self.names[queue].clone(),
            max_messages: self.dice.pick(&[1, 1, 2, 5, 10, 10, 10]),
            visibility_timeout_ms: timeout_ms,
            wait_ms: self.dice.permille(800).then(|| self.dice.pick(&[0, 0, 0, 500, 2_000, 20_000])),
            attempt_id,
        })
    }

    /// Some receipts of one queue: mostly late ones, sometimes any.
    fn some_receipts(&mut self) -> Option<(QueueName, Vec<Receipt>)> {
        let len = self.receipts.len();
        if len == 0 {
            return None;
        }
        let reach = if self.dice.permille(850) { len.min(12) } else { len };
        let start = len - 1 - self.dice.index(reach);
        let queue = self.receipts[start].0;
        let most = self.dice.pick(&[1, 2, 10, 10]);
        let of_queue = self.receipts.range(start..).filter(|(owner, _)| *owner == queue);
        let receipts = of_queue.map(|(_, receipt)| *receipt).take(most).collect();
        // Now and then a receipt is shown at the wrong door.
        let queue = if self.dice.permille(10) { self.dice.index(QUEUES.len()) } else { queue };
        Some((self.names[queue].clone(), receipts))
    }

    fn delete(&mut self) -> Command {
        let Some((name, receipts)) = self.some_receipts() else {
            return self.receive(3);
        };
        if self.dice.permille(800) {
            self.receipts.retain(|(_, receipt)| !receipts.contains(receipt));
        }
        Command::Delete { name, receipts }
    }

    fn change_visibility(&mut self) -> Command {
        let Some((name, receipts)) = self.some_receipts() else {
            return self.receive(4);
        };
        let timeouts = [0, 0, 1_000, 5_000, 60_000, 43_200_000];
        let changes = receipts.into_iter().map(|receipt| (receipt, self.dice.pick(&timeouts))).collect();
        Command::ChangeVisibility { name, changes }
    }

    // --- Answers ---------------------------------------------------------------------------------------------------

    /// What a client learns from an answer.
    pub(crate) fn learn(&mut self, command: &Command, result: &Result<Reply, CallError>) {
        self.documents.learn(command, result);
        match (command, result) {
            (Command::Receive(receive), Ok(Reply::Received(deliveries))) => {
                let Some(queue) = self.names.iter().position(|name| *name == receive.name) else { return };
                self.receipts.extend(deliveries.iter().map(|delivery| (queue, delivery.receipt)));
                let over = self.receipts.len().saturating_sub(REMEMBERED);
                self.receipts.drain(..over);
            }
            (Command::Delete { .. }, Ok(Reply::Each(results))) => {
                let gone = results.iter().filter(|result| result.is_ok()).count() as u64;
                self.waiting = self.waiting.saturating_sub(gone);
            }
            (Command::Describe(name), Ok(Reply::Description(found))) => {
                if let Some(queue) = self.names.iter().position(|known| known == name) {
                    self.policy_versions[queue] = found.policy_version;
                }
            }
            (_, Ok(Reply::TaskStarted(task))) => {
                self.tasks.push_back(*task);
                self.tasks.truncate(REMEMBERED);
            }
            _ => {}
        }
    }

    /// The process ended: what was under way gets no answer any more.
    pub(crate) fn process_ended(&mut self) {
        self.documents.forget_open();
    }

    /// Removes a document, whether it is there or not.
    pub(crate) fn removal_of_document(&mut self) -> Command {
        documents::removal(&mut self.dice)
    }

    /// A queue that nobody sends dead letters to.
    pub(crate) fn scratch_queue(&self) -> QueueName {
        named("elsewhere")
    }

    /// A send as large as fits an entry.
    pub(crate) fn large_send(&mut self, name: &QueueName) -> Command {
        let mut messages = Vec::new();
        for _ in 0..10 {
            self.last_number += 1;
            let number = self.last_number;
            messages.push(Outgoing {
                message_id: message::id(number),
                size_bytes: LARGE_BYTES,
                delay_ms: None,
                group: None,
                deduplication_id: None,
                content_hash: None,
                stored: message::stored(number, LARGE_BYTES as usize),
            });
        }
        Command::Send { name: name.clone(), messages }
    }

    /// How many messages there really are, as a look at all queues says.
    pub(crate) fn recount(&mut self, waiting: u64) {
        self.waiting = waiting;
    }
}

/// The queue of that name, in the region that it belongs to.
fn named(name: &str) -> QueueName {
    let region = if name == "elsewhere" { REGIONS[1] } else { REGIONS[0] };
    QueueName::new(ACCOUNT, region, name)
}

fn redrive_policy(target: &QueueName, most: u32) -> String {
    format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":{most}}}"#, target.arn())
}

/// What a command is called in the counts.
pub(crate) fn command_name(command: &Command) -> &'static str {
    match command {
        Command::CreateQueue { .. } => "CreateQueue",
        Command::DeleteQueue(_) => "DeleteQueue",
        Command::SetAttributes { .. } => "SetAttributes",
        Command::SetPolicy { .. } => "SetPolicy",
        Command::TagQueue { .. } => "TagQueue",
        Command::UntagQueue { .. } => "UntagQueue",
        Command::PurgeQueue(_) => "PurgeQueue",
        Command::Send { .. } => "Send",
        Command::Receive(_) => "Receive",
        Command::Delete { .. } => "Delete",
        Command::ChangeVisibility { .. } => "ChangeVisibility",
        Command::StartMoveTask { .. } => "StartMoveTask",
        Command::CancelMoveTask(_) => "CancelMoveTask",
        Command::Describe(_) => "Describe",
        Command::ListQueues { .. } => "ListQueues",
        Command::ListSources { .. } => "ListSources",
        Command::ListMoveTasks { .. } => "ListMoveTasks",
        Command::Peek { .. } => "Peek",
        Command::Operate { .. } => "Operate",
        Command::Survey { .. } => "Survey",
        Command::ChangeDocuments { .. } => "ChangeDocuments",
        Command::ListDocuments { .. } => "ListDocuments",
    }
}

/// What an answer is called in the counts.
pub(crate) fn reply_name(result: &Result<Reply, CallError>) -> &'static str {
    match result {
        Ok(Reply::Done) => "done",
        Ok(Reply::Sent(results)) if results.iter().any(Result::is_err) => "sent, in part refused",
        Ok(Reply::Sent(_)) => "sent",
        Ok(Reply::Received(messages)) if messages.is_empty() => "received nothing",
        Ok(Reply::Received(_)) => "received",
        Ok(Reply::Each(results)) if results.iter().any(Result::is_err) => "each, in part refused",
        Ok(Reply::Each(_)) => "each",
        Ok(Reply::Description(_)) => "described",
        Ok(Reply::Names { .. }) => "names",
        Ok(Reply::TaskStarted(_)) => "task started",
        Ok(Reply::TaskCancelled { .. }) => "task cancelled",
        Ok(Reply::Tasks(_)) => "tasks",
        Ok(Reply::Peeked(_)) => "peeked",
        Ok(Reply::Surveyed { .. }) => "surveyed",
        Ok(Reply::DocumentsChanged { .. }) => "documents changed",
        Ok(Reply::Documents { .. }) => "documents",
        Err(CallError::Engine(_)) => "refused",
        Err(CallError::Unavailable(_)) => "unavailable",
        Err(CallError::ShuttingDown) => "shutting down",
    }
}

/// A command without the bytes of its messages, to be remembered.
pub(crate) fn without_bytes(command: &Command) -> Command {
    let Command::Send { name, messages } = command else { return command.clone() };
    let bare = |outgoing: &Outgoing| Outgoing {
        group: outgoing.group.clone(),
        deduplication_id: outgoing.deduplication_id.clone(),
        content_hash: outgoing.content_hash.clone(),
        stored: Vec::new(),
        ..*outgoing
    };
    Command::Send { name: name.clone(), messages: messages.iter().map(bare).collect() }
}
