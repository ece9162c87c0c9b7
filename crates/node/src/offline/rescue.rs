//! How much of a damaged store can be kept, and what that costs.
//!
//! A store can be rebuilt from any checkpoint that can still be read, and from the first entry if no segment was ever deleted,
//! as long as every entry from there on is whole. So the latest end of the log is looked for, among all of it and the places
//! where damage begins, for which there is such a start. What is damaged before that start is not needed to rebuild the
//! store; only messages may lie in it.

use super::contents::{Contents, Rebuilt, rebuild};
use super::tally::Tally;
use super::{Progress, Verify};
use crate::partition::StartError;
use bongsu_journal::{Entry, Journal as _, OpenError, Position, Survey, Visitor};
use std::collections::BTreeSet;

/// What a repair would do.
#[derive(Clone, Debug)]
pub struct Rescue {
    /// Where the log is cut, if it has to be.
    pub cut: Option<Position>,
    /// The checkpoint that the rest is rebuilt from (none: from the first entry).
    pub start: Option<Position>,
    /// Whether that is an earlier one than the log names.
    pub falls_back: bool,
    /// What lies behind the cut and can still be read. All of it is lost.
    pub behind_cut: Tally,
    /// How many bytes behind the cut can't be read.
    pub unreadable_bytes: u64,
    /// What is left afterwards; among it, what is lost of it (see [`Contents::lost_messages`]).
    pub contents: Contents,
}

/// Looks for the way to keep the most of a store; the error says why there is none.
pub(super) fn find(
    survey: &Survey,
    marks: &BTreeSet<u64>,
    verify: Verify<'_>,
    progress: &mut dyn Progress,
) -> Result<Result<Rescue, String>, OpenError> {
    // `None` is the whole log; then the places where something is wrong, the latest first.
    let damaged = survey.faults.iter().filter_map(|fault| fault.stretch).map(|stretch| stretch.from.0);
    let mut ends: BTreeSet<u64> = damaged.collect();
    let mut end = None;
    let mut first_refusal = None;
    loop {
        let start = match survey.unmendable(end) {
            None => start_for(survey, marks, end)?,
            Some(why) => Err(Refusal { why, misfit: None }),
        };
        match start {
            Ok((start, rebuilt)) => {
                let journal = survey.journal(end)?;
                let named = journal.last_stamp().map_or(0, |stamp| stamp.mark);
                let (behind_cut, unreadable_bytes) = behind(survey, end)?;
                return Ok(Ok(Rescue {
                    cut: end,
                    start: (start != 0).then_some(Position(start)),
                    falls_back: start != named,
                    behind_cut,
                    unreadable_bytes,
                    contents: rebuilt.read(&journal, verify, progress),
                }));
            }
            Err(refusal) => {
                // An entry that is whole but does not fit is a place to cut, too.
                ends.extend(refusal.misfit);
                first_refusal.get_or_insert(refusal.why);
            }
        }
        let Some(next) = ends.range(..end.map_or(u64::MAX, |end| end.0)).next_back() else {
            return Ok(Err(first_refusal.unwrap_or_else(|| "nothing of it can be read".to_owned())));
        };
        end = Some(Position(*next));
    }
}

/// Why no start does for an end.
struct Refusal {
    /// In words, for the newest start.
    why: String,
    /// The entry that could not be replayed.
    misfit: Option<u64>,
}

/// The newest checkpoint that the log can be rebuilt from up to `end`; 0 is the first entry.
fn start_for(
    survey: &Survey,
    marks: &BTreeSet<u64>,
    end: Option<Position>,
) -> Result<Result<(u64, Rebuilt), Refusal>, OpenError> {
    let mut journal = survey.journal(end)?;
    let usable = marks.range(1..journal.tail().0).rev().copied();
    let first = survey.is_complete(end).then_some(0);
    let mut refusal: Option<Refusal> = None;
    for start in usable.chain(first) {
        match rebuild(&mut journal, start) {
            Ok(rebuilt) => return Ok(Ok((start, rebuilt))),
            Err(error) => {
                let misfit = match &error {
                    StartError::Replay { position, .. } if *position > start => Some(*position),
                    _ => None,
                };
                let refusal = refusal.get_or_insert(Refusal { why: error.to_string(), misfit });
                refusal.misfit = refusal.misfit.max(misfit);
            }
        }
    }
    let why = "segments were deleted and no checkpoint is left, so that what they held is not known";
    Ok(Err(refusal.unwrap_or(Refusal { why: why.to_owned(), misfit: None })))
}

/// What lies behind a cut: what can be read of it, and how many bytes can't be.
fn behind(survey: &Survey, cut: Option<Position>) -> Result<(Tally, u64), OpenError> {
    struct Counting(Tally);
    impl Visitor for Counting {
        fn entry(&mut self, entry: &Entry) -> Result<(), String> {
            self.0.count(&entry.payload)
        }
    }
    let Some(cut) = cut else { return Ok((Tally::default(), 0)) };
    let mut counting = Counting(Tally::default());
    survey.visit_from(cut, &mut counting)?;
    let damaged = survey.segments.iter().flat_map(|segment| &segment.damaged);
    let behind = damaged.filter(|stretch| stretch.from >= cut);
    Ok((counting.0, behind.map(|stretch| stretch.to.0 - stretch.from.0).sum()))
}
