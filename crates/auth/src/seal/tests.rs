//! Sealing and opening, and everything that must not open.
#![allow(clippy::unwrap_used)]

use proptest::collection::vec;
use proptest::prelude::*;
use zeroize::Zeroizing;

use super::{DataKey, KEY_BYTES, MasterKey, NONCE_BYTES, SealError, TAG_BYTES};

const NONCE: [u8; NONCE_BYTES] = [5; NONCE_BYTES];

fn master(byte: u8) -> MasterKey {
    MasterKey::new(&Zeroizing::new([byte; KEY_BYTES]))
}

fn data_key(byte: u8) -> DataKey {
    DataKey::create(&master(1), b"queue", &Zeroizing::new([byte; KEY_BYTES]), NONCE).unwrap().0
}

fn sealed(key: &DataKey, aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let mut buffer = plaintext.to_vec();
    key.seal_in_place(NONCE, aad, &mut buffer).unwrap();
    buffer
}

/// Test cases 13 to 15 of the specification of GCM, for keys of 256 bits without additional data.
#[test]
fn the_published_vectors_come_out() {
    let with_key =
        |key: [u8; KEY_BYTES]| DataKey::create(&master(1), b"", &Zeroizing::new(key), NONCE).unwrap().0;
    let mut empty = Vec::new();
    with_key([0; 32]).seal_in_place([0; 12], b"", &mut empty).unwrap();
    assert_eq!(hex(&empty), "530f8afbc74536b9a963b4f1c4cb738b");
    let mut block = vec![0; 16];
    with_key([0; 32]).seal_in_place([0; 12], b"", &mut block).unwrap();
    assert_eq!(hex(&block), "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn an_envelope_names_its_key_and_hides_the_rest() {
    let key = master(1);
    let envelope = key.seal(b"secret of AKID", b"plaintext", NONCE).unwrap();
    assert_eq!(envelope[0], 1);
    assert_eq!(envelope[1..9], *key.id().as_bytes());
    assert_eq!(envelope[9..21], NONCE);
    assert_eq!(envelope.len(), 21 + b"plaintext".len() + TAG_BYTES);
    assert!(!envelope.windows(5).any(|bytes| bytes == b"plain"));
    assert_eq!(key.open(b"secret of AKID", &envelope).unwrap().as_slice(), b"plaintext");
    assert_eq!(MasterKey::needed_for(&envelope), Some(key.id()));
    // The layout is stored: it stays what it is.
    assert_eq!(
        hex(&envelope),
        "0119910a6d108659e805050505050505050505050571ce805c0cc656ff010898034a7a5009d74a87ba28b2db8b56"
    );
}

#[test]
fn another_master_key_says_which_one_is_needed() {
    let (right, wrong) = (master(1), master(2));
    let envelope = right.seal(b"", b"plaintext", NONCE).unwrap();
    let error = wrong.open(b"", &envelope).unwrap_err();
    assert_eq!(error, SealError::OtherKey { needs: right.id(), has: wrong.id() });
    assert_eq!(
        error.to_string(),
        format!(
            "this was sealed with the master key {}, but the master key here is {}",
            right.id(),
            wrong.id()
        )
    );
    assert_ne!(right.id(), wrong.id());
}

#[test]
fn every_changed_or_missing_byte_of_an_envelope_is_noticed() {
    let key = master(1);
    let envelope = key.seal(b"context", b"plaintext", NONCE).unwrap();
    for place in 0..envelope.len() {
        let mut changed = envelope.clone();
        changed[place] ^= 1;
        let error = key.open(b"context", &changed).unwrap_err();
        match place {
            0 => assert_eq!(error, SealError::UnknownVersion { version: 0 }),
            1..9 => assert!(matches!(error, SealError::OtherKey { .. }), "{place}: {error}"),
            _ => assert_eq!(error, SealError::Damaged, "{place}"),
        }
        assert_eq!(key.open(b"context", &envelope[..place]).unwrap_err(), SealError::Damaged, "{place} left");
    }
    let longer = [envelope.as_slice(), &[0]].concat();
    for (context, envelope) in [
        (b"context".as_slice(), longer.as_slice()),
        (b"", &envelope),
        (b"Context", &envelope),
        (b"contex", &envelope),
        (b"context2", &envelope),
    ] {
        assert_eq!(key.open(context, envelope).unwrap_err(), SealError::Damaged);
    }
    assert_eq!(MasterKey::needed_for(&envelope[..8]), None);
    assert_eq!(MasterKey::needed_for(b""), None);
    assert_eq!(MasterKey::needed_for(&[2; 60]), None);
}

#[test]
fn a_master_key_is_read_from_text() {
    let bytes = Zeroizing::new([0xab; KEY_BYTES]);
    let id = MasterKey::new(&bytes).id();
    let text = MasterKey::text(&bytes);
    let digits = "ab".repeat(32);
    for text in
        [text.as_str(), &format!("  {}\n", *text), &digits, &digits.to_uppercase(), &format!("{digits}\r\n")]
    {
        assert_eq!(MasterKey::from_text(text).unwrap().id(), id, "{text}");
    }
    for text in
        ["", "abc", &digits[1..], &digits.replace("ab", "xy"), &text[..43], "AAAA", &format!("{}AAAA", *text)]
    {
        let error = MasterKey::from_text(text).unwrap_err();
        assert_eq!(error, SealError::MalformedMasterKey, "{text}");
    }
    assert_eq!(format!("{:?}", MasterKey::new(&bytes)), format!("MasterKey({id})"));
    assert!(!format!("{:?}", MasterKey::new(&bytes)).contains("abab"));
}

#[test]
fn a_data_key_survives_its_wrapping() {
    let random = Zeroizing::new([9; KEY_BYTES]);
    let (key, wrapped) = DataKey::create(&master(1), b"queue", &random, NONCE).unwrap();
    assert!(!wrapped.windows(4).any(|bytes| bytes == [9; 4]));
    let unwrapped = DataKey::unwrap(&master(1), b"queue", &wrapped).unwrap();
    let mut buffer = sealed(&key, b"aad", b"body");
    assert_eq!(unwrapped.open_in_place(NONCE, b"aad", &mut buffer).unwrap(), b"body");

    assert_eq!(DataKey::unwrap(&master(1), b"other", &wrapped).unwrap_err(), SealError::Damaged);
    assert!(matches!(DataKey::unwrap(&master(2), b"queue", &wrapped), Err(SealError::OtherKey { .. })));
    let no_key = master(1).seal(b"queue", b"short", NONCE).unwrap();
    assert_eq!(DataKey::unwrap(&master(1), b"queue", &no_key).unwrap_err(), SealError::Damaged);
    assert_eq!(format!("{key:?}"), "DataKey(…)");
}

#[test]
fn a_body_opens_only_as_it_was_sealed() {
    let key = data_key(7);
    let body = sealed(&key, b"queue 1", b"hello");
    let open = |key: &DataKey, nonce, aad: &[u8], sealed: &[u8]| {
        let mut out = b"before".to_vec();
        let opened = key.open_into(nonce, aad, sealed, &mut out);
        let in_place =
            key.open_in_place(nonce, aad, &mut sealed.to_vec()).map(|plaintext| plaintext.to_vec());
        match opened {
            Ok(()) => assert_eq!(in_place.unwrap(), out[6..]),
            Err(error) => {
                assert_eq!(in_place, Err(error));
                assert_eq!(out, b"before");
            }
        }
        out
    };
    assert_eq!(open(&key, NONCE, b"queue 1", &body), b"beforehello");
    assert_eq!(open(&key, [6; NONCE_BYTES], b"queue 1", &body), b"before");
    assert_eq!(open(&key, NONCE, b"queue 2", &body), b"before");
    assert_eq!(open(&data_key(8), NONCE, b"queue 1", &body), b"before");
    for length in 0..body.len() {
        assert_eq!(open(&key, NONCE, b"queue 1", &body[..length]), b"before", "{length}");
    }
    let empty = sealed(&key, b"", b"");
    assert_eq!(empty.len(), TAG_BYTES);
    assert_eq!(open(&key, NONCE, b"", &empty), b"before");
    let mut nothing = Vec::new();
    assert_eq!(key.open_into(NONCE, b"", &empty, &mut nothing), Ok(()));
}

proptest! {
    #[test]
    fn what_is_sealed_opens(aad in vec(any::<u8>(), 0..40), body in vec(any::<u8>(), 0..3000), nonce: [u8; 12]) {
        let key = data_key(7);
        let mut buffer = body.clone();
        key.seal_in_place(nonce, &aad, &mut buffer).unwrap();
        prop_assert_eq!(buffer.len(), body.len() + TAG_BYTES);
        let mut opened = Vec::new();
        key.open_into(nonce, &aad, &buffer, &mut opened).unwrap();
        prop_assert_eq!(&opened, &body);
        prop_assert_eq!(key.open_in_place(nonce, &aad, &mut buffer).unwrap(), &body);
    }

    #[test]
    fn a_changed_bit_is_noticed(body in vec(any::<u8>(), 0..300), at: proptest::sample::Index, bit in 0..8) {
        let key = data_key(7);
        let mut buffer = sealed(&key, b"aad", &body);
        let at = at.index(buffer.len());
        buffer[at] ^= 1_u8 << bit;
        prop_assert_eq!(key.open_into(NONCE, b"aad", &buffer, &mut Vec::new()), Err(SealError::Damaged));
    }

    #[test]
    fn any_bytes_are_refused_without_a_panic(bytes in vec(any::<u8>(), 0..80)) {
        prop_assert!(master(1).open(b"", &bytes).is_err());
        prop_assert!(data_key(7).open_into(NONCE, b"", &bytes, &mut Vec::new()).is_err());
    }
}
