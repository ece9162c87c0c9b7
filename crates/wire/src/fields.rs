//! Reading shapes: what a request's members are asked for, whichever encoding they came in.

use std::collections::BTreeMap;

use crate::error::{ErrorKind, ServiceError};
use crate::shapes::{ListName, MapName};

/// The members of one structure. Each member can be taken once; a member that is absent (or JSON's `null`) is
/// `None`, an empty list or an empty map. Members that nobody asks for are ignored, as AWS ignores them.
///
/// # Errors
/// Every reader fails when the member is there but has another type than the one asked for.
pub(crate) trait Fields: Sized {
    fn string(&mut self, name: &'static str) -> Result<Option<String>, ServiceError>;
    fn integer(&mut self, name: &'static str) -> Result<Option<i32>, ServiceError>;
    /// Bytes, which both encodings carry as base64.
    fn blob(&mut self, name: &'static str) -> Result<Option<Vec<u8>>, ServiceError>;
    fn strings(&mut self, name: &ListName) -> Result<Vec<String>, ServiceError>;
    fn string_map(&mut self, name: &MapName) -> Result<BTreeMap<String, String>, ServiceError>;
    fn structures<T>(
        &mut self,
        name: &ListName,
        read: impl Fn(&mut Self) -> Result<T, ServiceError>,
    ) -> Result<Vec<T>, ServiceError>;
    fn structure_map<T>(
        &mut self,
        name: &MapName,
        read: impl Fn(&mut Self) -> Result<T, ServiceError>,
    ) -> Result<BTreeMap<String, T>, ServiceError>;

    /// What AWS calls a member of this structure when it is absent: inside a batch the entry's place comes
    /// first.
    fn full_name(&self, name: &str) -> String;

    fn required_string(&mut self, name: &'static str) -> Result<String, ServiceError> {
        self.string(name)?.ok_or_else(|| self.missing(name))
    }

    /// A string that AWS treats as absent when it is empty.
    fn required_text(&mut self, name: &'static str) -> Result<String, ServiceError> {
        self.string(name)?.filter(|text| !text.is_empty()).ok_or_else(|| self.missing(name))
    }

    /// The QueueUrl. Where it is absent or empty, AWS has an answer of its own for each encoding.
    fn queue_url(&mut self) -> Result<String, ServiceError> {
        self.string("QueueUrl")?.filter(|url| !url.is_empty()).ok_or_else(Self::missing_queue_url)
    }

    /// What AWS says when no queue is named.
    fn missing_queue_url() -> ServiceError;

    /// The QueueName, whose absence AWS calls an invalid value.
    fn queue_name(&mut self) -> Result<String, ServiceError> {
        self.string("QueueName")?.filter(|name| !name.is_empty()).ok_or_else(|| {
            let message = "Value for parameter QueueName is invalid. Reason: Must specify a queue name.";
            ServiceError::new(ErrorKind::InvalidParameterValue, message)
        })
    }

    fn required_integer(&mut self, name: &'static str) -> Result<i32, ServiceError> {
        self.integer(name)?.ok_or_else(|| self.missing(name))
    }

    /// Query can't tell an empty list from an absent one, so that neither encoding does.
    fn required_strings(&mut self, name: &ListName) -> Result<Vec<String>, ServiceError> {
        let values = self.strings(name)?;
        if values.is_empty() { Err(self.missing(name.json)) } else { Ok(values) }
    }

    /// See [`Self::required_strings`] for why empty is absent.
    fn required_string_map(&mut self, name: &MapName) -> Result<BTreeMap<String, String>, ServiceError> {
        let values = self.string_map(name)?;
        if values.is_empty() { Err(self.missing(name.json)) } else { Ok(values) }
    }

    fn missing(&self, name: &str) -> ServiceError {
        ServiceError::missing_parameter(&self.full_name(name))
    }
}
