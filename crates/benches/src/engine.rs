//! Decisions on queues of each kind with 100,000 messages pending, and the replay of their records.

use crate::{Case, Work, body, fed};
use bongsu_engine::{
    BodyRef, Command, Engine, EntityId, Entropy, Log, Moment, Options, Outgoing, QueueName, Receipt, Receive,
    Record, Reply, StringMap,
};
use std::hint::black_box;
use std::sync::OnceLock;

pub(crate) const CASES: &[Case] = &[
    Case { name: "engine/standard/send", set_up: || send_one(Kind::Standard) },
    Case { name: "engine/standard/send-10", set_up: || send_ten(Kind::Standard) },
    Case { name: "engine/standard/receive-10", set_up: || receive_ten(Kind::Standard) },
    Case { name: "engine/standard/delete-10", set_up: || delete_ten(Kind::Standard) },
    Case { name: "engine/standard/replay-10", set_up: || replay_ten(Kind::Standard) },
    Case { name: "engine/fifo/send", set_up: || send_one(Kind::Fifo) },
    Case { name: "engine/fifo/send-10", set_up: || send_ten(Kind::Fifo) },
    Case { name: "engine/fifo/receive-10", set_up: || receive_ten(Kind::Fifo) },
    Case { name: "engine/fifo/delete-10", set_up: || delete_ten(Kind::Fifo) },
    Case { name: "engine/fifo/replay-10", set_up: || replay_ten(Kind::Fifo) },
    Case { name: "engine/fair/send", set_up: || send_one(Kind::Fair) },
    Case { name: "engine/fair/send-10", set_up: || send_ten(Kind::Fair) },
    Case { name: "engine/fair/receive-10", set_up: || receive_ten(Kind::Fair) },
    Case { name: "engine/fair/delete-10", set_up: || delete_ten(Kind::Fair) },
    Case { name: "engine/fair/replay-10", set_up: || replay_ten(Kind::Fair) },
];

/// How deep the queues are.
const PENDING: u64 = 100_000;
/// How many more there may be before sends are made up for.
const SLACK: u64 = 1_000;
/// Message groups of a FIFO queue, tenants of a fair one.
const GROUPS: u64 = 1_000;
const START_MS: u64 = 1_700_000_000_000;
/// So much of the log is kept before it is overwritten.
const LOG_BYTES: usize = 1 << 20;

/// What kind of queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Standard,
    Fifo,
    /// Standard, with message groups.
    Fair,
}

impl Kind {
    fn queue(self) -> QueueName {
        QueueName::new("000000000000", "us-east-1", if self == Self::Fifo { "work.fifo" } else { "work" })
    }

    fn attributes(self) -> StringMap {
        match self {
            Self::Fifo => [("FifoQueue".to_owned(), "true".to_owned())].into(),
            Self::Standard | Self::Fair => StringMap::new(),
        }
    }

    fn outgoing(self, number: u64, stored: Vec<u8>) -> Outgoing {
        Outgoing {
            message_id: u128::from(number).to_be_bytes(),
            size_bytes: 1024,
            delay_ms: None,
            group: (self != Self::Standard).then(|| format!("group-{}", number % GROUPS)),
            deduplication_id: (self == Self::Fifo).then(|| format!("message-{number}")),
            content_hash: None,
            stored,
        }
    }
}

/// A log in memory as the node's: records and bodies one behind the other.
#[derive(Debug, Default)]
struct Tape {
    bytes: Vec<u8>,
    position: u64,
    /// Whether `written` is filled.
    keeps: bool,
    written: Vec<(Record, BodyRef)>,
}

impl Log for Tape {
    fn write(&mut self, record: &Record, body: &[u8]) -> BodyRef {
        if self.bytes.len() > LOG_BYTES {
            self.position += self.bytes.len() as u64;
            self.bytes.clear();
        }
        record.encode(&mut self.bytes);
        let at = BodyRef { position: self.position + self.bytes.len() as u64, len: body.len() as u32 };
        self.bytes.extend_from_slice(body);
        if self.keeps {
            self.written.push((record.clone(), at));
        }
        at
    }
}

/// An engine with one deep queue.
struct Bench {
    kind: Kind,
    queue: QueueName,
    body: Vec<u8>,
    engine: Engine,
    log: Tape,
    /// Time passes and random numbers are drawn with each decision.
    decisions: u64,
    sent: u64,
    pending: u64,
    in_flight: Vec<Receipt>,
}

/// A deep queue as a checkpoint has it. Restoring one is far quicker than sending all its messages.
struct Deep {
    entities: Vec<(EntityId, Vec<u8>)>,
    log_end: u64,
    decisions: u64,
    sent: u64,
}

impl Deep {
    /// Made once for each kind, so that all cases begin with the same.
    fn of(kind: Kind) -> &'static Self {
        static STANDARD: OnceLock<Deep> = OnceLock::new();
        static FIFO: OnceLock<Deep> = OnceLock::new();
        static FAIR: OnceLock<Deep> = OnceLock::new();
        let deep = match kind {
            Kind::Standard => &STANDARD,
            Kind::Fifo => &FIFO,
            Kind::Fair => &FAIR,
        };
        deep.get_or_init(|| Self::make(kind))
    }

    fn make(kind: Kind) -> Self {
        let mut bench = Bench::over(kind, Engine::new(Options::default()));
        let (name, attributes) = (bench.queue.clone(), kind.attributes());
        bench.decide(Command::CreateQueue { name, attributes, tags: StringMap::new() });
        while bench.pending < PENDING {
            let command = bench.sending(10);
            bench.send(command);
        }
        let encode = |entity| Some((entity, bench.engine.freeze(entity)?.encode()));
        Self {
            entities: bench.engine.entities().into_iter().filter_map(encode).collect(),
            log_end: bench.log.position + bench.log.bytes.len() as u64,
            decisions: bench.decisions,
            sent: bench.sent,
        }
    }

    fn restore(&self) -> Engine {
        let mut engine = Engine::new(Options::default());
        for (entity, snapshot) in &self.entities {
            assert!(engine.restore(*entity, snapshot).is_ok());
        }
        engine
    }
}

