//! What tags may be. How many a queue has is the engine's to check.

use crate::errors::invalid_parameter;
use bongsu_wire::{ServiceError, StringMap};

const MAX_KEY_CHARS: usize = 128;
const MAX_VALUE_CHARS: usize = 256;

/// Checks keys and values.
///
/// # Errors
/// `InvalidParameterValue`.
pub(super) fn check(tags: &StringMap) -> Result<(), ServiceError> {
    for (key, value) in tags {
        check_key(key)?;
        if value.chars().count() > MAX_VALUE_CHARS {
            return Err(invalid_parameter("Tag values must be between 0 and 256 characters in length."));
        }
        if !in_alphabet(value) {
            return Err(invalid_parameter(format!("Tag values may only contain {ALPHABET}")));
        }
    }
    Ok(())
}

/// Checks the key of a tag.
///
/// # Errors
/// `InvalidParameterValue`.
pub(super) fn check_key(key: &str) -> Result<(), ServiceError> {
    if !(1..=MAX_KEY_CHARS).contains(&key.chars().count()) {
        return Err(invalid_parameter("Tag keys must be between 1 and 128 characters in length."));
    }
    if !in_alphabet(key) {
        return Err(invalid_parameter(format!("Tag keys may only contain {ALPHABET}")));
    }
    if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
        return Err(invalid_parameter("Tag keys beginning with aws: are reserved for system use."));
    }
    Ok(())
}

const ALPHABET: &str = "unicode letters, digits, whitespace, or one of these symbols: _ . : / = + - @";

fn in_alphabet(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c))
}

#[cfg(test)]
mod tests {
    use super::check;
    use bongsu_wire::StringMap;

    fn tag(key: &str, value: &str) -> StringMap {
        StringMap::from([(key.to_owned(), value.to_owned())])
    }

    #[test]
    fn tags_that_sqs_takes() {
        let (longest_key, longest_value) = ("\u{e9}".repeat(128), "v".repeat(256));
        for tags in [
            tag("a", ""),
            tag("Team Name_.:/=+-@9", "caf\u{e9} 1"),
            tag(&longest_key, &longest_value),
            tag("awsome", "aws:x"),
            StringMap::new(),
        ] {
            assert_eq!(check(&tags), Ok(()));
        }
    }

    #[test]
    fn tags_that_sqs_refuses() {
        let cases = [
            (tag("", "v"), "Tag keys must be between 1 and 128 characters in length."),
            (tag(&"k".repeat(129), "v"), "Tag keys must be between 1 and 128 characters in length."),
            (tag("k", &"v".repeat(257)), "Tag values must be between 0 and 256 characters in length."),
            (
                tag("a!", "v"),
                "Tag keys may only contain unicode letters, digits, whitespace, or one of these symbols: _ . : / = + - @",
            ),
            (tag("AWS:x", "v"), "Tag keys beginning with aws: are reserved for system use."),
        ];
        for (tags, message) in cases {
            assert_eq!(check(&tags).unwrap_err().message, message);
        }
        assert!(check(&tag("k", "<v>")).is_err());
    }
}
