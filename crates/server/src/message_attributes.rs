//! Message attributes and message system attributes: what a send may carry, and which of them a receive shows.
//!
//! The texts are the real service's, as far as they are recorded.

use crate::errors::invalid_parameter;
use bongsu_wire::{ErrorKind, MessageAttributeValue, MessageAttributes, ServiceError};

const MAX_ATTRIBUTES: usize = 10;
const MAX_NAME_BYTES: usize = 256;
/// SQS documents numbers of up to 38 digits.
const MAX_NUMBER_DIGITS: usize = 38;
/// Trace headers are some hundred bytes; they don't count towards the size of a message, so that they need a limit
/// of their own.
pub(crate) const MAX_TRACE_HEADER_BYTES: usize = 8 * 1024;
/// The one system attribute that can be sent.
const TRACE_HEADER: &str = "AWSTraceHeader";

/// What SQS says of text with other characters than it takes.
pub(crate) const INVALID_CHARACTERS: &str = "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | \
     #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF";

/// Whether a text keeps to the characters that SQS takes (those that XML 1.0 can carry).
pub(crate) fn has_valid_characters(text: &str) -> bool {
    // Only control characters and what begins with 0xEF (U+FFFE and U+FFFF do) can be wrong. Looking at bytes without
    // stopping compiles to vector instructions; most texts need no second look.
    let needs_a_look =
        |byte: u8| (byte < b' ') & (byte != b'\t') & (byte != b'\n') & (byte != b'\r') | (byte == 0xef);
    if !text.bytes().fold(false, |any, byte| any | needs_a_look(byte)) {
        return true;
    }
    text.chars()
        .all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..))
}

/// Checks the attributes that a caller gives a message.
///
/// # Errors
/// `InvalidParameterValue`, about the first attribute in the order of names that is wrong.
pub(crate) fn check(attributes: &MessageAttributes) -> Result<(), ServiceError> {
    if attributes.len() > MAX_ATTRIBUTES {
        return Err(invalid_parameter(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{MAX_ATTRIBUTES}].",
            attributes.len()
        )));
    }
    for (name, value) in attributes {
        check_name(name)?;
        check_value("user", name, value)?;
    }
    Ok(())
}

/// Checks the system attributes of a send and takes out the trace header.
///
/// # Errors
/// `InvalidParameterValue`.
pub(crate) fn trace_header(attributes: &MessageAttributes) -> Result<Option<String>, ServiceError> {
    for (name, value) in attributes {
        if name != TRACE_HEADER {
            return Err(invalid_parameter(format!("Message system attribute name '{name}' is invalid.")));
        }
        check_value("system", name, value)?;
        if value.data_type != "String" {
            return Err(invalid_parameter(format!(
                "The type of message (system) attribute '{name}' is invalid. You must use only the following supported type \
                 prefixes: String."
            )));
        }
        if value.string_value.as_ref().is_some_and(|text| text.len() > MAX_TRACE_HEADER_BYTES) {
            return Err(invalid_parameter(format!(
                "Message (system) attribute '{name}' must be shorter than {MAX_TRACE_HEADER_BYTES} bytes."
            )));
        }
    }
    Ok(attributes.get(TRACE_HEADER).and_then(|value| value.string_value.clone()))
}

/// How many bytes the attributes count towards a message's size: names, types and values.
pub(crate) fn size_bytes(attributes: &MessageAttributes) -> u64 {
    let sizes = attributes.iter().map(|(name, value)| {
        let value_bytes = value.string_value.as_ref().map_or(0, String::len)
            + value.binary_value.as_ref().map_or(0, Vec::len);
        name.len() + value.data_type.len() + value_bytes
    });
    sizes.sum::<usize>() as u64
}

fn check_name(name: &str) -> Result<(), ServiceError> {
    if name.is_empty() {
        return Err(invalid_parameter("The request must contain non-empty message (user) attribute names."));
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(invalid_parameter(format!(
            "Message (user) attribute name must be shorter than {MAX_NAME_BYTES} bytes."
        )));
    }
    let lower = name.to_ascii_lowercase();
    if lower.starts_with("aws.") || lower.starts_with("amazon.") {
        return Err(invalid_parameter(
            "You can't use message attribute names beginning with 'AWS.' or 'Amazon'. These strings are reserved for \
             internal use.",
        ));
    }
    let in_alphabet = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    if !in_alphabet {
        return Err(invalid_parameter(format!(
            "The message (user) attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore \
             (_), hyphen (-), and period (.) characters."
        )));
    }
    if name.starts_with('.') || name.ends_with('.') || name.contains("..") {
        return Err(invalid_parameter(format!(
            "The message (user) attribute name '{name}' is invalid. Attribute name can not start or end with a period, or \
             have successive periods."
        )));
    }
    Ok(())
}

