//! What the tests drive the engine with: a clock in the hand, a log that keeps all it is given, and replay.
//!
//! A bench that goes away checks itself: the messages' counts and indexes, the bytes that the effects account for,
//! and that a replay of its log gives the same state. So every test also tests replay.

use crate::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(super) const START_MS: u64 = 1_000_000_000;
/// What the wall clock is ahead of engine time.
pub(super) const WALL_AHEAD_MS: u64 = 1_700_000_000_000;
const FIRST_POSITION: u64 = 4_096;
const ITEM_HEADER_BYTES: u64 = 9;

/// A record as the log holds it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Written {
    /// Where the item begins.
    pub(super) at: u64,
    pub(super) record: Record,
    pub(super) body: BodyRef,
}

/// A log in memory, laid out like the journal's: items one after the other, each a record and what it carries.
#[derive(Debug)]
pub(super) struct Recorder {
    pub(super) written: Vec<Written>,
    bytes: BTreeMap<u64, Vec<u8>>,
    next: u64,
}

impl Recorder {
    fn new() -> Self {
        Self { written: Vec::new(), bytes: BTreeMap::new(), next: FIRST_POSITION }
    }

    /// Where the next item will lie.
    pub(super) fn next_item(&self) -> u64 {
        self.next
    }

    /// A stored message's bytes.
    pub(super) fn read(&self, body: BodyRef) -> &[u8] {
        let (start, bytes) = self.bytes.range(..=body.position).next_back().unwrap();
        let offset = (body.position - start) as usize;
        &bytes[offset..offset + body.len as usize]
    }

    pub(super) fn text(&self, body: BodyRef) -> String {
        String::from_utf8(self.read(body).to_vec()).unwrap()
    }
}

impl Log for Recorder {
    fn write(&mut self, record: &Record, body: &[u8]) -> BodyRef {
        let mut encoded = Vec::new();
        record.encode(&mut encoded);
        let read_back = Record::decode(&encoded).unwrap();
        assert_eq!(read_back, *record);
        let at = self.next;
        let position = at + ITEM_HEADER_BYTES + encoded.len() as u64;
        self.next = position + body.len() as u64;
        if !body.is_empty() {
            self.bytes.insert(position, body.to_vec());
        }
        let body = BodyRef { position, len: body.len() as u32 };
        self.written.push(Written { at, record: read_back, body });
        body
    }
}

/// An engine on the bench.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) engine: Engine,
    pub(super) log: Recorder,
    pub(super) now_ms: u64,
    pub(super) expire: bool,
    pub(super) options: Options,
    /// Queues that the last decision made ready.
    pub(super) ready: Vec<QueueId>,
    drawn: u64,
    held: BTreeMap<BodyRef, i64>,
}

/// A message handed out, with its text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Got {
    pub(super) text: String,
    pub(super) delivery: Delivery,
}

pub(super) fn named(name: &str) -> QueueName {
    QueueName::new("000000000000", "us-east-1", name)
}

