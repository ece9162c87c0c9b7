//! A request's form parameters as members of a shape.
//!
//! `MessageAttribute.1.Value.StringValue=…` names a place in a tree. No tree is built: sorted by name,
//! everything below a place is a stretch of the parameters, so that a structure is a slice and the beginning
//! of its names ([`QueryFields`]). What is decided here, where Query leaves room:
//! - The URL's parameters come before the form's; of parameters with the same name the last one counts.
//!   Parameters nobody knows (`Version`, signatures) are ignored.
//! - Lists are numbered, `Name.1`, or `Name.member.1`; gaps and any starting number are fine, the order is
//!   that of the numbers. A list or map of one may be without a number (`AttributeName=All`,
//!   `Attribute.Name=…`), as AWS's own examples have it.
//! - `%` without two hexadecimal digits stands for itself; text that is not UTF-8 is an error.
//! - A number that is empty is absent.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use memchr::{memchr, memchr2};

use crate::error::{ErrorKind, ServiceError};
use crate::fields::Fields;
use crate::json::BASE64;
use crate::operations::Operation;
use crate::shapes::{ListName, MapName};

/// How many parameters a request may have: far more than any valid one needs, and few enough to sort in no
/// time.
const MAX_PARAMETERS: usize = 16_384;

/// Decodes a request from the parameters in its URL (`query`, without the question mark) and in its body
/// (`form`, empty for GET). The QueueUrl is a parameter, or else `path`, the URL's path, unless that is `/`.
///
/// # Errors
/// [`ErrorKind::MissingAction`] or [`ErrorKind::UnknownOperation`] for the action;
/// [`ErrorKind::MalformedQueryString`] for parameters that are not UTF-8 or too many;
/// [`ErrorKind::Serialization`] when a member has another type than the model says;
/// [`ErrorKind::MissingParameter`] when a required one is absent ([`ErrorKind::InvalidAddress`] when it is
/// the queue); [`ErrorKind::UnsupportedOperation`] for
/// message attributes that are lists.
pub fn decode_query(path: &str, query: &str, form: &[u8]) -> Result<Operation, ServiceError> {
    let mut parameters = Vec::new();
    for (name, value) in pairs(query.as_bytes()).chain(pairs(form)) {
        if parameters.len() == MAX_PARAMETERS {
            return Err(ServiceError::new(ErrorKind::MalformedQueryString, "Too many parameters."));
        }
        parameters.push((decode_text(name)?, decode_text(value)?));
    }
    // The sort is stable, so that the last of a name stays the last.
    parameters.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut fields = QueryFields {
        parameters: &parameters,
        prefix: String::new(),
        path: Some(path.trim_end_matches('/')),
    };
    let action = fields.text("Action").filter(|action| !action.is_empty()).ok_or_else(|| {
        ServiceError::new(ErrorKind::MissingAction, "The request must contain the parameter Action.")
    })?;
    Operation::read(action, &mut fields)?.ok_or_else(|| {
        let message = format!("The action {action} is not valid for this endpoint.");
        ServiceError::new(ErrorKind::UnknownOperation, message)
    })
}

/// The parameters of a form or a URL, still encoded.
fn pairs(form: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = Some(form);
    let split = std::iter::from_fn(move || {
        let (pair, after) = cut(rest?, b'&');
        rest = after;
        Some(pair)
    });
    split.filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = cut(pair, b'=');
        (name, value.unwrap_or_default())
    })
}

/// What is before the first of these bytes, and what is after it.
fn cut(bytes: &[u8], at: u8) -> (&[u8], Option<&[u8]>) {
    match memchr(at, bytes) {
        Some(at) => (&bytes[..at], Some(&bytes[at + 1..])),
        None => (bytes, None),
    }
}