/// `origin` is `user` or `system`, as SQS's texts say it.
fn check_value(origin: &str, name: &str, value: &MessageAttributeValue) -> Result<(), ServiceError> {
    let data_type = value.data_type.as_str();
    if data_type.is_empty() {
        let without_value = value.string_value.is_none() && value.binary_value.is_none();
        let missing = if without_value { "value" } else { "type" };
        return Err(invalid_parameter(format!(
            "The message ({origin}) attribute '{name}' must contain a non-empty message attribute {missing}."
        )));
    }
    if data_type.len() > MAX_NAME_BYTES {
        return Err(invalid_parameter(format!(
            "Message ({origin}) attribute type must be shorter than {MAX_NAME_BYTES} bytes."
        )));
    }
    if !has_valid_characters(data_type) {
        return Err(invalid_parameter(INVALID_CHARACTERS));
    }
    match data_type.split('.').next().unwrap_or_default() {
        "String" => check_text(origin, name, value).map(|_| ()),
        "Number" if is_number(check_text(origin, name, value)?) => Ok(()),
        "Number" => Err(invalid_parameter(format!(
            "Can't cast the value of message ({origin}) attribute '{name}' to a number."
        ))),
        "Binary" if value.binary_value.as_ref().is_some_and(|bytes| !bytes.is_empty()) => Ok(()),
        "Binary" => Err(empty_value(origin, name, "Binary")),
        _ => Err(invalid_parameter(format!(
            "The type of message ({origin}) attribute '{name}' is invalid. You must use only the following supported type \
             prefixes: Binary, Number, String."
        ))),
    }
}

fn check_text<'a>(
    origin: &str,
    name: &str,
    value: &'a MessageAttributeValue,
) -> Result<&'a str, ServiceError> {
    let text = value.string_value.as_deref().filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| empty_value(origin, name, "String"))?;
    if has_valid_characters(text) { Ok(text) } else { Err(invalid_parameter(INVALID_CHARACTERS)) }
}

fn empty_value(origin: &str, name: &str, kind: &str) -> ServiceError {
    invalid_parameter(format!(
        "Message ({origin}) attribute '{name}' must contain a non-empty value of type '{kind}'."
    ))
}

/// A decimal number: sign, digits with an optional point among them, optional exponent.
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    let significant = digits.trim_start_matches('0').trim_end_matches('0').len();
    let exponent_is_number = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && all_digits(exponent)
    });
    !digits.is_empty() && all_digits(&digits) && significant <= MAX_NUMBER_DIGITS && exponent_is_number
}

/// What a receive asks for by MessageAttributeNames: `All`, `.*` and `*` stand for all, `prefix.*` for those that
/// begin so. Names that no attribute can have match nothing and are no error.
pub(crate) struct NameFilter<'a> {
    names: &'a [String],
    all: bool,
}

impl<'a> NameFilter<'a> {
    /// From the request.
    pub(crate) fn new(names: &'a [String]) -> Self {
        let all = names.iter().any(|name| is_all(name) || name == ".*" || name == "*");
        Self { names, all }
    }

    /// Whether an attribute is shown.
    pub(crate) fn wants(&self, attribute: &str) -> bool {
        self.all
            || self.names.iter().any(|name| match name.strip_suffix(".*") {
                Some(prefix) => attribute.starts_with(prefix),
                None => attribute == name,
            })
    }
}

/// `All` in any case: some clients write it in capitals.
pub(crate) fn is_all(name: &str) -> bool {
    name.eq_ignore_ascii_case("All")
}

/// Checks a body.
///
/// # Errors
/// `InvalidMessageContents` for characters that SQS doesn't take.
pub(crate) fn check_body(body: &str) -> Result<(), ServiceError> {
    if has_valid_characters(body) {
        Ok(())
    } else {
        Err(ServiceError::new(ErrorKind::InvalidMessageContents, INVALID_CHARACTERS))
    }
}

#[cfg(test)]
mod tests;
