//! `bongsu backup` and `bongsu restore`: a copy of a store, made beside its server, and brought back.

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
    /// Print a JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Bring a copy of a store back.
///
/// The copy is checked first and stays as it is. Exit codes: 0 the store can be served, 1 the copy is damaged, 2 it can't be read or
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
    let done = copy(&arguments.dir, &arguments.dest, !arguments.no_links)?;
    finish(&arguments.dest, &done, arguments.json, "copied to")
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
    finish(dir, &done, arguments.json, "restored to")
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
fn finish(copy: &Path, done: &BackedUp, as_json: bool, what: &str) -> Result<u8, StoreError> {
    let checked = look(Arc::new(ReadOnlyDisk), copy)?;
    if as_json {
        print(&format!("{:#}\n", json::copied(copy, done, &checked)));
    } else {
        print(&report::copied(copy, done, what));
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
