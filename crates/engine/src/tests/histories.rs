//! Random lives of a store: the same commands go to the engine and to the naive model, and every now and then the
//! engine is thrown away and made anew from its log, with or without a checkpoint.

use super::bench::{Bench, Got, START_MS, Written, fork, named, outgoing};
use super::model::{Look, Model};
use crate::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// The queues of a history; the second half are FIFO.
const QUEUES: [&str; 6] = ["a", "b", "dead", "x.fifo", "y.fifo", "dead.fifo"];

#[derive(Clone, Debug)]
enum Step {
    Create(usize, Look),
    DeleteQueue(usize),
    Set(usize, Look),
    Purge(usize),
    Send(usize, Vec<Letter>),
    Receive {
        queue: usize,
        most: usize,
        timeout_ms: Option<u64>,
        attempt: Option<u8>,
    },
    Delete {
        queue: Option<usize>,
        receipts: Vec<usize>,
    },
    Change {
        queue: Option<usize>,
        changes: Vec<(usize, u64)>,
    },
    Pass(u64),
    Expire,
    DoubtClock(bool),
    StartTask {
        source: usize,
        destination: Option<usize>,
        rate: Option<u32>,
    },
    CancelTask(usize),
    RunTasks,
    Look(usize),
    Peek(usize),
    /// The cleaner reads some messages, from so far into the log, and so many bytes of it (in percent).
    Read(u64, u64),
    /// The cleaner writes some of what it read, in reverse where asked to.
    Relocate(u8, bool),
    /// Changes of documents, each by its number: what is expected (the right thing, mostly), and what it becomes.
    Documents(Vec<(u8, Guess, Option<u8>)>),
    /// Documents of a collection, or of all, after one of them, so many.
    ListDocuments(Option<u8>, Option<u8>, usize),
    /// A queue gives up some messages for lost: the first, and from there every second, third ….
    Discard(usize, usize),
    /// An operator removes some of a queue's messages, or moves them to a queue or to where each came from.
    Operate(usize, usize, Act),
    BeginCheckpoint,
    Freeze(usize),
    /// The engine is made anew: from all records, or from the last complete checkpoint and what came since.
    Restart {
        from_checkpoint: bool,
    },
}

/// What a change expects of its document.
#[derive(Clone, Copy, Debug)]
enum Guess {
    Anything,
    Nothing,
    What,
    Version(u64),
}

/// A message to send.
#[derive(Clone, Debug)]
struct Letter {
    group: u8,
    deduplication: u8,
    delay_ms: Option<u64>,
    big: bool,
}

// --- Random steps --------------------------------------------------------------------------------------------------

fn any_queue() -> impl Strategy<Value = usize> {
    // Mostly few queues, so that something happens in them.
    prop_oneof![4 => Just(0usize), 3 => Just(3usize), 4 => 0..QUEUES.len()]
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        Just(Act::Discard),
        Just(Act::Move { to: None }),
        any_queue().prop_map(|queue| Act::Move { to: Some(named(QUEUES[queue])) }),
    ]
}

fn any_look() -> impl Strategy<Value = Look> {
    let seconds = |values: Vec<u64>| prop::option::weighted(0.3, prop::sample::select(values));
    let redrive = prop::option::of(prop_oneof![
        1 => Just(None),
        6 => (0..3usize, 1..3u32).prop_map(Some),
    ]);
    (
        seconds(vec![0, 1, 2, 30]),
        seconds(vec![0, 0, 1, 3, 900]),
        seconds(vec![60, 61, 300, 345_600]),
        prop::option::weighted(0.2, prop::sample::select(vec![1_024, 4_096])),
        prop::option::weighted(0.5, redrive),
        prop::option::weighted(0.3, any::<bool>()),
        prop::option::weighted(0.3, any::<bool>()),
    )
        .prop_map(|(visibility_s, delay_s, retention_s, max_bytes, redrive, by_content, per_group)| {
            let redrive = redrive.flatten().map(|one| one.map(|(target, count)| (target.to_string(), count)));
            Look { visibility_s, delay_s, max_bytes, retention_s, redrive, by_content, per_group }
        })
}

fn any_letter() -> impl Strategy<Value = Letter> {
    let delay =
        prop::option::weighted(0.15, prop::sample::select(vec![0, 1_000, 2_000, 30_000, 60_000, 900_000]));
    (0..4u8, 0..12u8, delay, prop::bool::weighted(0.02))
        .prop_map(|(group, deduplication, delay_ms, big)| Letter { group, deduplication, delay_ms, big })
}

