//! `bongsu queue list`.

use super::attributes::{COUNTS, DeadLetters, counts};
use super::session::{Queue, Session, texts};
use crate::client::Request;
use crate::error::ToolError;
use crate::show::table::{Cell, Side, table};
use crate::show::units::shown_count;
use crate::show::{Ink, Screen, clean};
use clap::Args;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// List queues with their counts
#[derive(Args, Clone, Debug)]
pub(super) struct List {
    /// Only queues whose names begin so
    #[arg(value_name = "PREFIX")]
    prefix: Option<String>,
    /// The same, for whoever is used to it
    #[arg(long = "prefix", value_name = "PREFIX", conflicts_with = "prefix", hide = true)]
    prefix_option: Option<String>,
    /// Only queues with this tag; may be given several times
    #[arg(long = "tag", value_name = "KEY[=VALUE]")]
    tags: Vec<String>,
    /// Names only, one a line
    #[arg(long)]
    names: bool,
}

/// A queue as it is listed.
struct Row {
    queue: Queue,
    /// `None`: it may not be looked at, or is gone.
    attributes: Option<BTreeMap<String, String>>,
    tags: Option<BTreeMap<String, String>>,
}

impl List {
    pub(super) fn run(self, session: &mut Session) -> Result<(), ToolError> {
        let prefix = self.prefix.as_deref().or(self.prefix_option.as_deref());
        let mut queues = session.queues(prefix)?;
        queues.sort_by(|a, b| a.name.cmp(&b.name));
        let mut tags = vec![None; queues.len()];
        if !self.tags.is_empty() {
            (queues, tags) = self.tagged(session, queues)?;
        }
        if self.names && !session.as_json {
            let names: String = queues.iter().map(|queue| format!("{}\n", queue.name)).collect();
            return session.screen.print(&names);
        }
        let mut wanted = COUNTS.to_vec();
        wanted.extend(["FifoQueue", "RedrivePolicy", "QueueArn"]);
        let asked_for: &[&str] = if session.as_json { &["All"] } else { &wanted };
        let attributes = session.attributes_of(&queues, asked_for)?;
        let rows: Vec<_> = queues
            .into_iter()
            .zip(attributes)
            .zip(tags)
            .map(|((queue, attributes), tags)| Row { queue, attributes, tags })
            .collect();
        if session.as_json {
            let queues: Vec<_> = rows.iter().map(Row::json).collect();
            return session.screen.json(&json!({ "Queues": queues }));
        }
        if rows.is_empty() {
            let region = session.caller.region();
            let what = if prefix.is_some() || !self.tags.is_empty() { "no such queue" } else { "no queue" };
            Screen::errors().note(&format!("{what} at {} (region {region})", session.caller.url()));
            return Ok(());
        }
        session.screen.print(&shown(session, &rows))
    }

    /// Those that have the tags, with all their tags.
    #[expect(clippy::type_complexity, reason = "the two go in step, and are taken apart at once")]
    fn tagged(
        &self,
        session: &mut Session,
        queues: Vec<Queue>,
    ) -> Result<(Vec<Queue>, Vec<Option<BTreeMap<String, String>>>), ToolError> {
        let ask = |queue: &Queue| Request::new("ListQueueTags", json!({ "QueueUrl": queue.url }));
        let answers = session.caller.ask_all(queues.iter().map(ask).collect())?;
        let found = queues.into_iter().zip(answers).filter_map(|(queue, answer)| {
            let tags = texts(&answer.ok()?["Tags"]);
            self.tags.iter().all(|wanted| has_tag(&tags, wanted)).then_some((queue, Some(tags)))
        });
        Ok(found.unzip())
    }
}

fn has_tag(tags: &BTreeMap<String, String>, wanted: &str) -> bool {
    match wanted.split_once('=') {
        Some((key, value)) => tags.get(key).is_some_and(|found| found == value),
        None => tags.contains_key(wanted),
    }
}

impl Row {
    fn json(&self) -> serde_json::Value {
        let mut row =
            json!({ "Name": self.queue.name, "QueueUrl": self.queue.url, "Attributes": self.attributes });
        if let Some(tags) = &self.tags {
            row["Tags"] = json!(tags);
        }
        row
    }
}

fn shown(session: &Session, rows: &[Row]) -> String {
    let dead: Vec<_> = rows.iter().map(|row| row.attributes.as_ref().and_then(DeadLetters::of)).collect();
    let targets: BTreeSet<_> = dead.iter().flatten().map(|dead| dead.arn.as_str()).collect();
    let cells = rows.iter().zip(&dead).map(|(row, dead)| {
        let name = Cell::new(clean(&row.queue.name));
        let Some(attributes) = &row.attributes else {
            return [name, "?".into(), "?".into(), "?".into(), "may not be looked at".into()];
        };
        let is_target = attributes.get("QueueArn").is_some_and(|arn| targets.contains(arn.as_str()));
        let [visible, in_flight, delayed] = counts(attributes);
        let count = |count: u64, ink: Ink| match count {
            0 => Cell::with("0", Ink::Faint),
            _ => Cell::with(shown_count(count), ink),
        };
        let visible = count(visible, if is_target { Ink::Alarming } else { Ink::Strong });
        let about = match dead {
            Some(dead) => format!("dead letters to {} after {}", clean(dead.name()), dead.max_receives),
            None if is_target => "takes dead letters".to_owned(),
            None => String::new(),
        };
        [
            name,
            visible,
            count(in_flight, Ink::Moving),
            count(delayed, Ink::Moving),
            Cell::with(about, Ink::Faint),
        ]
    });
    let head = [
        ("NAME", Side::Left),
        ("VISIBLE", Side::Right),
        ("IN FLIGHT", Side::Right),
        ("DELAYED", Side::Right),
        ("", Side::Left),
    ];
    table(session.screen, head, &cells.collect::<Vec<_>>())
}
