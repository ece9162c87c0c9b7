//! `bongsu queue create`.

use super::attributes::{Attributes, redrive_policy};
use super::session::{Session, text_of};
use crate::error::ToolError;
use crate::show::units::{bytes, seconds};
use clap::Args;
use serde_json::json;
use std::collections::BTreeMap;

/// AWS's default.
const MAX_RECEIVES: u64 = 10;

/// Make a queue; one that is there with the same attributes stays as it is
#[derive(Args, Clone, Debug)]
pub(super) struct Create {
    /// Its name; that of a FIFO queue ends in .fifo
    #[arg(value_name = "NAME")]
    pub(super) name: String,
    /// A FIFO queue (also said by a name that ends in .fifo)
    #[arg(long)]
    fifo: bool,
    /// FIFO: messages of the same body are one, without a deduplication id
    #[arg(long)]
    content_deduplication: bool,
    /// FIFO: each message group has a throughput, and a deduplication, of its own
    #[arg(long)]
    high_throughput: bool,
    /// How long a received message stays hidden from others [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    visibility: Option<u64>,
    /// How long messages are kept [default: 4d]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    retention: Option<u64>,
    /// How long each new message is held back [default: 0s]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    delay: Option<u64>,
    /// How long a receive waits for messages if it doesn't say so itself [default: 0s]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    wait: Option<u64>,
    /// The largest message that is taken [default: 1MiB]
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    max_size: Option<u64>,
    /// Where messages go that were received too often
    #[arg(long, value_name = "QUEUE")]
    dead_letter: Option<String>,
    /// After how many receives [default: 10]
    #[arg(long, value_name = "N", requires = "dead_letter")]
    max_receives: Option<u64>,
    /// Encrypt with this key: an id, an alias/NAME, or an ARN
    #[arg(long, value_name = "KEY")]
    kms_key: Option<String>,
    /// Any attribute, by the name it has in SQS; may be given several times
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = pair)]
    attributes: Vec<(String, String)>,
    /// A tag; may be given several times
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = pair)]
    tags: Vec<(String, String)>,
}

pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it is given as NAME=VALUE")?;
    if name.is_empty() {
        Err("the name is missing".to_owned())
    } else {
        Ok((name.to_owned(), value.to_owned()))
    }
}

impl Create {
    pub(super) fn run(self, session: &mut Session) -> Result<(), ToolError> {
        if self.name.contains(['/', ':']) {
            return Err(ToolError::Usage(format!("a new queue is given by its name, not {}", self.name)));
        }
        let name = if self.is_fifo() && !self.name.ends_with(".fifo") {
            format!("{}.fifo", self.name)
        } else {
            self.name.clone()
        };
        let dead_letter = match &self.dead_letter {
            None => None,
            Some(arn) if arn.starts_with("arn:") => Some(arn.clone()),
            Some(name) => {
                let queue = session.queue(name)?;
                Some(session.arn(&queue)?)
            }
        };
        let attributes = self.attributes(dead_letter.as_deref())?;
        let tags: BTreeMap<_, _> = self.tags.iter().cloned().collect();
        // Older services don't know the lower case that the model has for this one.
        let tags = if tags.is_empty() { json!(null) } else { json!(tags) };
        let input = json!({ "QueueName": name, "Attributes": attributes, "tags": tags });
        let answer = session.call("CreateQueue", input)?;
        if session.as_json {
            return session.screen.json(&answer);
        }
        session.screen.print(&format!("{}\n", text_of(&answer, "QueueUrl")))
    }

    fn is_fifo(&self) -> bool {
        self.fifo || self.name.ends_with(".fifo")
    }

    fn attributes(&self, dead_letter: Option<&str>) -> Result<Attributes, ToolError> {
        if !self.is_fifo() && (self.content_deduplication || self.high_throughput) {
            let reason = "--content-deduplication and --high-throughput are for FIFO queues: add --fifo";
            return Err(ToolError::Usage(reason.to_owned()));
        }
        let number = |value: Option<u64>| value.map(|value| value.to_string());
        let word = |said: bool, word: &str| said.then(|| word.to_owned());
        let redrive = dead_letter.map(|arn| redrive_policy(arn, self.max_receives.unwrap_or(MAX_RECEIVES)));
        let flags = [
            ("FifoQueue", word(self.is_fifo(), "true")),
            ("ContentBasedDeduplication", word(self.content_deduplication, "true")),
            ("DeduplicationScope", word(self.high_throughput, "messageGroup")),
            ("FifoThroughputLimit", word(self.high_throughput, "perMessageGroupId")),
            ("VisibilityTimeout", number(self.visibility)),
            ("MessageRetentionPeriod", number(self.retention)),
            ("DelaySeconds", number(self.delay)),
            ("ReceiveMessageWaitTimeSeconds", number(self.wait)),
            ("MaximumMessageSize", number(self.max_size)),
            ("RedrivePolicy", redrive),
            ("KmsMasterKeyId", self.kms_key.clone()),
        ];
        let flags = flags.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let mut attributes = Attributes::new();
        for (name, value) in flags.chain(self.attributes.iter().cloned()) {
            if attributes.insert(name.clone(), value).is_some_and(|_| name != "FifoQueue") {
                return Err(ToolError::Usage(format!("{name} is given twice")));
            }
        }
        Ok(attributes)
    }
}

#[cfg(test)]
mod tests {
    use super::Create;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        create: Create,
    }

    fn attributes(line: &str) -> Result<String, String> {
        let create =
            Line::try_parse_from(["x"].into_iter().chain(line.split(' '))).map_err(|e| e.to_string())?.create;
        let attributes =
            create.attributes(create.dead_letter.as_deref()).map_err(|error| error.to_string())?;
        Ok(serde_json::json!(attributes).to_string())
    }

    #[test]
    fn flags_become_attributes() {
        let cases = [
            ("q", "{}"),
            ("q.fifo", r#"{"FifoQueue":"true"}"#),
            ("q --fifo --attribute FifoQueue=true", r#"{"FifoQueue":"true"}"#),
            (
                "q --visibility 1m --retention 2d --delay 5 --wait 20s --max-size 4KiB",
                r#"{"DelaySeconds":"5","MaximumMessageSize":"4096","MessageRetentionPeriod":"172800","ReceiveMessageWaitTimeSeconds":"20","VisibilityTimeout":"60"}"#,
            ),
            (
                "q --dead-letter arn:d",
                r#"{"RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:d\",\"maxReceiveCount\":10}"}"#,
            ),
            (
                "q --fifo --content-deduplication --high-throughput --kms-key alias/k",
                r#"{"ContentBasedDeduplication":"true","DeduplicationScope":"messageGroup","FifoQueue":"true","FifoThroughputLimit":"perMessageGroupId","KmsMasterKeyId":"alias/k"}"#,
            ),
            ("q --attribute SqsManagedSseEnabled=false", r#"{"SqsManagedSseEnabled":"false"}"#),
        ];
        for (line, expected) in cases {
            assert_eq!(attributes(line).unwrap(), expected, "{line}");
        }
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for (line, reason) in [
            ("q --content-deduplication", "--fifo"),
            ("q --max-receives 3", "--dead-letter"),
            ("q --delay 5 --attribute DelaySeconds=6", "DelaySeconds is given twice"),
            ("q --visibility soon", "30s"),
            ("q --attribute x", "NAME=VALUE"),
            ("q --tag =x", "name is missing"),
        ] {
            let error = attributes(line).unwrap_err();
            assert!(error.contains(reason), "{line}: {error}");
        }
    }
}