fn any_timeout() -> impl Strategy<Value = u64> {
    prop::sample::select(vec![0, 0, 1, 1_000, 2_000, 30_000, 43_200_000])
}

fn any_pause() -> impl Strategy<Value = u64> {
    prop_oneof![
        5 => 0..4u64,
        5 => prop::sample::select(vec![10, 49, 50, 51, 99, 100, 101]),
        5 => prop::sample::select(vec![999, 1_000, 1_001, 2_000, 5_000]),
        2 => prop::sample::select(vec![30_000, 59_999, 60_000, 61_000, 299_999, 300_000]),
        1 => prop::sample::select(vec![900_000, 43_200_000, 345_600_000]),
    ]
}

fn any_document_change() -> impl Strategy<Value = (u8, Guess, Option<u8>)> {
    let guess = prop_oneof![
        3 => Just(Guess::Anything),
        2 => Just(Guess::Nothing),
        6 => Just(Guess::What),
        1 => (0..40u64).prop_map(Guess::Version),
    ];
    (0..24u8, guess, prop::option::weighted(0.6, any::<u8>()))
}

/// Batches of fewer than `batch` messages, receives of fewer than `most`.
fn any_step(batch: usize, most: usize) -> impl Strategy<Value = Step> {
    let receipts = prop::collection::vec(0..24usize, 1..4);
    let changes = prop::collection::vec((0..24usize, any_timeout()), 1..4);
    let other_queue = || prop::option::weighted(0.05, 0..QUEUES.len());
    let attempt = prop::option::weighted(0.2, 0..3u8);
    let rate = prop::option::of(prop::sample::select(vec![1u32, 3, 500]));
    prop_oneof![
        3 => (any_queue(), any_look()).prop_map(|(queue, look)| Step::Create(queue, look)),
        1 => any_queue().prop_map(Step::DeleteQueue),
        3 => (any_queue(), any_look()).prop_map(|(queue, look)| Step::Set(queue, look)),
        1 => any_queue().prop_map(Step::Purge),
        25 => (any_queue(), prop::collection::vec(any_letter(), 1..batch))
            .prop_map(|(queue, letters)| Step::Send(queue, letters)),
        30 => (any_queue(), 1..most, prop::option::weighted(0.7, any_timeout()), attempt).prop_map(
            |(queue, most, timeout_ms, attempt)| Step::Receive { queue, most, timeout_ms, attempt }
        ),
        14 => (other_queue(), receipts).prop_map(|(queue, receipts)| Step::Delete { queue, receipts }),
        12 => (other_queue(), changes).prop_map(|(queue, changes)| Step::Change { queue, changes }),
        20 => any_pause().prop_map(Step::Pass),
        3 => Just(Step::Expire),
        1 => any::<bool>().prop_map(Step::DoubtClock),
        4 => (any_queue(), prop::option::of(any_queue()), rate)
            .prop_map(|(source, destination, rate)| Step::StartTask { source, destination, rate }),
        1 => (0..4usize).prop_map(Step::CancelTask),
        6 => Just(Step::RunTasks),
        4 => any_queue().prop_map(Step::Look),
        1 => any_queue().prop_map(Step::Peek),
        4 => (0..100u64, 1..100u64).prop_map(|(from, span)| Step::Read(from, span)),
        4 => (any::<u8>(), any::<bool>()).prop_map(|(which, reverse)| Step::Relocate(which, reverse)),
        1 => (any_queue(), 2..6usize).prop_map(|(queue, every)| Step::Discard(queue, every)),
        3 => (any_queue(), 1..6usize, any_act()).prop_map(|(queue, every, act)| Step::Operate(queue, every, act)),
        6 => prop::collection::vec(any_document_change(), 0..5).prop_map(Step::Documents),
        2 => (prop::option::of(0..4u8), prop::option::of(0..24u8), 0..12usize)
            .prop_map(|(collection, after, limit)| Step::ListDocuments(collection, after, limit)),
        3 => Just(Step::BeginCheckpoint),
        12 => (0..8usize).prop_map(Step::Freeze),
        3 => any::<bool>().prop_map(|from_checkpoint| Step::Restart { from_checkpoint }),
    ]
}

