//! The master key: where it comes from, and that it is the one that this store was sealed with.
//!
//! By default it is a file in the data directory. Outside of it the file would be lost with the container that has only its
//! data on a volume, and with the key every sealed message; who wants the two apart names another place.

use crate::entropy::Entropy;
use bongsu_auth::seal::{KEY_BYTES, MasterKey, SealError};
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;
use zeroize::Zeroizing;

/// The default file's name within the data directory.
pub const FILE_NAME: &str = "master.key";
/// A key's text has 44 or 64 characters and perhaps a line's end; what is longer is something else.
const MAX_TEXT_BYTES: u64 = 1024;
/// How long the command may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);

/// Where the master key comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum MasterKeySource {
    /// This file in the data directory, made when it isn't there.
    OwnFile(PathBuf),
    /// A file, which has to be there.
    File(PathBuf),
    /// The text itself, from the environment.
    Text(Zeroizing<String>),
    /// A command for the shell, whose output is the text.
    Command(String),
    /// A random key that nobody keeps: for a journal that keeps nothing either.
    Ephemeral,
}

impl std::fmt::Debug for MasterKeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OwnFile(path) => f.debug_tuple("OwnFile").field(path).finish(),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Text(_) => f.write_str("Text(…)"),
            Self::Command(command) => f.debug_tuple("Command").field(command).finish(),
            Self::Ephemeral => f.write_str("Ephemeral"),
        }
    }
}

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The file can't be read or made.
    #[error("can't {doing} the master key's file {path}: {source}")]
    File {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Others could read it.
    #[error("the master key's file {path} can be read by others (mode {mode:03o}): chmod 600 it")]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The command gave nothing.
    #[error("the command for the master key failed: {0}")]
    Command(String),
    /// The text is no key.
    #[error("what {from} holds is no master key: {source}")]
    Malformed {
        /// Where the text comes from.
        from: String,
        /// Why.
        source: SealError,
    },
}

impl MasterKeySource {
    /// Gets the key; makes one where that is allowed. Blocks.
    ///
    /// # Errors
    /// [`MasterKeyError`].
    pub fn load(&self, entropy: &Entropy) -> Result<MasterKey, MasterKeyError> {
        match self {
            Self::OwnFile(path) => {
                if let Err(error) = make(path, entropy)
                    && error.kind() != ErrorKind::AlreadyExists
                {
                    return Err(file_error("make", path, error));
                }
                read(path)
            }
            Self::File(path) => read(path),
            Self::Text(text) => key("the environment", text),
            Self::Command(command) => key("the command's output", &output_of(command, COMMAND_TIMEOUT)?),
            Self::Ephemeral => Ok(MasterKey::new(&Zeroizing::new(entropy.bytes::<KEY_BYTES>()))),
        }
    }
}

fn file_error(doing: &'static str, path: &Path, source: io::Error) -> MasterKeyError {
    MasterKeyError::File { doing, path: path.to_owned(), source }
}

fn key(from: &str, text: &str) -> Result<MasterKey, MasterKeyError> {
    MasterKey::from_text(text).map_err(|source| MasterKeyError::Malformed { from: from.to_owned(), source })
}

