//! `bongsu import`: queues that another program's configuration declares.
//!
//! Each kind of file is read into a `plan`: `elasticmq` (on `hocon`), `shell` (on nothing but text; scripts are not run), `declared` (the
//! server's own TOML). `carry_out` makes the plan's queues as a client; `declared` writes them down instead.

mod carry_out;
mod declared;
mod elasticmq;
mod hocon;
pub(crate) mod plan;
mod shell;

use crate::client::access::Surroundings;
use crate::client::{Caller, Service, Target};
use crate::error::ToolError;
use crate::show::progress::{Bar, Counts};
use crate::show::table::{Cell, Side, table};
use crate::show::{Ink, Screen, clean};
use carry_out::Outcome;
use clap::{Args, ValueEnum};
use hocon::Around;
use plan::{Plan, Planned};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

const DEFAULT_ACCOUNT: &str = "000000000000";
/// No configuration comes near.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Make the queues that an ElasticMQ configuration, a script with `awslocal sqs create-queue`, or a Bongsu configuration declares
///
/// What is there already stays as it is; what can't be taken over is named with its line. Scripts are read, not run.
#[derive(Args, Clone, Debug)]
pub struct ImportArguments {
    #[command(flatten)]
    target: Target,
    /// Files; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// What the files are [default: as their names and contents say]
    #[arg(long, value_name = "KIND")]
    from: Option<Kind>,
    /// Only say what would be made
    #[arg(long)]
    dry_run: bool,
    /// Only print a configuration for `bongsu serve --config`
    #[arg(long, conflicts_with_all = ["dry_run", "update"])]
    toml: bool,
    /// Change queues that are there and differ
    #[arg(long)]
    update: bool,
    /// End with exit code 1 if anything can't be taken over; nothing is made then
    #[arg(long)]
    strict: bool,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// HOCON, with `queues { … }`
    Elasticmq,
    /// A shell script with the AWS CLI
    Shell,
    /// TOML with `[[queues]]`
    Bongsu,
}

impl Kind {
    /// By the name; by the content where that says nothing.
    fn of(path: &Path, text: &str) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("conf" | "hocon" | "json") => return Self::Elasticmq,
            Some("sh" | "bash" | "zsh") => return Self::Shell,
            Some("toml") => return Self::Bongsu,
            _ => {}
        }
        let has = |wanted: &str| text.lines().any(|line| line.trim_start().starts_with(wanted));
        if text.starts_with("#!") || text.contains("sqs create-queue") {
            Self::Shell
        } else if has("[[queues]]") {
            Self::Bongsu
        } else {
            Self::Elasticmq
        }
    }
}

impl ImportArguments {
    /// Does it.
    ///
    /// # Errors
    /// [`ToolError`].
    pub fn run(self) -> Result<(), ToolError> {
        let mut plan = Plan::default();
        for path in &self.files {
            plan.extend(self.read(path)?);
        }
        plan.complete();
        let screen = Screen::output();
        if !self.target.json {
            tell_notes(&plan);
        }
        let losses = plan.notes.iter().filter(|note| note.is_loss).count();
        if self.strict && losses > 0 {
            return Err(ToolError::Partly(format!("{losses} things can't be taken over; nothing was made")));
        }
        if self.toml {
            let region = self.target.region.as_deref().or(plan.region.as_deref()).unwrap_or("us-east-1");
            let account = plan.account.as_deref().unwrap_or(DEFAULT_ACCOUNT);
            return screen.print(&declared::write(&plan, region, account));
        }
        if self.dry_run {
            if self.target.json {
                return screen.json(&json_of(&plan, None));
            }
            return screen.print(&shown(screen, &plan, None));
        }
        let access = self.target.access(&Surroundings::of_process(), None)?;
        let mut caller = Caller::new(access, Service::Sqs)?;
        if let Some(region) = plan.region.as_deref().filter(|region| *region != caller.region()) {
            Screen::errors().note(&format!(
                "queues are made in {}, and the file has them in {region} (--region {region})",
                caller.region()
            ));
        }
        let outcomes = make(&mut caller, &plan, self.update)?;
        match self.target.json {
            true => screen.json(&json_of(&plan, Some(&outcomes)))?,
            false => screen.print(&shown(screen, &plan, Some(&outcomes)))?,
        }
        let failed = outcomes.iter().filter(|outcome| outcome.is_failure()).count();
        if failed > 0 {
            Err(ToolError::Partly(match failed {
                1 => "a queue is not as the file has it".to_owned(),
                _ => format!("{failed} queues are not as the file has them"),
            }))
        } else {
            Ok(())
        }
    }

