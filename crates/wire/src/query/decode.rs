//! A request's form parameters as members of a shape.
//!
//! `MessageAttribute.1.Value.StringValue=…` names a place in a tree, so the parameters are put into one ([`Node`]), out of which
//! shapes then read. What is decided here, where Query leaves room:
//! - The URL's parameters come before the form's; of parameters with the same name the last one counts. Parameters nobody
//!   knows (`Version`, signatures) are ignored.
//! - Lists are numbered, `Name.1`, or `Name.member.1`; gaps and any starting number are fine, the order is that of the numbers.
//!   A list or map of one may be without a number (`AttributeName=All`, `Attribute.Name=…`), as AWS's own examples have it.
//! - `%` without two hexadecimal digits stands for itself; text that is not UTF-8 is an error.
//! - A number that is empty is absent.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use percent_encoding::percent_decode;

use crate::error::{ErrorKind, ServiceError};
use crate::fields::Fields;
use crate::json::BASE64;
use crate::operations::Operation;
use crate::shapes::{ListName, MapName};

/// How many parameters a request may have: far more than any valid one needs.
const MAX_PARAMETERS: usize = 16_384;

/// How many parts the name of a parameter may have. The longest that means something has ten:
/// `SendMessageBatchRequestEntry.member.1.MessageAttribute.member.1.Value.StringListValue.member.1`.
const MAX_NAME_PARTS: usize = 10;

/// Decodes a request from the parameters in its URL (`query`, without the question mark) and in its body (`form`, empty for GET).
/// The QueueUrl is a parameter, or else `path`, the URL's path, unless that is `/`.
///
/// # Errors
/// [`ErrorKind::MissingAction`] or [`ErrorKind::UnknownOperation`] for the action; [`ErrorKind::MalformedQueryString`] for parameters that are
/// not UTF-8 or too many; [`ErrorKind::Serialization`] when a member has another type than the model says;
/// [`ErrorKind::MissingParameter`] when a required one is absent; [`ErrorKind::UnsupportedOperation`] for message attributes that are lists.
pub fn decode_query(path: &str, query: &str, form: &[u8]) -> Result<Operation, ServiceError> {
    let mut root = Node::default();
    let parameters = pairs(query.as_bytes()).chain(pairs(form));
    for (count, (name, value)) in parameters.enumerate() {
        if count == MAX_PARAMETERS {
            return Err(ServiceError::new(ErrorKind::MalformedQueryString, "Too many parameters."));
        }
        root.insert(decode_text(name)?, decode_text(value)?);
    }
    let mut fields = QueryFields { node: root, place: Vec::new() };
    if fields.text("QueueUrl").is_none_or(str::is_empty) {
        let from_path = Some(path).filter(|path| !path.trim_matches('/').is_empty());
        fields.node.set("QueueUrl", from_path);
    }
    let action = fields.string("Action")?.filter(|action| !action.is_empty()).ok_or_else(|| {
        ServiceError::new(ErrorKind::MissingAction, "The request must contain the parameter Action.")
    })?;
    Operation::read(&action, &mut fields)?.ok_or_else(|| {
        let message = format!("The action {action} is not valid for this endpoint.");
        ServiceError::new(ErrorKind::UnknownOperation, message)
    })
}

/// The parameters of a form or a URL, still encoded.
fn pairs(form: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    form.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        match pair.iter().position(|&byte| byte == b'=') {
            Some(at) => (&pair[..at], &pair[at + 1..]),
            None => (pair, &[][..]),
        }
    })
}

/// Undoes the encoding of forms: `+` is a space, `%41` a byte. (The crate `form_urlencoded` would replace what is not UTF-8 instead of
/// refusing it, and so change a message.)
fn decode_text(encoded: &[u8]) -> Result<Cow<'_, str>, ServiceError> {
    let not_text = || ServiceError::new(ErrorKind::MalformedQueryString, "A parameter is not valid UTF-8.");
    if !encoded.iter().any(|byte| matches!(byte, b'+' | b'%')) {
        return std::str::from_utf8(encoded).map(Cow::Borrowed).map_err(|_| not_text());
    }
    let spaced: Vec<u8> = encoded.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    let bytes = percent_decode(&spaced).collect();
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| not_text())
}

/// A place in the tree of parameters: the value of the parameter that ends here, and those whose names go on.
#[derive(Default)]
struct Node<'a> {
    text: Option<Cow<'a, str>>,
    children: BTreeMap<Cow<'a, str>, Node<'a>>,
}

impl<'a> Node<'a> {
    fn insert(&mut self, name: Cow<'a, str>, value: Cow<'a, str>) {
        let place = match name {
            Cow::Borrowed(name) => self.descend(name.split('.').map(Cow::Borrowed)),
            Cow::Owned(name) => self.descend(name.split('.').map(|part| Cow::Owned(part.to_owned()))),
        };
        if let Some(node) = place {
            node.text = Some(value);
        }
    }

