//! From an HTTP request to its answer: which service or page it is for, in which encoding, for whom.

use crate::access::{self, Caller, Who};
use crate::at_work::for_request;
use crate::audit::{Event, resource_of};
use crate::beside::{Asked, Refused};
use crate::call::{Call, Client, Decided, Edge};
use crate::clock;
use crate::errors::{internal_failure, throttled};
use crate::http::{Answer, BodyError, Connection, Encoding, Exchange, RequestBody, encoding_of, read_body};
use crate::message::show_id;
use crate::message_attributes::MAX_TRACE_HEADER_BYTES;
use crate::queue_url::{self, BaseUrl};
use crate::watch::actions::{Action, Ending};
use crate::watch::{Watching, metrics};
use crate::{health, identity, operations, peek};
use bongsu_auth::signature::normal_path;
use bongsu_wire::{ErrorKind, Operation, Output, ServiceError, decode_json, decode_query};
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{HOST, HeaderMap};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

/// Answers requests; one for the whole server.
pub(crate) struct Dispatcher {
    pub(crate) edge: Edge,
    pub(crate) public_url: Option<String>,
    /// Host and port that the server listens on, for clients that send no Host.
    pub(crate) local_address: String,
    /// Set once the server is about to stop.
    pub(crate) stopping: AtomicBool,
}

/// What the real service answers to a request that names no action at all.
const UNKNOWN_OPERATION: &str = "<UnknownOperationException/>\n";
/// When a request that there was no memory for may come again.
const RETRY_AFTER_SECONDS: &str = "1";
/// What a browser, or a curious client, may do.
const ALLOWED_METHODS: &str = "GET, HEAD, POST, OPTIONS";

impl Dispatcher {
    /// Answers one request, whatever happens on the way.
    ///
    /// A connection has room for the future of one request, which is written and moved about for each: keep it small. What is
    /// rare is boxed on the way.
    pub(crate) async fn respond(
        self: Arc<Self>,
        request: Request<Incoming>,
        exchange: Exchange,
    ) -> Response<Bytes> {
        let request_id = show_id(self.edge.entropy.uuid());
        let encoding = encoding_of(request.headers());
        let answer = match caught(self.answer(request, exchange, encoding, &request_id)).await {
            Ok(answer) => answer,
            Err(panic) => {
                let reason = panic_message(panic.as_ref());
                tracing::error!(request_id, ?reason, "a request handler panicked");
                let error = internal_failure();
                self.count_early(&error, self.edge.watch.now_ns(), &request_id);
                Answer::refusal(encoding, &error, &request_id)
            }
        };
        answer.into_response(&request_id)
    }

    async fn answer(
        self: &Arc<Self>,
        request: Request<Incoming>,
        exchange: Exchange,
        encoding: Encoding,
        request_id: &str,
    ) -> Answer {
        let (parts, body) = request.into_parts();
        if let Some(answer) = self.without_body(&parts) {
            return answer;
        }
        let awaits_continue = header(&parts.headers, "expect") == Some("100-continue");
        let body = match read_body(&exchange, body, awaits_continue).await {
            Ok(body) => body,
            Err(error) => {
                self.count_early(&body_refusal(error), self.edge.watch.now_ns(), request_id);
                return unread(encoding, error, request_id);
            }
        };
        let begun_ns = self.edge.watch.now_ns();
        let refuse = |error: &ServiceError| {
            self.count_early(error, begun_ns, request_id);
            Answer::refusal(encoding, error, request_id)
        };
        let caller = match self.edge.access.identify(&parts, &body, exchange.connection()) {
            Ok(caller) => caller,
            Err(error) => {
                self.note_stranger(&parts, exchange.connection(), &error, request_id);
                return refuse(&error);
            }
        };
        if !self.edge.access.shares.take_request(&caller, || Duration::from_millis(clock::wall_ms())) {
            return refuse(&throttled());
        }
        if self.shows_metrics(&parts, &caller) {
            return Box::pin(self.metrics()).await;
        }
        let mut arrived = Arrived { parts, body, exchange, caller, encoding, begun_ns };
        if let Some(asked) = Asked::read(&arrived.parts, &arrived.body) {
            let (dispatcher, request_id) = (Arc::clone(self), request_id.to_owned());
            let work = async move { dispatcher.beside(&asked, &arrived, &request_id).await };
            return to_its_end(Box::pin(work)).await;
        }
        // A signature covers this form of the path: acted upon as it came, it could be led elsewhere on its way.
        let path = normal_path(arrived.parts.uri.path());
        if let Err(error) = access::check_service(&arrived.caller, &["sqs"]) {
            return refuse(&error);
        }
        let operation = match decode(encoding, &arrived.parts, &path, &arrived.body) {
            Err(error) if error.kind == ErrorKind::MissingAction && arrived.parts.method != Method::POST => {
                return Answer::plain(StatusCode::NOT_FOUND, "text/xml", UNKNOWN_OPERATION);
            }
            Err(error) => return refuse(&error),
            Ok(operation) => operation,
        };
        arrived.body.clear();
        if manages(&operation) {
            let (dispatcher, request_id) = (Arc::clone(self), request_id.to_owned());
            let work = async move { dispatcher.perform(&arrived, operation, &request_id).await };
            return to_its_end(Box::pin(work)).await;
        }
        self.perform(&arrived, operation, request_id).await
    }

