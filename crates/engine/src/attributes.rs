//! Queue attributes: which exist, what they may say, and what they mean.
//!
//! A queue keeps the strings that its user set, because SQS gives them back byte for byte; [`Settings`] is what the
//! engine reads out of them, made anew from the strings whenever they change or are replayed.

use crate::command::StringMap;
use crate::error::AttributeError;
use crate::names::QueueName;
use serde_json::{Map, Value};

/// How a queue behaves, read from its attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// VisibilityTimeout.
    pub visibility_timeout_ms: u64,
    /// DelaySeconds.
    pub delay_ms: u64,
    /// MaximumMessageSize.
    pub max_message_bytes: u64,
    /// MessageRetentionPeriod.
    pub retention_ms: u64,
    /// ReceiveMessageWaitTimeSeconds.
    pub wait_ms: u64,
    /// RedrivePolicy.
    pub redrive: Option<Redrive>,
    /// RedriveAllowPolicy.
    pub redrive_allow: RedriveAllow,
    /// ContentBasedDeduplication.
    pub content_based_deduplication: bool,
    /// DeduplicationScope is messageGroup.
    pub deduplicate_within_group: bool,
}

/// Where messages go that were received too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    /// The dead-letter queue.
    pub target: QueueName,
    /// A message moves when it would be received more often than this.
    pub max_receive_count: u32,
}

/// Which queues may name this one as their dead-letter queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedriveAllow {
    /// Every queue.
    All,
    /// None.
    None,
    /// These.
    Queues(Vec<QueueName>),
}

impl RedriveAllow {
    /// Whether this queue may.
    pub fn allows(&self, source: &QueueName) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Queues(queues) => queues.contains(source),
        }
    }
}

/// Attributes whose value is a whole number: name, lowest, highest, default (seconds or bytes).
pub const NUMBERS: [(&str, u64, u64, u64); 6] = [
    ("VisibilityTimeout", 0, 43_200, 30),
    ("DelaySeconds", 0, 900, 0),
    ("MaximumMessageSize", 1_024, 1_048_576, 1_048_576),
    ("MessageRetentionPeriod", 60, 1_209_600, 345_600),
    ("ReceiveMessageWaitTimeSeconds", 0, 20, 0),
    ("KmsDataKeyReusePeriodSeconds", 60, 86_400, 300),
];
const FIFO_ONLY: [&str; 3] = ["ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"];
/// Of a Policy, a RedrivePolicy and a RedriveAllowPolicy each.
const MAX_POLICY_BYTES: usize = 8_192;
const MAX_SOURCE_ARNS: usize = 10;

/// Checks each attribute on its own: name, range, form. `value` of a removable attribute may be empty.
pub(crate) fn check(attributes: &StringMap, fifo: bool) -> Result<(), AttributeError> {
    attributes.iter().try_for_each(|(name, value)| check_one(name, value, fifo))
}

fn check_one(name: &str, value: &str, fifo: bool) -> Result<(), AttributeError> {
    if let Some((_, low, high, _)) = NUMBERS.iter().find(|(known, ..)| *known == name) {
        let in_range = number(value).is_some_and(|number| (*low..=*high).contains(&number));
        return in_range.then_some(()).ok_or_else(|| invalid(name, value));
    }
    if FIFO_ONLY.contains(&name) && !fifo {
        return Err(match name {
            "ContentBasedDeduplication" => AttributeError::Unknown(name.into()),
            _ => AttributeError::FifoOnly(name.into()),
        });
    }
    let good = match name {
        "ContentBasedDeduplication" | "SqsManagedSseEnabled" => boolean(value).is_some(),
        "DeduplicationScope" => ["queue", "messageGroup"].contains(&value),
        "FifoThroughputLimit" => ["perQueue", "perMessageGroupId"].contains(&value),
        "KmsMasterKeyId" => value.len() <= 2_048,
        "FifoQueue" => fifo && boolean(value) == Some(true),
        "Policy" => return check_policy(value),
        // Before anything reads it: the text is the caller's, and stays in the store as it is.
        "RedrivePolicy" | "RedriveAllowPolicy" if value.len() > MAX_POLICY_BYTES => {
            return Err(AttributeError::TooLong { name: name.into() });
        }
        "RedrivePolicy" => return redrive(value).map(drop),
        "RedriveAllowPolicy" => return redrive_allow(value).map(drop),
        _ => return Err(AttributeError::Unknown(name.into())),
    };
    good.then_some(()).ok_or_else(|| invalid(name, value))
}

