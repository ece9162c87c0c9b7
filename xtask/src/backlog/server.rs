//! A server with a data directory of its own that can be killed and started again, and what it says about itself.

use super::disk;
use crate::measure::call::{call, ready_address};
use crate::measure::clock::{now, sleep};
use crate::{paths, steps};
use serde_json::{Value, json};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const READY_LIMIT: Duration = Duration::from_secs(300);
/// Fine enough to time a start-up.
const LOOK: Duration = Duration::from_millis(1);

/// A running server. Dropping it kills the process and removes the data.
pub(super) struct Server {
    child: Child,
    data: PathBuf,
    log: PathBuf,
    address: String,
    /// The load generator's command lines so far, for the page.
    pub(super) commands: Vec<String>,
}

impl Server {
    /// Starts one on an empty data directory below `folder`, where there must be room for `needed_bytes`.
    pub(super) fn start(folder: &Path, needed_bytes: u64) -> Result<Self, String> {
        let free = disk::free_bytes(folder)?;
        if free < needed_bytes {
            let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
            return Err(format!(
                "{:.1} GiB of disk are needed, {:.1} are free",
                gib(needed_bytes),
                gib(free)
            ));
        }
        let data = folder.join(format!("bongsu-backlog-{}", std::process::id()));
        std::fs::create_dir_all(&data).map_err(|error| format!("{}: {error}", data.display()))?;
        let log = data.join("server.log");
        let (child, address) = spawn(&data, &log)?;
        Ok(Self { child, data, log, address, commands: Vec::new() })
    }

    /// Kills the server in the middle of whatever it does.
    pub(super) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts a killed server again; says how long it took until it served.
    pub(super) fn restart(&mut self) -> Result<Duration, String> {
        let started = now();
        (self.child, self.address) = spawn(&self.data, &self.log)?;
        Ok(started.elapsed())
    }

    pub(super) fn resident_bytes(&self) -> Result<u64, String> {
        self.status("VmRSS:")
    }

