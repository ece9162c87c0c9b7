//! The decision: which statements fit a request, and what follows from them.
//!
//! After IAM's reference, "Policy evaluation logic" and "Cross-account policy evaluation logic".

use crate::context::{Context, Facts};
use crate::decision::{Decision, Denial, Grant, Missing, PolicyRef, StatementRef};
use crate::document::Document;
use crate::principal::Match;
use crate::statement::{Effect, Statement};
use std::collections::BTreeMap;

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub enum Principal<'a> {
    /// Nobody: the request has no credentials.
    Anonymous,
    /// An account itself, which may do everything with what is its own.
    Root {
        /// Twelve digits.
        account: &'a str,
    },
    /// A user of an account.
    User {
        /// Twelve digits.
        account: &'a str,
        /// `aws:username`.
        name: &'a str,
        /// `arn:aws:iam::ACCOUNT:user/PATH/NAME`.
        arn: &'a str,
        /// The unique id, `aws:userid`.
        id: &'a str,
        /// For `aws:PrincipalTag/…`.
        tags: &'a BTreeMap<String, String>,
    },
    /// A service that acts on its own account's behalf, such as a topic that delivers.
    Service {
        /// Such as `sns.amazonaws.com`.
        name: &'a str,
    },
}

impl Principal<'_> {
    /// The caller's account, where it has one.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::Root { account } | Self::User { account, .. } => Some(account),
            Self::Anonymous | Self::Service { .. } => None,
        }
    }
}

/// What is asked.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// With its service, as in `sqs:SendMessage`; letters' case doesn't matter. A batch action goes by the name of the
    /// single one, as with SQS.
    pub action: &'a str,
    /// The resource's ARN; `*` for an action that is about none, which then needs a statement about `*`.
    pub resource: &'a str,
    /// The account that the resource belongs to.
    pub resource_account: &'a str,
    /// Who asks.
    pub principal: Principal<'a>,
    /// Whether the action can be granted to others than the resource's account at all. SQS's CreateQueue and
    /// SetQueueAttributes, among others, can't, whatever a policy says.
    pub cross_account: bool,
    /// The request's condition keys.
    pub context: &'a dyn Context,
}

/// What the root of a resource's account keeps although a resource policy denies it: a policy can't lock its owner out of
/// reading and replacing that policy. (With AWS, too, the root user unlocks such a queue; a key's policy AWS refuses before.)
const KEPT_BY_ROOT: [&str; 4] =
    ["sqs:GetQueueAttributes", "sqs:SetQueueAttributes", "kms:GetKeyPolicy", "kms:PutKeyPolicy"];

/// Decides a request by the caller's own policies, each with its name, and the policy of the resource.
///
/// 1. A Deny that fits, in any policy, decides. Only [the owner's root](Principal::Root) keeps `GetQueueAttributes` and
///    `SetQueueAttributes` against a Deny of the resource's policy.
/// 2. An action that is not [`Request::cross_account`] is refused to all but the resource's account.
/// 3. Within an account, the root is allowed everything; a user needs an Allow in one of its policies, or one in the
///    resource's policy that names the user or everyone. An Allow that names the account there does not do: it only leaves
///    the decision to the account's identity policies.
/// 4. From another account, a user needs both: an Allow in one of its policies, and one in the resource's policy for the
///    user, its account or everyone. That account's root needs only the latter.
/// 5. Anonymous callers and services need an Allow in the resource's policy that names everyone, or that service.
pub fn evaluate<'a>(
    request: &Request<'_>,
    identity_policies: impl IntoIterator<Item = (&'a str, &'a Document)>,
    resource_policy: Option<&'a Document>,
) -> Decision<'a> {
    let facts = Facts { principal: &request.principal, context: request.context };
    let mut allows = Allows::default();
    for (name, document) in identity_policies {
        for (index, statement) in document.statements().iter().enumerate() {
            let decided = statement.effect == Effect::Allow && allows.identity.is_some();
            if decided || !statement.fits(request, &facts) {
                continue;
            }
            let by = reference(PolicyRef::Identity(name), index, statement);
            match statement.effect {
                Effect::Deny => return Decision::Denied(Denial::Explicit { by }),
                Effect::Allow => allows.identity = Some(by),
            }
        }
    }
    let spared = keeps_its_queue(request);
    for (index, statement) in resource_policy.map_or(&[][..], Document::statements).iter().enumerate() {
        let named = match &statement.principals {
            Some(principals) => principals.matching(&request.principal, statement.effect),
            // The document was read as an identity policy, which is about whoever has it: nobody, here.
            None => Match::No,
        };
        let needless = match statement.effect {
            Effect::Deny => spared,
            Effect::Allow => allows.has_at_least(named),
        };
        if named == Match::No || needless || !statement.fits(request, &facts) {
            continue;
        }
        let by = reference(PolicyRef::Resource, index, statement);
        match (statement.effect, named) {
            (Effect::Deny, _) => return Decision::Denied(Denial::Explicit { by }),
            (Effect::Allow, Match::Direct) => allows.direct = Some(by),
            (Effect::Allow, _) => allows.account = Some(by),
        }
    }
    conclude(request, &allows)
}

