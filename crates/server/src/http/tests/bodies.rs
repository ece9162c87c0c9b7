//! Bodies: slow ones, long ones, and the memory that all of them may take.

use super::fixture::{PATIENCE, Server, ask, read_answer, short};
use crate::http::Limits;
use crate::http::body::MAX_BODY_BYTES;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

async fn begin(server: &Server, announced: usize, sent: usize) -> TcpStream {
    let mut stream = server.connect().await;
    let head = format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {announced}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b'x'; sent]).await.unwrap();
    stream
}

#[tokio::test]
async fn a_body_that_does_not_come_ends_with_an_answer() {
    let server = Server::start(Limits { max_body: Duration::from_secs(1), ..short() }, None).await;
    let mut stream = begin(&server, 1000, 10).await;
    assert_eq!(read_answer(&mut stream).await.unwrap(), (400, "TooSlow".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn a_trickle_ends_and_a_slow_line_does_not() {
    let limits = Limits { max_slow_body: Duration::from_secs(1), min_body_bytes_per_second: 1000, ..short() };
    let server = Server::start(limits, None).await;
    let (mut trickle, mut slow) = (begin(&server, 100_000, 0).await, begin(&server, 12_000, 0).await);
    let mut ticks = tokio::time::interval(Duration::from_millis(250));
    for _ in 0..12 {
        ticks.tick().await;
        // Where it is ended already, sending fails.
        let _ = trickle.write_all(b"x").await;
        slow.write_all(&[b'x'; 1000]).await.unwrap();
    }
    assert_eq!(read_answer(&mut trickle).await.unwrap(), (400, "TooSlow".to_owned()));
    assert_eq!(read_answer(&mut slow).await.unwrap().0, 200);
    server.stop().await;
}

#[tokio::test]
async fn the_longest_body_is_read_and_a_longer_one_answered() {
    let server = Server::start(short(), None).await;
    let mut stream = server.connect().await;
    let longest = vec![b'x'; MAX_BODY_BYTES];
    assert_eq!(ask(&mut stream, &longest).await.unwrap().1, format!("127.0.0.1 false {MAX_BODY_BYTES}"));
    let longer = vec![b'x'; MAX_BODY_BYTES + 1];
    assert_eq!(ask(&mut stream, &longer).await.unwrap(), (413, "TooLong".to_owned()));
    server.stop().await;
}

/// How much memory there is for bodies, as the server sees it.
async fn free_bytes(stream: &mut TcpStream) -> usize {
    stream.write_all(b"GET /free HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    read_answer(stream).await.unwrap().1.parse().unwrap()
}

#[tokio::test]
async fn all_bodies_together_have_so_much_memory_and_no_more() {
    let server = Server::start(Limits { max_body_memory_bytes: 4 << 20, ..short() }, None).await;
    // Who only announces much takes nothing from others.
    let _announced = begin(&server, MAX_BODY_BYTES, 1).await;
    let mut large = server.connect().await;
    assert_eq!(ask(&mut large, &vec![b'x'; 4 << 20]).await.unwrap().0, 200);
    // Who has sent much does.
    let mut held = begin(&server, (3 << 20) + 1, 3 << 20).await;
    let has_come = async { while free_bytes(&mut large).await > 1 << 20 {} };
    timeout(PATIENCE, has_come).await.expect("it is read");
    assert_eq!(ask(&mut large, &vec![b'x'; 3 << 20]).await.unwrap(), (503, "NoMemory".to_owned()));
    assert_eq!(ask(&mut large, b"small").await.unwrap().0, 200, "small ones need none of it");
    held.write_all(b"x").await.unwrap();
    assert_eq!(read_answer(&mut held).await.unwrap().0, 200);
    let answer = timeout(PATIENCE, ask(&mut large, &vec![b'x'; 4 << 20])).await.unwrap();
    assert_eq!(answer.unwrap().0, 200, "it is given back");
    server.stop().await;
}
