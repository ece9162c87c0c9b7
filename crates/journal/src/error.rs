//! What can go wrong, and what it means for the caller.

use std::io;
use std::path::PathBuf;

use crate::Position;

/// Why an entry was not appended, or may not have been.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The log does not end where the caller believes: somebody else wrote, or the caller has lost count.
    #[error("the log ends at {tail}, not at {expected} as expected: somebody else has written to it")]
    Fenced {
        /// Where the caller expected the end.
        expected: Position,
        /// Where it is.
        tail: Position,
    },
    /// There is no space for this entry. Nothing was written; the append may be tried again.
    #[error("no space is left for the journal")]
    Full,
    /// The payload is larger than [`crate::Limits::max_payload_bytes`]. Nothing was written.
    #[error("an entry of {payload_bytes} bytes is larger than the limit of {max_payload_bytes} bytes")]
    TooLarge {
        /// The size of the refused payload.
        payload_bytes: u64,
        /// The largest that is accepted.
        max_payload_bytes: u32,
    },
    /// The entry may or may not be in the log, and the journal can tell later: the tail must be read before anything
    /// else is decided. The file journal never says so.
    #[error("it is not known whether the entry was written: {0}")]
    Unknown(String),
    /// The journal has ended with the failure that is told, now or at an earlier call. If now, the entry may or may not
    /// be found in the log by the next opening.
    #[error("the journal has ended: {0}")]
    Unavailable(String),
}

impl AppendError {
    /// The length of `payload`, if it is within the limit.
    pub(crate) fn check_len(payload: &[u8], max_payload_bytes: u32) -> Result<u32, AppendError> {
        match u32::try_from(payload.len()) {
            Ok(len) if len <= max_payload_bytes => Ok(len),
            _ => Err(AppendError::TooLarge { payload_bytes: payload.len() as u64, max_payload_bytes }),
        }
    }
}

/// Why reading, deleting or closing failed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// No durable entry covers this position: it was deleted, or not written yet.
    #[error("nothing is in the journal at {0}")]
    Missing(Position),
    /// The segment at this position is still being written.
    #[error("the segment at {0} is still being written")]
    NotSealed(Position),
    /// Bytes that were durable are not what was written.
    #[error("{} is damaged at byte {offset}: {why}", file.display())]
    Damaged {
        /// The damaged file.
        file: PathBuf,
        /// Where in the file, in bytes.
        offset: u64,
        /// What is wrong there.
        why: String,
    },
    /// The disk failed.
    #[error("{what}: {source}")]
    Io {
        /// What was tried, with the file's name.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// The journal had ended before, with the failure that is told.
    #[error("the journal has ended: {0}")]
    Ended(String),
}

/// Why a journal could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process (or another part of this one) has it open.
    #[error("the journal in {} is in use by another process", dir.display())]
    InUse {
        /// The directory.
        dir: PathBuf,
    },
    /// It was written by a version of this program that this one doesn't understand, or is no journal.
    #[error("{} can't be read by this version: {why}", file.display())]
    Format {
        /// The file that tells so.
        file: PathBuf,
        /// What is not understood.
        why: String,
    },
    /// Bytes that were durable are not what was written. Opening would lose accepted entries, so it is refused.
    #[error("{} is damaged at byte {offset}: {why}; the journal is left as it is", file.display())]
    Damaged {
        /// The damaged file.
        file: PathBuf,
        /// Where in the file, in bytes.
        offset: u64,
        /// What is wrong there.
        why: String,
    },
    /// There is no space even for the segment that opening needs.
    #[error("no space is left on the disk of {}: opening the journal needs {needed_bytes} bytes", dir.display())]
    Full {
        /// The directory.
        dir: PathBuf,
        /// How many bytes would do.
        needed_bytes: u64,
    },
    /// The options contradict each other.
    #[error("the journal's options can't be used: {0}")]
    Options(String),
    /// The disk failed.
    #[error("{what}: {source}")]
    Io {
        /// What was tried, with the file's name.
        what: String,
        /// What the system said.
        source: io::Error,
    },
}
