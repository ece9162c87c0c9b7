//! A store of files on a disk that others keep full: what consumers delete must make it writable again, with no space but
//! its own.

use super::*;
use bongsu_journal::testing::{Loss, SimDisk};
use bongsu_journal::{FileJournal, FileOptions};
use std::path::Path;
use std::sync::Arc;

const SEGMENT_BYTES: u64 = 512 << 10;
const BODY_BYTES: usize = 4_000;

fn open(disk: &SimDisk, now_ms: u64) -> House<FileJournal> {
    let journal_options = FileOptions {
        segment_bytes: SEGMENT_BYTES,
        max_payload_bytes: 48 << 10,
        max_open_files: 4,
        recent_bytes: 8 << 10,
        allocate_in_background: false,
    };
    let journal = FileJournal::open(Arc::new(disk.clone()), Path::new("/store"), journal_options).unwrap();
    let steps = StepSizes { records_bytes: 16 << 10, slice_bytes: 8 << 10 };
    let mut house = House::over(journal, PartitionOptions { steps, ..options(u64::MAX) }, now_ms);
    house.settle();
    house
}

fn new_store(disk: &SimDisk) -> House<FileJournal> {
    let mut house = open(disk, 1_000_000);
    let create = Command::CreateQueue { name: queue(), attributes: StringMap::new(), tags: StringMap::new() };
    house.ask(create).unwrap();
    house
}

fn fill_disk(disk: &SimDisk) {
    disk.set_capacity_bytes(Some(disk.used_bytes()));
}

impl House<FileJournal> {
    /// A second, with what the journal's thread does when room is low.
    fn second(&mut self) {
        if self.partition.is_low_on_room() {
            let room_bytes = self.journal.room_bytes();
            self.partition.set_room(room_bytes);
        }
        self.pass(1_000);
    }

    /// Sends until it is refused; says how many messages were taken.
    fn fill(&mut self) -> u64 {
        let mut taken = 0;
        while self.ask(send(taken, BODY_BYTES)).is_ok() {
            taken += 1;
            assert!(taken < 10_000, "the disk is full");
        }
        assert!(self.partition.is_low_on_room());
        taken
    }

    /// Messages that are hidden for a second from now on.
    fn receive_some(&mut self) -> Vec<Receipt> {
        let command = Command::Receive(Receive {
            name: queue(),
            max_messages: 10,
            visibility_timeout_ms: Some(1_000),
            wait_ms: Some(0),
            attempt_id: None,
        });
        let Reply::Received(messages) = self.ask(command).unwrap() else { panic!("not a receive") };
        messages.into_iter().map(|message| message.receipt).collect()
    }

    /// Receives and deletes `number` messages at once; nothing of that may be refused.
    fn consume(&mut self, number: u64) {
        let mut left = number as usize;
        while left > 0 {
            let mut receipts = self.receive_some();
            receipts.truncate(left);
            assert!(!receipts.is_empty());
            left -= receipts.len();
            self.ask(Command::Delete { name: queue(), receipts }).unwrap();
        }
    }

    /// Sends and consumes, until the disk is full of nothing but dead messages. Says how many messages there were.
    fn fill_and_drain(&mut self) -> u64 {
        let mut all = 0;
        while !self.partition.is_low_on_room() {
            let taken = self.fill();
            self.consume(taken);
            all += taken;
        }
        all
    }

    /// Has a checkpoint made.
    fn checkpoint(&mut self) {
        let before = self.partition.checkpoints.mark;
        self.partition.checkpoints.wanted = true;
        for _ in 0..100 {
            self.second();
        }
        assert!(self.partition.checkpoints.mark > before);
    }

    fn wait_until_writable(&mut self) {
        for _ in 0..10 {
            self.second();
            if !self.partition.is_low_on_room() {
                return;
            }
        }
        let (room, reserve) = (self.partition.room_bytes, self.partition.reserve_bytes());
        panic!("{room} of {reserve} bytes of room; {:?}", self.journal.segments());
    }

