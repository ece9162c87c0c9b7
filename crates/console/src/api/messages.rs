//! Messages: looked at, searched, and what is done with those that were chosen.

use crate::api::{Parameters, read_json};
use crate::guard::Visitor;
use crate::refusal::{Answer, Refused, json_answer};
use crate::router::App;
use axum::extract::{Request, State as App_};
use bongsu_server::desk::{MessageNumber, Outcome, State};
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::SemaphorePermit;

/// Messages of a page.
const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;
/// The longest text that is searched for.
const MAX_SEARCH_CHARS: usize = 1000;
/// A hundred numbers, an ARN, and the JSON around them.
const MAX_CHOICE_BYTES: usize = 16 * 1024;

/// Messages that were chosen.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    sequences: Vec<String>,
}

/// Messages that were chosen, and where they are to go.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    sequences: Vec<String>,
    #[serde(default)]
    destination: Option<String>,
}

/// `GET /api/queues/{name}/messages`
pub(crate) async fn list(
    App_(app): App_<Arc<App>>,
    Visitor { visit, .. }: Visitor,
    parameters: Parameters,
) -> Answer {
    let state = state(&parameters)?;
    let offset = parameters.value("offset")?.unwrap_or(0);
    let limit = parameters.count("limit", DEFAULT_LIMIT, MAX_LIMIT)?;
    let _room = room(&app).await;
    json_answer(&app.desk.messages(&visit, parameters.place("name"), state, offset, limit).await?)
}

/// `GET /api/queues/{name}/messages/{sequence}`
pub(crate) async fn one(
    App_(app): App_<Arc<App>>,
    Visitor { visit, .. }: Visitor,
    parameters: Parameters,
) -> Answer {
    let gone = || Refused::new(StatusCode::NOT_FOUND, "MessageGone", "The message is not there any more.");
    let number = number(parameters.place("sequence"))?;
    let _room = room(&app).await;
    let found = app.desk.message(&visit, parameters.place("name"), number).await?;
    json_answer(&found.ok_or_else(gone)?)
}

/// `GET /api/queues/{name}/search`
pub(crate) async fn search(
    App_(app): App_<Arc<App>>,
    Visitor { visit, .. }: Visitor,
    parameters: Parameters,
) -> Answer {
    let text = parameters.text("text").unwrap_or_default();
    if text.is_empty() || text.chars().count() > MAX_SEARCH_CHARS {
        let message = format!("The parameter text must have between 1 and {MAX_SEARCH_CHARS} characters.");
        return Err(Refused::invalid(message));
    }
    let state = state(&parameters)?;
    let offset = parameters.value("offset")?.unwrap_or(0);
    let _room = room(&app).await;
    json_answer(&app.desk.search(&visit, parameters.place("name"), text, state, offset).await?)
}

/// `POST /api/queues/{name}/messages/delete`
pub(crate) async fn delete(
    App_(app): App_<Arc<App>>,
    Visitor { visit, .. }: Visitor,
    parameters: Parameters,
    request: Request,
) -> Answer {
    let Choice { sequences } = read_json(&app, request.into_body(), MAX_CHOICE_BYTES).await?;
    let outcomes = app.desk.discard(visit, parameters.place("name"), numbers(&sequences)?).await?;
    json_answer(&results(outcomes))
}

/// `POST /api/queues/{name}/messages/move`
pub(crate) async fn move_elsewhere(
    App_(app): App_<Arc<App>>,
    Visitor { visit, .. }: Visitor,
    parameters: Parameters,
    request: Request,
) -> Answer {
    let Move { sequences, destination } = read_json(&app, request.into_body(), MAX_CHOICE_BYTES).await?;
    let (name, numbers) = (parameters.place("name"), numbers(&sequences)?);
    let outcomes = app.desk.move_messages(visit, name, numbers, destination.as_deref()).await?;
    json_answer(&results(outcomes))
}

/// Waits for room to answer with messages. The room is never closed.
async fn room(app: &App) -> Option<SemaphorePermit<'_>> {
    app.looks.acquire().await.ok()
}

fn state(parameters: &Parameters) -> Result<State, Refused> {
    match parameters.text("state") {
        None | Some("all") => Ok(State::All),
        Some("visible") => Ok(State::Visible),
        Some("in-flight") => Ok(State::InFlight),
        Some("delayed") => Ok(State::Delayed),
        Some(_) => Err(Refused::invalid("The parameter state must be all, visible, in-flight or delayed.")),
    }
}

fn number(text: &str) -> Result<MessageNumber, Refused> {
    text.parse().map_err(|()| Refused::invalid("A message's sequence is as lists show it, such as 1-23."))
}

fn numbers(sequences: &[String]) -> Result<Vec<MessageNumber>, Refused> {
    sequences.iter().map(|text| number(text)).collect()
}

fn results(outcomes: Vec<Outcome>) -> Value {
    let results = outcomes.into_iter().map(|outcome| {
        let error = outcome.error.map(|error| json!({ "code": error.code, "message": error.message }));
        json!({ "sequence": outcome.number.to_string(), "error": error })
    });
    json!({ "results": results.collect::<Vec<_>>() })
}
