//! What GetQueueAttributes shows of a queue: its settings with defaults filled in, its counts and times.

use crate::message_attributes::is_all;
use bongsu_engine::attributes::default_of;
use bongsu_engine::{Description, StringMap};
use bongsu_wire::{ErrorKind, ServiceError};

/// How a queue comes by the value of an attribute.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Set by the user, or else its default.
    Setting,
    /// Set by the user, or else not shown.
    Optional,
    /// Kept by the queue.
    ReadOnly,
}

/// Every attribute there is, and whether only FIFO queues have it.
const KNOWN: [(&str, Kind, bool); 21] = [
    ("ApproximateNumberOfMessages", Kind::ReadOnly, false),
    ("ApproximateNumberOfMessagesDelayed", Kind::ReadOnly, false),
    ("ApproximateNumberOfMessagesNotVisible", Kind::ReadOnly, false),
    ("ContentBasedDeduplication", Kind::Setting, true),
    ("CreatedTimestamp", Kind::ReadOnly, false),
    ("DeduplicationScope", Kind::Setting, true),
    ("DelaySeconds", Kind::Setting, false),
    ("FifoQueue", Kind::ReadOnly, true),
    ("FifoThroughputLimit", Kind::Setting, true),
    ("KmsDataKeyReusePeriodSeconds", Kind::Optional, false),
    ("KmsMasterKeyId", Kind::Optional, false),
    ("LastModifiedTimestamp", Kind::ReadOnly, false),
    ("MaximumMessageSize", Kind::Setting, false),
    ("MessageRetentionPeriod", Kind::Setting, false),
    ("Policy", Kind::Optional, false),
    ("QueueArn", Kind::ReadOnly, false),
    ("ReceiveMessageWaitTimeSeconds", Kind::Setting, false),
    ("RedriveAllowPolicy", Kind::Optional, false),
    ("RedrivePolicy", Kind::Optional, false),
    ("SqsManagedSseEnabled", Kind::Setting, false),
    ("VisibilityTimeout", Kind::Setting, false),
];

/// The attributes of the names asked for; those that the queue doesn't have are left out.
///
/// # Errors
/// `InvalidAttributeName` for a name that SQS doesn't know.
pub(crate) fn view(queue: &Description, names: &[String]) -> Result<StringMap, ServiceError> {
    check_names(names)?;
    let all = names.iter().any(|name| is_all(name));
    let wanted = KNOWN.iter().filter(|(known, ..)| all || names.iter().any(|name| name == known));
    Ok(wanted
        .filter(|(_, _, fifo_only)| queue.fifo || !fifo_only)
        .filter_map(|(name, kind, _)| Some(((*name).to_owned(), value(queue, name, *kind)?)))
        .collect())
}

fn check_names(names: &[String]) -> Result<(), ServiceError> {
    match names.iter().find(|name| !is_all(name) && !is_known(name)) {
        None => Ok(()),
        Some(name) => {
            Err(ServiceError::new(ErrorKind::InvalidAttributeName, format!("Unknown Attribute {name}.")))
        }
    }
}

/// Whether SQS has an attribute of this name.
pub(crate) fn is_known(name: &str) -> bool {
    KNOWN.iter().any(|(known, ..)| *known == name)
}

fn value(queue: &Description, name: &str, kind: Kind) -> Option<String> {
    let set = queue.attributes.get(name).cloned();
    match kind {
        Kind::ReadOnly => read_only(queue, name),
        // Shows with a key and otherwise only where it was set.
        Kind::Optional
            if name == "KmsDataKeyReusePeriodSeconds" && queue.attributes.contains_key("KmsMasterKeyId") =>
        {
            set.or_else(|| default_of(name))
        }
        Kind::Optional => set,
        // A key ends the other kind of encryption without a word in the settings.
        Kind::Setting
            if name == "SqsManagedSseEnabled" && queue.attributes.contains_key("KmsMasterKeyId") =>
        {
            Some("false".to_owned())
        }
        Kind::Setting => set.or_else(|| default_of(name)),
    }
}

