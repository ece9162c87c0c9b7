//! A survey judges as opening does, mending makes a journal that opens, and a backup is a prefix of the log. All of it on the
//! simulated disk, with damage in every kind of place.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bongsu_journal::testing::{Loss, SimDisk};
use bongsu_journal::{
    BackupError, Copying, Disk, Entry, FaultKind, FileJournal, FileOptions, Journal, JournalError, OpenError,
    Stamp, Survey, Visitor, back_up,
};

const DIR: &str = "/store";
const KEPT: &str = "/kept";

const OPTIONS: FileOptions = FileOptions {
    segment_bytes: 16 << 10,
    max_payload_bytes: 4 << 10,
    max_open_files: 4,
    recent_bytes: 8 << 10,
    allocate_in_background: false,
};

struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

#[derive(Default)]
struct Collected(Vec<Entry>);

impl Visitor for Collected {
    fn entry(&mut self, entry: &Entry) -> Result<(), String> {
        self.0.push(entry.clone());
        Ok(())
    }
}

fn open(disk: &SimDisk) -> Result<FileJournal, OpenError> {
    FileJournal::open(Arc::new(disk.clone()), Path::new(DIR), OPTIONS)
}

fn survey(disk: &SimDisk) -> (Survey, Vec<Entry>) {
    let mut collected = Collected::default();
    let survey = Survey::read(Arc::new(disk.clone()), Path::new(DIR), &mut collected).unwrap();
    (survey, collected.0)
}

fn append(journal: &mut dyn Journal, count: u64, dice: &mut Dice) {
    for _ in 0..count {
        let payload = vec![dice.below(256) as u8; dice.below(3_000) as usize];
        let tail = journal.tail();
        journal.append(tail, Stamp { time_ms: tail.0, mark: dice.below(9) }, &payload).unwrap();
    }
}

/// Several segments of several openings, a deleted one among them, and one that is being written.
fn store(seed: u64) -> SimDisk {
    let (disk, mut dice) = (SimDisk::new(), Dice(seed));
    for _ in 0..3 {
        let mut journal = open(&disk).unwrap();
        append(&mut journal, 4 + dice.below(12), &mut dice);
        Box::new(journal).close().unwrap();
    }
    let mut journal = open(&disk).unwrap();
    append(&mut journal, 4 + dice.below(12), &mut dice);
    if seed.is_multiple_of(2) {
        let second = journal.segments()[1].base;
        journal.delete_segment(second).unwrap();
    }
    drop(journal);
    disk.fork()
}

/// What a journal that opens has, gaps left out.
fn content(journal: &dyn Journal) -> Result<Vec<Entry>, JournalError> {
    let mut all = Vec::new();
    for segment in journal.segments() {
        for entry in journal.reader().entries(segment.base, segment.end) {
            all.push(entry?);
        }
    }
    Ok(all)
}

fn damage(disk: &SimDisk, dice: &mut Dice) -> (PathBuf, usize) {
    let files: Vec<_> = disk
        .files()
        .into_iter()
        .filter(|(path, _)| path.extension().is_some_and(|e| e == "segment"))
        .collect();
    let last = files.last().unwrap().0.clone();
    let (path, mut bytes) = files[dice.below(files.len() as u64) as usize].clone();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() as u64 + 1;
    let at = match dice.below(5) {
        0 => dice.below(96),
        1 => used - 1 - dice.below(96),
        _ => 4096 + dice.below(used - 4096),
    } as usize;
    match dice.below(4) {
        // A last segment that was made shorter looks like one that was allocated so.
        0 if path != last => bytes.truncate(at),
        1 => {
            let end = bytes.len().min(at + 700);
            bytes[at..end].fill(0);
        }
        _ => bytes[at] ^= 1 << dice.below(8),
    }
    disk.put_file(&path, &bytes);
    (path, at)
}

