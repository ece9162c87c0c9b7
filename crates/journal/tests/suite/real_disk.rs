//! The machine's own disk.

use std::fs;
use std::sync::Arc;

use bongsu_journal::{Disk, FileJournal, FileOptions, Journal, OpenError, Position, RealDisk};

use crate::common::{SMALL, append, collect, numbers, payload};

fn open(dir: &std::path::Path, options: FileOptions) -> Result<FileJournal, OpenError> {
    FileJournal::open(Arc::new(RealDisk), dir, options)
}

#[test]
fn a_journal_survives_closing_and_dropping() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("some/where/new");
    let mut next = 0;
    for round in 0..6 {
        let options = FileOptions { allocate_in_background: round % 2 == 0, ..SMALL };
        let mut journal = open(&dir, options).unwrap();
        assert_eq!(numbers(&journal), (0..next).collect::<Vec<_>>());
        assert_eq!(journal.epoch(), round + 1);
        for _ in 0..15 {
            append(&mut journal, next);
            next += 1;
        }
        if round < 3 {
            Box::new(journal).close().unwrap();
            assert!(!dir.join("spare.tmp").exists());
        }
    }
}

#[test]
fn a_closed_journal_takes_no_more_than_its_entries() {
    let home = tempfile::tempdir().unwrap();
    let mut journal = open(home.path(), FileOptions::default()).unwrap();
    append(&mut journal, 0);
    Box::new(journal).close().unwrap();
    let bytes: u64 = fs::read_dir(home.path()).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum();
    assert!(bytes < 8_192, "{bytes}");
}

#[test]
fn a_directory_in_use_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let journal = open(home.path(), SMALL).unwrap();
    assert!(matches!(open(home.path(), SMALL), Err(OpenError::InUse { .. })));
    drop(journal);
    open(home.path(), SMALL).unwrap();
}

#[test]
fn the_next_segment_is_allocated_by_another_thread() {
    let home = tempfile::tempdir().unwrap();
    let mut journal = open(home.path(), FileOptions::default()).unwrap();
    let mut room = append(&mut journal, 0).room_bytes;
    assert!(room > 4 << 20, "{room}");
    // The spare takes as long as it takes; the active segment's room is far smaller.
    for _ in 0..100_000 {
        room = journal.room_bytes();
        if room > 64 << 20 {
            break;
        }
        std::thread::yield_now();
        append(&mut journal, 2);
    }
    assert!(room > 64 << 20, "{room}");
}

#[test]
fn more_segments_than_open_files_can_be_read() {
    let home = tempfile::tempdir().unwrap();
    let mut journal = open(home.path(), SMALL).unwrap();
    let mut starts = Vec::new();
    for number in 0..60 {
        starts.push(journal.tail());
        append(&mut journal, number);
    }
    assert!(journal.segments().len() > 8);
    let reader = journal.reader();
    let pins: Vec<_> = starts.iter().map(|at| reader.pin(*at).unwrap()).collect();
    for step in [1, 7, 11] {
        for index in (0..60).map(|i| i * step % 60) {
            let at = journal.layout().within(starts[index], 0);
            let bytes = payload(index as u64);
            let len = bytes.len() as u32;
            assert_eq!(pins[index].read(at, len).unwrap(), bytes);
            assert_eq!(reader.pin(starts[index]).unwrap().read(at, len).unwrap(), bytes);
        }
    }
}

/// How many files of a directory this process has open; none where that can't be told.
fn open_files(dir: &std::path::Path) -> usize {
    let Ok(all) = fs::read_dir("/proc/self/fd") else { return 0 };
    all.filter_map(|fd| fs::read_link(fd.ok()?.path()).ok()).filter(|path| path.starts_with(dir)).count()
}

/// There may be more segments than a process may have files open.
#[test]
fn opening_keeps_few_files_open() {
    let home = tempfile::tempdir().unwrap();
    let options = FileOptions { segment_bytes: 4_400, max_payload_bytes: 100, ..SMALL };
    let mut journal = open(home.path(), options.clone()).unwrap();
    for number in 0..300 {
        let tail = journal.tail();
        journal.append(tail, crate::common::stamp(number), &[1; 100]).unwrap();
    }
    drop(journal);
    let journal = open(home.path(), options).unwrap();
    assert!(journal.segments().len() > 200);
    let here = fs::canonicalize(home.path()).unwrap();
    // The lock, the active segment and the spare (both also for writing past the page cache), and then those that readers
    // keep.
    assert!(open_files(&here) <= 5);
    let all = journal.reader().entries(journal.segments()[0].base, journal.tail());
    assert_eq!(collect(all).unwrap().len(), 300);
    assert!(open_files(&here) <= 5 + SMALL.max_open_files);
}

#[test]
fn a_deleted_file_is_gone_and_can_still_be_read_by_who_holds_it() {
    let home = tempfile::tempdir().unwrap();
    let mut journal = open(home.path(), SMALL).unwrap();
    for number in 0..20 {
        append(&mut journal, number);
    }
    let first = journal.segments()[0];
    let pin = journal.reader().pin(first.base).unwrap();
    journal.delete_segment(first.base).unwrap();
    assert!(!home.path().join(format!("{:016x}.segment", first.base.0)).exists());
    assert_eq!(pin.read(journal.layout().within(first.base, 0), 100).unwrap(), payload(0));
    let rest = collect(journal.reader().entries(first.end, Position(u64::MAX))).unwrap();
    Box::new(journal).close().unwrap();
    let journal = open(home.path(), SMALL).unwrap();
    assert_eq!(journal.segments()[0].base, first.end);
    assert_eq!(collect(journal.reader().entries(first.end, Position(u64::MAX))).unwrap(), rest);
}

#[test]
fn what_was_just_written_is_read_without_waiting() {
    let home = tempfile::tempdir().unwrap();
    let mut journal = open(home.path(), SMALL).unwrap();
    let at = journal.layout().within(journal.tail(), 0);
    append(&mut journal, 0);
    let pin = journal.reader().pin(at).unwrap();
    // Not every file system can tell; one that can has the bytes in memory.
    if let Some(bytes) = pin.read_cached(at, 100) {
        assert_eq!(bytes.unwrap(), payload(0));
    }
}

#[test]
fn a_write_in_many_parts_arrives_in_order() {
    let home = tempfile::tempdir().unwrap();
    let file = RealDisk.create(&home.path().join("file")).unwrap();
    let parts: Vec<Vec<u8>> = (0..5_u8).map(|i| vec![i; usize::from(i) * 1_000]).collect();
    let slices: Vec<std::io::IoSlice<'_>> = parts.iter().map(|part| std::io::IoSlice::new(part)).collect();
    file.write_at(10, &slices).unwrap();
    let mut bytes = vec![9; 10_000];
    file.read_at(10, &mut bytes).unwrap();
    assert_eq!(bytes, parts.concat());
    assert!(file.read_at(11, &mut bytes).is_err());
    assert_eq!(file.len_bytes().unwrap(), 10_010);
}

#[test]
fn two_ids_differ() {
    assert_ne!(RealDisk.random_id().unwrap(), RealDisk.random_id().unwrap());
}
