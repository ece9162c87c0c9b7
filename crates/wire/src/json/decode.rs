//! A request's JSON as members of a shape.
//!
//! The body is parsed once into [`Value`]s that borrow their text from it, so that a message is copied once
//! on its way into its shape. [`plain`] does so for all but odd requests; what it does not read is read here,
//! by serde_json, which also has the words for what is wrong. What is decided here, where JSON leaves room:
//! - `null` is absent; members nobody knows are ignored; of members with the same name the last one counts.
//! - A number in a string, and a string that is a number, are errors (so does AWS); `1.0` and `1e1` are the
//!   integers that they equal, fractions and numbers beyond 32 bits are errors.
//! - An empty body is `{}`. Anything but one object is an error, as are invalid UTF-8, unpaired surrogates
//!   and nesting deeper than serde_json's limit of 128.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::plain;
use crate::error::{ErrorKind, ServiceError};
use crate::fields::Fields;
use crate::operations::Operation;
use crate::shapes::{ListName, MapName};

/// What every target begins with.
const TARGET_PREFIX: &str = "AmazonSQS.";

/// How many values a request may have: far more than any valid one needs, and few enough that a body of many
/// tiny values does not become a multiple of its size in memory.
pub(super) const MAX_VALUES: usize = 16_384;

/// Base64 as AWS reads it: the standard alphabet, with padding or without.
pub(crate) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes a request: `target` is the header `X-Amz-Target`, such as `AmazonSQS.SendMessage`.
///
/// # Errors
/// [`ErrorKind::UnknownOperation`] when the target names no action; [`ErrorKind::Serialization`]
/// when the body is not a JSON object or a member has another type than the model says;
/// [`ErrorKind::MissingParameter`] when a required one is absent; [`ErrorKind::UnsupportedOperation`] for
/// message attributes that are lists.
pub fn decode_json(target: &str, body: &[u8]) -> Result<Operation, ServiceError> {
    let unknown = || {
        let message = format!("The target {target} does not name an operation of this service.");
        ServiceError::new(ErrorKind::UnknownOperation, message)
    };
    let action = target.strip_prefix(TARGET_PREFIX).ok_or_else(unknown)?;
    let mut fields = JsonFields { members: parse(body)?, place: None };
    Operation::read(action, &mut fields)?.ok_or_else(unknown)
}

/// The members of the one object that a body must be.
fn parse(body: &[u8]) -> Result<Members<'_>, ServiceError> {
    if body.is_empty() {
        return Ok(Vec::new());
    }
    match plain::parse(body) {
        Some(members) => Ok(members),
        None => parse_thoroughly(body),
    }
}

/// The members of the one object that a body must be, or what is wrong with it.
pub(super) fn parse_thoroughly(body: &[u8]) -> Result<Members<'_>, ServiceError> {
    let values_left = Cell::new(MAX_VALUES);
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = ValueSeed { values_left: &values_left }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| malformed(&format!("The request is not valid JSON: {error}")))?;
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(malformed("Unexpected field type")),
    }
}

fn malformed(message: &str) -> ServiceError {
    ServiceError::new(ErrorKind::Serialization, message)
}

pub(super) type Members<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// A JSON value that borrows from the request wherever its text has no escapes.
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    /// The integer it equals, if it equals one.
    Number(Option<i64>),
    String(Cow<'a, str>),
    List(Vec<Value<'a>>),
    Object(Members<'a>),
}

impl<'a> Value<'a> {
    /// AWS's words for a value that is not what it should be; `wanted` has its article.
    fn is_not(&self, wanted: &str) -> ServiceError {
        let found = match self {
            Value::List(_) => return malformed("Start of list found where not expected"),
            Value::Object(_) => return malformed("Start of structure or map found where not expected."),
            Value::Null => "NULL_VALUE",
            Value::Bool(true) => "TRUE_VALUE",
            Value::Bool(false) => "FALSE_VALUE",
            Value::Number(_) => "NUMBER_VALUE",
            Value::String(_) => "STRING_VALUE",
        };
        malformed(&format!("{found} can not be converted to {wanted}"))
    }

    fn into_string(self) -> Result<String, ServiceError> {
        match self {
            Value::String(text) => Ok(text.into_owned()),
            other => Err(other.is_not("a String")),
        }
    }

    /// The elements of a list; none when it is absent.
    fn into_list(self) -> Result<Vec<Value<'a>>, ServiceError> {
        match self {
            Value::Null => Ok(Vec::new()),
            Value::List(values) => Ok(values),
            other => Err(other.is_not("a List")),
        }
    }

    /// The members of an object; none when it is absent.
    fn into_members(self) -> Result<Members<'a>, ServiceError> {
        match self {
            Value::Null => Ok(Vec::new()),
            Value::Object(members) => Ok(members),
            other => Err(other.is_not("a Map")),
        }
    }
}

