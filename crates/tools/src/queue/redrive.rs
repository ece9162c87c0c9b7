//! `bongsu queue redrive`: moves dead letters back to where they came from, or elsewhere.

use super::attributes::{COUNTS, DeadLetters, counts};
use super::session::{Queue, Session, text_of};
use crate::client::CallError;
use crate::client::date::unix_time;
use crate::error::ToolError;
use crate::show::progress::{Bar, Counts};
use crate::show::table::{Cell, Side, table};
use crate::show::units::{messages, roughly, shown_count};
use crate::show::{Ink, Screen, confirm};
use clap::Args;
use serde_json::{Value, json};
use std::io::IsTerminal as _;
use std::time::Duration;

/// How often a running move is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// As many tasks as services tell of.
const TOLD: u64 = 10;

/// Move the messages of a dead-letter queue back to where they came from
#[derive(Args, Clone, Debug)]
pub(super) struct Redrive {
    /// The dead-letter queue
    #[arg(value_name = "QUEUE")]
    pub(super) queue: String,
    /// Move them to this queue instead
    #[arg(long, value_name = "QUEUE")]
    to: Option<String>,
    /// So many messages a second at most [default: as fast as the server moves them]
    #[arg(long, value_name = "PER_SECOND", value_parser = clap::value_parser!(u64).range(1..=500))]
    rate: Option<u64>,
    /// Start it, and don't wait for its end
    #[arg(long)]
    detach: bool,
    /// Stop the move that is under way
    #[arg(long, conflicts_with_all = ["to", "rate", "detach"])]
    cancel: bool,
    /// Show the moves of this queue, the latest first
    #[arg(long, conflicts_with_all = ["to", "rate", "detach", "cancel"])]
    status: bool,
}

impl Redrive {
    pub(super) fn run(self, session: &mut Session) -> Result<(), ToolError> {
        let queue = session.queue(&self.queue)?;
        let arn = session.arn(&queue)?;
        if self.status {
            return status(session, &queue, &arn);
        }
        if self.cancel {
            return cancel(session, &queue, &arn);
        }
        let destination = match &self.to {
            None => None,
            // As it is: the server judges it, its region and account too.
            Some(to) if to.starts_with("arn:") => Some(to.clone()),
            Some(to) => {
                let to = session.queue(to)?;
                Some(session.arn(&to)?)
            }
        };
        let input = json!({
            "SourceArn": arn,
            "DestinationArn": destination,
            "MaxNumberOfMessagesPerSecond": self.rate,
        });
        let started = match session.caller.call("StartMessageMoveTask", input) {
            Err(error) if error.code().is_some() => return Err(self.explain(session, &queue, error)),
            started => started?,
        };
        if self.detach {
            if session.as_json {
                return session.screen.json(&started);
            }
            let hint = format!("`bongsu queue redrive {} --status` shows how far it is", queue.name);
            session.screen.print(&format!("messages of {} are being moved\n", queue.name))?;
            Screen::errors().note(&hint);
            return Ok(());
        }
        follow(session, &queue, &arn)
    }

    /// Says what is meant where the queue is not one that takes dead letters, but has one.
    fn explain(&self, session: &mut Session, queue: &Queue, error: CallError) -> ToolError {
        let attributes = session.attributes(queue, &["RedrivePolicy"]).unwrap_or_default();
        match DeadLetters::of(&attributes) {
            Some(dead) if error.to_string().contains("Dead Letter Queue") => ToolError::Partly(format!(
                "{} takes no dead letters, its own go to {}: bongsu queue redrive {}",
                queue.name,
                dead.name(),
                dead.name()
            )),
            _ => error.into(),
        }
    }
}

/// The queue's moves, the latest first.
fn tasks(session: &mut Session, arn: &str, count: u64) -> Result<Vec<Value>, ToolError> {
    let input = json!({ "SourceArn": arn, "MaxResults": count });
    let mut answer = session.call("ListMessageMoveTasks", input)?;
    match answer["Results"].take() {
        Value::Array(tasks) => Ok(tasks),
        _ => Ok(Vec::new()),
    }
}

fn number(task: &Value, name: &str) -> u64 {
    task[name].as_u64().unwrap_or(0)
}

fn moved(task: &Value) -> u64 {
    number(task, "ApproximateNumberOfMessagesMoved")
}

fn is_running(task: &Value) -> bool {
    matches!(text_of(task, "Status"), "RUNNING" | "CANCELLING")
}

