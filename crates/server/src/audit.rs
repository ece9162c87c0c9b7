//! The audit log: who changed what, and who was refused what. Never what messages, secrets, signatures, receipt handles or policies say.
//!
//! Lines of JSON in a file, written by a thread of their own: requests hand them over and go on, also where the disk is slow or
//! full. Whoever floods the server with what is refused fills neither the disk nor the log: so many lines a second, and then
//! a line that says how many more there were.

mod event;
mod limit;
mod writer;

pub(crate) use event::{Event, resource_of};

use crate::clock;
use limit::Limit;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use writer::{RotatedFile, Writer};

/// Lines that wait to be written; what comes when there are so many is counted and left out.
const QUEUED_LINES: usize = 4096;
/// Refusals of nobody in particular that are noted in a second: failed and missing authentication.
const STRANGERS_PER_S: u64 = 20;
/// Refusals of known callers that are noted in a second.
const DENIALS_PER_S: u64 = 200;

/// Where the audit log goes, and how large it gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuditFile {
    pub(crate) path: PathBuf,
    /// A file of this size makes way for a new one.
    pub(crate) max_bytes: u64,
}

/// The audit log can't be written.
#[derive(Debug, thiserror::Error)]
#[error("can't open the audit log {}: {source}", path.display())]
pub struct AuditError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub source: std::io::Error,
}

/// Where events go. Without a file, nowhere.
#[derive(Default)]
pub(crate) struct Audit {
    lines: Option<SyncSender<Item>>,
    left_out: Arc<LeftOut>,
}

/// What the writing thread gets.
enum Item {
    Line(String),
    /// Write what there is, and end.
    Stop,
}

/// What is not in the log, until a line says how much that was.
#[derive(Default)]
struct LeftOut {
    strangers: Limit,
    denials: Limit,
    /// The queue was full.
    overflow: AtomicU64,
}

/// Ends the log in order.
pub(crate) struct AuditThread {
    lines: SyncSender<Item>,
    thread: JoinHandle<()>,
}

impl Audit {
    /// Opens the file, and starts the thread that writes to it.
    ///
    /// # Errors
    /// [`AuditError`].
    pub(crate) fn open(file: &AuditFile) -> Result<(Self, AuditThread), AuditError> {
        let error = |source| AuditError { path: file.path.clone(), source };
        let rotated = RotatedFile::open(&file.path, file.max_bytes).map_err(error)?;
        let (lines, received) = sync_channel(QUEUED_LINES);
        let left_out = Arc::new(LeftOut::default());
        let mut writer = Writer::new(rotated, Arc::clone(&left_out));
        let builder = std::thread::Builder::new().name("audit".to_owned());
        let thread = builder.spawn(move || writer.run(&received)).map_err(error)?;
        Ok((Self { lines: Some(lines.clone()), left_out }, AuditThread { lines, thread }))
    }

    /// Whether anybody keeps them.
    pub(crate) fn is_on(&self) -> bool {
        self.lines.is_some()
    }

    /// Notes an event. Never waits.
    pub(crate) fn record(&self, event: &Event<'_>) {
        let Some(lines) = &self.lines else { return };
        let now_ms = clock::wall_ms();
        let limit = match (event.refused, event.is_by_stranger()) {
            (None, _) => None,
            (Some(_), true) => Some((&self.left_out.strangers, STRANGERS_PER_S)),
            (Some(_), false) => Some((&self.left_out.denials, DENIALS_PER_S)),
        };
        if limit.is_some_and(|(limit, per_s)| !limit.allows(now_ms / 1000, per_s)) {
            return;
        }
        if let Err(TrySendError::Full(_)) = lines.try_send(Item::Line(event.line(now_ms))) {
            self.left_out.overflow.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl AuditThread {
    /// Writes what there still is. Blocks.
    pub(crate) fn stop(self) {
        let Self { lines, thread } = self;
        // Where the thread is gone there is nobody to tell.
        let _ = lines.send(Item::Stop);
        if thread.join().is_err() {
            tracing::error!("the audit log ended badly");
        }
    }
}

#[cfg(test)]
mod tests;
