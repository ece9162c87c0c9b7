//! Segments that are ended early, so that what is dead in the only one can be given back on a disk without space.

use bongsu_journal::testing::{Loss, SimDisk, Step};
use bongsu_journal::{AppendError, FileJournal, FileOptions, Journal, SegmentInfo};

use crate::common::{SMALL, append, numbers, open_with, segment_files};

/// Large beside its entries, so that a segment can be cut out of what another does not use.
const LARGE: FileOptions = FileOptions { segment_bytes: 64 << 10, ..SMALL };

/// The room that these tests want a new segment to have.
const NEEDED_BYTES: u64 = 2 << 10;

/// What they want an old one to keep.
const KEPT_BYTES: u64 = 3 << 10;

fn fill_disk(disk: &SimDisk) {
    disk.set_capacity_bytes(Some(disk.used_bytes()));
}

/// A journal with one segment of the full size, on a disk without space, with nothing allocated ahead. Also says how many
/// entries it ever had; the last of them is the one that is left.
fn without_spare(disk: &SimDisk) -> (FileJournal, u64) {
    let mut journal = open_with(disk, LARGE).unwrap();
    let mut number = 0;
    while journal.segments().len() < 2 {
        append(&mut journal, number);
        number += 1;
        if journal.segments().len() == 1 {
            fill_disk(disk);
        }
    }
    let first = journal.segments()[0];
    // Somebody else is faster than the journal in taking what it gives back.
    disk.fail(Step::Create, 0, rustix::io::Errno::NOSPC.raw_os_error());
    journal.delete_segment(first.base).unwrap();
    fill_disk(disk);
    assert_eq!(segment_files(disk).len(), 1);
    (journal, number)
}

fn roll(journal: &mut FileJournal) -> SegmentInfo {
    let sealed = journal.roll(NEEDED_BYTES, KEPT_BYTES).unwrap().expect("space for a segment");
    assert!(sealed.sealed && sealed.end == journal.tail());
    assert!(journal.room_bytes() >= NEEDED_BYTES);
    sealed
}

#[test]
fn the_spare_takes_the_place_of_a_dead_segment_on_a_full_disk() {
    let disk = SimDisk::new();
    let mut journal = open_with(&disk, LARGE).unwrap();
    fill_disk(&disk);
    let mut number = 0;
    // Many times over what the disk holds.
    for _ in 0..200 {
        append(&mut journal, number);
        append(&mut journal, number + 1);
        let sealed = roll(&mut journal);
        append(&mut journal, number + 2);
        journal.delete_segment(sealed.base).unwrap();
        number += 3;
        assert_eq!(numbers(&journal), [number - 1]);
    }
}

#[test]
fn without_a_spare_the_unused_part_of_the_active_segment_becomes_one() {
    let disk = SimDisk::new();
    let (mut journal, mut number) = without_spare(&disk);
    for _ in 0..80 {
        append(&mut journal, number);
        number += 1;
    }
    let room_before = journal.room_bytes();
    let sealed = roll(&mut journal);
    append(&mut journal, number);
    journal.delete_segment(sealed.base).unwrap();
    assert_eq!(numbers(&journal), [number]);
    let room = journal.room_bytes();
    assert!(room > room_before + (8 << 10), "{room_before} before, {room} after");
}

/// What is given is taken by somebody else, again and again.
#[test]
fn a_segment_that_can_not_be_made_leaves_room_for_deletes() {
    let disk = SimDisk::new();
    let (mut journal, number) = without_spare(&disk);
    for _ in 0..100 {
        disk.fail(Step::Create, 0, rustix::io::Errno::NOSPC.raw_os_error());
        disk.fail(Step::Create, 0, rustix::io::Errno::NOSPC.raw_os_error());
        assert_eq!(journal.roll(NEEDED_BYTES, KEPT_BYTES), Ok(None));
        fill_disk(&disk);
    }
    disk.heal();
    let left = journal.room_bytes();
    assert!(left >= KEPT_BYTES, "{left}");
    append(&mut journal, number);
    assert_eq!(journal.segments().len(), 1);
}

#[test]
fn nothing_is_rolled_without_reason_or_space() {
    let disk = SimDisk::new();
    let mut journal = open_with(&disk, SMALL).unwrap();
    assert_eq!(journal.roll(1, KEPT_BYTES), Ok(None), "an empty segment");
    append(&mut journal, 0);
    assert_eq!(journal.roll(SMALL.segment_bytes, KEPT_BYTES), Ok(None), "no segment is that large");
    assert!(journal.roll(1, KEPT_BYTES).unwrap().is_some());
    assert_eq!(journal.roll(1, KEPT_BYTES), Ok(None), "an empty segment");
    fill_disk(&disk);
    append(&mut journal, 1);
    let rest = journal.room_bytes();
    assert!(journal.roll(1, KEPT_BYTES).unwrap().is_some(), "the spare");
    append(&mut journal, 2);
    assert!(journal.room_bytes() < rest);
    while journal.segments().len() < 4 && journal.room_bytes() > 1_300 {
        append(&mut journal, 2);
    }
    assert_eq!(journal.roll(1, KEPT_BYTES), Ok(None), "neither a spare nor space for one");
    disk.fail(Step::Sync, 0, rustix::io::Errno::IO.raw_os_error());
    disk.set_capacity_bytes(None);
    assert!(matches!(journal.roll(1, KEPT_BYTES), Err(AppendError::Unavailable(_))));
    assert!(matches!(journal.roll(1, KEPT_BYTES), Err(AppendError::Unavailable(_))), "it has ended");
}

/// Power fails at every step while a segment is cut out of the other, and the other is deleted.
#[test]
fn no_crash_while_rolling_loses_anything() {
    let act = |disk: &SimDisk, crash_in: Option<u64>| -> (u64, u64, bool) {
        let (mut journal, number) = without_spare(disk);
        let before = disk.steps();
        if let Some(steps) = crash_in {
            disk.crash_at(before + steps);
        }
        let Ok(Some(sealed)) = journal.roll(NEEDED_BYTES, KEPT_BYTES) else { return (number, 0, false) };
        let deleted = journal.delete_segment(sealed.base).is_ok();
        (number, disk.steps() - before, deleted)
    };
    let (_, steps, deleted) = act(&SimDisk::new(), None);
    assert!(steps > 8 && deleted);
    for step in 1..=steps {
        for loss in [Loss::Everything, Loss::Nothing, Loss::Some { seed: 1 }, Loss::Some { seed: 2 }] {
            let disk = SimDisk::new();
            let (number, ..) = act(&disk, Some(step));
            disk.lose_power(loss);
            disk.set_capacity_bytes(None);
            let mut journal = open_with(&disk, LARGE).unwrap_or_else(|e| panic!("{e} at {step}, {loss:?}"));
            let found = numbers(&journal);
            // Only the deletion, which is the last thing that is done, may make it go.
            let rolled = journal.segments()[0].base != journal.segments()[0].end;
            assert!(found == [number - 1] || found.is_empty() && !rolled, "{found:?} at {step}, {loss:?}");
            if step < 4 {
                assert_eq!(found, [number - 1], "at {step}, {loss:?}");
            }
            append(&mut journal, number);
        }
    }
}
