//! JSON as a policy needs it: borrowed from the text, in the order of the text, with repeated members still there, so
//! that they can be refused with a path.

use crate::error::Fault;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

/// A JSON value. Numbers are kept as the text that a policy compares.
#[derive(Debug)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    Number(String),
    Text(Cow<'a, str>),
    List(Vec<Json<'a>>),
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl<'a> Json<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, Fault> {
        serde_json::from_str(text).map_err(|error| Fault::new(format!("not JSON: {error}")))
    }

    /// The members of an object, none of them twice.
    pub(crate) fn members(self) -> Result<Vec<(Cow<'a, str>, Json<'a>)>, Fault> {
        let Json::Object(members) = self else { return Err(Fault::new("not an object")) };
        let mut seen = BTreeSet::new();
        for (name, _) in &members {
            if !seen.insert(name.as_ref()) {
                return Err(Fault::new("is there twice").within(name));
            }
        }
        Ok(members)
    }

    pub(crate) fn text(self) -> Result<Cow<'a, str>, Fault> {
        match self {
            Json::Text(text) => Ok(text),
            _ => Err(Fault::new("not a text")),
        }
    }

    /// The items of a list; anything else is its only item.
    pub(crate) fn items(self) -> Vec<Json<'a>> {
        match self {
            Json::List(items) => items,
            one => vec![one],
        }
    }

    /// A text, or a list of at least one text.
    pub(crate) fn texts(self) -> Result<Vec<Cow<'a, str>>, Fault> {
        let is_list = matches!(self, Json::List(_));
        let items = self.items();
        if items.is_empty() {
            return Err(Fault::new("an empty list"));
        }
        let item = |(index, item): (usize, Json<'a>)| {
            item.text().map_err(|fault| if is_list { fault.at(index) } else { fault })
        };
        items.into_iter().enumerate().map(item).collect()
    }
}

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = object.next_entry::<Json<'de>, Json<'de>>()? {
            let Json::Text(name) = name else {
                return Err(serde::de::Error::custom("a member's name that is no text"));
            };
            members.push((name, value));
        }
        Ok(Json::Object(members))
    }
}