    /// Does what a caller may do.
    async fn perform(&self, arrived: &Arrived, operation: Operation, request_id: &str) -> Answer {
        let Arrived { parts, encoding, .. } = arrived;
        let path = normal_path(parts.uri.path());
        let call = self.call(arrived, self.edge.audit.is_on() && manages(&operation));
        let query = parts.uri.query().unwrap_or_default();
        let place = Place { path: &path, query, is_json: *encoding == Encoding::Json };
        let result = self.carry_out(&call, operation, place, request_id).await;
        if *encoding == Encoding::QueryJson && peek::is_path(&path) {
            return peek::json_answer(&result, request_id);
        }
        match result {
            Ok(output) => Answer::success(*encoding, &output, request_id),
            Err(error) => Answer::refusal(*encoding, &error, request_id),
        }
    }

    /// Does what a caller may do, and leaves a line in the audit log where one belongs there.
    ///
    /// # Errors
    /// What the client reads instead of an answer.
    pub(crate) async fn carry_out(
        &self,
        call: &Call<'_>,
        operation: Operation,
        place: Place<'_>,
        request_id: &str,
    ) -> Result<Output, ServiceError> {
        // Its parts are needed for the log when the operation is gone; most operations leave no line there.
        let (action, about) = (operation.name(), resource_of(&operation).filter(|_| call.is_watched()));
        let about = about.map(str::to_owned);
        let counted = Action::of(&operation);
        let tracer = self.edge.tracer.as_ref();
        let span = tracer.and_then(|tracer| tracer.begin(call, &self.edge.entropy, &operation));
        tracing::debug!(request_id, action, queue = operation.queue_url(), "request");
        let result = match for_request(request_id, call.permit(&operation)).await {
            Ok(()) => for_request(request_id, run(call, place, operation)).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &result {
            // Without its words, which repeat what callers sent, receipt handles and signatures too.
            tracing::debug!(request_id, code = error.kind.code(), "refused");
        }
        let refused = result.as_ref().err().map(|error| error.kind);
        let ending = refused.map_or(Ending::Done, Ending::Error);
        self.edge.watch.answered(counted, ending, call.watching.times(), request_id);
        if let (Some(tracer), Some(span)) = (tracer, span) {
            tracer.end(*span, call, &result, request_id);
        }
        if call.decided.always || refused.is_some_and(is_denial) {
            call.audit(request_id, action, about.as_deref(), refused.map(ErrorKind::code));
        }
        result
    }

    /// A service that stands beside SQS. All that it changes or refuses is in the audit log.
    async fn beside(&self, asked: &Asked, arrived: &Arrived, request_id: &str) -> Answer {
        let call = self.call(arrived, true);
        tracing::debug!(request_id, action = asked.action(), "request");
        let result = for_request(request_id, asked.run(&call, &arrived.parts, &arrived.body)).await;
        let refused = result.as_ref().err().map(|refused| refused.code.as_ref());
        let ending = if refused.is_some() { Ending::Refused } else { Ending::Done };
        self.edge.watch.answered(asked.counted(), ending, call.watching.times(), request_id);
        let is_denied = result.as_ref().is_err_and(Refused::is_denial);
        if is_denied || !asked.only_looks() {
            call.audit(request_id, asked.action(), None, refused);
        }
        asked.answer(result, request_id)
    }

    /// Somebody who could not show who he is.
    fn note_stranger(&self, parts: &Parts, connection: &Connection, error: &ServiceError, request_id: &str) {
        tracing::debug!(request_id, code = error.kind.code(), "refused");
        self.edge.watch.authentication_failed();
        self.edge.audit.record(&Event {
            request_id,
            address: connection.peer(),
            caller: None,
            claimed_key: identity::claimed_access_key_id(parts).as_deref(),
            action: "Authenticate",
            resource: None,
            refused: Some(error.kind.code()),
            decided: None,
            user_agent: header(&parts.headers, "user-agent"),
        });
    }

    /// Counts a request that is refused before it is known what it asks for.
    fn count_early(&self, error: &ServiceError, begun_ns: u64, request_id: &str) {
        self.edge.watch.answered(Action::NONE, Ending::Error(error.kind), (begun_ns, 0), request_id);
    }

    /// Whether a request is for the page for Prometheus, and may see it. That names all queues of all accounts: with authentication on
    /// it is for the root of the account that runs the server alone.
    fn shows_metrics(&self, parts: &Parts, caller: &Caller) -> bool {
        let may = match caller.who {
            Who::Unchecked => true,
            Who::Root => caller.account == self.edge.access.default_account.as_str(),
            Who::User(_) | Who::Anonymous => false,
        };
        may && parts.method == Method::GET && parts.uri.path() == "/metrics"
    }

    /// The page for Prometheus.
    async fn metrics(&self) -> Answer {
        let page = self.edge.watch.render_metrics().await;
        Answer::plain(StatusCode::OK, metrics::CONTENT_TYPE, page)
    }

    /// Requests that are answered without looking at their bodies.
    fn without_body(&self, parts: &Parts) -> Option<Answer> {
        let reading = parts.method == Method::GET || parts.method == Method::HEAD;
        if reading && let Some(page) = health::page(parts.uri.path()) {
            let stopping = self.stopping.load(Ordering::Relaxed);
            return Some(health::answer(page, &self.edge.node, stopping));
        }
        if parts.method == Method::OPTIONS {
            let mut answer = Answer::plain(StatusCode::NO_CONTENT, "", "");
            answer.headers.push(("allow", ALLOWED_METHODS.to_owned()));
            return Some(answer);
        }
        if !reading && parts.method != Method::POST {
            let mut answer = Answer::plain(StatusCode::METHOD_NOT_ALLOWED, "text/xml", UNKNOWN_OPERATION);
            answer.headers.push(("allow", ALLOWED_METHODS.to_owned()));
            return Some(answer);
        }
        None
    }

    fn call<'a>(&'a self, arrived: &'a Arrived, manages: bool) -> Call<'a> {
        let Arrived { parts, exchange, caller, begun_ns, .. } = arrived;
        let (connection, public_url) = (exchange.connection(), self.public_url.as_deref());
        let authority = parts.uri.authority().map(|authority| authority.as_str());
        let trace_header = header(&parts.headers, "x-amzn-trace-id");
        let host = header(&parts.headers, HOST.as_str()).or(authority);
        Call {
            edge: &self.edge,
            caller,
            headers: &parts.headers,
            base_url: BaseUrl::new(public_url, connection.is_secure(), host, &self.local_address),
            trace_header: trace_header.filter(|text| text.len() <= MAX_TRACE_HEADER_BYTES).map(str::to_owned),
            connection: Client::Remote(connection),
            decided: Decided::new(manages),
            tags: Mutex::default(),
            watching: Watching::since(*begun_ns),
        }
    }
}

/// A request that has come in whole, from somebody who is known as far as need be.
struct Arrived {
    parts: Parts,
    body: RequestBody,
    exchange: Exchange,
    caller: Caller,
    encoding: Encoding,
    /// When all of it was there, as the watch tells.
    begun_ns: u64,
}

/// Where, and in which form, an operation was asked for: what it does can depend on that.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    path: &'a str,
    query: &'a str,
    is_json: bool,
}

