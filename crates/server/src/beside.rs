//! The services that stand beside SQS on the same endpoint: JSON in, JSON out, one target's prefix each; and IAM in its own encoding.

use crate::access::{self, Caller, Who};
use crate::admin::{self, query};
use crate::call::Call;
use crate::http::Answer;
use crate::keys;
use crate::watch::actions::Action;
use bongsu_auth::signature::Refusal;
use bongsu_wire::{ErrorKind, ServiceError};
use hyper::StatusCode;
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use serde_json::{Value, json};
use std::borrow::Cow;

/// The longest of their requests holds a policy or a text to encrypt, escaped: a tree of JSON values takes many times its text.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// A service, and the action of it that a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    service: Service,
    action: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    /// Users, access keys, policies.
    Admin,
    /// The same, as IAM's clients ask for it.
    Iam,
    /// Key management, as AWS KMS has it.
    Kms,
}

/// Why such a service refuses: what a client reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    /// Such as `NotFoundException`.
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: String,
}

impl Refused {
    /// A refusal with status 400.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: Cow::Borrowed(code), message: message.into() }
    }
}

impl Refused {
    /// Whether somebody was kept out. Services differ in the status that they say it with.
    pub(crate) fn is_denial(&self) -> bool {
        self.status == StatusCode::FORBIDDEN || self.code.starts_with("AccessDenied")
    }

    /// There is no such action.
    pub(crate) fn unknown_operation() -> Self {
        Self::new("UnknownOperationException", "")
    }
}

impl From<ServiceError> for Refused {
    fn from(error: ServiceError) -> Self {
        let status = StatusCode::from_u16(error.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, code: Cow::Borrowed(error.kind.json_type()), message: error.message }
    }
}

impl Asked {
    /// Reads the target header, or, where the request is signed for IAM, the form; `None` where that names SQS, or nothing that is
    /// here.
    pub(crate) fn read(parts: &Parts, body: &[u8]) -> Option<Self> {
        let Some(target) = parts.headers.get("x-amz-target") else {
            let authorization = parts.headers.get(AUTHORIZATION)?.to_str().ok()?;
            if !authorization.contains("/iam/aws4_request") {
                return None;
            }
            let action = query::action(parts.uri.query().unwrap_or_default(), body)?;
            return Some(Self { service: Service::Iam, action });
        };
        let target = target.to_str().ok()?;
        let (prefix, action) = target.split_once('.')?;
        let service = match prefix {
            "Bongsu" => Service::Admin,
            "TrentService" => Service::Kms,
            _ => return None,
        };
        Some(Self { service, action: action.to_owned() })
    }

    /// What it has to be signed for.
    fn services(&self) -> &'static [&'static str] {
        match self.service {
            Service::Admin => &["bongsu", "iam"],
            Service::Iam => &["iam"],
            Service::Kms => &["kms"],
        }
    }

    /// Lets nobody in who did not sign, and signed for this: a signature for another service could come from somebody who was given
    /// no more than that.
    fn admit(&self, caller: &Caller, body: &[u8]) -> Result<(), ServiceError> {
        if matches!(caller.who, Who::Anonymous) {
            return Err(Refusal::MissingToken.into());
        }
        access::check_service(caller, self.services())?;
        if body.len() > MAX_BODY_BYTES {
            let reason = format!("The request's body is longer than {MAX_BODY_BYTES} bytes.");
            return Err(ServiceError::new(ErrorKind::RequestEntityTooLarge, reason));
        }
        Ok(())
    }

    /// What it counts as.
    pub(crate) fn counted(&self) -> Action {
        match self.service {
            Service::Admin => Action::ADMIN,
            Service::Iam => Action::IAM,
            Service::Kms => Action::KMS,
        }
    }

    /// The action's name.
    pub(crate) fn action(&self) -> &str {
        &self.action
    }

    /// Whether it changes nothing: who may use a key does so as often as he sends messages.
    pub(crate) fn only_looks(&self) -> bool {
        let verbs = ["Get", "List", "Describe", "Simulate", "Generate", "Encrypt", "Decrypt", "ReEncrypt"];
        verbs.iter().any(|verb| self.action.starts_with(verb))
    }

    /// The versions of the JSON protocol differ by service.
    fn content_type(&self) -> &'static str {
        match self.service {
            Service::Admin => "application/x-amz-json-1.0",
            Service::Iam => "text/xml",
            Service::Kms => "application/x-amz-json-1.1",
        }
    }

    /// Does what is asked for.
    pub(crate) async fn run(&self, call: &Call<'_>, parts: &Parts, body: &[u8]) -> Result<Value, Refused> {
        self.admit(call.caller, body)?;
        match self.service {
            Service::Admin => admin::run(call, &self.action, body).await,
            Service::Iam => query::run(call, &self.action, parts.uri.query().unwrap_or_default(), body).await,
            Service::Kms => keys::service::run(call, &self.action, body).await,
        }
    }

    /// The answer as a client gets it.
    pub(crate) fn answer(&self, result: Result<Value, Refused>, request_id: &str) -> Answer {
        if self.service == Service::Iam {
            let status = result.as_ref().map_or_else(|refused| refused.status, |_| StatusCode::OK);
            return Answer::plain(
                status,
                self.content_type(),
                query::answer(&self.action, &result, request_id),
            );
        }
        let (status, body) = match result {
            Ok(output) => (StatusCode::OK, output),
            Err(refused) => (refused.status, json!({ "__type": refused.code, "message": refused.message })),
        };
        Answer::plain(status, self.content_type(), body.to_string())
    }
}