pub(super) fn map(pairs: &[(&str, &str)]) -> StringMap {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(super) fn redrive_policy(target: &str, count: u32) -> String {
    format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":{count}}}"#, named(target).arn())
}

/// A message with nothing special about it. Its id is made from `number`.
pub(super) fn outgoing(number: u64, text: &str) -> Outgoing {
    let mut message_id = [0; 16];
    message_id[..8].copy_from_slice(&number.to_be_bytes());
    Outgoing {
        message_id,
        size_bytes: text.len() as u64,
        delay_ms: None,
        group: None,
        deduplication_id: None,
        content_hash: None,
        stored: text.as_bytes().to_vec(),
    }
}

pub(super) fn receive(queue: &str, max_messages: usize) -> Receive {
    Receive { name: named(queue), max_messages, visibility_timeout_ms: None, wait_ms: None, attempt_id: None }
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(Options::default())
    }

    pub(super) fn with(options: Options) -> Self {
        Self {
            engine: Engine::new(options),
            log: Recorder::new(),
            now_ms: START_MS,
            expire: true,
            options,
            ready: Vec::new(),
            drawn: 0,
            held: BTreeMap::new(),
        }
    }

    pub(super) fn moment(&self) -> Moment {
        Moment { now_ms: self.now_ms, wall_ms: self.now_ms + WALL_AHEAD_MS, expire: self.expire }
    }

    pub(super) fn wall_ms(&self) -> u64 {
        self.moment().wall_ms
    }

    pub(super) fn draw(&mut self) -> Entropy {
        self.drawn += 1;
        Entropy(u128::from(self.drawn).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
    }

    pub(super) fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
    }

    pub(super) fn decide(&mut self, command: Command) -> Result<Reply, EngineError> {
        let (moment, entropy, written) = (self.moment(), self.draw(), self.log.written.len());
        let result = self.engine.decide(moment, entropy, command, &mut self.log);
        if result.is_err() {
            assert_eq!(self.log.written.len(), written, "a refusal wrote something");
        }
        self.account();
        result
    }

    pub(super) fn expire(&mut self) -> bool {
        let more = self.engine.expire(self.moment(), &mut self.log);
        self.account();
        more
    }

    pub(super) fn step_tasks(&mut self) {
        let (moment, entropy) = (self.moment(), self.draw());
        for queue in self.engine.running_tasks(QueueId(0)) {
            self.engine.step_task(moment, entropy, queue, &mut self.log);
        }
        self.account();
    }

    pub(super) fn relocate(&mut self, queue: QueueId, found: &[Relocation]) -> usize {
        let count = self.engine.relocate(self.moment(), queue, found, &mut self.log);
        self.account();
        count
    }

    pub(super) fn discard(&mut self, queue: QueueId, sequences: &BTreeSet<u64>) -> usize {
        let count = self.engine.discard(self.moment(), queue, sequences, &mut self.log);
        self.account();
        count
    }

    /// What the cleaner would read of these messages.
    pub(super) fn read_for_relocation(&self, from: u64, to: u64) -> Vec<(QueueId, Relocation)> {
        let found = self.engine.bodies_in(from, to).into_iter();
        found
            .map(|(queue, sequence, from)| {
                (queue, Relocation { sequence, from, bytes: self.log.read(from).to_vec() })
            })
            .collect()
    }

    /// Keeps account of bytes in use, as the node does with what the effects say.
    fn account(&mut self) {
        let effects = self.engine.take_effects();
        let mut change = |body: BodyRef, by: i64| {
            let count = self.held.entry(body).or_default();
            *count += by;
            if *count == 0 {
                self.held.remove(&body);
            }
        };
        effects.stored.into_iter().for_each(|body| change(body, 1));
        effects.freed.into_iter().for_each(|body| change(body, -1));
        for mut dropped in effects.dropped {
            while dropped.drain(7, &mut |body| change(body, -1)) {}
        }
        self.ready = effects.ready;
    }

    // --- In a few words --------------------------------------------------------------------------------------------

    pub(super) fn try_create(&mut self, name: &str, attributes: &[(&str, &str)]) -> Result<(), EngineError> {
        let mut attributes = map(attributes);
        if name.ends_with(".fifo") {
            attributes.entry("FifoQueue".to_owned()).or_insert("true".to_owned());
        }
        let command = Command::CreateQueue { name: named(name), attributes, tags: StringMap::new() };
        self.decide(command).map(|reply| assert!(matches!(reply, Reply::Done)))
    }

    pub(super) fn create(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.try_create(name, attributes).unwrap();
    }

    pub(super) fn try_set(&mut self, name: &str, attributes: &[(&str, &str)]) -> Result<(), EngineError> {
        let command = Command::SetAttributes { name: named(name), attributes: map(attributes) };
        self.decide(command).map(|reply| assert!(matches!(reply, Reply::Done)))
    }

    pub(super) fn set(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.try_set(name, attributes).unwrap();
    }

    pub(super) fn delete_queue(&mut self, name: &str) {
        self.decide(Command::DeleteQueue(named(name))).unwrap();
    }

    pub(super) fn purge(&mut self, name: &str) {
        self.decide(Command::PurgeQueue(named(name))).unwrap();
    }

    pub(super) fn send_batch(
        &mut self,
        name: &str,
        messages: Vec<Outgoing>,
    ) -> Vec<Result<Sent, EngineError>> {
        match self.decide(Command::Send { name: named(name), messages }).unwrap() {
            Reply::Sent(results) => results,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn try_send(&mut self, name: &str, message: Outgoing) -> Result<Sent, EngineError> {
        self.send_batch(name, vec![message]).remove(0)
    }

    pub(super) fn send(&mut self, name: &str, text: &str) -> Sent {
        let number = self.log.next_item();
        self.try_send(name, outgoing(number, text)).unwrap()
    }

    /// Sends to a group (or tenant); on FIFO queues the text is the deduplication id.
    pub(super) fn send_to(&mut self, name: &str, group: &str, text: &str) -> Sent {
        let mut message = outgoing(self.log.next_item(), text);
        message.group = Some(group.to_owned());
        message.deduplication_id = name.ends_with(".fifo").then(|| text.to_owned());
        self.try_send(name, message).unwrap()
    }

    pub(super) fn try_receive(&mut self, receive: Receive) -> Result<Vec<Got>, EngineError> {
        match self.decide(Command::Receive(receive))? {
            Reply::Received(found) => Ok(found
                .into_iter()
                .map(|delivery| Got { text: self.log.text(delivery.body), delivery })
                .collect()),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn receive(&mut self, name: &str, max_messages: usize) -> Vec<Got> {
        self.try_receive(receive(name, max_messages)).unwrap()
    }

    pub(super) fn receive_for(&mut self, name: &str, max_messages: usize, timeout_ms: u64) -> Vec<Got> {
        let receive = Receive { visibility_timeout_ms: Some(timeout_ms), ..receive(name, max_messages) };
        self.try_receive(receive).unwrap()
    }

    /// The one message there is to receive.
    pub(super) fn receive_one(&mut self, name: &str) -> Got {
        let mut got = self.receive(name, 1);
        assert_eq!(got.len(), 1, "one message of {name}");
        got.remove(0)
    }

    pub(super) fn texts(&mut self, name: &str, max_messages: usize) -> Vec<String> {
        self.receive(name, max_messages).into_iter().map(|got| got.text).collect()
    }

    pub(super) fn delete(&mut self, name: &str, got: &Got) -> Result<(), EngineError> {
        self.delete_all(name, std::slice::from_ref(got)).remove(0)
    }

    pub(super) fn delete_all(&mut self, name: &str, got: &[Got]) -> Vec<Result<(), EngineError>> {
        let receipts = got.iter().map(|got| got.delivery.receipt).collect();
        match self.decide(Command::Delete { name: named(name), receipts }).unwrap() {
            Reply::Each(results) => results,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn change(&mut self, name: &str, got: &Got, timeout_ms: u64) -> Result<(), EngineError> {
        let changes = vec![(got.delivery.receipt, timeout_ms)];
        match self.decide(Command::ChangeVisibility { name: named(name), changes }).unwrap() {
            Reply::Each(mut results) => results.remove(0),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn describe(&mut self, name: &str) -> Description {
        match self.decide(Command::Describe(named(name))).unwrap() {
            Reply::Description(description) => *description,
            other => panic!("{other:?}"),
        }
    }

    /// Visible, in flight, delayed.
    pub(super) fn counts(&mut self, name: &str) -> (u64, u64, u64) {
        let description = self.describe(name);
        (description.visible, description.in_flight, description.delayed)
    }

    pub(super) fn peek(&mut self, name: &str) -> Vec<Peeked> {
        match self.decide(Command::Peek { name: named(name), which: Which::first(100_000) }).unwrap() {
            Reply::Peeked(seen) => seen,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn start_move(
        &mut self,
        source: &str,
        destination: Option<&str>,
        max_per_second: Option<u32>,
    ) -> Result<TaskId, EngineError> {
        let (source, destination) = (named(source), destination.map(named));
        match self.decide(Command::StartMoveTask { source, destination, max_per_second })? {
            Reply::TaskStarted(task) => Ok(task),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn tasks(&mut self, source: &str) -> Vec<TaskView> {
        match self.decide(Command::ListMoveTasks { source: named(source), limit: 10 }).unwrap() {
            Reply::Tasks(tasks) => tasks,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn change_documents(&mut self, changes: &[DocumentChange]) -> Result<Vec<u64>, EngineError> {
        match self.decide(Command::ChangeDocuments { changes: changes.to_vec() })? {
            Reply::DocumentsChanged { versions } => Ok(versions),
            other => panic!("{other:?}"),
        }
    }

    /// A page of documents, whether there are more, and the registry's version.
    pub(super) fn list_documents(
        &mut self,
        collection: Option<&str>,
        after: Option<(String, String)>,
        limit: usize,
    ) -> (Vec<Arc<Document>>, bool, u64) {
        let collection = collection.map(str::to_owned);
        match self.decide(Command::ListDocuments { collection, after, limit }).unwrap() {
            Reply::Documents { documents, more, version } => (documents, more, version),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn documents(&mut self, collection: Option<&str>) -> (Vec<Arc<Document>>, bool, u64) {
        self.list_documents(collection, None, usize::MAX)
    }

    // --- What must always hold -------------------------------------------------------------------------------------

    /// Counts equal sums, indexes what they index, and the effects account for the bytes in use.
    pub(super) fn verify(&self) {
        for queue in self.engine.queues.values() {
            queue.messages.verify();
        }
        let mut in_use: BTreeMap<BodyRef, i64> = BTreeMap::new();
        self.engine.bodies().for_each(|body| *in_use.entry(body).or_default() += 1);
        assert_eq!(in_use, self.held, "bytes in use");
    }

    /// A new engine to which all that the log holds was applied.
    pub(super) fn replay_all(&self) -> Engine {
        let mut engine = Engine::new(self.options);
        for written in &self.log.written {
            engine.apply(&written.record, written.body).unwrap();
        }
        engine
    }

    /// Checks that another engine is in the state of this one, now and at all later times.
    pub(super) fn assert_same(&self, other: &Engine) {
        assert_eq!(self.engine.names, other.names);
        assert_eq!(self.engine.sources, other.sources);
        assert_eq!(self.engine.moving, other.moving);
        let (mut one, mut two) = (fork(&self.engine), fork(other));
        for later_ms in [0, 1, 60_000, 10_000_000] {
            advance(&mut one, self.now_ms + later_ms);
            advance(&mut two, self.now_ms + later_ms);
            assert_eq!(one.entities(), two.entities());
            for entity in one.entities() {
                let frozen = |engine: &Engine| engine.freeze(entity).unwrap().encode();
                if frozen(&one) != frozen(&two) {
                    let show = |engine: &Engine| format!("{:#?}", engine.freeze(entity).unwrap());
                    panic!("{later_ms} ms later differ\n{}\nand\n{}", show(&one), show(&two));
                }
            }
        }
        one.queues.values().chain(two.queues.values()).for_each(|queue| queue.messages.verify());
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.verify();
            self.assert_same(&self.replay_all());
        }
    }
}

/// A second engine in the same state.
pub(super) fn fork(engine: &Engine) -> Engine {
    Engine {
        options: engine.options,
        directory: engine.directory.clone(),
        registry: engine.registry.clone(),
        queues: engine.queues.clone(),
        names: engine.names.clone(),
        sources: engine.sources.clone(),
        moving: engine.moving.clone(),
        effects: Effects::default(),
    }
}

fn advance(engine: &mut Engine, now_ms: u64) {
    engine.queues.values_mut().for_each(|queue| queue.advance(now_ms));
}