    fn segment_count(&self) -> usize {
        self.journal.segments().len()
    }
}

/// The only segment was the active one, so there was none to delete, and nothing but space from elsewhere helped.
#[test]
fn a_store_with_one_segment_is_writable_again_once_it_is_drained() {
    let disk = SimDisk::new();
    let mut house = new_store(&disk);
    // So that what is allocated ahead is little more than what is kept in reserve.
    disk.set_capacity_bytes(Some(disk.used_bytes() + (20 << 10)));
    let mut total = 0;
    for _ in 0..30 {
        let taken = house.fill();
        assert!(taken > 0);
        total += taken;
        house.consume(taken);
        house.wait_until_writable();
        assert!(house.segment_count() <= 2, "{:?}", house.journal.segments());
    }
    assert!(total * BODY_BYTES as u64 > 4 * SEGMENT_BYTES, "{total} messages are too few to tell anything");
    assert_eq!(house.counts(), (0, 0, 0));
}

#[test]
fn the_little_that_lives_moves() {
    let disk = SimDisk::new();
    let mut house = new_store(&disk);
    fill_disk(&disk);
    let kept = 3;
    let mut visible = 0;
    for _ in 0..10 {
        visible += house.fill();
        house.consume(visible - kept);
        visible = kept;
        house.wait_until_writable();
    }
    house.pass(1_000);
    assert_eq!(house.counts(), (kept, 0, 0));
    disk.lose_power(Loss::Everything);
    let mut house = open(&disk, house.now_ms);
    let Reply::Received(messages) = house.ask(receive(0)).unwrap() else { panic!("not a receive") };
    assert_eq!(messages.len(), kept as usize);
    for message in messages {
        assert_eq!(house.bytes(message.body).len(), BODY_BYTES);
    }
}

/// Nothing is allocated ahead, as somebody else was faster in taking what the store gave back.
#[test]
fn without_a_spare_the_reserve_itself_gives_one() {
    let disk = SimDisk::new();
    let mut house = new_store(&disk);
    let mut sent = 0;
    while house.segment_count() < 2 {
        fill_disk(&disk);
        house.ask(send(sent, BODY_BYTES)).unwrap();
        sent += 1;
    }
    house.consume(sent);
    disk.set_capacity_bytes(Some(0));
    house.checkpoint();
    assert_eq!(house.segment_count(), 1, "the first one is gone");
    fill_disk(&disk);
    let taken = house.fill_and_drain();
    assert!(taken * BODY_BYTES as u64 > SEGMENT_BYTES / 2, "{taken} messages");
    assert_eq!(house.segment_count(), 1);
    house.wait_until_writable();
    let mut again = 0;
    for _ in 0..5 {
        again += house.fill();
        house.second();
    }
    assert!(again > taken / 2, "{again} messages after {taken}");
}

/// Power fails at every step of the disk from the first message that is consumed until space is back, and the disk stays full.
#[test]
fn no_crash_on_the_way_keeps_it_from_being_writable_again() {
    let act = |disk: &SimDisk, crash_in: Option<u64>| {
        let mut house = new_store(disk);
        fill_disk(disk);
        house.fill_and_drain();
        let before = disk.steps();
        if let Some(steps) = crash_in {
            disk.crash_at(before + steps);
        }
        for _ in 0..5 {
            house.second();
        }
        disk.steps() - before
    };
    let steps = act(&SimDisk::new(), None);
    assert!(steps > 10, "{steps}");
    for step in 1..=steps {
        for loss in [Loss::Everything, Loss::Nothing, Loss::Some { seed: step }] {
            let disk = SimDisk::new();
            act(&disk, Some(step));
            disk.lose_power(loss);
            let mut house = open(&disk, 2_000_000);
            assert_eq!(house.counts(), (0, 0, 0), "at {step}");
            house.wait_until_writable();
            let taken = house.fill();
            house.consume(taken);
        }
    }
}