fn read(path: &Path) -> Result<MasterKey, MasterKeyError> {
    let error = |source| file_error("read", path, source);
    let file = File::open(path).map_err(error)?;
    let mode = file.metadata().map_err(error)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(MasterKeyError::Open { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_TEXT_BYTES).read_to_string(&mut text).map_err(error)?;
    key(&path.display().to_string(), &text)
}

/// Makes the file with a new key; it is safe on the disk before anything is sealed with it. It gets its name last, so that a crash
/// leaves no half a key.
fn make(path: &Path, entropy: &Entropy) -> io::Result<()> {
    if path.exists() {
        return Err(ErrorKind::AlreadyExists.into());
    }
    let directory = path.parent().unwrap_or(Path::new("."));
    let unfinished = path.with_extension("key.new");
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    let text = MasterKey::text(&Zeroizing::new(entropy.bytes::<KEY_BYTES>()));
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    // Fails where the name is taken, which renaming would not.
    std::fs::hard_link(&unfinished, path)?;
    std::fs::remove_file(&unfinished)?;
    File::open(directory)?.sync_all()
}

fn failed(reason: impl Into<String>) -> MasterKeyError {
    MasterKeyError::Command(reason.into())
}

/// What a command writes, which has to end in time.
fn output_of(command: &str, timeout: Duration) -> Result<Zeroizing<String>, MasterKeyError> {
    let mut child = Command::new("/bin/sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        // With all that it starts it can be ended as one.
        .process_group(0)
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let group = child.id();
    let (done, is_done) = channel();
    let reader = std::thread::Builder::new().name("master-key".to_owned()).spawn(move || {
        // Nobody listens any more where it took too long.
        let _ = done.send(finish(&mut child));
    });
    reader.map_err(|error| failed(error.to_string()))?;
    let finished = is_done.recv_timeout(timeout).map_err(|error| {
        end(group);
        match error {
            RecvTimeoutError::Timeout => failed(format!("it took longer than {timeout:?}")),
            RecvTimeoutError::Disconnected => failed("its output could not be read"),
        }
    });
    let (text, status) = finished?.map_err(|error| failed(error.to_string()))?;
    if !status.success() {
        return Err(failed(status.to_string()));
    }
    match std::str::from_utf8(&text) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(failed("its output is no text")),
    }
}

/// Reads what a command writes, and waits for its end.
fn finish(child: &mut Child) -> io::Result<(Zeroizing<Vec<u8>>, ExitStatus)> {
    let mut text = Zeroizing::new(Vec::with_capacity(4096));
    if let Some(output) = child.stdout.take() {
        output.take(MAX_TEXT_BYTES).read_to_end(&mut text)?;
    }
    Ok((text, child.wait()?))
}

/// Ends a command and what it has started.
fn end(group: u32) {
    if let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) {
        // It may have ended by itself just now.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::{MasterKeyError, MasterKeySource, output_of};
    use crate::entropy::Entropy;
    use std::os::unix::fs::PermissionsExt as _;
    use zeroize::Zeroizing;

    #[test]
    fn the_own_file_is_made_once_and_only_its_owner_can_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        let source = MasterKeySource::OwnFile(path.clone());
        let first = source.load(&Entropy::new()).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(source.load(&Entropy::new()).unwrap().id(), first.id());
        assert_eq!(MasterKeySource::File(path).load(&Entropy::new()).unwrap().id(), first.id());
        assert_eq!(directory.path().read_dir().unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        MasterKeySource::OwnFile(path.clone()).load(&Entropy::new()).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = MasterKeySource::OwnFile(path.clone()).load(&Entropy::new()).unwrap_err();
        assert!(matches!(error, MasterKeyError::Open { mode: 0o640, .. }), "{error}");
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_repeated() {
        let directory = tempfile::tempdir().unwrap();
        let missing = MasterKeySource::File(directory.path().join("none"));
        assert!(matches!(missing.load(&Entropy::new()), Err(MasterKeyError::File { .. })));
        let text = MasterKeySource::Text(Zeroizing::new("not-a-key".to_owned()));
        let error = text.load(&Entropy::new()).unwrap_err().to_string();
        assert!(!error.contains("not-a-key") && error.contains("the environment"), "{error}");
        assert!(!format!("{text:?}").contains("not-a-key"));
    }

    #[test]
    fn a_command_gives_the_key() {
        let key = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
        let from_command = MasterKeySource::Command(format!("echo {key}")).load(&Entropy::new()).unwrap();
        let from_text = MasterKeySource::Text(Zeroizing::new(key.to_owned())).load(&Entropy::new()).unwrap();
        assert_eq!(from_command.id(), from_text.id());
        let error = MasterKeySource::Command("exit 3".to_owned()).load(&Entropy::new()).unwrap_err();
        assert!(error.to_string().contains('3'), "{error}");
    }

    #[test]
    fn a_command_that_takes_too_long_is_ended_with_all_that_it_started() {
        let directory = tempfile::tempdir().unwrap();
        let mark = directory.path().join("still-there");
        let command = format!("(sleep 2; touch {}) & sleep 60", mark.display());
        let error = output_of(&command, std::time::Duration::from_millis(200)).unwrap_err();
        assert!(error.to_string().contains("longer than"), "{error}");
        let gone = std::process::Command::new("sleep").arg("2.5").status().unwrap();
        assert!(gone.success() && !mark.exists());
    }

    #[test]
    fn a_command_that_writes_without_end_is_cut_short() {
        let error = MasterKeySource::Command("yes".to_owned()).load(&Entropy::new()).unwrap_err();
        assert!(matches!(error, MasterKeyError::Command(_) | MasterKeyError::Malformed { .. }), "{error}");
    }
}
