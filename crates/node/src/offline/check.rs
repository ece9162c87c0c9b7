//! Whether a store is sound.

use super::contents::{Contents, rebuild};
use super::rescue::{self, Rescue};
use super::tally::Tally;
use super::{Progress, Verify};
use bongsu_journal::{Disk, Entry, OpenError, Survey, Visitor};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// What a check found.
#[derive(Debug)]
pub struct Checked {
    /// The files, and what is wrong with them.
    pub survey: Survey,
    /// What all entries hold.
    pub tally: Tally,
    /// What a start would make of the store; the error says why it would refuse to.
    pub contents: Result<Contents, String>,
    /// What a repair would do, where something is wrong; the error says why it could do nothing.
    pub rescue: Option<Result<Rescue, String>>,
}

impl Checked {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.rescue.is_none()
    }
}

/// Checks the store in `dir`: every segment, every entry, everything in them, the checkpoint; rebuilds the store, and reads
/// every living message. Nothing is changed; whoever calls has locked the store, or holds it ([`bongsu_journal::HeldDir`]).
///
/// # Errors
/// There is no store, or one of a later version, or the disk failed. Damage is no error.
pub fn check(
    disk: Arc<dyn Disk>,
    dir: &Path,
    verify: Verify<'_>,
    progress: &mut dyn Progress,
) -> Result<Checked, OpenError> {
    let mut looking = Looking { tally: Tally::default(), marks: BTreeSet::new(), progress };
    let survey = Survey::read(disk, dir, &mut looking)?;
    let Looking { tally, mut marks, progress } = looking;
    marks.remove(&0);
    let mut journal = survey.journal(None)?;
    let mark = survey.last_stamp.map_or(0, |stamp| stamp.mark);
    let contents = match rebuild(&mut journal, mark) {
        Ok(_) if mark == 0 && !survey.is_complete(None) && tally.entries > 0 => {
            Err("segments were deleted, but the log names no checkpoint".to_owned())
        }
        Ok(rebuilt) => Ok(rebuilt.read(&journal, verify, progress)),
        Err(error) => Err(error.to_string()),
    };
    let is_whole = contents.as_ref().is_ok_and(|contents| contents.lost_messages == 0);
    let rescue = if survey.faults.is_empty() && is_whole {
        None
    } else {
        Some(rescue::find(&survey, &marks, verify, progress)?)
    };
    Ok(Checked { survey, tally, contents, rescue })
}

struct Looking<'a> {
    tally: Tally,
    /// Every checkpoint that an entry names.
    marks: BTreeSet<u64>,
    progress: &'a mut dyn Progress,
}

impl Visitor for Looking<'_> {
    fn entry(&mut self, entry: &Entry) -> Result<(), String> {
        self.marks.insert(entry.stamp.mark);
        self.tally.count(&entry.payload)
    }

    fn begin(&mut self, total_bytes: u64) {
        self.progress.begin("segments", total_bytes);
    }

    fn advance(&mut self, bytes: u64) {
        self.progress.advance(bytes);
    }
}
