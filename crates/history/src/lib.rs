//! Figures over time, for charts: how a handful of numbers about each of many subjects went, for the last hour in steps
//! of ten seconds up to the last 90 days in steps of three hours, in files that never grow beyond a fixed size.
//!
//! A *subject* is a name (a queue's, or `""` for the server as a whole), a *series* is a small number that the caller
//! gives a meaning. [`History::record`] takes what was measured, [`History::flush`] writes what has gathered since the
//! last time (about once a minute, on a thread that may wait for the disk), [`History::query`] reads a range for a chart.
//! It is a convenience and behaves like one: at worst a crash or a damaged block costs points of a chart, an error never
//! costs more than the history, and nothing here waits for the disk except `flush`, `query` and `open`.
//!
//! | step | kept for | made of |
//! |---|---|---|
//! | 10 s | an hour | what is recorded |
//! | 2 min | a day | 10 s |
//! | 15 min | a week | 10 s |
//! | 3 h | 90 days | 15 min |
//!
//! A value takes 16 bits (`code`), a series with all four resolutions 5,082 bytes, 1,000 subjects of nine series 46 MB.
//!
//! Must not know: queues, HTTP, the clock (the time is an argument), what a series means.
//!
//! Where to look: `rings` has the resolutions, `code` the 16-bit numbers, `fold` how many values become one, `points`
//! the file of values, `subjects` the file that says whose they are, `recording` what happens as time passes,
//! `reading` how a question is answered. `docs/history-format.md` describes the files.

mod code;
mod error;
mod fold;
mod points;
mod reading;
mod recording;
mod rings;
mod subjects;

pub use error::HistoryError;
pub use reading::Samples;
pub use recording::{History, Options};
pub use rings::{RESOLUTIONS, Resolution};

/// The longest name of a subject, in bytes.
pub const MAX_SUBJECT_BYTES: usize = 200;
/// The most series that one subject can have.
pub const MAX_SERIES_OF_A_SUBJECT: usize = 24;