/// Each receive writes a record. The log of a full store came to its end with them, and then not even deletes were served.
#[test]
fn receives_without_deletes_go_on_for_ever_on_a_full_disk() {
    let disk = SimDisk::new();
    let mut house = new_store(&disk);
    fill_disk(&disk);
    let taken = house.fill();
    house.consume(taken - 1);
    let mut received = 0;
    let written = house.journal.tail().0;
    while house.journal.tail().0 - written < 3 * SEGMENT_BYTES {
        for _ in 0..40 {
            house.now_ms += 1_001;
            // None if the batch that it falls into was begun before the message was visible again.
            received += house.receive_some().len();
        }
        house.second();
    }
    assert!(received > 5_000, "{received}");
    house.second();
    house.consume(1);
    house.wait_until_writable();
}

/// Snapshots larger than the part of the reserve that was kept for deletes could not be written, so that no segment that
/// replay needed could be let go of.
#[test]
fn the_reserve_grows_with_what_a_checkpoint_takes() {
    let disk = SimDisk::new();
    let mut house = new_store(&disk);
    let small = house.partition.reserve_bytes();
    for number in 0..1_000 {
        house.ask(send(number, 40)).unwrap();
    }
    for _ in 0..100 {
        house.receive_some();
    }
    house.checkpoint();
    let snapshots = house.partition.checkpoints.manifest.bytes();
    let (least, most) = (SEGMENT_BYTES / 16, SEGMENT_BYTES / 8);
    assert!(snapshots > least, "{snapshots} bytes are no more than was kept before");
    assert!(snapshots < most, "{snapshots} bytes are more than is ever kept");
    let (reserve, floor) = (house.partition.reserve_bytes(), house.partition.floor_bytes());
    assert!(reserve >= small + 2 * (snapshots - SEGMENT_BYTES / 32), "{reserve}");
    assert!(floor >= snapshots, "{floor}");
    assert!(reserve <= SEGMENT_BYTES / 2, "a journal with space has that much");
    // Everything is consumed: what has to be kept for the next one is not what the last one took.
    fill_disk(&disk);
    let taken = house.fill();
    for _ in 0..(1_000 + taken) / 100 {
        house.consume(100);
        house.second();
    }
    house.consume((1_000 + taken) % 100);
    house.wait_until_writable();
    assert!(house.partition.reserve_bytes() < reserve);
}

/// Documents are a part of each checkpoint that they changed before: room for that is kept, too, so that what is deleted is given
/// back though they take much more of a checkpoint than queues do.
#[test]
fn a_store_with_documents_is_writable_again_once_it_is_drained() {
    let disk = SimDisk::new();
    let mut house = new_store(&disk);
    let change = |number: u64, bytes: Option<usize>| {
        let change = bongsu_engine::DocumentChange {
            collection: "users".to_owned(),
            name: format!("{number:03}"),
            expected: bongsu_engine::Expected::Any,
            body: bytes.map(|bytes| vec![number as u8; bytes].into()),
        };
        Command::ChangeDocuments { changes: vec![change] }
    };
    (0..50).for_each(|number| _ = house.ask(change(number, Some(1_000))).unwrap());
    fill_disk(&disk);
    for number in 50..60 {
        house.ask(change(number, Some(1_000))).unwrap();
        let taken = house.fill();
        assert!(matches!(house.ask(change(999, Some(0))), Err(CallError::Unavailable(_))));
        house.ask(change(number - 50, None)).unwrap();
        house.consume(taken);
        house.wait_until_writable();
    }
    disk.lose_power(Loss::Everything);
    let mut house = open(&disk, house.now_ms);
    assert_eq!(house.counts(), (0, 0, 0));
    let list = Command::ListDocuments { collection: None, after: None, limit: 1_000 };
    let Reply::Documents { documents, version, .. } = house.ask(list).unwrap() else { panic!("no list") };
    let names: Vec<_> = documents.iter().map(|document| document.name.clone()).collect();
    assert_eq!(names, (10..60).map(|number| format!("{number:03}")).collect::<Vec<_>>());
    assert_eq!(version, 70);
}
