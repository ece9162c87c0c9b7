//! Sends spans to a collector: in batches, by a task of its own, from a queue of fixed length. What doesn't fit is dropped and counted.

use super::span::Span;
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::http::uri::Scheme;
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

/// Spans that wait to be sent. Each takes some hundred bytes.
const QUEUE: usize = 8192;
/// Spans in one request.
const BATCH: usize = 512;
/// How long a span waits for others to go with.
const DELAY: Duration = Duration::from_secs(2);
/// How long a collector may take.
const MAX_EXCHANGE: Duration = Duration::from_secs(10);
/// How long the server waits for it when it stops.
const MAX_FAREWELL: Duration = Duration::from_secs(3);
/// Where systems keep the roots that everybody trusts.
const SYSTEM_ROOTS: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// Where spans go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector {
    /// Its base URL, such as `http://localhost:4318`; spans go to `/v1/traces` below it.
    pub endpoint: String,
    /// Headers to send along, as `name=value,name=value` (OpenTelemetry's `OTEL_EXPORTER_OTLP_HEADERS`).
    pub headers: String,
    /// What the server calls itself.
    pub service_name: String,
}

/// Why a collector can't be spoken to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CollectorError {
    /// It is no URL, or not of HTTP.
    #[error("can't send traces to `{0}`: it must be a URL such as http://localhost:4318")]
    Endpoint(String),
    /// The headers can't be sent. What they say is secret.
    #[error("the headers for the collector of traces must be name=value, with a comma between two")]
    Headers,
    /// TLS can't be set up.
    #[error("can't send traces over TLS: {0}")]
    Tls(String),
}

/// Takes spans.
#[derive(Debug)]
pub(super) struct Exporter {
    queue: Sender<Span>,
    dropped: Arc<AtomicU64>,
}

/// The task that sends them.
#[derive(Debug)]
pub(super) struct Exporting {
    task: JoinHandle<()>,
    stop: tokio::sync::oneshot::Sender<()>,
}

impl Exporter {
    /// Hands a span over, or drops it where too many wait already.
    pub(super) fn send(&self, span: Span) {
        if self.queue.try_send(span).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many were dropped since the collector last took some.
    #[cfg(test)]
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Exporting {
    /// Sends what waits, as far as the collector takes it within a moment.
    pub(super) async fn end(self) {
        // It may have ended in a panic.
        let _ = self.stop.send(());
        if tokio::time::timeout(MAX_FAREWELL, self.task).await.is_err() {
            tracing::warn!("the collector of traces did not take the last ones in time");
        }
    }
}

/// Begins to send.
pub(super) fn start(collector: &Collector) -> Result<(Exporter, Exporting), CollectorError> {
    let line = Line::new(collector)?;
    let (queue, spans) = channel(QUEUE);
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let dropped = Arc::new(AtomicU64::new(0));
    let sending = Sending { line, dropped: Arc::clone(&dropped), is_failing: false };
    let task = tokio::spawn(sending.run(spans, stopped));
    Ok((Exporter { queue, dropped }, Exporting { task, stop }))
}

struct Sending {
    line: Line,
    dropped: Arc<AtomicU64>,
    /// Whether the log says so already.
    is_failing: bool,
}

impl Sending {
    async fn run(mut self, mut spans: Receiver<Span>, mut stopped: tokio::sync::oneshot::Receiver<()>) {
        let (mut batch, mut is_stopping) = (Vec::with_capacity(BATCH), false);
        loop {
            tokio::select! {
                // Once told to stop, nothing more comes in, and what is there comes out before the end.
                came = spans.recv_many(&mut batch, BATCH) => if came == 0 { return },
                _ = &mut stopped, if !is_stopping => {
                    is_stopping = true;
                    spans.close();
                    continue;
                }
            }
            if !is_stopping {
                // The first have come; those that come in the next moment can go with them.
                tokio::select! {
                    () = fill(&mut spans, &mut batch) => {}
                    _ = &mut stopped => {
                        is_stopping = true;
                        spans.close();
                    }
                }
            }
            self.send(&batch).await;
            batch.clear();
        }
    }

    async fn send(&mut self, batch: &[Span]) {
        let body = self.line.body(batch);
        let result = match tokio::time::timeout(MAX_EXCHANGE, self.line.post(body)).await {
            Ok(result) => result,
            Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut)),
        };
        if result.is_err() {
            self.dropped.fetch_add(batch.len() as u64, Ordering::Relaxed);
        }
        match (result, self.is_failing) {
            (Err(error), false) => {
                tracing::warn!(%error, "the collector takes no traces: they are dropped until it does");
                self.is_failing = true;
            }
            (Ok(()), was_failing) => {
                let dropped = self.dropped.swap(0, Ordering::Relaxed);
                if was_failing || dropped > 0 {
                    tracing::warn!(dropped, "traces of some requests were not sent");
                }
                self.is_failing = false;
            }
            (Err(_), true) => {}
        }
    }
}

