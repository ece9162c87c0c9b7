//! HOCON, as far as configurations of queues use it: objects, lists, texts in all their quotes, comments, `include`, and substitutions.
//!
//! A library would be the usual way, and there is none that is kept and says where in a file a value stands, which is what people need
//! to be told about a value that can't be taken over.

mod parse;
mod resolve;
#[cfg(test)]
mod tests;

use super::plan::Place;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A value, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

/// A value without substitutions.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    /// Numbers and booleans too: what they mean depends on who asks.
    Text(String),
    List(Vec<Node>),
    Object(Object),
}

/// Members in the order in which they were first named.
pub(super) type Object = Vec<(String, Node)>;

/// Why a file is no HOCON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub(super) struct HoconError {
    pub(super) place: Place,
    pub(super) reason: String,
}

/// What is outside of the text.
pub(super) struct Around<'a> {
    /// The text of a file that is included, by the name that the including file has for it; `None`: it is not there.
    pub(super) read: &'a dyn Fn(&str) -> Option<String>,
    /// Variables that substitutions may mean.
    pub(super) variables: &'a BTreeMap<String, String>,
}

/// What was read.
#[derive(Debug, PartialEq)]
pub(super) struct Read {
    pub(super) root: Object,
    /// What was passed over, and why.
    pub(super) passed_over: Vec<HoconError>,
}

/// Reads a file.
///
/// # Errors
/// [`HoconError`].
pub(super) fn read(file: &str, text: &str, around: &Around<'_>) -> Result<Read, HoconError> {
    let (tree, passed_over) = parse::parse(&Rc::from(file), text, around)?;
    Ok(Read { root: resolve::resolve(&tree, around.variables)?, passed_over })
}

/// A member of an object by its path.
pub(super) fn find<'o>(object: &'o Object, path: &[&str]) -> Option<&'o Node> {
    let (first, rest) = path.split_first()?;
    let (_, node) = object.iter().find(|(name, _)| name == first)?;
    match (&node.value, rest) {
        (_, []) => Some(node),
        (Value::Object(object), rest) => find(object, rest),
        _ => None,
    }
}
