//! Accepting connections and running hyper on each, until told to stop.

use super::patience::{Patience, Phase};
use super::stream::{Connection, SharedStream};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How long requests under way have to end once the server stops.
const MAX_FAREWELL: Duration = Duration::from_secs(10);
/// How long to wait when the system has no descriptors left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

type Body = http_body_util::Full<bytes::Bytes>;

/// Serves until `stop` says true; then closes the listener, ends idle connections, and waits for the others.
pub(crate) async fn serve<H, F>(listener: TcpListener, mut stop: watch::Receiver<bool>, handler: H)
where
    H: Fn(Request<Incoming>, Arc<Connection>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let (graceful, patience) = (GracefulShutdown::new(), Patience::default());
    let mut watching = pin!(patience.run());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // Never ends.
            () = &mut watching => continue,
            // The sender can't be gone before it said so; were it gone, stopping would be right too.
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok((stream, _)) => spawn_connection(stream, &patience, &graceful, handler.clone()),
            Err(error) => pause(&error).await,
        }
    }
    drop(listener);
    if tokio::time::timeout(MAX_FAREWELL, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}

fn spawn_connection<H, F>(stream: TcpStream, patience: &Patience, graceful: &GracefulShutdown, handler: H)
where
    H: Fn(Request<Incoming>, Arc<Connection>) -> F + Send + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    // Answers are written whole: waiting for more to send only adds latency.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection was gone before it began");
    }
    let (stream, connection) = SharedStream::new(stream, patience);
    let service = service_fn(move |request| {
        let connection = Arc::clone(&connection);
        let response = handler(request, Arc::clone(&connection));
        async move {
            let response = response.await;
            connection.waiting().enter(Phase::Idle);
            Ok::<_, Infallible>(response)
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        // Patience is ours.
        .header_read_timeout(None)
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
    });
}

#[expect(
    clippy::disallowed_methods,
    reason = "there is nothing to wait for: the system doesn't say when it has descriptors"
)]
async fn pause(error: &std::io::Error) {
    tracing::warn!(%error, "can't accept a connection");
    tokio::time::sleep(ACCEPT_PAUSE).await;
}
