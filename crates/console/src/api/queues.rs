//! Queues: the list, and one of them.

use crate::api::Parameters;
use crate::guard::Visitor;
use crate::refusal::{Answer, Refused, json_answer};
use crate::router::App;
use axum::extract::State;
use bongsu_server::desk::{Filter, Kind, Sort};
use std::sync::Arc;

/// Queues of a page.
const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;

/// `GET /api/queues`
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Visitor { visit, .. }: Visitor,
    parameters: Parameters,
) -> Answer {
    let filter = Filter {
        search: parameters.text("search").map(str::to_owned),
        tag: parameters.text("tag").map(str::to_owned),
        kind: parameters.text("kind").map(kind).transpose()?,
        sort: parameters.text("sort").map_or(Ok(Sort::Name), sort)?,
        descending: parameters.value("descending")?.unwrap_or(false),
        offset: parameters.value("offset")?.unwrap_or(0),
        limit: parameters.count("limit", DEFAULT_LIMIT, MAX_LIMIT)?,
    };
    json_answer(&app.desk.queues(&visit, &filter).await?)
}

/// `GET /api/queues/{name}`
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    Visitor { visit, .. }: Visitor,
    parameters: Parameters,
) -> Answer {
    json_answer(&app.desk.queue(&visit, parameters.place("name")).await?)
}

fn kind(word: &str) -> Result<Kind, Refused> {
    match word {
        "standard" => Ok(Kind::Standard),
        "fifo" => Ok(Kind::Fifo),
        "dead-letter" => Ok(Kind::DeadLetter),
        _ => Err(Refused::invalid("The parameter kind must be standard, fifo or dead-letter.")),
    }
}

fn sort(word: &str) -> Result<Sort, Refused> {
    match word {
        "name" => Ok(Sort::Name),
        "visible" => Ok(Sort::Visible),
        "inFlight" => Ok(Sort::InFlight),
        "delayed" => Ok(Sort::Delayed),
        "oldest" => Ok(Sort::Oldest),
        "sent" => Ok(Sort::Sent),
        "received" => Ok(Sort::Received),
        "created" => Ok(Sort::Created),
        _ => Err(Refused::invalid(
            "The parameter sort must be name, visible, inFlight, delayed, oldest, sent, received or created.",
        )),
    }
}
