//! Plays each case a fixed number of times, for `cargo xtask instructions`: `bongsu-benches FILE RUNS [PART…]`.
//! Writes the names of what was played to the file, in that order; with parts, only cases whose names contain one of them.

use bongsu_benches::{cases, measured};
use std::process::ExitCode;

/// Played first, so that what is done only once is not counted.
const WARM_UP_RUNS: usize = 10;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let usage = || {
        eprintln!("usage: bongsu-benches FILE RUNS [PART…]");
        ExitCode::from(2)
    };
    let [file, runs, parts @ ..] = arguments.as_slice() else { return usage() };
    let Ok(runs) = runs.parse() else { return usage() };
    let mut names = String::new();
    for case in cases() {
        if !parts.is_empty() && !parts.iter().any(|part| case.name.contains(part.as_str())) {
            continue;
        }
        let mut work = (case.set_up)();
        for _ in 0..WARM_UP_RUNS {
            work.prepare();
            work.run();
        }
        (0..runs).for_each(|_| work.prepare());
        measured(&mut *work, runs);
        names.push_str(case.name);
        names.push('\n');
    }
    match std::fs::write(file, names) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{file}: {error}");
            ExitCode::FAILURE
        }
    }
}