    pub(super) fn peak_bytes(&self) -> Result<u64, String> {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> Result<u64, String> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        let kib =
            status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.parse().ok());
        kib.map(|kib: u64| kib * 1024).ok_or_else(|| format!("{path}: no {name}"))
    }

    /// What the data directory takes up.
    pub(super) fn disk_bytes(&self) -> u64 {
        disk::used_bytes(&self.data)
    }

    /// What of that lives: messages as they are stored, and the checkpoint.
    pub(super) fn live_bytes(&self) -> Result<u64, String> {
        let mut check = Command::new(paths::server_binary());
        check.args(["check", "--online", "--json"]).arg(self.data.join("store")).stderr(Stdio::null());
        let output = check.output().map_err(|error| error.to_string())?;
        let report: Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
        match (output.status.success(), report["contents"]["liveBytes"].as_u64()) {
            (true, Some(bytes)) => Ok(bytes),
            _ => Err(format!("bongsu check: {}", output.status)),
        }
    }

    /// Runs `bongsu bench` against the server, noting the command.
    pub(super) fn bench(&mut self, scenario: &str) -> Result<Value, String> {
        self.note(scenario);
        self.start_bench(scenario)?.result()
    }

    /// The same where the server may refuse with this code.
    pub(super) fn bench_refused(&mut self, scenario: &str, code: &str) -> Result<Value, String> {
        self.note(scenario);
        self.start_bench(scenario)?.result_with(&[code])
    }

    fn note(&mut self, scenario: &str) {
        if !self.commands.iter().any(|known| known == scenario) {
            self.commands.push(scenario.to_owned());
        }
    }

    /// Starts `bongsu bench` beside other work.
    pub(super) fn start_bench(&self, scenario: &str) -> Result<Bench, String> {
        let child = Command::new(paths::server_binary())
            .arg("bench")
            .args(scenario.split_whitespace())
            .args([
                "--endpoint",
                &format!("http://{}", self.address),
                "--pid",
                &self.child.id().to_string(),
                "--json",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|error| error.to_string())?;
        Ok(Bench { child, scenario: scenario.to_owned() })
    }

    /// One SQS action.
    pub(super) fn call(&self, action: &str, request: &Value) -> Result<Value, String> {
        call(&self.address, action, request).map_err(|error| format!("{action}: {error}"))
    }

    /// How many messages of a queue are (visible, in flight, delayed).
    pub(super) fn counts(&self, queue: &str) -> Result<[u64; 3], String> {
        let request = json!({ "QueueUrl": self.url(queue), "AttributeNames": ["All"] });
        let answer = self.call("GetQueueAttributes", &request)?;
        let count = |name: &str| {
            let text = answer["Attributes"][format!("ApproximateNumberOfMessages{name}")].as_str();
            text.and_then(|text| text.parse().ok())
                .ok_or_else(|| format!("no ApproximateNumberOfMessages{name}"))
        };
        Ok([count("")?, count("NotVisible")?, count("Delayed")?])
    }

    /// The same over numbered queues.
    pub(super) fn counts_of(&self, stem: &str, queues: u64) -> Result<[u64; 3], String> {
        let mut all = [0; 3];
        for number in 0..queues {
            let counts = self.counts(&format!("{stem}-{number}"))?;
            all.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        Ok(all)
    }

    pub(super) fn url(&self, queue: &str) -> String {
        format!("http://{}/000000000000/{queue}", self.address)
    }

    /// Who asks about the server from another thread.
    pub(super) fn observer(&self) -> Observer {
        Observer { address: self.address.clone(), data: self.data.clone() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

/// Asks about a server.
pub(super) struct Observer {
    address: String,
    data: PathBuf,
}

impl Observer {
    pub(super) fn disk_bytes(&self) -> u64 {
        disk::used_bytes(&self.data)
    }

    /// Messages in any state.
    pub(super) fn messages(&self, queue: &str) -> Result<u64, String> {
        let url = format!("http://{}/000000000000/{queue}", self.address);
        let answer = call(
            &self.address,
            "GetQueueAttributes",
            &json!({ "QueueUrl": url, "AttributeNames": ["All"] }),
        )?;
        let names = ["", "NotVisible", "Delayed"].map(|name| format!("ApproximateNumberOfMessages{name}"));
        let count = |name: &String| answer["Attributes"][name].as_str()?.parse::<u64>().ok();
        Ok(names.iter().filter_map(count).sum())
    }
}

/// A load under way.
pub(super) struct Bench {
    child: Child,
    scenario: String,
}

impl Bench {
    /// Waits for its end. Errors that the load met are an error here, too.
    pub(super) fn result(self) -> Result<Value, String> {
        self.result_with(&[])
    }

    fn result_with(self, expected_errors: &[&str]) -> Result<Value, String> {
        let output = self.child.wait_with_output().map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(format!("bongsu bench {}: {}", self.scenario, output.status));
        }
        let result: Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
        let errors = result["errors"].as_object().ok_or("a result without errors")?;
        match errors.keys().find(|code| !expected_errors.contains(&code.as_str())) {
            None => Ok(result),
            Some(_) => Err(format!("bongsu bench {}: {}", self.scenario, result["errors"])),
        }
    }
}

fn spawn(data: &Path, log: &Path) -> Result<(Child, String), String> {
    let file = File::create(log).map_err(|error| format!("{}: {error}", log.display()))?;
    let mut child = Command::new(paths::server_binary())
        .args(["--listen", "127.0.0.1:0", "--data-dir"])
        .arg(data.join("store"))
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(file)
        .spawn()
        .map_err(|error| error.to_string())?;
    let started = now();
    while started.elapsed() < READY_LIMIT {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        if let Some(address) = ready_address(&text) {
            return Ok((child, address));
        }
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return Err(format!("the server ended at once, {status}:\n{text}"));
        }
        sleep(LOOK);
    }
    steps::signal(&child, "KILL");
    let _ = child.wait();
    Err(format!("the server was not ready after {} s", READY_LIMIT.as_secs()))
}
