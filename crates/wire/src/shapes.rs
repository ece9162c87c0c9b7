//! Shapes that several actions share, and the names that lists and maps have in each encoding.

use std::collections::BTreeMap;

use crate::error::{ErrorKind, ServiceError};
use crate::fields::Fields;
use crate::sink::Sink;

/// The names of a list: the JSON member that holds an array, and the element or parameter that Query repeats.
#[derive(Debug)]
pub(crate) struct ListName {
    pub(crate) json: &'static str,
    pub(crate) query: &'static str,
}

/// The names of a map: the JSON member that holds an object, and what Query repeats for each entry.
#[derive(Debug)]
pub(crate) struct MapName {
    pub(crate) json: &'static str,
    pub(crate) query: &'static str,
    /// What Query calls an entry's key; its value is always `Value`.
    pub(crate) query_key: &'static str,
}

pub(crate) const ATTRIBUTES: MapName = MapName { json: "Attributes", query: "Attribute", query_key: "Name" };
pub(crate) const TAGS: MapName = MapName { json: "Tags", query: "Tag", query_key: "Key" };
pub(crate) const MESSAGE_ATTRIBUTES: MapName =
    MapName { json: "MessageAttributes", query: "MessageAttribute", query_key: "Name" };
pub(crate) const MESSAGE_SYSTEM_ATTRIBUTES: MapName =
    MapName { json: "MessageSystemAttributes", query: "MessageSystemAttribute", query_key: "Name" };

pub(crate) const ATTRIBUTE_NAMES: ListName = ListName { json: "AttributeNames", query: "AttributeName" };
pub(crate) const FAILED: ListName = ListName { json: "Failed", query: "BatchResultErrorEntry" };
const STRING_LIST_VALUES: ListName = ListName { json: "StringListValues", query: "StringListValue" };
const BINARY_LIST_VALUES: ListName = ListName { json: "BinaryListValues", query: "BinaryListValue" };

/// Names to values, sorted by name: queue attributes, system attributes, tags.
pub type StringMap = BTreeMap<String, String>;

/// A message's attributes by name, sorted as their digest needs them.
pub type MessageAttributes = BTreeMap<String, MessageAttributeValue>;

/// The value of a message attribute, or of a system attribute that can be sent.
///
/// Nothing is checked but the types of the members: `data_type` is empty when the caller left it out, because
/// AWS's refusal names the attribute, which this shape does not know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageAttributeValue {
    /// `String`, `Number` or `Binary`, with an optional label after a dot.
    pub data_type: String,
    /// The value of a `String` or `Number`.
    pub string_value: Option<String>,
    /// The value of a `Binary`, decoded from base64.
    pub binary_value: Option<Vec<u8>>,
}

impl MessageAttributeValue {
    /// Lists are in the model but AWS refuses them; an empty one counts as absent, because some SDKs always
    /// send it.
    pub(crate) fn read<F: Fields>(fields: &mut F, action: &str) -> Result<Self, ServiceError> {
        for name in [&STRING_LIST_VALUES, &BINARY_LIST_VALUES] {
            if !fields.strings(name)?.is_empty() {
                return Err(ServiceError::new(
                    ErrorKind::UnsupportedOperation,
                    format!("Message attribute list values in {action} operation are not supported."),
                ));
            }
        }
        Ok(Self {
            data_type: fields.string("DataType")?.unwrap_or_default(),
            string_value: fields.string("StringValue")?,
            binary_value: fields.blob("BinaryValue")?,
        })
    }

    pub(crate) fn write<S: Sink>(&self, sink: &mut S) {
        sink.optional_string("StringValue", self.string_value.as_deref());
        sink.optional_blob("BinaryValue", self.binary_value.as_deref());
        sink.string("DataType", &self.data_type);
    }
}

/// An entry of a batch that was refused while the call as a whole succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchResultErrorEntry {
    /// The caller's id of the entry.
    pub id: String,
    /// Whether the same entry would be refused again.
    pub sender_fault: bool,
    /// The legacy code, in both encodings.
    pub code: String,
    /// The text for the caller.
    pub message: Option<String>,
}

impl BatchResultErrorEntry {
    /// The entry of this id, refused for this reason.
    pub fn new(id: impl Into<String>, error: &ServiceError) -> Self {
        Self {
            id: id.into(),
            sender_fault: error.kind.is_sender_fault(),
            code: error.kind.code().to_owned(),
            message: Some(error.message.clone()),
        }
    }

    pub(crate) fn write<S: Sink>(&self, sink: &mut S) {
        sink.string("Id", &self.id);
        sink.boolean("SenderFault", self.sender_fault);
        sink.string("Code", &self.code);
        sink.optional_string("Message", self.message.as_deref());
    }
}
