//! A listener with a handler that shows what of a request arrives, and clients for it.

use crate::http::{BodyError, Certificates, Exchange, Limits, TlsFiles, read_body, serve};
use crate::watch::Connections;
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long anything may take before a test gives up.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// A running listener.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) certificates: Option<Arc<Certificates>>,
    /// Requests for `/wait` that are under way.
    pub(super) waiting: Arc<AtomicUsize>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

/// Limits that tests needn't wait long for. The others are far away, so that a test meets the one it is about.
pub(super) fn short() -> Limits {
    Limits { max_memory_wait: Duration::from_millis(200), ..Limits::default() }
}

impl Server {
    pub(super) async fn start(limits: Limits, certificates: Option<TlsFiles>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let certificates = certificates.map(|files| Arc::new(Certificates::load(files).unwrap()));
        if let Some(certificates) = &certificates {
            tokio::spawn(Arc::clone(certificates).watch());
        }
        let waiting = Arc::new(AtomicUsize::new(0));
        let (stop, stopped) = watch::channel(false);
        let handler = {
            let waiting = Arc::clone(&waiting);
            move |request, exchange| respond(request, exchange, Arc::clone(&waiting))
        };
        let serving = tokio::spawn(serve(
            listener,
            certificates.clone(),
            limits,
            Connections::default(),
            stopped,
            handler,
        ));
        Self { address, certificates, waiting, stop, serving }
    }

    pub(super) async fn stop(self) {
        self.stop.send(true).unwrap();
        tokio::time::timeout(PATIENCE, self.serving).await.unwrap().unwrap();
    }

    pub(super) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Waits until so many requests for `/wait` are under way.
    pub(super) async fn wait_for(&self, waiting: usize) {
        eventually(|| self.waiting.load(Ordering::SeqCst) == waiting).await;
    }
}

/// Waits until something holds.
pub(super) async fn eventually(holds: impl Fn() -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    for _ in 0..PATIENCE.as_millis() / 10 {
        if holds() {
            return;
        }
        ticks.tick().await;
    }
    panic!("it never came to that");
}

struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn respond(
    request: Request<Incoming>,
    exchange: Exchange,
    waiting: Arc<AtomicUsize>,
) -> Response<Bytes> {
    let (parts, body) = request.into_parts();
    let body = match read_body(&exchange, body, false).await {
        Ok(body) => body,
        Err(error) => {
            let status = match error {
                BodyError::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
                BodyError::NoMemory => StatusCode::SERVICE_UNAVAILABLE,
                BodyError::TooSlow | BodyError::Broken => StatusCode::BAD_REQUEST,
            };
            return answer(status, Bytes::from(format!("{error:?}")));
        }
    };
    let connection = exchange.connection();
    match parts.uri.path() {
        "/wait" => {
            waiting.fetch_add(1, Ordering::SeqCst);
            let counted = Counted(waiting);
            connection.departure().await;
            drop(counted);
            answer(StatusCode::OK, Bytes::new())
        }
        "/free" => answer(StatusCode::OK, Bytes::from(connection.memory().free_bytes().to_string())),
        "/much" => answer(StatusCode::OK, Bytes::from(vec![b'x'; 4 << 20])),
        _ => {
            let told = format!("{} {} {}", connection.peer(), connection.is_secure(), body.len());
            answer(StatusCode::OK, Bytes::from(told))
        }
    }
}

fn answer(status: StatusCode, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

/// Reads one answer of which the body has a length; `None` where the connection ended before.
pub(super) async fn read_answer<S: tokio::io::AsyncRead + Unpin>(stream: &mut S) -> Option<(u16, String)> {
    let read = async {
        let mut text = Vec::new();
        loop {
            let mut byte = [0];
            if stream.read(&mut byte).await.ok()? == 0 {
                return None;
            }
            text.push(byte[0]);
            if text.ends_with(b"\r\n\r\n") {
                break;
            }
        }
        let head = String::from_utf8(text).unwrap().to_ascii_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        stream.read_exact(&mut body).await.ok()?;
        Some((status, String::from_utf8(body).unwrap()))
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap()
}

/// Sends a request and reads its answer.
pub(super) async fn ask<S>(stream: &mut S, body: &[u8]) -> Option<(u16, String)>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let head = format!("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(body).await.ok()?;
    read_answer(stream).await
}

/// An authority, and certificates that it signed, in a directory of their own.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    pub(super) directory: TempDir,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, directory }
    }

    /// Certificate and key for a name, in PEM.
    pub(super) fn sign(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> (String, String) {
        let mut parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
        parameters.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        (parameters.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    /// Writes a certificate of the server's into its files.
    pub(super) fn install(&self, name: &str) -> TlsFiles {
        let (certificate, key) = self.sign(name, ExtendedKeyUsagePurpose::ServerAuth);
        std::fs::write(self.path("cert.pem"), certificate).unwrap();
        std::fs::write(self.path("key.pem"), key).unwrap();
        TlsFiles { certificate: self.path("cert.pem"), key: self.path("key.pem"), client_ca: None }
    }

    pub(super) fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn ca(&self) -> std::path::PathBuf {
        self.path("ca.pem")
    }
}

/// How a client that trusts an authority connects; with a certificate of its own, or without.
pub(super) fn client(ca: &Path, own: Option<(String, String)>, alpn: &[u8]) -> tokio_rustls::TlsConnector {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
            builder
                .with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap())
                .unwrap()
        }
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    tokio_rustls::TlsConnector::from(Arc::new(config))
}

pub(super) type TlsClient = tokio_rustls::client::TlsStream<TcpStream>;

/// Shakes hands with a server of this name.
pub(super) async fn handshake(
    connector: &tokio_rustls::TlsConnector,
    server: &Server,
    name: &'static str,
) -> std::io::Result<TlsClient> {
    let name = rustls::pki_types::ServerName::try_from(name).unwrap();
    tokio::time::timeout(PATIENCE, connector.connect(name, server.connect().await)).await.unwrap()
}
