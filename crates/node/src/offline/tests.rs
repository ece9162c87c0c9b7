//! Stores with a history, damaged in every kind of place: what a check says of them, and what a repair leaves.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::clock::Reading;
use crate::error::CallError;
use crate::partition::{Output, Partition, PartitionOptions, StepSizes, Token};
use bongsu_engine::{
    Command, DocumentChange, DocumentsSize, Expected, Outgoing, QueueName, Receive, Relocation, Reply,
    StringMap,
};
use bongsu_journal::testing::{Loss, SimDisk};
use bongsu_journal::{FaultKind, FileJournal, FileOptions, Journal, Position};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const DIR: &str = "/store";
const KEPT: &str = "/store/damaged";
const STEPS: StepSizes = StepSizes { records_bytes: 8 << 10, slice_bytes: 4 << 10 };

fn journal_options() -> FileOptions {
    FileOptions {
        segment_bytes: 96 << 10,
        max_payload_bytes: 40 << 10,
        max_open_files: 8,
        recent_bytes: 8 << 10,
        allocate_in_background: false,
    }
}

fn options(checkpoint_bytes: u64) -> PartitionOptions {
    PartitionOptions { cooldowns: false, checkpoint_bytes, steps: STEPS, seed: 7, new_secret: [7; 32] }
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

#[derive(Debug)]
struct Client;

impl Token for Client {
    fn is_abandoned(&self) -> bool {
        false
    }
}

/// A partition over a journal of files, and what it was told to keep.
struct House {
    partition: Partition<Client>,
    journal: FileJournal,
    now_ms: u64,
    reply: Option<Result<Reply, CallError>>,
    living: BTreeSet<u64>,
    last: u64,
}

fn named(name: &str) -> QueueName {
    QueueName::new("000000000000", "us-east-1", name)
}

/// A message that tells its number and whether it is whole.
fn stored(number: u64, bytes: u64) -> Vec<u8> {
    let mut stored = vec![0; 4];
    stored.extend(number.to_le_bytes());
    stored.resize(bytes.max(12) as usize, number as u8);
    let crc = crc32c::crc32c(&stored[4..]);
    stored[..4].copy_from_slice(&crc.to_le_bytes());
    stored
}

fn verify(bytes: &[u8]) -> Result<(), String> {
    let crc = bytes.first_chunk().copied().map(u32::from_le_bytes);
    let whole = crc == Some(crc32c::crc32c(bytes.get(4..).unwrap_or_default()));
    if whole { Ok(()) } else { Err("not what was sent".to_owned()) }
}

fn number(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes[4..12].try_into().unwrap())
}

impl House {
    fn open(disk: &SimDisk, checkpoint_bytes: u64, now_ms: u64) -> Self {
        let mut journal =
            FileJournal::open(Arc::new(disk.clone()), Path::new(DIR), journal_options()).unwrap();
        let reading = crate::Reading { monotonic_ms: now_ms, wall_ms: now_ms };
        let partition = Partition::open(&mut journal, &options(checkpoint_bytes), reading).unwrap();
        let mut house = Self { partition, journal, now_ms, reply: None, living: BTreeSet::new(), last: 0 };
        house.settle();
        house
    }

    fn reading(&self) -> Reading {
        Reading { monotonic_ms: self.now_ms, wall_ms: self.now_ms }
    }

    fn settle(&mut self) {
        loop {
            self.partition.flush(self.reading());
            let outputs = self.partition.take_outputs();
            if outputs.is_empty() {
                return;
            }
            for output in outputs {
                match output {
                    Output::Reply(Client, reply) => self.reply = Some(reply),
                    Output::Append { expected, stamp, payload } => {
                        let appended = self.journal.append(expected, stamp, &payload);
                        self.partition.appended(self.reading(), appended);
                    }
                    Output::DeleteSegment(base) => self.journal.delete_segment(base).unwrap(),
                    Output::Roll { needed_bytes, kept_bytes } => {
                        let result = self.journal.roll(needed_bytes, kept_bytes);
                        self.partition.rolled(result);
                    }
                    Output::Encode(entity, frozen) => self.partition.encoded(entity, frozen.encode()),
                    Output::Read(queue, bodies) => {
                        let found = bodies.into_iter().map(|(sequence, from)| Relocation {
                            sequence,
                            from,
                            bytes: self.read(from).to_vec(),
                        });
                        let found = found.collect();
                        self.partition.copied(self.reading(), queue, found);
                    }
                }
            }
        }
    }

    fn read(&self, body: bongsu_engine::BodyRef) -> bytes::Bytes {
        let at = Position(body.position);
        self.journal.reader().pin(at).unwrap().read(at, body.len).unwrap()
    }

