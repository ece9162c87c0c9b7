//! Makes what is planned, as a client. What is there already is left alone, or changed where that is wanted.

use super::plan::{Plan, Planned};
use crate::client::{CallError, Caller};
use crate::error::ToolError;
use crate::queue::attributes::{Attributes, DeadLetters};
use crate::queue::session::{is_unknown_queue, text_of, texts};
use crate::show::Ink;
use crate::show::progress::Bar;
use serde_json::{Value, json};

/// How often each queue is gone to: made, then brought to what is planned.
pub(super) const STEPS: u64 = 2;
/// What can name another queue, and so has to wait until all are there.
const REFERENCES: [&str; 2] = ["RedrivePolicy", "RedriveAllowPolicy"];
/// Attributes whose values are JSON: what counts is what they mean.
const DOCUMENTS: [&str; 3] = ["RedrivePolicy", "RedriveAllowPolicy", "Policy"];

/// What became of a planned queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Made,
    /// It was there, just so.
    There,
    /// It was there, and is as planned now.
    Changed(String),
    /// It was there, differs in this, and stays as it is.
    Differs(String),
    /// In the words of the service.
    Refused(String),
}

impl Outcome {
    pub(super) fn is_failure(&self) -> bool {
        matches!(self, Self::Differs(_) | Self::Refused(_))
    }

    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::There => "there already",
            Self::Changed(_) => "changed",
            Self::Differs(_) => "differs",
            Self::Refused(_) => "refused",
        }
    }

    pub(super) fn ink(&self) -> Ink {
        match self {
            Self::Made | Self::Changed(_) => Ink::Good,
            Self::There => Ink::Faint,
            Self::Differs(_) | Self::Refused(_) => Ink::Alarming,
        }
    }

    pub(super) fn reason(&self) -> String {
        match self {
            Self::Made | Self::There => String::new(),
            Self::Changed(what) | Self::Refused(what) => what.clone(),
            Self::Differs(what) => format!("{what}: --update changes it"),
        }
    }
}

/// Makes the queues, with the bar going along; each has its outcome.
///
/// # Errors
/// The service can't be asked.
pub(super) fn carry_out(
    caller: &mut Caller,
    plan: &Plan,
    update: bool,
    bar: &Bar,
) -> Result<Vec<Outcome>, ToolError> {
    let mut found = Vec::new();
    for queue in &plan.queues {
        found.push(refused(make(caller, queue))?);
        bar.at(found.len() as u64, queue.name.clone());
    }
    let mut outcomes = Vec::new();
    for (queue, made) in plan.queues.iter().zip(found) {
        let outcome = match made {
            Err(reason) => Outcome::Refused(reason),
            Ok(there) => match refused(adjust(caller, queue, &there, update))? {
                Ok(outcome) => outcome,
                Err(reason) => Outcome::Refused(reason),
            },
        };
        outcomes.push(outcome);
        bar.at((plan.queues.len() + outcomes.len()) as u64, queue.name.clone());
    }
    Ok(outcomes)
}

/// A queue that is there now.
struct There {
    url: String,
    is_new: bool,
}

/// Refusals are about one queue; everything else is about all of them.
fn refused<T>(outcome: Result<T, CallError>) -> Result<Result<T, String>, ToolError> {
    match outcome {
        Ok(value) => Ok(Ok(value)),
        Err(error @ CallError::Refused { .. })
            if error.code() != Some("MissingAuthenticationTokenException") =>
        {
            Ok(Err(error.to_string()))
        }
        Err(error) => Err(error.into()),
    }
}

fn make(caller: &mut Caller, queue: &Planned) -> Result<There, CallError> {
    match caller.call("GetQueueUrl", json!({ "QueueName": queue.name })) {
        Ok(answer) => return Ok(There { url: text_of(&answer, "QueueUrl").to_owned(), is_new: false }),
        Err(error) if is_unknown_queue(&error) => {}
        Err(error) => return Err(error),
    }
    let mut attributes = queue.attributes.clone();
    attributes.retain(|name, _| !REFERENCES.contains(&name.as_str()));
    let tags = if queue.tags.is_empty() { Value::Null } else { json!(queue.tags) };
    let input = json!({ "QueueName": queue.name, "Attributes": attributes, "tags": tags });
    let answer = caller.call("CreateQueue", input)?;
    Ok(There { url: text_of(&answer, "QueueUrl").to_owned(), is_new: true })
}

