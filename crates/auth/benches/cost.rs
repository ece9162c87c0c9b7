//! What a request pays for being known and for being sealed: `cargo bench -p bongsu-auth`.

#![allow(clippy::expect_used)]

use std::hint::black_box;

use bongsu_auth::seal::{DataKey, KEY_BYTES, MasterKey, Nonces};
use bongsu_auth::secrets::SecretKey;
use bongsu_auth::signature::{Claim, Request, Rules, Verifier};
use divan::Bencher;
use http::{HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

/// 20150830T123600Z.
const NOW_S: i64 = 1_440_938_160;
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// Signed by botocore with that secret, as is the query below.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/sqs/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target;x-amzn-query-mode, Signature=67187b77fa5f827513dd232b99f1119491dfbd37f87abf6c1826aac0982c858b";
const PRESIGNED: &str = "Action=ReceiveMessage&Version=2012-11-05&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fsqs%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=830ccd718867fd5094a9e9ef3356e6f34a32442d51f216db83e2b106f44f67b9";
const KIB: usize = 1024;

fn main() {
    divan::main();
}

/// The headers that boto3 sends with a SendMessage call.
fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("host", "sqs.us-east-1.example.com"),
        ("accept-encoding", "identity"),
        ("x-amz-target", "AmazonSQS.SendMessage"),
        ("content-type", "application/x-amz-json-1.0"),
        ("x-amzn-query-mode", "true"),
        ("user-agent", "Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux#6.1 md/arch#x86_64 lang/python#3.11"),
        ("x-amz-date", "20150830T123600Z"),
        ("authorization", AUTHORIZATION),
        ("amz-sdk-invocation-id", "3f1d0e1e-6ad8-4ff4-8d5d-0c7f2a1c9b7e"),
        ("amz-sdk-request", "attempt=1"),
        ("content-length", "1024"),
    ] {
        headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers
}

fn post<'a>(headers: &'a HeaderMap, body: &'a [u8]) -> Request<'a> {
    Request { method: "POST", path: "/", query: None, authority: None, headers, body }
}

fn verifier(key_capacity: usize) -> Verifier {
    Verifier::new(Rules { services: vec!["sqs".to_owned()], region: None }, key_capacity)
}

fn authenticate(verifier: &Verifier, request: &Request<'_>, secret: &SecretKey, scratch: &mut Vec<u8>) {
    let found = verifier.authenticate(black_box(request), NOW_S, scratch, |_| Some(secret));
    black_box(found.expect("a good signature").expect("a signature"));
}

/// All stages of a POST with 1 KiB, with its signing key remembered.
#[divan::bench]
fn signed_post_of_1_kib(bencher: Bencher<'_, '_>) {
    let (headers, body) = (headers(), vec![b'm'; KIB]);
    let (verifier, secret) = (verifier(64), SecretKey::new(SECRET).expect("a secret"));
    let (request, mut scratch) = (post(&headers, &body), Vec::new());
    bencher.bench_local(|| authenticate(&verifier, &request, &secret, &mut scratch));
}

/// The same by a caller who was not here today: the signing key is derived.
#[divan::bench]
fn signed_post_of_1_kib_with_a_new_key(bencher: Bencher<'_, '_>) {
    let (headers, body) = (headers(), vec![b'm'; KIB]);
    let (verifier, secret) = (verifier(64), SecretKey::new(SECRET).expect("a secret"));
    let (request, mut scratch) = (post(&headers, &body), Vec::new());
    bencher.bench_local(|| {
        verifier.signing_keys().forget("AKIDEXAMPLE");
        authenticate(&verifier, &request, &secret, &mut scratch);
    });
}

/// A presigned GET.
#[divan::bench]
fn presigned_get(bencher: Bencher<'_, '_>) {
    let mut headers = HeaderMap::new();
    headers.append("host", HeaderValue::from_static("sqs.us-east-1.example.com"));
    let (verifier, secret) = (verifier(64), SecretKey::new(SECRET).expect("a secret"));
    let path = "/123456789012/orders";
    let request = Request {
        method: "GET",
        path,
        query: Some(PRESIGNED),
        authority: None,
        headers: &headers,
        body: b"",
    };
    let mut scratch = Vec::new();
    bencher.bench_local(|| authenticate(&verifier, &request, &secret, &mut scratch));
}

/// Reading alone: what a request costs that is refused for its parts.
#[divan::bench]
fn parse(bencher: Bencher<'_, '_>) {
    let headers = headers();
    let request = post(&headers, b"");
    bencher.bench_local(|| black_box(Claim::parse(black_box(&request)).expect("a claim")));
}

fn data_key() -> DataKey {
    let master = MasterKey::new(&Zeroizing::new([7; KEY_BYTES]));
    DataKey::create(&master, b"queue", &Zeroizing::new([8; KEY_BYTES]), [9; 12]).expect("a data key").0
}

/// Sealing a body of 1 KiB where it stands, with its nonce.
#[divan::bench]
fn seal_1_kib(bencher: Bencher<'_, '_>) {
    let (key, nonces) = (data_key(), Nonces::new([1; 12]));
    let mut buffer = vec![b'm'; KIB + 64];
    bencher.bench_local(|| {
        buffer.truncate(KIB);
        let nonce = nonces.next().expect("a nonce");
        key.seal_in_place(nonce, b"queue, sequence", black_box(&mut buffer)).expect("sealed");
    });
}

/// Opening a body of 1 KiB into another buffer.
#[divan::bench]
fn open_1_kib(bencher: Bencher<'_, '_>) {
    let (key, mut sealed) = (data_key(), vec![b'm'; KIB]);
    key.seal_in_place([1; 12], b"queue, sequence", &mut sealed).expect("sealed");
    let mut plaintext = Vec::with_capacity(KIB);
    bencher.bench_local(|| {
        plaintext.clear();
        key.open_into([1; 12], b"queue, sequence", black_box(&sealed), &mut plaintext).expect("opened");
    });
}
