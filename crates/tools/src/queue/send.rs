//! `bongsu queue send`.

mod batches;

use super::session::{Queue, Session, items, text_of};
use crate::error::ToolError;
use crate::show::progress::{Bar, Counts};
use crate::show::units::{messages, seconds};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use batches::{Batch, Batches};
use clap::Args;
use serde_json::{Map, Value, json};
use std::io::{self, BufRead, BufReader, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

/// Send a message, or many
#[derive(Args, Clone, Debug)]
pub(super) struct Send {
    /// Name, URL or ARN
    #[arg(value_name = "QUEUE")]
    pub(super) queue: String,
    /// The body; `-` is standard input
    #[arg(value_name = "BODY", required_unless_present = "file", conflicts_with = "file")]
    body: Option<String>,
    /// The body is in this file
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Each line is a message
    #[arg(long)]
    each_line: bool,
    /// A message attribute: of type String, or of the type that is named; bytes of a Binary in base64. May be given several times
    #[arg(long = "attribute", value_name = "NAME[:TYPE]=VALUE", value_parser = attribute)]
    attributes: Vec<(String, Value)>,
    /// Message group: needed on FIFO queues; a tenant on standard queues
    #[arg(long, value_name = "ID")]
    group: Option<String>,
    /// FIFO: messages with the same id are one for five minutes
    #[arg(long, value_name = "ID", conflicts_with = "each_line")]
    deduplication_id: Option<String>,
    /// Hold the message back
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    delay: Option<u64>,
    /// X-Ray's trace header
    #[arg(long, value_name = "HEADER")]
    trace: Option<String>,
}

/// `name=value`, `name:Number=5`, `name:Binary=aGk=`.
fn attribute(text: &str) -> Result<(String, Value), String> {
    let (name, value) =
        text.split_once('=').ok_or("an attribute is given as NAME=VALUE or NAME:TYPE=VALUE")?;
    let (name, kind) = name.split_once(':').unwrap_or((name, "String"));
    let value = match kind.split('.').next() {
        Some("String" | "Number") => json!({ "DataType": kind, "StringValue": value }),
        Some("Binary") => {
            STANDARD.decode(value).map_err(|error| format!("bytes are given in base64: {error}"))?;
            json!({ "DataType": kind, "BinaryValue": value })
        }
        _ => return Err(format!("types are String, Number and Binary, not {kind}")),
    };
    Ok((name.to_owned(), value))
}

impl Send {
    pub(super) fn run(self, session: &mut Session) -> Result<(), ToolError> {
        let queue = session.queue(&self.queue)?;
        if queue.is_fifo() && self.group.is_none() {
            return Err(ToolError::Usage(format!(
                "{} is a FIFO queue: its messages need a --group",
                queue.name
            )));
        }
        if self.each_line {
            return self.send_lines(session, &queue);
        }
        let mut message = self.members();
        message.insert("MessageBody".to_owned(), json!(self.read_body()?));
        let answer = session.call_on(&queue, "SendMessage", Value::Object(message))?;
        if session.as_json {
            return session.screen.json(&answer);
        }
        session.screen.print(&format!("{}\n", text_of(&answer, "MessageId")))
    }

    /// What all messages have in common.
    fn members(&self) -> Map<String, Value> {
        let mut members = Map::new();
        let attributes: Map<_, _> = self.attributes.iter().cloned().collect();
        if !attributes.is_empty() {
            members.insert("MessageAttributes".to_owned(), Value::Object(attributes));
        }
        let texts = [("MessageGroupId", &self.group), ("MessageDeduplicationId", &self.deduplication_id)];
        members.extend(
            texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), json!(text.as_ref()?)))),
        );
        if let Some(delay_seconds) = self.delay {
            members.insert("DelaySeconds".to_owned(), json!(delay_seconds));
        }
        if let Some(trace) = &self.trace {
            let header = json!({ "AWSTraceHeader": { "DataType": "String", "StringValue": trace } });
            members.insert("MessageSystemAttributes".to_owned(), header);
        }
        members
    }

    fn read_body(&self) -> Result<String, ToolError> {
        let mut body = String::new();
        match (&self.file, self.body.as_deref()) {
            (Some(path), _) => {
                body = std::fs::read_to_string(path)
                    .map_err(|reason| ToolError::File { path: path.clone(), reason })?;
            }
            (None, Some("-")) => {
                io::stdin().lock().read_to_string(&mut body)?;
            }
            (None, given) => body.push_str(given.unwrap_or_default()),
        }
        Ok(body)
    }

    /// Where lines come from, and how many bytes there are, if that is known.
    fn source(&self) -> Result<(Box<dyn BufRead>, Option<u64>), ToolError> {
        let failed = |path: &Path, reason| ToolError::File { path: path.to_owned(), reason };
        match (&self.file, self.body.as_deref()) {
            (Some(path), _) => {
                let file = std::fs::File::open(path).map_err(|reason| failed(path, reason))?;
                let metadata = file.metadata().map_err(|reason| failed(path, reason))?;
                Ok((Box::new(BufReader::new(file)), metadata.is_file().then_some(metadata.len())))
            }
            (None, Some("-")) => {
                if io::stdin().is_terminal() {
                    crate::show::Screen::errors().note("each line is a message; Ctrl-D ends");
                }
                Ok((Box::new(io::stdin().lock()), None))
            }
            (None, given) => {
                let text = given.unwrap_or_default().to_owned();
                let bytes = text.len() as u64;
                Ok((Box::new(io::Cursor::new(text)), Some(bytes)))
            }
        }
    }

    fn send_lines(&self, session: &mut Session, queue: &Queue) -> Result<(), ToolError> {
        let (source, end) = self.source()?;
        let bar = Bar::new(end, Counts::Bytes);
        let mut tally = Tally::default();
        let outcome = self.send_batches(session, queue, Batches::new(source), &bar, &mut tally);
        bar.clear();
        if let Err(error) = outcome {
            // Whoever has to go on from here needs to know where that is.
            if tally.lines > 0 {
                crate::show::Screen::errors().note(&format!(
                    "sent {}, from lines 1 to {}; the rest was not",
                    messages(tally.sent),
                    tally.lines
                ));
            }
            return Err(error);
        }
        if session.as_json {
            session.screen.json(&json!({ "Sent": tally.sent, "Failed": tally.failed }))?;
        } else {
            session.screen.print(&format!("sent {}\n", messages(tally.sent)))?;
        }
        match tally.failed.len() {
            0 => Ok(()),
            failed => Err(ToolError::Partly(format!("{failed} lines were refused"))),
        }
    }

    fn send_batches(
        &self,
        session: &mut Session,
        queue: &Queue,
        mut batches: Batches,
        bar: &Bar,
        tally: &mut Tally,
    ) -> Result<(), ToolError> {
        let members = self.members();
        let overhead = Value::Object(members.clone()).to_string().len();
        while let Some(batch) = batches.next(overhead)? {
            let entries: Vec<_> =
                batch.lines.iter().map(|(line, body)| entry(&members, *line, body)).collect();
            let answer = session.call_on(queue, "SendMessageBatch", json!({ "Entries": entries }))?;
            tally.take(&batch, &answer, bar);
            bar.at(batch.end_bytes, messages(tally.sent));
        }
        Ok(())
    }
}

