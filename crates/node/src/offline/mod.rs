//! Looking at a store, and mending it, without serving it.
//!
//! [`check`] reads all of a store past whatever is wrong with it, rebuilds what a start would rebuild, and reads every living
//! message. Where that fails it finds out how much can be kept; [`repair`] then makes it so. Knows neither who is asking nor
//! what a stored message says: the caller brings a function that verifies one.

mod check;
mod contents;
mod repair;
mod rescue;
mod tally;
#[cfg(test)]
mod tests;

pub use check::{Checked, check};
pub use contents::{CheckpointInfo, Contents, LostMessage};
pub use repair::{Repair, RepairError, Repaired, repair};
pub use rescue::Rescue;
pub use tally::Tally;

/// The version of what an entry holds.
pub const ENTRY_VERSION: u8 = crate::batch::VERSION;

/// Says what is wrong with a stored message's bytes.
pub type Verify<'a> = &'a dyn Fn(&[u8]) -> Result<(), String>;

/// Who is told how far things are.
pub trait Progress {
    /// Something begins that has so many steps; what, in a word or two.
    fn begin(&mut self, what: &'static str, steps: u64);
    /// So many more of them are done.
    fn advance(&mut self, steps: u64);
}

/// Nobody wants to know.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn begin(&mut self, _: &'static str, _: u64) {}
    fn advance(&mut self, _: u64) {}
}
