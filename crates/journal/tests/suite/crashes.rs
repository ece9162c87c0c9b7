//! A crash after every step of the disk, in every way, and what the next opening finds.
//!
//! The rule: what was acknowledged is there; what was being appended is there as a whole or not at all; and what an
//! opening has shown stays, whatever happens next.

use std::collections::BTreeSet;

use bongsu_journal::testing::{Loss, SimDisk, Step};
use bongsu_journal::{AppendError, Journal, OpenError};

use crate::common::{append, numbers, open, payload, stamp};

/// How the machine or the process comes back after a crash.
#[derive(Copy, Clone, Debug)]
enum Restart {
    Process,
    Power(Loss),
}

const RESTARTS: [Restart; 6] = [
    Restart::Process,
    Restart::Power(Loss::Everything),
    Restart::Power(Loss::Nothing),
    Restart::Power(Loss::Some { seed: 1 }),
    Restart::Power(Loss::Some { seed: 2 }),
    Restart::Power(Loss::Some { seed: 3 }),
];

fn restart(disk: &SimDisk, how: Restart) {
    match how {
        Restart::Process => disk.kill_process(),
        Restart::Power(loss) => disk.lose_power(loss),
    }
}

/// What the journal owes, as far as its user knows.
#[derive(Clone, Debug, Default)]
struct Owed {
    acknowledged: BTreeSet<u64>,
    /// Was being appended when the journal failed.
    attempted: Option<u64>,
    /// Entries of segments whose deletion was asked for: they may be there or not.
    deleted: BTreeSet<u64>,
    next: u64,
}

impl Owed {
    fn append(&mut self, journal: &mut dyn Journal) -> Result<(), AppendError> {
        let number = self.next;
        self.next += 1;
        self.attempted = Some(number);
        journal.append(journal.tail(), stamp(number), &payload(number))?;
        self.acknowledged.insert(number);
        self.attempted = None;
        Ok(())
    }

    fn delete_first(&mut self, journal: &mut dyn Journal) -> Result<(), String> {
        let segment = journal.segments()[0];
        let entries = journal.reader().entries(segment.base, segment.end);
        for entry in entries {
            let mark = entry.map_err(|e| e.to_string())?.stamp.mark;
            self.acknowledged.remove(&mark);
            self.deleted.insert(mark);
        }
        journal.delete_segment(segment.base).map_err(|e| e.to_string())
    }

    /// Checks a journal that was opened again, and takes note of what it shows.
    fn check(&mut self, journal: &dyn Journal, context: &str) {
        let seen: BTreeSet<u64> = numbers(journal).into_iter().collect();
        for number in &self.acknowledged {
            assert!(seen.contains(number), "entry {number} is lost: {context}; {seen:?}");
        }
        for number in &seen {
            let known = self.acknowledged.contains(number)
                || self.deleted.contains(number)
                || self.attempted == Some(*number);
            assert!(known, "entry {number} was never appended: {context}");
        }
        if let Some(number) = self.attempted.take()
            && seen.contains(&number)
        {
            self.acknowledged.insert(number);
        }
        if let Some(last) = self.acknowledged.last() {
            assert_eq!(journal.last_stamp(), Some(stamp(*last)), "{context}");
        }
    }
}

/// The life of a journal with all that changes files: opening, rolling, deleting, closing, opening again.
fn live(disk: &SimDisk, owed: &mut Owed, appends: u64) -> Result<(), String> {
    let mut journal = open(disk).map_err(|e| e.to_string())?;
    for _ in 0..appends {
        owed.append(&mut journal).map_err(|e| e.to_string())?;
    }
    owed.delete_first(&mut journal)?;
    journal.roll(700, 0).map_err(|e| e.to_string())?;
    owed.append(&mut journal).map_err(|e| e.to_string())?;
    Box::new(journal).close().map_err(|e| e.to_string())?;
    let mut journal = open(disk).map_err(|e| e.to_string())?;
    for _ in 0..3 {
        owed.append(&mut journal).map_err(|e| e.to_string())?;
    }
    drop(journal);
    let mut journal = open(disk).map_err(|e| e.to_string())?;
    for _ in 0..appends / 3 {
        owed.append(&mut journal).map_err(|e| e.to_string())?;
    }
    Box::new(journal).close().map_err(|e| e.to_string())
}

/// What happens between the opening after a crash and the power failing.
#[derive(Copy, Clone, Debug)]
enum Meanwhile {
    Nothing,
    /// Enough for the segment that the opening has made to be sealed.
    Appends,
}

