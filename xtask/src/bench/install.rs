//! Installs peers below the target directory, once for each version of what `xtask/peers` says about them.

use super::process::peers;
use crate::{paths, tools};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where it is said what to install.
pub(super) fn manifest(file: &str) -> PathBuf {
    paths::root().join("xtask").join("peers").join(file)
}

/// Does the work unless it is done for this manifest; returns the folder that it was given.
pub(super) fn once(
    name: &str,
    manifest: &Path,
    work: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let folder = peers().join(name);
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    tools::once(manifest, &folder.join("installed"), || {
        eprintln!("   setting up {name} …");
        work(&folder)
    })?;
    Ok(folder)
}

/// Runs a command quietly; an error has the end of what it said.
pub(super) fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().display().to_string();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let end: Vec<&str> = said.lines().rev().filter(|line| !line.trim().is_empty()).take(3).collect();
    Err(format!("{name}: {}: {}", output.status, end.into_iter().rev().collect::<Vec<_>>().join(" / ")))
}

/// A virtual environment with what a `requirements.txt` names; returns its folder of programs.
pub(super) fn python(name: &str, python: &Path) -> Result<PathBuf, String> {
    let requirements = manifest(name).join("requirements.txt");
    let folder = once(name, &requirements, |folder| {
        let environment = folder.join("venv");
        run(Command::new(python).args(["-m", "venv", "--clear"]).arg(&environment))?;
        let mut pip = Command::new(environment.join("bin").join("python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        run(pip.arg(&requirements))
    })?;
    Ok(folder.join("venv").join("bin"))
}

/// The version that pip installed of a package.
pub(super) fn python_version(programs: &Path, package: &str) -> Result<String, String> {
    let script = format!("import importlib.metadata as m; print(m.version('{package}'))");
    super::contender::version(Command::new(programs.join("python")).args(["-c", &script]))
}

/// A Python that is at least 3.12: the one that is called so, or one that pyenv has.
pub(super) fn newer_python() -> Result<PathBuf, String> {
    let named = ["python3.14", "python3.13", "python3.12"].map(PathBuf::from);
    let versions = std::env::home_dir().unwrap_or_default().join(".pyenv").join("versions");
    let mut found: Vec<PathBuf> = std::fs::read_dir(versions)
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin").join("python3")).collect())
        .unwrap_or_default();
    found.sort();
    let can = |python: &PathBuf| {
        let check = "import sys, venv; sys.exit(sys.version_info < (3, 12))";
        run(Command::new(python).args(["-c", check])).is_ok()
    };
    let newer = named.into_iter().chain(found.into_iter().rev()).find(can);
    newer.ok_or_else(|| "Python 3.12 or newer is needed".to_owned())
}

/// Debian packages, with what they depend on and this system lacks, unpacked and not installed; returns the folder that
/// stands for `/`.
pub(super) fn debian() -> Result<PathBuf, String> {
    let list = manifest("debian.txt");
    let folder = once("debian", &list, |folder| {
        let packages = std::fs::read_to_string(&list).map_err(|error| error.to_string())?;
        let archives = folder.join("archives");
        std::fs::create_dir_all(archives.join("partial")).map_err(|error| error.to_string())?;
        let mut download = Command::new("apt-get");
        download.args(["--yes", "--download-only", "--reinstall", "--no-install-recommends"]);
        download.args(["--option", "Debug::NoLocking=1", "--option"]);
        download.arg(format!("Dir::Cache::archives={}", archives.display()));
        run(download.arg("install").args(packages.split_whitespace()))?;
        let root = folder.join("root");
        std::fs::create_dir_all(&root).map_err(|error| error.to_string())?;
        let entries = std::fs::read_dir(&archives).map_err(|error| error.to_string())?;
        for archive in entries.flatten().map(|entry| entry.path()) {
            if archive.extension().is_some_and(|extension| extension == "deb") {
                run(Command::new("dpkg-deb").arg("-x").args([&archive, &root]))?;
            }
        }
        relocate_erlang(&root)
    })?;
    Ok(folder.join("root"))
}

/// The script that starts Erlang has the place of its installation written in it.
fn relocate_erlang(root: &Path) -> Result<(), String> {
    let home = root.join("usr").join("lib").join("erlang");
    let script = home.join("bin").join("erl");
    let error = |error: std::io::Error| format!("{}: {error}", script.display());
    let text = std::fs::read_to_string(&script).map_err(error)?;
    let relocated = text.replace("ROOTDIR=/usr/lib/erlang", &format!("ROOTDIR={}", home.display()));
    std::fs::write(&script, relocated).map_err(error)
}

/// A program out of one of those packages, which finds its libraries.
pub(super) fn debian_program(path: &str) -> Result<Command, String> {
    let root = debian()?;
    let program = root.join(path);
    if !program.exists() {
        return Err(format!("{path} is not in the packages"));
    }
    let mut command = Command::new(program);
    command.env("LD_LIBRARY_PATH", libraries(&root));
    Ok(command)
}

/// Where the unpacked packages have their libraries.
pub(super) fn libraries(root: &Path) -> PathBuf {
    let below = root.join("usr").join("lib");
    let entries = std::fs::read_dir(&below);
    let folders = entries.into_iter().flatten().flatten().map(|entry| entry.path());
    let multiarch = folders
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().ends_with("-linux-gnu")));
    multiarch.last().unwrap_or(below)
}

/// The driver for protocols that are not SQS, built from `xtask/peers/driver`.
pub(super) fn driver() -> Result<(), String> {
    let mut build = Command::new("go");
    build.args(["build", "-o"]).arg(super::load::driver_binary()).arg(".");
    run(build.current_dir(manifest("driver")))
}

#[cfg(test)]
mod tests {
    use super::{manifest, run};
    use std::process::Command;

    #[test]
    fn everything_that_is_installed_has_a_manifest() {
        for file in [
            "debian.txt",
            "driver/go.sum",
            "elasticmq/pom.xml",
            "goaws/go.sum",
            "localstack/requirements.txt",
            "moto/requirements.txt",
        ] {
            assert!(manifest(file).is_file(), "{file}");
        }
    }

    #[test]
    fn a_failed_command_says_what_it_said() {
        let error = run(Command::new("sh").args(["-c", "echo no network >&2; exit 3"])).unwrap_err();
        assert!(error.contains("no network") && error.contains('3'), "{error}");
    }
}
