//! The history as its users see it: held against a naive model, damaged, filled, and with a clock that is wrong.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bounds;
mod damage;
mod model;
mod time;

use bongsu_history::{History, Options};
use std::path::Path;

/// A time that all resolutions have a step begin at: a multiple of three hours.
const START_MS: u64 = 1_700_006_400_000;
const TICK_MS: u64 = 10_000;
const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

fn open(dir: &Path) -> History {
    History::open(dir, START_MS, &Options::default()).unwrap()
}

/// What is known of a range, with where each step begins; without the gaps.
fn known(history: &History, subject: &str, from_ms: u64, to_ms: u64) -> Vec<(u64, f32)> {
    let samples = history.query(subject, 0, from_ms, to_ms, 10_000).unwrap();
    let starts = (samples.from_ms..).step_by(usize::try_from(samples.step_ms).unwrap());
    starts.zip(&samples.values).filter_map(|(start, value)| value.map(|value| (start, value))).collect()
}
