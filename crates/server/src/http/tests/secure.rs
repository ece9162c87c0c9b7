//! TLS: certificates, clients' certificates, and new ones while the server runs.

use super::fixture::{Authority, PATIENCE, Server, ask, client, handshake, read_answer, short};
use crate::http::{Certificates, Limits, TlsFiles};
use rcgen::ExtendedKeyUsagePurpose;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

#[tokio::test]
async fn requests_are_served_over_tls() {
    let authority = Authority::new();
    let server = Server::start(short(), Some(authority.install("localhost"))).await;
    let connector = client(&authority.ca(), None, b"http/1.1");
    let mut stream = handshake(&connector, &server, "localhost").await.unwrap();
    for body in [&b"hello"[..], &[b'x'; 3 << 20]] {
        let (status, told) = ask(&mut stream, body).await.unwrap();
        assert_eq!((status, told), (200, format!("127.0.0.1 true {}", body.len())));
    }
    let stranger = client(&Authority::new().ca(), None, b"http/1.1");
    assert!(handshake(&stranger, &server, "localhost").await.is_err(), "the certificate counts");
    assert!(handshake(&connector, &server, "example.com").await.is_err(), "and the name in it");
    server.stop().await;
}

#[tokio::test]
async fn a_plain_request_is_told_that_it_is_wrong_here() {
    let authority = Authority::new();
    let server = Server::start(short(), Some(authority.install("localhost"))).await;
    let (status, text) = ask(&mut server.connect().await, b"").await.unwrap();
    assert_eq!(status, 400);
    assert!(text.contains("TLS only"), "{text}");
    server.stop().await;
}

#[tokio::test]
async fn a_handshake_that_does_not_come_is_ended() {
    let authority = Authority::new();
    let limits = Limits { max_handshake: Duration::from_secs(2), ..short() };
    let server = Server::start(limits, Some(authority.install("localhost"))).await;
    let (mut silent, mut half) = (server.connect().await, server.connect().await);
    half.write_all(&[0x16, 3, 1, 2, 0, 1]).await.unwrap();
    for stream in [&mut silent, &mut half] {
        let end = timeout(PATIENCE, stream.read(&mut [0; 1])).await.expect("it is ended");
        assert!(!end.is_ok_and(|read| read > 0));
    }
    // And nobody waited for them.
    let connector = client(&authority.ca(), None, b"http/1.1");
    let _unfinished = server.connect().await;
    assert!(handshake(&connector, &server, "localhost").await.is_ok());
    server.stop().await;
}

#[tokio::test]
async fn clients_have_to_show_a_certificate_where_one_is_asked_for() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let files = TlsFiles { client_ca: Some(clients.ca()), ..authority.install("localhost") };
    let server = Server::start(short(), Some(files)).await;
    let own = clients.sign("worker", ExtendedKeyUsagePurpose::ClientAuth);
    let foreign = authority.sign("worker", ExtendedKeyUsagePurpose::ClientAuth);
    for (own, is_served) in [(Some(own), true), (Some(foreign), false), (None, false)] {
        let connector = client(&authority.ca(), own, b"http/1.1");
        // In TLS 1.3 a client believes that all is well until it reads.
        let answer = match handshake(&connector, &server, "localhost").await {
            Ok(mut stream) => ask(&mut stream, b"x").await,
            Err(_) => None,
        };
        assert_eq!(answer.is_some_and(|(status, _)| status == 200), is_served);
    }
    server.stop().await;
}

#[tokio::test]
async fn new_certificates_are_used_without_a_restart_and_bad_ones_are_not() {
    let authority = Authority::new();
    let server = Server::start(short(), Some(authority.install("old.example"))).await;
    let connector = client(&authority.ca(), None, b"http/1.1");
    let mut before = handshake(&connector, &server, "old.example").await.unwrap();
    // Half of a new pair: what there was stays.
    let (certificate, _) = authority.sign("new.example", ExtendedKeyUsagePurpose::ServerAuth);
    std::fs::write(authority.path("cert.pem"), certificate).unwrap();
    server.certificates.as_ref().unwrap().read_now();
    tokio::time::timeout(Duration::from_millis(200), std::future::pending::<()>()).await.unwrap_err();
    handshake(&connector, &server, "old.example").await.unwrap();
    // A whole one is found by itself.
    authority.install("new.example");
    let renewed = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        while handshake(&connector, &server, "new.example").await.is_err() {
            ticks.tick().await;
        }
    };
    timeout(PATIENCE, renewed).await.expect("the new certificate is found");
    handshake(&connector, &server, "old.example").await.unwrap_err();
    assert_eq!(ask(&mut before, b"x").await.unwrap().0, 200, "connections go on with what they had");
    server.stop().await;
}

#[tokio::test]
async fn what_can_not_be_used_is_refused_at_the_start() {
    let authority = Authority::new();
    let files = authority.install("localhost");
    let refusal =
        |files: &TlsFiles| Certificates::load(files.clone()).err().map(|error| error.to_string()).unwrap();
    let missing = TlsFiles { certificate: authority.path("none.pem"), ..files.clone() };
    assert!(refusal(&missing).contains("can't read a certificate from "));
    std::fs::write(authority.path("empty.pem"), "nothing here\n").unwrap();
    for (files, told) in [
        (TlsFiles { certificate: authority.path("empty.pem"), ..files.clone() }, "can't read a certificate"),
        (TlsFiles { key: authority.path("cert.pem"), ..files.clone() }, "can't read a private key"),
        (TlsFiles { certificate: authority.ca(), ..files.clone() }, "can't use the certificate"),
        (
            TlsFiles { client_ca: Some(authority.path("key.pem")), ..files.clone() },
            "can't read a client root",
        ),
    ] {
        let text = refusal(&files);
        assert!(text.contains(told), "{text}");
    }
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_request() {
    let authority = Authority::new();
    let server = Server::start(short(), Some(authority.install("localhost"))).await;
    let connector = client(&authority.ca(), None, b"http/1.1");
    for says_farewell in [true, false] {
        let mut stream = handshake(&connector, &server, "localhost").await.unwrap();
        stream.write_all(b"GET /wait HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
        server.wait_for(1).await;
        if says_farewell {
            stream.shutdown().await.unwrap();
        }
        drop(stream);
        server.wait_for(0).await;
    }
    assert_eq!(server.waiting.load(Ordering::SeqCst), 0);
    server.stop().await;
}

#[tokio::test]
async fn idle_and_slow_clients_are_ended_here_too() {
    let authority = Authority::new();
    let limits = Limits {
        max_idle: Duration::from_secs(2),
        max_head: Duration::from_secs(1),
        max_body: Duration::from_secs(1),
        ..short()
    };
    let server = Server::start(limits, Some(authority.install("localhost"))).await;
    let connector = client(&authority.ca(), None, b"http/1.1");
    let mut idle = handshake(&connector, &server, "localhost").await.unwrap();
    let mut head = handshake(&connector, &server, "localhost").await.unwrap();
    let mut body = handshake(&connector, &server, "localhost").await.unwrap();
    head.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    body.write_all(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx").await.unwrap();
    assert_eq!(read_answer(&mut body).await, Some((400, "TooSlow".to_owned())));
    for stream in [&mut head, &mut idle] {
        let end = timeout(PATIENCE, stream.read(&mut [0; 1])).await.expect("it is ended");
        assert!(!end.is_ok_and(|read| read > 0));
    }
    server.stop().await;
}