    fn ask(&mut self, command: Command) -> Result<Reply, CallError> {
        self.partition.call(self.reading(), Client, command);
        self.settle();
        self.reply.take().expect("an answer once all is durable")
    }

    fn create(&mut self, name: &str) {
        let (mut attributes, tags) = <(StringMap, StringMap)>::default();
        if name.ends_with(".fifo") {
            attributes.insert("FifoQueue".to_owned(), "true".to_owned());
        }
        self.ask(Command::CreateQueue { name: named(name), attributes, tags }).unwrap();
    }

    fn send(&mut self, name: &str, bytes: u64, delay_ms: Option<u64>) {
        self.last += 1;
        let fifo = name.ends_with(".fifo");
        let message = Outgoing {
            message_id: u128::from(self.last).to_le_bytes(),
            size_bytes: bytes,
            delay_ms,
            group: fifo.then(|| format!("group {}", self.last % 3)),
            deduplication_id: fifo.then(|| self.last.to_string()),
            content_hash: None,
            stored: stored(self.last, bytes),
        };
        self.ask(Command::Send { name: named(name), messages: vec![message] }).unwrap();
        self.living.insert(self.last);
    }

    /// Makes a document and removes one that was made before, if there is one.
    fn change_documents(&mut self, number: usize) {
        let change = |number: usize, bytes: Option<usize>| DocumentChange {
            collection: "users".to_owned(),
            name: number.to_string(),
            expected: Expected::Any,
            body: bytes.map(|bytes| vec![7; bytes].into()),
        };
        let mut changes = vec![change(number, Some(900))];
        changes.extend((number % 2 == 1).then(|| change(number - 1, None)));
        self.ask(Command::ChangeDocuments { changes }).unwrap();
    }

    fn receive(&mut self, name: &str, delete: bool) {
        let receive = Receive {
            name: named(name),
            max_messages: 10,
            visibility_timeout_ms: Some(40_000),
            wait_ms: Some(0),
            attempt_id: None,
        };
        let Ok(Reply::Received(messages)) = self.ask(Command::Receive(receive)) else { panic!("a receive") };
        if !delete {
            return;
        }
        for message in &messages {
            self.living.remove(&number(&self.read(message.body)));
        }
        let receipts = messages.iter().map(|message| message.receipt).collect();
        self.ask(Command::Delete { name: named(name), receipts }).unwrap();
    }

    /// Numbers of the messages that live.
    fn held(&self) -> BTreeSet<u64> {
        let journal: &dyn Journal = &self.journal;
        let mut found = BTreeSet::new();
        for (_, _, body) in self.partition.bodies() {
            let at = Position(body.position);
            found.insert(number(&journal.reader().pin(at).unwrap().read(at, body.len).unwrap()));
        }
        found
    }
}

/// A store with three queues, checkpoints, deleted segments and several openings, and the numbers of what lives in it.
fn store(seed: u64, checkpoint_bytes: u64) -> (SimDisk, BTreeSet<u64>) {
    let (disk, mut dice) = (SimDisk::new(), Dice(seed));
    let mut house = House::open(&disk, checkpoint_bytes, 1_000_000);
    ["work", "jobs.fifo", "later"].into_iter().for_each(|name| house.create(name));
    for step in 0..700 {
        house.now_ms += dice.below(300);
        match dice.below(10) {
            0..=3 => house.send("work", 100 + dice.below(2_500), None),
            4..=5 => house.send("jobs.fifo", 100 + dice.below(900), None),
            6 => house.send("later", 300, Some(1_000 + dice.below(100_000))),
            7 => house.receive(["work", "later"][step % 2], dice.below(5) > 0),
            8 => house.receive("jobs.fifo", true),
            _ => house.partition.tick(house.reading()),
        }
        if step % 50 == 20 {
            house.change_documents(step / 50);
        }
        if step % 250 == 249 {
            let (living, last, now_ms) = (house.living, house.last, house.now_ms);
            if step % 500 == 249 {
                Box::new(house.journal).close().unwrap();
            }
            house = House::open(&disk.fork(), checkpoint_bytes, now_ms + 5);
            drop(house);
            disk.kill_process();
            house = House::open(&disk, checkpoint_bytes, now_ms + 5);
            (house.living, house.last) = (living, last);
        }
    }
    let living = house.living.clone();
    assert_eq!(house.held(), living);
    drop(house);
    (disk.fork(), living)
}

fn look(disk: &SimDisk) -> Checked {
    check(Arc::new(disk.clone()), Path::new(DIR), &verify, &mut Quiet).unwrap()
}