/// Opens a journal after a crash, checks it, and checks it again after the power was lost: what it has shown stays.
fn check_twice(disk: &SimDisk, owed: &mut Owed, meanwhile: Meanwhile, context: &str) {
    let context = format!("{context}, then {meanwhile:?}");
    let mut journal = open(disk).unwrap_or_else(|e| panic!("{e}: {context}"));
    owed.check(&journal, &context);
    if matches!(meanwhile, Meanwhile::Appends) {
        let before = journal.segments().len();
        while journal.segments().len() < before + 2 {
            owed.append(&mut journal).unwrap();
        }
    }
    drop(journal);
    disk.lose_power(Loss::Everything);
    let mut journal = open(disk).unwrap_or_else(|e| panic!("{e}: {context}, opened again"));
    owed.check(&journal, &format!("{context}, opened again"));
    for _ in 0..6 {
        owed.append(&mut journal).unwrap();
    }
    owed.check(&journal, &format!("{context}, gone on"));
    disk.lose_power(Loss::Everything);
    let journal = open(disk).unwrap_or_else(|e| panic!("{e}: {context}, gone on and opened again"));
    owed.check(&journal, &format!("{context}, gone on and opened again"));
}

#[test]
fn no_crash_loses_what_was_acknowledged() {
    let whole = SimDisk::new();
    live(&whole, &mut Owed::default(), 25).unwrap();
    assert!(whole.steps() > 100);
    for step in 1..=whole.steps() {
        let crashed = SimDisk::new();
        let mut owed = Owed::default();
        crashed.crash_at(step);
        let failed = live(&crashed, &mut owed, 25);
        assert!(failed.is_err() || crashed.has_crashed(), "step {step}");
        for how in RESTARTS {
            for meanwhile in [Meanwhile::Nothing, Meanwhile::Appends] {
                let disk = crashed.fork();
                restart(&disk, how);
                let context = format!("crash at step {step}, {how:?}");
                check_twice(&disk, &mut owed.clone(), meanwhile, &context);
            }
        }
    }
}

/// A crash while an opening repairs what an earlier crash has left.
#[test]
fn no_crash_within_recovery_loses_what_was_acknowledged() {
    const APPENDS: u64 = 7;
    let whole = SimDisk::new();
    live(&whole, &mut Owed::default(), APPENDS).unwrap();
    let mut crashes = 0;
    for step in 1..=whole.steps() {
        let crashed = SimDisk::new();
        let mut owed = Owed::default();
        crashed.crash_at(step);
        let _ = live(&crashed, &mut owed, APPENDS);
        for first in [Restart::Process, RESTARTS[1], RESTARTS[3]] {
            let restarted = crashed.fork();
            restart(&restarted, first);
            for later in 1.. {
                let interrupted = restarted.fork();
                interrupted.crash_at(interrupted.steps() + later);
                let opened = open(&interrupted);
                if opened.is_ok() && !interrupted.has_crashed() {
                    break;
                }
                for second in [Restart::Process, RESTARTS[1], RESTARTS[4]] {
                    for meanwhile in [Meanwhile::Nothing, Meanwhile::Appends] {
                        crashes += 1;
                        let disk = interrupted.fork();
                        restart(&disk, second);
                        let context = format!("step {step}, {first:?}, step {later} of opening, {second:?}");
                        check_twice(&disk, &mut owed.clone(), meanwhile, &context);
                    }
                }
            }
        }
    }
    assert!(crashes > 1_000, "{crashes}");
}

/// One life after another, each ended by a crash at some step, with nobody looking in between.
#[test]
fn no_row_of_crashes_loses_what_was_acknowledged() {
    let mut dice = Dice(7);
    for run in 0..1_500 {
        let disk = SimDisk::new();
        let mut owed = Owed::default();
        let mut context = format!("run {run}");
        for _ in 0..2 + dice.below(6) {
            let step = 1 + dice.below(60);
            let how = match dice.below(4) {
                0 => Restart::Power(Loss::Everything),
                1 => Restart::Power(Loss::Some { seed: dice.below(1_000) }),
                _ => Restart::Process,
            };
            context.push_str(&format!(", step {step} {how:?}"));
            disk.crash_at(disk.steps() + step);
            let _ = live_on(&disk, &mut owed, &mut dice, &context);
            restart(&disk, how);
        }
        check_twice(&disk, &mut owed, Meanwhile::Appends, &context);
    }
}

/// Opens the journal and uses it until something fails.
fn live_on(disk: &SimDisk, owed: &mut Owed, dice: &mut Dice, context: &str) -> Result<(), String> {
    for _ in 0..4 {
        let mut journal = open(disk).map_err(|e| e.to_string())?;
        if disk.has_crashed() {
            // What is there can't be read any more.
            return Ok(());
        }
        owed.check(&journal, context);
        for _ in 0..dice.below(12) {
            owed.append(&mut journal).map_err(|e| e.to_string())?;
        }
        if dice.below(3) == 0 && journal.segments()[0].sealed {
            owed.delete_first(&mut journal)?;
        }
        if dice.below(2) == 0 {
            Box::new(journal).close().map_err(|e| e.to_string())?;
        }
    }
    Ok(())
}

