//! Small segments, and the entries that fill them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bongsu_journal::testing::SimDisk;
use bongsu_journal::{
    Appended, Entry, FileJournal, FileOptions, Journal, JournalError, OpenError, Position, Stamp,
};

/// Three or four entries of the largest size fit into a segment.
pub(crate) const SMALL: FileOptions = FileOptions {
    segment_bytes: 6 << 10,
    max_payload_bytes: 512,
    max_open_files: 2,
    recent_bytes: 1 << 10,
    allocate_in_background: false,
};

pub(crate) fn dir() -> PathBuf {
    PathBuf::from("/journal")
}

pub(crate) fn open(disk: &SimDisk) -> Result<FileJournal, OpenError> {
    open_with(disk, SMALL)
}

pub(crate) fn open_with(disk: &SimDisk, options: FileOptions) -> Result<FileJournal, OpenError> {
    FileJournal::open(Arc::new(disk.clone()), &dir(), options)
}

/// The payload of the entry with this number: its length and its bytes depend on it.
pub(crate) fn payload(number: u64) -> Vec<u8> {
    let len = [100, 512, 0, 333, 7, 480, 1, 256][usize::try_from(number % 8).unwrap()];
    (0..len).map(|i| (number.wrapping_mul(31).wrapping_add(i) % 251) as u8).collect()
}

pub(crate) fn stamp(number: u64) -> Stamp {
    Stamp { time_ms: 1_000 + number, mark: number }
}

/// Appends entry `number` at the tail.
pub(crate) fn append(journal: &mut dyn Journal, number: u64) -> Appended {
    let tail = journal.tail();
    journal.append(tail, stamp(number), &payload(number)).unwrap()
}

pub(crate) fn collect(
    entries: impl Iterator<Item = Result<Entry, JournalError>>,
) -> Result<Vec<Entry>, JournalError> {
    entries.collect()
}

/// All entries of a journal, segment by segment, so that deleted segments are no matter.
pub(crate) fn all(journal: &dyn Journal) -> BTreeMap<Position, (Stamp, Vec<u8>)> {
    let reader = journal.reader();
    let mut seen = BTreeMap::new();
    for segment in journal.segments() {
        for entry in reader.entries(segment.base, segment.end) {
            let entry = entry.unwrap();
            seen.insert(entry.position, (entry.stamp, entry.payload.to_vec()));
        }
    }
    seen
}

/// The numbers of all entries, after a check that each has the content that belongs to its number.
pub(crate) fn numbers(journal: &dyn Journal) -> Vec<u64> {
    let entries = all(journal);
    for (stamp, bytes) in entries.values() {
        assert_eq!(*bytes, payload(stamp.mark));
    }
    entries.values().map(|(stamp, _)| stamp.mark).collect()
}

/// The files of the segments on a simulated disk, in order.
pub(crate) fn segment_files(disk: &SimDisk) -> Vec<PathBuf> {
    let is_segment = |path: &Path| path.extension().is_some_and(|extension| extension == "segment");
    disk.files().into_keys().filter(|path| is_segment(path)).collect()
}