#[test]
fn a_sound_journal_has_no_faults_and_shows_all_it_has() {
    for seed in 0..20 {
        let disk = store(seed);
        let before = disk.files();
        let (survey, seen) = survey(&disk);
        assert_eq!(survey.faults, []);
        assert_eq!(disk.files(), before, "a survey changes nothing");
        assert_eq!(survey.is_complete(None), seed % 2 == 1);
        let view = survey.journal(None).unwrap();
        assert!(content(&view).unwrap() == seen);
        let journal = open(&disk).unwrap();
        assert_eq!((journal.tail(), journal.last_stamp()), (survey.tail, survey.last_stamp));
        assert_eq!(survey.segments.iter().map(|segment| segment.entries).sum::<u64>(), seen.len() as u64);
    }
}

/// Whatever a power cut leaves is sound, also in the middle of an opening.
#[test]
fn what_a_crash_leaves_is_no_fault() {
    for seed in 0..120 {
        let disk = store(1);
        let first = disk.steps();
        disk.crash_at(first + 1 + seed % 40);
        if let Ok(mut journal) = open(&disk) {
            let mut tail = journal.tail();
            while let Ok(done) = journal.append(tail, Stamp::default(), &[7; 900]) {
                tail = done.next;
            }
        }
        disk.lose_power(Loss::Some { seed });
        let (survey, _) = survey(&disk);
        assert_eq!(survey.faults, [], "seed {seed}");
        assert_eq!(open(&disk).unwrap().tail(), survey.tail, "seed {seed}");
    }
}

#[test]
fn whatever_opening_refuses_is_a_fault_and_mending_cures_it() {
    let (mut refused, mut old, mut cut_off) = (0, 0, 0);
    for seed in 0..600 {
        let disk = store(seed % 7);
        let (_, whole) = survey(&disk);
        let mut dice = Dice(seed);
        let place = damage(&disk, &mut dice);
        let opens = open(&disk.fork());
        let (found, seen) = survey(&disk);
        let context = format!("seed {seed}, damage {place:?}, {:#?}", found.faults);
        if found.faults.is_empty() {
            // The rest of the last segment, the end of its last entry, or padding.
            let journal = opens.unwrap_or_else(|e| panic!("{e}: {context}"));
            assert!(content(&journal).unwrap() == seen, "{context}");
            assert!(seen.len() + 1 >= whole.len(), "{context}");
            continue;
        }
        refused += u32::from(opens.is_err());
        assert!(seen.iter().all(|entry| whole.contains(entry)), "{context}");
        // With all that is damaged cut off ...
        let first = found.faults.iter().filter_map(|fault| fault.stretch).map(|stretch| stretch.from).min();
        let cut = first.filter(|_| dice.below(2) == 0);
        let rest: Vec<&Entry> =
            seen.iter().filter(|entry| cut.is_none_or(|cut| entry.position < cut)).collect();
        assert_eq!(found.unmendable(cut), None, "{context}");
        found.mend(&disk, cut, Path::new(KEPT)).unwrap();
        let (again, left) = survey(&disk);
        assert!(left.iter().eq(rest.iter().copied()), "cut {cut:?}, {context}, ");
        let journal = open(&disk).unwrap_or_else(|e| panic!("{e}: cut {cut:?}, {context}"));
        if cut.is_some() {
            cut_off += 1;
            assert_eq!(again.faults, [], "{context}");
            assert!(content(&journal).unwrap().iter().eq(rest), "{context}");
            assert!(journal.tail() <= first.unwrap(), "{context}");
        } else {
            // ... or with it left where it is, in segments that are not the last.
            old += 1;
            assert!(
                again.faults.iter().all(|fault| fault.kind == FaultKind::Entries),
                "{again:#?} {context}"
            );
            for entry in rest {
                let pin = journal.reader().pin(entry.position).unwrap();
                let at = journal.layout().within(entry.position, 0);
                assert_eq!(pin.read(at, entry.payload.len() as u32).unwrap(), entry.payload, "{context}");
            }
        }
        drop(journal);
        assert!(open(&disk).is_ok(), "{context}");
    }
    assert!(refused > 100 && old > 100 && cut_off > 100, "{refused} {old} {cut_off}");
}

