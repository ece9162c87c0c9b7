//! Accepting connections, until told to stop.

use crate::activity::{Activity, Last};
use crate::guard::Peer;
use crate::patience::Patient;
use crate::places::{Place, Places, network};
use axum::Router;
use axum::body::Body;
use bongsu_server::Desk;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Connections at a time. A page has a handful, of which one is its stream of events.
const MAX_CONNECTIONS: u32 = 256;
/// The same from one address.
const MAX_CONNECTIONS_EACH: usize = 32;
/// A connection on which nothing is asked for so long is ended; HTTP/1 has a shorter limit of its own.
const MAX_IDLE: Duration = Duration::from_secs(60);
/// How long a connection may stay idle, and the head of a request take.
const MAX_HEAD: Duration = Duration::from_secs(30);
/// How long a TLS handshake may take.
const MAX_HANDSHAKE: Duration = Duration::from_secs(10);
/// The longest head of a request, and what is read of a connection at a time.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// Requests at a time on one HTTP/2 connection.
const MAX_STREAMS: u32 = 32;
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// How long requests under way have to end once the server stops.
const MAX_FAREWELL: Duration = Duration::from_secs(3);
/// How long to wait when the system has no descriptors left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` says true; then closes the listener, ends idle connections, and waits for the others.
pub(crate) async fn serve(
    listener: TcpListener,
    desk: Desk,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS as usize));
    let own_places = Places::new(MAX_CONNECTIONS_EACH);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                pause(&error).await;
                continue;
            }
        };
        let own_place = own_places.take(network(address.ip().to_canonical()));
        let (Ok(place), Some(own_place)) = (Arc::clone(&places).try_acquire_owned(), own_place) else {
            tracing::debug!(%address, "no place for a connection to the console");
            continue;
        };
        let connection =
            Connection { router: router.clone(), stop: stop.clone(), _places: (place, own_place) };
        tokio::spawn(connection.run(stream, address, desk.clone()));
    }
    drop(listener);
    // All places are free once all connections have ended.
    if tokio::time::timeout(MAX_FAREWELL, places.acquire_many(MAX_CONNECTIONS)).await.is_err() {
        tracing::debug!("some requests to the console did not end in time");
    }
}

/// What one connection is served with.
struct Connection {
    router: Router,
    stop: watch::Receiver<bool>,
    _places: (OwnedSemaphorePermit, Place<IpAddr>),
}

impl Connection {
    async fn run(self, stream: TcpStream, address: SocketAddr, desk: Desk) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection was gone before it began");
        }
        let address = address.ip().to_canonical();
        let Some(acceptor) = desk.acceptor() else {
            return self.http(stream, Peer { address, is_secure: false }).await;
        };
        match tokio::time::timeout(MAX_HANDSHAKE, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => self.http(stream, Peer { address, is_secure: true }).await,
            Ok(Err(error)) => tracing::debug!(%address, %error, "a TLS handshake failed"),
            Err(_) => tracing::debug!(%address, "a TLS handshake took too long"),
        }
    }

    async fn http<S>(mut self, stream: S, peer: Peer)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (router, activity) = (TowerToHyperService::new(self.router), Activity::begin());
        let requests = activity.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            let under_way = requests.request();
            let answer = router.call(request.map(Body::new));
            async move { answer.await.map(|answer| answer.map(|body| Last::new(body, under_way))) }
        });
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(MAX_HEAD).max_buf_size(MAX_HEAD_BYTES);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(MAX_HEAD_BYTES as u32)
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(MAX_HANDSHAKE);
        let mut served = pin!(builder.serve_connection(TokioIo::new(Patient::new(stream)), service));
        let ended = tokio::select! {
            ended = &mut served => Some(ended),
            _ = self.stop.wait_for(|stop| *stop) => None,
            () = activity.idle(MAX_IDLE) => None,
        };
        let ended = match ended {
            Some(ended) => ended,
            None => {
                served.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = &mut served => ended,
                    // The other side knows, and stays all the same.
                    () = activity.idle(MAX_IDLE + MAX_HANDSHAKE) => return,
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(error = %error, "a connection to the console ended early");
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "there is nothing to wait for: the system doesn't say when it has descriptors"
)]
async fn pause(error: &std::io::Error) {
    tracing::warn!(%error, "the console can't accept a connection");
    tokio::time::sleep(ACCEPT_PAUSE).await;
}
