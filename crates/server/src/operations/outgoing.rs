//! From a message that a caller sends to what the engine takes: shared by SendMessage and SendMessageBatch.

use crate::call::Call;
use crate::clock;
use crate::errors::{internal_failure, invalid_parameter, invalid_value};
use crate::keys::Sealing;
use crate::message::{StoredAttribute, StoredMessage};
use crate::message_attributes;
use bongsu_engine::{Outgoing, Sent};
use bongsu_wire::{MessageAttributes, ServiceError, md5};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// The members that SendMessage and an entry of SendMessageBatch have in common.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) body: String,
    pub(super) delay_seconds: Option<i32>,
    pub(super) attributes: MessageAttributes,
    pub(super) system_attributes: MessageAttributes,
    pub(super) deduplication_id: Option<String>,
    pub(super) group_id: Option<String>,
}

/// A message ready to be sent, with what its sender is told about it.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) outgoing: Outgoing,
    pub(super) body_md5: String,
    pub(super) attributes_md5: Option<String>,
    pub(super) system_attributes_md5: Option<String>,
}

/// The sequence numbers that FIFO queues show have twenty digits, as the real service's.
const FIRST_SHOWN_SEQUENCE: u64 = 10_000_000_000_000_000_000;

/// The SequenceNumber that a client sees.
pub(super) fn show_sequence(sequence: u64) -> String {
    FIRST_SHOWN_SEQUENCE.saturating_add(sequence).to_string()
}

impl Draft {
    /// What counts towards the message's size.
    pub(super) fn size_bytes(&self) -> u64 {
        self.body.len() as u64 + message_attributes::size_bytes(&self.attributes)
    }

    /// Checks what the request alone decides and makes the stored form; `body_md5` is its body's.
    ///
    /// # Errors
    /// What SQS says of the first member that is wrong.
    pub(super) fn prepare(
        self,
        call: &Call<'_>,
        fifo: bool,
        body_md5: md5::Digest,
        sealing: &Sealing,
    ) -> Result<Prepared, ServiceError> {
        let delay_ms = self.delay_seconds.map(delay_ms).transpose()?;
        message_attributes::check_body(&self.body)?;
        message_attributes::check(&self.attributes)?;
        let sent_trace_header = message_attributes::trace_header(&self.system_attributes)?;
        check_id("MessageGroupId", self.group_id.as_deref())?;
        check_id("MessageDeduplicationId", self.deduplication_id.as_deref())?;

        let size_bytes = self.size_bytes();
        let attributes_md5 = md5::message_attributes(&self.attributes);
        let system_attributes_md5 = md5::message_attributes(&self.system_attributes);
        // An id that the sender gives wins over the content's, which then needn't be known.
        let by_content = fifo && self.deduplication_id.is_none();
        let content_hash = by_content.then(|| sha256_hex(self.body.as_bytes()));
        let message_id = call.edge.entropy.uuid();
        let attributes = self.attributes.into_iter();
        let stored = StoredMessage {
            message_id,
            sent_wall_ms: clock::wall_ms(),
            sender_id: call.caller.sender_id(),
            body: self.body,
            body_md5,
            attributes: attributes.map(|(name, value)| StoredAttribute::from_wire(name, value)).collect(),
            trace_header: sent_trace_header.or_else(|| call.trace_header.clone()),
            group: self.group_id.clone(),
            // A FIFO queue takes a message without an id only where content-based deduplication is on, and then the
            // hash is its id.
            deduplication_id: self.deduplication_id.clone().or_else(|| content_hash.clone()),
        };
        let outgoing = Outgoing {
            message_id,
            size_bytes,
            delay_ms,
            group: self.group_id,
            deduplication_id: self.deduplication_id,
            content_hash,
            stored: encode(&stored, sealing)?,
        };
        Ok(Prepared { outgoing, body_md5: md5::show(&body_md5), attributes_md5, system_attributes_md5 })
    }
}

/// What a sender learns of a message that was taken in.
pub(super) struct Accepted {
    pub(super) message_id: String,
    pub(super) sequence_number: Option<String>,
}

/// Puts the engine's answer into words.
pub(super) fn accepted(sent: Sent, fifo: bool) -> Accepted {
    Accepted {
        message_id: crate::message::show_id(sent.message_id),
        sequence_number: fifo.then(|| show_sequence(sent.sequence)),
    }
}

fn encode(message: &StoredMessage, sealing: &Sealing) -> Result<Vec<u8>, ServiceError> {
    match sealing {
        Sealing::Key(key) => message.seal(key).map_err(|error| {
            tracing::error!(%error, "can't seal a message");
            internal_failure()
        }),
        Sealing::Off => Ok(message.encode()),
        // Nobody will store it.
        Sealing::NoQueue => Ok(Vec::new()),
    }
}

