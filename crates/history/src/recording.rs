//! What happens as time passes: values gather in memory, steps end and become rows, rows are written.

use std::collections::HashSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::HistoryError;
use crate::code;
use crate::fold::{Fold, Gathered};
use crate::points::{Points, Row, code_in};
use crate::rings::{FINEST, GROUP_COLUMNS, RINGS, tick_of};
use crate::subjects::{Column, Subjects};

/// A clock that goes back further (by more than ten minutes) was wrong before; less is waited out.
const MAX_WAITED_OUT_TICKS: u32 = 60;
/// What is kept in memory while it can't be written, in rows: about an hour, which is 7 MB for 1,000 subjects.
const MAX_PENDING_ROWS: usize = 400;

/// How much is kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// For how many subjects there is room; those that come later are left out.
    pub max_subjects: usize,
    /// For how many series there is room, over all subjects. Each takes 5,082 bytes on the disk and about 70 in memory.
    pub max_series: u32,
    /// The series of which the largest value is kept where several become one; of all others it is their average.
    pub peaks: Vec<u8>,
}

impl Default for Options {
    /// 1,000 subjects of nine series, and 24 series more: 46.1 MB.
    fn default() -> Self {
        Self { max_subjects: 1_000, max_series: 9_024, peaks: Vec::new() }
    }
}

/// Figures over time. See the crate's documentation.
#[derive(Debug)]
pub struct History {
    pub(crate) points: Points,
    pub(crate) subjects: Subjects,
    subjects_path: PathBuf,
    peaks: Vec<u8>,
    /// The tick under way; everything before it is finished.
    pub(crate) tick: Option<u32>,
    /// For each ring the values of the step under way, by column.
    open: [Vec<Gathered>; RINGS.len()],
    /// Rows that are finished but not written.
    pub(crate) pending: Vec<Row>,
    /// The clock was wrong: what is in the file from this tick on has to go.
    wipe_from: Option<u32>,
    left_out: LeftOut,
}

/// Subjects for which there was no room, by hash.
#[derive(Debug, Default)]
struct LeftOut {
    this_tick: HashSet<u64>,
    last_tick: usize,
}

impl History {
    /// Opens the history in a directory, which is made if it is not there. A history that can't be understood (another version's, or damaged)
    /// is put aside as `*.aside`, and a new one is begun. `now_wall_ms` is milliseconds since 1970; it only names a new history.
    ///
    /// # Errors
    ///
    /// [`HistoryError::Io`] where the file system refuses.
    pub fn open(dir: &Path, now_wall_ms: u64, options: &Options) -> Result<Self, HistoryError> {
        fs::create_dir_all(dir).map_err(HistoryError::io(dir))?;
        let (points_path, subjects_path) = (dir.join("history.points"), dir.join("history.subjects"));
        let mut subjects = Subjects::new(options.max_subjects, options.max_series);
        let known = match Points::open(&points_path)? {
            Some(points) if subjects.read(&subjects_path, points.identity())? => Some(points),
            _ => None,
        };
        let points = match known {
            Some(points) => points,
            None => {
                put_aside(&points_path)?;
                put_aside(&subjects_path)?;
                subjects.begin(&subjects_path, now_wall_ms)?;
                Points::create(&points_path, now_wall_ms)?
            }
        };
        points.keep_groups((options.max_series as usize).div_ceil(GROUP_COLUMNS))?;
        let mut history = Self {
            points,
            subjects,
            subjects_path,
            peaks: options.peaks.clone(),
            tick: None,
            open: Default::default(),
            pending: Vec::new(),
            wipe_from: None,
            left_out: LeftOut::default(),
        };
        history.resume()?;
        Ok(history)
    }

