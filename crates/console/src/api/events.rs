//! What keeps an open page up to date: a stream of server-sent events.

use crate::api::Parameters;
use crate::guard::{Visitor, origin};
use crate::places::{Place, network};
use crate::refusal::Refused;
use crate::router::App;
use axum::extract::{Request, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use bongsu_server::desk::{Refusal, Visit};
use futures_util::stream::unfold;
use hyper::StatusCode;
use hyper::http::request::Parts;
use serde::Serialize;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often a page gets what is new.
const PERIOD: Duration = Duration::from_secs(2);
/// How long nothing is sent at most.
const SILENCE: Duration = Duration::from_secs(15);
/// Events that wait for the client, and for how long the next one does before he is given up.
const MAX_WAITING: usize = 8;
const MAX_STALL: Duration = Duration::from_secs(30);
/// Rows that a page can have on the screen.
const MAX_ROWS: usize = 200;

/// One page's stream.
struct Page {
    app: Arc<App>,
    /// As it was asked for: who asks is found out anew each time.
    parts: Parts,
    queue: Option<String>,
    rows: Vec<String>,
    ticks: Interval,
    stop: watch::Receiver<bool>,
    /// Events that are to be sent.
    ready: Vec<Event>,
    /// Events that the visitor may not see.
    denied: Vec<&'static str>,
    is_over: bool,
    _place: (OwnedSemaphorePermit, Place<String>),
}

/// `GET /api/events`
pub(crate) async fn stream(
    State(app): State<Arc<App>>,
    Visitor { visit }: Visitor,
    parameters: Parameters,
    request: Request,
) -> Result<Response, Refused> {
    let rows: Vec<String> =
        parameters.text("rows").unwrap_or_default().split(',').map(str::to_owned).collect();
    let rows: Vec<String> = rows.into_iter().filter(|name| !name.is_empty()).collect();
    if rows.len() > MAX_ROWS {
        return Err(Refused::invalid(format!("At most {MAX_ROWS} rows at a time.")));
    }
    let full = || {
        let message = "Too many pages are open.";
        Refused::new(StatusCode::SERVICE_UNAVAILABLE, "TooManyStreams", message)
    };
    let parts = request.into_parts().0;
    let whose = match visit.key_id() {
        Some(key_id) => key_id.to_owned(),
        None => network(origin(&parts)?.address).to_string(),
    };
    let own_place = app.own_streams.take(whose).ok_or_else(full)?;
    let place = Arc::clone(&app.streams).try_acquire_owned().map_err(|_| full())?;
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let page = Page {
        queue: parameters.text("queue").map(str::to_owned),
        stop: app.stop.clone(),
        app,
        parts,
        rows,
        ticks,
        ready: Vec::new(),
        denied: Vec::new(),
        is_over: false,
        _place: (place, own_place),
    };
    let (sender, receiver) = mpsc::channel(MAX_WAITING);
    tokio::spawn(page.run(sender));
    let events = unfold(receiver, async |mut receiver: mpsc::Receiver<Event>| {
        let event = receiver.recv().await?;
        Some((Ok::<_, Infallible>(event), receiver))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(SILENCE)).into_response())
}

impl Page {
    /// Sends what is new until the page is closed, the session or the server ends, or nobody takes what is sent. A task of its own: with
    /// HTTP/2 the stream itself is asked for nothing as long as the client makes no room for it.
    async fn run(mut self, sender: mpsc::Sender<Event>) {
        while !self.is_over {
            tokio::select! {
                _ = self.ticks.tick() => {}
                _ = self.stop.wait_for(|stop| *stop) => return,
                () = sender.closed() => return,
            }
            self.gather().await;
            for event in std::mem::take(&mut self.ready) {
                if sender.send_timeout(event, MAX_STALL).await.is_err() {
                    return;
                }
            }
        }
    }

    /// Makes the events of one round.
    async fn gather(&mut self) {
        let visit = match Visitor::again(&self.app, &self.parts) {
            Ok(visitor) => visitor.visit,
            Err(_) => {
                self.put("signed-out", &json!({}));
                self.is_over = true;
                return;
            }
        };
        let app = Arc::clone(&self.app);
        if self.wants("overview") {
            self.tell("overview", app.desk.overview(&visit).await);
        }
        if self.wants("rows") && !self.rows.is_empty() {
            self.tell("rows", app.desk.states(&visit, &self.rows).await);
        }
        let Some(queue) = self.queue.clone() else { return };
        let mut has_sources = false;
        if self.wants("queue") {
            let detail = app.desk.queue(&visit, &queue).await;
            has_sources = detail.as_ref().is_ok_and(|detail| detail.has_sources);
            self.tell("queue", detail);
        }
        if self.wants("tasks") && has_sources {
            self.tell("tasks", tasks(&app, &visit, &queue).await);
        }
    }

    fn wants(&self, name: &str) -> bool {
        !self.denied.contains(&name)
    }

    /// What the visitor doesn't get is told too: the page has to know. What he may not see is not asked for again and again, each
    /// time with a line in the audit log.
    fn tell(&mut self, name: &'static str, value: Result<impl Serialize, Refusal>) {
        match value {
            Ok(value) => self.put(name, &value),
            Err(Refusal { status, code, message }) => {
                if status == StatusCode::FORBIDDEN {
                    self.denied.push(name);
                }
                self.put("refused", &json!({ "of": name, "error": { "code": code, "message": message } }));
            }
        }
    }

    fn put(&mut self, name: &str, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(data) => self.ready.push(Event::default().event(name).data(data)),
            Err(error) => tracing::error!(%error, name, "an event has no JSON form"),
        }
    }
}

/// The move tasks of a dead-letter queue, as ListMessageMoveTasks has them.
async fn tasks(app: &App, visit: &Visit, queue: &str) -> Result<Value, Refusal> {
    let answer = app.desk.tasks(visit, queue).await?;
    let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
    Ok(answer["Results"].clone())
}
