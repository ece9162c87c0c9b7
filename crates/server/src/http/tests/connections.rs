//! Idle and slow clients, and more of them than there is room for.

use super::fixture::{PATIENCE, Server, ask, eventually, read_answer, short};
use crate::http::Limits;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Reads until the server ends the connection; what came before that.
async fn until_ended(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // A reset is an end too.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut text)).await.expect("the connection is ended");
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn an_idle_connection_is_ended_and_one_at_work_is_not() {
    let server = Server::start(Limits { max_idle: Duration::from_secs(1), ..short() }, None).await;
    let (mut silent, mut idle, mut waiting) =
        (server.connect().await, server.connect().await, server.connect().await);
    assert_eq!(ask(&mut idle, b"x").await.unwrap().0, 200);
    waiting.write_all(b"GET /wait HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    server.wait_for(1).await;
    assert_eq!(until_ended(&mut silent).await, "");
    assert_eq!(until_ended(&mut idle).await, "");
    // Older than both of them.
    assert!(timeout(Duration::from_secs(2), waiting.read(&mut [0; 1])).await.is_err(), "it is still there");
    assert_eq!(ask(&mut server.connect().await, b"x").await.unwrap().0, 200);
    drop(waiting);
    server.wait_for(0).await;
    server.stop().await;
}

#[tokio::test]
async fn a_slow_head_is_ended_long_before_an_idle_connection() {
    let server = Server::start(Limits { max_head: Duration::from_secs(1), ..short() }, None).await;
    let (mut slow, mut idle) = (server.connect().await, server.connect().await);
    assert_eq!(ask(&mut idle, b"x").await.unwrap().0, 200);
    slow.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    // However busily it drips.
    let dripping = async {
        loop {
            ticks.tick().await;
            if slow.write_all(b"X-Drip: y\r\n").await.is_err() {
                break;
            }
        }
    };
    timeout(PATIENCE, dripping).await.expect("the connection is ended");
    assert_eq!(ask(&mut idle, b"x").await.unwrap().0, 200, "idle for as long, and still there");
    server.stop().await;
}

#[tokio::test]
async fn heads_have_a_limit() {
    let server = Server::start(short(), None).await;
    let head = |filler: usize| {
        let lines = format!("X-Filler: {}\r\n", "y".repeat(988)).repeat(filler);
        format!("GET / HTTP/1.1\r\nHost: h\r\n{lines}\r\n")
    };
    for (filler, status) in [(60, 200), (70, 431)] {
        let mut stream = server.connect().await;
        stream.write_all(head(filler).as_bytes()).await.unwrap();
        assert_eq!(read_answer(&mut stream).await.unwrap().0, status, "{filler} KB");
    }
    // One that doesn't even end.
    let mut stream = server.connect().await;
    let endless = head(70).trim_end().to_owned();
    stream.write_all(endless.as_bytes()).await.unwrap();
    assert_eq!(read_answer(&mut stream).await.unwrap().0, 431);
    let many = format!("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n", "A: b\r\n".repeat(100));
    let mut stream = server.connect().await;
    stream.write_all(many.as_bytes()).await.unwrap();
    assert_eq!(read_answer(&mut stream).await.unwrap().0, 431);
    server.stop().await;
}

#[tokio::test]
async fn a_flood_of_connections_pushes_itself_out_and_others_go_on() {
    let server = Server::start(Limits { max_connections: 10, ..short() }, None).await;
    let mut working = server.connect().await;
    let mut polling = server.connect().await;
    polling.write_all(b"GET /wait HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    server.wait_for(1).await;
    assert_eq!(ask(&mut working, b"x").await.unwrap().0, 200);
    let mut flood = Vec::new();
    for _ in 0..200 {
        flood.push(server.connect().await);
        assert_eq!(ask(&mut working, b"x").await.unwrap().0, 200, "no request of others fails");
    }
    // Somebody new gets in as well.
    assert_eq!(ask(&mut server.connect().await, b"x").await.unwrap().0, 200);
    let mut ended = 0;
    for stream in &mut flood {
        ended += usize::from(timeout(Duration::from_millis(5), stream.read(&mut [0; 1])).await.is_ok());
    }
    assert!((190..200).contains(&ended), "{ended} of the flood were ended");
    assert_eq!(server.waiting.load(std::sync::atomic::Ordering::SeqCst), 1, "nor does a long poll end");
    drop(polling);
    server.wait_for(0).await;
    server.stop().await;
}

#[tokio::test]
async fn where_all_are_at_work_the_next_is_told_so() {
    let server = Server::start(Limits { max_connections: 3, ..short() }, None).await;
    let mut polling = Vec::new();
    for number in 1..=3 {
        let mut stream = server.connect().await;
        stream.write_all(b"GET /wait HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
        server.wait_for(number).await;
        polling.push(stream);
    }
    let mut refused = server.connect().await;
    assert!(until_ended(&mut refused).await.starts_with("HTTP/1.1 503 "));
    // A place becomes free when somebody leaves.
    polling.pop();
    server.wait_for(2).await;
    let mut admitted = server.connect().await;
    eventually(|| admitted.try_write(b"").is_ok()).await;
    assert_eq!(ask(&mut admitted, b"x").await.unwrap().0, 200);
    drop(polling);
    server.wait_for(0).await;
    server.stop().await;
}

#[tokio::test]
async fn the_peer_is_known() {
    let server = Server::start(short(), None).await;
    let (_, told) = ask(&mut server.connect().await, b"12345").await.unwrap();
    assert_eq!(told, "127.0.0.1 false 5");
    server.stop().await;
}
