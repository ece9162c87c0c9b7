//! The interface behind the pages: one file a subject.

pub(crate) mod events;
pub(crate) mod figures;
pub(crate) mod health;
pub(crate) mod messages;
pub(crate) mod queues;
pub(crate) mod session;
pub(crate) mod sqs;

use crate::refusal::Refused;
use crate::router::App;
use axum::body::Body;
use axum::extract::{FromRequestParts, Path};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::StatusCode;
use hyper::body::Body as _;
use hyper::http::request::Parts;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// How long a body may take to arrive.
const MAX_BODY: Duration = Duration::from_secs(30);

/// What is read of a body that is too long, and for how long.
const MAX_DRAINED_BYTES: usize = 16 * 1024 * 1024;
const MAX_DRAIN: Duration = Duration::from_secs(5);

/// A parameter of a request's query.
pub(crate) fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

/// What stands behind the question mark, and in the path's places.
pub(crate) struct Parameters {
    query: HashMap<String, String>,
    path: HashMap<String, String>,
}

impl Parameters {
    /// A text; `None` where it is not there, or empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// A value that has a text's form.
    ///
    /// # Errors
    /// `InvalidParameterValue` for a text of another form.
    pub(crate) fn value<T: FromStr>(&self, name: &str) -> Result<Option<T>, Refused> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse()
            .map(Some)
            .map_err(|_| Refused::invalid(format!("The parameter {name} has no sensible value.")))
    }

    /// A count of at least one and at most `max`.
    ///
    /// # Errors
    /// `InvalidParameterValue`.
    pub(crate) fn count(&self, name: &str, default: usize, max: usize) -> Result<usize, Refused> {
        match self.value(name)? {
            None => Ok(default),
            Some(count) if (1..=max).contains(&count) => Ok(count),
            Some(_) => Err(Refused::invalid(format!("The parameter {name} must be between 1 and {max}."))),
        }
    }

    /// What stands in a place of the path, decoded.
    pub(crate) fn place(&self, name: &str) -> &str {
        self.path.get(name).map_or("", String::as_str)
    }
}

impl FromRequestParts<Arc<App>> for Parameters {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refused> {
        let query = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let query = query.into_owned().collect();
        match Path::from_request_parts(parts, app).await {
            Ok(Path(path)) => Ok(Self { query, path }),
            Err(_) => Err(Refused::invalid("The path can't be read.")),
        }
    }
}

/// A request's body, and the hold on the memory that it takes.
///
/// # Errors
/// When it is longer than `max_bytes`, takes too long, or there is no memory for it.
pub(crate) async fn read_body(
    app: &App,
    body: Body,
    max_bytes: usize,
) -> Result<(Bytes, OwnedSemaphorePermit), Refused> {
    let too_long = || {
        let message = format!("The request's body is longer than {max_bytes} bytes.");
        Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message)
    };
    let hint = body.size_hint();
    if hint.lower() > max_bytes as u64 {
        drain(body).await;
        return Err(too_long());
    }
    let expected_bytes = hint.exact().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(max_bytes);
    let kib = u32::try_from(expected_bytes / 1024 + 1).unwrap_or(u32::MAX);
    let read = async {
        let hold = Arc::clone(&app.bodies).acquire_many_owned(kib).await.map_err(|_| too_long())?;
        let read = Limited::new(body, max_bytes).collect().await;
        read.map(|read| (read.to_bytes(), hold)).map_err(|error| {
            match error.is::<http_body_util::LengthLimitError>() {
                true => too_long(),
                false => Refused::invalid("The request's body could not be read to its end."),
            }
        })
    };
    let late = |_| {
        let message = "The request's body did not arrive in time.";
        Refused::new(StatusCode::REQUEST_TIMEOUT, "RequestTimeout", message)
    };
    tokio::time::timeout(MAX_BODY, read).await.map_err(late)?
}

/// Takes what somebody sends whom nobody listens to: a browser reads no answer before it has sent all.
async fn drain(body: Body) {
    let mut rest = Limited::new(body, MAX_DRAINED_BYTES);
    let reading = async { while let Some(Ok(_)) = rest.frame().await {} };
    // He gets his answer in any case.
    let _ = tokio::time::timeout(MAX_DRAIN, reading).await;
}

/// A request's body that is JSON of a known shape.
///
/// # Errors
/// As [`read_body`]; `InvalidParameterValue` for another shape.
pub(crate) async fn read_json<T: DeserializeOwned>(
    app: &App,
    body: Body,
    max_bytes: usize,
) -> Result<T, Refused> {
    let (bytes, _hold) = read_body(app, body, max_bytes).await?;
    // The error would repeat what was sent, secrets too.
    serde_json::from_slice(&bytes)
        .map_err(|_| Refused::invalid("The request's body is not the JSON that belongs here."))
}
