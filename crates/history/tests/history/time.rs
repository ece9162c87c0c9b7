//! As time passes: resolutions, gaps, restarts, and clocks that jump.

use super::*;

#[test]
fn each_range_is_answered_in_the_finest_resolution_that_reaches_back_far_enough() {
    let dir = tempfile::tempdir().unwrap();
    let mut history = open(dir.path());
    let now = START_MS + 100 * DAY_MS;
    history.record(now, "", &[(0, 1.0)]).unwrap();
    let steps = [
        (HOUR_MS, TICK_MS),
        (HOUR_MS + TICK_MS, 2 * MINUTE_MS),
        (DAY_MS, 2 * MINUTE_MS),
        (DAY_MS + 2 * MINUTE_MS, 15 * MINUTE_MS),
        (7 * DAY_MS, 15 * MINUTE_MS),
        (8 * DAY_MS, 3 * HOUR_MS),
        (90 * DAY_MS, 3 * HOUR_MS),
        (100 * DAY_MS, 3 * HOUR_MS),
    ];
    for (ago, step_ms) in steps {
        let samples = history.query("", 0, now - ago, now, 10_000).unwrap();
        assert_eq!(samples.step_ms, step_ms, "{ago} ms ago");
        assert_eq!(samples.values.len() as u64, ago.div_ceil(step_ms), "{ago} ms ago");
    }
}

#[test]
fn ninety_days_of_values_average_at_each_resolution_and_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut history = open(dir.path());
    // A value a minute, the minutes' numbers; thirty seconds into the minute.
    let minutes = 91 * 24 * 60;
    for minute in 0..minutes {
        let now = START_MS + minute * MINUTE_MS + 30_000;
        history.record(now, "q", &[(0, minute as f64)]).unwrap();
        if minute % 7 == 0 {
            history.flush().unwrap();
        }
    }
    history.flush().unwrap();
    let now = START_MS + minutes * MINUTE_MS;
    let check = |history: &History| {
        for (ago, step_minutes) in [(HOUR_MS, 1), (DAY_MS, 2), (7 * DAY_MS, 15), (89 * DAY_MS, 180)] {
            let known = known(history, "q", now - ago, now - 10 * MINUTE_MS);
            assert_eq!(known.len() as u64, (ago / MINUTE_MS - 10).div_ceil(step_minutes), "{ago} ms ago");
            for (start, value) in known {
                let first = (start - START_MS) / MINUTE_MS;
                // The last step may not be over yet.
                let last = (first + step_minutes - 1).min(minutes - 1);
                let expected = (first + last) as f32 / 2.0;
                assert!(
                    (value - expected).abs() <= expected / 700.0,
                    "{ago}: {start}: {value}, not {expected}"
                );
            }
        }
    };
    check(&history);
    drop(history);
    check(&open(dir.path()));
}

#[test]
fn steps_under_way_are_taken_up_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut history = open(dir.path());
    // 3 h and 40 minutes: steps of 2 min, of 15 min and of 3 h are under way.
    let ticks = 22 * 60;
    for tick in 0..=ticks {
        history.record(START_MS + tick * TICK_MS, "q", &[(0, 8.0)]).unwrap();
        history.flush().unwrap();
    }
    history.flush().unwrap();
    drop(history);
    let mut history = open(dir.path());
    let later = START_MS + 7 * HOUR_MS;
    history.record(later, "q", &[(0, 1024.0)]).unwrap();
    assert_eq!(known(&history, "q", later - 2 * DAY_MS, later).len(), 4 + 11, "steps of 15 min");
    let coarse = known(&history, "q", later - 80 * DAY_MS, later + 3 * HOUR_MS);
    let third = START_MS + 6 * HOUR_MS;
    assert_eq!(coarse, [(START_MS, 8.0), (START_MS + 3 * HOUR_MS, 8.0), (third, 1024.0)]);
}

