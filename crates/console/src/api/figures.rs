//! Figures: at a glance, over time, and for Prometheus.

use crate::api::{Parameters, session};
use crate::guard::{Visitor, origin};
use crate::refusal::{Answer, Refused, json_answer};
use crate::router::App;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bongsu_server::desk::{SIGN_IN_REQUIRED, Scope, Visit};
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use hyper::http::request::Parts;
use std::sync::Arc;
use tokio::time::Instant;

/// Points of a chart.
const DEFAULT_POINTS: usize = 300;
const MAX_POINTS: usize = 1000;

/// `GET /api/overview`
pub(crate) async fn overview(State(app): State<Arc<App>>, Visitor { visit, .. }: Visitor) -> Answer {
    json_answer(&app.desk.overview(&visit).await?)
}

/// `GET /api/history`
pub(crate) async fn history(
    State(app): State<Arc<App>>,
    Visitor { visit, .. }: Visitor,
    parameters: Parameters,
) -> Answer {
    let series: Vec<&str> = parameters.text("series").unwrap_or_default().split(',').collect();
    let (from_ms, to_ms) = (parameters.value::<u64>("fromMs")?, parameters.value::<u64>("toMs")?);
    let (Some(from_ms), Some(to_ms)) = (from_ms, to_ms) else {
        return Err(Refused::invalid("The parameters fromMs and toMs are needed."));
    };
    if from_ms >= to_ms {
        return Err(Refused::invalid("The parameter fromMs must be before toMs."));
    }
    let points = parameters.count("points", DEFAULT_POINTS, MAX_POINTS)?;
    let queue = parameters.text("queue");
    json_answer(&app.desk.history(&visit, queue, &series, (from_ms, to_ms), points).await?)
}

/// `GET /metrics`: for who has signed in, or, as Prometheus does, shows an access key as name and password.
pub(crate) async fn metrics(State(app): State<Arc<App>>, request: Request) -> Answer {
    let (parts, _) = request.into_parts();
    let visit = match Visitor::of(&app, &parts) {
        Ok(visitor) => visitor.visit,
        Err(refused) if refused.0.code == SIGN_IN_REQUIRED => match basic(&app, &parts) {
            Ok(visit) => visit,
            Err(refused) => return Ok(asking(refused)),
        },
        Err(refused) => return Err(refused),
    };
    app.desk.take_request(&visit)?;
    let (content_type, page) = app.desk.metrics(&visit).await?;
    let mut response = Response::new(Body::from(page));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    Ok(response)
}

fn basic(app: &App, parts: &Parts) -> Result<Visit, Refused> {
    let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (scheme, encoded) = header.and_then(|header| header.split_once(' ')).unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(Refused::sign_in_required());
    }
    let decoded = STANDARD.decode(encoded.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let origin = origin(parts)?;
    let (key_id, secret) = decoded.as_deref().and_then(|pair| pair.split_once(':')).unwrap_or_default();
    if !app.sessions.begin_attempt(Instant::now(), origin.address, key_id) {
        return Err(session::too_many_attempts());
    }
    let badge = app.desk.recognise(&origin, key_id, secret)?;
    app.sessions.forgive(origin.address, key_id);
    Ok(app.desk.visit(Some(&badge), &origin, &Scope::default())?)
}

/// Asks for name and password.
fn asking(refused: Refused) -> Response {
    let mut response = refused.into_response();
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"Bongsu\""));
    }
    response
}
