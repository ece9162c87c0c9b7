//! What a message costs on its way through Bongsu, one piece at a time: reading a request, storing a message, deciding,
//! replaying, committing, appending, writing an answer.
//!
//! [`cases`] lists the pieces. Two programs play them: `cargo bench -p bongsu-benches` measures time, with Divan, for
//! whoever works on one of them; the binary plays each a fixed number of times for `cargo xtask instructions`, which
//! counts instructions under callgrind and compares them with `instructions.json`.
//!
//! A case does the same each time: no threads, no clock, no random numbers, and a state that is as deep after it as before.
//! This crate ships with nothing, and must not know more of the others than their public side.

mod engine;
mod journal;
mod partition;
mod server;
mod wire;

use std::collections::VecDeque;
use std::hint::black_box;

/// Something to measure.
pub trait Work {
    /// Gets ready what one [`Work::run`] uses up; is not measured. Several may be prepared before the first of them runs.
    fn prepare(&mut self) {}

    /// Does once what is measured.
    fn run(&mut self);
}

/// A piece of the way, by name.
#[derive(Clone, Copy)]
pub struct Case {
    /// `area/what/detail`.
    pub name: &'static str,
    /// Makes the state that it needs; is not measured.
    pub set_up: fn() -> Box<dyn Work>,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// All cases, in the order of a message's way.
pub fn cases() -> Vec<Case> {
    [wire::DECODE, server::CASES, engine::CASES, partition::CASES, journal::CASES, wire::ENCODE].concat()
}

/// Runs what was prepared. What callgrind counts is what happens in here: the task in `xtask` knows the name.
#[inline(never)]
pub fn measured(work: &mut dyn Work, runs: usize) {
    for _ in 0..runs {
        work.run();
    }
}

/// Work on something that stays as it is.
struct Pure<F>(F);

impl<F: FnMut() -> T, T> Work for Pure<F> {
    fn run(&mut self) {
        black_box((self.0)());
    }
}

/// A [`Pure`] case.
fn pure<T>(work: impl FnMut() -> T + 'static) -> Box<dyn Work> {
    Box::new(Pure(work))
}

/// Work on a state, each time with an input that is made for it.
struct Fed<S, I> {
    state: S,
    inputs: VecDeque<I>,
    prepare: fn(&mut S) -> I,
    run: fn(&mut S, I),
}

impl<S, I> Work for Fed<S, I> {
    fn prepare(&mut self) {
        self.inputs.push_back((self.prepare)(&mut self.state));
    }

    fn run(&mut self) {
        if let Some(input) = self.inputs.pop_front() {
            (self.run)(&mut self.state, input);
        }
    }
}

/// A [`Fed`] case.
fn fed<S: 'static, I: 'static>(state: S, prepare: fn(&mut S) -> I, run: fn(&mut S, I)) -> Box<dyn Work> {
    Box::new(Fed { state, inputs: VecDeque::new(), prepare, run })
}

/// A kibibyte of text, as most bodies are in the measurements of others.
fn body() -> String {
    "All work and no play makes a dull queue. ".chars().cycle().take(1024).collect()
}

#[cfg(test)]
mod tests {
    use super::{cases, measured};
    use std::collections::BTreeSet;

    /// A case asserts what it does, so that nobody measures refusals.
    #[test]
    fn each_case_does_what_it_says_time_and_again() {
        for case in cases() {
            let mut work = (case.set_up)();
            for _ in 0..3 {
                (0..7).for_each(|_| work.prepare());
                measured(&mut *work, 7);
            }
        }
    }

    #[test]
    fn each_case_has_a_name_of_its_own() {
        let names: BTreeSet<_> = cases().iter().map(|case| case.name).collect();
        assert_eq!(names.len(), cases().len());
    }
}
