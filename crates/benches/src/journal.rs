//! Appends to the file journal on a real file system. What the kernel does is not counted as instructions, but timed.

use crate::{Case, Work, fed};
use bongsu_journal::{FileJournal, FileOptions, Journal, Position, RealDisk, Stamp};
use std::sync::Arc;
use tempfile::TempDir;

pub(crate) const CASES: &[Case] = &[
    Case { name: "journal/append-4-kib", set_up: || append(4 << 10) },
    Case { name: "journal/append-64-kib", set_up: || append(64 << 10) },
];

struct Log {
    journal: FileJournal,
    payload: Vec<u8>,
    /// Segments that nothing is appended to any more.
    sealed: Vec<Position>,
    /// Dropped after the journal.
    _folder: TempDir,
}

fn append(payload_bytes: usize) -> Box<dyn Work> {
    let Ok(folder) = tempfile::tempdir() else { panic!("no temporary directory") };
    // Another thread's work would be counted too, or not, as it happens. Segments are large enough that none is begun while
    // instructions are counted.
    let options = FileOptions { allocate_in_background: false, ..FileOptions::default() };
    let journal = match FileJournal::open(Arc::new(RealDisk), folder.path(), options) {
        Ok(journal) => journal,
        Err(error) => panic!("a new journal can't be opened: {error}"),
    };
    let payload = (0..payload_bytes).map(|index| index as u8).collect();
    let log = Log { journal, payload, sealed: Vec::new(), _folder: folder };
    fed(log, delete_sealed, |log, ()| {
        let stamp = Stamp { time_ms: 1_700_000_000_000, mark: 0 };
        match log.journal.append(log.journal.tail(), stamp, &log.payload) {
            Ok(appended) => log.sealed.extend(appended.rolled.map(|segment| segment.base)),
            Err(error) => panic!("an append failed: {error}"),
        }
    })
}

fn delete_sealed(log: &mut Log) {
    for base in log.sealed.drain(..) {
        assert!(log.journal.delete_segment(base).is_ok());
    }
}
