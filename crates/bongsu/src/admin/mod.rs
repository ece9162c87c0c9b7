//! `bongsu user`, `key` and `policy`: governing a running server from the command line.
//!
//! Speaks to the server as any client does, with a signed request for each thing; only a lost root key is replaced without a
//! server, on its store. `target` is where requests go, `table` how answers are shown; `user`, `key` and `policy` have the commands.

mod key;
mod offline;
mod policy;
mod table;
mod target;
#[cfg(test)]
mod tests;
mod user;

pub(crate) use key::KeyArguments;
pub(crate) use policy::PolicyArguments;
pub(crate) use user::UserArguments;

use crate::serve::ServeError;
use bongsu_server::RealmError;
use bongsu_tools::client::CallError;
use serde_json::Value;
use std::path::PathBuf;
use std::process::ExitCode;

/// What `bongsu policy test` ends with where a request would be refused, so that scripts can tell it from trouble.
const DENIED: u8 = 1;
const FAILED: u8 = 2;

/// Why a command could not do its work; what the user reads.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdminError {
    /// The server can't be asked, or said no.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A file can't be read.
    #[error("can't read {}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// The policy in a file is none.
    #[error("{} is no policy of this kind: {reason}", path.display())]
    Policy {
        /// The file.
        path: PathBuf,
        /// What is wrong where.
        reason: String,
    },
    /// These options don't go together, or there is no such store.
    #[error("{0}")]
    Options(String),
    /// The store can't be opened.
    #[error(transparent)]
    Store(#[from] ServeError),
    /// The key can't be made.
    #[error(transparent)]
    Realm(#[from] RealmError),
    /// Threads, sockets.
    #[error(transparent)]
    System(#[from] std::io::Error),
}

/// What a command ends with.
pub(crate) fn exit_code(outcome: Result<bool, AdminError>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(DENIED),
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::from(FAILED)
        }
    }
}

/// `bongsu user …`.
///
/// # Errors
/// [`AdminError`].
pub(crate) fn user(arguments: UserArguments) -> Result<bool, AdminError> {
    arguments.run().map(|()| true)
}

/// `bongsu key …`.
///
/// # Errors
/// [`AdminError`].
pub(crate) fn key(arguments: KeyArguments) -> Result<bool, AdminError> {
    arguments.run().map(|()| true)
}

/// `bongsu policy …`; says whether a tested request would be allowed.
///
/// # Errors
/// [`AdminError`].
pub(crate) fn policy(arguments: PolicyArguments) -> Result<bool, AdminError> {
    arguments.run()
}

/// Writes to standard output. Who has closed it wants no more.
fn print(text: &str) {
    use std::io::Write as _;
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

fn print_json(value: &Value) {
    print(&format!("{value:#}\n"));
}

/// A member's text; empty where there is none.
fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}
