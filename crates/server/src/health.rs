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

/// What a page says. Anybody can read it: why something is so (paths, what the disk said) is in the log.
pub(crate) fn answer(page: Page, node: &Node, stopping: bool) -> Answer {
    if page == Page::Live {
        return Answer::plain(StatusCode::OK, "text/plain", "ok\n");
    }
    let state = state(&node.status(), stopping);
    let status = if state == "ready" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    if page == Page::Ready {
        return Answer::plain(status, "text/plain", format!("{state}\n"));
    }
    let body = json!({ "status": state, "version": env!("CARGO_PKG_VERSION") });
    Answer::plain(status, "application/json", body.to_string())
}

/// The word for how it is.
fn state(status: &Status, stopping: bool) -> &'static str {
    match status {
        Status::Failed(_) => "failed",
        _ if stopping => "stopping",
        Status::Draining => "stopping",
        Status::NearlyOut => "nearly out",
        Status::Full => "full",
        Status::Ready => "ready",
    }
}

#[cfg(test)]
mod tests {
    use super::state;
    use bongsu_node::Status;

    /// The journal's words name files and addresses.
    #[test]
    fn a_page_says_how_it_is_and_not_why() {
        let failed = Status::Failed("/var/lib/bongsu/journal: Input/output error".to_owned());
        for (status, word, word_while_stopping) in [
            (Status::Ready, "ready", "stopping"),
            (Status::Full, "full", "stopping"),
            (Status::NearlyOut, "nearly out", "stopping"),
            (Status::Draining, "stopping", "stopping"),
            (failed, "failed", "failed"),
        ] {
            assert_eq!((state(&status, false), state(&status, true)), (word, word_while_stopping));
        }
    }
}
