//! Any action of SQS, as the visitor.

use crate::api::{Parameters, read_body};
use crate::guard::Visitor;
use crate::refusal::{Answer, json_text};
use crate::router::App;
use axum::extract::{Request, State};
use std::sync::Arc;

/// The longest message, or batch of them, with room for the JSON around and the escapes within.
const MAX_BYTES: usize = 1024 * 1024 * 3 / 2;

/// `POST /api/sqs/{action}`
pub(crate) async fn run(
    State(app): State<Arc<App>>,
    Visitor { visit, .. }: Visitor,
    parameters: Parameters,
    request: Request,
) -> Answer {
    let (body, _hold) = read_body(&app, request.into_body(), MAX_BYTES).await?;
    let answer = app.desk.sqs(visit, parameters.place("action"), &body).await?;
    Ok(json_text(answer))
}