/// Checks what attributes say together: throughput limit with scope, one kind of encryption.
pub(crate) fn check_together(asked: &StringMap, result: &StringMap) -> Result<(), AttributeError> {
    let is = |name: &str, value: &str| result.get(name).is_some_and(|found| found == value);
    if is("FifoThroughputLimit", "perMessageGroupId") && !is("DeduplicationScope", "messageGroup") {
        return Err(AttributeError::ThroughputNeedsGroupScope);
    }
    let wants_key = asked.get("KmsMasterKeyId").is_some_and(|key| !key.is_empty());
    let wants_sqs = asked.get("SqsManagedSseEnabled").and_then(|value| boolean(value)) == Some(true);
    if wants_key && wants_sqs {
        return Err(AttributeError::TwoEncryptions);
    }
    Ok(())
}

/// Lays changes over what is set: an empty removable attribute goes away, a kind of encryption ends the other.
pub(crate) fn merge(mut set: StringMap, changes: StringMap) -> StringMap {
    for (name, value) in changes {
        let value = if name == "RedrivePolicy" { normal_redrive(value) } else { value };
        let turned_on = match name.as_str() {
            "KmsMasterKeyId" => !value.is_empty(),
            "SqsManagedSseEnabled" => boolean(&value) == Some(true),
            _ => false,
        };
        if turned_on {
            set.remove("SqsManagedSseEnabled");
            set.remove("KmsMasterKeyId");
        }
        let removable = ["Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId"];
        if value.is_empty() && removable.contains(&name.as_str()) {
            set.remove(&name);
        } else {
            set.insert(name, value);
        }
    }
    set
}

/// SQS gives a RedrivePolicy whose count was sent as a string back with a number, in compact form.
fn normal_redrive(text: String) -> String {
    let stringly = object(&text).is_some_and(|map| map.get("maxReceiveCount").is_some_and(Value::is_string));
    match redrive(&text) {
        Ok(Some(policy)) if stringly => {
            let arn = Value::from(policy.target.arn());
            format!(r#"{{"deadLetterTargetArn":{arn},"maxReceiveCount":{}}}"#, policy.max_receive_count)
        }
        _ => text,
    }
}

/// In which order CreateQueue looks for a difference.
const COMPARED: [&str; 14] = [
    "DelaySeconds",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "VisibilityTimeout",
    "RedrivePolicy",
    "RedriveAllowPolicy",
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "FifoThroughputLimit",
    "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds",
    "SqsManagedSseEnabled",
    "Policy",
];

/// The first attribute that differs between a queue and what CreateQueue asks for. Attributes that were not asked for
/// don't count; an asked-for default equals an unset attribute.
pub(crate) fn first_difference(set: &StringMap, asked: &StringMap) -> Option<&'static str> {
    COMPARED.into_iter().find(|name| {
        let Some(want) = asked.get(*name) else { return false };
        let have = match *name {
            "SqsManagedSseEnabled" if set.contains_key("KmsMasterKeyId") => Some("false".to_owned()),
            _ => set.get(*name).cloned().or_else(|| default_of(name)),
        };
        let want = Some(want.clone()).filter(|value| !value.is_empty());
        have != want && !same_meaning(name, have.as_deref(), want.as_deref())
    })
}