    /// The node of this name, made where it is absent; `None` for names too long to mean anything.
    fn descend(&mut self, parts: impl Iterator<Item = Cow<'a, str>> + Clone) -> Option<&mut Self> {
        if parts.clone().take(MAX_NAME_PARTS + 1).count() > MAX_NAME_PARTS {
            return None;
        }
        Some(parts.fold(self, |node, part| node.children.entry(part).or_default()))
    }

    fn set(&mut self, name: &'static str, value: Option<&'a str>) {
        self.children.entry(Cow::Borrowed(name)).or_default().text = value.map(Cow::Borrowed);
    }

    fn take(&mut self, name: &str) -> Node<'a> {
        self.children.remove(name).unwrap_or_default()
    }

    /// The elements of the list at this node with their numbers, in the order of the numbers.
    fn into_elements(mut self) -> Result<Vec<(u64, Node<'a>)>, ServiceError> {
        if let Some(members) = self.children.remove("member") {
            self = members;
        }
        let is_number = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        if !self.children.keys().any(|name| is_number(name)) {
            let is_absent = self.text.is_none() && self.children.is_empty();
            return Ok(if is_absent { Vec::new() } else { vec![(1, self)] });
        }
        let numbered = self.children.into_iter().filter(|(name, _)| is_number(name));
        let mut elements = numbered
            .map(|(name, node)| {
                let number = name
                    .parse()
                    .map_err(|_| malformed(format!("{name} is not the number of an element.")))?;
                Ok((number, node))
            })
            .collect::<Result<Vec<_>, _>>()?;
        elements.sort_by_key(|(number, _)| *number);
        Ok(elements)
    }
}

fn malformed(message: String) -> ServiceError {
    ServiceError::new(ErrorKind::Serialization, message)
}

/// The members of one structure: what is below a node.
struct QueryFields<'a> {
    node: Node<'a>,
    /// The lists and maps that this structure is in: their names, and its number in them.
    place: Vec<(&'static str, u64)>,
}

impl<'a> QueryFields<'a> {
    fn text(&self, name: &str) -> Option<&str> {
        self.node.children.get(name)?.text.as_deref()
    }

    fn take_text(&mut self, name: &str) -> Option<Cow<'a, str>> {
        self.node.take(name).text
    }

    /// The structure that is this element of this list or map.
    fn inside(&self, list: &'static str, number: u64, node: Node<'a>) -> Self {
        let mut place = self.place.clone();
        place.push((list, number));
        QueryFields { node, place }
    }

    /// The entries of a map, each as its key and the place of its value.
    fn entries(&mut self, name: &MapName) -> Result<Vec<(String, Self)>, ServiceError> {
        let elements = self.node.take(name.query).into_elements()?;
        elements
            .into_iter()
            .map(|(number, node)| {
                let mut entry = self.inside(name.query, number, node);
                Ok((entry.required_string(name.query_key)?, entry))
            })
            .collect()
    }
}

impl Fields for QueryFields<'_> {
    fn string(&mut self, name: &'static str) -> Result<Option<String>, ServiceError> {
        Ok(self.take_text(name).map(Cow::into_owned))
    }

    fn integer(&mut self, name: &'static str) -> Result<Option<i32>, ServiceError> {
        let text = self.take_text(name).filter(|text| !text.is_empty());
        text.map(|text| {
            let not_integer =
                |_| malformed(format!("{text} is not a valid integer for the parameter {name}."));
            text.parse().map_err(not_integer)
        })
        .transpose()
    }

    fn blob(&mut self, name: &'static str) -> Result<Option<Vec<u8>>, ServiceError> {
        let bytes = self.take_text(name).map(|text| BASE64.decode(text.as_bytes()));
        bytes.transpose().map_err(|_| malformed(format!("{name} is not valid base64.")))
    }

    fn strings(&mut self, name: &ListName) -> Result<Vec<String>, ServiceError> {
        let elements = self.node.take(name.query).into_elements()?;
        Ok(elements.into_iter().filter_map(|(_, node)| node.text.map(Cow::into_owned)).collect())
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
        let elements = self.node.take(name.query).into_elements()?;
        elements.into_iter().map(|(number, node)| read(&mut self.inside(name.query, number, node))).collect()
    }

    fn structure_map<T>(
        &mut self,
        name: &MapName,
        read: impl Fn(&mut Self) -> Result<T, ServiceError>,
    ) -> Result<BTreeMap<String, T>, ServiceError> {
        let entries = self.entries(name)?.into_iter();
        entries
            .map(|(key, mut entry)| {
                entry.node = entry.node.take("Value");
                Ok((key, read(&mut entry)?))
            })
            .collect()
    }

    fn full_name(&self, name: &str) -> String {
        let mut full_name = String::new();
        for (list, number) in &self.place {
            full_name.push_str(&format!("{list}.{number}."));
        }
        full_name.push_str(name);
        full_name
    }
}
