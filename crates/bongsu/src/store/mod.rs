//! `bongsu check`, `backup` and `restore`: a store looked at, mended and copied without a server.
//!
//! Their exit codes are the same: 0 all is well, 1 the store is damaged, 2 it can't be read or used.

mod backup;
mod check;
mod json;
mod key_file;
mod progress;
mod report;
#[cfg(test)]
mod tests;
mod time;

pub(crate) use backup::{Backup, Restore, back_up, restore};
pub(crate) use check::{Check, check};

use bongsu_journal::{BackupError, OpenError};
use bongsu_server::store::{Checked, RepairError, verify_message};
use progress::Bar;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Ends the process: what was found is said already.
const SOUND: u8 = 0;
const DAMAGED: u8 = 1;
const UNUSABLE: u8 = 2;

/// Why a command could not do its work; what the user reads.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// There is no store that can be read, or the disk failed.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Somebody has it open.
    #[error("{} is in use by a running server; {hint}", dir.display())]
    InUse {
        /// The store.
        dir: PathBuf,
        /// What else can be done.
        hint: &'static str,
    },
    /// The directory can't be opened or locked.
    #[error("{}: {reason}", path.display())]
    Io {
        /// The directory or file.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// Nothing can be copied there.
    #[error("{} is not empty; nothing was copied", .0.display())]
    NotEmpty(PathBuf),
    /// The copying failed.
    #[error("{reason}; what is in {} is not a whole copy", target.display())]
    Copy {
        /// Where the copy should go.
        target: PathBuf,
        /// Why.
        reason: BackupError,
    },
    /// The store's key is to be copied, and is not there.
    #[error("{} was copied, but there is no master.key in {}: the key comes from elsewhere", copy.display(), dir.display())]
    NoMasterKey {
        /// The store.
        dir: PathBuf,
        /// The copy.
        copy: PathBuf,
    },
    /// The repair failed.
    #[error(transparent)]
    Repair(#[from] RepairError),
}

/// What a command comes to: an exit code, and the error where there is one.
pub(crate) fn exit_code(outcome: Result<u8, StoreError>) -> ExitCode {
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            tracing::error!("{error}");
            let is_damage = matches!(
                error,
                StoreError::Open(OpenError::Damaged { .. })
                    | StoreError::Copy { reason: BackupError::Source(OpenError::Damaged { .. }), .. }
                    | StoreError::Repair(RepairError::Hopeless(_) | RepairError::Unfinished)
            );
            ExitCode::from(if is_damage { DAMAGED } else { UNUSABLE })
        }
    }
}

fn io_error(path: &Path, reason: io::Error) -> StoreError {
    StoreError::Io { path: path.to_path_buf(), reason }
}

/// The error of a lock that was not to be had.
fn lock_error(dir: &Path, reason: io::Error, hint: &'static str) -> StoreError {
    match reason.kind() {
        io::ErrorKind::WouldBlock => StoreError::InUse { dir: dir.to_path_buf(), hint },
        _ => io_error(dir, reason),
    }
}

/// Checks the store in `dir` on this disk, with a bar on the terminal.
fn look(disk: std::sync::Arc<dyn bongsu_journal::Disk>, dir: &Path) -> Result<Checked, StoreError> {
    let mut bar = Bar::default();
    let checked = bongsu_server::store::check(disk, dir, &verify_message, &mut bar);
    bar.clear();
    Ok(checked?)
}

/// Writes to standard output. Who has closed it wants no more.
fn print(text: &str) {
    use io::Write as _;
    let _ = io::stdout().lock().write_all(text.as_bytes());
}