/// Histories begin with queues: dead-letter queues, then two standard and two FIFO ones that use them.
fn any_history(batch: usize, most: usize, steps: usize) -> impl Strategy<Value = (bool, Vec<Step>)> {
    let begin = prop::collection::vec(any_look(), QUEUES.len());
    (any::<bool>(), begin, prop::collection::vec(any_step(batch, most), 1..steps)).prop_map(
        |(cooldowns, looks, steps)| {
            let order = [2, 5, 1, 4, 0, 3];
            let begin = order.into_iter().zip(looks).map(|(queue, look)| Step::Create(queue, look));
            (cooldowns, begin.chain(steps).collect())
        },
    )
}

// --- Running them --------------------------------------------------------------------------------------------------

/// A checkpoint as the node makes it: begun at one position, each entity frozen at another.
#[derive(Debug, Default)]
struct Round {
    replay_from: u64,
    left: Vec<EntityId>,
    frozen: BTreeMap<EntityId, (u64, Vec<u8>)>,
    /// Where the log stood when the round was complete.
    mark: u64,
}

#[derive(Debug)]
struct Life {
    bench: Bench,
    model: Model,
    receipts: Vec<(usize, Receipt)>,
    tasks: Vec<TaskId>,
    read: Vec<(QueueId, Relocation)>,
    round: Option<Round>,
    checkpoint: Option<Round>,
    sent: u64,
}

impl Life {
    fn new(cooldowns: bool) -> Self {
        let bench = Bench::with(Options { cooldowns });
        let model = Model { now_ms: START_MS, cooldowns, expire: true, ..Model::default() };
        Self {
            bench,
            model,
            receipts: Vec::new(),
            tasks: Vec::new(),
            read: Vec::new(),
            round: None,
            checkpoint: None,
            sent: 0,
        }
    }

    fn live(mut self, steps: &[Step]) {
        for step in steps {
            let before = self.bench.log.written.len();
            let receivable = self.receivable();
            self.model.wall_ms = self.bench.wall_ms();
            self.bench.ready.clear();
            self.take(step);
            assert_eq!((self.model.now_ms, self.model.expire), (self.bench.now_ms, self.bench.expire));
            let passive = matches!(step, Step::Pass(_) | Step::DoubtClock(_) | Step::DeleteQueue(_));
            if !passive {
                self.assert_announced(&receivable);
            }
            if self.bench.log.written.len() > before {
                self.bench.verify();
            }
            self.compare();
        }
        self.restart(false);
        self.finish_round();
        self.restart(true);
    }

    fn take(&mut self, step: &Step) {
        let before = self.bench.log.written.len();
        match step {
            Step::Create(queue, look) => self.create(*queue, look),
            Step::Set(queue, look) => {
                let (name, look) = (QUEUES[*queue], fitting(*queue, look));
                let command = Command::SetAttributes { name: named(name), attributes: look.to_map() };
                assert_eq!(done(self.bench.decide(command)), self.model.set(name, &look));
            }
            Step::DeleteQueue(queue) => {
                let name = QUEUES[*queue];
                let result = done(self.bench.decide(Command::DeleteQueue(named(name))));
                assert_eq!(result, self.model.delete_queue(name));
            }
            Step::Purge(queue) => {
                let name = QUEUES[*queue];
                let result = done(self.bench.decide(Command::PurgeQueue(named(name))));
                assert_eq!(result, self.model.purge(name));
            }
            Step::Send(queue, letters) => self.send(*queue, letters),
            Step::Receive { queue, most, timeout_ms, attempt } => {
                self.receive(*queue, *most, *timeout_ms, *attempt);
            }
            Step::Delete { queue, receipts } => self.delete(*queue, receipts),
            Step::Change { queue, changes } => self.change(*queue, changes),
            Step::Pass(ms) => {
                self.bench.pass(*ms);
                self.model.now_ms += ms;
            }
            Step::DoubtClock(doubt) => {
                self.bench.expire = !doubt;
                self.model.expire = !doubt;
            }
            Step::Expire => {
                let more = self.bench.expire();
                self.model.expired(&self.bench.log.written[before..]);
                assert_eq!(more, self.bench.log.written.len() > before);
                self.model.assert_nothing_is_expired();
            }
            Step::StartTask { source, destination, rate } => self.start_task(*source, *destination, *rate),
            Step::CancelTask(which) => self.cancel_task(*which),
            Step::RunTasks => {
                self.bench.step_tasks();
                self.model.step_tasks(&self.bench.log.written[before..]);
            }
            Step::Look(queue) => _ = self.bench.decide(Command::Describe(named(QUEUES[*queue]))),
            Step::Peek(queue) => {
                _ = self.bench.decide(Command::Peek { name: named(QUEUES[*queue]), which: Which::first(5) });
            }
            Step::Read(from, span) => {
                let end = self.bench.log.next_item();
                let from = end * from / 100;
                self.read = self.bench.read_for_relocation(from, from + end * span / 100);
            }
            Step::Relocate(which, reverse) => self.relocate(*which, *reverse),
            Step::Documents(changes) => self.change_documents(changes),
            Step::ListDocuments(collection, after, limit) => self.list_documents(*collection, *after, *limit),
            Step::Discard(queue, every) => self.discard(QUEUES[*queue], *every),
            Step::Operate(queue, every, act) => self.operate(QUEUES[*queue], *every, act),
            Step::BeginCheckpoint => self.begin_round(),
            Step::Freeze(which) => self.freeze(*which),
            Step::Restart { from_checkpoint } => self.restart(*from_checkpoint),
        }
    }

