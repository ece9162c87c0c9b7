//! The paths, and what holds for all of them.

use crate::places::Places;
use crate::refusal::Refused;
use crate::sessions::Sessions;
use crate::{api, guard, pages};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get, post};
use bongsu_server::Desk;
use futures_util::FutureExt as _;
use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};

/// Streams of events at a time: one for each open page.
const MAX_STREAMS: usize = 64;
/// The same of one access key, or, where nobody is asked, of one address.
const MAX_STREAMS_EACH: usize = 8;
/// Answers with messages that are made at a time: each can take megabytes.
const MAX_LOOKS: usize = 16;
/// What bodies of requests under way may take together, KiB.
const MAX_BODIES_KIB: usize = 32 * 1024;

/// What the console has once.
pub(crate) struct App {
    /// The server.
    pub(crate) desk: Desk,
    /// Who has signed in.
    pub(crate) sessions: Sessions,
    /// Room for streams of events.
    pub(crate) streams: Arc<Semaphore>,
    /// Each visitor's part of it.
    pub(crate) own_streams: Places<String>,
    /// Room for answers with messages, held until they are written.
    pub(crate) looks: Semaphore,
    /// Room for bodies, KiB.
    pub(crate) bodies: Arc<Semaphore>,
    /// True when the server is about to stop.
    pub(crate) stop: watch::Receiver<bool>,
}

/// Headers that each answer has. Scripts and styles come from here alone, and no page of another site shows or reads any of it.
const HEADERS: [(HeaderName, &str); 5] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    ),
    (HeaderName::from_static("x-content-type-options"), "nosniff"),
    (HeaderName::from_static("referrer-policy"), "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Everything that the console serves.
pub(crate) fn router(desk: Desk, stop: watch::Receiver<bool>) -> Router {
    let app = Arc::new(App {
        desk,
        sessions: Sessions::default(),
        streams: Arc::new(Semaphore::new(MAX_STREAMS)),
        own_streams: Places::new(MAX_STREAMS_EACH),
        looks: Semaphore::new(MAX_LOOKS),
        bodies: Arc::new(Semaphore::new(MAX_BODIES_KIB)),
        stop,
    });
    let session = get(api::session::show).post(api::session::sign_in).delete(api::session::sign_out);
    let api = Router::new()
        .route("/api/session", session)
        .route("/api/sqs/{action}", post(api::sqs::run))
        .route("/api/overview", get(api::figures::overview))
        .route("/api/history", get(api::figures::history))
        .route("/api/events", get(api::events::stream))
        .route("/api/queues", get(api::queues::list))
        .route("/api/queues/{name}", get(api::queues::one))
        .route("/api/queues/{name}/search", get(api::messages::search))
        .route("/api/queues/{name}/messages", get(api::messages::list))
        .route("/api/queues/{name}/messages/{sequence}", get(api::messages::one))
        .route("/api/queues/{name}/messages/delete", post(api::messages::delete))
        .route("/api/queues/{name}/messages/move", post(api::messages::move_elsewhere))
        .route("/metrics", get(api::figures::metrics))
        .route("/api/{*rest}", any(|| async { Refused::not_found() }))
        .method_not_allowed_fallback(|| async {
            let message = "This path is not asked for in this way.";
            Refused::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
        })
        .layer(from_fn(unstored))
        .layer(from_fn_with_state(Arc::clone(&app), guard::only_own_pages));
    Router::new()
        .route("/livez", get(api::health::page))
        .route("/readyz", get(api::health::page))
        .route("/health", get(api::health::page))
        .merge(api)
        .fallback(pages::serve)
        // Bodies are read by those who know how long they may be.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn(caught))
        .layer(map_response(with_headers))
        .with_state(app)
}

async fn with_headers(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What the interface answers is nobody's to keep.
async fn unstored(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// One request that goes wrong must not take the connection with it.
async fn caught(request: Request, next: Next) -> Response {
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    answered.unwrap_or_else(|_| {
        tracing::error!("a request to the console panicked");
        let message = "The request processing has failed because of an unknown error.";
        Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalFailure", message).into_response()
    })
}
