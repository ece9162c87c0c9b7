//! Files from different histories of one journal: what a careless restore from a backup leaves.

use std::path::PathBuf;

use bongsu_journal::testing::{Loss, SimDisk};
use bongsu_journal::{Journal, JournalError, OpenError};

use crate::common::{append, dir, numbers, open, segment_files};

fn copy(disk: &SimDisk) -> SimDisk {
    let other = SimDisk::new();
    for (path, bytes) in disk.files() {
        other.put_file(&path, &bytes);
    }
    other
}

/// A journal of some segments, whose last entries were `fork..fork + 16`, over what `disk` holds.
fn grow(disk: &SimDisk, fork: u64) {
    let mut journal = open(disk).unwrap();
    for number in fork..fork + 16 {
        append(&mut journal, number);
    }
    Box::new(journal).close().unwrap();
}

/// Two journals with the same beginning, and segments of the same names that say different things.
fn two_histories() -> (SimDisk, SimDisk) {
    let one = SimDisk::new();
    grow(&one, 0);
    let other = copy(&one);
    // Numbers that are equal modulo 8 have payloads of equal length.
    grow(&one, 16);
    grow(&other, 80);
    assert_eq!(segment_files(&one), segment_files(&other));
    (one, other)
}

fn replace(disk: &SimDisk, path: &PathBuf, from: &SimDisk) {
    disk.put_file(path, &from.files()[path]);
}

#[test]
fn a_segment_of_another_history_is_refused() {
    let (one, other) = two_histories();
    let files = segment_files(&one);
    let differs = |path: &&PathBuf| one.files()[*path] != other.files()[*path];
    let different: Vec<&PathBuf> = files.iter().filter(differs).collect();
    assert!(different.len() >= 3);
    for (index, path) in different.iter().enumerate() {
        let mixed = copy(&one);
        replace(&mixed, path, &other);
        // The header of the first of them is the same in both histories, the headers of the others are not.
        let place = if index == 0 { different[1] } else { *path };
        match open(&mixed).map(|_| ()) {
            Err(OpenError::Damaged { file, offset, .. }) => assert_eq!((&file, offset), (place, 80)),
            other => panic!("{other:?}"),
        }
    }
}

/// The entries of a segment are of another history, its header and its seal are not: nothing shows until it is read.
#[test]
fn entries_of_another_history_show_when_they_are_read() {
    let (one, other) = two_histories();
    let files = segment_files(&one);
    let path = files.iter().find(|path| one.files()[*path] != other.files()[*path]).unwrap();
    let (ours, theirs) = (one.files()[path].clone(), other.files()[path].clone());
    let seal = ours.len() - 96;
    one.put_file(path, &[&ours[..4096], &theirs[4096..seal], &ours[seal..]].concat());
    let journal = open(&one).unwrap();
    let segments = journal.segments();
    let index = files.iter().position(|file| file == path).unwrap();
    let range = journal.reader().entries(segments[index].base, journal.tail());
    let mut items = range.skip_while(Result::is_ok);
    match items.next() {
        Some(Err(JournalError::Damaged { file, offset: 0, .. })) => assert_eq!(file, files[index + 1]),
        other => panic!("{other:?}"),
    }
}

/// The last segment begins before the end of a complete one: no opening leaves this.
#[test]
fn segments_that_overlap_are_refused() {
    let disk = SimDisk::new();
    let mut journal = open(&disk).unwrap();
    // Numbers 2 and 10 have no payload, so that all fit into one segment.
    for number in [2, 10, 18] {
        append(&mut journal, number);
    }
    let dropped = copy(&disk);
    Box::new(journal).close().unwrap();
    // Without a seal the last entry is rewritten into a segment of its own.
    drop(open(&dropped).unwrap());
    let rewritten = segment_files(&dropped).pop().unwrap();
    assert!(!disk.files().contains_key(&rewritten));
    replace(&disk, &rewritten, &dropped);
    match open(&disk).map(|_| ()) {
        Err(OpenError::Damaged { file, offset, .. }) => assert_eq!((file, offset), (rewritten, 32)),
        other => panic!("{other:?}"),
    }
}

/// A segment in the middle that is gone looks deleted: what is left can be used.
#[test]
fn a_hole_is_no_damage() {
    let (one, _) = two_histories();
    let files = segment_files(&one);
    one.take_file(&files[2]);
    let journal = open(&one).unwrap();
    assert_eq!(journal.segments().len(), files.len());
    assert!(numbers(&journal).len() < 32);
}

#[test]
fn closing_gives_back_the_spare_for_good() {
    let disk = SimDisk::new();
    let mut journal = open(&disk).unwrap();
    for number in 0..9 {
        append(&mut journal, number);
    }
    // Deleting syncs the directory, and with it the name of the spare.
    journal.delete_segment(journal.segments()[0].base).unwrap();
    let left = numbers(&journal);
    let spare = dir().join("spare.tmp");
    assert!(disk.files().contains_key(&spare));
    Box::new(journal).close().unwrap();
    disk.lose_power(Loss::Everything);
    assert!(!disk.files().contains_key(&spare));
    assert_eq!(numbers(&open(&disk).unwrap()), left);
}
