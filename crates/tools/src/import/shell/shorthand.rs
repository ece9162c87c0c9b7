//! Maps as options of the AWS CLI have them: JSON, or `a=1,b="x,y"`.

use std::collections::BTreeMap;

/// Reads a map of texts; numbers, booleans and objects in JSON are taken for their text.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn map(text: &str) -> Result<BTreeMap<String, String>, String> {
    let text = text.trim();
    if !text.starts_with('{') {
        return pairs(text);
    }
    let parsed: serde_json::Value =
        serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"))?;
    Ok(of_json(&parsed))
}

/// The members of an object.
pub(super) fn of_json(object: &serde_json::Value) -> BTreeMap<String, String> {
    let members = object.as_object().into_iter().flatten();
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    members.map(|(name, value)| (name.clone(), text(value))).collect()
}

fn pairs(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut map = BTreeMap::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (name, value) = rest.split_once('=').ok_or_else(|| format!("{rest} is no NAME=VALUE"))?;
        let (value, behind) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => quoted(&value[1..], quote)?,
            // An object that nobody put in quotes has commas inside.
            Some('{') => braced(value)?,
            _ => {
                value.split_once(',').map_or((value.to_owned(), ""), |(value, rest)| (value.to_owned(), rest))
            }
        };
        map.insert(name.trim().to_owned(), value);
        rest = behind.strip_prefix(',').unwrap_or(behind).trim_start();
    }
    Ok(map)
}

/// Up to the quote that is not escaped; of escapes only those of quote and backslash mean something.
fn quoted(text: &str, quote: char) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some((_, escaped)) if escaped == quote || escaped == '\\' => value.push(escaped),
                Some((_, other)) => value.extend(['\\', other]),
                None => break,
            },
            end if end == quote => return Ok((value, &text[at + end.len_utf8()..])),
            other => value.push(other),
        }
    }
    Err("a quote is not closed".to_owned())
}

fn braced(text: &str) -> Result<(String, &str), String> {
    let mut depth = 0;
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    let (value, rest) = text.split_at(at + 1);
                    return Ok((value.to_owned(), rest));
                }
            }
            _ => {}
        }
    }
    Err("a brace is not closed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::map;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn maps_in_both_forms() {
        for (text, expected) in [
            ("A=1,B=x=y", json!({ "A": "1", "B": "x=y" })),
            ("A=1, B=2,", json!({ "A": "1", "B": "2" })),
            ("A=", json!({ "A": "" })),
            ("", json!({})),
            (r#"A="x,\"y\"",B=2"#, json!({ "A": "x,\"y\"", "B": "2" })),
            (r#"A={"a":{"b":1},"c":2},B=2"#, json!({ "A": r#"{"a":{"b":1},"c":2}"#, "B": "2" })),
            (
                r#"{"A": "1", "B": 2, "C": true, "D": {"a": "b"}}"#,
                json!({ "A": "1", "B": "2", "C": "true", "D": r#"{"a":"b"}"# }),
            ),
        ] {
            assert_eq!(json!(map(text).unwrap()), expected, "{text}");
        }
        for wrong in ["A", "A=1,B", "{", "A=\"x", "A={"] {
            assert!(map(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "[a-b=,\"'{}\\\\봉 ]{0,30}") {
            let _ = map(&text);
        }
    }
}
