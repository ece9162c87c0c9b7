//! `bongsu check`: whether a store is sound, what is in it, and, with `--repair`, making it sound.

use super::time::Utc;
use super::{DAMAGED, SOUND, StoreError, io_error, json, lock_error, look, print, progress::Bar, report};
use crate::descriptors::raise_limit;
use bongsu_journal::{Disk, FileOptions, HeldDir, LockedDisk, ReadOnlyDisk, RealDisk};
use bongsu_server::entropy::Entropy;
use bongsu_server::store::{Checked, Repair, StepSizes, repair, verify_message};
use clap::Args;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Verify a store, and say what it holds.
///
/// Reads every segment and every message, and rebuilds the store as a start would. Nothing is changed without --repair. Exit codes: 0
/// the store is sound, 1 it is damaged, 2 it can't be read or used.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The store: the --data-dir of its server
    dir: PathBuf,
    /// Check it while a server runs on it: all that was written before the check began
    #[arg(long, conflicts_with = "repair")]
    online: bool,
    /// Cut or remove what is damaged, after saying what would be lost; files are kept in DIR/damaged-TIME
    #[arg(long)]
    repair: bool,
    /// Repair without asking
    #[arg(long, requires = "repair")]
    yes: bool,
    /// Print a JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Runs the command; says the exit code.
pub(crate) fn check(arguments: &Check) -> Result<u8, StoreError> {
    let dir = &arguments.dir;
    if arguments.repair {
        return check_and_repair(arguments);
    }
    let disk: Arc<dyn Disk> = if arguments.online {
        // It holds every segment open.
        raise_limit();
        let wanted = |name: &str| name == "FORMAT" || name.ends_with(".segment");
        Arc::new(HeldDir::hold(Arc::new(ReadOnlyDisk), dir, wanted).map_err(|e| io_error(dir, e))?)
    } else {
        let hint = "stop it, or check beside it with --online";
        Arc::new(LockedDisk::lock(ReadOnlyDisk, dir).map_err(|e| lock_error(dir, e, hint))?)
    };
    let checked = look(disk, dir)?;
    show(arguments, &checked, None);
    Ok(if checked.is_sound() { SOUND } else { DAMAGED })
}

fn show(arguments: &Check, checked: &Checked, kept: Option<&Path>) {
    if arguments.json {
        print(&format!("{:#}\n", json::checked(&arguments.dir, checked, kept)));
    } else {
        print(&report::checked(&arguments.dir, checked));
    }
}

fn check_and_repair(arguments: &Check) -> Result<u8, StoreError> {
    let dir = &arguments.dir;
    if !dir.is_dir() {
        return Err(io_error(dir, std::io::ErrorKind::NotFound.into()));
    }
    let locked = LockedDisk::lock(RealDisk, dir);
    let disk: Arc<dyn Disk> =
        Arc::new(locked.map_err(|e| lock_error(dir, e, "stop it to repair its store"))?);
    let checked = look(disk.clone(), dir)?;
    let sound = checked.is_sound();
    let can_be_repaired = matches!(&checked.rescue, Some(Ok(_)));
    if sound || !can_be_repaired {
        show(arguments, &checked, None);
        return Ok(if sound { SOUND } else { DAMAGED });
    }
    if !arguments.json {
        show(arguments, &checked, None);
    }
    if !arguments.yes && !confirmed() {
        if arguments.json {
            show(arguments, &checked, None);
        }
        return Ok(DAMAGED);
    }
    let keep_dir = dir.join(format!("damaged-{}", Utc::now().compact()));
    let how = Repair {
        disk: disk.clone(),
        dir,
        keep_dir: &keep_dir,
        new_secret: Entropy::new().bytes(),
        journal: FileOptions::default(),
        steps: StepSizes::default(),
        verify: &verify_message,
    };
    let mut bar = Bar::default();
    let repaired = repair(&how, checked, &mut bar);
    bar.clear();
    let repaired = repaired?;
    // What was repaired is believed only after another look.
    let after = look(disk, dir)?;
    if arguments.json {
        show(arguments, &after, Some(&keep_dir));
    } else {
        print(&report::repaired(repaired, &keep_dir));
        print(&report::checked(dir, &after));
    }
    Ok(if after.is_sound() { SOUND } else { DAMAGED })
}

/// Asks on the terminal. Where there is none, somebody has to have said so before.
fn confirmed() -> bool {
    if !std::io::stdin().is_terminal() {
        tracing::error!("nothing was changed: to repair the store, say --yes");
        return false;
    }
    let mut error = std::io::stderr().lock();
    let _ = write!(error, "Repair it? [y/N] ");
    let _ = error.flush();
    let mut answer = String::new();
    let said = std::io::stdin().read_line(&mut answer);
    said.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}
