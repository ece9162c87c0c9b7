//! What every journal must do.

use std::sync::Arc;

use bongsu_journal::testing::SimDisk;
use bongsu_journal::{
    AppendError, FileJournal, FileOptions, Journal, JournalError, MemoryJournal, MemoryOptions, Position,
    RealDisk, Stamp,
};

use crate::common::{SMALL, append, collect, dir, numbers, payload, stamp};

/// Makes an empty journal whose segments take a few entries of up to 512 bytes.
type Factory<'a> = &'a dyn Fn() -> Box<dyn Journal>;

fn an_empty_journal_ends_where_it_begins(make: Factory<'_>) {
    let journal = make();
    assert!(journal.tail() > Position::ZERO);
    assert_eq!(journal.last_stamp(), None);
    let segments = journal.segments();
    assert_eq!(segments.len(), 1);
    assert_eq!((segments[0].base, segments[0].end), (journal.tail(), journal.tail()));
    assert!(!segments[0].sealed);
    assert!(journal.reader().pin(journal.tail()).is_none());
    assert!(journal.reader().entries(Position::ZERO, Position(u64::MAX)).next().is_some_and(|r| r.is_err()));
    assert_eq!(journal.reader().entries(journal.tail(), Position(u64::MAX)).count(), 0);
}

fn entries_come_back_in_order(make: Factory<'_>) {
    let mut journal = make();
    let first = journal.tail();
    for number in 0..40 {
        append(journal.as_mut(), number);
        assert_eq!(journal.last_stamp(), Some(stamp(number)));
    }
    assert_eq!(numbers(journal.as_ref()), (0..40).collect::<Vec<_>>());
    let entries = collect(journal.reader().entries(first, journal.tail())).unwrap();
    assert_eq!(entries.len(), 40);
    let mut at = first;
    for (number, entry) in (0..).zip(&entries) {
        assert_eq!(entry.position, at);
        assert_eq!(entry.epoch, journal.epoch());
        assert_eq!(entry.payload, payload(number));
        at = journal.layout().next(at, entry.payload.len() as u32);
    }
    assert_eq!(at, journal.tail());
}

fn positions_are_known_in_advance(make: Factory<'_>) {
    let mut journal = make();
    let layout = journal.layout();
    for number in 0..40 {
        let at = journal.tail();
        let bytes = payload(number);
        let appended = append(journal.as_mut(), number);
        assert_eq!(appended.next, layout.next(at, bytes.len() as u32));
        assert_eq!(layout.next(at, bytes.len() as u32).0, at.0 + layout.frame_bytes(bytes.len() as u32));
        for offset in [0, bytes.len() / 2] {
            let rest = &bytes[offset..];
            let within = layout.within(at, offset as u32);
            let pin = journal.reader().pin(within).unwrap_or_else(|| journal.reader().pin(at).unwrap());
            assert_eq!(pin.read(within, rest.len() as u32).unwrap(), rest);
            if let Some(cached) = pin.read_cached(within, rest.len() as u32) {
                assert_eq!(cached.unwrap(), rest);
            }
        }
    }
}

fn an_append_elsewhere_is_fenced(make: Factory<'_>) {
    let mut journal = make();
    append(journal.as_mut(), 0);
    let tail = journal.tail();
    for expected in [Position::ZERO, Position::FIRST, Position(tail.0 - 8), Position(tail.0 + 8)] {
        let refused = journal.append(expected, stamp(1), &payload(1));
        assert_eq!(refused, Err(AppendError::Fenced { expected, tail }));
    }
    append(journal.as_mut(), 1);
    assert_eq!(numbers(journal.as_ref()), [0, 1]);
}

fn too_large_an_entry_is_refused(make: Factory<'_>) {
    let mut journal = make();
    let tail = journal.tail();
    let max = journal.limits().max_payload_bytes;
    let refused = journal.append(tail, stamp(0), &vec![1; max as usize + 1]);
    let expected = AppendError::TooLarge { payload_bytes: u64::from(max) + 1, max_payload_bytes: max };
    assert_eq!(refused, Err(expected));
    journal.append(tail, stamp(0), &vec![1; max as usize]).unwrap();
}

fn segments_follow_upon_each_other(make: Factory<'_>) {
    let mut journal = make();
    let mut rolled = Vec::new();
    for number in 0..40 {
        let before = journal.tail();
        if let Some(segment) = append(journal.as_mut(), number).rolled {
            assert!(segment.sealed);
            assert_eq!(segment.end, before);
            rolled.push(segment);
        }
    }
    let segments = journal.segments();
    assert!(rolled.len() > 3);
    assert_eq!(rolled, segments[..segments.len() - 1]);
    for pair in segments.windows(2) {
        assert_eq!(pair[0].end, pair[1].base);
    }
    assert!(!segments[segments.len() - 1].sealed);
    assert_eq!(segments[segments.len() - 1].end, journal.tail());
}

fn any_range_can_be_read(make: Factory<'_>) {
    let mut journal = make();
    let mut starts = Vec::new();
    for number in 0..20 {
        starts.push(journal.tail());
        append(journal.as_mut(), number);
    }
    starts.push(journal.tail());
    let reader = journal.reader();
    for (i, from) in starts.iter().enumerate() {
        for (j, to) in starts.iter().enumerate() {
            let entries = collect(reader.entries(*from, *to)).unwrap();
            assert_eq!(entries.len(), j.saturating_sub(i));
        }
    }
    // The end of a range need not be the beginning of an entry, its beginning must.
    assert_eq!(collect(reader.entries(starts[3], Position(starts[5].0 + 1))).unwrap().len(), 3);
    assert!(collect(reader.entries(Position(starts[3].0 + 8), starts[5])).is_err());
    // What is appended later is not part of a range that was asked for before.
    let late = reader.entries(starts[0], Position(u64::MAX));
    append(journal.as_mut(), 20);
    assert_eq!(late.count(), 20);
}

