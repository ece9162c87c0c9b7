//! What requests consist of.

use super::{constraint, validation};
use crate::beside::Refused;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Reads a request's body.
///
/// # Errors
/// `SerializationException`.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    let body = if body.is_empty() { b"{}".as_slice() } else { body };
    // What is wrong is not repeated: it may be a plaintext.
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Refused::new(
            "SerializationException",
            format!("The request's body is wrong at line {line}, column {column}."),
        )
    })
}

/// A member that has to be there.
///
/// # Errors
/// `ValidationException`.
pub(super) fn required<'a, T: ?Sized>(value: Option<&'a T>, parameter: &str) -> Result<&'a T, Refused> {
    value.ok_or_else(|| {
        validation(format!(
            "1 validation error detected: Value null at '{parameter}' failed to satisfy constraint: Member must not be null"
        ))
    })
}

/// How many entries of a list are shown at once.
///
/// # Errors
/// `ValidationException`.
pub(super) fn limit(limit: Option<i64>, default: usize, most: usize) -> Result<usize, Refused> {
    let Some(asked) = limit else { return Ok(default) };
    match usize::try_from(asked) {
        Ok(limit) if limit > most => {
            Err(constraint(&asked.to_string(), "limit", &format!("have value less than or equal to {most}")))
        }
        Ok(limit) if limit > 0 => Ok(limit),
        _ => Err(constraint(&asked.to_string(), "limit", "have value greater than or equal to 1")),
    }
}

/// Bytes in base64, within these lengths.
///
/// # Errors
/// `ValidationException` for a length, `SerializationException` for what is no base64. The bytes are never repeated.
pub(super) fn blob(
    text: Option<&str>,
    parameter: &str,
    most_bytes: usize,
) -> Result<Zeroizing<Vec<u8>>, Refused> {
    let bytes = STANDARD.decode(required(text, parameter)?);
    let bytes = Zeroizing::new(
        bytes.map_err(|_| Refused::new("SerializationException", format!("{parameter} is not base64.")))?,
    );
    if bytes.is_empty() {
        return Err(constraint("", parameter, "have length greater than or equal to 1"));
    }
    if bytes.len() > most_bytes {
        let most = format!("have length less than or equal to {most_bytes}");
        return Err(constraint("(hidden)", parameter, &most));
    }
    Ok(bytes)
}

/// A request that names a key and no more.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OfKey {
    pub(super) key_id: Option<String>,
}

/// A tag.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub(super) tag_key: String,
    pub(super) tag_value: String,
}

const MAX_TAGS: usize = 50;
const MAX_TAG_KEY: usize = 128;
const MAX_TAG_VALUE: usize = 256;

/// Notes tags as a policy's conditions see them, before they are checked.
pub(super) fn note(set: &mut BTreeMap<String, String>, tags: &[Tag]) {
    set.extend(tags.iter().map(|tag| (tag.tag_key.clone(), tag.tag_value.clone())));
}

/// Adds tags to those that there are.
///
/// # Errors
/// `TagException`, `LimitExceededException`.
pub(super) fn add_tags(tags: &mut BTreeMap<String, String>, more: Vec<Tag>) -> Result<(), Refused> {
    for Tag { tag_key, tag_value } in more {
        let is_key = (1..=MAX_TAG_KEY).contains(&tag_key.chars().count());
        if !is_key || tag_key.to_ascii_lowercase().starts_with("aws:") {
            return Err(Refused::new("TagException", format!("{tag_key:?} can't be a tag's key.")));
        }
        if tag_value.chars().count() > MAX_TAG_VALUE {
            return Err(Refused::new("TagException", "A tag's value has at most 256 characters."));
        }
        tags.insert(tag_key, tag_value);
    }
    if tags.len() > MAX_TAGS {
        return Err(Refused::new("LimitExceededException", "A key has at most 50 tags."));
    }
    Ok(())
}
