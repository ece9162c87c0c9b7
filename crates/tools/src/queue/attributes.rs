//! What is known of queues' attributes, for showing them and for setting them.

use crate::show::units::{shown_bytes, shown_seconds};
use serde_json::Value;
use std::collections::BTreeMap;

/// A queue's attributes by name.
pub(crate) type Attributes = BTreeMap<String, String>;

/// The three counts, in the order in which they are shown.
pub(crate) const COUNTS: [&str; 3] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
];

/// Visible, in flight, delayed.
pub(crate) fn counts(attributes: &Attributes) -> [u64; 3] {
    COUNTS.map(|name| number(attributes, name))
}

pub(crate) fn number(attributes: &Attributes, name: &str) -> u64 {
    attributes.get(name).and_then(|value| value.parse().ok()).unwrap_or(0)
}

/// Where messages go that are received too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeadLetters {
    /// The queue's ARN.
    pub(crate) arn: String,
    /// After how many receives.
    pub(crate) max_receives: u64,
}

impl DeadLetters {
    pub(crate) fn of(attributes: &Attributes) -> Option<Self> {
        let policy: Value = serde_json::from_str(attributes.get("RedrivePolicy")?).ok()?;
        let count = &policy["maxReceiveCount"];
        let count = count.as_u64().or_else(|| count.as_str()?.parse().ok());
        let arn = policy["deadLetterTargetArn"].as_str()?.to_owned();
        // AWS's default.
        Some(Self { arn, max_receives: count.unwrap_or(10) })
    }

    /// The queue's name.
    pub(crate) fn name(&self) -> &str {
        self.arn.rsplit(':').next().unwrap_or(&self.arn)
    }
}

/// The policy as SQS takes it.
pub(crate) fn redrive_policy(arn: &str, max_receives: u64) -> String {
    serde_json::json!({ "deadLetterTargetArn": arn, "maxReceiveCount": max_receives }).to_string()
}

/// `FIFO, deduplicates by content, …` or `standard`.
pub(crate) fn kind(attributes: &Attributes) -> String {
    let is = |name: &str, value: &str| attributes.get(name).is_some_and(|found| found == value);
    if !is("FifoQueue", "true") {
        return "standard".to_owned();
    }
    let mut parts = vec!["FIFO"];
    if is("ContentBasedDeduplication", "true") {
        parts.push("deduplicates by content");
    }
    if is("DeduplicationScope", "messageGroup") {
        parts.push("within groups");
    }
    if is("FifoThroughputLimit", "perMessageGroupId") {
        parts.push("throughput per group");
    }
    parts.join(", ")
}

/// How a queue's messages are encrypted.
pub(crate) fn encryption(attributes: &Attributes) -> String {
    let key = attributes.get("KmsMasterKeyId").filter(|key| !key.is_empty());
    match (key, attributes.get("SqsManagedSseEnabled").map(String::as_str)) {
        (Some(key), _) => {
            let reuse = number(attributes, "KmsDataKeyReusePeriodSeconds");
            format!("KMS key {key}, data keys for {}", shown_seconds(if reuse == 0 { 300 } else { reuse }))
        }
        (None, Some("true")) => "with the server's own keys".to_owned(),
        (None, _) => "none".to_owned(),
    }
}

/// An attribute's value with its unit.
pub(crate) fn with_unit(attributes: &Attributes, name: &str) -> Option<String> {
    let value = attributes.get(name)?;
    let Ok(number) = value.parse::<u64>() else { return Some(value.clone()) };
    Some(match name {
        "MaximumMessageSize" => shown_bytes(number),
        _ => shown_seconds(number),
    })
}

#[cfg(test)]
mod tests {
    use super::{Attributes, DeadLetters, encryption, kind, redrive_policy, with_unit};

    fn attributes(all: &[(&str, &str)]) -> Attributes {
        all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_redrive_policy_is_read_in_the_forms_that_are_about() {
        let of = |policy: &str| DeadLetters::of(&attributes(&[("RedrivePolicy", policy)]));
        let expected = |max_receives| Some(DeadLetters { arn: "arn:aws:sqs:r:1:dead".into(), max_receives });
        assert_eq!(of(&redrive_policy("arn:aws:sqs:r:1:dead", 5)), expected(5));
        assert_eq!(
            of(r#"{"deadLetterTargetArn":"arn:aws:sqs:r:1:dead","maxReceiveCount":"7"}"#),
            expected(7)
        );
        assert_eq!(of(r#"{"deadLetterTargetArn":"arn:aws:sqs:r:1:dead"}"#), expected(10));
        assert_eq!(expected(1).unwrap().name(), "dead");
        assert_eq!((of(""), of("{}")), (None, None));
    }

    #[test]
    fn attributes_in_words() {
        let fifo = attributes(&[("FifoQueue", "true"), ("ContentBasedDeduplication", "true")]);
        assert_eq!(kind(&fifo), "FIFO, deduplicates by content");
        assert_eq!(kind(&attributes(&[])), "standard");
        let key = attributes(&[("KmsMasterKeyId", "alias/a"), ("SqsManagedSseEnabled", "false")]);
        assert_eq!(encryption(&key), "KMS key alias/a, data keys for 5 min");
        let sizes = attributes(&[("MaximumMessageSize", "262144"), ("DelaySeconds", "90")]);
        assert_eq!(with_unit(&sizes, "MaximumMessageSize").unwrap(), "256 KiB");
        assert_eq!(with_unit(&sizes, "DelaySeconds").unwrap(), "1 min 30 s");
        assert_eq!(with_unit(&sizes, "Policy"), None);
    }
}