fn delay_ms(delay_seconds: i32) -> Result<u64, ServiceError> {
    match u64::try_from(delay_seconds) {
        Ok(seconds) if seconds <= 900 => Ok(seconds * 1000),
        _ => Err(invalid_value(delay_seconds, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")),
    }
}

/// MessageGroupId, MessageDeduplicationId and ReceiveRequestAttemptId keep to one alphabet: letters, digits,
/// punctuation.
///
/// # Errors
/// `InvalidParameterValue`.
pub(super) fn check_id(parameter: &str, id: Option<&str>) -> Result<(), ServiceError> {
    let Some(id) = id else { return Ok(()) };
    if (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    let alphabet = "can only include alphanumeric and punctuation characters. 1 to 128 in length.";
    Err(invalid_parameter(format!(
        "Value {id} for parameter {parameter} is invalid. Reason: {parameter} {alphabet}"
    )))
}

fn sha256_hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a String can't fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{Draft, check_id, delay_ms, sha256_hex, show_sequence};
    use crate::entropy::Entropy;
    use crate::keys::{KmsKey, SealingKey};
    use crate::message::{StoredAttribute, StoredMessage};
    use crate::message_attributes::MAX_TRACE_HEADER_BYTES;
    use bongsu_wire::MessageAttributeValue;

    /// A batch is one entry of the journal, which holds 4 MiB. What is sent comes in other forms (in JSON each quotation mark takes two
    /// bytes, and a control character six), is stored as it is meant, and grows a little when it is sealed.
    #[test]
    fn the_largest_batch_takes_not_much_more_than_its_mebibyte() {
        let (batch_bytes, messages) = (1 << 20, 10);
        let attribute = |number: usize| {
            let data_type = format!("Binary.{}", "t".repeat(200));
            let value =
                MessageAttributeValue { data_type, string_value: None, binary_value: Some(vec![0; 700]) };
            (format!("{number:0>200}"), value)
        };
        let mut draft = Draft {
            body: String::new(),
            delay_seconds: None,
            attributes: (0..10).map(attribute).collect(),
            system_attributes: std::iter::empty().collect(),
            deduplication_id: Some("d".repeat(128)),
            group_id: Some("g".repeat(128)),
        };
        let body_bytes = batch_bytes / messages - draft.size_bytes() as usize;
        draft.body = "\"".repeat(body_bytes);
        assert_eq!(draft.size_bytes() as usize, batch_bytes / messages);
        let stored = StoredMessage {
            message_id: [255; 16],
            sent_wall_ms: u64::MAX,
            sender_id: "s".repeat(128),
            body: draft.body,
            body_md5: [255; 16],
            attributes: draft
                .attributes
                .into_iter()
                .map(|(name, value)| StoredAttribute::from_wire(name, value))
                .collect(),
            trace_header: Some("r".repeat(MAX_TRACE_HEADER_BYTES)),
            group: draft.group_id,
            deduplication_id: draft.deduplication_id,
        };
        let key = SealingKey::make(&KmsKey::ephemeral(&Entropy::new()), &Entropy::new(), 0).unwrap();
        let sealed = messages * stored.seal(&key).unwrap().len();
        assert!((batch_bytes..batch_bytes + (100 << 10)).contains(&sealed), "{sealed} bytes");
    }

    #[test]
    fn sequence_numbers_have_twenty_digits() {
        assert_eq!(show_sequence(1), "10000000000000000001");
        assert_eq!(show_sequence(u64::MAX).len(), 20);
    }

    #[test]
    fn ids_are_letters_digits_and_punctuation() {
        let longest = "!".repeat(128);
        for id in [None, Some("a"), Some("aZ09!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"), Some(longest.as_str())] {
            assert_eq!(check_id("MessageGroupId", id), Ok(()));
        }
        let error = check_id("MessageGroupId", Some("a b")).unwrap_err();
        assert_eq!(
            error.message,
            "Value a b for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric and \
             punctuation characters. 1 to 128 in length."
        );
        for id in ["", "caf\u{e9}", "a\n", &"a".repeat(129)] {
            assert!(check_id("MessageDeduplicationId", Some(id)).is_err(), "{id}");
        }
    }

    #[test]
    fn delays_are_up_to_fifteen_minutes() {
        assert_eq!((delay_ms(0), delay_ms(900)), (Ok(0), Ok(900_000)));
        let error = delay_ms(901).unwrap_err();
        assert_eq!(
            error.message,
            "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."
        );
        assert!(delay_ms(-1).is_err());
    }

    #[test]
    fn content_hashes_are_lower_case_sha256() {
        assert_eq!(sha256_hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