/// Brings a queue to what is planned: a new one gets its references, an old one what differs, if that is wanted.
fn adjust(caller: &mut Caller, queue: &Planned, there: &There, update: bool) -> Result<Outcome, CallError> {
    let answer =
        caller.call("GetQueueAttributes", json!({ "QueueUrl": there.url, "AttributeNames": ["All"] }))?;
    let has = texts(&answer["Attributes"]);
    // Queues that name each other are in one account and region.
    let arn_prefix =
        has.get("QueueArn").and_then(|arn| arn.rsplit_once(':')).map_or("", |(prefix, _)| prefix);
    let wanted = queue.whole(arn_prefix);
    let mut differing = wanted.clone();
    differing.retain(|name, value| !is_same(name, value, has.get(name)));
    // What a service doesn't tell (FifoQueue of a standard queue, say) and is not wanted, is no difference.
    differing.retain(|name, value| !(name == "FifoQueue" && value == "false" && !has.contains_key(name)));
    let has_tags = texts(&caller.call("ListQueueTags", json!({ "QueueUrl": there.url }))?["Tags"]);
    let mut tags = queue.tags.clone();
    tags.retain(|key, value| has_tags.get(key) != Some(value));
    let names = differences(&differing, &has, tags.keys());
    if names.is_empty() {
        return Ok(if there.is_new { Outcome::Made } else { Outcome::There });
    }
    if !there.is_new && !update {
        return Ok(Outcome::Differs(names));
    }
    if !differing.is_empty() {
        caller.call("SetQueueAttributes", json!({ "QueueUrl": there.url, "Attributes": differing }))?;
    }
    if !tags.is_empty() {
        caller.call("TagQueue", json!({ "QueueUrl": there.url, "Tags": tags }))?;
    }
    Ok(if there.is_new { Outcome::Made } else { Outcome::Changed(names) })
}

fn is_same(name: &str, wanted: &str, has: Option<&String>) -> bool {
    let Some(has) = has else { return wanted.is_empty() };
    if name == "RedrivePolicy" {
        let policy = |text: &str| DeadLetters::of(&Attributes::from([(name.to_owned(), text.to_owned())]));
        return policy(wanted) == policy(has);
    }
    let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
    wanted == has || (DOCUMENTS.contains(&name) && parsed(wanted).is_some() && parsed(wanted) == parsed(has))
}

/// `VisibilityTimeout 30 instead of 60, tags team`.
fn differences<'t>(
    differing: &Attributes,
    has: &Attributes,
    tags: impl Iterator<Item = &'t String>,
) -> String {
    let mut parts: Vec<_> = differing
        .iter()
        .map(|(name, wanted)| match has.get(name) {
            _ if DOCUMENTS.contains(&name.as_str()) => name.clone(),
            Some(has) => format!("{name} {has} instead of {wanted}"),
            None => format!("{name} {wanted}"),
        })
        .collect();
    let tags: Vec<_> = tags.map(String::as_str).collect();
    if !tags.is_empty() {
        parts.push(format!("tags {}", tags.join(" ")));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::is_same;

    #[test]
    fn policies_are_the_same_where_they_mean_the_same() {
        let same = |name: &str, wanted: &str, has: &str| is_same(name, wanted, Some(&has.to_owned()));
        let policy = r#"{"deadLetterTargetArn":"arn:d","maxReceiveCount":3}"#;
        assert!(same("RedrivePolicy", policy, r#"{"maxReceiveCount":"3", "deadLetterTargetArn":"arn:d"}"#));
        assert!(!same("RedrivePolicy", policy, r#"{"deadLetterTargetArn":"arn:d","maxReceiveCount":4}"#));
        assert!(same("Policy", "{\"a\": 1}", "{\"a\":1}") && !same("Policy", "x", "y"));
        assert!(same("DelaySeconds", "1", "1") && !same("DelaySeconds", "1", "2"));
        assert!(is_same("Policy", "", None) && !is_same("DelaySeconds", "1", None));
    }
}