fn same_meaning(name: &str, have: Option<&str>, want: Option<&str>) -> bool {
    match name {
        "RedrivePolicy" => {
            have.and_then(|text| redrive(text).ok()) == want.and_then(|text| redrive(text).ok())
        }
        "Policy" | "RedriveAllowPolicy" => {
            let parse = |text: Option<&str>| text.and_then(|text| serde_json::from_str::<Value>(text).ok());
            have.is_some() == want.is_some() && parse(have) == parse(want)
        }
        "ContentBasedDeduplication" | "SqsManagedSseEnabled" => {
            have.and_then(boolean).unwrap_or(false) == want.and_then(boolean).unwrap_or(false)
        }
        _ => {
            NUMBERS.iter().any(|(known, ..)| *known == name) && have.and_then(number) == want.and_then(number)
        }
    }
}

/// What an unset attribute reads as; `None` for those that don't show.
pub fn default_of(name: &str) -> Option<String> {
    if let Some((.., default)) = NUMBERS.iter().find(|(known, ..)| *known == name) {
        return Some(default.to_string());
    }
    let value = match name {
        "SqsManagedSseEnabled" => "true",
        "ContentBasedDeduplication" => "false",
        "DeduplicationScope" => "queue",
        "FifoThroughputLimit" => "perQueue",
        _ => return None,
    };
    Some(value.into())
}

impl Settings {
    /// Reads attributes that were checked when they were set; what can't be read counts as unset.
    pub(crate) fn read(attributes: &StringMap) -> Self {
        let number = |name: &str| {
            let set = attributes.get(name).and_then(|value| number(value));
            let default =
                NUMBERS.iter().find(|(known, ..)| *known == name).map_or(0, |(.., default)| *default);
            set.unwrap_or(default)
        };
        Self {
            visibility_timeout_ms: number("VisibilityTimeout") * 1000,
            delay_ms: number("DelaySeconds") * 1000,
            max_message_bytes: number("MaximumMessageSize"),
            retention_ms: number("MessageRetentionPeriod") * 1000,
            wait_ms: number("ReceiveMessageWaitTimeSeconds") * 1000,
            redrive: attributes.get("RedrivePolicy").and_then(|text| redrive(text).ok().flatten()),
            redrive_allow: attributes
                .get("RedriveAllowPolicy")
                .and_then(|text| redrive_allow(text).ok())
                .unwrap_or(RedriveAllow::All),
            content_based_deduplication: attributes
                .get("ContentBasedDeduplication")
                .and_then(|text| boolean(text))
                == Some(true),
            deduplicate_within_group: attributes
                .get("DeduplicationScope")
                .is_some_and(|scope| scope == "messageGroup"),
        }
    }
}

fn invalid(name: &str, value: &str) -> AttributeError {
    AttributeError::InvalidValue { name: name.into(), value: value.into() }
}

fn number(value: &str) -> Option<u64> {
    let digits = !value.is_empty() && value.len() <= 10 && value.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| value.parse().ok()).flatten()
}

