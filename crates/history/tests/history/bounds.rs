//! What the history takes: on the disk, of subjects, of series.

use super::*;
use bongsu_history::{HistoryError, MAX_SERIES_OF_A_SUBJECT, MAX_SUBJECT_BYTES};

const TICKS_OF_AN_HOUR: u64 = 360;

fn bytes(dir: &Path) -> u64 {
    std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

#[test]
fn a_thousand_subjects_of_nine_series_for_90_days_take_less_than_50_mb() {
    let dir = tempfile::tempdir().unwrap();
    let mut history = open(dir.path());
    // Longer than any ring, so that each has been filled to its end; the names are as long as can be.
    let values: Vec<(u8, f64)> = (0..9).map(|series| (series, f64::from(series) + 0.5)).collect();
    let name = |number: usize| format!("{number:0MAX_SUBJECT_BYTES$}");
    for step in [TICK_MS, 2 * MINUTE_MS, 15 * MINUTE_MS, 3 * HOUR_MS] {
        let first = history.subjects().count() as u64;
        for row in 0..3 {
            let now = START_MS + first * DAY_MS + 91 * DAY_MS + row * step;
            for subject in 0..999 {
                history.record(now, &name(subject), &values).unwrap();
            }
            let of_the_server: Vec<(u8, f64)> = (0..24).map(|series| (series, 1.0)).collect();
            history.record(now, "", &of_the_server).unwrap();
        }
        history.flush().unwrap();
    }
    assert_eq!(history.left_out(), 0);
    assert_eq!(history.subjects().count(), 1_000);
    let bytes = bytes(dir.path());
    assert!((30_000_000..50_000_000).contains(&bytes), "{bytes}");
}

#[test]
fn who_comes_when_all_places_are_taken_is_left_out_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { max_subjects: 3, ..Options::default() };
    let mut history = History::open(dir.path(), START_MS, &options).unwrap();
    for tick in 0..2 {
        for subject in ["a", "b", "c", "d", "e"] {
            history.record(START_MS + tick * TICK_MS, subject, &[(0, 1.0)]).unwrap();
        }
        assert_eq!(history.left_out(), 2);
    }
    assert_eq!(history.subjects().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(known(&history, "d", START_MS, START_MS + HOUR_MS), []);
    // One goes; its place is to be had once that is written.
    history.forget("b");
    history.flush().unwrap();
    history.record(START_MS + 2 * TICK_MS, "d", &[(0, 7.0)]).unwrap();
    history.record(START_MS + 3 * TICK_MS, "e", &[(0, 7.0)]).unwrap();
    assert_eq!(history.left_out(), 1);
    history.record(START_MS + 4 * TICK_MS, "a", &[(0, 1.0)]).unwrap();
    history.record(START_MS + 5 * TICK_MS, "a", &[(0, 1.0)]).unwrap();
    assert_eq!(history.left_out(), 0);
}

#[test]
fn whoever_has_a_column_after_another_sees_nothing_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { max_subjects: 1, max_series: 2, ..Options::default() };
    let mut history = History::open(dir.path(), START_MS, &options).unwrap();
    for tick in 0..2000 {
        history.record(START_MS + tick * TICK_MS, "old", &[(0, 1000.0), (1, 1000.0)]).unwrap();
        history.flush().unwrap();
    }
    history.forget("old");
    let begin = START_MS + 2000 * TICK_MS;
    history.record(begin, "new", &[(0, 1.0)]).unwrap();
    assert_eq!(history.left_out(), 1, "the file still says that the columns are the old one's");
    history.flush().unwrap();
    for tick in 0..400 {
        history.record(begin + tick * TICK_MS, "new", &[(0, 1.0)]).unwrap();
    }
    let check = |history: &History| {
        for ago in [HOUR_MS, 5 * HOUR_MS, 2 * DAY_MS, 80 * DAY_MS] {
            let now = begin + 400 * TICK_MS;
            let known = known(history, "new", now - ago, now);
            assert!(!known.is_empty());
            assert!(known.iter().all(|&(_, value)| value == 1.0), "{ago}: {known:?}");
        }
    };
    check(&history);
    history.flush().unwrap();
    check(&history);
    drop(history);
    check(&History::open(dir.path(), START_MS, &options).unwrap());
}

#[test]
fn after_a_crash_a_column_is_still_its_last_known_owners() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { max_subjects: 2, max_series: 1, ..Options::default() };
    let mut history = History::open(dir.path(), START_MS, &options).unwrap();
    history.record(START_MS, "old", &[(0, 1.0)]).unwrap();
    history.record(START_MS + TICK_MS, "old", &[(0, 1.0)]).unwrap();
    history.flush().unwrap();
    history.forget("old");
    for tick in 2..50 {
        history.record(START_MS + tick * TICK_MS, "new", &[(0, 9.0)]).unwrap();
    }
    // Crashes before anything is written.
    drop(history);
    let history = History::open(dir.path(), START_MS, &options).unwrap();
    assert_eq!(known(&history, "old", START_MS, START_MS + HOUR_MS), [(START_MS, 1.0)]);
    assert_eq!(known(&history, "new", START_MS, START_MS + HOUR_MS), []);
}

