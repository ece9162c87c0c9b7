//! `bongsu queue show`.

use super::attributes::{Attributes, DeadLetters, counts, encryption, kind, number, with_unit};
use super::session::{Queue, Session, items, texts};
use crate::client::date::unix_time;
use crate::error::ToolError;
use crate::show::clean;
use crate::show::table::sheet;
use crate::show::units::{roughly, shown_count, shown_time};
use clap::Args;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Show all that is known of queues
#[derive(Args, Clone, Debug)]
pub(super) struct Show {
    /// Names, URLs or ARNs
    #[arg(value_name = "QUEUE", required = true)]
    pub(super) queues: Vec<String>,
}

struct Known {
    queue: Queue,
    attributes: Attributes,
    tags: BTreeMap<String, String>,
    /// Queues whose dead letters it takes.
    sources: Vec<String>,
}

impl Show {
    pub(super) fn run(self, session: &mut Session) -> Result<(), ToolError> {
        let mut all = Vec::new();
        for name in &self.queues {
            let queue = session.queue(name)?;
            all.push(Known::of(session, queue)?);
        }
        if session.as_json {
            let documents: Vec<_> = all.iter().map(Known::json).collect();
            return match &documents[..] {
                [one] => session.screen.json(one),
                many => session.screen.json(&json!({ "Queues": many })),
            };
        }
        let now_s = unix_time().as_secs();
        let sheets: Vec<_> = all.iter().map(|known| known.shown(session, now_s)).collect();
        session.screen.print(&sheets.join("\n"))
    }
}

impl Known {
    fn of(session: &mut Session, queue: Queue) -> Result<Self, ToolError> {
        let attributes = session.attributes(&queue, &["All"])?;
        // Who may not see these sees the rest; and some services don't have them.
        let tags = session.call_on(&queue, "ListQueueTags", json!({})).unwrap_or_default();
        let sources = session.call_on(&queue, "ListDeadLetterSourceQueues", json!({})).unwrap_or_default();
        // The model has this one in lower case.
        let sources = items(&sources["queueUrls"]).filter_map(Value::as_str).map(|url| Queue::at(url).name);
        Ok(Self { attributes, tags: texts(&tags["Tags"]), sources: sources.collect(), queue })
    }

    fn json(&self) -> Value {
        json!({
            "Name": self.queue.name,
            "QueueUrl": self.queue.url,
            "Attributes": self.attributes,
            "Tags": self.tags,
            "DeadLetterSourceQueues": self.sources,
        })
    }

    fn shown(&self, session: &Session, now_s: u64) -> String {
        let attributes = &self.attributes;
        let [visible, in_flight, delayed] = counts(attributes).map(shown_count);
        let dead = DeadLetters::of(attributes);
        let time = |name: &str| match number(attributes, name) {
            0 => None,
            at_s => Some(format!("{} ({} ago)", shown_time(at_s), roughly(now_s.saturating_sub(at_s)))),
        };
        let tags: Vec<_> = self.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let lines = [
            ("url", Some(self.queue.url.clone())),
            ("arn", attributes.get("QueueArn").cloned()),
            ("type", Some(kind(attributes))),
            ("messages", Some(format!("{visible} visible, {in_flight} in flight, {delayed} delayed"))),
            ("visibility", with_unit(attributes, "VisibilityTimeout")),
            ("retention", with_unit(attributes, "MessageRetentionPeriod")),
            ("delay", with_unit(attributes, "DelaySeconds")),
            ("wait", with_unit(attributes, "ReceiveMessageWaitTimeSeconds")),
            ("largest message", with_unit(attributes, "MaximumMessageSize")),
            ("encryption", Some(encryption(attributes))),
            (
                "dead letters",
                dead.map(|dead| format!("to {} after {} receives", dead.name(), dead.max_receives)),
            ),
            ("dead letters of", (!self.sources.is_empty()).then(|| self.sources.join(", "))),
            ("who may use it so", attributes.get("RedriveAllowPolicy").map(|policy| pretty(policy))),
            (
                "policy",
                attributes.get("Policy").filter(|policy| !policy.is_empty()).map(|policy| pretty(policy)),
            ),
            ("tags", (!tags.is_empty()).then(|| tags.join("\n"))),
            ("made", time("CreatedTimestamp")),
            ("changed", time("LastModifiedTimestamp")),
        ];
        let lines: Vec<_> =
            lines.into_iter().filter_map(|(label, value)| Some((label, clean(&value?)))).collect();
        sheet(session.screen, &clean(&self.queue.name), &lines)
    }
}

/// JSON with its structure to be seen; anything else as it is.
pub(super) fn pretty(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => format!("{value:#}"),
        Err(_) => text.to_owned(),
    }
}
