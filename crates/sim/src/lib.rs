//! A deterministic simulation of everything that keeps messages: engine, partition and file journal, over a disk and
//! clocks that fail. One thread, one seed, one history: the same seed gives the same history byte for byte.
//!
//! [`run`] plays a seed: a workload of clients, faults that strike while it goes on, crashes and restarts, and an auditor
//! with a model of its own that compares every answer with what was promised. `docs/testing.md` has the whole of it.
//!
//! Ships with nothing. Must not know: wire encodings, HTTP, real files, real time.

mod auditor;
mod ending;
mod faults;
mod history;
mod house;
mod journal;
mod message;
#[cfg(feature = "planted")]
pub mod planted;
mod process;
mod random;
mod restart;
#[cfg(test)]
mod tests;
mod workload;

pub use history::Counts;
use house::House;

/// What came of a seed.
#[derive(Debug)]
pub struct Outcome {
    /// Which promise was broken, if one was.
    pub broken: Option<String>,
    /// A hash over all that left the partition: answers, entries, deletions.
    pub hash: u64,
    /// How often each fault struck.
    pub faults: Counts,
    /// How often each command was called.
    pub commands: Counts,
    /// How often each kind of answer came.
    pub replies: Counts,
    /// What happened, line by line, if that was asked for.
    pub trace: Vec<String>,
}

/// Plays a seed; a panic of what is simulated is a broken promise too.
pub fn play(seed: u64, traced: bool) -> Outcome {
    let played = std::panic::catch_unwind(|| run(seed, traced));
    played.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Outcome {
            broken: Some(format!("panic: {}", text.unwrap_or_default())),
            hash: 0,
            faults: Counts::new(),
            commands: Counts::new(),
            replies: Counts::new(),
            trace: Vec::new(),
        }
    })
}

/// Plays a seed.
pub fn run(seed: u64, traced: bool) -> Outcome {
    let mut house = House::new(seed, traced);
    let verdict = house.live();
    let mut history = house.into_history();
    Outcome {
        broken: verdict.err(),
        hash: history.hash(),
        trace: history.take_trace(),
        faults: history.faults,
        commands: history.commands,
        replies: history.replies,
    }
}
