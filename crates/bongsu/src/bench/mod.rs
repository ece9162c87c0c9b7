//! `bongsu bench`: a load generator for any SQS endpoint, and a null server to compare with.
//!
//! Speaks to a service as any client does, over HTTP, and knows nothing of this project's crates. It must cost much less
//! CPU than the server that it loads: requests are rendered by hand into buffers that are used again, answers are
//! scanned for the few members that matter.
//!
//! - `load` runs threads with connections; `work` is what a connection does; `pace` how much and when
//! - `request`, `scan`, and the client beside this folder: from a message to bytes, and from bytes to receipt handles
//! - `tally`, `report`, `process`: what is measured, and how it is shown
//! - `null`: the server that does only what any durable queue must do

mod arguments;
mod clock;
mod load;
mod null;
mod pace;
mod process;
mod report;
mod request;
mod scan;
mod setup;
mod tally;
#[cfg(test)]
mod tests;
mod work;

pub(crate) use arguments::Scenario;

use arguments::LoadArguments;
use bongsu_tools::client::date;
use load::{Goal, Load, Outcome, Role, Shared, Wiring};
use pace::{Quota, Schedule};
use report::{Report, ServerUse};
use request::{MessageShape, STAMP_BYTES};
use std::net::SocketAddr;
use std::time::Duration;

/// How long to measure when nothing else is said, and how long to warm up before.
const DURATION_S: f64 = 10.0;
const WARMUP_S: f64 = 1.0;

