//! Finding the few members of an answer that matter, without reading it as JSON: a load generator that parsed what it
//! gets would be as busy as the server.
//!
//! A member's name stands between quotes; inside a string value quotes are escaped. So `"Name"` followed by a colon is
//! always the member itself.

use memchr::memmem;

/// The string values of all members of this name, in order, still escaped as they came.
pub(super) fn strings<'a>(
    json: &'a [u8],
    quoted_name: &'static str,
) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let name = quoted_name.as_bytes();
    memmem::find_iter(json, name).filter_map(move |at| {
        let rest = skip_space(&json[at + name.len()..]).strip_prefix(b":")?;
        let value = skip_space(rest).strip_prefix(b"\"")?;
        Some(&value[..string_length(value)?])
    })
}

/// How many members have this name.
pub(super) fn count(json: &[u8], quoted_name: &'static str) -> u64 {
    let name = quoted_name.as_bytes();
    let is_member = |at: &usize| skip_space(&json[at + name.len()..]).starts_with(b":");
    memmem::find_iter(json, name).filter(is_member).count() as u64
}

/// What an answer other than 200 says went wrong: the code without its namespace.
pub(super) fn error_code(status: u16, json: &[u8]) -> String {
    let code = strings(json, "\"__type\"").next().and_then(|code| std::str::from_utf8(code).ok());
    match code {
        Some(code) => code.rsplit(['#', '.']).next().unwrap_or(code).to_owned(),
        None => format!("HTTP {status}"),
    }
}

fn skip_space(json: &[u8]) -> &[u8] {
    json.trim_ascii_start()
}

fn string_length(value: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr2(b'"', b'\\', &value[from..])?;
        if value[at] == b'"' {
            return Some(at);
        }
        from = at + 2;
        if from > value.len() {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{count, error_code, strings};

    fn all(json: &str, name: &'static str) -> Vec<String> {
        strings(json.as_bytes(), name).map(|value| String::from_utf8(value.to_vec()).unwrap()).collect()
    }

    #[test]
    fn members_are_found_however_they_are_spaced() {
        let json = r#"{"Messages":[{"ReceiptHandle":"a\/b","Body":"1"},{"Body" : "2","ReceiptHandle" :
            "c\\"}]}"#;
        assert_eq!(all(json, "\"ReceiptHandle\""), [r"a\/b", r"c\\"]);
        assert_eq!(all(json, "\"Body\""), ["1", "2"]);
        assert_eq!(count(json.as_bytes(), "\"Body\""), 2);
    }

    #[test]
    fn what_a_body_says_is_not_a_member() {
        let json = r#"{"Body":"{\"ReceiptHandle\":\"no\"}","Note":"ReceiptHandle","ReceiptHandle":"yes"}"#;
        assert_eq!(all(json, "\"ReceiptHandle\""), ["yes"]);
        assert_eq!(count(br#"{"a":"SenderFault"}"#, "\"SenderFault\""), 0);
    }

    #[test]
    fn what_is_cut_short_is_not_found() {
        for json in [
            r#"{"Body"#,
            r#"{"Body""#,
            r#"{"Body":"#,
            r#"{"Body":""#,
            r#"{"Body":"a"#,
            r#"{"Body":"a\"#,
            r#"{"Body":"a\""#,
        ] {
            assert_eq!(all(json, "\"Body\""), [""; 0], "{json}");
        }
    }

    #[test]
    fn errors_are_named_by_their_code() {
        let json = br#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no"}"#;
        assert_eq!(error_code(400, json), "QueueDoesNotExist");
        assert_eq!(error_code(502, b"<html>"), "HTTP 502");
    }
}
