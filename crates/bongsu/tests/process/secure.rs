//! TLS and limits on connections, as the binary is told of them.

use crate::client::Connection;
use crate::fixture::{PATIENCE, Server, bongsu};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// A certificate that is its own root, and its key, in files.
struct Files {
    directory: TempDir,
}

impl Files {
    fn new() -> Self {
        let files = Self { directory: tempfile::tempdir().unwrap() };
        files.renew();
        files
    }

    fn renew(&self) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        std::fs::write(self.path("key.pem"), signing_key.serialize_pem()).unwrap();
        std::fs::write(self.path("cert.pem"), cert.pem()).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn server(&self) -> Server {
        let (certificate, key) = (self.path("cert.pem"), self.path("key.pem"));
        let files = ["--tls-cert", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
        Server::start(&[&["--listen", "127.0.0.1:0", "--journal", "memory"][..], &files].concat())
    }

    /// Connects, and trusts the certificate that is in the file now.
    fn connect(&self, server: &Server) -> StreamOwned<ClientConnection, TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.path("cert.pem")).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), stream)
    }

    fn json(&self, server: &Server, action: &str, body: &Value) -> Value {
        let mut stream = self.connect(server);
        stream.write_all(request(server, action, body).as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap()
    }
}

fn request(server: &Server, action: &str, body: &Value) -> String {
    let (body, port) = (body.to_string(), server.address.port());
    format!(
        "POST / HTTP/1.1\r\nHost: localhost:{port}\r\nX-Amz-Target: AmazonSQS.{action}\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn queues_are_served_over_tls_and_their_urls_say_so() {
    let files = Files::new();
    let mut server = files.server();
    let created = files.json(&server, "CreateQueue", &json!({ "QueueName": "jobs" }));
    let url = format!("https://localhost:{}/000000000000/jobs", server.address.port());
    assert_eq!(created["QueueUrl"], url.as_str());
    files.json(&server, "SendMessage", &json!({ "QueueUrl": url, "MessageBody": "x" }));
    let received = files.json(&server, "ReceiveMessage", &json!({ "QueueUrl": url }));
    assert_eq!(received["Messages"][0]["Body"], "x");
    server.signal("TERM");
    assert!(server.wait().success());
}

#[test]
fn who_goes_away_during_a_long_poll_takes_no_message_along_here_either() {
    let files = Files::new();
    let server = files.server();
    files.json(&server, "CreateQueue", &json!({ "QueueName": "jobs" }));
    for says_farewell in [true, false] {
        let mut stream = files.connect(&server);
        let poll = request(&server, "ReceiveMessage", &json!({ "QueueUrl": "jobs", "WaitTimeSeconds": 20 }));
        stream.write_all(poll.as_bytes()).unwrap();
        // Long enough for the poll to wait.
        std::thread::sleep(Duration::from_millis(250));
        if says_farewell {
            stream.conn.send_close_notify();
            stream.flush().unwrap();
        }
    }
    std::thread::sleep(Duration::from_millis(250));
    files.json(&server, "SendMessage", &json!({ "QueueUrl": "jobs", "MessageBody": "x" }));
    let received = files.json(&server, "ReceiveMessage", &json!({ "QueueUrl": "jobs" }));
    assert_eq!(received["Messages"][0]["Body"], "x");
}

#[test]
fn a_hangup_has_the_certificate_read_again() {
    let files = Files::new();
    let server = files.server();
    files.json(&server, "ListQueues", &json!({}));
    files.renew();
    server.signal("HUP");
    server.wait_for("new connections get the certificate");
    // Trusts the new one only.
    files.json(&server, "ListQueues", &json!({}));
}

#[test]
fn what_can_not_be_used_is_told_at_the_start() {
    let files = Files::new();
    let (certificate, none) = (files.path("cert.pem"), files.path("none.pem"));
    let (certificate, none) = (certificate.to_str().unwrap(), none.to_str().unwrap());
    for (flags, told) in [
        (vec!["--tls-cert", certificate], "set tls-key too"),
        (vec!["--tls-cert", certificate, "--tls-key", none], "can't read a private key"),
    ] {
        let memory = ["--listen", "127.0.0.1:0", "--journal", "memory"];
        let output = bongsu(&[&memory[..], &flags].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(told), "{text}");
    }
}

#[test]
fn a_flood_of_connections_leaves_others_alone() {
    let server = Server::start(&["--listen", "127.0.0.1:0", "--journal", "memory", "--max-connections", "8"]);
    let request = b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n";
    let mut working = Connection::open(server.address);
    let mut flood = Vec::new();
    for _ in 0..100 {
        working.send(request);
        assert_eq!(working.receive().status, 200);
        flood.push(Connection::open(server.address));
    }
    assert_eq!(server.get("/health", "").status, 200);
    let ended = flood.iter_mut().take(80).filter_map(|connection| connection.is_closed().then_some(()));
    assert_eq!(ended.count(), 80, "the oldest made room");
}