    fn create(&mut self, queue: usize, look: &Look) {
        let (name, look) = (QUEUES[queue], fitting(queue, look));
        let mut attributes = look.to_map();
        if queue >= 3 {
            attributes.insert("FifoQueue".to_owned(), "true".to_owned());
        }
        let tags = StringMap::new();
        let result = self.bench.decide(Command::CreateQueue { name: named(name), attributes, tags });
        assert_eq!(done(result), self.model.create(name, &look));
    }

    fn send(&mut self, queue: usize, letters: &[Letter]) {
        let mut messages = Vec::new();
        for letter in letters {
            self.sent += 1;
            let content = format!("content {}", letter.deduplication % 5);
            let mut message = outgoing(self.sent, &format!("{content}, number {}", self.sent));
            message.size_bytes = if letter.big { 5_000 } else { message.size_bytes };
            message.delay_ms = letter.delay_ms.filter(|delay_ms| queue < 3 || *delay_ms < 2_000);
            message.group = (letter.group > 0).then(|| format!("group {}", letter.group));
            if queue >= 3 {
                message.group.get_or_insert("group 0".to_owned());
                message.content_hash = Some(content);
                let own = letter.deduplication;
                // Some share an id, some have none, most have one of their own.
                message.deduplication_id = match own {
                    0..3 => Some(format!("id {own}")),
                    3 => None,
                    _ => Some(format!("number {}", self.sent)),
                };
            }
            messages.push(message);
        }
        let expected = self.model.send(QUEUES[queue], &messages);
        match self.bench.decide(Command::Send { name: named(QUEUES[queue]), messages }) {
            Ok(Reply::Sent(results)) => assert_eq!(Ok(results), expected),
            Err(error) => assert_eq!(Err(error), expected),
            other => panic!("{other:?}"),
        }
    }

    fn receive(&mut self, queue: usize, most: usize, timeout_ms: Option<u64>, attempt: Option<u8>) {
        let before = self.bench.log.written.len();
        let attempt_id = attempt.filter(|attempt| queue >= 3 || *attempt == 0).filter(|_| queue != 0);
        let asked = Receive {
            name: named(QUEUES[queue]),
            max_messages: most,
            visibility_timeout_ms: timeout_ms,
            wait_ms: None,
            attempt_id: attempt_id.map(|attempt| format!("attempt {attempt}")),
        };
        let result = self.bench.try_receive(asked.clone());
        let written: &[Written] = &self.bench.log.written[before..];
        self.model.receive(QUEUES[queue], &asked, &result, written);
        let got: Vec<Got> = result.unwrap_or_default();
        self.receipts.extend(got.iter().map(|got| (queue, got.delivery.receipt)));
    }

    /// A receipt of the last ones, and the queue that it is of.
    fn receipt(&self, which: usize) -> Option<(usize, Receipt)> {
        let recent = self.receipts.len().min(24);
        (recent > 0).then(|| self.receipts[self.receipts.len() - 1 - which % recent])
    }

    fn delete(&mut self, queue: Option<usize>, receipts: &[usize]) {
        let found: Vec<_> = receipts.iter().filter_map(|which| self.receipt(*which)).collect();
        let Some((own, _)) = found.first() else { return };
        let name = QUEUES[queue.unwrap_or(*own)];
        let receipts: Vec<Receipt> = found.into_iter().map(|(_, receipt)| receipt).collect();
        let expected = self.model.delete(name, &receipts);
        let result = self.bench.decide(Command::Delete { name: named(name), receipts });
        assert_eq!(each(result), expected);
    }

