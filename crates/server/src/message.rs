//! The stored form of a message: everything that the edge needs to show it again, in bytes that the engine and the
//! journal don't look into.
//!
//! ```text
//! version 1, of queues without encryption, and of all queues before there was any:
//! 1 │ CRC32C of all the rest (4, little-endian) │ payload: the fields of [`StoredMessage`] in postcard's format
//!
//! version 2, sealed:
//! 2 │ CRC32C of all the rest (4, little-endian) │ length of the envelope (1) │ envelope │ nonce (12) │ sealed payload │ tag (16)
//! ```
//! The checksum is made here, at the edge, and verified at every read: it covers the whole way of a message through
//! the journal, and stands outside of the seal, so that a store can be checked without its keys. The envelope holds the data key that sealed the
//! payload (`keys::data`); the seal covers version and envelope too. It does not cover the queue, as messages move between queues
//! without being written again. A field can only be added with a new version.

mod sealed;
#[cfg(test)]
mod tests;

use bongsu_wire::{MessageAttributeValue, MessageAttributes};
use serde::{Deserialize, Serialize};
use std::fmt;

pub(crate) use sealed::{Sealed, authenticated};

/// The newest version that is written and read.
pub(crate) const VERSION: u8 = sealed::VERSION;
/// The version without encryption.
const PLAIN_VERSION: u8 = 1;
const HEADER_BYTES: usize = 5;

/// A message as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredMessage {
    /// Bytes of the UUID that is shown as MessageId.
    pub(crate) message_id: [u8; 16],
    /// SentTimestamp, wall ms.
    pub(crate) sent_wall_ms: u64,
    /// SenderId.
    pub(crate) sender_id: String,
    /// The body.
    pub(crate) body: String,
    /// MD5 of the body, kept because SDKs ask for it at every receive.
    pub(crate) body_md5: [u8; 16],
    /// Message attributes in the order of their names.
    pub(crate) attributes: Vec<StoredAttribute>,
    /// AWSTraceHeader.
    pub(crate) trace_header: Option<String>,
    /// MessageGroupId.
    pub(crate) group: Option<String>,
    /// MessageDeduplicationId as given, or what content-based deduplication puts in its place.
    pub(crate) deduplication_id: Option<String>,
}

/// A message attribute as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredAttribute {
    /// Name.
    pub(crate) name: String,
    /// `String`, `Number` or `Binary`, with its label.
    pub(crate) data_type: String,
    /// The one value that the type has.
    pub(crate) value: StoredValue,
}

/// The value of a message attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StoredValue {
    /// Of a String or Number.
    Text(String),
    /// Of a Binary.
    Binary(#[serde(with = "raw_bytes")] Vec<u8>),
}

/// Why stored bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Damaged {
    /// Shorter than a header.
    #[error("stored message is cut short")]
    CutShort,
    /// Written by a later version of the program.
    #[error("stored message has format version {0}, which is not known")]
    Version(u8),
    /// Not the bytes that were stored.
    #[error("stored message doesn't match its checksum")]
    Checksum,
    /// The checksum is right but the payload makes no sense.
    #[error("stored message can't be read")]
    Payload,
    /// The checksum is right, but this is not what the data key sealed.
    #[error("stored message doesn't match its seal")]
    Seal,
}

/// Stored bytes, looked at without any key.
#[derive(Debug)]
pub(crate) enum Stored<'a> {
    /// A message that was not sealed.
    Plain(StoredMessage),
    /// One that was.
    Sealed(Sealed<'a>),
}

impl<'a> Stored<'a> {
    /// Checks the checksum and reads what can be read without a key.
    ///
    /// # Errors
    /// [`Damaged`] for bytes that are no message.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Damaged> {
        let (header, rest) = bytes.split_at_checked(HEADER_BYTES).ok_or(Damaged::CutShort)?;
        let &[version, c0, c1, c2, c3] = header else { return Err(Damaged::CutShort) };
        if !(PLAIN_VERSION..=VERSION).contains(&version) {
            return Err(Damaged::Version(version));
        }
        if checksum(bytes) != u32::from_le_bytes([c0, c1, c2, c3]) {
            return Err(Damaged::Checksum);
        }
        match version {
            PLAIN_VERSION => payload(rest).map(Self::Plain),
            _ => Sealed::read(rest).map(Self::Sealed),
        }
    }
}

fn payload(bytes: &[u8]) -> Result<StoredMessage, Damaged> {
    let (message, rest) = postcard::take_from_bytes(bytes).map_err(|_| Damaged::Payload)?;
    if rest.is_empty() { Ok(message) } else { Err(Damaged::Payload) }
}

impl StoredMessage {
    /// The bytes to store where nothing is encrypted.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.body.len() + 256);
        bytes.extend_from_slice(&[PLAIN_VERSION, 0, 0, 0, 0]);
        with_checksum(self.append_to(bytes))
    }

    #[expect(
        clippy::expect_used,
        reason = "writing to a Vec can't fail, and every field has a form in the format"
    )]
    fn append_to(&self, bytes: Vec<u8>) -> Vec<u8> {
        postcard::to_extend(self, bytes).expect("a message has a stored form")
    }

    /// The attributes that a receive shows, in the wire's shape.
    pub(crate) fn wire_attributes(&self, wanted: impl Fn(&str) -> bool) -> MessageAttributes {
        let shown = self.attributes.iter().filter(|attribute| wanted(&attribute.name));
        shown.map(|attribute| (attribute.name.clone(), attribute.to_wire())).collect()
    }
}

impl StoredAttribute {
    /// Keeps the value that the type says; values of other types beside it are dropped.
    pub(crate) fn from_wire(name: String, value: MessageAttributeValue) -> Self {
        let binary = value.data_type.split('.').next() == Some("Binary");
        let stored = if binary {
            StoredValue::Binary(value.binary_value.unwrap_or_default())
        } else {
            StoredValue::Text(value.string_value.unwrap_or_default())
        };
        Self { name, data_type: value.data_type, value: stored }
    }

    fn to_wire(&self) -> MessageAttributeValue {
        let (string_value, binary_value) = match &self.value {
            StoredValue::Text(text) => (Some(text.clone()), None),
            StoredValue::Binary(bytes) => (None, Some(bytes.clone())),
        };
        MessageAttributeValue { data_type: self.data_type.clone(), string_value, binary_value }
    }
}

fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    let checksum = checksum(&bytes);
    bytes[1..HEADER_BYTES].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Over the version byte and all that follows the checksum.
fn checksum(bytes: &[u8]) -> u32 {
    let (header, payload) = bytes.split_at(HEADER_BYTES.min(bytes.len()));
    crc32c::crc32c_append(crc32c::crc32c(&header[..1.min(header.len())]), payload)
}

/// A UUID in the form in which ids are shown.
pub(crate) fn show_id(id: [u8; 16]) -> String {
    uuid::Uuid::from_bytes(id).to_string()
}

/// Bytes as bytes: serde would otherwise store a vector of numbers, and read it one by one.
mod raw_bytes {
    use super::fmt;
    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        deserializer.deserialize_bytes(BytesVisitor)
    }

    struct BytesVisitor;

    impl Visitor<'_> for BytesVisitor {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("bytes")
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_vec())
        }
    }
}