#[test]
fn a_peak_stays_a_peak() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { peaks: vec![3], ..Options::default() };
    let mut history = History::open(dir.path(), START_MS, &options).unwrap();
    for tick in 0..1080 {
        let value = if tick == 500 { 1000.0 } else { 0.0 };
        history.record(START_MS + tick * TICK_MS, "q", &[(3, value), (4, value)]).unwrap();
        history.flush().unwrap();
    }
    let to = START_MS + 3 * HOUR_MS;
    let values = |series| history.query("q", series, to - 50 * DAY_MS, to, 10_000).unwrap().values;
    assert_eq!(values(3).last().unwrap(), &Some(1000.0));
    let mean = values(4).last().unwrap().unwrap();
    assert!((mean - 1000.0 / 1080.0).abs() < 0.005, "{mean}");
}

#[test]
fn gaps_stay_gaps() {
    let dir = tempfile::tempdir().unwrap();
    let mut history = open(dir.path());
    for tick in [0, 1, 2, 90, 91] {
        history.record(START_MS + tick * TICK_MS, "q", &[(0, 5.0)]).unwrap();
    }
    history.record(START_MS + 92 * TICK_MS, "q", &[(0, f64::NAN), (1, 3.0)]).unwrap();
    history.record(START_MS + 93 * TICK_MS, "another", &[(0, 5.0)]).unwrap();
    history.flush().unwrap();
    let known = known(&history, "q", START_MS, START_MS + HOUR_MS);
    let ticks: Vec<u64> = known.iter().map(|(start, _)| (start - START_MS) / TICK_MS).collect();
    assert_eq!(ticks, [0, 1, 2, 90, 91]);
}

#[test]
fn what_the_ring_had_an_hour_ago_is_not_taken_for_what_is_now() {
    let dir = tempfile::tempdir().unwrap();
    let mut history = open(dir.path());
    for tick in 0..360 {
        history.record(START_MS + tick * TICK_MS, "q", &[(0, 5.0)]).unwrap();
    }
    history.flush().unwrap();
    let later = START_MS + 2 * HOUR_MS;
    history.record(later, "q", &[(0, 6.0)]).unwrap();
    history.flush().unwrap();
    let known = known(&history, "q", later - HOUR_MS, later + TICK_MS);
    assert_eq!(known, [(later, 6.0)]);
}

#[test]
fn a_clock_that_goes_back_a_little_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let mut history = open(dir.path());
    for (tick, value) in [(50, 1.0), (51, 2.0), (49, 3.0), (50, 4.0), (51, 2.0), (52, 5.0)] {
        history.record(START_MS + tick * TICK_MS, "q", &[(0, value)]).unwrap();
    }
    let known = known(&history, "q", START_MS, START_MS + HOUR_MS);
    assert_eq!(known.iter().map(|(_, value)| *value).collect::<Vec<_>>(), [1.0, 2.0, 5.0]);
}

#[test]
fn a_clock_that_was_a_year_ahead_leaves_nothing_in_the_future() {
    let dir = tempfile::tempdir().unwrap();
    let mut history = open(dir.path());
    let ahead = START_MS + 365 * DAY_MS;
    for tick in 0..30 {
        history.record(START_MS + tick * TICK_MS, "q", &[(0, 1.0)]).unwrap();
    }
    history.flush().unwrap();
    for tick in 0..2000 {
        history.record(ahead + tick * TICK_MS, "q", &[(0, 9.0)]).unwrap();
        history.record(ahead + tick * TICK_MS, "born ahead", &[(0, 9.0)]).unwrap();
        history.flush().unwrap();
    }
    history.flush().unwrap();
    // The machine restarts with the right time, and runs until the wrong one.
    drop(history);
    let mut history = open(dir.path());
    for tick in 40..50 {
        history.record(START_MS + tick * TICK_MS, "q", &[(0, 2.0)]).unwrap();
        history.record(START_MS + tick * TICK_MS, "born ahead", &[(0, 2.0)]).unwrap();
    }
    let now = START_MS + 50 * TICK_MS;
    assert_eq!(known(&history, "born ahead", now - HOUR_MS, now).len(), 10);
    history.flush().unwrap();
    history.record(ahead + 2000 * TICK_MS, "q", &[(0, 3.0)]).unwrap();
    let now = ahead + 2001 * TICK_MS;
    for ago in [HOUR_MS, DAY_MS, 7 * DAY_MS, 80 * DAY_MS] {
        let values: Vec<f32> = known(&history, "q", now - ago, now).iter().map(|(_, value)| *value).collect();
        assert_eq!(values, [3.0], "{ago} ms ago");
    }
}

