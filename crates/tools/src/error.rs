//! Why a command could not do its work, and what the process ends with.

use crate::client::CallError;
use crate::show::Screen;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

/// The service said no, or doesn't answer; or the user did.
const REFUSED: u8 = 1;
/// The command can't be run as it was typed, in these surroundings.
const USAGE: u8 = 2;

/// Why a command could not do its work; what the user reads.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The service can't be asked, or said no.
    #[error(transparent)]
    Call(#[from] CallError),
    /// There is no such queue.
    #[error("there is no queue {name} at {endpoint} (region {region}){hint}")]
    NoQueue {
        /// As it was given.
        name: String,
        /// Where it was looked for.
        endpoint: String,
        /// In which region.
        region: String,
        /// Names like it, or what else to do.
        hint: String,
    },
    /// These options don't go together, or a value can't be used.
    #[error("{0}")]
    Usage(String),
    /// A file can't be read or written.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// The user was asked, and said no.
    #[error("nothing was done")]
    Declined,
    /// Some of it could not be done, as was said before.
    #[error("{0}")]
    Partly(String),
    /// Nobody reads what the command says any more: `| head` has seen enough.
    #[error("nobody reads on")]
    Closed,
    /// The terminal, standard input.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// Says what went wrong, and what the process ends with: 0, 1 where somebody said no, 2 where it was not asked right.
#[must_use]
pub fn exit_code(outcome: Result<(), ToolError>) -> ExitCode {
    let error = match outcome {
        Ok(()) | Err(ToolError::Closed) => return ExitCode::SUCCESS,
        Err(error) => error,
    };
    Screen::errors().complain(&error.to_string());
    ExitCode::from(match error {
        ToolError::Usage(_) | ToolError::File { .. } | ToolError::Call(CallError::Usage(_)) => USAGE,
        _ => REFUSED,
    })
}
