//! Whom a statement of a resource policy is about.

use crate::error::Fault;
use crate::evaluate::Principal;
use crate::json::Json;
use crate::statement::Effect;
use crate::values::arn_parts;

/// The callers that a statement names, or all but those.
#[derive(Debug)]
pub(crate) struct Principals {
    negated: bool,
    names: Box<[Named]>,
}

/// How a caller is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Match {
    No,
    /// By account: what is allowed is allowed to the account, which hands it on by identity policies.
    Account,
    /// Itself, or with everyone.
    Direct,
}

#[derive(Debug)]
enum Named {
    Anyone,
    Account(Box<str>),
    Arn(Box<str>),
    UniqueId(Box<str>),
    Service(Box<str>),
    /// Federated and canonical users: names that no caller here has.
    Foreign,
}

impl Principals {
    /// Reads `"*"` or an object of kinds.
    pub(crate) fn parse(json: Json<'_>, negated: bool) -> Result<Self, Fault> {
        let kinds = match json {
            Json::Text(text) if text == "*" => {
                return Ok(Self { negated, names: [Named::Anyone].into() });
            }
            Json::Object(kinds) if kinds.is_empty() => return Err(Fault::new("names nobody")),
            object @ Json::Object(_) => object.members()?,
            _ => return Err(Fault::new("neither \"*\" nor an object")),
        };
        let mut names = Vec::new();
        for (kind, value) in kinds {
            let read = match kind.to_ascii_lowercase().as_str() {
                "aws" => Named::aws,
                "service" => Named::service,
                "federated" | "canonicaluser" => Named::foreign,
                _ => return Err(Fault::new("not a kind of principal").within(kind)),
            };
            for name in value.texts().map_err(|fault| fault.within(&kind))? {
                names.push(read(&name).map_err(|fault| fault.within(&kind))?);
            }
        }
        Ok(Self { negated, names: names.into() })
    }

    pub(crate) fn count(&self) -> usize {
        self.names.len()
    }

    /// Whether and how a statement with this effect is about the caller.
    pub(crate) fn matching(&self, caller: &Principal<'_>, effect: Effect) -> Match {
        let named = || self.names.iter().map(|name| name.matching(caller));
        if !self.negated {
            return named().max().unwrap_or(Match::No);
        }
        let excepted = match (effect, caller) {
            // A Deny reaches the caller's account and the caller one by one, so both must be excepted: NotPrincipal,
            // "you must also specify the account ARN of the not-denied principal".
            (Effect::Deny, Principal::User { .. }) => {
                let anyone = self.names.iter().any(|name| matches!(name, Named::Anyone));
                let has = |how: Match| named().any(|found| found == how);
                anyone || (has(Match::Account) && has(Match::Direct))
            }
            _ => named().any(|found| found != Match::No),
        };
        if excepted { Match::No } else { Match::Direct }
    }
}

impl Named {
    fn aws(text: &str) -> Result<Self, Fault> {
        if text == "*" {
            return Ok(Self::Anyone);
        }
        if text.contains(['*', '?']) {
            return Err(Fault::new(format!("{text}: a principal has no wildcards in it")));
        }
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(Self::Account(text.into()));
        }
        // A user that is gone shows as its id, and AWS takes such a policy again.
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Ok(Self::UniqueId(text.into()));
        }
        match arn_parts(text) {
            Some(["arn", _, "iam", "", account, "root"]) if !account.is_empty() => {
                Ok(Self::Account(account.into()))
            }
            Some(["arn", _, "iam" | "sts", "", account, resource]) if !account.is_empty() => {
                let kind = resource.split('/').next().unwrap_or_default();
                let known = ["user", "role", "assumed-role", "federated-user"].contains(&kind);
                let named = resource.len() > kind.len() + 1;
                (known && named).then(|| Self::Arn(text.into())).ok_or_else(|| not_a_principal(text))
            }
            _ => Err(not_a_principal(text)),
        }
    }

    fn service(text: &str) -> Result<Self, Fault> {
        let in_alphabet = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'-';
        if text.is_empty() || !text.bytes().all(in_alphabet) {
            return Err(Fault::new(format!("{text}: not a service")));
        }
        Ok(Self::Service(text.into()))
    }

    #[expect(clippy::unnecessary_wraps, reason = "one of the kinds' readers, which can fail")]
    fn foreign(_: &str) -> Result<Self, Fault> {
        Ok(Self::Foreign)
    }

    fn matching(&self, caller: &Principal<'_>) -> Match {
        let direct = |same: bool| if same { Match::Direct } else { Match::No };
        match (self, caller) {
            (Self::Anyone, _) => Match::Direct,
            (Self::Account(account), caller) if caller.account() == Some(account) => Match::Account,
            (Self::Arn(listed), Principal::User { arn, .. }) => direct(**listed == **arn),
            (Self::UniqueId(listed), Principal::User { id, .. }) => direct(**listed == **id),
            (Self::Service(listed), Principal::Service { name }) => direct(**listed == **name),
            _ => Match::No,
        }
    }
}

fn not_a_principal(text: &str) -> Fault {
    Fault::new(format!("{text}: not an account, nor the ARN of an account, user or role"))
}
