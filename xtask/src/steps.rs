//! Runs named steps one after the other, keeps their output, shows it when they fail, and ends with a table.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::paths;

/// How much of a failed step's log is printed; the rest is in the file that is named beside it.
const SHOWN_LOG_LINES: usize = 400;
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// After an interrupt a step has this long to stop the servers it started.
const GRACE: Duration = Duration::from_secs(15);

/// The results of a task's steps so far.
pub(crate) struct Steps {
    finished: Vec<Finished>,
    started: Instant,
}

struct Finished {
    name: String,
    failure: Option<String>,
    took: Duration,
}

/// What a step writes to: everything it runs has its output in one log file.
pub(crate) struct Log {
    path: PathBuf,
    file: File,
}

impl Steps {
    pub(crate) fn new() -> Self {
        Self { finished: Vec::new(), started: now() }
    }

    /// Runs one step. A failure is remembered and shown, and does not stop the steps after it.
    pub(crate) fn run(&mut self, name: &str, work: impl FnOnce(&mut Log) -> Result<(), String>) -> bool {
        println!("── {name} …");
        let _ = std::io::stdout().flush();
        let started = now();
        let failure = Log::create(name).and_then(|mut log| {
            let result = work(&mut log);
            if result.is_err() {
                log.show();
            }
            result
        });
        let took = started.elapsed();
        let failure = failure.err();
        match &failure {
            None => {
                println!("   {name}: ok, {:.1} s", took.as_secs_f64());
                highlights(name);
            }
            Some(message) => println!("   {name}: FAILED, {:.1} s: {message}", took.as_secs_f64()),
        }
        let passed = failure.is_none();
        self.finished.push(Finished { name: name.to_owned(), failure, took });
        passed
    }

    /// Prints the table and says whether everything passed.
    pub(crate) fn summary(&self) -> bool {
        print!("\n{}", table(&self.finished));
        println!("{:<12} {:>8.1} s in all", "", self.started.elapsed().as_secs_f64());
        self.finished.iter().all(|step| step.failure.is_none())
    }
}

/// Shows what a step that passed has marked as part of its result: the lines that begin with `== `.
fn highlights(step: &str) {
    let text = std::fs::read(log_path(step)).unwrap_or_default();
    for line in String::from_utf8_lossy(&text).lines().filter_map(|line| line.strip_prefix("== ")) {
        println!("   {line}");
    }
}

fn log_path(step: &str) -> PathBuf {
    paths::logs().join(format!("{step}.log"))
}

fn table(finished: &[Finished]) -> String {
    let mut text = format!("{:<12} {:>10}  {}\n", "step", "time", "result");
    for step in finished {
        let result = match &step.failure {
            None => "pass".to_owned(),
            Some(message) => format!("FAIL  {}", message.lines().next().unwrap_or_default()),
        };
        text.push_str(&format!("{:<12} {:>8.1} s  {result}\n", step.name, step.took.as_secs_f64()));
    }
    text
}

impl Log {
    fn create(step: &str) -> Result<Self, String> {
        let path = log_path(step);
        std::fs::create_dir_all(paths::logs())
            .map_err(|error| format!("{}: {error}", paths::logs().display()))?;
        let file = File::create(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { path, file })
    }

    /// Writes a line of the step's own, such as a check's findings.
    pub(crate) fn line(&mut self, text: &str) {
        // A log that can't be written must not turn a passing step into a failing one.
        let _ = writeln!(self.file, "{text}");
    }

    /// Runs a command to its end; anything but exit code 0 within `limit` is an error.
    pub(crate) fn command(&mut self, command: &mut Command, limit: Duration) -> Result<(), String> {
        self.line(&format!("$ {}", describe(command)));
        let output = |log: &Self| log.file.try_clone().map(Stdio::from).map_err(|error| error.to_string());
        command.stdin(Stdio::null()).stdout(output(self)?).stderr(output(self)?);
        let mut child =
            command.spawn().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        match wait(&mut child, limit)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(format!("{}: {status}", describe(command))),
            None => {
                stop(&mut child);
                Err(format!("{}: still running after {} s", describe(command), limit.as_secs()))
            }
        }
    }

    fn show(&self) {
        let text = std::fs::read(&self.path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let hidden = lines.len().saturating_sub(SHOWN_LOG_LINES);
        if hidden > 0 {
            println!("   ({hidden} earlier lines are in {})", self.path.display());
        }
        for line in &lines[hidden..] {
            println!("   | {line}");
        }
    }
}

fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy();
    let arguments = command.get_args().map(|argument| argument.to_string_lossy());
    std::iter::once(program).chain(arguments).collect::<Vec<_>>().join(" ")
}

#[expect(clippy::disallowed_methods, reason = "measures and limits real processes; nothing here is replayed")]
fn now() -> Instant {
    Instant::now()
}

/// The exit status, or `None` if the child is still running after `limit`.
#[expect(clippy::disallowed_methods, reason = "std can't wait for a process with a limit in any other way")]
pub(crate) fn wait(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>, String> {
    let started = now();
    loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return Ok(Some(status));
        }
        if started.elapsed() >= limit {
            return Ok(None);
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// Asks a step to stop as Ctrl-C does, so that it stops what it started itself, and insists after a while.
fn stop(child: &mut Child) {
    signal(child, "INT");
    if !matches!(wait(child, GRACE), Ok(Some(_))) {
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Sends a signal by name to a child of ours.
pub(crate) fn signal(child: &Child, name: &str) {
    // std only knows SIGKILL, and a dependency for one call is not worth it.
    let _ = Command::new("kill").arg(format!("-{name}")).arg(child.id().to_string()).status();
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn a_failed_step_fails_the_task_and_later_steps_still_run() {
        let mut steps = Steps::new();
        assert!(!steps.run("test-false", |log| log.command(&mut Command::new("false"), LONG)));
        assert!(steps.run("test-true", |log| log.command(&mut Command::new("true"), LONG)));
        assert!(!steps.summary());
    }

    #[test]
    fn a_step_that_hangs_is_stopped_and_fails() {
        let mut steps = Steps::new();
        let limit = Duration::from_millis(50);
        assert!(!steps.run("test-hang", |log| log.command(Command::new("sleep").arg("60"), limit)));
    }

    #[test]
    fn a_program_that_is_missing_is_named() {
        let mut log = Log::create("test-missing").unwrap();
        let error = log.command(&mut Command::new("no-such-program-here"), LONG).unwrap_err();
        assert!(error.contains("no-such-program-here"), "{error}");
    }

    #[test]
    fn the_table_names_each_step_with_its_result() {
        let step = |name: &str, failure: Option<&str>| Finished {
            name: name.to_owned(),
            failure: failure.map(str::to_owned),
            took: Duration::from_millis(1500),
        };
        let text = table(&[step("unit", None), step("go", Some("exit status: 1\nmore"))]);
        assert!(text.contains("unit              1.5 s  pass"), "{text}");
        assert!(text.contains("FAIL  exit status: 1\n"), "{text}");
        assert!(!text.contains("more"), "{text}");
    }
}