    /// Records what was measured of a subject, at `now_wall_ms` milliseconds since 1970. Values are quantities: a negative one, or one
    /// that is no finite number, is no value. Several of one step become one, so record once per step of ten seconds or more often (and
    /// then near the middle of steps, so that none is missed for a few milliseconds); a step without a value is a gap.
    ///
    /// The time goes forward only. While the clock is behind what was recorded, nothing is recorded; if it is more than ten minutes behind, it is
    /// taken to have been wrong before, and what was recorded for times yet to come is removed.
    ///
    /// A subject for which there is no room is left out and [counted](Self::left_out). Doesn't touch the disk.
    ///
    /// # Errors
    ///
    /// [`HistoryError::SubjectTooLong`], [`HistoryError::TooManySeries`].
    pub fn record(
        &mut self,
        now_wall_ms: u64,
        subject: &str,
        values: &[(u8, f64)],
    ) -> Result<(), HistoryError> {
        let now = tick_of(now_wall_ms);
        if !self.pass_time(now) {
            return Ok(());
        }
        let admission = self.subjects.admit(subject, values.iter().map(|&(series, _)| series), now)?;
        self.drop_gathered(&admission.freed);
        if admission.is_left_out {
            let mut hasher = DefaultHasher::new();
            subject.hash(&mut hasher);
            self.left_out.this_tick.insert(hasher.finish());
        }
        let width = self.subjects.width();
        for ring in &mut self.open {
            ring.resize(width, Gathered::default());
        }
        let columns = self.subjects.columns(subject);
        for &(series, value) in values {
            if let Some(column) = columns.iter().find(|column| column.series == series) {
                self.open[FINEST][column.index as usize].add(value, fold_of(&self.peaks, series));
            }
        }
        Ok(())
    }

    /// Forgets a subject and all that was recorded of it.
    pub fn forget(&mut self, subject: &str) {
        let freed = self.subjects.remove(subject);
        self.drop_gathered(&freed);
    }

    /// The names of all subjects that are known, in order; for a caller to see which of them are gone and to be [forgotten](Self::forget).
    pub fn subjects(&self) -> impl Iterator<Item = &str> {
        self.subjects.names()
    }

    /// How many subjects there was no room for, as of the last step.
    pub fn left_out(&self) -> usize {
        self.left_out.last_tick.max(self.left_out.this_tick.len())
    }

    /// Writes what is finished: all steps before the one under way. Takes some milliseconds, more if the disk is slow; syncs nothing
    /// unless subjects came or went. What can't be written is kept for the next time, up to about an hour of it.
    ///
    /// # Errors
    ///
    /// [`HistoryError::Io`] where the file system refuses.
    pub fn flush(&mut self) -> Result<(), HistoryError> {
        if let Some(tick) = self.wipe_from {
            self.points.wipe_from(tick)?;
            self.wipe_from = None;
        }
        self.subjects.write(&self.subjects_path, self.points.identity())?;
        self.points.write(&self.pending)?;
        self.pending.clear();
        Ok(())
    }

    pub(crate) fn fold_of(&self, series: u8) -> Fold {
        fold_of(&self.peaks, series)
    }

    /// The value of the step under way so far.
    pub(crate) fn under_way(&self, ring: usize, column: Column) -> u16 {
        let fold = self.fold_of(column.series);
        let mut gathered = self.open[ring].get(column.index as usize).copied().unwrap_or_default();
        if let Some(source) = RINGS[ring].made_of {
            gathered.add_code(self.under_way(source, column), fold);
        }
        gathered.code(fold)
    }

    /// Takes note of the time; says whether it is one to record for.
    fn pass_time(&mut self, now: u32) -> bool {
        match self.tick {
            None => self.tick = Some(now),
            Some(tick) if now >= tick => self.finish_steps(tick, now),
            Some(tick) if tick - now <= MAX_WAITED_OUT_TICKS => return false,
            Some(_) => self.rewind(now),
        }
        true
    }

    /// Turns steps that end between two ticks into rows, and those into values of the next coarser ones.
    fn finish_steps(&mut self, tick: u32, now: u32) {
        if tick == now {
            return;
        }
        self.tick = Some(now);
        self.subjects.a_tick_passed();
        self.left_out.last_tick = self.left_out.this_tick.len();
        self.left_out.this_tick.clear();
        for (ring, shape) in RINGS.iter().enumerate() {
            let number = shape.row_of(tick);
            if number != shape.row_of(now) {
                self.finish_row(ring, number);
            }
        }
        let excess = self.pending.len().saturating_sub(MAX_PENDING_ROWS);
        self.pending.drain(..excess);
    }

