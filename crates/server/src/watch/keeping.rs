//! Where the history is kept: in files beside the journal, or, where nothing is kept, the last hour in memory.

use super::memory::MemoryHistory;
use super::series::Series;
use crate::clock;
pub use bongsu_history::Samples;
use bongsu_history::{History, HistoryError, Options};
use std::path::Path;

/// The directory within the data directory.
const DIRECTORY: &str = "metrics";
/// Nothing is written where less than this is free: the messages come first.
const MIN_FREE_BYTES: u64 = 64 << 20;
/// Where several values become one, the largest of these is kept: a peak is what people look for.
const PEAKS: [Series; 4] =
    [Series::OldestAgeMs, Series::SendP99Ms, Series::ReceiveP99Ms, Series::DeleteP99Ms];

/// The history. What goes wrong with it is logged once and hurts nobody.
#[derive(Debug)]
pub(super) struct Keeping {
    kept: Kept,
    /// Whether the last failure is in the log already.
    has_complained: bool,
}

#[derive(Debug)]
enum Kept {
    Memory(MemoryHistory),
    Disk(Box<History>),
}

impl Keeping {
    /// In files of this data directory; in memory where there is none, or where they can't be had. Blocks.
    pub(super) fn open(data_dir: Option<&Path>) -> Self {
        let memory = || Kept::Memory(MemoryHistory::default());
        let options = Options { peaks: PEAKS.map(|series| series as u8).to_vec(), ..Options::default() };
        let kept = match data_dir.map(|dir| History::open(&dir.join(DIRECTORY), clock::wall_ms(), &options)) {
            None => memory(),
            Some(Ok(history)) => Kept::Disk(Box::new(history)),
            Some(Err(error)) => {
                tracing::warn!(%error, "the history of metrics can't be kept: there is only the last hour, in memory");
                memory()
            }
        };
        Self { kept, has_complained: false }
    }

    /// Notes values of a subject.
    pub(super) fn record(&mut self, wall_ms: u64, subject: &str, values: &[(Series, f64)]) {
        match &mut self.kept {
            Kept::Memory(history) => history.record(wall_ms, subject, values),
            Kept::Disk(history) => {
                let numbered: Vec<_> = values.iter().map(|(series, value)| (*series as u8, *value)).collect();
                let result = history.record(wall_ms, subject, &numbered);
                // A region may be any word: a queue in one of two hundred letters has no history.
                if !matches!(result, Err(HistoryError::SubjectTooLong { .. })) {
                    self.note(result);
                }
            }
        }
    }

    /// Values between two times (the latter exclusive), at most so many. Blocks.
    pub(super) fn query(
        &mut self,
        subject: &str,
        series: Series,
        (from_ms, to_ms): (u64, u64),
        points: usize,
    ) -> Samples {
        match &self.kept {
            Kept::Memory(history) => history.query(subject, series, (from_ms, to_ms), points),
            Kept::Disk(history) => {
                let result = history.query(subject, series as u8, from_ms, to_ms, points);
                self.note(result).unwrap_or(Samples { step_ms: 10_000, from_ms, values: Vec::new() })
            }
        }
    }

    /// A queue is gone.
    pub(super) fn forget(&mut self, subject: &str) {
        match &mut self.kept {
            Kept::Memory(history) => history.forget(subject),
            Kept::Disk(history) => history.forget(subject),
        }
    }

    /// Forgets those that are known from before the last start and are not there any more.
    pub(super) fn retain(&mut self, is_there: impl Fn(&str) -> bool) {
        if let Kept::Disk(history) = &mut self.kept {
            let gone = |subject: &&str| !subject.is_empty() && !is_there(subject);
            let gone: Vec<String> = history.subjects().filter(gone).map(str::to_owned).collect();
            gone.iter().for_each(|subject| history.forget(subject));
        }
    }

    /// Writes what has gathered, if there is room for it. Blocks.
    pub(super) fn flush(&mut self, free_bytes: Option<u64>) {
        let is_room = free_bytes.is_none_or(|free_bytes| free_bytes >= MIN_FREE_BYTES);
        if let Kept::Disk(history) = &mut self.kept
            && is_room
        {
            let result = history.flush();
            self.note(result);
        }
    }

    /// How many queues there is no room for.
    pub(super) fn left_out(&self) -> usize {
        match &self.kept {
            Kept::Memory(history) => history.left_out(),
            Kept::Disk(history) => history.left_out(),
        }
    }

    fn note<T>(&mut self, result: Result<T, HistoryError>) -> Option<T> {
        if let Err(error) = &result
            && !self.has_complained
        {
            tracing::warn!(%error, "the history of metrics has gaps from now on");
        }
        self.has_complained = result.is_err();
        result.ok()
    }
}