/// Undoes the encoding of forms: `+` is a space, `%41` a byte. (The crate `form_urlencoded` would replace
/// what is not UTF-8 instead of refusing it, and so change a message.)
fn decode_text(encoded: &[u8]) -> Result<Cow<'_, str>, ServiceError> {
    let not_text = || ServiceError::new(ErrorKind::MalformedQueryString, "A parameter is not valid UTF-8.");
    if memchr2(b'+', b'%', encoded).is_none() {
        return std::str::from_utf8(encoded).map(Cow::Borrowed).map_err(|_| not_text());
    }
    // Without a branch, so that the compiler makes vectors of it.
    let mut bytes: Vec<u8> = encoded.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    if let Some(first) = memchr(b'%', &bytes) {
        let length = decode_percents(&mut bytes, first);
        bytes.truncate(length);
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| not_text())
}

/// Replaces in place each `%` and its two digits, the first of which is there, by the byte that they stand
/// for. Returns how many bytes are left.
fn decode_percents(bytes: &mut [u8], first: usize) -> usize {
    let (mut read, mut written) = (first, first);
    while let Some(&byte) = bytes.get(read) {
        let decoded = if byte == b'%' { bytes.get(read + 1..read + 3).and_then(hex_byte) } else { None };
        bytes[written] = decoded.unwrap_or(byte);
        read += if decoded.is_some() { 3 } else { 1 };
        written += 1;
    }
    written
}

/// The byte that two hexadecimal digits stand for.
fn hex_byte(digits: &[u8]) -> Option<u8> {
    let digit = |at: usize| match *digits.get(at)? {
        digit @ b'0'..=b'9' => Some(digit - b'0'),
        letter @ b'A'..=b'F' => Some(letter - b'A' + 10),
        letter @ b'a'..=b'f' => Some(letter - b'a' + 10),
        _ => None,
    };
    Some(digit(0)? << 4 | digit(1)?)
}

fn malformed(message: String) -> ServiceError {
    ServiceError::new(ErrorKind::Serialization, message)
}

type Parameter<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The members of one structure: the parameters whose names begin with `prefix`, sorted by name.
struct QueryFields<'a> {
    parameters: &'a [Parameter<'a>],
    /// What all the names begin with, up to and with the last dot; empty for the request itself.
    prefix: String,
    /// What the QueueUrl is when no parameter says so; absent within lists and maps.
    path: Option<&'a str>,
}

/// An element of a list, or an entry of a map: its own value, and what is below it.
struct Element<'a> {
    text: Option<&'a str>,
    fields: QueryFields<'a>,
}

impl<'a> QueryFields<'a> {
    /// What follows the prefix in the name of one of this structure's parameters.
    fn rest<'n>(&self, parameter: &'n Parameter<'_>) -> &'n str {
        parameter.0.get(self.prefix.len()..).unwrap_or_default()
    }