impl Place<'static> {
    /// Where those ask who ask in AWS JSON.
    pub(crate) const JSON: Self = Self { path: "/", query: "", is_json: true };
}

/// Does something to its end although the client goes away: what was changed has to be seen everywhere, and be in the audit log.
pub(crate) async fn to_its_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(work).await {
        Ok(answer) => answer,
        Err(error) => resume_unwind(match error.try_into_panic() {
            Ok(panic) => panic,
            Err(error) => Box::new(error.to_string()),
        }),
    }
}

/// Whether an operation changes more than messages, so that the audit log has a line of it.
pub(crate) fn manages(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::CreateQueue(_)
            | Operation::DeleteQueue(_)
            | Operation::PurgeQueue(_)
            | Operation::SetQueueAttributes(_)
            | Operation::AddPermission(_)
            | Operation::RemovePermission(_)
            | Operation::TagQueue(_)
            | Operation::UntagQueue(_)
            | Operation::StartMessageMoveTask(_)
            | Operation::CancelMessageMoveTask(_)
    )
}

/// Whether somebody was kept out.
fn is_denial(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::AccessDenied | ErrorKind::KmsAccessDenied | ErrorKind::MissingAuthenticationToken
    )
}

fn decode(encoding: Encoding, parts: &Parts, path: &str, body: &[u8]) -> Result<Operation, ServiceError> {
    if encoding == Encoding::Json {
        return decode_json(header(&parts.headers, "x-amz-target").unwrap_or_default(), body);
    }
    let query = parts.uri.query().unwrap_or_default();
    match peek::request(path, query) {
        // A plain look needs no action.
        Some(request) if parts.method != Method::POST && request.is_plain => Ok(request.operation),
        Some(request) => decode_query(&request.queue_path, query, form(parts, body)),
        None => decode_query(path, query, form(parts, body)),
    }
}

