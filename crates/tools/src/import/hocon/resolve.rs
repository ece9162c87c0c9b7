//! Puts in what substitutions mean.

use super::parse::{Piece, Raw, RawObject, RawValue};
use super::{HoconError, Node, Object, Value};
use std::collections::BTreeMap;

/// Substitutions that stand in what substitutions mean. Without an end they would mean themselves.
const MAX_DEPTH: usize = 100;
/// All values together: a few lines of substitutions can mean millions of values.
const MAX_VALUES: usize = 200_000;

/// The whole tree without substitutions.
pub(super) fn resolve(root: &RawObject, variables: &BTreeMap<String, String>) -> Result<Object, HoconError> {
    let mut resolver = Resolver { root, variables, values: 0 };
    resolver.object(root, 0)
}

struct Resolver<'a> {
    root: &'a RawObject,
    variables: &'a BTreeMap<String, String>,
    values: usize,
}

impl Resolver<'_> {
    fn object(&mut self, members: &RawObject, depth: usize) -> Result<Object, HoconError> {
        let mut object = Object::new();
        for (name, raw) in members {
            if let Some(value) = self.value(raw, depth)? {
                object.push((name.clone(), Node { place: raw.place.clone(), value }));
            }
        }
        Ok(object)
    }

    /// `None`: it comes to nothing.
    fn value(&mut self, raw: &Raw, depth: usize) -> Result<Option<Value>, HoconError> {
        let wrong = |reason: &str| HoconError { place: raw.place.clone(), reason: reason.to_owned() };
        if depth > MAX_DEPTH {
            return Err(wrong("substitutions mean each other"));
        }
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(wrong("substitutions come to too much"));
        }
        let value = match &raw.value {
            RawValue::Null => Some(Value::Null),
            RawValue::Text(text) => Some(Value::Text(text.clone())),
            RawValue::List(items) => {
                let mut list = Vec::new();
                for item in items {
                    if let Some(value) = self.value(item, depth + 1)? {
                        list.push(Node { place: item.place.clone(), value });
                    }
                }
                Some(Value::List(list))
            }
            RawValue::Object(members) => Some(Value::Object(self.object(members, depth + 1)?)),
            RawValue::Joined(pieces) => self.joined(raw, pieces, depth + 1)?,
        };
        match (&raw.before, value) {
            (Some(before), None) => self.value(before, depth + 1),
            // Where what stood before is an object too, the two are one.
            (Some(before), Some(Value::Object(object))) => Ok(Some(match self.value(before, depth + 1)? {
                Some(Value::Object(old)) => Value::Object(merged(old, object)),
                _ => Value::Object(object),
            })),
            (_, value) => Ok(value),
        }
    }

    fn joined(&mut self, raw: &Raw, pieces: &[Piece], depth: usize) -> Result<Option<Value>, HoconError> {
        let mut parts = Vec::new();
        for piece in pieces {
            let part = match piece {
                Piece::Text(text) => Some(Value::Text(text.clone())),
                Piece::Value(nested) => self.value(nested, depth)?,
                Piece::Before => {
                    raw.before.as_deref().map(|old| self.value(old, depth)).transpose()?.flatten()
                }
                Piece::Reference { path, is_optional } => {
                    let found = self.reference(raw, path, depth)?;
                    if found.is_none() && !is_optional {
                        let reason =
                            format!("there is no {}, neither here nor in the environment", path.join("."));
                        return Err(HoconError { place: raw.place.clone(), reason });
                    }
                    found
                }
            };
            parts.extend(part);
        }
        let mut parts = parts.into_iter();
        let Some(mut whole) = parts.next() else { return Ok(None) };
        for part in parts {
            whole = match (whole, part) {
                (Value::Object(old), Value::Object(new)) => Value::Object(merged(old, new)),
                (Value::List(mut old), Value::List(new)) => {
                    old.extend(new);
                    Value::List(old)
                }
                // Blanks between objects, or between lists, join them and are no part of them.
                (whole @ (Value::Object(_) | Value::List(_)), Value::Text(text))
                    if text.trim().is_empty() =>
                {
                    whole
                }
                (Value::Text(text), whole @ (Value::Object(_) | Value::List(_)))
                    if text.trim().is_empty() =>
                {
                    whole
                }
                (Value::Text(old), Value::Text(new)) => Value::Text(old + &new),
                (Value::Null, Value::Text(new)) => Value::Text(format!("null{new}")),
                (Value::Text(old), Value::Null) => Value::Text(format!("{old}null")),
                _ => {
                    let reason = "an object or a list and a text can't be one value".to_owned();
                    return Err(HoconError { place: raw.place.clone(), reason });
                }
            };
        }
        Ok(Some(whole))
    }

    /// What the configuration has there; else what the environment has.
    fn reference(&mut self, from: &Raw, path: &[String], depth: usize) -> Result<Option<Value>, HoconError> {
        if let Some(found) = lookup(self.root, path) {
            // A value that means itself means what stood there before.
            let mut all = std::iter::successors(Some(found), |raw| raw.before.as_deref());
            let is_itself = all.any(|raw| std::ptr::eq(raw, from));
            let found = if is_itself { from.before.as_deref() } else { Some(found) };
            if let Some(value) = found.map(|found| self.value(found, depth)).transpose()?.flatten() {
                return Ok(Some(value));
            }
        }
        Ok(self.variables.get(&path.join(".")).cloned().map(Value::Text))
    }
}

fn lookup<'r>(members: &'r RawObject, path: &[String]) -> Option<&'r Raw> {
    let (first, rest) = path.split_first()?;
    let (_, raw) = members.iter().find(|(name, _)| name == first)?;
    match (&raw.value, rest) {
        (_, []) => Some(raw),
        (RawValue::Object(members), rest) => lookup(members, rest),
        _ => None,
    }
}

fn merged(mut old: Object, new: Object) -> Object {
    for (name, node) in new {
        match old.iter_mut().find(|(known, _)| *known == name) {
            None => old.push((name, node)),
            Some((_, known)) => match (&mut known.value, node.value) {
                (Value::Object(known), Value::Object(new)) => *known = merged(std::mem::take(known), new),
                (_, value) => *known = Node { place: node.place, value },
            },
        }
    }
    old
}
