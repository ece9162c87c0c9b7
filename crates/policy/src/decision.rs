//! What was decided, and by which statement; in words for an audit log.

use std::fmt::{self, Display, Formatter};

/// A policy that took part in a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyRef<'a> {
    /// One of the caller's own, by its name.
    Identity(&'a str),
    /// The resource's.
    Resource,
}

/// A statement that decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementRef<'a> {
    /// The policy that it is in.
    pub policy: PolicyRef<'a>,
    /// Its place in the policy, counted from 0. In words, statements are counted from 1.
    pub index: usize,
    /// Its Sid, where it has one.
    pub sid: Option<&'a str>,
}

/// Why a request is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant<'a> {
    /// One statement is enough.
    Statement(StatementRef<'a>),
    /// A caller from another account: both sides allow it.
    Both {
        /// The statement in the caller's own policies.
        identity: StatementRef<'a>,
        /// The statement in the resource's policy.
        resource: StatementRef<'a>,
    },
    /// The caller is the root of the resource's account.
    OwnerRoot,
}

/// What is missing where nothing denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// No policy allows it.
    AnyAllow,
    /// The resource's policy leaves it to the caller's account, whose policies don't allow it.
    IdentityAllow,
    /// The resource's policy does not allow it, and would have to.
    ResourceAllow,
    /// Only the resource's account can do this.
    Ownership,
}

/// Why a request is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial<'a> {
    /// By a statement with the effect Deny.
    Explicit {
        /// The first one that fits.
        by: StatementRef<'a>,
    },
    /// As everything is that nothing allows.
    Implicit(Missing),
}

/// What is decided about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision<'a> {
    /// It may go on.
    Allowed {
        /// Why.
        by: Grant<'a>,
    },
    /// It may not.
    Denied(Denial<'a>),
}

impl Decision<'_> {
    /// Whether the request may go on.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }
}

impl Display for PolicyRef<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity(name) => write!(formatter, "the identity policy {name:?}"),
            Self::Resource => formatter.write_str("the queue's policy"),
        }
    }
}

impl Display for StatementRef<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "statement {}", self.index + 1)?;
        if let Some(sid) = self.sid {
            write!(formatter, " (Sid {sid:?})")?;
        }
        write!(formatter, " of {}", self.policy)
    }
}

/// One line, such as `allowed by statement 2 (Sid "x") of the queue's policy`.
impl Display for Decision<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed { by: Grant::Statement(by) } => write!(formatter, "allowed by {by}"),
            Self::Allowed { by: Grant::Both { identity, resource } } => {
                write!(formatter, "allowed by {identity} and {resource}")
            }
            Self::Allowed { by: Grant::OwnerRoot } => {
                formatter.write_str("allowed to the root of the account that owns it")
            }
            Self::Denied(Denial::Explicit { by }) => write!(formatter, "denied by {by}"),
            Self::Denied(Denial::Implicit(missing)) => formatter.write_str(match missing {
                Missing::AnyAllow => "denied: no policy allows it",
                Missing::IdentityAllow => "denied: no identity policy allows it",
                Missing::ResourceAllow => "denied: the queue's policy does not allow it",
                Missing::Ownership => "denied: only the account that owns it may do this",
            }),
        }
    }
}
