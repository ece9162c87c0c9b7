//! A disk that fails, is full, or belongs to somebody else.

use bongsu_journal::testing::{Loss, SimDisk, Step};
use bongsu_journal::{AppendError, FileJournal, FileOptions, Journal, JournalError, OpenError};
use rustix::io::Errno;

use crate::common::{SMALL, append, dir, numbers, open, open_with, payload, stamp};

const EIO: i32 = Errno::IO.raw_os_error();
const ENOSPC: i32 = Errno::NOSPC.raw_os_error();

fn try_append(journal: &mut dyn Journal, number: u64) -> Result<(), AppendError> {
    journal.append(journal.tail(), stamp(number), &payload(number)).map(|_| ())
}

/// Every step that an append may make fails once.
#[test]
fn a_failed_write_or_sync_ends_the_journal() {
    for step in [Step::Write, Step::Sync, Step::Rename, Step::SyncDir, Step::Truncate, Step::Create] {
        let disk = SimDisk::new();
        let mut journal = open(&disk).unwrap();
        for number in 0..3 {
            append(&mut journal, number);
        }
        disk.fail(step, 0, EIO);
        let mut number = 3;
        let cause = loop {
            match try_append(&mut journal, number) {
                Ok(()) => number += 1,
                Err(AppendError::Unavailable(cause)) => break cause,
                Err(other) => panic!("{other:?}"),
            }
            if step == Step::Create && number == 60 {
                // Making a spare goes wrong, and well when it is tried again.
                break String::new();
            }
            assert!(number < 100, "{step:?}");
        };
        disk.heal();
        if step == Step::Create {
            continue;
        }
        assert!(cause.contains("/journal/"), "{cause}");
        let tail = journal.tail();
        assert_eq!(journal.append(tail, stamp(0), b"later"), Err(AppendError::Unavailable(cause.clone())));
        let first = journal.segments()[0].base;
        assert!(matches!(journal.delete_segment(first), Err(JournalError::Ended(why)) if why == cause));
        // What was acknowledged can be read, and is found again.
        let acknowledged: Vec<u64> = (0..number).collect();
        assert_eq!(numbers(&journal), acknowledged, "{step:?}");
        assert!(matches!(Box::new(journal).close(), Err(JournalError::Ended(why)) if why == cause));
        disk.lose_power(Loss::Everything);
        assert_eq!(numbers(&open(&disk).unwrap()), acknowledged, "{step:?}");
    }
}

#[test]
fn a_failed_sync_is_not_tried_again() {
    let disk = SimDisk::new();
    let mut journal = open(&disk).unwrap();
    append(&mut journal, 2);
    disk.fail(Step::Sync, 0, EIO);
    assert!(matches!(try_append(&mut journal, 4), Err(AppendError::Unavailable(_))));
    let steps = disk.steps();
    assert!(matches!(try_append(&mut journal, 4), Err(AppendError::Unavailable(_))));
    assert_eq!(disk.steps(), steps);
}

