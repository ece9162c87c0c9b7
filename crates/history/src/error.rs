//! What can go wrong.

use std::io;
use std::path::{Path, PathBuf};

use crate::{MAX_SERIES_OF_A_SUBJECT, MAX_SUBJECT_BYTES};

/// Why something was not recorded, written or read. None of these leaves the history unusable: the next call may succeed.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file system refused.
    #[error("metrics history: {}: {reason}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        reason: io::Error,
    },
    /// A subject's name is longer than [`MAX_SUBJECT_BYTES`].
    #[error("metrics history: a subject's name has {bytes} bytes, more than {MAX_SUBJECT_BYTES}")]
    SubjectTooLong {
        /// Its length.
        bytes: usize,
    },
    /// A subject would have more than [`MAX_SERIES_OF_A_SUBJECT`] series.
    #[error("metrics history: a subject can't have more than {MAX_SERIES_OF_A_SUBJECT} series")]
    TooManySeries,
}

impl HistoryError {
    /// For `map_err`: names the file.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |reason| Self::Io { path: path.to_path_buf(), reason }
    }
}
