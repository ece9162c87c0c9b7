//! Who is measured: how each is started, and when it is ready.

use super::Options;
use super::load::driver_binary;
use super::process::{Folder, Process, free_port};
use crate::measure::call::call;
use crate::measure::clock::{now, sleep};
use crate::paths;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const READY_LIMIT: Duration = Duration::from_secs(120);

/// What a contender speaks, and so who loads it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Speaks {
    /// Loaded by `bongsu bench`.
    Sqs,
    /// Loaded by the driver in `xtask/peers/driver`, under this name.
    Other(&'static str),
}

/// A server that can be measured.
pub(super) struct Contender {
    /// On the command line.
    pub(super) name: &'static str,
    /// In tables.
    pub(super) title: &'static str,
    pub(super) speaks: Speaks,
    /// What its answer to a send promises.
    pub(super) durability: &'static str,
    /// Installs it where that is needed, and says its version.
    pub(super) set_up: fn() -> Result<String, String>,
    pub(super) launch: fn(&Place) -> Result<Launch, String>,
}

/// Where a server is to run.
pub(super) struct Place<'a> {
    pub(super) folder: &'a Path,
    pub(super) port: u16,
    /// What each sync takes longer; only Bongsu and the null server can.
    pub(super) sync_delay_ms: u64,
}

impl Place<'_> {
    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Writes a file that the server needs.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf, String> {
        let path = self.folder.join(name);
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }
}

/// What to start.
pub(super) struct Launch {
    pub(super) command: Command,
    /// A process that it can't do without.
    pub(super) beside: Option<Command>,
    /// Whether requests have to be signed with the key that it shows when it starts.
    pub(super) is_guarded: bool,
}

/// Whose requests a guarded server takes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Credentials {
    pub(super) access_key_id: String,
    pub(super) secret_access_key: String,
}

impl Credentials {
    /// From what a server printed.
    fn read(output: &str) -> Option<Self> {
        let value =
            |name: &str| output.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='));
        Some(Self {
            access_key_id: value("AWS_ACCESS_KEY_ID")?.to_owned(),
            secret_access_key: value("AWS_SECRET_ACCESS_KEY")?.to_owned(),
        })
    }
}

impl From<Command> for Launch {
    fn from(command: Command) -> Self {
        Self { command, beside: None, is_guarded: false }
    }
}

pub(super) static NULL: Contender = Contender {
    name: "null",
    title: "null server",
    speaks: Speaks::Sqs,
    durability: "fdatasync before the answer",
    set_up: own_version,
    launch: |place| {
        let mut command = Command::new(binary());
        command.args(["bench", "null", "--listen", &place.address(), "--data-dir"]).arg(place.folder);
        if place.sync_delay_ms > 0 {
            command.args(["--sync-delay-ms", &place.sync_delay_ms.to_string()]);
        }
        Ok(command.into())
    },
};

pub(super) static BONGSU: Contender = Contender {
    name: "bongsu",
    title: "Bongsu",
    speaks: Speaks::Sqs,
    durability: "fdatasync before the answer",
    set_up: own_version,
    launch: |place| {
        let mut command = Command::new(binary());
        command.args(["--listen", &place.address(), "--data-dir"]).arg(place.folder.join("store"));
        if place.sync_delay_ms > 0 {
            command.args(["--sync-delay-ms", &place.sync_delay_ms.to_string()]);
        }
        Ok(command.into())
    },
};

/// As Bongsu is on a network: it takes signed requests only.
pub(super) static GUARDED: Contender = Contender {
    name: "guarded",
    title: "Bongsu, authentication on",
    speaks: Speaks::Sqs,
    durability: "fdatasync before the answer",
    set_up: own_version,
    launch: |place| {
        let mut launch = (BONGSU.launch)(place)?;
        launch.command.args(["--auth", "on"]);
        Ok(Launch { is_guarded: true, ..launch })
    },
};

/// The binary that is measured: a copy, which a build beside does not change in the middle.
pub(super) fn binary() -> PathBuf {
    paths::target().join("xtask").join("bench").join("bongsu")
}

/// Makes that copy of what was built last.
pub(super) fn keep_binary() -> Result<(), String> {
    let (from, to) = (paths::server_binary(), binary());
    let made = to.parent().map_or(Ok(()), std::fs::create_dir_all);
    // What runs can't be written to, but another can take its name.
    let _ = std::fs::remove_file(&to);
    made.and_then(|()| std::fs::copy(&from, &to)).map_err(|error| format!("{}: {error}", from.display()))?;
    Ok(())
}

fn own_version() -> Result<String, String> {
    version(Command::new(binary()).arg("--version"))
}