impl Bench {
    fn new(kind: Kind) -> Self {
        let mut bench = Self::restored(kind);
        bench.settle();
        bench
    }

    /// A restored queue has no spare capacity anywhere: its first message in each group is not like those after it.
    fn settle(&mut self) {
        for _ in 0..GROUPS / 10 {
            let sending = self.sending(10);
            self.send(sending);
            self.receive_and_delete();
        }
    }

    fn restored(kind: Kind) -> Self {
        let deep = Deep::of(kind);
        let mut bench = Self::over(kind, deep.restore());
        bench.log.position = deep.log_end;
        (bench.decisions, bench.sent, bench.pending) = (deep.decisions, deep.sent, PENDING);
        bench
    }

    fn over(kind: Kind, engine: Engine) -> Self {
        Self {
            kind,
            queue: kind.queue(),
            body: body().into_bytes(),
            engine,
            log: Tape::default(),
            decisions: 0,
            sent: 0,
            pending: 0,
            in_flight: Vec::new(),
        }
    }

    fn decide(&mut self, command: Command) -> Option<Reply> {
        self.decisions += 1;
        let now_ms = START_MS + self.decisions;
        let at = Moment { now_ms, wall_ms: now_ms, expire: true };
        let entropy = Entropy(u128::from(self.decisions).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let reply = self.engine.decide(at, entropy, command, &mut self.log).ok();
        black_box(self.engine.take_effects());
        reply
    }

    fn sending(&mut self, count: u64) -> Command {
        let numbers = self.sent..self.sent + count;
        let messages = numbers.map(|number| self.kind.outgoing(number, self.body.clone())).collect();
        self.sent += count;
        Command::Send { name: self.queue.clone(), messages }
    }

    fn receiving(&self) -> Command {
        Command::Receive(Receive {
            name: self.queue.clone(),
            max_messages: 10,
            visibility_timeout_ms: None,
            wait_ms: None,
            attempt_id: None,
        })
    }

    fn deleting(&mut self) -> Command {
        Command::Delete { name: self.queue.clone(), receipts: std::mem::take(&mut self.in_flight) }
    }

    fn send(&mut self, command: Command) {
        let Some(Reply::Sent(results)) = self.decide(command) else { panic!("a send was refused") };
        assert!(results.iter().all(Result::is_ok));
        self.pending += results.len() as u64;
    }

    fn receive(&mut self, command: Command) {
        let Some(Reply::Received(deliveries)) = self.decide(command) else { panic!("a receive was refused") };
        assert_eq!(deliveries.len(), 10);
        self.in_flight.extend(deliveries.iter().map(|delivery| delivery.receipt));
    }

    fn delete(&mut self, command: Command) {
        let Some(Reply::Each(results)) = self.decide(command) else { panic!("a delete was refused") };
        assert!(results.iter().all(Result::is_ok));
        self.pending -= results.len() as u64;
    }

    fn receive_and_delete(&mut self) {
        let receiving = self.receiving();
        self.receive(receiving);
        let deleting = self.deleting();
        self.delete(deleting);
    }
}

fn send_one(kind: Kind) -> Box<dyn Work> {
    fed(Bench::new(kind), |bench| prepare_send(bench, 1), Bench::send)
}

fn send_ten(kind: Kind) -> Box<dyn Work> {
    fed(Bench::new(kind), |bench| prepare_send(bench, 10), Bench::send)
}

fn prepare_send(bench: &mut Bench, count: u64) -> Command {
    while bench.pending >= PENDING + SLACK {
        bench.receive_and_delete();
    }
    bench.sending(count)
}

fn receive_ten(kind: Kind) -> Box<dyn Work> {
    let prepare = |bench: &mut Bench| {
        let deleting = bench.deleting();
        bench.delete(deleting);
        let sending = bench.sending(10);
        bench.send(sending);
        bench.receiving()
    };
    fed(Bench::new(kind), prepare, Bench::receive)
}

fn delete_ten(kind: Kind) -> Box<dyn Work> {
    let prepare = |bench: &mut Bench| {
        let sending = bench.sending(10);
        bench.send(sending);
        let receiving = bench.receiving();
        bench.receive(receiving);
        bench.deleting()
    };
    fed(Bench::new(kind), prepare, Bench::delete)
}

/// An engine that has decided, and one that follows it.
struct Pair {
    leader: Bench,
    follower: Engine,
}

impl Pair {
    fn follow(&mut self, records: &[(Record, BodyRef)]) {
        for (record, body) in records {
            assert!(self.follower.apply(record, *body).is_ok());
        }
        black_box(self.follower.take_effects());
    }
}

/// The records of ten messages' life: sent, received and deleted, by ten.
fn replay_ten(kind: Kind) -> Box<dyn Work> {
    let mut leader = Bench::restored(kind);
    leader.log.keeps = true;
    leader.settle();
    let mut pair = Pair { follower: Deep::of(kind).restore(), leader };
    let records = std::mem::take(&mut pair.leader.log.written);
    pair.follow(&records);
    let prepare = |pair: &mut Pair| {
        let sending = pair.leader.sending(10);
        pair.leader.send(sending);
        pair.leader.receive_and_delete();
        std::mem::take(&mut pair.leader.log.written)
    };
    fed(pair, prepare, |pair, records| pair.follow(&records))
}
