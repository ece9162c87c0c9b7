//! The thread that writes, and the files that make way for one another.

use super::{Item, LeftOut};
use crate::clock;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// Files that are kept, the one that is written to among them.
const FILES: u32 = 5;
/// What was left out is said after so long without another line.
const PAUSE: Duration = Duration::from_secs(1);
/// Lines are gathered up to this size before they are written.
const WRITE_BYTES: usize = 256 * 1024;

/// Takes lines and writes them, until it is told to stop or nobody is left.
pub(super) struct Writer {
    file: RotatedFile,
    left_out: Arc<LeftOut>,
    /// Lines that could not be written.
    lost: u64,
}

impl Writer {
    pub(super) fn new(file: RotatedFile, left_out: Arc<LeftOut>) -> Self {
        Self { file, left_out, lost: 0 }
    }

    pub(super) fn run(&mut self, items: &Receiver<Item>) {
        // Whatever is left out came within a second of a line that is not: nobody needs to be woken for it.
        while let Ok(first) = items.recv() {
            let mut next = Some(first);
            loop {
                let stop = match next {
                    Some(first) => self.write(first, items),
                    None => {
                        self.confess();
                        break;
                    }
                };
                if stop {
                    self.confess();
                    self.file.sync();
                    return;
                }
                next = items.recv_timeout(PAUSE).ok();
            }
        }
        self.file.sync();
    }

    /// Writes an item and those that wait behind it; says whether it is time to stop.
    fn write(&mut self, first: Item, items: &Receiver<Item>) -> bool {
        let ((mut text, mut lines), mut stop) = (self.confession(), false);
        let mut next = Some(first);
        while let Some(item) = next {
            match item {
                Item::Line(line) => {
                    text.push_str(&line);
                    lines += 1;
                }
                Item::Stop => stop = true,
            }
            next = if stop || text.len() >= WRITE_BYTES { None } else { items.try_recv().ok() };
        }
        self.put(&text, lines);
        stop
    }

    /// A line about what was left out, if anything was.
    fn confess(&mut self) {
        let (text, counted) = self.confession();
        self.put(&text, counted);
    }

    /// The line, and how many events it counts that are not in `lost`.
    fn confession(&self) -> (String, u64) {
        let LeftOut { strangers, denials, overflow } = &*self.left_out;
        let counts =
            [strangers.take_left_out(), denials.take_left_out(), overflow.swap(0, Ordering::Relaxed)];
        let [strangers, denials, overflow] = counts;
        let counted = counts.iter().sum::<u64>();
        if counted + self.lost == 0 {
            return (String::new(), 0);
        }
        let line = serde_json::json!({
            "time": clock::rfc3339_ms(clock::wall_ms()),
            "action": "LeftOut",
            "unauthenticated": strangers,
            "denied": denials,
            "tooFast": overflow,
            "notWritten": self.lost,
        });
        (format!("{line}\n"), counted)
    }

    /// Writes text that stands for so many events.
    fn put(&mut self, text: &str, events: u64) {
        if text.is_empty() {
            return;
        }
        match self.file.append(text.as_bytes()) {
            Ok(()) => {
                if self.lost > 0 {
                    tracing::info!(lost = self.lost, "the audit log can be written again");
                }
                self.lost = 0;
            }
            Err(error) => {
                if self.lost == 0 {
                    let path = self.file.path.display();
                    tracing::error!(%path, %error, "can't write the audit log: its lines are dropped until it can");
                }
                self.lost += events;
            }
        }
    }
}

/// A file that makes way for a new one when it is large: `audit.log` becomes `audit.log.1`, that `audit.log.2`, and so on.
pub(super) struct RotatedFile {
    path: PathBuf,
    max_bytes: u64,
    file: File,
    /// Up to the last whole line.
    bytes: u64,
}

impl RotatedFile {
    /// Opens the file at its end; makes it, for its owner alone, where there is none.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn open(path: &Path, max_bytes: u64) -> io::Result<Self> {
        let mut file = open(path)?;
        let mut bytes = file.metadata()?.len();
        if bytes > 0 {
            // A machine that went down in the middle of a line leaves half of one.
            let mut last = [0];
            file.seek(SeekFrom::Start(bytes - 1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
                bytes += 1;
            }
        }
        Ok(Self { path: path.to_owned(), max_bytes, file, bytes })
    }

    /// Writes lines, all or none.
    fn append(&mut self, text: &[u8]) -> io::Result<()> {
        let length = text.len() as u64;
        if self.bytes > 0 && self.bytes.saturating_add(length) > self.max_bytes {
            self.rotate()?;
        }
        match self.file.write_all(text) {
            Ok(()) => {
                self.bytes += length;
                Ok(())
            }
            Err(error) => {
                // What came of it is no line. Where it can't be cut either, the next line stands behind it.
                let _ = self.file.set_len(self.bytes);
                Err(error)
            }
        }
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.sync();
        // Where it could be moved the last time but no new one be made, the others have moved already.
        let is_there = self.path.exists();
        for number in (1..FILES).rev().filter(|_| is_there) {
            let from = if number == 1 { self.path.clone() } else { numbered(&self.path, number - 1) };
            match std::fs::rename(from, numbered(&self.path, number)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.file = open(&self.path)?;
        self.bytes = self.file.metadata()?.len();
        Ok(())
    }

    /// Has the disk keep what was written, as far as it will.
    fn sync(&self) {
        if let Err(error) = self.file.sync_data() {
            tracing::warn!(path = %self.path.display(), %error, "the audit log was not synced");
        }
    }
}

/// Appends, so that whoever cuts the file short from the outside leaves no hole.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}
