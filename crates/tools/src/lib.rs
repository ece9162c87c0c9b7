//! The commands that are clients: `bongsu queue` and `bongsu import`, and what every command that asks a service stands on.
//!
//! Speaks to any SQS endpoint as any client does, over HTTP with signed requests; `client` finds out where that is and who asks, from
//! flags, the environment and the files of the AWS CLI. Must not know the server, the engine, or how anything is stored: what these commands
//! can do, another client can do too.

pub mod client;
mod error;
pub mod import;
pub mod queue;
mod show;

pub use error::{ToolError, exit_code};