fn mend(disk: &SimDisk, checked: Checked) -> Result<Repaired, RepairError> {
    let how = Repair {
        disk: Arc::new(disk.clone()),
        dir: Path::new(DIR),
        keep_dir: Path::new(KEPT),
        new_secret: [9; 32],
        journal: journal_options(),
        steps: STEPS,
        verify: &verify,
    };
    repair(&how, checked, &mut Quiet)
}

fn segment_files(disk: &SimDisk) -> Vec<(PathBuf, Vec<u8>)> {
    let is_segment = |path: &Path| path.extension().is_some_and(|extension| extension == "segment");
    disk.files().into_iter().filter(|(path, _)| is_segment(path)).collect()
}

/// Damages one segment: bits, a hole, its end, its header.
fn damage(disk: &SimDisk, dice: &mut Dice) -> (PathBuf, usize) {
    let files = segment_files(disk);
    let last = files.len() as u64 - 1;
    // The last ones more often: only there the log may have to be cut.
    let index = if dice.below(3) == 0 { last } else { dice.below(last + 1) };
    let (path, mut bytes) = files[index as usize].clone();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() as u64 + 1;
    let at = match dice.below(8) {
        0 => dice.below(96),
        1 => used - 1 - dice.below(96),
        _ => 4096 + dice.below(used - 4096),
    } as usize;
    match dice.below(4) {
        // A hole up to the end of the log can't be told from space that was never used.
        0 if index != last || at + 8_000 < used as usize => {
            let end = bytes.len().min(at + 6_000);
            bytes[at..end].fill(0);
        }
        1 if index != last => bytes.truncate(at),
        _ => bytes[at] ^= 1 << dice.below(8),
    }
    disk.put_file(&path, &bytes);
    (path, at)
}

#[test]
fn a_sound_store_is_found_sound_and_told_as_it_is() {
    for seed in 0..6 {
        let (disk, living) = store(seed, 150 << 10);
        let before = disk.files();
        let checked = look(&disk);
        assert!(checked.is_sound(), "{checked:#?}");
        assert_eq!(disk.files(), before, "a check changes nothing");
        let contents = checked.contents.unwrap();
        assert_eq!(contents.messages, living.len() as u64);
        let counted = contents.queues.iter().map(|queue| queue.visible + queue.in_flight + queue.delayed);
        assert_eq!(counted.sum::<u64>(), living.len() as u64);
        assert_eq!(contents.documents, DocumentsSize { documents: 7, bytes: 7 * 905 + 7 * 2 - 5 });
        let names: Vec<_> = contents.queues.iter().map(|queue| queue.name.name.as_str()).collect();
        assert_eq!(names, ["jobs.fifo", "later", "work"]);
        let checkpoint = contents.checkpoint.expect("the log is long enough for one");
        assert!(checkpoint.replay_from < checkpoint.position && checkpoint.bytes > 0);
        assert!(!checked.survey.is_complete(None), "segments were deleted");
        assert!(checked.tally.sent > 0 && checked.tally.relocated > 0, "{:?}", checked.tally);
    }
}

/// The heart of it: whatever is damaged, a repair leaves a sound store, with all that it said it would leave.
#[test]
fn whatever_is_damaged_a_repair_leaves_what_it_promised() {
    let (mut cut, mut old, mut lost, mut hopeless, mut fell_back, mut harmless) = (0, 0, 0, 0, 0, 0);
    for seed in 0..150 {
        let (disk, living) = store(seed % 5, (60 + 60 * (seed % 3)) << 10);
        let place = damage(&disk, &mut Dice(seed));
        let before = disk.files();
        let checked = look(&disk);
        let context = format!("seed {seed}, damage {place:?}, {:#?}", checked.survey.faults);
        assert_eq!(disk.files(), before);
        let rescue = match checked.rescue.clone() {
            None => {
                harmless += 1;
                let contents = checked.contents.unwrap();
                // A torn tail may have had one command.
                assert!(contents.messages + 10 >= living.len() as u64, "{context}");
                continue;
            }
            Some(Err(why)) => {
                hopeless += 1;
                assert!(matches!(mend(&disk, checked), Err(RepairError::Hopeless(_))), "{why}");
                assert_eq!(disk.files(), before, "nothing is changed where nothing can be done");
                continue;
            }
            Some(Ok(rescue)) => rescue,
        };
        let repaired = mend(&disk, checked).unwrap_or_else(|e| panic!("{e}: {context}"));
        assert_eq!(repaired.discarded, rescue.contents.lost_messages, "{context}");
        let after = look(&disk);
        assert!(after.is_sound(), "{after:#?}\n{context}");
        let left = after.contents.unwrap();
        assert_eq!(left.messages, rescue.contents.messages - rescue.contents.lost_messages, "{context}");
        let house = House::open(&disk, 1 << 20, 100_000_000);
        let held = house.held();
        match rescue.cut {
            Some(_) => cut += 1,
            None => {
                old += 1;
                assert!(held.is_subset(&living), "{context}");
                let gone = living.difference(&held).count() as u64;
                assert_eq!(gone, rescue.contents.lost_messages, "{context}");
            }
        }
        lost += u32::from(rescue.contents.lost_messages > 0);
        fell_back += u32::from(rescue.falls_back);
        let kept = Path::new(KEPT).join(place.0.file_name().unwrap());
        assert_eq!(disk.files().get(&kept), before.get(&place.0), "what was changed is kept: {context}");
    }
    let seen = format!("{cut} {old} {lost} {hopeless} {fell_back} {harmless}");
    assert!(cut > 10 && old > 40 && lost > 10 && harmless > 0, "{seen}");
}

