//! A running server, ended with the test.

use crate::client::Answer;
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A server process.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
    lines: Mutex<Receiver<String>>,
}

/// The binary under test, with nothing of this process's settings.
pub(crate) fn bongsu(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bongsu"));
    // The console's usual port may be somebody else's.
    command
        .args(arguments)
        .env_clear()
        .env("BONGSU_CONSOLE_LISTEN", "off")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

impl Server {
    /// Keeps nothing.
    pub(crate) fn in_memory() -> Self {
        Self::start(&["--listen", "127.0.0.1:0", "--journal", "memory", "--cooldowns", "off"])
    }

    /// Keeps its messages in this directory.
    pub(crate) fn in_directory(directory: &Path) -> Self {
        Self::start(&["--listen", "127.0.0.1:0", "--data-dir", directory.to_str().unwrap()])
    }

    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut process = bongsu(arguments).spawn().unwrap();
        let (sender, lines) = channel();
        let reader = BufReader::new(process.stderr.take().unwrap());
        std::thread::spawn(move || {
            reader.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let ready = wait_for(&lines, "listening on http");
        let (_, rest) = ready.split_once("://").unwrap();
        let address = rest.split([',', ' ']).next().unwrap().parse().unwrap();
        Self { process, address, lines: Mutex::new(lines) }
    }

    /// Waits for a line in the log.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        wait_for(&self.lines.lock().unwrap(), text)
    }

    pub(crate) fn signal(&self, name: &str) {
        let status =
            Command::new("kill").args(["-s", name, &self.process.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.process.wait().unwrap()
    }

    /// Calls an action in AWS JSON.
    pub(crate) fn json(&self, action: &str, body: &Value) -> Answer {
        let head = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nX-Amz-Target: AmazonSQS.{action}\r\nContent-Type: application/x-amz-json-1.0\r\n",
            self.address
        );
        self.post(&head, body.to_string().as_bytes())
    }

    /// Calls an action in AWS Query; `form` is already encoded.
    pub(crate) fn query(&self, path: &str, form: &str) -> Answer {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n",
            self.address
        );
        self.post(&head, form.as_bytes())
    }

    pub(crate) fn get(&self, target: &str, headers: &str) -> Answer {
        let request = format!("GET {target} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", self.address);
        Answer::to(self.address, request.as_bytes())
    }

    /// `head` without the empty line.
    pub(crate) fn post(&self, head: &str, body: &[u8]) -> Answer {
        let mut request = format!("{head}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
        request.extend_from_slice(body);
        Answer::to(self.address, &request)
    }

    /// Makes a queue and tells its URL.
    pub(crate) fn queue(&self, name: &str, attributes: &Value) -> String {
        let answer =
            self.json("CreateQueue", &serde_json::json!({ "QueueName": name, "Attributes": attributes }));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["QueueUrl"].as_str().unwrap().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn wait_for(lines: &Receiver<String>, text: &str) -> String {
    let mut seen = Vec::new();
    loop {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) if line.contains(text) => return line,
            Ok(line) => seen.push(line),
            Err(_) => panic!("no line with {text:?} among {seen:#?}"),
        }
    }
}
