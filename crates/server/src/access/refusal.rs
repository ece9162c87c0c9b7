//! What a caller reads who may not do something, in AWS's words.

use super::caller::{Caller, Who};
use bongsu_auth::signature::Refusal;
use bongsu_policy::{Denial, Missing, PolicyRef};
use bongsu_wire::{ErrorKind, ServiceError};

/// The refusal of an action on a resource (`None`: on none). An anonymous caller who asks for nothing that a policy could open
/// to him is told to sign.
pub(super) fn denied(caller: &Caller, action: &str, arn: Option<&str>, denial: Denial<'_>) -> ServiceError {
    if matches!(caller.who, Who::Anonymous) {
        return match arn {
            None => Refusal::MissingToken.into(),
            Some(arn) => access_denied(format!("Access to the resource {arn} is denied.")),
        };
    }
    // The real service shows an action that is about no queue as one on the account.
    let account_arn = format!("arn:aws:sqs:{}:{}:", caller.region, caller.account);
    let (user, action) = (caller.arn(), action.to_ascii_lowercase());
    let resource = arn.unwrap_or(&account_arn);
    let because = because(&action, denial);
    access_denied(format!(
        "User: {user} is not authorized to perform: {action} on resource: {resource} {because}"
    ))
}

fn because(action: &str, denial: Denial<'_>) -> String {
    let policy_kind = match denial {
        Denial::Explicit { by } => {
            return match by.policy {
                PolicyRef::Identity(_) => "with an explicit deny in an identity-based policy".to_owned(),
                PolicyRef::Resource => "with an explicit deny in a resource-based policy".to_owned(),
            };
        }
        Denial::Implicit(Missing::ResourceAllow | Missing::Ownership) => "resource-based",
        Denial::Implicit(Missing::AnyAllow | Missing::IdentityAllow) => "identity-based",
    };
    format!("because no {policy_kind} policy allows the {action} action")
}

fn access_denied(message: String) -> ServiceError {
    ServiceError::new(ErrorKind::AccessDenied, message)
}
