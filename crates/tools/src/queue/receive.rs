//! `bongsu queue receive`.

use super::message::{Detail, shown};
use super::session::{Queue, Session, items, text_of};
use crate::client::CallError;
use crate::client::date::unix_time;
use crate::error::ToolError;
use crate::show::Screen;
use crate::show::units::seconds;
use clap::Args;
use serde_json::{Value, json};
use std::time::Duration;

const BATCH: u64 = 10;
/// SQS's longest.
const LONG_POLL_S: u64 = 20;
/// Between attempts to reach a server that is away.
const PAUSES_S: [u64; 4] = [1, 2, 4, 8];

/// Receive messages; they stay hidden for a while, and come back unless they are deleted
#[derive(Args, Clone, Debug)]
pub(super) struct Receive {
    /// Name, URL or ARN
    #[arg(value_name = "QUEUE")]
    pub(super) queue: String,
    /// So many messages at most [default: 10, with --follow all]
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max: Option<u64>,
    /// Wait for messages, up to 20s [default: the queue's own]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    wait: Option<u64>,
    /// Delete messages once they are shown
    #[arg(long)]
    delete: bool,
    /// How long messages stay hidden from others [default: the queue's own]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    visibility: Option<u64>,
    /// Go on until stopped, as messages come
    #[arg(long, short)]
    follow: bool,
    /// Bodies only, as they are, one a line
    #[arg(long, conflicts_with_all = ["target-json", "full"])]
    raw: bool,
    /// Long bodies whole
    #[arg(long)]
    full: bool,
}

impl Receive {
    pub(super) fn run(self, session: &mut Session) -> Result<(), ToolError> {
        let queue = session.queue(&self.queue)?;
        let mut left = self.max.unwrap_or(if self.follow { u64::MAX } else { BATCH });
        let mut received = 0;
        while left > 0 {
            let answer = self.patiently(session, |session| self.receive(session, &queue, left))?;
            let messages: Vec<_> = items(&answer["Messages"]).collect();
            if messages.is_empty() && !self.follow {
                break;
            }
            for message in &messages {
                self.show(session, message)?;
            }
            if self.delete && !messages.is_empty() {
                self.patiently(session, |session| delete(session, &queue, &messages))?;
            }
            left = left.saturating_sub(messages.len() as u64);
            received += messages.len() as u64;
            // Messages that are not hidden would come again at once.
            if self.visibility == Some(0) && !self.follow && !self.delete {
                break;
            }
        }
        if received == 0 && !session.as_json && !self.raw {
            Screen::errors().note("no message came");
        }
        Ok(())
    }

    fn receive(&self, session: &mut Session, queue: &Queue, left: u64) -> Result<Value, ToolError> {
        let wait = self.wait.or(self.follow.then_some(LONG_POLL_S));
        let input = json!({
            "MaxNumberOfMessages": left.min(BATCH),
            "WaitTimeSeconds": wait,
            "VisibilityTimeout": self.visibility,
            // Older services know the first only.
            "AttributeNames": ["All"],
            "MessageSystemAttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        });
        session.call_on(queue, "ReceiveMessage", input)
    }

    fn show(&self, session: &Session, message: &Value) -> Result<(), ToolError> {
        if session.as_json {
            return session.screen.json_line(message);
        }
        let detail = match (self.raw, self.full) {
            (true, _) => Detail::Raw,
            (false, true) => Detail::Full,
            (false, false) => Detail::Usual,
        };
        let now_ms = unix_time().as_millis() as u64;
        session.screen.print(&shown(session.screen, message, "", detail, now_ms))
    }

    /// Does something; while messages are followed, a server that is started again is waited for.
    fn patiently<T>(
        &self,
        session: &mut Session,
        mut attempt: impl FnMut(&mut Session) -> Result<T, ToolError>,
    ) -> Result<T, ToolError> {
        let mut attempts = 0;
        loop {
            let error = match attempt(session) {
                Err(ToolError::Call(error @ CallError::Unreachable { .. })) if self.follow => error,
                outcome => return outcome,
            };
            if attempts == 0 {
                let reason = error.to_string();
                let reason = reason.lines().next().unwrap_or_default();
                Screen::errors().note(&format!("{reason}; trying again until it does"));
            }
            let pause_s = PAUSES_S[attempts.min(PAUSES_S.len() - 1)];
            attempts += 1;
            session.caller.pause(Duration::from_secs(pause_s));
        }
    }
}

/// Deletes what was shown.
fn delete(session: &mut Session, queue: &Queue, messages: &[&Value]) -> Result<(), ToolError> {
    let entries: Vec<_> = messages
        .iter()
        .enumerate()
        .map(|(index, message)| json!({ "Id": index.to_string(), "ReceiptHandle": message["ReceiptHandle"] }))
        .collect();
    let answer = session.call_on(queue, "DeleteMessageBatch", json!({ "Entries": entries }))?;
    match items(&answer["Failed"]).next() {
        None => Ok(()),
        Some(failure) => {
            let index: usize = text_of(failure, "Id").parse().unwrap_or_default();
            let id = messages.get(index).map_or("?", |message| text_of(message, "MessageId"));
            let (code, message) = (text_of(failure, "Code"), text_of(failure, "Message"));
            Err(ToolError::Partly(format!("{id} could not be deleted: {code}: {message}")))
        }
    }
}
