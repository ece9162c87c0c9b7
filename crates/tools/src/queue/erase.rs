//! `bongsu queue purge` and `bongsu queue delete`: what can't be taken back.

use super::attributes::{COUNTS, counts};
use super::session::{Queue, Session};
use crate::error::ToolError;
use crate::show::confirm;
use crate::show::units::messages;
use clap::Args;
use serde_json::json;

/// Remove all messages of queues
#[derive(Args, Clone, Debug)]
pub(super) struct Purge {
    /// Names, URLs or ARNs
    #[arg(value_name = "QUEUE", required = true)]
    pub(super) queues: Vec<String>,
    /// Don't ask
    #[arg(long, short)]
    yes: bool,
}

/// Remove queues with all their messages
#[derive(Args, Clone, Debug)]
pub(super) struct Delete {
    /// Names, URLs or ARNs
    #[arg(value_name = "QUEUE", required = true)]
    pub(super) queues: Vec<String>,
    /// Don't ask
    #[arg(long, short)]
    yes: bool,
}

impl Purge {
    pub(super) fn run(self, session: &mut Session) -> Result<(), ToolError> {
        erase(session, &self.queues, self.yes, ("PurgeQueue", "remove all messages of", "purged"))
    }
}

impl Delete {
    pub(super) fn run(self, session: &mut Session) -> Result<(), ToolError> {
        erase(session, &self.queues, self.yes, ("DeleteQueue", "delete", "deleted"))
    }
}

/// All queues are found, and asked about, before the first is touched.
fn erase(
    session: &mut Session,
    names: &[String],
    yes: bool,
    (action, verb, done): (&'static str, &str, &str),
) -> Result<(), ToolError> {
    let mut found = Vec::new();
    for name in names {
        let queue = session.queue(name)?;
        // A count is worth having, not worth failing for; the queue has to be there in any case.
        let messages = match session.attributes(&queue, &COUNTS) {
            Ok(attributes) => Some(counts(&attributes).iter().sum()),
            Err(error @ ToolError::NoQueue { .. }) => return Err(error),
            Err(_) => None,
        };
        found.push((queue, messages));
    }
    confirm(&question(verb, &found), yes)?;
    let mut erased = Vec::new();
    for (queue, held) in &found {
        session.call_on(queue, action, json!({}))?;
        erased.push(json!({ "Name": queue.name, "QueueUrl": queue.url, "Messages": held }));
        if !session.as_json {
            let held = held.map(|held| format!(" ({})", messages(held)));
            session.screen.print(&format!("{done} {}{}\n", queue.name, held.unwrap_or_default()))?;
        }
    }
    if session.as_json {
        session.screen.json(&json!({ "Queues": erased }))?;
    }
    Ok(())
}

/// `delete jobs with 12 messages, and mails with 0 messages?`
fn question(verb: &str, queues: &[(Queue, Option<u64>)]) -> String {
    let each = queues.iter().map(|(queue, held)| match held {
        Some(held) => format!("{} with {}", queue.name, messages(*held)),
        None => queue.name.clone(),
    });
    format!("{verb} {}?", each.collect::<Vec<_>>().join(", and "))
}