    fn read(&self, path: &Path) -> Result<Plan, ToolError> {
        let text = read_file(path).map_err(|reason| ToolError::File { path: path.to_owned(), reason })?;
        let name = if path == Path::new("-") { "stdin".to_owned() } else { path.display().to_string() };
        let variables: BTreeMap<_, _> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        // What a file names stands beside it.
        let beside = |named: &str| read_file(&path.parent().unwrap_or(Path::new("")).join(named)).ok();
        let plan = match self.from.unwrap_or_else(|| Kind::of(path, &text)) {
            Kind::Elasticmq => {
                let around = Around { read: &beside, variables: &variables };
                elasticmq::read(&name, &text, &around).map_err(|error| error.to_string())
            }
            Kind::Shell => {
                shell::read(&name, &text, &shell::Outside { read: &beside, variables: &variables })
            }
            Kind::Bongsu => declared::read(&name, &text),
        };
        let mut plan = plan.map_err(ToolError::Usage)?;
        if plan.queues.is_empty() {
            plan.tell(&plan::Place::new(&name.into(), 1), "there is no queue in it");
        }
        Ok(plan)
    }
}

/// Makes the queues, with a bar.
fn make(caller: &mut Caller, plan: &Plan, update: bool) -> Result<Vec<Outcome>, ToolError> {
    let bar = Bar::new(Some(plan.queues.len() as u64 * carry_out::STEPS), Counts::Things);
    let made = carry_out::carry_out(caller, plan, update, &bar);
    bar.clear();
    made
}

fn read_file(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(MAX_FILE_BYTES).read_to_string(&mut text)
    } else {
        std::fs::File::open(path)?.take(MAX_FILE_BYTES).read_to_string(&mut text)
    };
    match read? as u64 {
        MAX_FILE_BYTES => Err(std::io::Error::other("it is larger than 16 MiB")),
        _ => Ok(text),
    }
}

fn tell_notes(plan: &Plan) {
    let screen = Screen::errors();
    for note in &plan.notes {
        let place = clean(&note.place.to_string());
        let ink = if note.is_loss { Ink::Alarming } else { Ink::Faint };
        let word = screen.paint(ink, if note.is_loss { "not taken over:" } else { "note:" });
        let _ = screen.print(&format!("{place}: {word} {}\n", clean(&note.text)));
    }
}

fn json_of(plan: &Plan, outcomes: Option<&[Outcome]>) -> Value {
    let queue = |(index, queue): (usize, &Planned)| {
        let place = json!({ "File": queue.place.file(), "Line": queue.place.line() });
        let mut shown = json!({
            "Name": queue.name,
            "Attributes": queue.attributes,
            "Tags": queue.tags,
            "DeadLetterQueue": queue.dead_letters.as_ref().map(|dead| json!({
                "Name": dead.name, "MaxReceiveCount": dead.max_receives,
            })),
            "Place": place,
        });
        if let Some(outcome) = outcomes.and_then(|outcomes| outcomes.get(index)) {
            shown["Outcome"] = json!(outcome.word());
            shown["Reason"] = json!(outcome.reason());
        }
        shown
    };
    let notes = plan.notes.iter().map(|note| {
        json!({ "File": note.place.file(), "Line": note.place.line(), "Text": note.text, "TakenOver": !note.is_loss })
    });
    json!({
        "Queues": plan.queues.iter().enumerate().map(queue).collect::<Vec<_>>(),
        "Notes": notes.collect::<Vec<_>>(),
    })
}

fn shown(screen: Screen, plan: &Plan, outcomes: Option<&[Outcome]>) -> String {
    let rows = plan.queues.iter().enumerate().map(|(index, queue)| {
        let outcome = outcomes.and_then(|outcomes| outcomes.get(index));
        let word = match outcome {
            None => Cell::with("would be made", Ink::Faint),
            Some(outcome) => Cell::with(outcome.word(), outcome.ink()),
        };
        let about = match outcome.map(Outcome::reason) {
            Some(reason) if !reason.is_empty() => reason,
            _ => in_words(queue),
        };
        [Cell::new(clean(&queue.name)), word, Cell::new(clean(&about))]
    });
    let head = [("NAME", Side::Left), ("", Side::Left), ("", Side::Left)];
    table(screen, head, &rows.collect::<Vec<_>>())
}

/// `VisibilityTimeout=10, dead letters to x after 3`.
fn in_words(queue: &Planned) -> String {
    let attributes = queue.attributes.iter().filter(|(name, _)| *name != "FifoQueue");
    let mut parts: Vec<_> = attributes.map(|(name, value)| format!("{name}={value}")).collect();
    if let Some(dead) = &queue.dead_letters {
        parts.push(format!("dead letters to {} after {}", dead.name, dead.max_receives));
    }
    parts.extend(queue.tags.iter().map(|(key, value)| format!("tag {key}={value}")));
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::Kind;
    use std::path::Path;

    #[test]
    fn kinds_are_told_by_name_and_content() {
        for (name, text, kind) in [
            ("a.conf", "", Kind::Elasticmq),
            ("a.sh", "", Kind::Shell),
            ("a.toml", "", Kind::Bongsu),
            ("-", "#!/bin/sh", Kind::Shell),
            ("a", "awslocal sqs create-queue", Kind::Shell),
            ("a", "x = 1\n [[queues]]", Kind::Bongsu),
            ("a", "queues { }", Kind::Elasticmq),
        ] {
            assert_eq!(Kind::of(Path::new(name), text), kind, "{name} {text}");
        }
    }
}
