//! Where things lie in a checkout, and which cargo to call.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The checkout's root: the folder above this crate.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// The folder of one conformance suite.
pub(crate) fn suite(name: &str) -> PathBuf {
    root().join("conformance").join(name)
}

/// The folder of the console's web side.
pub(crate) fn console() -> PathBuf {
    root().join("console")
}

/// The build output, honouring `CARGO_TARGET_DIR`.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// The server's binary, as `cargo build --release` leaves it.
pub(crate) fn server_binary() -> PathBuf {
    target().join("release").join("bongsu")
}

/// Logs of steps and of the servers that they talked to.
pub(crate) fn logs() -> PathBuf {
    target().join("xtask")
}

/// The same cargo that runs this task, in the checkout's root.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}