    fn finish_row(&mut self, ring: usize, number: u32) {
        let mut codes = vec![code::NONE; self.open[ring].len()];
        for column in self.subjects.all_columns() {
            let (index, fold) = (column.index as usize, fold_of(&self.peaks, column.series));
            let Some(gathered) = self.open[ring].get_mut(index) else { continue };
            codes[index] = gathered.code(fold);
            *gathered = Gathered::default();
            for coarser in (0..RINGS.len()).filter(|&coarser| RINGS[coarser].made_of == Some(ring)) {
                self.open[coarser][index].add_code(codes[index], fold);
            }
        }
        if codes.iter().any(|&code| code != code::NONE) {
            self.pending.push(Row { ring, number, codes });
        }
    }

    /// The clock was wrong until now.
    fn rewind(&mut self, now: u32) {
        self.tick = Some(now);
        self.wipe_from = Some(self.wipe_from.map_or(now, |earlier| earlier.min(now)));
        self.pending.retain(|row| RINGS[row.ring].end_of(row.number) <= u64::from(now));
        self.subjects.rewind(now);
        for ring in &mut self.open {
            ring.fill(Gathered::default());
        }
    }

    fn drop_gathered(&mut self, freed: &[Column]) {
        for ring in &mut self.open {
            for column in freed {
                if let Some(gathered) = ring.get_mut(column.index as usize) {
                    *gathered = Gathered::default();
                }
            }
        }
    }

    /// Takes up steps that were under way when the last row was written, from the rows that they are made of.
    fn resume(&mut self) -> Result<(), HistoryError> {
        let width = self.subjects.width();
        let groups = width.div_ceil(GROUP_COLUMNS);
        let mut newest = None;
        for group in 0..groups {
            newest = newest.max(self.points.newest(FINEST, group)?);
        }
        let Some(newest) = newest else { return Ok(()) };
        for ring in &mut self.open {
            ring.resize(width, Gathered::default());
        }
        let columns: Vec<Column> = self.subjects.all_columns().collect();
        for (ring, shape) in RINGS.iter().enumerate() {
            let Some(source) = shape.made_of else { continue };
            let begin = shape.row_of(newest) * (shape.ticks / RINGS[source].ticks);
            let end = RINGS[source].row_of(newest) + u32::from(source == FINEST);
            for group in 0..groups {
                self.resume_group(&columns, ring, group, source, begin..end)?;
            }
        }
        self.tick = Some(newest);
        self.finish_steps(newest, newest.saturating_add(1));
        Ok(())
    }

    fn resume_group(
        &mut self,
        columns: &[Column],
        ring: usize,
        group: usize,
        source: usize,
        rows: Range<u32>,
    ) -> Result<(), HistoryError> {
        let first = group * GROUP_COLUMNS;
        let ours = |column: &&Column| (first..first + GROUP_COLUMNS).contains(&(column.index as usize));
        let (open, peaks) = (&mut self.open[ring], &self.peaks);
        self.points.read(source, group, rows, |number, codes| {
            for column in columns.iter().filter(ours).filter(|column| column.has(source, number)) {
                let code = code_in(codes, column.index as usize - first);
                open[column.index as usize].add_code(code, fold_of(peaks, column.series));
            }
        })
    }
}

impl Column {
    /// Whether a row can have a value of this column's own.
    pub(crate) fn has(&self, ring: usize, number: u32) -> bool {
        RINGS[ring].end_of(number) > u64::from(self.since)
    }
}

fn fold_of(peaks: &[u8], series: u8) -> Fold {
    if peaks.contains(&series) { Fold::Peak } else { Fold::Mean }
}

/// Keeps a file that can't be understood, in place of any that was kept before.
fn put_aside(path: &Path) -> Result<(), HistoryError> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".aside");
    match fs::rename(path, &aside) {
        Err(reason) if reason.kind() != std::io::ErrorKind::NotFound => Err(HistoryError::io(path)(reason)),
        _ => Ok(()),
    }
}
