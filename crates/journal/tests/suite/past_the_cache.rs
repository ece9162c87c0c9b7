//! Appends that go past the page cache, on the machine's own disk, and those who read beside them through it.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bongsu_journal::{Disk, FileJournal, FileOptions, Journal, Position, RealDisk};

use crate::common::{append, collect, numbers, stamp};

/// Whole pages, so that everything but seals and headers may go past the cache.
const PAGED: FileOptions = FileOptions {
    segment_bytes: 256 << 10,
    max_payload_bytes: 40_000,
    max_open_files: 3,
    recent_bytes: 32 << 10,
    allocate_in_background: true,
};

/// Ends within a page, as segments on a small disk do.
const ODD: FileOptions = FileOptions { segment_bytes: 100_001, recent_bytes: 4 << 10, ..PAGED };

fn open(dir: &Path, options: &FileOptions) -> FileJournal {
    FileJournal::open(Arc::new(RealDisk), dir, options.clone()).unwrap()
}

/// The payload of an entry: mostly small, now and then as large as it may be.
fn content(number: u64) -> Vec<u8> {
    let len = match number % 23 {
        22 => 40_000,
        21 => 4_000,
        small => number * 37 % 700 + small,
    };
    (0..len).map(|i| (number.wrapping_mul(131).wrapping_add(i * 7) % 253) as u8).collect()
}

fn put(journal: &mut FileJournal, number: u64) -> Position {
    let at = journal.tail();
    journal.append(at, stamp(number), &content(number)).unwrap();
    at
}

fn read(journal: &FileJournal, at: Position, number: u64) -> Vec<u8> {
    let content_at = journal.layout().within(at, 0);
    let len = content(number).len() as u32;
    journal.reader().pin(at).unwrap().read(content_at, len).unwrap().to_vec()
}

/// Fresh and old entries, each read at once, through the walk over the files, after the cleaner and after each opening;
/// whichever way they were written, and whether the last journal was closed or dropped.
#[test]
fn all_is_read_as_it_was_written() {
    for options in [PAGED, ODD] {
        let home = tempfile::tempdir().unwrap();
        let mut living: Vec<(u64, Position)> = Vec::new();
        let mut next = 0;
        for round in 0..4 {
            let mut journal = open(home.path(), &options);
            for step in 0..300 {
                let at = put(&mut journal, next);
                living.push((next, at));
                next += 1;
                // The one just written, one from some time ago (whose pages may be in the cache since it was last read, with
                // what lay behind it then), and all at the tail.
                let ago = living.len().saturating_sub(1 + step % 40);
                for (number, at) in [living[living.len() - 1], living[ago]] {
                    assert_eq!(read(&journal, at, number), content(number), "{number} at {at}");
                }
                let entries = collect(journal.reader().entries(living[ago].1, journal.tail())).unwrap();
                assert_eq!(entries.len(), living.len() - ago);
                for (entry, (number, at)) in entries.iter().zip(&living[ago..]) {
                    assert_eq!((entry.position, &entry.payload[..]), (*at, &content(*number)[..]));
                }
                if step % 50 == 49 {
                    let (oldest, count) = (journal.segments()[0], journal.segments().len());
                    if oldest.sealed && count > 2 {
                        journal.delete_segment(oldest.base).unwrap();
                        assert!(journal.reader().pin(oldest.base).is_none());
                        living.retain(|(_, at)| *at >= oldest.end);
                    }
                }
            }
            assert!(journal.segments().len() > 1);
            if round % 2 == 0 {
                Box::new(journal).close().unwrap();
            } else {
                drop(journal);
            }
            let journal = open(home.path(), &options);
            for (number, at) in &living {
                assert_eq!(read(&journal, *at, *number), content(*number));
            }
        }
    }
}

