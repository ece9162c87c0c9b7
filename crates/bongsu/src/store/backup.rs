//! `bongsu backup` and `bongsu restore`: a copy of a store, made beside its server, and brought back.

use super::key_file::{self, KeyFile};
use super::{DAMAGED, SOUND, StoreError, io_error, json, lock_error, look, print, progress::Bar, report};
use bongsu_journal::{BackedUp, BackupError, Copying, LockedDisk, OpenError, ReadOnlyDisk, RealDisk};
use bongsu_server::store::Progress as _;
use clap::Args;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Copy a store, also while a server runs on it.
///
/// The copy has all that the server had accepted when the copying ended, and nothing by halves. It is checked before the command ends.
/// What is sealed in it takes the store's master key, which stays behind unless asked for: keep it, but not beside the copy.
/// Exit codes: 0 the copy is sound, 1 the store is damaged, 2 it can't be read or the copy not be written.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The store: the --data-dir of its server
    dir: PathBuf,
    /// Where the copy goes; must be empty or missing
    dest: PathBuf,
    /// Copy complete segments too, even where the copy could share them with the store (on one file system)
    #[arg(long)]
    no_links: bool,
    /// Copy the master key's file too, if it lies in the store's directory
    #[arg(long)]
    with_master_key: bool,
    /// Print a JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Bring a copy of a store back.
///
/// The copy is checked first and stays as it is. A master key's file in it is brought back too. Exit codes: 0 the store can be served, 1 the copy is damaged, 2 it can't be read or
/// the store not be written.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The copy
    source: PathBuf,
    /// Where the store goes; must be empty or missing
    dir: PathBuf,
    /// Print a JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Runs `bongsu backup`; says the exit code.
pub(crate) fn back_up(arguments: &Backup) -> Result<u8, StoreError> {
    let (dir, dest) = (&arguments.dir, &arguments.dest);
    let done = copy(dir, dest, !arguments.no_links)?;
    let key = key_file::copy(dir, dest, arguments.with_master_key)?;
    if arguments.with_master_key && key == KeyFile::Missing {
        return Err(StoreError::NoMasterKey { dir: dir.clone(), copy: dest.clone() });
    }
    let told = Told { what: "copied to", key, about_key: key.after_backup().to_owned() };
    finish(dest, &done, arguments.json, &told)
}

/// Runs `bongsu restore`; says the exit code.
pub(crate) fn restore(arguments: &Restore) -> Result<u8, StoreError> {
    let (source, dir) = (&arguments.source, &arguments.dir);
    if !is_empty(dir)? {
        return Err(StoreError::NotEmpty(dir.clone()));
    }
    let locked = LockedDisk::lock(ReadOnlyDisk, source);
    let locked = locked.map_err(|e| lock_error(source, e, "stop it to copy what it serves"))?;
    let checked = look(Arc::new(locked), source)?;
    if !checked.is_sound() {
        print(&report::checked(source, &checked));
        tracing::error!("{} is damaged; nothing was restored", source.display());
        return Ok(DAMAGED);
    }
    // A server must never write into a copy that others rely on, so nothing is shared with it.
    let done = copy(source, dir, false)?;
    let key = key_file::copy(source, dir, true)?;
    finish(dir, &done, arguments.json, &Told { what: "restored to", key, about_key: key.after_restore(dir) })
}

/// What to say of a copy beside what is in it.
struct Told {
    what: &'static str,
    key: KeyFile,
    about_key: String,
}

fn copy(from: &Path, to: &Path, links: bool) -> Result<BackedUp, StoreError> {
    let mut bar = Bar::default();
    bar.begin("copying", used_bytes(from));
    let mut progress = |bytes| bar.advance(bytes);
    let mut copying = Copying { links, progress: &mut progress };
    let done = bongsu_journal::back_up((&ReadOnlyDisk, from), (&RealDisk, to), &mut copying);
    bar.clear();
    done.map_err(|error| match error {
        BackupError::NotEmpty(dir) => StoreError::NotEmpty(dir),
        BackupError::Source(error @ OpenError::Format { .. }) => StoreError::Open(error),
        reason => StoreError::Copy { target: to.to_path_buf(), reason },
    })
}

/// Believes the copy only after a look at it.
fn finish(copy: &Path, done: &BackedUp, as_json: bool, told: &Told) -> Result<u8, StoreError> {
    let checked = look(Arc::new(ReadOnlyDisk), copy)?;
    if as_json {
        print(&format!("{:#}\n", json::copied(copy, done, told.key, &checked)));
    } else {
        print(&report::copied(copy, done, told.what));
        // A store without documents has no key.
        if checked.contents.as_ref().is_ok_and(|contents| contents.documents.documents > 0) {
            print(&told.about_key);
        }
        print(&report::checked(copy, &checked));
    }
    Ok(if checked.is_sound() { SOUND } else { DAMAGED })
}

fn is_empty(dir: &Path) -> Result<bool, StoreError> {
    match fs::read_dir(dir) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(e) => Err(io_error(dir, e)),
    }
}

/// About how many bytes there are to copy, for the bar.
fn used_bytes(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let segments = entries.filter(|entry| entry.path().extension().is_some_and(|one| one == "segment"));
    segments.filter_map(|entry| Some(entry.metadata().ok()?.len())).sum()
}