#[test]
fn a_full_disk_shows_as_little_room_and_then_as_full() {
    let disk = SimDisk::new();
    let mut journal = open(&disk).unwrap();
    // Three of these fill a segment, and leave a little.
    let large = [1; 512];
    let mut room = journal.append(journal.tail(), stamp(0), &large).unwrap().room_bytes;
    assert!(room >= 3 * 608);
    disk.set_capacity_bytes(Some(disk.used_bytes()));
    let mut number = 1;
    loop {
        let before = (journal.tail(), journal.last_stamp(), journal.segments());
        match journal.append(journal.tail(), stamp(number), &large) {
            Ok(appended) => {
                room = appended.room_bytes;
                number += 1;
            }
            Err(AppendError::Full) => {
                assert_eq!((journal.tail(), journal.last_stamp(), journal.segments()), before);
                break;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(number, 4, "the space that was allocated ahead was used");
    assert_eq!(room, 128);
    assert_eq!(journal.room_bytes(), room);
    assert_eq!(try_append(&mut journal, 1), Err(AppendError::Full));
    // An entry that fits is still taken.
    journal.append(journal.tail(), stamp(number), b"").unwrap();

    // With space on the disk, asking for the room is enough to have it allocated.
    disk.set_capacity_bytes(None);
    assert!(journal.room_bytes() > room);
    let seen = journal.append(journal.tail(), stamp(number + 1), &payload(1)).unwrap();
    assert!(seen.rolled.is_some());
}

/// On a disk that was nearly full the segment allocated ahead was small, and stayed so however much space came back: the
/// room stayed below what the caller keeps in reserve, and sends were refused for ever, as without them nothing used the
/// small segment up.
#[test]
fn a_small_spare_grows_when_the_disk_has_space_again() {
    let disk = SimDisk::new();
    let options = FileOptions { segment_bytes: 200 << 10, ..SMALL };
    let mut journal = open_with(&disk, options.clone()).unwrap();
    let full_room = journal.room_bytes();
    Box::new(journal).close().unwrap();
    // Enough for the segment that opening makes, and for a small one ahead.
    disk.set_capacity_bytes(Some(disk.used_bytes() + (60 << 10)));
    let mut journal = open_with(&disk, options).unwrap();
    let low_room = journal.room_bytes();
    assert!(low_room < full_room / 2, "{low_room} of {full_room}");
    assert_eq!(journal.room_bytes(), low_room, "without space it stays as it is");
    disk.set_capacity_bytes(Some(disk.used_bytes() + (30 << 10)));
    let more_room = journal.room_bytes();
    assert!(more_room > low_room && more_room < full_room, "{more_room}: what there is of the wanted size");
    disk.set_capacity_bytes(None);
    assert_eq!(journal.room_bytes(), full_room);
    for number in 0..1_000 {
        append(&mut journal, number);
    }
    assert!(
        journal.segments().iter().filter(|segment| segment.end.0 - segment.base.0 > 150 << 10).count() >= 1
    );
}

#[test]
fn deleting_a_segment_makes_room() {
    let disk = SimDisk::new();
    let mut journal = open(&disk).unwrap();
    // Three of these fill a segment, and leave a little.
    let large = [1; 512];
    let try_large = |journal: &mut FileJournal| journal.append(journal.tail(), stamp(0), &large);
    for _ in 0..9 {
        try_large(&mut journal).unwrap();
    }
    disk.set_capacity_bytes(Some(disk.used_bytes()));
    while try_large(&mut journal).is_ok() {}
    // Space that others give back is not noticed by an append that fits: after a failure many of them go by first.
    disk.set_capacity_bytes(None);
    assert!(journal.append(journal.tail(), stamp(0), b"").unwrap().room_bytes < 128);
    disk.set_capacity_bytes(Some(disk.used_bytes()));
    let old: Vec<_> = journal.segments().into_iter().filter(|segment| segment.sealed).take(2).collect();
    for segment in old {
        journal.delete_segment(segment.base).unwrap();
    }
    // The space was taken before somebody else could.
    disk.set_capacity_bytes(Some(disk.used_bytes()));
    assert!(try_large(&mut journal).unwrap().rolled.is_some());
}

/// An idle journal notices by being asked, a busy one after some appends.
#[test]
fn allocation_is_tried_again_after_some_appends() {
    let disk = SimDisk::new();
    let options = FileOptions { segment_bytes: 200 << 10, ..SMALL };
    let mut journal = open_with(&disk, options).unwrap();
    disk.set_capacity_bytes(Some(disk.used_bytes()));
    let mut number = 0;
    while journal.segments().len() < 2 {
        append(&mut journal, number);
        number += 1;
    }
    disk.set_capacity_bytes(None);
    let rest =
        |journal: &FileJournal| (200 << 10) - 4_096 - 96 - (journal.tail().0 - journal.segments()[1].base.0);
    let mut appends = 0;
    while append(&mut journal, 2).room_bytes == rest(&journal) {
        appends += 1;
        assert!(appends < 1_000);
    }
    assert!(appends > 100, "{appends}");
}

/// Less than a whole segment may be left, and is used.
#[test]
fn a_nearly_full_disk_gives_smaller_segments() {
    let disk = SimDisk::new();
    let options = FileOptions { segment_bytes: 64 << 10, ..SMALL };
    let mut journal = open_with(&disk, options).unwrap();
    disk.set_capacity_bytes(Some(disk.used_bytes() + (20 << 10)));
    let mut number = 0;
    while try_append(&mut journal, number).is_ok() {
        number += 1;
    }
    assert!(journal.segments().len() > 2);
    assert_eq!(numbers(&journal), (0..number).collect::<Vec<_>>());
}

/// A file system that copies on write may be full even within what was allocated.
#[test]
fn a_write_without_space_leaves_no_trace() {
    for after in [Loss::Everything, Loss::Nothing, Loss::Some { seed: 5 }] {
        let disk = SimDisk::new();
        let mut journal = open(&disk).unwrap();
        append(&mut journal, 2);
        disk.fail(Step::Write, 0, ENOSPC);
        assert_eq!(try_append(&mut journal, 4), Err(AppendError::Full));
        append(&mut journal, 6);
        // What is written of this one looks whole: the file has zeros there already.
        disk.fail(Step::Write, 0, ENOSPC);
        let refused = journal.append(journal.tail(), stamp(10), &[1, 2, 3, 0]);
        assert_eq!(refused, Err(AppendError::Full));
        drop(journal);
        disk.lose_power(after);
        assert_eq!(numbers(&open(&disk).unwrap()), [2, 6]);
    }
}

#[test]
fn opening_on_a_full_disk_uses_what_was_allocated_ahead() {
    let disk = SimDisk::new();
    let options = FileOptions { segment_bytes: 64 << 10, ..SMALL };
    let mut journal = open_with(&disk, options.clone()).unwrap();
    for number in 0..40 {
        append(&mut journal, number);
    }
    drop(journal);
    // Neither the spare (which is made again) nor the rest of the active segment is needed.
    disk.set_capacity_bytes(Some(disk.used_bytes()));
    let journal = open_with(&disk, options).unwrap();
    assert_eq!(numbers(&journal), (0..40).collect::<Vec<_>>());
}

#[test]
fn opening_on_a_full_disk_gives_back_the_rest_of_the_last_segment() {
    let disk = SimDisk::new();
    let options = FileOptions { segment_bytes: 64 << 10, ..SMALL };
    let mut journal = open_with(&disk, options.clone()).unwrap();
    disk.set_capacity_bytes(Some(disk.used_bytes()));
    let mut number = 0;
    while journal.segments().len() < 2 {
        append(&mut journal, number);
        number += 1;
    }
    drop(journal);
    assert!(!disk.files().contains_key(&dir().join("spare.tmp")));
    disk.set_capacity_bytes(Some(disk.used_bytes()));
    let journal = open_with(&disk, options).unwrap();
    assert_eq!(numbers(&journal), (0..number).collect::<Vec<_>>());
}

#[test]
fn what_was_being_made_is_removed() {
    let disk = SimDisk::new();
    drop(open(&disk).unwrap());
    let names = ["new.tmp", "spare.tmp", "FORMAT.tmp"].map(|name| dir().join(name));
    for name in &names {
        disk.put_file(name, &[1; 10_000]);
    }
    Box::new(open(&disk).unwrap()).close().unwrap();
    assert!(!names.iter().any(|name| disk.files().contains_key(name)));
}

#[test]
fn opening_without_any_space_says_so() {
    let disk = SimDisk::new();
    disk.set_capacity_bytes(Some(3_000));
    assert!(matches!(open(&disk), Err(OpenError::Full { needed_bytes: 4_800, .. })));
    assert!(!disk.files().keys().any(|path| path.extension().is_some_and(|e| e == "tmp")));

    disk.set_capacity_bytes(None);
    let mut journal = open(&disk).unwrap();
    for number in 0..9 {
        append(&mut journal, number);
    }
    Box::new(journal).close().unwrap();
    disk.set_capacity_bytes(Some(disk.used_bytes() + 100));
    assert!(matches!(open(&disk), Err(OpenError::Full { .. })));
    disk.set_capacity_bytes(None);
    assert_eq!(numbers(&open(&disk).unwrap()), (0..9).collect::<Vec<_>>());
}

#[test]
fn a_journal_in_use_is_refused() {
    let disk = SimDisk::new();
    let mut journal = open(&disk).unwrap();
    append(&mut journal, 0);
    let refused = open(&disk).map(|_| ()).unwrap_err();
    assert!(matches!(&refused, OpenError::InUse { dir: named } if *named == dir()));
    assert_eq!(refused.to_string(), "the journal in /journal is in use by another process");
    append(&mut journal, 1);
    Box::new(journal).close().unwrap();
    assert_eq!(numbers(&open(&disk).unwrap()), [0, 1]);
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    for options in [
        FileOptions { segment_bytes: 4_799, ..SMALL },
        FileOptions { segment_bytes: u64::MAX, ..SMALL },
        FileOptions { max_payload_bytes: 0, ..SMALL },
        FileOptions { max_payload_bytes: u32::MAX, ..SMALL },
    ] {
        assert!(matches!(open_with(&SimDisk::new(), options), Err(OpenError::Options(_))));
    }
    open_with(&SimDisk::new(), FileOptions { segment_bytes: 4_800, ..SMALL }).unwrap();
}

/// Options may change between openings: an entry larger than the new limit stays, and is rewritten.
#[test]
fn options_may_change() {
    let disk = SimDisk::new();
    let mut journal = open(&disk).unwrap();
    for number in [0, 1] {
        append(&mut journal, number);
    }
    drop(journal);
    let options = FileOptions { segment_bytes: 4_400, max_payload_bytes: 100, ..SMALL };
    let mut journal = open_with(&disk, options).unwrap();
    assert_eq!(numbers(&journal), [0, 1]);
    assert!(matches!(try_append(&mut journal, 1), Err(AppendError::TooLarge { .. })));
    append(&mut journal, 8);
    assert_eq!(numbers(&journal), [0, 1, 8]);
}

/// What was just appended is read without the disk, whatever the disk has to say; what is older is not.
#[test]
fn fresh_entries_are_read_from_memory() {
    let disk = SimDisk::new();
    let mut journal = open(&disk).unwrap();
    let starts: Vec<_> = (0..6).map(|number| append(&mut journal, number).next).collect();
    disk.set_cached(false);
    let (layout, reader) = (journal.layout(), journal.reader());
    let within = |number: u64| layout.within(starts[number as usize - 1], 0);
    let len = |number: u64| payload(number).len() as u32;
    let pin = |number: u64| reader.pin(within(number)).unwrap();
    for number in [4, 5] {
        assert_eq!(pin(number).read_cached(within(number), len(number)).unwrap().unwrap(), payload(number));
        disk.fail(Step::Read, 0, EIO);
        assert_eq!(pin(number).read(within(number), len(number)).unwrap(), payload(number));
        disk.heal();
    }
    assert!(pin(1).read_cached(within(1), len(1)).is_none());
    assert_eq!(pin(1).read(within(1), len(1)).unwrap(), payload(1));

    // A segment that is deleted is served to those who hold it, and to nobody else.
    let held = pin(5);
    let segment = *journal.segments().iter().find(|segment| segment.end > within(5)).unwrap();
    while !journal.segments().iter().any(|other| other.base == segment.base && other.sealed) {
        append(&mut journal, 4);
    }
    journal.delete_segment(segment.base).unwrap();
    assert!(reader.pin(within(5)).is_none());
    assert_eq!(held.read(within(5), len(5)).unwrap(), payload(5));

    // Another opening begins without a memory.
    let at = journal.tail();
    append(&mut journal, 1);
    drop(journal);
    let journal = open(&disk).unwrap();
    let at = journal.layout().within(at, 0);
    assert!(journal.reader().pin(at).unwrap().read_cached(at, 512).is_none());
    disk.set_cached(true);
    assert_eq!(journal.reader().pin(at).unwrap().read_cached(at, 512).unwrap().unwrap(), payload(1));
}

/// An entry that was refused for want of space, and whose place another one took.
#[test]
fn what_was_refused_is_not_read_from_memory() {
    let disk = SimDisk::new();
    let mut journal = open(&disk).unwrap();
    append(&mut journal, 2);
    let at = journal.layout().within(journal.tail(), 0);
    disk.fail(Step::Write, 0, ENOSPC);
    assert_eq!(try_append(&mut journal, 3), Err(AppendError::Full));
    assert!(journal.reader().pin(at).is_none());
    append(&mut journal, 0);
    assert_eq!(journal.reader().pin(at).unwrap().read(at, 100).unwrap(), payload(0));
}

#[test]
fn a_failed_read_is_told() {
    let disk = SimDisk::new();
    let options = FileOptions { recent_bytes: 0, ..SMALL };
    let mut journal = open_with(&disk, options).unwrap();
    let at = journal.layout().within(journal.tail(), 0);
    append(&mut journal, 0);
    let reader = journal.reader();
    let pin = reader.pin(at).unwrap();
    disk.fail(Step::Read, 0, EIO);
    assert!(matches!(pin.read(at, 10), Err(JournalError::Io { .. })));
    assert_eq!(pin.read(at, 10).unwrap(), payload(0)[..10]);
    disk.fail(Step::Read, 0, EIO);
    assert!(matches!(pin.read_cached(at, 10), Some(Err(JournalError::Io { .. }))));
    disk.set_cached(false);
    assert!(pin.read_cached(at, 10).is_none());
    // Reading goes on failing and working independently of the writer.
    append(&mut journal, 1);
}

#[test]
fn a_segment_that_cannot_be_opened_is_still_there() {
    let disk = SimDisk::new();
    let mut journal = open(&disk).unwrap();
    for number in 0..30 {
        append(&mut journal, number);
    }
    let reader = journal.reader();
    let base = journal.segments()[0].base;
    disk.fail(Step::Open, 0, Errno::MFILE.raw_os_error());
    let pin = reader.pin(base).unwrap();
    assert!(matches!(pin.read(base, 10), Err(JournalError::Io { .. })));
    assert!(reader.pin(base).unwrap().read(base, 10).is_ok());
}

#[test]
fn a_segment_whose_removal_fails_stays() {
    let disk = SimDisk::new();
    let mut journal = open(&disk).unwrap();
    for number in 0..30 {
        append(&mut journal, number);
    }
    let first = journal.segments()[0];
    disk.fail(Step::Remove, 0, Errno::PERM.raw_os_error());
    assert!(matches!(journal.delete_segment(first.base), Err(JournalError::Io { .. })));
    assert_eq!(journal.segments()[0], first);
    append(&mut journal, 30);
    disk.fail(Step::SyncDir, 0, EIO);
    assert!(matches!(journal.delete_segment(first.base), Err(JournalError::Io { .. })));
    assert!(matches!(try_append(&mut journal, 31), Err(AppendError::Unavailable(_))));
}

/// The simulation found a store that refused to open: a sync failed while an opening sealed the old segment, and the next
/// opening found the seal in the page cache. Syncing it again said that all was well, as it does after a failure, but the
/// seal never reached the disk; once two openings had gone by, a power cut showed its absence as damage.
#[test]
fn a_seal_whose_sync_failed_is_written_again() {
    for skip in 0.. {
        let disk = SimDisk::new();
        let mut journal = open(&disk).unwrap();
        for number in 0..3 {
            append(&mut journal, number);
        }
        drop(journal);
        disk.kill_process();
        disk.fail(Step::Sync, skip, EIO);
        if open(&disk).is_ok() {
            assert!(skip > 1, "opening syncs the new segment and the old one");
            return;
        }
        disk.heal();
        for opening in 0..3 {
            disk.kill_process();
            let mut journal = open(&disk).unwrap();
            append(&mut journal, 3 + 2 * opening);
            append(&mut journal, 4 + 2 * opening);
        }
        disk.lose_power(Loss::Everything);
        assert_eq!(numbers(&open(&disk).unwrap()), (0..9).collect::<Vec<_>>(), "sync {skip}");
    }
}