#[test]
fn a_clock_that_was_ahead_is_set_right_while_the_process_runs() {
    let dir = tempfile::tempdir().unwrap();
    let mut history = open(dir.path());
    // An hour ahead for a while, nothing of which is written when the clock is set right.
    for tick in 360..400 {
        history.record(START_MS + tick * TICK_MS, "q", &[(0, 9.0)]).unwrap();
    }
    for tick in 0..400 {
        history.record(START_MS + tick * TICK_MS, "q", &[(0, 1.0)]).unwrap();
        if tick % 50 == 49 {
            history.flush().unwrap();
        }
    }
    let now = START_MS + 400 * TICK_MS;
    for ago in [HOUR_MS, DAY_MS, 7 * DAY_MS, 80 * DAY_MS] {
        let known = known(&history, "q", now - ago, now);
        assert!(!known.is_empty() && known.iter().all(|&(_, value)| value == 1.0), "{ago} ms ago: {known:?}");
    }
}

#[test]
fn a_clock_that_is_set_back_within_a_step_leaves_nothing_of_what_was_gathered() {
    let dir = tempfile::tempdir().unwrap();
    let mut history = open(dir.path());
    // Both times are in one step of three hours, the latter in another one of 15 min.
    history.record(START_MS + 600 * TICK_MS, "q", &[(0, 9.0)]).unwrap();
    history.record(START_MS + 601 * TICK_MS, "q", &[(0, 9.0)]).unwrap();
    history.record(START_MS + 700 * TICK_MS, "q", &[(0, 9.0)]).unwrap();
    history.record(START_MS + 10 * TICK_MS, "q", &[(0, 1.0)]).unwrap();
    let now = START_MS + 11 * TICK_MS;
    assert_eq!(known(&history, "q", now - HOUR_MS, now), [(START_MS + 10 * TICK_MS, 1.0)]);
    assert_eq!(known(&history, "q", now - 80 * DAY_MS, now), [(START_MS, 1.0)]);
    history.flush().unwrap();
    history.record(START_MS + 701 * TICK_MS, "q", &[(0, 1.0)]).unwrap();
    let now = START_MS + 702 * TICK_MS;
    let day: Vec<f32> = known(&history, "q", now - DAY_MS, now).iter().map(|(_, value)| *value).collect();
    assert_eq!(day, [1.0, 1.0]);
}

#[test]
fn many_steps_become_one_value_when_fewer_points_are_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let mut history = open(dir.path());
    for tick in 0..360 {
        history.record(START_MS + tick * TICK_MS, "q", &[(0, tick as f64)]).unwrap();
    }
    let samples = history.query("q", 0, START_MS, START_MS + HOUR_MS, 60).unwrap();
    assert_eq!((samples.step_ms, samples.from_ms, samples.values.len()), (MINUTE_MS, START_MS, 60));
    assert_eq!(samples.values[1], Some(8.5));
}

#[test]
fn strange_questions_have_answers() {
    let dir = tempfile::tempdir().unwrap();
    let mut history = open(dir.path());
    assert_eq!(known(&history, "q", 0, START_MS), []);
    history.record(START_MS, "q", &[(0, 1.0)]).unwrap();
    for (from, to, points) in
        [(0, u64::MAX, 0), (u64::MAX, u64::MAX, 5), (5, 3, 5), (u64::MAX, 0, usize::MAX)]
    {
        let samples = history.query("q", 0, from, to, points).unwrap();
        assert!(samples.values.len() <= 10_001, "{from} {to}");
    }
    let samples = history.query("q", 0, 0, u64::MAX, usize::MAX).unwrap();
    assert_eq!(samples.values.iter().flatten().count(), 1);
    assert_eq!(history.query("nobody", 0, START_MS, START_MS + HOUR_MS, 9).unwrap().values.len(), 9);
}