fn status(session: &mut Session, queue: &Queue, arn: &str) -> Result<(), ToolError> {
    let tasks = tasks(session, arn, TOLD)?;
    if session.as_json {
        return session.screen.json(&json!({ "Results": tasks }));
    }
    if tasks.is_empty() {
        Screen::errors().note(&format!("no messages of {} were moved lately", queue.name));
        return Ok(());
    }
    let now_s = unix_time().as_secs();
    let rows: Vec<_> = tasks.iter().map(|task| row(task, now_s)).collect();
    let head = [
        ("STATUS", Side::Left),
        ("MOVED", Side::Right),
        ("OF", Side::Right),
        ("STARTED", Side::Left),
        ("TO", Side::Left),
        ("", Side::Left),
    ];
    session.screen.print(&table(session.screen, head, &rows))
}

fn row(task: &Value, now_s: u64) -> [Cell; 6] {
    let status = text_of(task, "Status");
    let ink = match status {
        "COMPLETED" => Ink::Good,
        "FAILED" => Ink::Alarming,
        _ => Ink::Moving,
    };
    // Services tell milliseconds.
    let started_s = number(task, "StartedTimestamp") / 1000;
    let to = match text_of(task, "DestinationArn") {
        "" => "where they came from",
        arn => arn.rsplit(':').next().unwrap_or(arn),
    };
    [
        Cell::with(status.to_lowercase(), ink),
        shown_count(moved(task)).into(),
        shown_count(number(task, "ApproximateNumberOfMessagesToMove")).into(),
        format!("{} ago", roughly(now_s.saturating_sub(started_s))).into(),
        to.into(),
        Cell::with(text_of(task, "FailureReason"), Ink::Alarming),
    ]
}

fn cancel(session: &mut Session, queue: &Queue, arn: &str) -> Result<(), ToolError> {
    let tasks = tasks(session, arn, 1)?;
    // One that is being stopped already has no handle.
    let running = tasks.iter().find(|task| text_of(task, "Status") == "RUNNING");
    let Some(handle) = running.map(|task| text_of(task, "TaskHandle")) else {
        return Err(ToolError::Partly(format!("no messages of {} are being moved", queue.name)));
    };
    let answer = session.call("CancelMessageMoveTask", json!({ "TaskHandle": handle }))?;
    if session.as_json {
        return session.screen.json(&answer);
    }
    session.screen.print(&format!("stopped; {} moved before\n", messages(moved(&answer))))
}

/// Waits for the end of the move, with a bar.
fn follow(session: &mut Session, queue: &Queue, arn: &str) -> Result<(), ToolError> {
    let bar = Bar::new(Some(0), Counts::Things);
    let mut interrupts = session.caller.interrupts()?;
    let task = loop {
        let task = tasks(session, arn, 1)?.into_iter().next().unwrap_or_default();
        let total = number(&task, "ApproximateNumberOfMessagesToMove").max(moved(&task));
        bar.ends_at(total);
        bar.at(moved(&task), text_of(&task, "Status").to_lowercase());
        if !is_running(&task) {
            break task;
        }
        if session.caller.pause_or(LOOK_EVERY, &mut interrupts) {
            bar.clear();
            if !offer_to_cancel(session, queue, arn)? {
                return Ok(());
            }
        }
    };
    bar.clear();
    if session.as_json {
        session.screen.json(&task)?;
    }
    let moved = messages(moved(&task));
    match text_of(&task, "Status") {
        "COMPLETED" | "CANCELLED" if session.as_json => Ok(()),
        "CANCELLED" => session.screen.print(&format!("stopped; {moved} moved before\n")),
        "FAILED" => {
            let reason = text_of(&task, "FailureReason");
            Err(ToolError::Partly(format!("the move failed after {moved}: {reason}")))
        }
        _ => {
            let attributes = session.attributes(queue, &COUNTS)?;
            let left: u64 = counts(&attributes).iter().sum();
            let left = match left {
                0 => String::new(),
                left => format!("; {} in {} now", messages(left), queue.name),
            };
            session.screen.print(&format!("moved {moved}{left}\n"))
        }
    }
}

/// After Ctrl-C; says whether to go on waiting (for the end of what was cancelled). Without a terminal the move goes on alone.
fn offer_to_cancel(session: &mut Session, queue: &Queue, arn: &str) -> Result<bool, ToolError> {
    let goes_on = || {
        let hint = format!("the move goes on; `bongsu queue redrive {} --cancel` stops it", queue.name);
        Screen::errors().note(&hint);
    };
    if !std::io::stdin().is_terminal() {
        goes_on();
        return Ok(false);
    }
    Screen::errors().print("\n")?;
    match confirm("stop the move on the server too?", false) {
        Err(ToolError::Declined) => {
            goes_on();
            Ok(false)
        }
        Err(error) => Err(error),
        Ok(()) => {
            let running =
                tasks(session, arn, 1)?.into_iter().find(|task| text_of(task, "Status") == "RUNNING");
            if let Some(task) = running {
                session.call("CancelMessageMoveTask", json!({ "TaskHandle": task["TaskHandle"] }))?;
            }
            Ok(true)
        }
    }
}