    fn change(&mut self, queue: Option<usize>, changes: &[(usize, u64)]) {
        let found = changes.iter().filter_map(|(which, ms)| Some((self.receipt(*which)?, *ms)));
        let found: Vec<_> = found.collect();
        let Some(((own, _), _)) = found.first() else { return };
        let name = QUEUES[queue.unwrap_or(*own)];
        let changes: Vec<(Receipt, u64)> =
            found.into_iter().map(|((_, receipt), ms)| (receipt, ms)).collect();
        let expected = self.model.change_visibility(name, &changes);
        let result = self.bench.decide(Command::ChangeVisibility { name: named(name), changes });
        assert_eq!(each(result), expected);
    }

    fn start_task(&mut self, source: usize, destination: Option<usize>, rate: Option<u32>) {
        // Mostly the dead-letter queues, which others send to.
        let source = if source < 3 { 2 } else { 5 };
        let destination = destination.map(|queue| QUEUES[queue]);
        let result = self.bench.start_move(QUEUES[source], destination, rate);
        self.model.start_move(QUEUES[source], destination, rate, &result);
        self.tasks.extend(result);
    }

    fn cancel_task(&mut self, which: usize) {
        let Some(task) = self.tasks.iter().rev().nth(which).copied() else { return };
        let moved = match self.bench.decide(Command::CancelMoveTask(task)) {
            Ok(Reply::TaskCancelled { moved }) => Ok(moved),
            Err(error) => Err(error),
            other => panic!("{other:?}"),
        };
        assert_eq!(moved, self.model.cancel_move(task));
    }

    fn relocate(&mut self, which: u8, reverse: bool) {
        let mut by_queue: BTreeMap<QueueId, Vec<Relocation>> = BTreeMap::new();
        for (number, (queue, found)) in std::mem::take(&mut self.read).into_iter().enumerate() {
            if number % 4 != usize::from(which % 4) {
                by_queue.entry(queue).or_default().push(found);
            }
        }
        for (queue, mut found) in by_queue {
            if reverse {
                found.reverse();
            }
            let before = self.bench.log.written.len();
            let count = self.bench.relocate(queue, &found);
            assert!(count <= found.len());
            assert_eq!(self.bench.log.written.len() - before, usize::from(count > 0));
        }
    }

    fn discard(&mut self, name: &str, every: usize) {
        let Some(queue) = self.model.queues.get_mut(name) else { return };
        let all = queue.messages.iter().map(|message| message.sequence);
        let lost: BTreeSet<u64> = all.step_by(every).collect();
        lost.iter().for_each(|sequence| queue.discard(*sequence));
        assert_eq!(self.bench.discard(queue.id, &lost), lost.len());
    }

    fn operate(&mut self, name: &str, every: usize, act: &Act) {
        let Some(queue) = self.model.queues.get(name) else { return };
        let id = queue.id;
        let mut sequences: Vec<u64> =
            queue.messages.iter().map(|message| message.sequence).step_by(every).take(100).collect();
        sequences.sort_unstable();
        let before = self.bench.log.written.len();
        let messages = sequences.iter().map(|sequence| (id, *sequence)).collect();
        let command = Command::Operate { name: named(name), messages, act: act.clone() };
        let results = self.bench.decide(command);
        self.model.operate(name, &sequences, act, &results, &self.bench.log.written[before..]);
    }

    fn change_documents(&mut self, changes: &[(u8, Guess, Option<u8>)]) {
        let documents = &mut self.model.documents;
        let change = |(number, guess, body): &(u8, Guess, Option<u8>)| {
            let (collection, name) = document(*number);
            let present = documents.all.get(&(collection.clone(), name.clone()));
            let expected = match (guess, present) {
                (Guess::Anything, _) => Expected::Any,
                (Guess::Nothing, _) | (Guess::What, None) => Expected::Absent,
                (Guess::What, Some((version, _))) => Expected::Version(*version),
                (Guess::Version(version), _) => Expected::Version(*version),
            };
            let body = body.map(|byte| vec![byte; usize::from(byte)].into());
            DocumentChange { collection, name, expected, body }
        };
        let changes: Vec<DocumentChange> = changes.iter().map(change).collect();
        let expected = documents.change(&changes);
        assert_eq!(self.bench.change_documents(&changes), expected);
    }