/// Mending that was interrupted by a power cut at any step can be done again, and comes to the same.
#[test]
fn interrupted_mending_can_be_done_again() {
    for seed in 0..150 {
        let disk = store(3);
        let mut dice = Dice(seed / 5);
        damage(&disk, &mut dice);
        let (found, _) = survey(&disk);
        let Some(fault) = found.faults.first() else { continue };
        let cut = fault.stretch.map(|stretch| stretch.from).filter(|_| seed % 2 == 0);
        let done = disk.fork();
        found.mend(&done, cut, Path::new(KEPT)).unwrap();
        let (_, expected) = survey(&done);
        disk.crash_at(disk.steps() + 1 + seed % 30);
        if found.mend(&disk, cut, Path::new(KEPT)).is_ok() {
            continue;
        }
        disk.lose_power(Loss::Some { seed });
        let (left, _) = survey(&disk);
        let cut = cut.filter(|cut| *cut < left.tail);
        left.mend(&disk, cut, Path::new(KEPT)).unwrap();
        let (_, entries) = survey(&disk);
        assert!(entries == expected, "seed {seed}");
        open(&disk).unwrap();
    }
}

#[test]
fn what_is_cut_is_kept() {
    let disk = store(1);
    let before = disk.files();
    let (found, _) = survey(&disk);
    let cut = found.segments[1].base;
    found.mend(&disk, Some(cut), Path::new(KEPT)).unwrap();
    let after = disk.files();
    for (path, bytes) in &before {
        let kept = Path::new(KEPT).join(path.file_name().unwrap());
        let stays = after.get(path) == Some(bytes);
        assert!(stays || after.get(&kept) == Some(bytes), "{}", path.display());
    }
    assert!(!after.contains_key(&found.segments[1].file));
}

#[test]
fn files_of_two_histories_are_told_and_not_mended() {
    let fill = |disk: &SimDisk, byte: u8| {
        let mut journal = open(disk).unwrap();
        for _ in 0..40 {
            let tail = journal.tail();
            journal.append(tail, Stamp::default(), &[byte; 900]).unwrap();
        }
    };
    let disk = store(1);
    let other = disk.fork();
    fill(&disk, 1);
    fill(&other, 2);
    let (mine, theirs) = (disk.files(), other.files());
    let (before, _) = survey(&disk);
    let older = before.segments.iter().rev().skip(1);
    let swapped = older.map(|segment| &segment.file).find(|file| mine[*file] != theirs[*file]).unwrap();
    disk.put_file(swapped, &theirs[swapped]);
    let (found, _) = survey(&disk);
    assert!(found.faults.iter().any(|fault| fault.kind == FaultKind::Order), "{:#?}", found.faults);
    assert!(found.unmendable(None).is_some());
    assert!(open(&disk).is_err());
    let order = found.faults.iter().find(|fault| fault.kind == FaultKind::Order).unwrap();
    let cut = order.stretch.unwrap().from;
    assert_eq!(found.unmendable(Some(cut)), None);
    found.mend(&disk, Some(cut), Path::new(KEPT)).unwrap();
    assert_eq!(open(&disk).unwrap().tail(), cut);
}

#[test]
fn a_later_version_is_not_taken_for_damage() {
    let disk = store(1);
    disk.put_file(&Path::new(DIR).join("FORMAT"), b"bongsu journal\nversion 2\nid of another kind\n");
    let read = Survey::read(Arc::new(disk.clone()), Path::new(DIR), &mut Collected::default());
    assert!(matches!(read, Err(OpenError::Format { .. })), "{read:?}");
    let read = Survey::read(Arc::new(disk), Path::new("/elsewhere"), &mut Collected::default());
    assert!(matches!(read, Err(OpenError::Format { .. })), "{read:?}");
}

