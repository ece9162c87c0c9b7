//! Accepting connections, until told to stop.

use super::admission::Admissions;
use super::exchange::Exchange;
use super::limits::Limits;
use super::memory::BodyMemory;
use super::patience::Patience;
use super::serving::Serving;
use super::stream::{Admission, SharedStream};
use super::tls::Certificates;
use crate::watch::Connections;
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::server::graceful::GracefulShutdown;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How long requests under way have to end once the server stops.
const MAX_FAREWELL: Duration = Duration::from_secs(10);
/// How long to wait when the system has no descriptors left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// What a client hears for whom there is no place. (Under TLS nothing can be said before the handshake, which would need one.)
const NO_PLACE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// Serves until `stop` says true; then closes the listener, ends idle connections, and waits for the others. With certificates
/// the port speaks TLS only.
pub(crate) async fn serve<H, F>(
    listener: TcpListener,
    certificates: Option<Arc<Certificates>>,
    limits: Limits,
    connections: Connections,
    mut stop: watch::Receiver<bool>,
    handler: H,
) where
    H: Fn(Request<Incoming>, Exchange) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Bytes>> + Send + 'static,
{
    let (graceful, patience) = (GracefulShutdown::new(), Patience::new(limits));
    let mut admissions = Admissions::new(limits.max_connections);
    let memory = BodyMemory::new(limits.max_body_memory_bytes, limits.max_memory_wait);
    let mut watching = pin!(patience.run());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // Never ends.
            () = &mut watching => continue,
            // The sender can't be gone before it said so; were it gone, stopping would be right too.
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                pause(&error).await;
                continue;
            }
        };
        let Some(place) = admissions.place(&patience).await else {
            refuse(&stream, peer, certificates.is_some());
            continue;
        };
        prepare(&stream);
        let admission = Admission {
            peer: peer.ip().to_canonical(),
            is_secure: certificates.is_some(),
            memory: memory.clone(),
            place,
            counted: connections.open(),
        };
        let (stream, connection) = SharedStream::new(stream, admission, &patience);
        let serving = Serving { connection, limits, graceful: graceful.watcher(), stop: stop.clone() };
        tokio::spawn(serving.run(stream, certificates.as_ref().map(|all| all.acceptor()), handler.clone()));
    }
    drop(listener);
    if tokio::time::timeout(MAX_FAREWELL, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}

fn prepare(stream: &TcpStream) {
    // Answers are written whole: waiting for more to send only adds latency.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection was gone before it began");
    }
}

fn refuse(stream: &TcpStream, peer: SocketAddr, is_secure: bool) {
    tracing::debug!(%peer, "no place for a connection: requests are under way on all others");
    if !is_secure {
        // What is left unread would end the connection before the client reads this.
        let _ = stream.try_read(&mut [0; 4096]);
        // Who doesn't get it is told by the end of the connection.
        let _ = stream.try_write(NO_PLACE);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "there is nothing to wait for: the system doesn't say when it has descriptors"
)]
async fn pause(error: &std::io::Error) {
    tracing::warn!(%error, "can't accept a connection");
    tokio::time::sleep(ACCEPT_PAUSE).await;
}
