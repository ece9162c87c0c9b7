//! Sets up what checks and suites need: cargo-deny, Python environments, Node packages, valgrind, a browser. Each is done once and again only
//! when what it was made from has changed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::paths;
use crate::steps::Log;

const CARGO_DENY_VERSION: &str = "0.20.2";
const SET_UP_LIMIT: Duration = Duration::from_secs(600);

/// Installs cargo-deny into `.tools/` if that version is not there yet, and returns its path.
pub(crate) fn cargo_deny(log: &mut Log) -> Result<PathBuf, String> {
    let folder = paths::root().join(".tools");
    let binary = folder.join("bin").join("cargo-deny");
    let installed = Command::new(&binary).arg("--version").output();
    let wanted = format!("cargo-deny {CARGO_DENY_VERSION}");
    if installed.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == wanted) {
        return Ok(binary);
    }
    // Unoptimised: it runs for a second, while the optimised build takes minutes.
    let mut install = paths::cargo(&["install", "--locked", "--debug", "--force", "cargo-deny"]);
    install
        .args(["--version", CARGO_DENY_VERSION, "--root"])
        .arg(&folder)
        .env("CARGO_PROFILE_DEV_DEBUG", "0");
    // Its own build directory, which cargo removes again, keeps the workspace's one free of another profile.
    install.env_remove("CARGO_TARGET_DIR");
    log.command(&mut install, SET_UP_LIMIT)?;
    Ok(binary)
}

/// Makes the suite's virtual environment from its `requirements.txt` and returns its Python.
pub(crate) fn python(log: &mut Log, suite: &str) -> Result<PathBuf, String> {
    let folder = paths::suite(suite);
    let environment = folder.join(".venv");
    let python = environment.join("bin").join("python");
    let requirements = folder.join("requirements.txt");
    once(&requirements, &environment.join("installed-requirements.txt"), || {
        let mut create = Command::new("python3");
        log.command(create.args(["-m", "venv", "--clear"]).arg(&environment), SET_UP_LIMIT)?;
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        log.command(install.arg(&requirements), SET_UP_LIMIT)
    })?;
    Ok(python)
}

/// Installs exactly the packages of the folder's `package-lock.json`.
pub(crate) fn npm(log: &mut Log, folder: &Path) -> Result<(), String> {
    let installed = folder.join("node_modules").join(".installed-lock.json");
    once(&folder.join("package-lock.json"), &installed, || {
        let mut install = Command::new("npm");
        install.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(folder);
        log.command(&mut install, SET_UP_LIMIT)
    })
}

/// Finds valgrind.
pub(crate) fn valgrind(log: &mut Log) -> Result<&'static str, String> {
    system(log, "valgrind")
}

/// Finds the browser that the console's suite drives.
pub(crate) fn chromium(log: &mut Log) -> Result<&'static str, String> {
    system(log, "chromium")
}

/// Finds a program of the system, whose package has its name. A CI machine may get the package; on anybody else's nothing is
/// installed beyond this checkout.
fn system(log: &mut Log, program: &'static str) -> Result<&'static str, String> {
    let is_there = || Command::new(program).arg("--version").output().is_ok_and(|it| it.status.success());
    if !is_there() {
        let install = format!("apt-get update && apt-get install --yes --no-install-recommends {program}");
        if std::env::var_os("CI").is_none_or(|ci| ci != "true") {
            return Err(format!("valgrind is missing, install it first (Debian, Ubuntu: {install})"));
        }
        log.command(Command::new("sh").args(["-c", &install]), SET_UP_LIMIT)?;
    }
    Ok(program)
}

/// Runs `work` unless `stamp` already is a copy of `source`, which it becomes when the work is done.
pub(crate) fn once(
    source: &Path,
    stamp: &Path,
    work: impl FnOnce() -> Result<(), String>,
) -> Result<(), String> {
    let wanted = std::fs::read(source).map_err(|error| format!("{}: {error}", source.display()))?;
    if std::fs::read(stamp).is_ok_and(|done| done == wanted) {
        return Ok(());
    }
    work()?;
    std::fs::write(stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))
}

#[cfg(test)]
mod tests {
    use super::once;

    #[test]
    fn set_up_runs_once_for_each_version_of_its_source() {
        let folder = std::env::temp_dir().join(format!("bongsu-xtask-once-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (source, stamp) = (folder.join("source"), folder.join("stamp"));
        let mut runs = 0;
        let set_up = |runs: &mut u32, result: Result<(), String>| {
            once(&source, &stamp, || {
                *runs += 1;
                result
            })
        };
        std::fs::write(&source, "one").unwrap();
        assert!(set_up(&mut runs, Err("no network".to_owned())).is_err());
        assert!(set_up(&mut runs, Ok(())).is_ok(), "a failed set-up is tried again");
        assert!(set_up(&mut runs, Ok(())).is_ok());
        assert_eq!(runs, 2);
        std::fs::write(&source, "two").unwrap();
        assert!(set_up(&mut runs, Ok(())).is_ok());
        assert_eq!(runs, 3);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
