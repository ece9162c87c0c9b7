//! What a policy can ask about a request: condition keys and their values.

use crate::evaluate::Principal;
use crate::values;
use base64::Engine as _;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// One value of a condition key. A kind that is not text saves writing and reading text: conditions compare it as it
/// is, and as AWS's text of it where they compare texts.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Anything.
    Text(Cow<'a, str>),
    /// Such as `aws:SourceIp`.
    Address(IpAddr),
    /// Such as `aws:CurrentTime`: milliseconds since 1970-01-01T00:00Z. Its text is ISO 8601 in whole seconds of UTC.
    Instant {
        /// Milliseconds since the epoch.
        unix_ms: i64,
    },
    /// Such as `aws:SecureTransport`.
    Bool(bool),
    /// Such as `aws:EpochTime`; date conditions read it as seconds since the epoch.
    Integer(i64),
    /// For `BinaryEquals`. Its text is base64.
    Bytes(&'a [u8]),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl Value<'_> {
    pub(crate) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Address(address) => Cow::Owned(address.to_canonical().to_string()),
            Self::Instant { unix_ms } => Cow::Owned(values::instant_text(*unix_ms)),
            Self::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
            Self::Integer(value) => Cow::Owned(value.to_string()),
            Self::Bytes(bytes) => Cow::Owned(base64::prelude::BASE64_STANDARD.encode(bytes)),
        }
    }

    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "numbers of conditions are far below 2^53")]
            Self::Integer(value) => Some(*value as f64),
            Self::Text(text) => values::number(text),
            _ => None,
        }
    }

    pub(crate) fn instant_ms(&self) -> Option<i64> {
        match self {
            Self::Instant { unix_ms } => Some(*unix_ms),
            Self::Integer(seconds) => seconds.checked_mul(1000),
            Self::Text(text) => values::instant_ms(text),
            _ => None,
        }
    }

    pub(crate) fn boolean(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Text(text) => values::boolean(text),
            _ => None,
        }
    }

    pub(crate) fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(*address),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    pub(crate) fn bytes(&self) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Bytes(bytes) => Some(Cow::Borrowed(bytes)),
            Self::Text(text) => base64::prelude::BASE64_STANDARD.decode(text.as_ref()).ok().map(Cow::Owned),
            _ => None,
        }
    }
}

/// The values that a request has for a condition key.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Values<'a> {
    /// The request does not have the key. A key without values counts as absent too.
    #[default]
    Absent,
    /// Most keys have one value.
    One(Value<'a>),
    /// Such as `aws:TagKeys`.
    Several(Vec<Value<'a>>),
}

impl<'a> Values<'a> {
    pub(crate) fn as_slice(&self) -> &[Value<'a>] {
        match self {
            Self::Absent => &[],
            Self::One(value) => std::slice::from_ref(value),
            Self::Several(values) => values,
        }
    }

    fn text(text: &'a str) -> Self {
        Self::One(Value::from(text))
    }
}

/// Gives a request's condition keys when a policy asks for them: nothing is made for a policy that doesn't.
///
/// What is known of the caller is not asked for: `aws:PrincipalArn`, `aws:PrincipalAccount`, `aws:PrincipalType`,
/// `aws:userid`, `aws:username`, `aws:PrincipalTag/…`, `aws:PrincipalIsAWSService` and `aws:PrincipalServiceName` come
/// from the [`Principal`].
pub trait Context {
    /// The values of a key. `key` is in lower case, tags' names too (`aws:resourcetag/team`): AWS compares names of
    /// keys without regard to case.
    fn values(&self, key: &str) -> Values<'_>;
}

/// A request that has no keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoContext;

impl Context for NoContext {
    fn values(&self, _: &str) -> Values<'_> {
        Values::Absent
    }
}

/// Keys in lower case, each with its values as text.
impl Context for BTreeMap<String, Vec<String>> {
    fn values(&self, key: &str) -> Values<'_> {
        match self.get(key).map(Vec::as_slice) {
            None | Some([]) => Values::Absent,
            Some([one]) => Values::text(one),
            Some(several) => Values::Several(several.iter().map(|text| Value::from(text.as_str())).collect()),
        }
    }
}

/// A condition key, looked at once, when the policy is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    PrincipalArn,
    PrincipalAccount,
    PrincipalType,
    PrincipalTag(Box<str>),
    PrincipalIsAwsService,
    PrincipalServiceName,
    UserId,
    Username,
    /// In lower case.
    Other(Box<str>),
}

impl Key {
    pub(crate) fn new(name: &str) -> Self {
        let name = name.to_lowercase();
        match name.as_str() {
            "aws:principalarn" => Self::PrincipalArn,
            "aws:principalaccount" => Self::PrincipalAccount,
            "aws:principaltype" => Self::PrincipalType,
            "aws:principalisawsservice" => Self::PrincipalIsAwsService,
            "aws:principalservicename" => Self::PrincipalServiceName,
            "aws:userid" => Self::UserId,
            "aws:username" => Self::Username,
            other => match other.strip_prefix("aws:principaltag/") {
                Some(tag) => Self::PrincipalTag(tag.into()),
                None => Self::Other(name.into()),
            },
        }
    }
}

/// All that conditions and variables can see of a request.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'r> {
    pub(crate) principal: &'r Principal<'r>,
    pub(crate) context: &'r dyn Context,
}

impl<'r> Facts<'r> {
    pub(crate) fn values(&self, key: &Key) -> Values<'r> {
        if let Key::Other(name) = key {
            return self.context.values(name);
        }
        match self.principal {
            Principal::Anonymous => of_anonymous(key),
            Principal::Root { account } => of_root(key, account),
            Principal::User { account, name, arn, id, tags } => match key {
                Key::PrincipalArn => Values::text(arn),
                Key::PrincipalAccount => Values::text(account),
                Key::PrincipalType => Values::text("User"),
                Key::UserId => Values::text(id),
                Key::Username => Values::text(name),
                Key::PrincipalIsAwsService => Values::One(Value::Bool(false)),
                Key::PrincipalTag(tag) => {
                    let found = tags.iter().find(|(name, _)| name.to_lowercase() == **tag);
                    found.map_or(Values::Absent, |(_, value)| Values::text(value))
                }
                Key::PrincipalServiceName | Key::Other(_) => Values::Absent,
            },
            Principal::Service { name } => match key {
                Key::PrincipalIsAwsService => Values::One(Value::Bool(true)),
                Key::PrincipalServiceName => Values::text(name),
                _ => Values::Absent,
            },
        }
    }

    /// The value that a variable stands for; several values have no text.
    pub(crate) fn variable(&self, key: &Key) -> Option<String> {
        match self.values(key).as_slice() {
            [one] => Some(one.text().into_owned()),
            _ => None,
        }
    }
}

/// As in the table of principal keys in IAM's page on policy variables.
fn of_anonymous(key: &Key) -> Values<'static> {
    match key {
        Key::PrincipalType => Values::text("Anonymous"),
        Key::PrincipalAccount | Key::UserId => Values::text("anonymous"),
        _ => Values::Absent,
    }
}

fn of_root<'r>(key: &Key, account: &'r str) -> Values<'r> {
    match key {
        Key::PrincipalArn => Values::One(Value::Text(Cow::Owned(format!("arn:aws:iam::{account}:root")))),
        Key::PrincipalType => Values::text("Account"),
        Key::PrincipalAccount | Key::UserId => Values::text(account),
        Key::PrincipalIsAwsService => Values::One(Value::Bool(false)),
        _ => Values::Absent,
    }
}