    fn list_documents(&mut self, collection: Option<u8>, after: Option<u8>, limit: usize) {
        let (collection, after) = (collection.map(|number| document(number).0), after.map(document));
        let mut expected = self.model.documents.list(collection.as_deref(), after.as_ref());
        let more = expected.len() > limit;
        expected.truncate(limit);
        let (found, found_more, version) = self.bench.list_documents(collection.as_deref(), after, limit);
        assert!(found.iter().map(|document| &**document).eq(&expected), "{found:?} is not {expected:?}");
        assert_eq!((found_more, version), (more, self.model.documents.version));
    }

    // --- Checkpoints and restarts ----------------------------------------------------------------------------------

    fn begin_round(&mut self) {
        if self.round.is_some() {
            return;
        }
        let replay_from = self.bench.log.next_item();
        let mut round = Round { replay_from, ..Round::default() };
        for entity in self.bench.engine.entities() {
            // What did not change since it was frozen last keeps its snapshot, as the node keeps it.
            let kept = self.checkpoint.as_ref().and_then(|last| last.frozen.get(&entity));
            let changed = |as_of: u64| {
                let later = self.bench.log.written.iter().rev().take_while(|written| written.at >= as_of);
                later.into_iter().any(|written| written.record.entity() == entity)
            };
            match kept.filter(|(as_of, _)| entity != EntityId::Directory && !changed(*as_of)) {
                Some(kept) => _ = round.frozen.insert(entity, kept.clone()),
                None => round.left.push(entity),
            }
        }
        self.round = Some(round);
    }

    fn freeze(&mut self, which: usize) {
        let Some(round) = &mut self.round else { return };
        if round.left.is_empty() {
            round.mark = self.bench.log.next_item();
            self.checkpoint = self.round.take();
            return;
        }
        let entity = round.left.remove(which % round.left.len());
        // An entity that was deleted since the round began needs no snapshot.
        if let Some(frozen) = self.bench.engine.freeze(entity) {
            round.frozen.insert(entity, (self.bench.log.next_item(), frozen.encode()));
        }
    }

    fn finish_round(&mut self) {
        self.begin_round();
        while self.round.is_some() {
            self.freeze(0);
        }
    }

    /// Goes on with an engine made from the log.
    fn restart(&mut self, from_checkpoint: bool) {
        let replayed = match self.checkpoint.as_ref().filter(|_| from_checkpoint) {
            Some(checkpoint) => self.replay_since(checkpoint),
            None => {
                let mut engine = self.bench.replay_all();
                engine.take_effects();
                engine
            }
        };
        self.bench.assert_same(&replayed);
        self.bench.engine = replayed;
    }

    /// The rule of start-up: restore what was frozen, apply each entity's later records.
    fn replay_since(&self, checkpoint: &Round) -> Engine {
        let mut engine = Engine::new(self.bench.options);
        for (entity, (_, bytes)) in &checkpoint.frozen {
            engine.restore(*entity, bytes).unwrap();
            assert_eq!(engine.freeze(*entity).unwrap().encode(), *bytes, "a snapshot reads back as it was");
        }
        for Written { at, record, body } in &self.bench.log.written {
            let held = checkpoint.frozen.get(&record.entity()).is_some_and(|(as_of, _)| at < as_of);
            if *at < checkpoint.replay_from || held {
                continue;
            }
            match engine.apply(record, *body) {
                Ok(()) => {}
                Err(ReplayError::UnknownEntity(_)) if *at <= checkpoint.mark => {}
                Err(error) => panic!("{record:?} at {at}: {error}"),
            }
        }
        engine.finish_replay();
        engine
    }

    // --- Comparing -------------------------------------------------------------------------------------------------

