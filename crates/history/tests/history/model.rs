//! Held against a model that keeps everything and works each answer out from the start.

use super::*;
use bongsu_history::RESOLUTIONS;
use proptest::prelude::*;
use std::collections::BTreeMap;

const SUBJECTS: [&str; 3] = ["", "a", "b"];
const PEAK: u8 = 1;

#[derive(Clone, Debug)]
enum Step {
    /// Time passes, so many milliseconds.
    Wait(u64),
    /// Values of series 0 and 1 of a subject.
    Record(usize, f64, f64),
    /// Every ten seconds for so many ticks.
    Run(usize, u16, f64),
    Flush,
    /// The process ends and starts again; what was not flushed is gone.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let value = || prop_oneof![Just(0.0), 0.0..1.0_f64, 0.0..100_000.0_f64];
    prop_oneof![
        3 => (0..30_000_u64).prop_map(Step::Wait),
        2 => (0..4 * HOUR_MS).prop_map(Step::Wait),
        1 => (0..20 * DAY_MS).prop_map(Step::Wait),
        6 => (0..3_usize, value(), value()).prop_map(|(subject, a, b)| Step::Record(subject, a, b)),
        4 => (0..3_usize, 1..500_u16, value()).prop_map(|(subject, ticks, a)| Step::Run(subject, ticks, a)),
        2 => Just(Step::Flush),
        1 => Just(Step::Restart),
    ]
}

/// All values by subject and series, then by tick.
#[derive(Default)]
struct Model {
    values: BTreeMap<(usize, u8), BTreeMap<u64, Vec<f64>>>,
    /// The first tick that was not finished when it was flushed last.
    flushed: u64,
}

impl Model {
    fn record(&mut self, now: u64, subject: usize, values: [f64; 2]) {
        for (series, value) in (0..).zip(values) {
            self.values.entry((subject, series)).or_default().entry(now / TICK_MS).or_default().push(value);
        }
    }

    fn lose_what_was_not_flushed(&mut self) {
        for values in self.values.values_mut() {
            values.retain(|&tick, _| tick < self.flushed);
        }
    }

    /// The values of a resolution by step: 10 s, then 2 min and 15 min of these, then 3 h of 15 min.
    fn resolution(&self, subject: usize, series: u8, resolution: usize) -> BTreeMap<u64, f64> {
        let fold = |values: &[f64]| match series {
            PEAK => values.iter().copied().fold(0.0, f64::max),
            _ => values.iter().sum::<f64>() / values.len() as f64,
        };
        let coarser = |values: &BTreeMap<u64, f64>, factor: u64| {
            let mut steps: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
            for (step, value) in values {
                steps.entry(step / factor).or_default().push(*value);
            }
            steps.iter().map(|(step, values)| (*step, fold(values))).collect::<BTreeMap<_, _>>()
        };
        let Some(ticks) = self.values.get(&(subject, series)) else { return BTreeMap::new() };
        let ticks: BTreeMap<u64, f64> = ticks.iter().map(|(tick, values)| (*tick, fold(values))).collect();
        match resolution {
            0 => ticks,
            1 => coarser(&ticks, 12),
            2 => coarser(&ticks, 90),
            _ => coarser(&coarser(&ticks, 90), 12),
        }
    }
}

fn compare(history: &History, model: &Model, now: u64) -> Result<(), TestCaseError> {
    for (resolution, kept) in RESOLUTIONS.iter().enumerate() {
        let from_ms = (now / kept.step_ms * kept.step_ms).saturating_sub(kept.kept_ms);
        for (subject, name) in SUBJECTS.iter().enumerate() {
            for series in 0..2 {
                let expected = model.resolution(subject, series, resolution);
                let samples = history.query(name, series, from_ms, now + 1, 10_000).unwrap();
                prop_assert_eq!((samples.step_ms, samples.from_ms), (kept.step_ms, from_ms));
                for (step, value) in (from_ms / kept.step_ms..).zip(&samples.values) {
                    let expected = expected.get(&step).copied();
                    let agree = match (expected, value) {
                        (None, None) => true,
                        (Some(a), Some(b)) => (a - f64::from(*b)).abs() <= a * 0.002 + 0.0001,
                        _ => false,
                    };
                    prop_assert!(
                        agree,
                        "{name}/{series}, {kept:?}, step {step}: {expected:?}, not {value:?}"
                    );
                }
            }
        }
    }
    Ok(())
}

fn run(steps: &[Step]) -> Result<(), TestCaseError> {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { peaks: vec![PEAK], ..Options::default() };
    let open = || History::open(dir.path(), START_MS, &options).unwrap();
    let (mut history, mut model, mut now, mut recorded) = (open(), Model::default(), START_MS, START_MS);
    for step in steps {
        match *step {
            Step::Wait(ms) => now += ms,
            Step::Record(subject, a, b) => {
                history.record(now, SUBJECTS[subject], &[(0, a), (1, b)]).unwrap();
                model.record(now, subject, [a, b]);
                recorded = now;
            }
            Step::Run(subject, ticks, start) => {
                for tick in 0..ticks {
                    now += TICK_MS;
                    let value = start + f64::from(tick);
                    history.record(now, SUBJECTS[subject], &[(0, value), (1, value)]).unwrap();
                    model.record(now, subject, [value, value]);
                    recorded = now;
                    if tick % 6 == 0 {
                        history.flush().unwrap();
                        model.flushed = now / TICK_MS;
                    }
                }
            }
            Step::Flush => {
                history.flush().unwrap();
                model.flushed = recorded / TICK_MS;
            }
            Step::Restart => {
                drop(history);
                history = open();
                model.lose_what_was_not_flushed();
                // The first thing that is recorded then says what time it is.
                history.record(now, "c", &[(0, 1.0)]).unwrap();
                recorded = now;
            }
        }
        compare(&history, &model, recorded)?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn answers_are_those_of_the_model(steps in prop::collection::vec(step(), 1..25)) {
        run(&steps)?;
    }
}
