#![allow(clippy::unwrap_used)]

use super::{Damaged, Sealed, Stored, StoredAttribute, StoredMessage, StoredValue};
use crate::entropy::Entropy;
use crate::keys::{KmsKey, SealingKey};
use proptest::prelude::*;

fn ephemeral() -> SealingKey {
    SealingKey::make(&KmsKey::ephemeral(&Entropy::new()), &Entropy::new(), 0).unwrap()
}

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

fn decode(bytes: &[u8]) -> Result<StoredMessage, Damaged> {
    match Stored::read(bytes)? {
        Stored::Plain(message) => Ok(message),
        Stored::Sealed(_) => panic!("nobody sealed it"),
    }
}

#[test]
fn a_message_comes_back_as_it_was_stored() {
    assert_eq!(decode(&message().encode()), Ok(message()));
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
            assert!(decode(&changed).is_err(), "bit {bit} of byte {index}");
        }
        assert!(decode(&bytes[..index]).is_err(), "{index} bytes");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(decode(&longer), Err(Damaged::Checksum));
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
        assert_eq!(decode(&bytes), Err(Damaged::Payload));
    }
}

#[test]
fn a_later_version_is_named() {
    let mut bytes = message().encode();
    bytes[0] = 3;
    assert_eq!(decode(&bytes), Err(Damaged::Version(3)));
    bytes[0] = 0;
    assert_eq!(decode(&bytes), Err(Damaged::Version(0)));
    assert_eq!(decode(&[]), Err(Damaged::CutShort));
}

fn sealed(bytes: &[u8]) -> Sealed<'_> {
    match Stored::read(bytes).unwrap() {
        Stored::Sealed(sealed) => sealed,
        Stored::Plain(_) => panic!("not sealed"),
    }
}

#[test]
fn a_sealed_message_comes_back_and_does_not_show_what_it_says() {
    let key = ephemeral();
    let bytes = message().seal(&key).unwrap();
    let found = sealed(&bytes);
    assert_eq!(found.envelope, key.envelope());
    assert_eq!(found.open(&key.opening()), Ok(message()));
    for text in ["000000000000", "\u{20ac}", "Binary.gif", "Count", "Root=1", "tenant"] {
        assert!(!bytes.windows(text.len()).any(|window| window == text.as_bytes()), "{text}");
    }
    let again = message().seal(&key).unwrap();
    assert_ne!(bytes, again, "no nonce is used twice");
    assert_eq!(bytes.len(), message().encode().len() + 1 + 89 + 12 + 16, "what sealing costs");
    assert_eq!(found.open(&ephemeral().opening()), Err(Damaged::Seal));
}

/// Where the checksum is made to fit, the seal still finds out.
#[test]
fn no_changed_bit_of_a_sealed_message_goes_unnoticed() {
    let key = ephemeral();
    let bytes = message().seal(&key).unwrap();
    for index in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[index] ^= 1 << bit;
            assert!(Stored::read(&changed).is_err(), "bit {bit} of byte {index}");
            let fitting = super::with_checksum(changed);
            let opened = Stored::read(&fitting).and_then(|stored| match stored {
                Stored::Plain(message) => Ok(message),
                Stored::Sealed(found) if found.envelope == key.envelope() => found.open(&key.opening()),
                // There is no such key.
                Stored::Sealed(_) => Err(Damaged::Seal),
            });
            let is_checksum = (1..5).contains(&index);
            assert!(is_checksum || opened.is_err(), "bit {bit} of byte {index}, with a fitting checksum");
        }
        assert!(Stored::read(&bytes[..index]).is_err(), "{index} bytes");
    }
}

/// A sealed message can't be passed off as one of another data key, even of the same KMS key.
#[test]
fn a_seal_holds_for_its_own_envelope_only() {
    let (entropy, kms) = (Entropy::new(), KmsKey::ephemeral(&Entropy::new()));
    let make = || SealingKey::make(&kms, &entropy, 0).unwrap();
    let (first, second) = (make(), make());
    let bytes = message().seal(&first).unwrap();
    let moved = [&bytes[..6], second.envelope(), &bytes[6 + second.envelope().len()..]].concat();
    let moved = super::with_checksum(moved);
    assert_eq!(sealed(&moved).open(&second.opening()), Err(Damaged::Seal));
    assert_eq!(sealed(&moved).open(&first.opening()), Err(Damaged::Seal), "bound to the envelope");
}

/// Stores keep messages for as long as fourteen days: the layout of version 2 must stay as it is.
#[test]
fn the_layout_of_version_2_does_not_change() {
    let key = ephemeral();
    let bytes = message().seal(&key).unwrap();
    assert_eq!((bytes[0], usize::from(bytes[5])), (2, key.envelope().len()));
    assert_eq!(&bytes[6..][..key.envelope().len()], key.envelope());
    let payload_bytes = message().encode().len() - 5;
    assert_eq!(bytes.len(), 6 + key.envelope().len() + 12 + payload_bytes + 16);
    let checksum = crc32c::crc32c(&[&bytes[..1], &bytes[5..]].concat());
    assert_eq!(bytes[1..5], checksum.to_le_bytes());
}

proptest! {
    #[test]
    fn whatever_is_said_comes_back(
        body in ".{0,300}",
        name in "[a-z]{1,20}",
        value in proptest::collection::vec(any::<u8>(), 0..200),
        group in proptest::option::of("[!-~]{1,128}"),
        sent_wall_ms in any::<u64>(),
    ) {
        let attribute = StoredAttribute { name, data_type: "Binary".to_owned(), value: StoredValue::Binary(value) };
        let message = StoredMessage { body, group, sent_wall_ms, attributes: vec![attribute], ..message() };
        let key = ephemeral();
        let bytes = message.seal(&key).unwrap();
        prop_assert_eq!(sealed(&bytes).open(&key.opening()), Ok(message.clone()));
        prop_assert_eq!(decode(&message.encode()), Ok(message));
    }
}