    fn receivable(&self) -> BTreeMap<&'static str, bool> {
        let now_ms = self.model.now_ms;
        QUEUES.iter().map(|name| (*name, self.model.is_receivable(name, now_ms))).collect()
    }

    /// A queue in which something became receivable without time passing was called ready, or calls for attention.
    fn assert_announced(&self, before: &BTreeMap<&'static str, bool>) {
        for (name, was) in before {
            let is = self.model.is_receivable(name, self.model.now_ms);
            let Some(id) = self.bench.engine.queue_id(&named(name)).filter(|_| is && !was) else { continue };
            let due = self.bench.engine.next_change_ms(id, self.bench.now_ms);
            let announced = due.is_some_and(|at_ms| at_ms <= self.bench.now_ms);
            assert!(announced || self.bench.ready.contains(&id), "nobody was told about {name}");
        }
    }

    /// Compares everything that can be seen, without moving the engine's own time.
    fn compare(&mut self) {
        for (name, queue) in &self.model.queues {
            let id = self.bench.engine.queue_id(&named(name));
            assert_eq!(id, Some(queue.id), "{name}");
            if !self.model.is_receivable(name, self.model.now_ms)
                && let Some(at_ms) = self.model.next_receivable_ms(name)
            {
                let told = self.bench.engine.next_change_ms(queue.id, self.bench.now_ms);
                assert!(told.is_some_and(|told| told <= at_ms), "{name}: told {told:?}, but it is {at_ms}");
            }
        }
        let engine = std::mem::take(&mut self.bench.engine);
        self.bench.engine = fork(&engine);
        for name in QUEUES {
            self.compare_queue(name);
        }
        self.list_documents(None, None, 100);
        self.bench.engine = engine;
    }

    fn compare_queue(&mut self, name: &str) {
        let now_ms = self.model.now_ms;
        let Some(queue) = self.model.queues.get(name) else {
            return assert_eq!(self.bench.engine.queue_id(&named(name)), None, "{name}");
        };
        let (visible, in_flight, delayed) = self.bench.counts(name);
        let (model_visible, model_in_flight, model_delayed) = queue.counts(now_ms);
        assert_eq!(
            (visible + delayed, in_flight),
            (model_visible + model_delayed, model_in_flight),
            "{name}"
        );
        if !queue.fifo || queue.delay_ms == 0 {
            // How many a FIFO queue's delay holds back is counted in slices of time.
            assert_eq!((visible, delayed), (model_visible, model_delayed), "{name}");
        }
        let seen = self.bench.peek(name);
        assert_eq!(seen.len(), queue.messages.len(), "{name}");
        for (seen, message) in seen.iter().zip(&queue.messages) {
            assert_eq!(seen.sequence, message.sequence, "{name}");
            assert_eq!(self.bench.log.text(seen.body), message.text, "{name}");
            assert_eq!(seen.state, queue.state(message, now_ms), "{name}: {message:?}");
            assert_eq!(seen.receive_count, message.receive_count, "{name}: {message:?}");
            assert_eq!(seen.first_received_wall_ms, message.first_received_wall_ms, "{name}");
            assert_eq!(seen.moved.as_deref(), message.moved.as_ref(), "{name}");
        }
        let tasks: Vec<TaskView> = queue.tasks.iter().rev().take(10).cloned().collect();
        assert_eq!(self.bench.tasks(name), tasks, "{name}");
    }
}

/// Collection and name of a document.
fn document(number: u8) -> (String, String) {
    (["keys", "policies", "users"][usize::from(number % 3)].to_owned(), format!("{}", number / 3))
}

/// Attributes that a queue of this type may have; dead-letter queues are of the same type.
fn fitting(queue: usize, look: &Look) -> Look {
    let base = if queue < 3 { 0 } else { 3 };
    let redrive = look.redrive.as_ref().map(|redrive| {
        redrive
            .as_ref()
            .map(|(target, count)| (QUEUES[base + target.parse::<usize>().unwrap()].to_owned(), *count))
    });
    Look {
        redrive,
        by_content: look.by_content.filter(|_| queue >= 3),
        per_group: look.per_group.filter(|_| queue >= 3),
        ..look.clone()
    }
}

fn done(result: Result<Reply, EngineError>) -> Result<(), EngineError> {
    result.map(|reply| assert!(matches!(reply, Reply::Done)))
}

fn each(result: Result<Reply, EngineError>) -> Result<Vec<Result<(), EngineError>>, EngineError> {
    result.map(|reply| match reply {
        Reply::Each(results) => results,
        other => panic!("{other:?}"),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_history_goes_as_the_naive_model_says_and_replays_to_the_same_bytes(
        (cooldowns, steps) in any_history(4, 11, 120)
    ) {
        Life::new(cooldowns).live(&steps);
    }

    #[test]
    fn deep_queues_go_as_the_naive_model_says_and_replay_to_the_same_bytes(
        (cooldowns, steps) in any_history(200, 70, 40)
    ) {
        Life::new(cooldowns).live(&steps);
    }
}