/// `true` and `false` in any case, as SQS reads them.
pub fn boolean(value: &str) -> Option<bool> {
    match value {
        _ if value.eq_ignore_ascii_case("true") => Some(true),
        _ if value.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn redrive(text: &str) -> Result<Option<Redrive>, AttributeError> {
    if text.is_empty() {
        return Ok(None);
    }
    let error = |reason: String| AttributeError::RedrivePolicy { value: text.into(), reason };
    let map = object(text).ok_or_else(|| AttributeError::RedrivePolicy {
        value: String::new(),
        reason: "Redrive policy is not a valid JSON map.".into(),
    })?;
    let known = ["maxReceiveCount", "deadLetterTargetArn"];
    if map.keys().any(|key| !known.contains(&key.as_str())) {
        return Err(error(
            "Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn].".into(),
        ));
    }
    let missing = |name: &str| error(format!("Redrive policy does not contain mandatory attribute: {name}."));
    let arn = map.get("deadLetterTargetArn");
    let count = match map.get("maxReceiveCount") {
        None if arn.is_none() => return Err(missing("maxReceiveCount")),
        None => Value::from(10),
        Some(count) => count.clone(),
    };
    let max_receive_count = match &count {
        Value::Number(number) => number.as_u64(),
        Value::String(digits) => number(digits),
        _ => None,
    };
    let shown = count.as_str().map_or_else(|| count.to_string(), str::to_owned);
    let max_receive_count = max_receive_count
        .filter(|count| (1..=1000).contains(count))
        .and_then(|count| u32::try_from(count).ok())
        .ok_or_else(|| {
            error(format!(
                "Invalid value for maxReceiveCount: {shown}, valid values are from 1 to 1000 both inclusive."
            ))
        })?;
    let arn = arn.ok_or_else(|| missing("deadLetterTargetArn"))?;
    let target = arn
        .as_str()
        .and_then(QueueName::from_arn)
        .ok_or_else(|| error("Invalid value for deadLetterTargetArn.".into()))?;
    Ok(Some(Redrive { target, max_receive_count }))
}

fn redrive_allow(text: &str) -> Result<RedriveAllow, AttributeError> {
    if text.is_empty() {
        return Ok(RedriveAllow::All);
    }
    let error = |value: &str, reason: &str| AttributeError::RedriveAllowPolicy {
        value: value.into(),
        reason: reason.into(),
    };
    let unsupported = || {
        error(
            "",
            "Amazon SQS can't create the redrive allow policy, as it\u{2019}s in an unsupported format.",
        )
    };
    let map = object(text).ok_or_else(unsupported)?;
    if map.keys().any(|key| key != "redrivePermission" && key != "sourceQueueArns") {
        return Err(unsupported());
    }
    let arns: Option<Vec<&str>> = match map.get("sourceQueueArns") {
        None => Some(Vec::new()),
        Some(Value::Array(list)) => list.iter().map(Value::as_str).collect(),
        Some(_) => None,
    };
    let arns = arns.ok_or_else(unsupported)?;
    match map.get("redrivePermission").and_then(Value::as_str) {
        Some("byQueue") if arns.is_empty() => Err(error(
            text,
            "Amazon SQS can't create the redrive allow policy. When you specify the byQueue permission type, you must also specify one or more sourceQueueArns values.",
        )),
        Some("byQueue") if arns.len() > MAX_SOURCE_ARNS => Err(error(
            text,
            "Amazon SQS can't create the redrive allow policy. The maximum number of source queue ARNs you can specify is 10.",
        )),
        Some("byQueue") => {
            let names: Option<Vec<QueueName>> = arns.iter().map(|arn| QueueName::from_arn(arn)).collect();
            names.map(RedriveAllow::Queues).ok_or_else(unsupported)
        }
        Some("allowAll" | "denyAll") if !arns.is_empty() => Err(error(
            text,
            "Amazon SQS can't create the redrive allow policy. To specify one or more source queue ARNs, you must set redrivePermission to byQueue.",
        )),
        Some("allowAll") => Ok(RedriveAllow::All),
        Some("denyAll") => Ok(RedriveAllow::None),
        _ => Err(unsupported()),
    }
}

/// A policy must be a JSON object of at most 8,192 bytes; its grammar is the edge's to check.
fn check_policy(text: &str) -> Result<(), AttributeError> {
    if text.is_empty() {
        return Ok(());
    }
    let error = |reason: &str| AttributeError::Policy { reason: reason.into() };
    if text.len() > MAX_POLICY_BYTES {
        return Err(error("policy is longer than 8192 bytes"));
    }
    object(text).map(drop).ok_or_else(|| error("policy is no JSON object"))
}

fn object(text: &str) -> Option<Map<String, Value>> {
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => Some(map),
        _ => None,
    }
}
