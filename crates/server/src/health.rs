//! Health paths: `/livez` (the process runs), `/readyz` (it serves, and its store is well), `/health` (the same,
//! for people).

use crate::http::Answer;
use bongsu_node::{Node, Status};
use hyper::StatusCode;
use serde_json::json;

/// One of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// `/livez`
    Live,
    /// `/readyz`
    Ready,
    /// `/health`
    Health,
}

/// The page of a path.
pub(crate) fn page(path: &str) -> Option<Page> {
    match path {
        "/livez" => Some(Page::Live),
        "/readyz" => Some(Page::Ready),
        "/health" => Some(Page::Health),
        _ => None,
    }
}

/// What a page says.
pub(crate) fn answer(page: Page, node: &Node, stopping: bool) -> Answer {
    if page == Page::Live {
        return Answer::plain(StatusCode::OK, "text/plain", "ok\n");
    }
    let (state, reason) = match node.status() {
        Status::Failed(reason) => ("failed", Some(reason)),
        Status::Draining => ("stopping", None),
        Status::Full if stopping => ("stopping", None),
        Status::Full => ("full", Some("the disk is full: only receives and deletes are served".to_owned())),
        Status::Ready if stopping => ("stopping", None),
        Status::Ready => ("ready", None),
    };
    let status = if state == "ready" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    if page == Page::Ready {
        let text = reason.map_or_else(|| format!("{state}\n"), |reason| format!("{state}: {reason}\n"));
        return Answer::plain(status, "text/plain", text);
    }
    let version = env!("CARGO_PKG_VERSION");
    let body = json!({ "status": state, "reason": reason, "version": version });
    Answer::plain(status, "application/json", body.to_string())
}