    /// The value of this member, the last one if there are several.
    fn text(&self, name: &str) -> Option<&'a str> {
        let end = self.parameters.partition_point(|parameter| self.rest(parameter) <= name);
        let last = self.parameters.get(end.checked_sub(1)?)?;
        (self.rest(last) == name).then_some(last.1.as_ref())
    }

    /// Everything below this member.
    fn below(&self, name: &str) -> QueryFields<'a> {
        let prefix = [&self.prefix, name, "."].concat();
        let start_of_names = prefix.get(self.prefix.len()..).unwrap_or_default();
        let start = self.parameters.partition_point(|parameter| self.rest(parameter) < start_of_names);
        let from_start = self.parameters.get(start..).unwrap_or_default();
        let length = from_start.partition_point(|parameter| self.rest(parameter).starts_with(start_of_names));
        QueryFields { parameters: from_start.get(..length).unwrap_or_default(), prefix, path: None }
    }

    fn element(&self, name: &str) -> Element<'a> {
        Element { text: self.text(name), fields: self.below(name) }
    }

    /// The elements of the list of this name, in the order of their numbers.
    fn elements(&self, name: &str) -> Result<Vec<Element<'a>>, ServiceError> {
        let whole = self.element(name);
        let members = whole.fields.below("member");
        let list = if members.parameters.is_empty() { &whole.fields } else { &members };
        let numbers = list.numbers()?;
        if numbers.is_empty() {
            let is_absent = whole.text.is_none() && whole.fields.parameters.is_empty();
            return Ok(if is_absent { Vec::new() } else { vec![whole] });
        }
        Ok(numbers.into_iter().map(|number| list.element(number)).collect())
    }

    /// The names directly below this place that are numbers, in their order.
    fn numbers(&self) -> Result<Vec<&'a str>, ServiceError> {
        let names = self.parameters.iter().filter_map(|parameter| self.rest(parameter).split('.').next());
        let is_number = |name: &&str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        let mut numbers = names
            .filter(is_number)
            .map(|name| {
                let not_number = |_| malformed(format!("{}{name} has too large a number.", self.prefix));
                Ok((name.parse::<u64>().map_err(not_number)?, name))
            })
            .collect::<Result<Vec<_>, _>>()?;
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers.into_iter().map(|(_, name)| name).collect())
    }

    /// The entries of the map of this name, each with its key.
    fn entries(&self, name: &MapName) -> Result<Vec<(String, QueryFields<'a>)>, ServiceError> {
        let elements = self.elements(name.query)?.into_iter();
        elements
            .map(|Element { mut fields, .. }| Ok((fields.required_string(name.query_key)?, fields)))
            .collect()
    }
}

impl Fields for QueryFields<'_> {
    fn missing_queue_url() -> ServiceError {
        let message = "The address https://queue.amazonaws.com/ is not valid for this endpoint.";
        ServiceError::new(ErrorKind::InvalidAddress, message)
    }

    fn string(&mut self, name: &'static str) -> Result<Option<String>, ServiceError> {
        let text = self.text(name);
        let from_path = self.path.filter(|path| name == "QueueUrl" && !path.is_empty());
        Ok(from_path.filter(|_| text.is_none_or(str::is_empty)).or(text).map(str::to_owned))
    }

    fn integer(&mut self, name: &'static str) -> Result<Option<i32>, ServiceError> {
        let text = self.text(name).filter(|text| !text.is_empty());
        text.map(|text| {
            let not_integer =
                |_| malformed(format!("{text} is not a valid integer for the parameter {name}."));
            text.parse().map_err(not_integer)
        })
        .transpose()
    }

    fn blob(&mut self, name: &'static str) -> Result<Option<Vec<u8>>, ServiceError> {
        let bytes = self.text(name).map(|text| BASE64.decode(text));
        bytes.transpose().map_err(|_| malformed(format!("{name} is not valid base64.")))
    }

    fn strings(&mut self, name: &ListName) -> Result<Vec<String>, ServiceError> {
        let elements = self.elements(name.query)?;
        Ok(elements.into_iter().filter_map(|element| element.text.map(str::to_owned)).collect())
    }

    fn string_map(&mut self, name: &MapName) -> Result<BTreeMap<String, String>, ServiceError> {
        let entries = self.entries(name)?.into_iter();
        entries.map(|(key, mut entry)| Ok((key, entry.required_string("Value")?))).collect()
    }

    fn structures<T>(
        &mut self,
        name: &ListName,
        read: impl Fn(&mut Self) -> Result<T, ServiceError>,
    ) -> Result<Vec<T>, ServiceError> {
        self.elements(name.query)?.into_iter().map(|mut element| read(&mut element.fields)).collect()
    }

    fn structure_map<T>(
        &mut self,
        name: &MapName,
        read: impl Fn(&mut Self) -> Result<T, ServiceError>,
    ) -> Result<BTreeMap<String, T>, ServiceError> {
        let entries = self.entries(name)?.into_iter();
        entries.map(|(key, entry)| Ok((key, read(&mut entry.below("Value"))?))).collect()
    }

    fn full_name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

#[cfg(test)]
mod tests;
