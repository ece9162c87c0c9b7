//! What happened in a seed: a hash over all of it, counts of it, and, when asked for, the lines of a trace.

use std::collections::BTreeMap;
use std::fmt::Arguments;

/// Counts by name.
pub type Counts = BTreeMap<&'static str, u64>;

/// The record of one seed.
#[derive(Debug, Default)]
pub(crate) struct History {
    hash: u64,
    pub(crate) faults: Counts,
    pub(crate) commands: Counts,
    pub(crate) replies: Counts,
    trace: Option<Vec<String>>,
}

impl History {
    pub(crate) fn new(traced: bool) -> Self {
        Self { hash: 0x6a09_e667_f3bc_c908, trace: traced.then(Vec::new), ..Self::default() }
    }

    /// Notes a number: it becomes a part of the hash.
    pub(crate) fn number(&mut self, number: u64) {
        let mixed = (self.hash ^ number).wrapping_mul(0x9fb2_1c65_1e98_df25);
        self.hash = mixed ^ (mixed >> 29);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.number(u64::from(crc32c::crc32c(bytes)));
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn fault(&mut self, name: &'static str) {
        *self.faults.entry(name).or_default() += 1;
    }

    pub(crate) fn command(&mut self, name: &'static str) {
        *self.commands.entry(name).or_default() += 1;
    }

    pub(crate) fn reply(&mut self, name: &'static str) {
        *self.replies.entry(name).or_default() += 1;
    }

    /// Writes a line of the trace; costs nothing where nobody reads it.
    pub(crate) fn line(&mut self, at_ms: u64, line: Arguments<'_>) {
        if let Some(trace) = &mut self.trace {
            let line = format!("{:>10}.{:03} {line}", at_ms / 1_000, at_ms % 1_000);
            trace.push(shorten(&line));
        }
    }

    pub(crate) fn take_trace(&mut self) -> Vec<String> {
        self.trace.take().unwrap_or_default()
    }
}

/// Names of queues and times as people read them in a trace.
fn shorten(line: &str) -> String {
    let name = r#"QueueName { account: "000000000000", region: "us-east-1", name: "#;
    let mut shorter = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once(name) {
        shorter.push_str(before);
        let (name, left) = after.split_once(" }").unwrap_or((after, ""));
        shorter.push_str(name);
        rest = left;
    }
    shorter.push_str(rest);
    shorter
}
