//! Starts the real binary for suites that are given an endpoint: a free port, a fresh data directory, stopped at the end.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::{paths, steps};

const READY_LIMIT: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// A running server. Dropping it kills the process; [`Server::stop`] is the way that also checks how it ends.
pub(crate) struct Server {
    child: Child,
    data: PathBuf,
    log: PathBuf,
    /// `http://127.0.0.1:PORT`
    pub(crate) endpoint: String,
}

impl Server {
    /// Starts a server for one suite and returns when it has logged its address.
    pub(crate) fn start(suite: &str) -> Result<Self, String> {
        let data = std::env::temp_dir().join(format!("bongsu-{suite}-{}", std::process::id()));
        let log = paths::logs().join(format!("{suite}-server.log"));
        let file = File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        let child = Command::new(paths::server_binary())
            .args(["--listen", "127.0.0.1:0", "--data-dir"])
            .arg(&data)
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(file.try_clone().map_err(|error| error.to_string())?)
            .stderr(file)
            .spawn()
            .map_err(|error| format!("{}: {error}", paths::server_binary().display()))?;
        let mut server = Self { child, data, log, endpoint: String::new() };
        let mut waited = Duration::ZERO;
        let pause = Duration::from_millis(20);
        while waited < READY_LIMIT {
            let text = std::fs::read(&server.log).unwrap_or_default();
            if let Some(endpoint) = ready_endpoint(&String::from_utf8_lossy(&text)) {
                server.endpoint = endpoint;
                return Ok(server);
            }
            if let Some(status) = steps::wait(&mut server.child, pause)? {
                return Err(format!("the server ended at once: {status}; see {}", server.log.display()));
            }
            waited += pause;
        }
        Err(format!(
            "the server was not ready after {} s; see {}",
            READY_LIMIT.as_secs(),
            server.log.display()
        ))
    }

    /// Stops the server as an init system does; anything but exit code 0 is an error, and so is a panic before that.
    pub(crate) fn stop(mut self) -> Result<(), String> {
        steps::signal(&self.child, "TERM");
        let log = self.log.display().to_string();
        match steps::wait(&mut self.child, STOP_LIMIT)? {
            Some(status) if !status.success() => Err(format!("the server ended with {status}; see {log}")),
            Some(_) if has_panic(&std::fs::read(&self.log).unwrap_or_default()) => {
                Err(format!("the server panicked; see {log}"))
            }
            Some(_) => Ok(()),
            None => Err(format!("the server still ran {} s after SIGTERM; see {log}", STOP_LIMIT.as_secs())),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

fn has_panic(log: &[u8]) -> bool {
    String::from_utf8_lossy(log).contains("panicked")
}

/// The address in the one line that the server logs when it is ready.
fn ready_endpoint(log: &str) -> Option<String> {
    // The last line may be half written.
    let complete = &log[..log.rfind('\n')?];
    complete.lines().filter(|line| line.contains("listening")).find_map(|line| {
        let url = &line[line.find("http://")?..];
        let end = url.find(|c: char| c.is_whitespace() || c == '"' || c == '\u{1b}').unwrap_or(url.len());
        Some(url[..end].trim_end_matches(['/', ',', '.']).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::ready_endpoint;

    #[test]
    fn the_address_is_found_in_the_ready_line() {
        let log = "INFO opening journal\nINFO listening on http://127.0.0.1:40123 journal=file\n";
        assert_eq!(ready_endpoint(log).as_deref(), Some("http://127.0.0.1:40123"));
        assert_eq!(ready_endpoint("listening on http://[::1]:9324/\n").as_deref(), Some("http://[::1]:9324"));
    }

    #[test]
    fn nothing_is_found_before_the_line_is_complete() {
        assert_eq!(ready_endpoint("INFO listening on http://127.0.0.1:40"), None);
        assert_eq!(ready_endpoint("INFO see http://example.com\n"), None);
        assert_eq!(ready_endpoint(""), None);
    }
}