#[test]
fn a_lost_format_file_is_written_again() {
    for text in [None, Some(&b"bongsu jou"[..])] {
        let disk = store(1);
        let path = Path::new(DIR).join("FORMAT");
        let before = disk.files()[&path].clone();
        match text {
            Some(text) => disk.put_file(&path, text),
            None => disk.take_file(&path),
        }
        let (found, _) = survey(&disk);
        assert_eq!(found.faults.iter().map(|fault| fault.kind).collect::<Vec<_>>(), [FaultKind::Format]);
        found.mend(&disk, None, Path::new(KEPT)).unwrap();
        assert_eq!(disk.files()[&path], before);
        open(&disk).unwrap();
    }
}

fn copy(disk: &SimDisk) -> Result<bongsu_journal::BackedUp, BackupError> {
    let mut copying = Copying { links: false, progress: &mut |_| () };
    back_up((disk, Path::new(DIR)), (disk, Path::new(KEPT)), &mut copying)
}

#[test]
fn a_copy_opens_and_has_the_same_entries() {
    for seed in 0..20 {
        let disk = store(seed);
        let (original, entries) = survey(&disk);
        let done = copy(&disk).unwrap();
        assert_eq!((done.tail, done.last_stamp), (original.tail.0, original.last_stamp));
        let mut collected = Collected::default();
        let copied = Survey::read(Arc::new(disk.clone()), Path::new(KEPT), &mut collected).unwrap();
        assert!(copied.faults.is_empty() && collected.0 == entries);
        let journal = FileJournal::open(Arc::new(disk.clone()), Path::new(KEPT), OPTIONS).unwrap();
        assert_eq!(journal.tail(), original.tail);
        assert!(matches!(copy(&disk), Err(BackupError::NotEmpty(_))));
    }
}

/// A copy of a damaged journal must not look like a shorter, sound one.
#[test]
fn damage_does_not_shorten_a_copy() {
    let (mut refused, mut sound) = (0, 0);
    for seed in 0..400 {
        let disk = store(seed % 5);
        let (_, whole) = survey(&disk);
        let place = damage(&disk, &mut Dice(seed));
        let (source, _) = survey(&disk);
        match copy(&disk) {
            Err(_) => refused += 1,
            Ok(_) => {
                let mut collected = Collected::default();
                let copied = Survey::read(Arc::new(disk.clone()), Path::new(KEPT), &mut collected).unwrap();
                let is_whole = collected.0.len() + 1 >= whole.len();
                assert!(
                    is_whole || !copied.faults.is_empty(),
                    "seed {seed}, damage {place:?}, {:#?}, tails {} {}",
                    source.faults,
                    source.tail,
                    copied.tail
                );
                sound += u32::from(copied.faults.is_empty());
            }
        }
    }
    assert!(refused > 50 && sound > 0, "{refused} {sound}");
}

#[test]
fn an_interrupted_copy_does_not_open() {
    let disk = store(1);
    let (before, whole) = (disk.steps(), survey(&disk).0.tail);
    let mut refused = 0;
    for step in 1.. {
        let disk = disk.fork();
        disk.crash_at(before + step);
        if copy(&disk).is_ok() {
            break;
        }
        disk.lose_power(Loss::Nothing);
        let there = disk.list(Path::new(KEPT)).unwrap();
        let is_empty = there.iter().all(|name| !name.ends_with(".segment") && name != "FORMAT");
        match FileJournal::open(Arc::new(disk.clone()), Path::new(KEPT), OPTIONS) {
            Err(_) => refused += 1,
            Ok(journal) => assert!(is_empty || journal.tail() == whole, "step {step}"),
        }
    }
    assert!(refused > 10, "{refused}");
}
