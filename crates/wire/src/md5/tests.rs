#![allow(clippy::unwrap_used, reason = "tests")]

use super::{bodies, body, lanes, message_attributes, show};
use crate::shapes::{MessageAttributeValue, MessageAttributes};

fn text(data_type: &str, value: &str) -> MessageAttributeValue {
    MessageAttributeValue {
        data_type: data_type.to_owned(),
        string_value: Some(value.to_owned()),
        binary_value: None,
    }
}

fn attributes<const N: usize>(entries: [(&str, MessageAttributeValue); N]) -> MessageAttributes {
    entries.map(|(name, value)| (name.to_owned(), value)).into()
}

#[test]
fn bodies_have_the_md5_of_their_bytes() {
    assert_eq!(show(&body("")), "d41d8cd98f00b204e9800998ecf8427e");
    assert_eq!(show(&body("msg")), "6e2baaf3b97dbeef01c0043275f9a0e7");
    assert_eq!(show(&body("message-body-1")), "19c9e282d65f9733bc6b35d50062c7ee");
}

#[test]
fn digests_keep_their_leading_zeros() {
    let digest = 0x0000_0000_d8fd_50ed_6423_40b7_c9a6_3b30_u128.to_be_bytes();
    assert_eq!(show(&digest), "00000000d8fd50ed642340b7c9a63b30");
}

/// Lengths around those of a block, where the end of a message takes one block or two, in all places of a batch.
#[test]
fn a_batch_has_the_digests_of_its_bodies_whatever_their_lengths() {
    for round in 0..200 {
        let text = |place: usize| "x".repeat((round * 7 + place * 53) % 201);
        let texts: Vec<String> = (0..round % 21).map(text).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let one_by_one: Vec<_> = texts.iter().map(|text| body(text)).collect();
        assert_eq!(bodies(&texts), one_by_one, "round {round}");
    }
}

/// Nine short bodies beside one of 200 KiB took the long one's time in all lanes.
#[test]
fn a_body_longer_than_the_others_together_is_hashed_alone() {
    let short = [b'x'; 100];
    let long = [b'x'; 2_000];
    let together = |messages: &[&[u8]]| lanes::worthwhile(messages.iter().copied());
    assert_eq!(together(&[&long, &short, &short, &short, &short]), 1);
    assert_eq!(together(&[&long, &long, &short]), 3);
    assert_eq!(together(&[&short, &short]), 2);
    assert_eq!(together(&[b"", b""]), 2);
    assert_eq!(together(&[&short]), 1);
    assert_eq!(together(&[short.as_slice(); 20]), lanes::LANES);
}

#[test]
fn a_batch_of_uneven_bodies_has_their_digests_in_their_order() {
    for place in 0..10 {
        let length = |index: usize| if index == place { 200_000 } else { index * 97 };
        let texts: Vec<String> = (0..10).map(|index| "y".repeat(length(index))).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let one_by_one: Vec<_> = texts.iter().map(|text| body(text)).collect();
        assert_eq!(bodies(&texts), one_by_one, "the long one at {place}");
    }
}

proptest::proptest! {
    #[test]
    fn any_batch_has_the_digests_of_its_bodies(texts in proptest::collection::vec(".{0,300}", 0..12)) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let one_by_one: Vec<_> = texts.iter().map(|text| body(text)).collect();
        proptest::prop_assert_eq!(bodies(&texts), one_by_one);
    }
}

/// The digests were answered by the real service for these attributes.
#[test]
fn attributes_have_the_digest_that_aws_answers() {
    let binary = MessageAttributeValue {
        data_type: "Binary".to_owned(),
        string_value: None,
        binary_value: Some(
            b"traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01".to_vec(),
        ),
    };
    let cases = [
        (attributes([("Foo", text("String", "Bar"))]), "ae7155c6026991b6d54b11589678bf9c"),
        (attributes([("Hello", text("String", "There"))]), "a311262e065454b75da111d535b8dacd"),
        (
            attributes([("Hello", text("String", "There")), ("General", text("String", "Kenobi"))]),
            "fca026605781cb4126a1e9044df24232",
        ),
        (
            attributes([
                ("Hello", text("String", "There")),
                ("Help.Me", text("String", "Me")),
                ("General", text("String", "Kenobi")),
            ]),
            "4c360f3fdafd970e05fae2f149d997f5",
        ),
        (attributes([("attr1", binary)]), "8cbe4db156db8a94db8b801b7addb984"),
    ];
    for (attributes, digest) in cases {
        assert_eq!(message_attributes(&attributes).as_deref(), Some(digest));
    }
}

#[test]
fn no_attributes_have_no_digest() {
    assert_eq!(message_attributes(&MessageAttributes::new()), None);
}

#[test]
fn labels_are_hashed_but_do_not_change_the_kind_of_value() {
    let labelled = |data_type: &str| {
        let both = MessageAttributeValue { binary_value: Some(b"1".to_vec()), ..text(data_type, "1") };
        message_attributes(&attributes([("a", both)])).unwrap()
    };
    assert_ne!(labelled("Binary"), labelled("Binary.png"));
    // Text and bytes differ by their marker even when they are the same bytes; `Binaryx` is no kind of
    // Binary.
    let digests =
        [labelled("Binary.png"), labelled("Binaryxpng"), labelled("Number"), labelled("Number.int")];
    assert_eq!(std::collections::BTreeSet::from(digests).len(), 4);
}