/// The first statement of each sort that allows.
#[derive(Default)]
struct Allows<'a> {
    identity: Option<StatementRef<'a>>,
    /// In the resource's policy, for the caller itself or everyone.
    direct: Option<StatementRef<'a>>,
    /// In the resource's policy, for the caller's account.
    account: Option<StatementRef<'a>>,
}

impl Allows<'_> {
    /// Whether another Allow of the resource's policy that names the caller so could not change anything.
    fn has_at_least(&self, named: Match) -> bool {
        self.direct.is_some() || (named == Match::Account && self.account.is_some())
    }
}

fn conclude<'a>(request: &Request<'_>, allows: &Allows<'a>) -> Decision<'a> {
    let own = request.principal.account() == Some(request.resource_account);
    if !own && !request.cross_account {
        return denied(Missing::Ownership);
    }
    let shared = allows.direct.or(allows.account);
    let by = match (&request.principal, own) {
        (Principal::Anonymous | Principal::Service { .. }, _) => {
            allows.direct.map(Grant::Statement).ok_or(Missing::ResourceAllow)
        }
        (Principal::Root { .. }, true) => Ok(Grant::OwnerRoot),
        (Principal::Root { .. }, false) => shared.map(Grant::Statement).ok_or(Missing::ResourceAllow),
        (Principal::User { .. }, true) => match (allows.identity.or(allows.direct), allows.account) {
            (Some(by), _) => Ok(Grant::Statement(by)),
            (None, Some(_)) => Err(Missing::IdentityAllow),
            (None, None) => Err(Missing::AnyAllow),
        },
        (Principal::User { .. }, false) => match (allows.identity, shared) {
            (Some(identity), Some(resource)) => Ok(Grant::Both { identity, resource }),
            (None, Some(_)) => Err(Missing::IdentityAllow),
            (Some(_), None) => Err(Missing::ResourceAllow),
            (None, None) => Err(Missing::AnyAllow),
        },
    };
    by.map_or_else(denied, |by| Decision::Allowed { by })
}

fn denied<'a>(missing: Missing) -> Decision<'a> {
    Decision::Denied(Denial::Implicit(missing))
}

fn keeps_its_queue(request: &Request<'_>) -> bool {
    matches!(request.principal, Principal::Root { account } if account == request.resource_account)
        && KEPT_BY_ROOT.iter().any(|action| action.eq_ignore_ascii_case(request.action))
}

fn reference<'a>(policy: PolicyRef<'a>, index: usize, statement: &'a Statement) -> StatementRef<'a> {
    StatementRef { policy, index, sid: statement.sid.as_deref() }
}
