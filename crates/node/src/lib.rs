//! A node: partitions as sans-I/O step functions, and the thin driver that runs them over a journal.
//!
//! [`Partition`] gathers what the engine decides into group commits, holds answers back until they are durable, parks
//! long polls, makes checkpoints and keeps the log from growing beyond what lives in it. It is driven by [`Node`], which
//! has the threads, the clock and the channels.
//!
//! Must not know: wire encodings, HTTP, what is in a stored message. The step function must not know clocks, threads or
//! sockets either.

mod batch;
mod checkpoint;
mod clock;
mod commits;
mod driver;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod gather;
mod node;
pub mod offline;
pub mod partition;
#[cfg(feature = "planted")]
pub mod planted;
mod space;
mod waiters;

pub use clock::Reading;
pub use commits::Commits;
pub use error::CallError;
pub use gather::Gatherer;
pub use node::{Body, Node, NodeOptions, Received, Status};
pub use partition::{Output, Partition, PartitionOptions, StartError, StepSizes, Token};