/// Why there is no measurement.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    /// The endpoint can't be used.
    #[error("{0}")]
    Endpoint(String),
    /// Nobody answers there.
    #[error("{address} does not answer: {error}")]
    Unreachable {
        /// Where.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// A queue can neither be made nor found.
    #[error("no queue {name}: {refusal}")]
    Queue {
        /// Its name.
        name: String,
        /// What the service said.
        refusal: String,
    },
    /// These options can't be combined.
    #[error("{0}")]
    Options(&'static str),
    /// The process to watch isn't there.
    #[error("process {pid}: {error}")]
    Process {
        /// Its number.
        pid: u32,
        /// Why.
        error: std::io::Error,
    },
    /// Threads, sockets, files.
    #[error(transparent)]
    System(#[from] std::io::Error),
    /// The load was broken off.
    #[error("given up: no request succeeded for a minute")]
    Hung,
    /// Nothing at all succeeded.
    #[error("no request succeeded")]
    Nothing,
}

/// Measures, and prints the result.
///
/// # Errors
/// [`BenchError`].
pub(crate) fn run(scenario: Scenario) -> Result<(), BenchError> {
    let (name, roles, arguments): (&'static str, Vec<Role>, Box<LoadArguments>) = match scenario {
        Scenario::Null(arguments) => return null::run(&arguments),
        Scenario::Send(arguments) => ("send", vec![Role::Send { batched: false }], arguments),
        Scenario::SendBatch(arguments) => ("send-batch", vec![Role::Send { batched: true }], arguments),
        Scenario::ReceiveDelete(arguments) => ("receive-delete", vec![Role::ReceiveAndDelete], arguments),
        Scenario::EndToEnd(arguments) => {
            ("end-to-end", vec![Role::ReceiveAndDelete, Role::Send { batched: false }], arguments)
        }
        Scenario::Mixed(arguments) => {
            ("mixed", vec![Role::ReceiveAndDelete, Role::Send { batched: true }], arguments)
        }
        Scenario::Fill(arguments) => ("fill", vec![Role::Send { batched: true }], arguments),
        Scenario::Hold(arguments) => ("hold", vec![Role::ReceiveAndHold], arguments),
    };
    check(name, &roles, &arguments)?;
    let report = measure(name, roles, &arguments)?;
    if arguments.json {
        println!("{}", report.json());
    } else {
        print!("{}", report.table());
    }
    if report.outcome.hung {
        return Err(BenchError::Hung);
    }
    let tally = &report.outcome.tally;
    if tally.rows.is_empty() && tally.failures() > 0 { Err(BenchError::Nothing) } else { Ok(()) }
}

fn check(name: &str, roles: &[Role], arguments: &LoadArguments) -> Result<(), BenchError> {
    if name == "fill" && arguments.messages.is_none() {
        return Err(BenchError::Options("fill needs to know how many --messages"));
    }
    if roles.len() > arguments.connections as usize {
        return Err(BenchError::Options("senders and receivers need at least a connection each"));
    }
    if name == "end-to-end" && arguments.message_bytes < STAMP_BYTES as u64 {
        return Err(BenchError::Options(
            "messages from end to end carry a time, for which they need 32 bytes",
        ));
    }
    if setup::is_fifo(arguments) && arguments.max_delay_seconds > 0 {
        return Err(BenchError::Options("messages of a FIFO queue can't be delayed one by one"));
    }
    Ok(())
}

fn measure(name: &'static str, roles: Vec<Role>, arguments: &LoadArguments) -> Result<Report, BenchError> {
    let (to, address) = setup::addressing(arguments)?;
    let queues = setup::queues(arguments, &to, address)?;
    let endpoint = to.url.clone();
    let wiring = Wiring::new(arguments, to, address);
    // Differs from run to run, so that deduplication and stamps do.
    let run = date::unix_time().as_nanos() as u64;
    let fifo = setup::is_fifo(arguments);
    let mut shape = MessageShape::new(arguments, fifo, run.wrapping_sub(1));
    if arguments.fill > 0 {
        let roles = vec![Role::Send { batched: true }];
        let filling = LoadArguments {
            messages: Some(arguments.fill),
            rate: None,
            duration_seconds: None,
            warmup_seconds: None,
            ..arguments.clone()
        };
        let (load, goal) = load(roles, shape.clone(), queues.clone(), &filling);
        let Outcome { tally, hung, .. } = load::run(load, &wiring, goal, &mut || ())?;
        if hung || tally.rows.is_empty() {
            return Err(BenchError::Hung);
        }
    }
    shape.run = run;
    shape.stamped = name == "end-to-end";
    let costs = Costs::of(arguments.pid)?;
    let mut before = Ok(costs);
    let (load, goal) = load(roles, shape, queues, arguments);
    let outcome = load::run(load, &wiring, goal, &mut || before = Costs::of(arguments.pid))?;
    let (before, after) = (before?, Costs::of(arguments.pid)?);
    let server = after.server.zip(before.server).map(|(after, before)| ServerUse {
        cpu: after.cpu.saturating_sub(before.cpu),
        resident_bytes: after.resident_bytes,
    });
    Ok(Report {
        scenario: name,
        endpoint,
        connections: wiring.connections,
        threads: wiring.threads,
        message_bytes: arguments.message_bytes,
        rate: arguments.rate,
        outcome,
        generator_cpu: after.generator_cpu.saturating_sub(before.generator_cpu),
        server,
    })
}

/// What the two processes have used so far.
#[derive(Clone, Copy)]
struct Costs {
    generator_cpu: Duration,
    server: Option<ServerUse>,
}

impl Costs {
    fn of(server: Option<u32>) -> Result<Self, BenchError> {
        let look = |pid| -> std::io::Result<ServerUse> {
            Ok(ServerUse {
                cpu: process::cpu_time(Some(pid))?,
                resident_bytes: process::resident_bytes(Some(pid))?,
            })
        };
        let look = |pid| look(pid).map_err(|error| BenchError::Process { pid, error });
        Ok(Self { generator_cpu: process::cpu_time(None)?, server: server.map(look).transpose()? })
    }
}

fn load(
    roles: Vec<Role>,
    shape: MessageShape,
    queues: Vec<String>,
    arguments: &LoadArguments,
) -> (Load, Goal) {
    let duration_s = match (arguments.duration_seconds, arguments.messages) {
        (None, None) => Some(DURATION_S),
        (duration_s, _) => duration_s,
    };
    let warmup_s = arguments.warmup_seconds.unwrap_or(if duration_s.is_some() { WARMUP_S } else { 0.0 });
    let start = clock::now();
    let measured_from = start + Duration::from_secs_f64(warmup_s);
    let batched = !roles.contains(&Role::Send { batched: false });
    let per_request = if batched { arguments.batch } else { 1 };
    let goal = match (duration_s, arguments.messages) {
        (None, Some(messages)) => Goal::Messages(messages),
        (seconds, _) => Goal::Seconds(seconds.unwrap_or_default() + warmup_s),
    };
    let load = Load {
        roles,
        shape,
        queues,
        batch: arguments.batch,
        wait_seconds: arguments.wait_seconds,
        visibility_timeout_seconds: arguments.visibility_timeout_seconds,
        patience: Duration::from_secs_f64(arguments.patience_seconds),
        to_send: Quota::new(arguments.messages),
        to_receive: Quota::new(arguments.messages),
        schedule: arguments.rate.map(|rate| Schedule::new(start, rate / per_request as f64)),
        start,
        measured_from,
        end: duration_s.map(|seconds| measured_from + Duration::from_secs_f64(seconds)),
        shared: Shared::default(),
    };
    (load, goal)
}

/// Text as it stands between the quotes of a JSON string.
fn json_escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}
