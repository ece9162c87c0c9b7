//! Figures: at a glance, over time, and for Prometheus.

use crate::api::Parameters;
use crate::guard::Visitor;
use crate::refusal::{Answer, Refused, json_answer};
use crate::router::App;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use std::sync::Arc;

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

/// `GET /metrics`
pub(crate) async fn metrics(State(app): State<Arc<App>>, Visitor { visit, .. }: Visitor) -> Answer {
    let (content_type, page) = app.desk.metrics(&visit).await?;
    let mut response = Response::new(Body::from(page));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    Ok(response)
}
