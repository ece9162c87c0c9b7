//! `bongsu queue browse`: looking at messages without receiving them.

use super::message::{Detail, shown};
use super::session::{Queue, Session, items, text_of};
use crate::client::date::unix_time;
use crate::client::{CallError, Request};
use crate::error::ToolError;
use crate::show::{Ink, Screen};
use clap::Args;
use serde_json::{Value, json};

/// The page where Bongsu and LocalStack show messages. An SDK whose endpoint it is can call ReceiveMessage there.
const PAGE: &str = "/_aws/sqs/messages";

/// Look at messages without touching them: nothing is hidden, nothing counted
#[derive(Args, Clone, Debug)]
pub(super) struct Browse {
    /// Name, URL or ARN
    #[arg(value_name = "QUEUE")]
    pub(super) queue: String,
    /// So many messages at most
    #[arg(long, short = 'n', default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max: u64,
    /// Those too that somebody has received and not deleted
    #[arg(long)]
    in_flight: bool,
    /// Those too that are held back
    #[arg(long)]
    delayed: bool,
    /// Both
    #[arg(long, short)]
    all: bool,
    /// Only messages with this text in body, attributes or group
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Bodies only, as they are, one a line
    #[arg(long, conflicts_with_all = ["target-json", "full"])]
    raw: bool,
    /// Long bodies whole
    #[arg(long)]
    full: bool,
}

impl Browse {
    pub(super) fn run(self, session: &mut Session) -> Result<(), ToolError> {
        let queue = session.queue(&self.queue)?;
        let answer = self.look(session, &queue)?;
        let all: Vec<_> = items(&answer["Messages"]).collect();
        let found: Vec<_> = all.iter().copied().filter(|message| self.is_wanted(message)).collect();
        let cut = found.len().min(usize::try_from(self.max).unwrap_or(usize::MAX));
        if session.as_json {
            return session.screen.json(&json!({ "Messages": found[..cut] }));
        }
        let detail = match (self.raw, self.full) {
            (true, _) => Detail::Raw,
            (false, true) => Detail::Full,
            (false, false) => Detail::Usual,
        };
        let now_ms = unix_time().as_millis() as u64;
        for message in &found[..cut] {
            let state = state(session.screen, message);
            session.screen.print(&shown(session.screen, message, &state, detail, now_ms))?;
        }
        if found.is_empty() {
            Screen::errors().note("no such message");
        } else if cut < found.len() {
            Screen::errors().note(&format!(
                "{} of {} messages that were looked at (-n shows more)",
                cut,
                all.len()
            ));
        }
        Ok(())
    }

    fn look(&self, session: &mut Session, queue: &Queue) -> Result<Value, ToolError> {
        // Ordered by name, as the signature wants it.
        let switches =
            [("ShowDelayed", self.delayed || self.all), ("ShowInvisible", self.in_flight || self.all)];
        let query: Vec<_> =
            switches.iter().filter(|(_, on)| *on).map(|(name, _)| format!("{name}=true")).collect();
        let input = json!({ "QueueUrl": queue.url });
        let request = Request { action: "ReceiveMessage", input, elsewhere: Some((PAGE, query.join("&"))) };
        match session.caller.ask(&request) {
            Err(CallError::Stranger { .. }) => Err(ToolError::Partly(format!(
                "{} can't show messages without receiving them; `bongsu queue receive` would hide them from others for a while",
                session.caller.url()
            ))),
            Err(error) if super::session::is_unknown_queue(&error) => Err(session.no_queue(&queue.name)),
            answer => Ok(answer?),
        }
    }

    fn is_wanted(&self, message: &Value) -> bool {
        let Some(text) = &self.search else { return true };
        let mut texts = vec![text_of(message, "Body"), text_of(message, "MessageId")];
        texts.push(text_of(&message["Attributes"], "MessageGroupId"));
        for (name, value) in message["MessageAttributes"].as_object().into_iter().flatten() {
            texts.extend([name.as_str(), text_of(value, "StringValue")]);
        }
        texts.iter().any(|found| found.contains(text.as_str()))
    }
}

fn state(screen: Screen, message: &Value) -> String {
    let is = |name: &str| text_of(&message["Attributes"], name) == "true";
    match (is("IsVisible"), is("IsDelayed")) {
        (true, _) => screen.paint(Ink::Good, "visible  "),
        (false, true) => screen.paint(Ink::Moving, "delayed  "),
        (false, false) => screen.paint(Ink::Moving, "in flight"),
    }
}