/// A power cut in the middle of a repair leaves a store that can be checked and repaired again.
#[test]
fn an_interrupted_repair_can_be_done_again() {
    let mut interrupted = 0;
    for seed in 0..80 {
        let (disk, _) = store(1, 120 << 10);
        damage(&disk, &mut Dice(seed / 4));
        let checked = look(&disk);
        let Some(Ok(rescue)) = checked.rescue.clone() else { continue };
        let mut dice = Dice(seed);
        disk.crash_at(disk.steps() + 1 + dice.below(120));
        if mend(&disk, checked).is_ok() {
            continue;
        }
        interrupted += 1;
        disk.lose_power(Loss::Some { seed });
        let again = look(&disk);
        if !again.is_sound() {
            mend(&disk, again).unwrap_or_else(|e| panic!("{e}: seed {seed}"));
        }
        let after = look(&disk);
        assert!(after.is_sound(), "seed {seed}: {after:#?}");
        let left = after.contents.unwrap().messages;
        assert!(left >= rescue.contents.messages - rescue.contents.lost_messages, "seed {seed}");
    }
    assert!(interrupted > 20, "{interrupted}");
}

/// Without a checkpoint the store is rebuilt from its first entry; with a damaged one, too, if all segments are there.
#[test]
fn a_damaged_checkpoint_is_replaced_by_an_earlier_start() {
    let disk = SimDisk::new();
    let mut house = House::open(&disk, 20 << 10, 1_000_000);
    house.create("work");
    (0..30).for_each(|_| house.send("work", 1_000, None));
    let living = house.living.clone();
    let mark = house.journal.last_stamp().unwrap().mark;
    assert!(mark > 0);
    drop(house);
    disk.kill_process();
    let whole = look(&disk);
    let segment = whole.survey.segments.iter().rev().find(|segment| segment.base.0 <= mark).unwrap();
    // A bit of the manifest's head, in the entry that the mark names.
    let mut bytes = disk.files()[&segment.file].clone();
    bytes[(mark - segment.base.0) as usize + 4096 + 96 + 12] ^= 1;
    disk.put_file(&segment.file, &bytes);
    let checked = look(&disk);
    assert!(checked.contents.is_err());
    let Some(Ok(rescue)) = checked.rescue.clone() else { panic!("{checked:#?}") };
    assert!(rescue.falls_back || rescue.cut.is_some(), "{rescue:#?}");
    mend(&disk, checked).unwrap();
    assert!(look(&disk).is_sound());
    let house = House::open(&disk, 1 << 20, 2_000_000);
    assert!(house.held().is_subset(&living));
}

/// Bytes that are whole as an entry but make no sense to the engine: the log is cut there.
#[test]
fn an_entry_that_makes_no_sense_is_cut_off() {
    let disk = SimDisk::new();
    let mut house = House::open(&disk, 1 << 20, 1_000_000);
    house.create("work");
    (0..5).for_each(|_| house.send("work", 500, None));
    let tail = house.journal.tail();
    house.journal.append(tail, Default::default(), b"\x01no items at all").unwrap();
    let tail = house.journal.tail();
    house.journal.append(tail, Default::default(), b"\x02a version that is not known").unwrap();
    drop(house);
    disk.kill_process();
    let checked = look(&disk);
    assert!(checked.survey.faults.iter().all(|fault| fault.kind == FaultKind::Content));
    assert_eq!(checked.survey.faults.len(), 2);
    mend(&disk, checked).unwrap();
    let after = look(&disk);
    assert!(after.is_sound());
    assert_eq!(after.contents.unwrap().messages, 5);
}