/// The first line that a command prints.
pub(super) fn version(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().display().to_string();
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next().filter(|_| output.status.success());
    line.map(|line| line.trim().to_owned()).ok_or_else(|| format!("{name} does not say its version"))
}

/// A contender that is up. Dropping it ends it and removes its files.
pub(super) struct Running {
    pub(super) process: Process,
    beside: Option<Process>,
    pub(super) speaks: Speaks,
    pub(super) address: String,
    /// Who can load it; `None`: anybody.
    pub(super) credentials: Option<Credentials>,
    /// From the start of the process to its first answer.
    pub(super) start_up: Duration,
    // After the processes: these use it.
    folder: Folder,
    port: u16,
    launch: fn(&Place) -> Result<Launch, String>,
}

impl Running {
    /// Starts a contender on an empty directory.
    pub(super) fn start(
        contender: &Contender,
        options: &Options,
        sync_delay_ms: u64,
    ) -> Result<Self, String> {
        let folder = Folder::new(&options.folder)?;
        let port = free_port()?;
        let place = Place { folder: folder.path(), port, sync_delay_ms };
        let launch = (contender.launch)(&place)?;
        let address = place.address();
        let log = folder.path().join("server.log");
        let beside =
            launch.beside.as_ref().map(|command| Process::start(command, options.cores.server, &log));
        let beside = beside.transpose()?;
        let begun = now();
        let process = Process::start(&launch.command, options.cores.server, &log)?;
        let start_up = Duration::ZERO;
        let speaks = contender.speaks;
        let mut running = Self {
            process,
            beside,
            speaks,
            address,
            credentials: None,
            start_up,
            folder,
            port,
            launch: contender.launch,
        };
        running.wait(begun, launch.is_guarded).map_err(|error| format!("{}: {error}", contender.title))?;
        Ok(running)
    }

    /// Kills the server and starts it again on the same data; how long it took to its first answer.
    pub(super) fn restart(&mut self, options: &Options) -> Result<Duration, String> {
        self.process.kill();
        let place = Place { folder: self.folder.path(), port: self.port, sync_delay_ms: 0 };
        let launch = (self.launch)(&place)?;
        let begun = now();
        let log = self.folder.path().join("server.log");
        self.process = Process::start(&launch.command, options.cores.server, &log)?;
        self.wait(begun, false)?;
        Ok(self.start_up)
    }

    /// Waits for the first answer, which for SQS is that a queue was made or is there; a guarded server shows a key once it
    /// answers.
    fn wait(&mut self, begun: std::time::Instant, is_guarded: bool) -> Result<(), String> {
        loop {
            let answer = match self.speaks {
                Speaks::Sqs if is_guarded => {
                    self.credentials = Credentials::read(&self.log());
                    self.credentials.as_ref().map(|_| ()).ok_or_else(|| "no key was shown".to_owned())
                }
                Speaks::Sqs => {
                    call(&self.address, "CreateQueue", &json!({ "QueueName": "first" })).map(|_| ())
                }
                Speaks::Other(protocol) => set_up_queue(protocol, &self.address),
            };
            let Err(error) = answer else {
                self.start_up = begun.elapsed();
                return Ok(());
            };
            let gone = self.process.check().err();
            if gone.is_some() || begun.elapsed() > READY_LIMIT {
                let log = self.log();
                let end: Vec<&str> = log.lines().rev().take(5).collect();
                let end: Vec<&str> = end.into_iter().rev().collect();
                return Err(format!("not ready: {}\n{}", gone.unwrap_or(error), end.join("\n")));
            }
            sleep(Duration::from_millis(if self.speaks == Speaks::Sqs { 1 } else { 50 }));
        }
    }

    /// What it printed.
    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }

    /// Whether all that it is is one process.
    pub(super) fn is_single(&self) -> bool {
        self.beside.is_none() && self.process.is_single()
    }

    pub(super) fn cpu_s(&self) -> f64 {
        self.process.cpu_s() + self.beside.as_ref().map_or(0.0, Process::cpu_s)
    }
}

fn set_up_queue(protocol: &str, address: &str) -> Result<(), String> {
    let output = Command::new(driver_binary())
        .args(["-protocol", protocol, "-address", address, "-mode", "set-up"])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::Credentials;

    #[test]
    fn the_key_that_a_server_shows_is_read() {
        let output =
            "Shown only now:\n\n  AWS_ACCESS_KEY_ID=AKIA1\n  AWS_SECRET_ACCESS_KEY=a/b+c=\n\nready\n";
        let read = Credentials::read(output).unwrap();
        assert_eq!((read.access_key_id.as_str(), read.secret_access_key.as_str()), ("AKIA1", "a/b+c="));
        assert_eq!(Credentials::read("AWS_ACCESS_KEY_ID=AKIA1\n"), None);
    }
}
