//! How keys and aliases are named: in requests, in ARNs, in the store.

use std::fmt;
use uuid::Uuid;

/// What all names of aliases begin with.
pub(crate) const ALIAS_PREFIX: &str = "alias/";
/// The alias of the key that SQS makes for itself in an account and region.
pub(crate) const SQS_ALIAS: &str = "alias/aws/sqs";

/// A key's place and id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyName {
    /// Twelve digits.
    pub(crate) account: String,
    /// Such as `us-east-1`.
    pub(crate) region: String,
    /// Never used twice.
    pub(crate) id: Uuid,
}

/// An alias's place and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AliasName {
    /// Twelve digits.
    pub(crate) account: String,
    /// Such as `us-east-1`.
    pub(crate) region: String,
    /// With its `alias/`.
    pub(crate) alias: String,
}

/// What a caller names a key by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// A key's id or ARN.
    Key(KeyName),
    /// An alias's name or ARN.
    Alias(AliasName),
}

impl KeyName {
    /// `arn:aws:kms:REGION:ACCOUNT:key/ID`.
    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:kms:{}:{}:key/{}", self.region, self.account, self.id)
    }

    /// As the store names its document.
    pub(crate) fn document(&self) -> String {
        format!("{}/{}/{}", self.account, self.region, self.id)
    }

    /// Reads [`KeyName::document`].
    pub(crate) fn of_document(name: &str) -> Option<Self> {
        let (account, rest) = name.split_once('/')?;
        let (region, id) = rest.split_once('/')?;
        Some(Self { account: account.to_owned(), region: region.to_owned(), id: key_id(id)? })
    }
}

impl AliasName {
    /// `arn:aws:kms:REGION:ACCOUNT:alias/NAME`.
    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:kms:{}:{}:{}", self.region, self.account, self.alias)
    }

    /// As the store names its document.
    pub(crate) fn document(&self) -> String {
        format!("{}/{}/{}", self.account, self.region, self.alias)
    }

    /// Reads [`AliasName::document`].
    pub(crate) fn of_document(name: &str) -> Option<Self> {
        let (account, rest) = name.split_once('/')?;
        let (region, alias) = rest.split_once('/')?;
        Some(Self { account: account.to_owned(), region: region.to_owned(), alias: alias.to_owned() })
    }

    /// The alias of SQS's own key.
    pub(crate) fn sqs(account: &str, region: &str) -> Self {
        Self { account: account.to_owned(), region: region.to_owned(), alias: SQS_ALIAS.to_owned() }
    }
}

impl Reference {
    /// Reads a key's id or ARN, or an alias's name or ARN. What names no account and region is of these. `None` for anything else.
    pub(crate) fn read(text: &str, account: &str, region: &str) -> Option<Self> {
        let Some(rest) = text.strip_prefix("arn:") else { return Self::in_place(text, account, region) };
        let mut parts = rest.splitn(5, ':');
        let (_partition, service) = (parts.next()?, parts.next()?);
        let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        if service != "kms" || region.is_empty() || account.is_empty() {
            return None;
        }
        match resource.strip_prefix("key/") {
            Some(id) => Self::in_place(id, account, region).filter(|found| matches!(found, Self::Key(_))),
            None => Self::in_place(resource, account, region).filter(|found| matches!(found, Self::Alias(_))),
        }
    }

    fn in_place(text: &str, account: &str, region: &str) -> Option<Self> {
        let (account, region) = (account.to_owned(), region.to_owned());
        if text.starts_with(ALIAS_PREFIX) {
            return Some(Self::Alias(AliasName { account, region, alias: text.to_owned() }));
        }
        Some(Self::Key(KeyName { account, region, id: key_id(text)? }))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => f.write_str(&key.arn()),
            Self::Alias(alias) => f.write_str(&alias.arn()),
        }
    }
}

/// A UUID in the one form that ids have.
fn key_id(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|id| id.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::{AliasName, KeyName, Reference};

    const ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

    fn read(text: &str) -> Option<String> {
        Reference::read(text, "111111111111", "eu-west-1").map(|found| found.to_string())
    }

    #[test]
    fn a_key_has_four_names() {
        let here = format!("arn:aws:kms:eu-west-1:111111111111:key/{ID}");
        assert_eq!(read(ID), Some(here.clone()));
        assert_eq!(read(&here), Some(here));
        let there = format!("arn:aws:kms:us-east-1:222222222222:key/{ID}");
        assert_eq!(read(&there), Some(there));
        assert_eq!(read("alias/a/b:c").as_deref(), Some("arn:aws:kms:eu-west-1:111111111111:alias/a/b:c"));
        let alias = "arn:aws:kms:us-east-1:222222222222:alias/aws/sqs";
        assert_eq!(read(alias).as_deref(), Some(alias));
    }

    #[test]
    fn all_else_names_none() {
        let upper = ID.to_uppercase();
        let braced = format!("{{{ID}}}");
        for text in [
            "",
            "key",
            upper.as_str(),
            braced.as_str(),
            "arn:aws:kms",
            "arn:aws:sqs:us-east-1:222222222222:alias/a",
            "arn:aws:kms:us-east-1:222222222222:key/alias/a",
            "arn:aws:kms:us-east-1:222222222222:other/a",
            "arn:aws:kms:::alias/a",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read(&format!("arn:aws:kms:us-east-1:222222222222:{ID}")), None);
    }

    #[test]
    fn documents_are_named_by_place_and_name() {
        let Some(Reference::Key(key)) = Reference::read(ID, "111111111111", "eu-west-1") else { panic!() };
        assert_eq!(KeyName::of_document(&key.document()), Some(key));
        let alias = AliasName::sqs("111111111111", "eu-west-1");
        assert_eq!(AliasName::of_document(&alias.document()), Some(alias));
        assert_eq!(KeyName::of_document("111111111111/eu-west-1/none"), None);
    }
}
