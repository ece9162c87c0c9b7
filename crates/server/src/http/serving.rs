//! One connection, from its first byte to its end: TLS or not, HTTP/1.1 or HTTP/2.

use super::exchange::{AnswerBody, Exchange};
use super::limits::Limits;
use super::patience::Phase;
use super::stream::{Connection, SharedStream};
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulConnection, Watcher};
use pin_project_lite::pin_project;
use std::fmt::Display;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The longest head of a request: request line, names and values of headers. (hyper takes at most 100 headers unless told
/// otherwise, and is fastest when it isn't.)
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// What is read of a connection at a time, and so what each may keep in memory beside what is accounted for.
const MAX_READ_BYTES: usize = 64 * 1024;
/// Requests at a time on one HTTP/2 connection.
const MAX_STREAMS: u32 = 128;
/// What an HTTP/2 client may send of one body, and of all on its connection, before we have read it.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 256 * 1024;
/// What of an answer waits in memory for an HTTP/2 client to take it, beside the answer itself.
const SEND_BUFFER_BYTES: usize = 64 * 1024;
/// How often an HTTP/2 client is asked whether it is still there, and how long it may take to say so.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const MAX_PING: Duration = Duration::from_secs(20);

/// How an HTTP/2 connection without TLS begins. No method of HTTP/1.1 does.
const HTTP2_BEGINS: &[u8; 3] = b"PRI";
/// The first byte of a TLS handshake.
const TLS_BEGINS: u8 = 0x16;
const NOT_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 39\r\nConnection: close\r\n\r\n\
    This port speaks TLS only: use https.\r\n";

/// What one connection is served with.
pub(super) struct Serving {
    pub(super) connection: Arc<Connection>,
    pub(super) limits: Limits,
    pub(super) graceful: Watcher,
    pub(super) stop: watch::Receiver<bool>,
}

impl Serving {
    /// Serves the connection to its end.
    pub(super) async fn run<H, F>(mut self, stream: SharedStream, acceptor: Option<TlsAcceptor>, handler: H)
    where
        H: Fn(Request<Incoming>, Exchange) -> F + Send + Clone + 'static,
        F: Future<Output = Response<Bytes>> + Send + 'static,
    {
        let Some(acceptor) = acceptor else {
            let Some(is_http2) = self.sniff().await else { return };
            return match is_http2 {
                true => Box::pin(self.http2(stream, handler)).await,
                false => self.http1(stream, handler).await,
            };
        };
        // Boxed, as a connection without TLS is to be small.
        let Some(stream) = Box::pin(self.shake_hands(stream, acceptor)).await else { return };
        self.connection.waiting().enter(Phase::Idle);
        match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => Box::pin(self.http2(stream, handler)).await,
            _ => Box::pin(self.http1(stream, handler)).await,
        }
    }

    /// Whether the client begins with HTTP/2, without taking what it sends; `None` where it sends nothing. Costs a system call a
    /// connection, and a request nothing.
    async fn sniff(&mut self) -> Option<bool> {
        let mut bytes = [0; HTTP2_BEGINS.len()];
        let came = tokio::select! {
            came = self.connection.first_bytes(&mut bytes) => came,
            _ = self.stop.wait_for(|stop| *stop) => return None,
        };
        match came {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(&bytes == HTTP2_BEGINS),
        }
    }

    async fn shake_hands(
        &mut self,
        stream: SharedStream,
        acceptor: TlsAcceptor,
    ) -> Option<TlsStream<SharedStream>> {
        let peer = self.connection.peer();
        let connection = Arc::clone(&self.connection);
        let shaking = async {
            let mut first = [0];
            if connection.first_bytes(&mut first).await? > 0 && first[0] != TLS_BEGINS {
                // What is left unread would end the connection before the client reads this.
                let _ = connection.take_some();
                connection.say(NOT_TLS);
                return Err(std::io::Error::other("it speaks no TLS"));
            }
            acceptor.accept(stream).await
        };
        let shaken = tokio::select! {
            shaken = tokio::time::timeout(self.limits.max_handshake, shaking) => shaken,
            _ = self.stop.wait_for(|stop| *stop) => return None,
        };
        match shaken {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                tracing::debug!(%peer, %error, "a TLS handshake failed");
                None
            }
            Err(_) => {
                tracing::debug!(%peer, "a TLS handshake took too long");
                None
            }
        }
    }

    async fn http1<S, H, F>(self, stream: S, handler: H)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        H: Fn(Request<Incoming>, Exchange) -> F + Send + 'static,
        F: Future<Output = Response<Bytes>> + Send + 'static,
    {
        let connection = Arc::clone(&self.connection);
        let service = service_fn(move |request| answer(&handler, request, Exchange::sole(&connection)));
        let served = hyper::server::conn::http1::Builder::new()
            // Patience is ours.
            .header_read_timeout(None)
            .max_header_size(MAX_HEAD_BYTES)
            .max_buf_size(MAX_READ_BYTES)
            .half_close(!self.connection.is_secure())
            .serve_connection(TokioIo::new(stream), service);
        finish(self.graceful, served).await;
    }

    async fn http2<S, H, F>(self, stream: S, handler: H)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        H: Fn(Request<Incoming>, Exchange) -> F + Send + 'static,
        F: Future<Output = Response<Bytes>> + Send + 'static,
    {
        self.connection.begin_streams();
        let connection = Arc::clone(&self.connection);
        let service = service_fn(move |request| answer(&handler, request, Exchange::stream(&connection)));
        // Against floods of resets hyper's own limits hold: 20 resets of streams that were not begun yet, 1024 for errors of the
        // client; then the connection is ended.
        let served = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(MAX_HEAD_BYTES as u32)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_send_buf_size(SEND_BUFFER_BYTES)
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(MAX_PING)
            .serve_connection(TokioIo::new(stream), service);
        finish(self.graceful, served).await;
    }
}

pin_project! {
    /// One request: from the handler's answer on it is the client that is waited for.
    struct Answering<F> {
        #[pin]
        handling: F,
        // Until the answer is there.
        exchange: Option<Exchange>,
    }
}

fn answer<H, F>(handler: &H, request: Request<Incoming>, exchange: Exchange) -> Answering<F>
where
    H: Fn(Request<Incoming>, Exchange) -> F,
{
    Answering { handling: handler(request, exchange.clone()), exchange: Some(exchange) }
}

impl<F: Future<Output = Response<Bytes>>> Future for Answering<F> {
    type Output = Result<Response<AnswerBody>, Gone>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.handling.poll(cx));
        let exchange = this.exchange.take().ok_or(Gone)?;
        Poll::Ready(Ok(response.map(|body| exchange.answer(body))))
    }
}

/// The answer was taken already: nobody asks twice.
#[derive(Debug, thiserror::Error)]
#[error("the request is answered")]
struct Gone;

async fn finish<C>(graceful: Watcher, served: C)
where
    C: GracefulConnection,
    C::Error: Display,
{
    if let Err(error) = graceful.watch(served).await {
        tracing::debug!(%error, "a connection ended early");
    }
}
