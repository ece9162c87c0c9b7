//! The way in for what runs in the same process: the console asks here instead of over HTTP.
//!
//! Nobody gets past anything by this door. What is asked here goes the way of all requests (who calls, his share, policies, the
//! operation, the audit log); only the signature is missing. Who signed in has shown his secret once, and what his key may do is
//! looked up at each request.

mod entry;
mod figures;
mod messages;
mod queues;

pub use entry::{Badge, Origin, Scope, Visit};
pub use figures::{DiskRow, FailingRow, History, LatencyRow, OverviewRow, ProcessRow};
pub use messages::{AttributeRow, Found, MessageNumber, MessageRow, Outcome, Page, State};
pub use queues::{
    ConsumerRow, Detail, Filter, Kind, Listing, QueueRow, QueueState, RatesRow, ScopeRow, Sort,
};

use crate::audit::{Event, resource_of};
use crate::call::{Call, Client, Decided};
use crate::dispatch::{Dispatcher, Place, caught, manages, panic_message, to_its_end};
use crate::errors::internal_failure;
use crate::http::Certificates;
use crate::message::show_id;
use crate::queue_url::BaseUrl;
use crate::watch::{Surveyed, Watch, Watching};
use crate::{clock, health};
use bongsu_wire::{ErrorKind, Operation, Output, ServiceError, decode_json, encode_json};
use hyper::http::uri::Authority;
use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio_rustls::TlsAcceptor;

/// The code of a refusal because nobody has signed in, or not any more.
pub const SIGN_IN_REQUIRED: &str = "SignInRequired";

/// What the console asks. Clones are the same desk.
#[derive(Clone)]
pub struct Desk {
    dispatcher: Arc<Dispatcher>,
    certificates: Option<Arc<Certificates>>,
    address: SocketAddr,
    started_ms: u64,
    remembered: queues::Remembered,
    /// When the console changed a queue last, as the watch tells: what it lists is not older.
    changed_ns: Arc<AtomicU64>,
}

/// What a visitor reads who doesn't get what he asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP's.
    pub status: u16,
    /// As AWS names it, without what stands before a dot or behind as `Exception`.
    pub code: Cow<'static, str>,
    /// In words.
    pub message: String,
}

impl From<ServiceError> for Refusal {
    fn from(error: ServiceError) -> Self {
        let code = error.kind.json_type();
        let code = code.rsplit('.').next().unwrap_or(code);
        let code = Cow::Borrowed(code.strip_suffix("Exception").unwrap_or(code));
        Self { status: error.kind.status(), code, message: error.message }
    }
}

impl Desk {
    /// A desk of a server that listens on this address.
    pub(crate) fn new(
        dispatcher: Arc<Dispatcher>,
        certificates: Option<Arc<Certificates>>,
        address: SocketAddr,
    ) -> Self {
        Self {
            dispatcher,
            certificates,
            address,
            started_ms: clock::wall_ms(),
            remembered: queues::Remembered::default(),
            changed_ns: Arc::default(),
        }
    }

    /// Whether callers have to show who they are.
    pub fn is_authenticating(&self) -> bool {
        self.dispatcher.edge.access.is_on()
    }

    /// What TLS is spoken with on a connection that begins now; `None`: none.
    pub fn acceptor(&self) -> Option<TlsAcceptor> {
        self.certificates.as_ref().map(|certificates| certificates.acceptor())
    }

    /// The region of those who name none.
    pub fn default_region(&self) -> &str {
        &self.dispatcher.edge.access.default_region
    }

    /// The program's version.
    pub fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// When the server started, wall ms.
    pub fn started_ms(&self) -> u64 {
        self.started_ms
    }

    /// Random bytes that nobody else has.
    pub fn random(&self) -> [u8; 32] {
        self.dispatcher.edge.entropy.bytes()
    }

