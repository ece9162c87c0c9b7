//! Group commit to a file that was allocated ahead: one write and one sync for all who wait.

use bytes::Bytes;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use tokio::sync::oneshot;

/// The file is written over and over: a ceiling needs no history.
const FILE_BYTES: u64 = 256 << 20;
/// No more goes into a commit.
const MAX_COMMIT_BYTES: usize = 16 << 20;

/// Whether a commit waits for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syncing {
    Always,
    Never,
}

type Waiting = (Bytes, oneshot::Sender<Result<(), String>>);

/// Hands bytes to the thread that writes.
pub(super) struct Committer(Sender<Waiting>);

impl Committer {
    /// Makes the file, which has no name and so goes with the process, and starts the thread.
    ///
    /// # Errors
    /// The file can't be made, or there is no room for it.
    pub(super) fn start(folder: &Path, syncing: Syncing, delay: Duration) -> io::Result<Self> {
        let file = tempfile::tempfile_in(folder)?;
        // Written rather than only reserved: else each sync would also have to note that blocks are in use now.
        let zeros = vec![0; 1 << 20];
        for offset in (0..FILE_BYTES).step_by(zeros.len()) {
            file.write_all_at(&zeros, offset)?;
        }
        file.sync_all()?;
        let (sender, waiting) = channel();
        let thread = std::thread::Builder::new().name("null-commit".to_owned());
        thread.spawn(move || run(&file, &waiting, syncing, delay))?;
        Ok(Self(sender))
    }

    /// Returns when the bytes are durable.
    ///
    /// # Errors
    /// What the disk said.
    pub(super) async fn commit(&self, bytes: Bytes) -> Result<(), String> {
        let (done, outcome) = oneshot::channel();
        let gone = || "the thread that writes is gone".to_owned();
        self.0.send((bytes, done)).map_err(|_| gone())?;
        outcome.await.map_err(|_| gone())?
    }
}

fn run(file: &File, waiting: &Receiver<Waiting>, syncing: Syncing, delay: Duration) {
    let (mut buffer, mut answers, mut offset) = (Vec::new(), Vec::new(), 0);
    while let Ok(first) = waiting.recv() {
        let mut next = Some(first);
        while let Some((bytes, answer)) = next {
            buffer.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
            buffer.extend_from_slice(&bytes);
            answers.push(answer);
            next = if buffer.len() < MAX_COMMIT_BYTES { waiting.try_recv().ok() } else { None };
        }
        if offset + buffer.len() as u64 > FILE_BYTES {
            offset = 0;
        }
        let result = write(file, &buffer, offset, syncing, delay).map_err(|error| error.to_string());
        offset += buffer.len() as u64;
        buffer.clear();
        for answer in answers.drain(..) {
            // Nobody there any more: the client left.
            _ = answer.send(result.clone());
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a slow disk is acted by waiting")]
fn write(file: &File, bytes: &[u8], offset: u64, syncing: Syncing, delay: Duration) -> io::Result<()> {
    file.write_all_at(bytes, offset)?;
    if syncing == Syncing::Always {
        file.sync_data()?;
    }
    if !delay.is_zero() {
        std::thread::sleep(delay);
    }
    Ok(())
}