fn entry(members: &Map<String, Value>, line: u64, body: &str) -> Value {
    let mut entry = members.clone();
    entry.insert("Id".to_owned(), json!(line.to_string()));
    entry.insert("MessageBody".to_owned(), json!(body));
    Value::Object(entry)
}

/// What became of the lines.
#[derive(Default)]
struct Tally {
    sent: u64,
    /// The last line that was tried.
    lines: u64,
    failed: Vec<Value>,
}

impl Tally {
    fn take(&mut self, batch: &Batch, answer: &Value, bar: &Bar) {
        self.lines = batch.lines.last().map_or(self.lines, |(line, _)| *line);
        let failed: Vec<_> = items(&answer["Failed"]).collect();
        self.sent += (batch.lines.len() - failed.len().min(batch.lines.len())) as u64;
        for failure in failed {
            let (line, code) = (text_of(failure, "Id"), text_of(failure, "Code"));
            let message = text_of(failure, "Message");
            bar.say(&format!("line {line}: {code}: {message}"));
            let line: u64 = line.parse().unwrap_or_default();
            self.failed.push(json!({ "Line": line, "Code": code, "Message": message }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::attribute;
    use serde_json::json;

    #[test]
    fn attributes_have_types() {
        let value = |text| attribute(text).unwrap().1;
        assert_eq!(
            attribute("a=b=c").unwrap(),
            ("a".into(), json!({ "DataType": "String", "StringValue": "b=c" }))
        );
        assert_eq!(value("a:Number=5"), json!({ "DataType": "Number", "StringValue": "5" }));
        assert_eq!(value("a:Number.int=5"), json!({ "DataType": "Number.int", "StringValue": "5" }));
        assert_eq!(value("a:Binary=aGk="), json!({ "DataType": "Binary", "BinaryValue": "aGk=" }));
        for (wrong, reason) in [("a", "NAME=VALUE"), ("a:Date=1", "not Date"), ("a:Binary=?", "base64")] {
            let error = attribute(wrong).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
