//! The master key's file beside a store: copied only where that is asked for, and missed where it is not there.

use super::{StoreError, io_error};
use bongsu_server::keys::master::FILE_NAME;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use zeroize::Zeroizing;

/// What became of the master key's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyFile {
    /// It was there and was copied.
    Copied,
    /// It was there, and nobody asked for it.
    LeftOut,
    /// It was not there.
    Missing,
}

/// Copies the file if it is `wanted`.
pub(super) fn copy(from: &Path, to: &Path, wanted: bool) -> Result<KeyFile, StoreError> {
    let (source, target) = (from.join(FILE_NAME), to.join(FILE_NAME));
    if !wanted {
        return Ok(if source.exists() { KeyFile::LeftOut } else { KeyFile::Missing });
    }
    let text = match std::fs::read(&source) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(KeyFile::Missing),
        Err(error) => return Err(io_error(&source, error)),
    };
    write(to, &target, &text).map_err(|error| io_error(&target, error))?;
    Ok(KeyFile::Copied)
}

/// For its owner's eyes only, whatever the original was, and safe on the disk when this ends.
fn write(directory: &Path, target: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(target)?;
    file.write_all(text)?;
    file.sync_all()?;
    File::open(directory)?.sync_all()
}

impl KeyFile {
    /// The state's name in JSON.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Copied => "copied",
            Self::LeftOut => "leftOut",
            Self::Missing => "missing",
        }
    }

    /// What there is to say of it after a backup.
    pub(super) fn after_backup(self) -> &'static str {
        match self {
            Self::Copied => "  with its master key: whoever has this copy can read everything\n",
            Self::LeftOut => {
                "  without its master key, which has to be kept elsewhere (--with-master-key takes it along)\n"
            }
            Self::Missing => "  without its master key, which does not lie with the store: keep it too\n",
        }
    }

    /// What there is to say of it after a restore of a store that needs one.
    pub(super) fn after_restore(self, dir: &Path) -> String {
        match self {
            Self::Copied => "  with its master key\n".to_owned(),
            Self::LeftOut | Self::Missing => format!(
                "  its master key is missing: put it into {} (mode 600), or start with --master-key-file; without it the store does not open\n",
                dir.join(FILE_NAME).display()
            ),
        }
    }
}
