use super::{decode_text, pairs};
use percent_encoding::percent_decode;
use proptest::collection::vec;
use proptest::prelude::*;

/// The same, step by step.
fn expected(encoded: &[u8]) -> Option<String> {
    let spaced: Vec<u8> = encoded.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    String::from_utf8(percent_decode(&spaced).collect()).ok()
}

fn expected_pairs(form: &[u8]) -> Vec<(&[u8], &[u8])> {
    let pairs = form.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| match pair.iter().position(|&byte| byte == b'=') {
            Some(at) => (&pair[..at], &pair[at + 1..]),
            None => (pair, &[][..]),
        })
        .collect()
}

#[test]
fn every_escape_is_decoded() {
    for first in 0..=u8::MAX {
        for second in 0..=u8::MAX {
            let encoded = [b'a', b'%', first, second, b'z'];
            let decoded = decode_text(&encoded).ok().map(String::from);
            assert_eq!(decoded, expected(&encoded), "{encoded:?}");
        }
    }
}

proptest! {
    #[test]
    fn texts_are_decoded(
        pieces in vec(prop_oneof!["[ -~]{0,40}", "%[0-7][0-9a-fA-F]", "%[89a-f].", "[%+]{1,3}", any::<String>()], 0..12),
        end in any::<prop::sample::Index>(),
    ) {
        let mut encoded = pieces.concat().into_bytes();
        encoded.truncate(end.index(encoded.len() * 4 + 1));
        prop_assert_eq!(decode_text(&encoded).ok().map(String::from), expected(&encoded));
    }

    #[test]
    fn parameters_are_told_apart(form in "[a=&%]{0,40}") {
        prop_assert_eq!(pairs(form.as_bytes()).collect::<Vec<_>>(), expected_pairs(form.as_bytes()));
    }
}