/// Deserializes a [`Value`], counting down how many more there may be.
#[derive(Clone, Copy)]
struct ValueSeed<'c> {
    values_left: &'c Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value<'de>, D::Error> {
        let left =
            self.values_left.get().checked_sub(1).ok_or_else(|| D::Error::custom("too many values"))?;
        self.values_left.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = Value<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value<'de>, E> {
        Ok(Value::Number(Some(value)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value<'de>, E> {
        Ok(Value::Number(i64::try_from(value).ok()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value<'de>, E> {
        // Every integer up to 2^53 has a float of its own, so that the conversion is exact.
        let is_integer = value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0;
        Ok(Value::Number(is_integer.then_some(value as i64)))
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::String(Cow::Borrowed(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value<'de>, E> {
        Ok(Value::String(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value<'de>, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = elements.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = entries.next_key_seed(self)? {
            let Value::String(key) = key else {
                return Err(A::Error::custom("a key is not a string"));
            };
            members.push((key, entries.next_value_seed(self)?));
        }
        Ok(Value::Object(members))
    }
}

/// The members of one JSON object.
struct JsonFields<'a> {
    members: Members<'a>,
    /// Where in a batch this object is: Query's name of the list, and the entry's number from 1.
    place: Option<(&'static str, usize)>,
}

impl<'a> JsonFields<'a> {
    fn take(&mut self, name: &str) -> Value<'a> {
        let last = self.members.iter_mut().rev().find(|(key, _)| key == name);
        last.map_or(Value::Null, |(_, value)| std::mem::replace(value, Value::Null))
    }
}

impl Fields for JsonFields<'_> {
    fn missing_queue_url() -> ServiceError {
        ServiceError::queue_does_not_exist()
    }

    fn string(&mut self, name: &'static str) -> Result<Option<String>, ServiceError> {
        match self.take(name) {
            Value::Null => Ok(None),
            value => value.into_string().map(Some),
        }
    }

    fn integer(&mut self, name: &'static str) -> Result<Option<i32>, ServiceError> {
        let value = self.take(name);
        match value {
            Value::Null => return Ok(None),
            Value::Number(Some(number)) => i32::try_from(number).ok(),
            _ => None,
        }
        .map(Some)
        .ok_or_else(|| value.is_not("an Integer"))
    }

    fn blob(&mut self, name: &'static str) -> Result<Option<Vec<u8>>, ServiceError> {
        match self.take(name) {
            Value::Null => Ok(None),
            Value::String(text) => {
                let bytes = BASE64.decode(text.as_bytes());
                bytes.map(Some).map_err(|_| malformed(&format!("{name} is not valid base64.")))
            }
            other => Err(other.is_not("a Blob")),
        }
    }

    fn strings(&mut self, name: &ListName) -> Result<Vec<String>, ServiceError> {
        self.take(name.json).into_list()?.into_iter().map(Value::into_string).collect()
    }

    fn string_map(&mut self, name: &MapName) -> Result<BTreeMap<String, String>, ServiceError> {
        let members = self.take(name.json).into_members()?;
        let present = members.into_iter().filter(|(_, value)| !matches!(value, Value::Null));
        present.map(|(key, value)| Ok((key.into_owned(), value.into_string()?))).collect()
    }

    fn structures<T>(
        &mut self,
        name: &ListName,
        read: impl Fn(&mut Self) -> Result<T, ServiceError>,
    ) -> Result<Vec<T>, ServiceError> {
        let values = self.take(name.json).into_list()?.into_iter().enumerate();
        values
            .map(|(index, value)| match value {
                Value::Object(members) => {
                    read(&mut JsonFields { members, place: Some((name.query, index + 1)) })
                }
                other => Err(other.is_not("a Structure")),
            })
            .collect()
    }

    fn structure_map<T>(
        &mut self,
        name: &MapName,
        read: impl Fn(&mut Self) -> Result<T, ServiceError>,
    ) -> Result<BTreeMap<String, T>, ServiceError> {
        let members = self.take(name.json).into_members()?;
        if members.is_empty() {
            // As nearly all of these maps are; making an empty map of an empty list takes longer.
            return Ok(BTreeMap::new());
        }
        let present = members.into_iter().filter(|(_, value)| !matches!(value, Value::Null));
        present
            .map(|(key, value)| {
                let mut fields = JsonFields { members: value.into_members()?, place: self.place };
                Ok((key.into_owned(), read(&mut fields)?))
            })
            .collect()
    }

    fn full_name(&self, name: &str) -> String {
        match self.place {
            Some((list, number)) => format!("{list}.{number}.{name}"),
            None => name.to_owned(),
        }
    }
}
