//! HTTP/2: by ALPN under TLS, by its preface without; and the same patience on both.

use super::fixture::{Authority, PATIENCE, Server, ask, client, handshake, short};
use crate::http::Limits;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Frame};
use hyper::client::conn::http2::{Builder, SendRequest, handshake as begin};
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::task::JoinHandle;
use tokio::time::timeout;

type Sender<B> = SendRequest<B>;

/// Begins HTTP/2; the task ends with the connection.
async fn http2<S, B>(stream: S) -> (Sender<B>, JoinHandle<()>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    B: Body<Data = Bytes, Error = Infallible> + Unpin + Send + 'static,
{
    let (sender, connection) = begin(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    (sender, tokio::spawn(async { drop(connection.await) }))
}

fn request<B>(path: &str, body: B) -> Request<B> {
    Request::post(format!("http://localhost{path}")).body(body).unwrap()
}

fn full(bytes: &'static [u8]) -> Full<Bytes> {
    Full::new(Bytes::from_static(bytes))
}

async fn text<B>(sender: &mut Sender<B>, request: Request<B>) -> (StatusCode, String)
where
    B: Body<Data = Bytes, Error = Infallible> + Unpin + Send + 'static,
{
    let answering = async {
        let answer = sender.send_request(request).await.unwrap();
        let status = answer.status();
        (status, answer.into_body().collect().await.unwrap().to_bytes())
    };
    let (status, body) = timeout(PATIENCE, answering).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn many_requests_share_a_connection() {
    let authority = Authority::new();
    let server = Server::start(short(), Some(authority.install("localhost"))).await;
    let connector = client(&authority.ca(), None, b"h2");
    let stream = handshake(&connector, &server, "localhost").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, _connection) = http2(stream).await;
    let mut polling = sender.clone();
    let polling = tokio::spawn(async move { polling.send_request(request("/wait", full(b""))).await });
    server.wait_for(1).await;
    for _ in 0..3 {
        let told = text(&mut sender, request("/", full(&[b'x'; 3 << 20]))).await;
        assert_eq!(told, (StatusCode::OK, format!("127.0.0.1 true {}", 3 << 20)));
    }
    let (_, much) = text(&mut sender, request("/much", full(b""))).await;
    assert_eq!(much.len(), 4 << 20);
    // A poll that its client gives up ends, and the connection goes on.
    polling.abort();
    server.wait_for(0).await;
    assert_eq!(text(&mut sender, request("/", full(b"x"))).await.0, StatusCode::OK);
    server.stop().await;
}

#[tokio::test]
async fn it_is_spoken_without_tls_by_who_knows() {
    let server = Server::start(short(), None).await;
    let (mut sender, connection) = http2(server.connect().await).await;
    let told = text(&mut sender, request("/", full(b"12345"))).await;
    assert_eq!(told, (StatusCode::OK, "127.0.0.1 false 5".to_owned()));
    drop((sender, connection));
    // HTTP/1.1 that looks alike at first.
    let mut stream = server.connect().await;
    stream.write_all(b"P").await.unwrap();
    tokio::task::yield_now().await;
    stream.write_all(b"OST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab").await.unwrap();
    assert_eq!(super::fixture::read_answer(&mut stream).await.unwrap().1, "127.0.0.1 false 2");
    server.stop().await;
}

#[tokio::test]
async fn a_connection_without_requests_is_ended_whatever_else_it_sends() {
    let server = Server::start(Limits { max_idle: Duration::from_secs(1), ..short() }, None).await;
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .timer(hyper_util::rt::TokioTimer::new())
        .keep_alive_interval(Duration::from_millis(100))
        .keep_alive_while_idle(true);
    let stream = TokioIo::new(server.connect().await);
    let (mut sender, connection) = builder.handshake::<_, Full<Bytes>>(stream).await.unwrap();
    let connection = tokio::spawn(async { drop(connection.await) });
    assert_eq!(text(&mut sender, request("/", full(b"x"))).await.0, StatusCode::OK);
    timeout(PATIENCE, connection).await.expect("it is ended").unwrap();
    // With a request under way it isn't.
    let (mut sender, connection) = http2(server.connect().await).await;
    let polling = tokio::spawn(async move { sender.send_request(request("/wait", full(b""))).await });
    server.wait_for(1).await;
    assert!(timeout(Duration::from_secs(3), connection).await.is_err(), "it is still there");
    polling.abort();
    server.stop().await;
}

/// A body of which the rest never comes.
struct Stuck(Option<Bytes>);

impl Body for Stuck {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.take().map_or(Poll::Pending, |first| Poll::Ready(Some(Ok(Frame::data(first)))))
    }
}

#[tokio::test]
async fn a_slow_body_ends_alone() {
    let server = Server::start(Limits { max_body: Duration::from_secs(1), ..short() }, None).await;
    let (mut sender, _connection) = http2(server.connect().await).await;
    let slow = text(&mut sender, request("/", Stuck(Some(Bytes::from_static(b"x"))))).await;
    assert_eq!(slow, (StatusCode::BAD_REQUEST, "TooSlow".to_owned()));
    assert!(!sender.is_closed(), "others may go on");
    server.stop().await;
}

#[tokio::test]
async fn who_does_not_take_an_answer_loses_the_connection() {
    let server = Server::start(Limits { max_idle: Duration::from_secs(1), ..short() }, None).await;
    let (mut sender, connection) = http2(server.connect().await).await;
    // Never read; the connection is kept busy beside it.
    let _untaken = sender.send_request(request("/much", full(b""))).await.unwrap();
    let mut polling = sender.clone();
    tokio::spawn(async move { polling.send_request(request("/wait", full(b""))).await });
    server.wait_for(1).await;
    timeout(PATIENCE, connection).await.expect("it is ended").unwrap();
    server.wait_for(0).await;
    server.stop().await;
}

/// A frame: kind, flags, stream, payload.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// How an HTTP/2 connection begins, without any settings.
fn preface() -> Vec<u8> {
    [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(4, 0, 0, b"")].concat()
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_requests() {
    let server = Server::start(short(), None).await;
    let mut stream = server.connect().await;
    stream.write_all(&preface()).await.unwrap();
    // Method, scheme and authority by their numbers in HPACK's static table, the path as it is.
    let head = [&[0x83, 0x86, 0x04, 5][..], b"/wait", &[0x41, 1, b'h']].concat();
    stream.write_all(&[frame(1, 5, 1, &head), frame(1, 5, 3, &head)].concat()).await.unwrap();
    server.wait_for(2).await;
    drop(stream);
    server.wait_for(0).await;
    server.stop().await;
}

#[tokio::test]
async fn a_flood_of_resets_ends_the_connection_and_nothing_else() {
    let server = Server::start(short(), None).await;
    let mut other = server.connect().await;
    assert_eq!(ask(&mut other, b"x").await.unwrap().0, 200);
    let mut flood = server.connect().await;
    flood.write_all(&preface()).await.unwrap();
    // Method, scheme, path and authority by their numbers in HPACK's static table.
    let head = [0x83, 0x86, 0x84, 0x41, 1, b'h'];
    let mut burst = Vec::new();
    for stream in (1..4001).step_by(2) {
        burst.extend(frame(1, 4, stream, &head));
        burst.extend(frame(3, 0, stream, &[0, 0, 0, 8]));
    }
    // It may be ended before all is sent.
    let _ = flood.write_all(&burst).await;
    let ended =
        timeout(PATIENCE, async { while flood.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {} });
    ended.await.expect("it is ended");
    assert_eq!(ask(&mut other, b"x").await.unwrap().0, 200);
    server.stop().await;
}

#[tokio::test]
async fn streams_at_a_time_are_limited() {
    let server = Server::start(short(), None).await;
    let (sender, _connection) = http2::<_, Full<Bytes>>(server.connect().await).await;
    let polls: Vec<_> = (0..200)
        .map(|_| {
            let mut sender = sender.clone();
            tokio::spawn(async move { drop(sender.send_request(request("/wait", full(b""))).await) })
        })
        .collect();
    server.wait_for(128).await;
    tokio::time::timeout(Duration::from_millis(300), std::future::pending::<()>()).await.unwrap_err();
    server.wait_for(128).await;
    polls.iter().for_each(JoinHandle::abort);
    server.wait_for(0).await;
    server.stop().await;
}