/// Readers go over what is written, again and again, at the tail and before it, and fill the page cache with pages that are
/// written past it a moment later.
#[test]
fn readers_beside_the_writer_see_what_was_written() {
    let home = tempfile::tempdir().unwrap();
    // Without a memory of its own, so that all reading is from the file.
    let options = FileOptions { recent_bytes: 0, segment_bytes: 1 << 20, ..PAGED };
    let mut journal = open(home.path(), &options);
    let first = journal.tail();
    let (reader, layout) = (journal.reader(), journal.layout());
    let (starts, ended, reads) = (Mutex::new(Vec::new()), AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for seed in 0..3_u64 {
            let (reader, starts, ended, reads) = (Arc::clone(&reader), &starts, &ended, &reads);
            scope.spawn(move || {
                let mut dice = seed;
                while !ended.load(Ordering::Relaxed) {
                    dice =
                        dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let (number, at): (u64, Position) = {
                        let starts = starts.lock().unwrap();
                        let back = (dice >> 33) as usize % if dice.is_multiple_of(4) { 2_000 } else { 8 };
                        match starts.len().checked_sub(1 + back) {
                            Some(index) => starts[index],
                            None => continue,
                        }
                    };
                    let bytes = content(number);
                    let (pin, at) = (reader.pin(at).unwrap(), layout.within(at, 0));
                    if let Some(cached) = pin.read_cached(at, bytes.len() as u32) {
                        assert_eq!(cached.unwrap(), bytes, "{number} from the cache");
                    }
                    assert_eq!(pin.read(at, bytes.len() as u32).unwrap(), bytes, "{number}");
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut number = 0;
        while number < 1_500 || (reads.load(Ordering::Relaxed) < 3_000 && number < 20_000) {
            let at = put(&mut journal, number);
            starts.lock().unwrap().push((number, at));
            number += 1;
        }
        ended.store(true, Ordering::Relaxed);
    });
    let entries = collect(reader.entries(first, journal.tail())).unwrap();
    for (number, entry) in (0..).zip(&entries) {
        assert_eq!(entry.payload, content(number));
    }
    // What the cache has is what the disk has: files are the same when they are read past it.
    drop(journal);
    let journal = open(home.path(), &options);
    assert_eq!(collect(journal.reader().entries(first, journal.tail())).unwrap().len(), entries.len());
}

/// The memory for the last entries, with readers who are faster and slower than it is overwritten.
#[test]
fn readers_of_fresh_entries_see_what_was_written() {
    let home = tempfile::tempdir().unwrap();
    let options = FileOptions { recent_bytes: 8 << 10, ..PAGED };
    let mut journal = open(home.path(), &options);
    let (reader, layout) = (journal.reader(), journal.layout());
    let (last, ended) = (Mutex::new(None), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    let Some((number, at)) = *last.lock().unwrap() else { continue };
                    let bytes = content(number);
                    let pin = reader.pin(at).unwrap();
                    assert_eq!(pin.read(layout.within(at, 0), bytes.len() as u32).unwrap(), bytes);
                }
            });
        }
        for number in 0..2_000 {
            let at = put(&mut journal, number);
            *last.lock().unwrap() = Some((number, at));
        }
        ended.store(true, Ordering::Relaxed);
    });
}

/// How much of a file is in the page cache can't be asked simply, but a write past it leaves nothing dirty and is as good as
/// one through it: whatever range and memory it has.
#[test]
fn a_durable_write_of_any_range_arrives() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("file");
    let file = RealDisk.create(&path).unwrap();
    file.allocate(64 << 10).unwrap();
    let memory: Vec<u8> = (0..40_000_u32).map(|i| (i % 251) as u8).collect();
    let aligned = memory.as_ptr().align_offset(4_096);
    let mut expected = vec![0; 64 << 10];
    let cases = [
        (0, 0, 4_096),
        (4_096, 0, 8_192),
        (8_192, 0, 100),
        (10_000, 7, 5_000),
        (20_480, 1, 4_096),
        (4_096, 0, 4_096),
    ];
    for (offset, shift, len) in cases {
        let bytes = &memory[aligned + shift..aligned + shift + len];
        // In the cache as it was before.
        let mut seen = vec![9; expected.len()];
        file.read_at(0, &mut seen).unwrap();
        assert_eq!(seen, expected);
        file.write_durably_at(offset, bytes).unwrap();
        expected[offset as usize..offset as usize + len].copy_from_slice(bytes);
        file.read_at(0, &mut seen).unwrap();
        assert_eq!(seen, expected);
        assert_eq!(fs::read(&path).unwrap(), expected);
    }
    assert_eq!(file.len_bytes().unwrap(), 64 << 10);
}

/// An opening goes on in the middle of a page, with what an interrupted one left there.
#[test]
fn openings_go_on_where_the_last_one_ended() {
    let home = tempfile::tempdir().unwrap();
    let mut count = 0;
    for round in 0..30 {
        let mut journal = open(home.path(), &PAGED);
        assert_eq!(numbers(&journal), (0..count).collect::<Vec<_>>());
        for _ in 0..round % 4 {
            append(&mut journal, count);
            count += 1;
        }
        if round % 3 == 0 {
            Box::new(journal).close().unwrap();
        }
    }
}
