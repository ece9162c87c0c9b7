//! The commands that govern a server, where that speaks TLS. (What they do is tested with real keys in `conformance/python`.)

use crate::fixture::{Server, bongsu};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use std::path::Path;
use std::process::Stdio;

/// Runs a command; its exit code, and what it says.
fn run(server: &Server, arguments: &[&str]) -> (Option<i32>, String) {
    let endpoint = format!("https://127.0.0.1:{}", server.address.port());
    let mut command = bongsu(arguments);
    command.args(["--endpoint", &endpoint]).stdout(Stdio::piped());
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

fn write_certificate(directory: &Path, name: &str) -> [String; 2] {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let path = |kind: &str| directory.join(format!("{name}-{kind}.pem")).to_str().unwrap().to_owned();
    let [certificate, key] = [path("cert"), path("key")];
    std::fs::write(&certificate, cert.pem()).unwrap();
    std::fs::write(&key, signing_key.serialize_pem()).unwrap();
    [certificate, key]
}

#[test]
fn a_server_is_governed_over_tls_by_who_trusts_it() {
    let directory = tempfile::tempdir().unwrap();
    let [certificate, key] = write_certificate(directory.path(), "server");
    let memory = ["--listen", "127.0.0.1:0", "--journal", "memory"];
    let server = Server::start(&[&memory[..], &["--tls-cert", &certificate, "--tls-key", &key]].concat());
    let trusting = ["--ca-file", &certificate];
    let (code, said) = run(&server, &[&["user", "create", "alice"][..], &trusting].concat());
    assert_eq!((code, said.as_str()), (Some(0), "made arn:aws:iam::000000000000:user/alice\n"));
    let (code, said) = run(&server, &[&["user", "list"][..], &trusting].concat());
    assert!(code == Some(0) && said.contains("alice"), "{said}");
    // Nobody has signed it but itself.
    let (code, said) = run(&server, &["user", "list"]);
    assert!(code == Some(2) && said.contains("--ca-bundle"), "{said}");
    let [other, _] = write_certificate(directory.path(), "other");
    let (code, said) = run(&server, &["user", "list", "--ca-file", &other]);
    assert!(code == Some(2) && said.contains("--ca-bundle"), "{said}");
    let missing = directory.path().join("missing.pem");
    let (code, said) = run(&server, &["user", "list", "--ca-file", missing.to_str().unwrap()]);
    assert!(code == Some(2) && said.contains("missing.pem"), "{said}");
}

#[test]
fn a_server_that_asks_for_certificates_is_shown_one() {
    let directory = tempfile::tempdir().unwrap();
    let [certificate, key] = write_certificate(directory.path(), "server");
    let [client, client_key] = write_certificate(directory.path(), "client");
    let server = Server::start(&[
        "--listen",
        "127.0.0.1:0",
        "--journal",
        "memory",
        "--tls-cert",
        &certificate,
        "--tls-key",
        &key,
        "--tls-client-ca",
        &client,
    ]);
    let list = ["user", "list", "--ca-file", &certificate];
    let shown = ["--client-cert", &client, "--client-key", &client_key];
    let (code, said) = run(&server, &[&list[..], &shown].concat());
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = run(&server, &list);
    assert!(code == Some(2) && said.contains("--client-cert"), "{said}");
    let (code, said) = run(&server, &[&list[..], &shown[..2]].concat());
    assert!(code == Some(2) && said.contains("belong together"), "{said}");
}