    /// Where the API is, for somebody who knows the console by this Host.
    pub fn endpoint(&self, host: Option<&str>) -> String {
        match &self.dispatcher.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => {
                let scheme = if self.certificates.is_some() { "https" } else { "http" };
                format!("{scheme}://{}", self.host(host))
            }
        }
    }

    /// The API's host and port. A server that listens on all addresses is known by the name that the console is known by.
    fn host(&self, of_console: Option<&str>) -> String {
        if !self.address.ip().is_unspecified() {
            return self.dispatcher.local_address.clone();
        }
        let of_console = of_console.and_then(|host| host.parse::<Authority>().ok());
        let name = of_console.as_ref().map_or("localhost", Authority::host);
        format!("{name}:{}", self.address.port())
    }

    /// A health page by its path: status, content type, text. What is no such page's path gets that of `/livez`.
    pub fn health(&self, path: &str) -> (u16, &'static str, Vec<u8>) {
        let page = health::page(path).unwrap_or(health::Page::Live);
        let stopping = self.dispatcher.stopping.load(Ordering::Relaxed);
        let answer = health::answer(page, &self.dispatcher.edge.node, stopping);
        (answer.status.as_u16(), answer.content_type, answer.body)
    }

    /// Does any action of SQS: `body` and the answer are AWS JSON 1.0; an answer without content is `{}`.
    ///
    /// # Errors
    /// What the API would refuse with.
    pub async fn sqs(&self, visit: Visit, action: &str, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let operation = decode_json(&format!("AmazonSQS.{action}"), body)?;
        let output = encode_json(&self.operate(visit, operation).await?);
        // Where there is nothing to say the API's answer is empty, which is no JSON.
        Ok(if output.is_empty() { b"{}".to_vec() } else { output })
    }

    /// One operation as a request of its own.
    async fn operate(&self, visit: Visit, operation: Operation) -> Result<Output, ServiceError> {
        let changes = manages(&operation);
        let desk = self.clone();
        let work = async move {
            let request_id = desk.request_id();
            let call = desk.call(&visit, changes && desk.dispatcher.edge.audit.is_on());
            let work = desk.dispatcher.carry_out(&call, operation, Place::JSON, &request_id);
            guarded(work, &request_id).await
        };
        if !changes {
            return work.await;
        }
        let result = to_its_end(Box::pin(work)).await;
        self.changed_ns.fetch_max(self.watch().now_ns(), Ordering::Relaxed);
        result
    }

    /// Whether a visitor may do what an operation asks for, without doing it. A refusal is in the audit log, as the operation's.
    async fn permit(&self, call: &Call<'_>, operation: &Operation) -> Result<(), ServiceError> {
        let permitted = call.permit(operation).await;
        if let Err(error) = &permitted {
            call.audit(&self.request_id(), operation.name(), resource_of(operation), Some(error.kind.code()));
        }
        permitted
    }

    /// The same for what is left out where it isn't allowed: nobody was refused what he asked for.
    async fn may(&self, call: &Call<'_>, operation: &Operation) -> bool {
        call.permit(operation).await.is_ok()
    }

    fn watch(&self) -> &Watch {
        &self.dispatcher.edge.watch
    }

    /// All queues, as they were a second ago, or since the console changed one.
    async fn survey(&self) -> Arc<Vec<Surveyed>> {
        self.watch().survey_since(self.changed_ns.load(Ordering::Relaxed)).await
    }

    fn request_id(&self) -> String {
        show_id(self.dispatcher.edge.entropy.uuid())
    }

    fn call<'a>(&'a self, visit: &'a Visit, always: bool) -> Call<'a> {
        let dispatcher = &self.dispatcher;
        let (public_url, is_secure) = (dispatcher.public_url.as_deref(), self.certificates.is_some());
        Call {
            edge: &dispatcher.edge,
            caller: &visit.caller,
            headers: &visit.headers,
            base_url: BaseUrl::new(public_url, is_secure, Some(&visit.host), &dispatcher.local_address),
            trace_header: None,
            connection: Client::Inside { is_secure: visit.is_secure },
            decided: Decided::new(always),
            tags: Mutex::default(),
            watching: Watching::begin(&dispatcher.edge.watch),
        }
    }

    /// Notes in the audit log who signed in, or failed to.
    fn note_sign_in(&self, origin: &Origin<'_>, key: &str, visit: Option<&Visit>) {
        let user_agent = origin.headers.get("user-agent").and_then(|value| value.to_str().ok());
        self.dispatcher.edge.audit.record(&Event {
            request_id: &self.request_id(),
            address: origin.address,
            caller: visit.map(|visit| &visit.caller),
            claimed_key: (visit.is_none() && is_key_id(key)).then_some(key),
            action: "SignIn",
            resource: None,
            refused: visit.is_none().then(|| ErrorKind::AccessDenied.code()),
            decided: None,
            user_agent,
        });
    }
}

/// Whether a text has the form of an access key's id. Anything else could be a secret that was put into the wrong field.
fn is_key_id(text: &str) -> bool {
    (16..=32).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// Runs to its end what may panic; nobody else's request should suffer.
async fn guarded<T>(
    work: impl Future<Output = Result<T, ServiceError>>,
    request_id: &str,
) -> Result<T, ServiceError> {
    caught(work).await.unwrap_or_else(|panic| {
        let reason = panic_message(panic.as_ref());
        tracing::error!(request_id, ?reason, "a request of the console panicked");
        Err(internal_failure())
    })
}