fn form<'a>(parts: &Parts, body: &'a [u8]) -> &'a [u8] {
    if parts.method == Method::POST { body } else { &[] }
}

async fn run(call: &Call<'_>, place: Place<'_>, operation: Operation) -> Result<Output, ServiceError> {
    let Place { path, query, is_json } = place;
    if peek::is_path(path) {
        return Box::pin(peek::run(call, query, operation)).await;
    }
    // The real service has two endpoints: one for the actions on queues, one for each queue.
    let of_account = matches!(operation, Operation::CreateQueue(_) | Operation::ListQueues(_));
    if of_account && !is_json && queue_url::is_queue_path(path) {
        let message = format!("The action {} is not valid for this endpoint.", operation.name());
        return Err(ServiceError::new(ErrorKind::UnknownOperation, message));
    }
    operations::run(call, operation).await
}

/// The answer to a request whose body was not read.
fn unread(encoding: Encoding, error: BodyError, request_id: &str) -> Answer {
    let mut answer = Answer::refusal(encoding, &body_refusal(error), request_id);
    if error == BodyError::NoMemory {
        answer.headers.push(("retry-after", RETRY_AFTER_SECONDS.to_owned()));
    }
    answer
}

fn body_refusal(error: BodyError) -> ServiceError {
    match error {
        BodyError::TooLong => ServiceError::new(
            ErrorKind::RequestEntityTooLarge,
            "The request's body is longer than 8388608 bytes.",
        ),
        BodyError::Broken => {
            ServiceError::new(ErrorKind::Serialization, "The request's body could not be read to its end.")
        }
        BodyError::TooSlow => {
            ServiceError::new(ErrorKind::Serialization, "The request's body did not arrive in time.")
        }
        BodyError::NoMemory => ServiceError::new(
            ErrorKind::ServiceUnavailable,
            "The service is busy with other large requests. Please try again.",
        ),
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

pin_project! {
    /// Runs a future and catches its panic: one request that goes wrong must not take the connection with it.
    ///
    /// No `async fn`, which would have room for the future twice: where it comes in, and where it is run.
    pub(crate) struct Caught<F> {
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Caught<F> {
    type Output = Result<F::Output, Box<dyn Any + Send>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let future = self.project().future;
        // What the handler shares with others (the node, the entropy) guards itself against a panic half-way.
        match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(polled) => polled.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}

pub(crate) fn caught<F: Future>(future: F) -> Caught<F> {
    Caught { future }
}

pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use super::{caught, panic_message};

    #[tokio::test]
    async fn a_panic_is_caught_with_its_message() {
        let panic = caught(async { panic!("on purpose: {}", 7) }).await.unwrap_err();
        assert_eq!(panic_message(panic.as_ref()), "on purpose: 7");
        assert_eq!(caught(async { 5 }).await.unwrap(), 5);
    }
}