/// Chance that is the same in each run (an xorshift generator).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % end
    }
}

/// Opening and crashing again and again without appending changes nothing, and leaves no heap of files.
#[test]
fn opening_often_leaves_the_journal_as_it_is() {
    let disk = SimDisk::new();
    let mut journal = open(&disk).unwrap();
    for number in 0..5 {
        append(&mut journal, number);
    }
    drop(journal);
    let mut files = 0;
    for round in 0..20 {
        let journal = open(&disk).unwrap();
        assert_eq!(numbers(&journal), [0, 1, 2, 3, 4]);
        assert_eq!(journal.last_stamp(), Some(stamp(4)));
        assert_eq!(journal.epoch(), round + 2);
        match round % 3 {
            0 => Box::new(journal).close().unwrap(),
            1 => drop(journal),
            _ => disk.lose_power(Loss::Everything),
        }
        files = disk.files().len();
    }
    assert!(files <= 6, "{:?}", disk.files().keys());
}

/// The stamp of the last entry is known even when the segment that holds it is gone.
#[test]
fn the_last_stamp_outlives_its_entry() {
    let disk = SimDisk::new();
    let mut journal = open(&disk).unwrap();
    append(&mut journal, 7);
    Box::new(journal).close().unwrap();
    let mut journal = open(&disk).unwrap();
    let tail = journal.tail();
    let first = journal.segments()[0];
    assert!(first.sealed);
    journal.delete_segment(first.base).unwrap();
    drop(journal);
    let journal = open(&disk).unwrap();
    assert_eq!(journal.last_stamp(), Some(stamp(7)));
    assert_eq!(journal.tail(), tail);
    assert_eq!(journal.segments().len(), 1);
}

/// The story: a process dies between writing an entry and syncing it. The next one finds the entry in the page cache and
/// shows it. Then the power goes.
#[test]
fn an_entry_from_the_page_cache_is_made_durable_before_it_is_shown() {
    let disk = SimDisk::new();
    let mut journal = open(&disk).unwrap();
    append(&mut journal, 2);
    // The write is the first step of the append, the sync the second.
    disk.crash_at(disk.steps() + 2);
    journal.append(journal.tail(), stamp(4), &payload(4)).unwrap_err();
    disk.kill_process();
    drop(journal);
    let journal = open(&disk).unwrap();
    assert_eq!(numbers(&journal), [2, 4]);
    disk.lose_power(Loss::Everything);
    drop(journal);
    assert_eq!(numbers(&open(&disk).unwrap()), [2, 4]);
}

/// The story: a process dies when an opening has given the new segment its name, but has not synced the directory. The next
/// opening finds it, and cuts the last entry from the older segment. Then the power goes, and with it the new name.
#[test]
fn an_older_segment_is_cut_only_when_the_newer_one_is_there_for_good() {
    let disk = SimDisk::new();
    let mut journal = open(&disk).unwrap();
    for number in [2, 4] {
        append(&mut journal, number);
    }
    drop(journal);
    disk.fail(Step::SyncDir, 1, rustix::io::Errno::IO.raw_os_error());
    assert!(open(&disk).is_err());
    assert_eq!(crate::common::segment_files(&disk).len(), 2);
    disk.kill_process();
    // It is cut with a write, a truncation and a sync.
    disk.fail(Step::Create, 0, rustix::io::Errno::IO.raw_os_error());
    assert!(open(&disk).is_err());
    disk.lose_power(Loss::Everything);
    assert_eq!(numbers(&open(&disk).unwrap()), [2, 4]);
}

/// Positions stay what they were when the tail is rewritten.
#[test]
fn recovery_moves_nothing() {
    let disk = SimDisk::new();
    let mut journal = open(&disk).unwrap();
    let mut positions = Vec::new();
    for number in 0..30 {
        positions.push(journal.tail());
        append(&mut journal, number);
        if number % 4 == 0 {
            drop(journal);
            journal = open(&disk).unwrap();
        }
    }
    let entries = crate::common::all(&journal);
    assert_eq!(entries.into_keys().collect::<Vec<_>>(), positions);
}

/// A failure while an opening is under way leaves the lock free and the journal whole.
#[test]
fn opening_can_be_tried_again_after_a_failure() {
    for step in [Step::Create, Step::Allocate, Step::Write, Step::Sync, Step::Rename, Step::SyncDir] {
        let disk = SimDisk::new();
        let mut journal = open(&disk).unwrap();
        for number in 0..12 {
            append(&mut journal, number);
        }
        drop(journal);
        disk.fail(step, 0, rustix::io::Errno::IO.raw_os_error());
        assert!(matches!(open(&disk), Err(OpenError::Io { .. })), "{step:?}");
        let journal = open(&disk).unwrap();
        assert_eq!(numbers(&journal), (0..12).collect::<Vec<_>>(), "{step:?}");
    }
}
