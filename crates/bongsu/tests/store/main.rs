//! `bongsu check`, `backup` and `restore` on real stores, and the stores that earlier versions wrote.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../process/client.rs"]
#[allow(dead_code, reason = "shared with the other tests, each of which uses a part")]
mod client;
#[path = "../process/fixture.rs"]
#[allow(dead_code, reason = "shared with the other tests, each of which uses a part")]
mod fixture;

mod backup;
mod check;
mod versions;

use fixture::Server;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a command said, and its exit code.
struct Outcome {
    code: i32,
    said: String,
    complained: String,
}

/// Runs the binary to its end.
fn run(arguments: &[&str]) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bongsu"));
    let output = command.args(arguments).env_clear().stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Outcome {
        code: output.status.code().unwrap(),
        said: text(output.stdout),
        complained: text(output.stderr),
    }
}

impl Outcome {
    fn json(&self) -> Value {
        serde_json::from_str(&self.said).unwrap_or_else(|e| panic!("{e}: {}{}", self.said, self.complained))
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The names and contents of all files of a store.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.is_file() && !path.ends_with("LOCK"));
    files.map(|path| (path.clone(), std::fs::read(&path).unwrap())).collect()
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let is_segment = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "segment");
    files(dir).into_keys().filter(is_segment).collect()
}

/// Messages of about 300 bytes, each recognisable by its number.
fn send(server: &Server, queue: &str, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let body = format!("message {number} {}", "x".repeat(300));
        let sent = server.json("SendMessage", &json!({ "QueueUrl": queue, "MessageBody": body }));
        assert_eq!(sent.status, 200, "{}", sent.text());
    }
}

/// Everything that can be received, as numbers.
fn receive_all(server: &Server, queue: &str) -> Vec<u32> {
    let mut numbers = Vec::new();
    loop {
        let asked = json!({ "QueueUrl": queue, "MaxNumberOfMessages": 10, "VisibilityTimeout": 3600 });
        let received = server.json("ReceiveMessage", &asked).json();
        let Some(messages) = received["Messages"].as_array() else { break };
        let bodies = messages.iter().map(|message| message["Body"].as_str().unwrap());
        numbers.extend(bodies.map(|body| body.split(' ').nth(1).unwrap().parse::<u32>().unwrap()));
    }
    numbers.sort_unstable();
    numbers
}

/// Ends a server as an operator would.
fn stop(mut server: Server) {
    server.signal("TERM");
    assert!(server.wait().success());
}