fn read_only(queue: &Description, name: &str) -> Option<String> {
    Some(match name {
        "QueueArn" => queue.name.arn(),
        "FifoQueue" => "true".to_owned(),
        // Whole seconds, unlike the times of messages.
        "CreatedTimestamp" => (queue.created_wall_ms / 1000).to_string(),
        "LastModifiedTimestamp" => (queue.modified_wall_ms / 1000).to_string(),
        "ApproximateNumberOfMessages" => queue.visible.to_string(),
        "ApproximateNumberOfMessagesDelayed" => queue.delayed.to_string(),
        "ApproximateNumberOfMessagesNotVisible" => queue.in_flight.to_string(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::view;
    use bongsu_engine::{Description, QueueId, QueueName, StringMap};

    fn queue(name: &str, attributes: &[(&str, &str)]) -> Description {
        Description {
            name: QueueName::new("000000000000", "eu-west-1", name),
            id: QueueId(1),
            fifo: name.ends_with(".fifo"),
            attributes: map(attributes),
            tags: StringMap::new(),
            created_wall_ms: 1_700_000_000_999,
            modified_wall_ms: 1_700_000_060_000,
            visible: 3,
            in_flight: 2,
            delayed: 1,
            oldest_age_ms: None,
            policy_version: 0,
            wait_ms: 0,
        }
    }

    fn map(pairs: &[(&str, &str)]) -> StringMap {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn all(queue: &Description) -> StringMap {
        view(queue, &["All".to_owned()]).unwrap()
    }

    const STANDARD: [(&str, &str); 12] = [
        ("ApproximateNumberOfMessages", "3"),
        ("ApproximateNumberOfMessagesDelayed", "1"),
        ("ApproximateNumberOfMessagesNotVisible", "2"),
        ("CreatedTimestamp", "1700000000"),
        ("DelaySeconds", "0"),
        ("LastModifiedTimestamp", "1700000060"),
        ("MaximumMessageSize", "1048576"),
        ("MessageRetentionPeriod", "345600"),
        ("QueueArn", "arn:aws:sqs:eu-west-1:000000000000:jobs"),
        ("ReceiveMessageWaitTimeSeconds", "0"),
        ("SqsManagedSseEnabled", "true"),
        ("VisibilityTimeout", "30"),
    ];

    #[test]
    fn all_of_a_standard_queue() {
        assert_eq!(all(&queue("jobs", &[])), map(&STANDARD));
    }

    #[test]
    fn all_of_a_fifo_queue() {
        let mut expected = map(&STANDARD);
        expected.extend(map(&[
            ("QueueArn", "arn:aws:sqs:eu-west-1:000000000000:jobs.fifo"),
            ("FifoQueue", "true"),
            ("ContentBasedDeduplication", "false"),
            ("DeduplicationScope", "queue"),
            ("FifoThroughputLimit", "perQueue"),
        ]));
        assert_eq!(all(&queue("jobs.fifo", &[("FifoQueue", "true")])), expected);
    }

    #[test]
    fn a_key_stands_instead_of_the_queues_own_encryption() {
        let attributes = all(&queue("jobs", &[("KmsMasterKeyId", "alias/k")]));
        assert_eq!(attributes["SqsManagedSseEnabled"], "false");
        assert_eq!(attributes["KmsDataKeyReusePeriodSeconds"], "300");
    }

    #[test]
    fn only_what_is_asked_for_and_there() {
        let names = ["QueueArn", "RedrivePolicy", "ContentBasedDeduplication"].map(str::to_owned);
        let shown = view(&queue("jobs", &[]), &names).unwrap();
        assert_eq!(shown, map(&[("QueueArn", "arn:aws:sqs:eu-west-1:000000000000:jobs")]));
        assert_eq!(view(&queue("jobs", &[]), &[]).unwrap(), StringMap::new());
    }

    #[test]
    fn unknown_names_are_refused() {
        let names = ["QueueArn", "Foo"].map(str::to_owned);
        let error = view(&queue("jobs", &[]), &names).unwrap_err();
        assert_eq!(
            (error.kind.code(), error.message.as_str()),
            ("InvalidAttributeName", "Unknown Attribute Foo.")
        );
    }

    #[test]
    fn policies_come_back_byte_for_byte() {
        let policy = "{ \"redrivePermission\" :\"allowAll\"}";
        let attributes = all(&queue("jobs", &[("RedriveAllowPolicy", policy), ("Policy", " {\"a\" : 1}")]));
        assert_eq!(attributes["RedriveAllowPolicy"], policy);
        assert_eq!(attributes["Policy"], " {\"a\" : 1}");
    }
}