fn a_deleted_segment_leaves_a_hole(make: Factory<'_>) {
    let mut journal = make();
    for number in 0..40 {
        append(journal.as_mut(), number);
    }
    let segments = journal.segments();
    let (gone, active) = (segments[1], segments[segments.len() - 1]);
    let reader = journal.reader();
    let held = collect(reader.entries(gone.base, gone.end)).unwrap();
    let pin = reader.pin(gone.base).unwrap();
    let mut walk = reader.entries(gone.base, gone.end);
    assert_eq!(walk.next().unwrap().unwrap(), held[0]);

    journal.delete_segment(gone.base).unwrap();
    assert!(reader.pin(gone.base).is_none());
    assert!(!journal.segments().contains(&gone));
    // Who held it reads on.
    let at = journal.layout().within(held[0].position, 0);
    assert_eq!(pin.read(at, held[0].payload.len() as u32).unwrap(), held[0].payload);
    assert_eq!(collect(walk).unwrap(), held[1..]);

    assert!(matches!(journal.delete_segment(gone.base), Err(JournalError::Missing(_))));
    assert!(matches!(journal.delete_segment(Position(gone.base.0 + 8)), Err(JournalError::Missing(_))));
    assert!(matches!(journal.delete_segment(active.base), Err(JournalError::NotSealed(_))));
    let mut items = reader.entries(segments[0].base, journal.tail()).skip_while(Result::is_ok);
    assert!(matches!(items.next(), Some(Err(JournalError::Missing(at))) if at == gone.base));
    assert!(items.next().is_none());
    assert!(collect(reader.entries(gone.end, journal.tail())).is_ok());
    append(journal.as_mut(), 40);
}

fn a_pin_reads_nothing_outside_its_segment(make: Factory<'_>) {
    let mut journal = make();
    for number in 0..20 {
        append(journal.as_mut(), number);
    }
    let segment = journal.segments()[1];
    let pin = journal.reader().pin(segment.base).unwrap();
    for (at, len) in [
        (Position(segment.base.0 - 8), 4),
        (Position(segment.end.0 - 4), 8),
        (segment.end, 1),
        (Position(u64::MAX), 8),
        (segment.base, u32::MAX),
    ] {
        assert!(matches!(pin.read(at, len), Err(JournalError::Missing(_))), "{at} {len}");
        assert!(matches!(pin.read_cached(at, len), Some(Err(JournalError::Missing(_)))));
    }
    assert!(journal.reader().pin(journal.tail()).is_none());
    assert!(journal.reader().pin(Position::ZERO).is_none());
}

fn readers_work_beside_the_writer(make: Factory<'_>) {
    let mut journal = make();
    let first = journal.tail();
    let reader = journal.reader();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let reader = Arc::clone(&reader);
            scope.spawn(move || {
                let mut seen = 0;
                while seen < 200 {
                    let entries = collect(reader.entries(first, Position(u64::MAX))).unwrap();
                    assert!(entries.len() >= seen);
                    seen = entries.len();
                    for (number, entry) in (0..).zip(&entries) {
                        assert_eq!((entry.stamp, &entry.payload[..]), (stamp(number), &payload(number)[..]));
                    }
                }
            });
        }
        for number in 0..200 {
            append(journal.as_mut(), number);
        }
    });
    assert_eq!(reader.entries(first, journal.tail()).count(), 200);
    // A reader outlives its journal.
    journal.close().unwrap();
    assert!(reader.entries(first, Position(u64::MAX)).all(|entry| entry.is_ok()));
}

fn a_stamp_is_opaque(make: Factory<'_>) {
    let mut journal = make();
    let odd = Stamp { time_ms: u64::MAX, mark: 0 };
    let even = Stamp { time_ms: 0, mark: u64::MAX };
    let first = journal.tail();
    for stamp in [odd, even] {
        let tail = journal.tail();
        journal.append(tail, stamp, b"").unwrap();
    }
    let entries = collect(journal.reader().entries(first, journal.tail())).unwrap();
    assert_eq!([entries[0].stamp, entries[1].stamp], [odd, even]);
}

/// Runs the whole suite.
fn conforms(make: Factory<'_>) {
    an_empty_journal_ends_where_it_begins(make);
    entries_come_back_in_order(make);
    positions_are_known_in_advance(make);
    an_append_elsewhere_is_fenced(make);
    too_large_an_entry_is_refused(make);
    segments_follow_upon_each_other(make);
    any_range_can_be_read(make);
    a_deleted_segment_leaves_a_hole(make);
    a_pin_reads_nothing_outside_its_segment(make);
    readers_work_beside_the_writer(make);
    a_stamp_is_opaque(make);
}

#[test]
fn the_memory_journal_conforms() {
    let options = MemoryOptions { segment_bytes: 2 << 10, max_payload_bytes: 512 };
    conforms(&|| Box::new(MemoryJournal::new(options.clone())));
}

#[test]
fn the_file_journal_conforms() {
    let home = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    let background = FileOptions { allocate_in_background: true, ..SMALL };
    for options in [SMALL, background] {
        conforms(&|| {
            count.set(count.get() + 1);
            let dir = home.path().join(format!("{}", count.get()));
            Box::new(FileJournal::open(Arc::new(RealDisk), &dir, options.clone()).unwrap())
        });
    }
}

#[test]
fn the_file_journal_conforms_on_a_simulated_disk() {
    conforms(&|| Box::new(FileJournal::open(Arc::new(SimDisk::new()), &dir(), SMALL).unwrap()));
}
