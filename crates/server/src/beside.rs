//! The services that stand beside SQS on the same endpoint: JSON in, JSON out, one target's prefix each.

use crate::admin;
use crate::call::Call;
use crate::http::Answer;
use crate::keys;
use bongsu_wire::ServiceError;
use hyper::StatusCode;
use hyper::http::request::Parts;
use serde_json::{Value, json};
use std::borrow::Cow;

/// A service, and the action of it that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked<'a> {
    service: Service,
    action: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    /// Users, access keys, policies.
    Admin,
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

impl<'a> Asked<'a> {
    /// Reads the target header; `None` where it names SQS, or nothing that is here.
    pub(crate) fn read(parts: &'a Parts) -> Option<Self> {
        let target = parts.headers.get("x-amz-target")?.to_str().ok()?;
        let (prefix, action) = target.split_once('.')?;
        let service = match prefix {
            "Bongsu" => Service::Admin,
            "TrentService" => Service::Kms,
            _ => return None,
        };
        Some(Self { service, action })
    }

    /// The action's name.
    pub(crate) fn action(&self) -> &'a str {
        self.action
    }

    /// Whether it changes nothing, and shows nothing that is secret.
    pub(crate) fn only_looks(&self) -> bool {
        ["Get", "List", "Describe", "Simulate"].iter().any(|verb| self.action.starts_with(verb))
    }

    /// The versions of the JSON protocol differ by service.
    fn content_type(&self) -> &'static str {
        match self.service {
            Service::Admin => "application/x-amz-json-1.0",
            Service::Kms => "application/x-amz-json-1.1",
        }
    }

    /// Does what is asked for.
    pub(crate) async fn run(&self, call: &Call<'_>, body: &[u8]) -> Result<Value, Refused> {
        match self.service {
            Service::Admin => admin::run(call, self.action, body).await,
            Service::Kms => keys::service::run(call, self.action, body).await,
        }
    }

    /// The answer as a client gets it.
    pub(crate) fn answer(&self, result: Result<Value, Refused>) -> Answer {
        let (status, body) = match result {
            Ok(output) => (StatusCode::OK, output),
            Err(refused) => (refused.status, json!({ "__type": refused.code, "message": refused.message })),
        };
        Answer::plain(status, self.content_type(), body.to_string())
    }
}
