//! A history of the last hour in memory, where nothing is kept on disk.

use super::keeping::Samples;
use super::series::Series;
use std::collections::{HashMap, HashSet, VecDeque};

/// Ten seconds apart, as samples are taken: an hour.
const STEP_MS: u64 = 10_000;
const POINTS: usize = 360;
/// A clock that was set back by more than this (ten minutes) won't soon be where it was: the subject begins anew.
const MAX_SET_BACK_STEPS: u64 = 60;
/// Of those without, so many are counted.
const MAX_LEFT_OUT: usize = 100_000;
/// So many queues have a history. Each takes 13 KiB in an hour.
const MAX_SUBJECTS: usize = 1_000;

/// The last hour of the server (the subject with the empty name) and of queues.
#[derive(Debug, Default)]
pub(super) struct MemoryHistory {
    subjects: HashMap<String, Subject>,
    /// Those that there is no room for.
    left_out: HashSet<String>,
}

#[derive(Debug, Default)]
struct Subject {
    /// The number of the last step, since 1970.
    last_step: u64,
    series: HashMap<Series, VecDeque<f32>>,
}

impl MemoryHistory {
    /// Notes values; what the clock says for the second time, or a little less than before, is left out.
    pub(super) fn record(&mut self, now_ms: u64, subject: &str, values: &[(Series, f64)]) {
        let step = now_ms / STEP_MS;
        if !self.subjects.contains_key(subject) {
            if self.subjects.len() >= MAX_SUBJECTS {
                if self.left_out.len() < MAX_LEFT_OUT {
                    self.left_out.insert(subject.to_owned());
                }
                return;
            }
            self.left_out.remove(subject);
            let series = HashMap::new();
            self.subjects.insert(subject.to_owned(), Subject { last_step: step.saturating_sub(1), series });
        }
        let Some(found) = self.subjects.get_mut(subject) else { return };
        if step.saturating_add(MAX_SET_BACK_STEPS) < found.last_step {
            *found = Subject { last_step: step.saturating_sub(1), series: HashMap::new() };
        }
        if step <= found.last_step {
            return;
        }
        let passed = usize::try_from(step - found.last_step).unwrap_or(POINTS).min(POINTS);
        for line in found.series.values_mut() {
            // A gap stays one.
            line.extend(std::iter::repeat_n(f32::NAN, passed));
        }
        for (series, value) in values {
            let line = found.series.entry(*series).or_insert_with(|| VecDeque::from([f32::NAN]));
            if let Some(last) = line.back_mut() {
                *last = *value as f32;
            }
        }
        for line in found.series.values_mut() {
            line.drain(..line.len().saturating_sub(POINTS));
        }
        found.last_step = step;
    }

    /// Values between two times (the latter exclusive), at most so many, averaged where there are more.
    pub(super) fn query(
        &self,
        subject: &str,
        series: Series,
        (from_ms, to_ms): (u64, u64),
        points: usize,
    ) -> Samples {
        let (first, last) = (from_ms / STEP_MS, to_ms.saturating_sub(1).max(from_ms) / STEP_MS);
        let known = self.subjects.get(subject);
        // Before the last hour there is nothing: no need to say so for years.
        let first = first.max(last.saturating_sub(POINTS as u64 - 1));
        let each = (last - first + 1).div_ceil(points.max(1) as u64).max(1);
        let at = |step: u64| {
            let known = known?;
            let line = known.series.get(&series)?;
            let back = usize::try_from(known.last_step.checked_sub(step)?).ok()?;
            let value = line.get(line.len().checked_sub(back + 1)?)?;
            (!value.is_nan()).then_some(*value)
        };
        let values = (first..=last).step_by(usize::try_from(each).unwrap_or(usize::MAX)).map(|step| {
            let there: Vec<f32> = (step..(step + each).min(last + 1)).filter_map(at).collect();
            (!there.is_empty()).then(|| there.iter().sum::<f32>() / there.len() as f32)
        });
        Samples { step_ms: each * STEP_MS, from_ms: first * STEP_MS, values: values.collect() }
    }

    /// Forgets a queue that is gone.
    pub(super) fn forget(&mut self, subject: &str) {
        self.subjects.remove(subject);
        self.left_out.remove(subject);
    }

    /// How many queues there is no room for.
    pub(super) fn left_out(&self) -> usize {
        self.left_out.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_SUBJECTS, MemoryHistory, POINTS};
    use crate::watch::Series;

    const T0: u64 = 1_700_000_000_000;

    fn recorded(steps: impl IntoIterator<Item = (u64, f64)>) -> MemoryHistory {
        let mut history = MemoryHistory::default();
        for (step, value) in steps {
            history.record(T0 + step * 10_000, "q", &[(Series::Visible, value)]);
        }
        history
    }

    #[test]
    fn what_was_recorded_is_found_with_its_gaps() {
        let history = recorded([(0, 1.0), (1, 2.0), (4, 5.0)]);
        let found = history.query("q", Series::Visible, (T0, T0 + 60_000), 100);
        assert_eq!((found.step_ms, found.from_ms), (10_000, T0));
        assert_eq!(found.values, [Some(1.0), Some(2.0), None, None, Some(5.0), None]);
        assert!(history.query("q", Series::Sent, (T0, T0), 9).values.iter().all(Option::is_none));
        assert!(history.query("r", Series::Visible, (T0, T0), 9).values.iter().all(Option::is_none));
    }

    #[test]
    fn fewer_points_are_averages() {
        let history = recorded((0..6).map(|step| (step, step as f64)));
        let found = history.query("q", Series::Visible, (T0, T0 + 60_000), 3);
        assert_eq!((found.step_ms, found.values), (20_000, vec![Some(0.5), Some(2.5), Some(4.5)]));
    }

    #[test]
    fn the_past_stays_as_it_is() {
        let history = recorded([(5, 1.0), (5, 9.0), (3, 9.0), (6, 2.0)]);
        let found = history.query("q", Series::Visible, (T0 + 30_000, T0 + 70_000), 100);
        assert_eq!(found.values, [None, None, Some(1.0), Some(2.0)]);
    }

    #[test]
    fn a_clock_that_is_set_far_back_begins_anew() {
        let history = recorded([(100, 1.0), (101, 2.0), (41, 9.0), (40, 3.0), (41, 4.0)]);
        let found = history.query("q", Series::Visible, (T0 + 390_000, T0 + 420_000), 100);
        assert_eq!(found.values, [None, Some(3.0), Some(4.0)]);
        let found = history.query("q", Series::Visible, (T0 + 1_000_000, T0 + 1_020_000), 100);
        assert_eq!(found.values, [None, None]);
    }

    #[test]
    fn an_hour_is_kept_and_no_more() {
        let mut history = recorded((0..1000).map(|step| (step, step as f64)));
        let now = T0 + 999 * 10_000;
        let found = history.query("q", Series::Visible, (0, now + 1), 1000);
        assert_eq!(found.values.len(), POINTS);
        assert_eq!((found.values[0], found.values[POINTS - 1]), (Some(640.0), Some(999.0)));
        for number in 0..MAX_SUBJECTS + 10 {
            history.record(now, &number.to_string(), &[(Series::Sent, 1.0)]);
        }
        assert_eq!((history.subjects.len(), history.left_out()), (MAX_SUBJECTS, 11));
        history.forget("q");
        assert!(history.query("q", Series::Visible, (now, now), 1).values == [None]);
    }
}