#[test]
fn who_was_not_seen_for_an_hour_makes_room() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { max_subjects: 2, ..Options::default() };
    let mut history = History::open(dir.path(), START_MS, &options).unwrap();
    history.record(START_MS, "deleted", &[(0, 1.0)]).unwrap();
    for tick in 0..=TICKS_OF_AN_HOUR {
        history.record(START_MS + tick * TICK_MS, "busy", &[(0, 1.0)]).unwrap();
        history.record(START_MS + tick * TICK_MS, "new", &[(0, 1.0)]).unwrap();
    }
    assert_eq!(history.subjects().collect::<Vec<_>>(), ["busy", "deleted"]);
    // Time that passed while nobody looked says nothing about who is gone.
    history.flush().unwrap();
    drop(history);
    let mut history = History::open(dir.path(), START_MS, &options).unwrap();
    history.record(START_MS + 9 * DAY_MS, "new", &[(0, 1.0)]).unwrap();
    assert_eq!(history.subjects().collect::<Vec<_>>(), ["busy", "deleted"]);
    for tick in 0..=TICKS_OF_AN_HOUR + 2 {
        let now = START_MS + 9 * DAY_MS + tick * TICK_MS;
        history.record(now, "busy", &[(0, 1.0)]).unwrap();
        history.record(now, "new", &[(0, 1.0)]).unwrap();
    }
    assert_eq!(history.subjects().collect::<Vec<_>>(), ["busy", "new"]);
}

#[test]
fn churn_of_subjects_does_not_grow_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { max_subjects: 20, max_series: 144, ..Options::default() };
    let mut history = History::open(dir.path(), START_MS, &options).unwrap();
    let values: Vec<(u8, f64)> = (0..9).map(|series| (series, 1.0)).collect();
    for generation in 0..200_u64 {
        let now = START_MS + generation * 2 * MINUTE_MS;
        for subject in 0..20 {
            history.record(now, &format!("{generation}-{subject}"), &values).unwrap();
        }
        history.flush().unwrap();
        for subject in 0..20 {
            history.forget(&format!("{generation}-{subject}"));
        }
        history.flush().unwrap();
    }
    assert!(bytes(dir.path()) < 760_000, "{}", bytes(dir.path()));
}

#[test]
fn more_series_than_a_subject_can_have_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut history = open(dir.path());
    let values: Vec<(u8, f64)> = (0..25).map(|series| (series, 1.0)).collect();
    history.record(START_MS, "q", &values[..MAX_SERIES_OF_A_SUBJECT]).unwrap();
    assert!(matches!(history.record(START_MS, "q", &values), Err(HistoryError::TooManySeries)));
    assert!(matches!(history.record(START_MS, "q", &values[24..]), Err(HistoryError::TooManySeries)));
    let name = "n".repeat(MAX_SUBJECT_BYTES + 1);
    let error = history.record(START_MS, &name, &values[..1]).unwrap_err();
    assert!(matches!(error, HistoryError::SubjectTooLong { bytes: 201 }));
    assert_eq!(history.subjects().collect::<Vec<_>>(), ["q"]);
}

#[test]
fn a_subject_can_have_further_series_later() {
    let dir = tempfile::tempdir().unwrap();
    let mut history = open(dir.path());
    history.record(START_MS, "q", &[(5, 1.0)]).unwrap();
    history.record(START_MS + TICK_MS, "q", &[(0, 2.0), (5, 3.0)]).unwrap();
    assert_eq!(known(&history, "q", START_MS, START_MS + HOUR_MS), [(START_MS + TICK_MS, 2.0)]);
    let samples = history.query("q", 5, START_MS, START_MS + 2 * TICK_MS, 10).unwrap();
    assert_eq!(samples.values, [Some(1.0), Some(3.0)]);
}

#[test]
fn smaller_bounds_at_the_next_start_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut history = open(dir.path());
    for subject in 0..500 {
        history.record(START_MS, &format!("{subject:03}"), &[(0, 1.0), (1, 1.0)]).unwrap();
    }
    history.record(START_MS + TICK_MS, "000", &[(0, 1.0)]).unwrap();
    history.flush().unwrap();
    let before = bytes(dir.path());
    drop(history);
    let options = Options { max_subjects: 60, max_series: 200, ..Options::default() };
    let mut history = History::open(dir.path(), START_MS, &options).unwrap();
    assert_eq!(history.subjects().count(), 60);
    assert!(bytes(dir.path()) < before);
    assert_eq!(known(&history, "000", START_MS, START_MS + TICK_MS), [(START_MS, 1.0)]);
    history.flush().unwrap();
}
