//! How a question is answered: the resolution that suits it, and from where its values come.

use std::ops::Range;

use crate::fold::Gathered;
use crate::points::code_in;
use crate::rings::{FINEST, GROUP_COLUMNS, RINGS, TICK_MS, tick_of};
use crate::subjects::Column;
use crate::{History, HistoryError, code};

/// The most values of one answer.
const MAX_POINTS: usize = 10_000;
/// Ticks have no numbers beyond.
const END_OF_TIME_MS: u64 = u32::MAX as u64 * TICK_MS;

/// One series of one subject over a range of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    /// What each value stands for, in milliseconds: a resolution's step, or a multiple of it.
    pub step_ms: u64,
    /// Where the first value's step begins, in milliseconds since 1970: a multiple of `step_ms`, not later than what was asked for.
    pub from_ms: u64,
    /// One value after the other; `None` where nothing was recorded, or nothing is kept any more.
    pub values: Vec<Option<f32>>,
}

impl History {
    /// What was recorded from `from_ms` to `to_ms` (milliseconds since 1970, the latter exclusive), in the finest resolution that is kept
    /// since `from_ms`; in steps that are several of its own where there would be more than `points` values (10,000 at most).
    /// As steps are whole, the first value may reach beyond `from_ms` and the last beyond `to_ms`: there may be one value more than
    /// `points`. The last may be that of a step still under way. A subject or series that is not known has no values. Reads the disk.
    ///
    /// # Errors
    ///
    /// [`HistoryError::Io`] where the file system refuses.
    pub fn query(
        &self,
        subject: &str,
        series: u8,
        from_ms: u64,
        to_ms: u64,
        points: usize,
    ) -> Result<Samples, HistoryError> {
        let (from_ms, to_ms) = (from_ms.min(END_OF_TIME_MS), to_ms.min(END_OF_TIME_MS));
        let now = self.tick.unwrap_or(tick_of(to_ms));
        let ring = suitable(from_ms, now);
        let (mut samples, rows_of_a_value) = empty(ring, from_ms, to_ms.max(from_ms), points);
        let Some(column) = self.subjects.column(subject, series) else { return Ok(samples) };
        let fold = self.fold_of(series);
        let mut values = vec![Gathered::default(); samples.values.len()];
        let first = samples.from_ms / RINGS[ring].step_ms();
        let end = first + rows_of_a_value * values.len() as u64;
        self.codes(ring, column, now, first..end, |number, code| {
            let value = usize::try_from((u64::from(number) - first) / rows_of_a_value).unwrap_or(usize::MAX);
            if let Some(value) = values.get_mut(value) {
                value.add_code(code, fold);
            }
        })?;
        for (sample, value) in samples.values.iter_mut().zip(values) {
            #[expect(clippy::cast_possible_truncation, reason = "values are at most 2^50, and have ten bits")]
            let value = value.value(fold).map(|value| value as f32);
            *sample = value;
        }
        Ok(samples)
    }

    /// Calls `found` with each value of a column in a range of rows: from the file, from what is still to be written, and the one under way.
    fn codes(
        &self,
        ring: usize,
        column: Column,
        now: u32,
        numbers: Range<u64>,
        mut found: impl FnMut(u32, u16),
    ) -> Result<(), HistoryError> {
        let under_way = RINGS[ring].row_of(now);
        let (oldest, newest) = (under_way.saturating_sub(RINGS[ring].rows), under_way.saturating_add(1));
        // Past the range of numbers there is nothing in any case.
        let within = |number: u64| u32::try_from(number).unwrap_or(u32::MAX).clamp(oldest, newest);
        let numbers = within(numbers.start)..within(numbers.end);
        let (group, place) = (column.index as usize / GROUP_COLUMNS, column.index as usize % GROUP_COLUMNS);
        let pending = || self.pending.iter().filter(|row| row.ring == ring && numbers.contains(&row.number));
        let on_disk = numbers.start..numbers.end.min(under_way);
        self.points.read(ring, group, on_disk, |number, codes| {
            if column.has(ring, number) && !pending().any(|row| row.number == number) {
                found(number, code_in(codes, place));
            }
        })?;
        for row in pending().filter(|row| column.has(ring, row.number)) {
            found(row.number, row.codes.get(column.index as usize).copied().unwrap_or(code::NONE));
        }
        if numbers.contains(&under_way) {
            found(under_way, self.under_way(ring, column));
        }
        Ok(())
    }
}

/// The finest ring that reaches back far enough, or the one that reaches back furthest.
fn suitable(from_ms: u64, now: u32) -> usize {
    let reaches = |ring: &usize| {
        let ring = &RINGS[*ring];
        from_ms / ring.step_ms() >= u64::from(ring.row_of(now).saturating_sub(ring.rows))
    };
    (FINEST..RINGS.len()).find(reaches).unwrap_or(RINGS.len() - 1)
}

/// An answer without values yet, and how many rows of the ring become one of its values.
fn empty(ring: usize, from_ms: u64, to_ms: u64, points: usize) -> (Samples, u64) {
    let points = points.clamp(1, MAX_POINTS) as u64;
    let rows = to_ms.saturating_sub(from_ms).div_ceil(RINGS[ring].step_ms());
    let rows_of_a_value = rows.div_ceil(points).max(1);
    let step_ms = RINGS[ring].step_ms() * rows_of_a_value;
    let start = from_ms / step_ms;
    let count = to_ms.div_ceil(step_ms).saturating_sub(start).min(points + 1);
    let values = vec![None; usize::try_from(count).unwrap_or(0)];
    (Samples { step_ms, from_ms: start * step_ms, values }, rows_of_a_value)
}
