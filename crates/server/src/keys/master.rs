//! The master key: where it comes from, and that it is the one that this store was sealed with.
//!
//! By default it is a file in the data directory. Outside of it the file would be lost with the container that has only its
//! data on a volume, and with the key every sealed message; who wants the two apart names another place.

use crate::entropy::Entropy;
use bongsu_auth::seal::{KEY_BYTES, MasterKey, SealError};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use zeroize::Zeroizing;

/// The default file's name within the data directory.
pub const FILE_NAME: &str = "master.key";
/// A key's text has 44 or 64 characters and perhaps a line's end; what is longer is something else.
const MAX_TEXT_BYTES: u64 = 1024;

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
            Self::Command(command) => key("the command's output", &output_of(command)?),
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

fn output_of(command: &str) -> Result<Zeroizing<String>, MasterKeyError> {
    let failed = |reason: String| MasterKeyError::Command(reason);
    let output = Command::new("/bin/sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    let text = Zeroizing::new(output.stdout);
    if !output.status.success() {
        return Err(failed(output.status.to_string()));
    }
    match std::str::from_utf8(&text) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(failed("its output is no text".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::{MasterKeyError, MasterKeySource};
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
}
