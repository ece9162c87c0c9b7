//! What a visitor reads who doesn't get what he asked for.

use axum::response::{IntoResponse, Response};
use bongsu_server::desk::Refusal;
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde_json::json;

/// A refusal as an answer: `{"error": {"code": …, "message": …}}`.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) Refusal);

/// What a handler answers with.
pub(crate) type Answer = Result<Response, Refused>;

impl Refused {
    /// A refusal of the console's own.
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self(Refusal { status: status.as_u16(), code: code.into(), message: message.into() })
    }

    /// A parameter that makes no sense.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidParameterValue", message)
    }

    /// There is no such path.
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", "There is nothing here.")
    }

    /// Nobody has signed in, or not any more.
    pub(crate) fn sign_in_required() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "SignInRequired", "Please sign in.")
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Refusal { status, code, message } = self.0;
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = json_text(json!({ "error": { "code": code, "message": message } }).to_string());
        *response.status_mut() = status;
        response
    }
}

/// An answer in JSON.
pub(crate) fn json_text(text: impl Into<axum::body::Body>) -> Response {
    let mut response = Response::new(text.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The same, of something that has a JSON form.
pub(crate) fn json_answer(value: &impl serde::Serialize) -> Answer {
    serde_json::to_vec(value).map(json_text).map_err(|error| {
        tracing::error!(%error, "an answer has no JSON form");
        Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalFailure", "The answer could not be written.")
    })
}
