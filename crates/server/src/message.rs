//! The stored form of a message: everything that the edge needs to show it again, in bytes that the engine and the
//! journal don't look into.
//!
//! ```text
//! version (1 byte) │ CRC32C of version and payload (4, little-endian) │ payload: the fields of [`StoredMessage`] in postcard's format
//! ```
//! The checksum is made here, at the edge, and verified at every read: it covers the whole way of a message through
//! the journal. A field can only be added with a new version.

use bongsu_wire::{MessageAttributeValue, MessageAttributes};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The version that is written, and the only one that is read.
pub(crate) const VERSION: u8 = 1;
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
}

impl StoredMessage {
    /// The bytes to store.
    #[expect(
        clippy::expect_used,
        reason = "writing to a Vec can't fail, and every field has a form in the format"
    )]
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.body.len() + 256);
        bytes.push(VERSION);
        bytes.extend_from_slice(&[0; 4]);
        let mut bytes = postcard::to_extend(self, bytes).expect("a message has a stored form");
        let checksum = checksum(&bytes);
        bytes[1..HEADER_BYTES].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads what [`StoredMessage::encode`] made.
    ///
    /// # Errors
    /// [`Damaged`] for all other bytes.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let (header, payload) = bytes.split_at_checked(HEADER_BYTES).ok_or(Damaged::CutShort)?;
        let &[version, c0, c1, c2, c3] = header else { return Err(Damaged::CutShort) };
        if version != VERSION {
            return Err(Damaged::Version(version));
        }
        if checksum(bytes) != u32::from_le_bytes([c0, c1, c2, c3]) {
            return Err(Damaged::Checksum);
        }
        let (message, rest) = postcard::take_from_bytes(payload).map_err(|_| Damaged::Payload)?;
        if rest.is_empty() { Ok(message) } else { Err(Damaged::Payload) }
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

/// Over the version byte and the payload.
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

#[cfg(test)]
mod tests {
    use super::{Damaged, StoredAttribute, StoredMessage, StoredValue};

    fn message() -> StoredMessage {
        StoredMessage {
            message_id: [7; 16],
            sent_wall_ms: 1_700_000_000_123,
            sender_id: "000000000000".to_owned(),
            body: "{\"a\": \"\u{20ac}\"}\r\n".to_owned(),
            body_md5: [9; 16],
            attributes: vec![
                StoredAttribute {
                    name: "Bytes".to_owned(),
                    data_type: "Binary.gif".to_owned(),
                    value: StoredValue::Binary(vec![0, 255, 10]),
                },
                StoredAttribute {
                    name: "Count".to_owned(),
                    data_type: "Number".to_owned(),
                    value: StoredValue::Text("12".to_owned()),
                },
            ],
            trace_header: Some("Root=1-5759e988-bd862e3fe1be46a994272793".to_owned()),
            group: Some("tenant".to_owned()),
            deduplication_id: None,
        }
    }

    #[test]
    fn a_message_comes_back_as_it_was_stored() {
        assert_eq!(StoredMessage::decode(&message().encode()), Ok(message()));
    }

    /// Stores keep messages for as long as fourteen days: the bytes of version 1 must stay readable as they are.
    #[test]
    fn the_bytes_of_version_1_do_not_change() {
        let message = StoredMessage {
            message_id: [1; 16],
            sent_wall_ms: 300,
            sender_id: "s".to_owned(),
            body: "hi".to_owned(),
            body_md5: [2; 16],
            attributes: vec![StoredAttribute {
                name: "n".to_owned(),
                data_type: "Binary".to_owned(),
                value: StoredValue::Binary(vec![3]),
            }],
            trace_header: None,
            group: Some("g".to_owned()),
            deduplication_id: None,
        };
        let bytes = message.encode();
        let mut payload = vec![1; 16];
        payload.extend([0xac, 0x02, 1, b's', 2, b'h', b'i']);
        payload.extend([2; 16]);
        payload.extend([1, 1, b'n', 6, b'B', b'i', b'n', b'a', b'r', b'y', 1, 1, 3, 0, 1, 1, b'g', 0]);
        assert_eq!(bytes[0], 1);
        assert_eq!(bytes[5..], payload);
    }

    #[test]
    fn no_changed_bit_and_no_missing_byte_goes_unnoticed() {
        let bytes = message().encode();
        for index in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[index] ^= 1 << bit;
                assert!(StoredMessage::decode(&changed).is_err(), "bit {bit} of byte {index}");
            }
            assert!(StoredMessage::decode(&bytes[..index]).is_err(), "{index} bytes");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(StoredMessage::decode(&longer), Err(Damaged::Checksum));
    }

    /// What follows a right checksum was written by somebody, if not by this program: nonsense there is an error too.
    #[test]
    fn a_payload_of_nonsense_is_an_error() {
        let mut state = 1u64;
        for length in 0..2000usize {
            let mut bytes = vec![1, 0, 0, 0, 0];
            bytes.extend((0..length % 97).map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            }));
            let checksum = super::checksum(&bytes);
            bytes[1..5].copy_from_slice(&checksum.to_le_bytes());
            assert_eq!(StoredMessage::decode(&bytes), Err(Damaged::Payload));
        }
    }

    #[test]
    fn a_later_version_is_named() {
        let mut bytes = message().encode();
        bytes[0] = 2;
        assert_eq!(StoredMessage::decode(&bytes), Err(Damaged::Version(2)));
        assert_eq!(StoredMessage::decode(&[]), Err(Damaged::CutShort));
    }
}