/// Waits until the batch is full, or for a moment.
async fn fill(spans: &mut Receiver<Span>, batch: &mut Vec<Span>) {
    let full = async {
        while batch.len() < BATCH {
            let room = BATCH - batch.len();
            if spans.recv_many(batch, room).await == 0 {
                return;
            }
        }
    };
    // Whichever comes first.
    let _ = tokio::time::timeout(DELAY, full).await;
}

/// How the collector is reached.
struct Line {
    /// Host and port.
    address: String,
    path: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    resource: Value,
}

impl Line {
    fn new(collector: &Collector) -> Result<Self, CollectorError> {
        let wrong = || CollectorError::Endpoint(collector.endpoint.clone());
        let uri: Uri = collector.endpoint.parse().map_err(|_| wrong())?;
        let is_secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return Err(wrong()),
        };
        let authority =
            uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(wrong)?;
        let port = authority.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        let mut headers = vec![
            (HOST, HeaderValue::from_str(authority.as_str()).map_err(|_| wrong())?),
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        ];
        for pair in collector.headers.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or(CollectorError::Headers)?;
            let name: HeaderName = name.trim().parse().map_err(|_| CollectorError::Headers)?;
            let mut value: HeaderValue = value.trim().parse().map_err(|_| CollectorError::Headers)?;
            value.set_sensitive(true);
            headers.push((name, value));
        }
        let attribute = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
        Ok(Self {
            address: format!("{}:{port}", authority.host()),
            path: format!("{}/v1/traces", uri.path().trim_end_matches('/')),
            headers,
            tls: is_secure.then(|| connector(authority.host())).transpose()?,
            resource: json!({ "attributes": [
                attribute("service.name", &collector.service_name),
                attribute("service.version", env!("CARGO_PKG_VERSION")),
            ] }),
        })
    }

    /// OTLP's `ExportTraceServiceRequest`.
    fn body(&self, batch: &[Span]) -> Bytes {
        let spans: Vec<Value> = batch.iter().map(Span::to_json).collect();
        let scope = json!({ "name": "bongsu", "version": env!("CARGO_PKG_VERSION") });
        let scope_spans = [json!({ "scope": scope, "spans": spans })];
        let request = json!({ "resourceSpans": [{ "resource": self.resource, "scopeSpans": scope_spans }] });
        Bytes::from(request.to_string())
    }

    /// Over a connection of its own: there is a batch every other second at most.
    async fn post(&self, body: Bytes) -> io::Result<()> {
        let stream = TcpStream::connect(&self.address).await?;
        match &self.tls {
            None => self.post_over(stream, body).await,
            Some((connector, name)) => {
                self.post_over(connector.connect(name.clone(), stream).await?, body).await
            }
        }
    }

    async fn post_over<S>(&self, stream: S, body: Bytes) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        // Ends with the sender, or with the connection.
        let connection = tokio::spawn(connection);
        let mut request = Request::post(&self.path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body)).map_err(io::Error::other)?;
        let response = sender.send_request(request).await.map_err(io::Error::other);
        connection.abort();
        // What else it says is of no use.
        let status = response?.status();
        status.is_success().then_some(()).ok_or_else(|| io::Error::other(format!("it answers {status}")))
    }
}

fn connector(host: &str) -> Result<(TlsConnector, ServerName<'static>), CollectorError> {
    let failed = |error: &dyn std::fmt::Display| CollectorError::Tls(error.to_string());
    let mut roots = RootCertStore::empty();
    for path in SYSTEM_ROOTS {
        if let Ok(found) = CertificateDer::pem_file_iter(path) {
            roots.add_parsable_certificates(found.filter_map(Result::ok));
            break;
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = host.trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(name).map_err(|error| failed(&error))?;
    Ok((TlsConnector::from(Arc::new(config)), name))
}
