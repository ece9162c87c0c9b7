//! What IAM calls what goes wrong, and with which status.

use crate::access::realm::RealmError;
use crate::beside::Refused;
use crate::documents::DocumentError;
use crate::errors::{About, from_call, internal_failure};
use hyper::StatusCode;
use std::borrow::Cow;

/// A member of the request is not what it should be.
pub(super) fn validation(message: impl Into<String>) -> Refused {
    Refused::new("ValidationError", message)
}

/// The caller may not do this, whatever policies say.
pub(super) fn access_denied(message: impl Into<String>) -> Refused {
    refused(StatusCode::FORBIDDEN, "AccessDeniedException", message)
}

/// What was named is not there.
pub(super) fn no_such_entity(message: impl Into<String>) -> Refused {
    refused(StatusCode::NOT_FOUND, "NoSuchEntity", message)
}

fn refused(status: StatusCode, code: &'static str, message: impl Into<String>) -> Refused {
    Refused { status, code: Cow::Borrowed(code), message: message.into() }
}

impl From<RealmError> for Refused {
    fn from(error: RealmError) -> Self {
        let message = error.to_string();
        let conflict = |code| refused(StatusCode::CONFLICT, code, message.as_str());
        match error {
            RealmError::Document(DocumentError::Conflict) => conflict("ConcurrentModification"),
            RealmError::Document(DocumentError::Call(error)) => from_call(error, About::default()).into(),
            RealmError::Document(DocumentError::Form { .. } | DocumentError::Reply)
            | RealmError::Seal { .. } => {
                tracing::error!(error = message, "users and access keys can't be changed");
                internal_failure().into()
            }
            RealmError::Policy { .. } => Self::new("MalformedPolicyDocument", message),
            RealmError::Invalid(_) => validation(message),
            RealmError::Exists(_) => conflict("EntityAlreadyExists"),
            RealmError::Missing(_) => no_such_entity(message),
            RealmError::InUse(_) => conflict("DeleteConflict"),
            RealmError::Limit(_) => conflict("LimitExceeded"),
        }
    }
}
