//! What is read from headers and queries, and how what can't be read is refused.

use bongsu_wire::{ErrorKind, ServiceError};

use super::signer::Signer;
use super::{Claim, KEY_ID, NOW_S, Refusal, Sent, authenticate, verifier};
use crate::signature::{Placement, Timestamp, normal_path};

const CREDENTIAL: &str = "AKIDEXAMPLE/20150830/us-east-1/sqs/aws4_request";

fn sent(headers: &[(&str, &str)]) -> Sent {
    Sent::new("POST", "/", "localhost", headers, b"")
}

/// The refusal of a request with this header and a date, and its row of the error table.
fn refusal(authorization: &str) -> (String, ErrorKind) {
    let sent = sent(&[("authorization", authorization), ("x-amz-date", "20150830T123600Z")]);
    let error = ServiceError::from(Claim::parse(&sent.request()).unwrap_err());
    (error.message, error.kind)
}

#[test]
fn a_request_without_signature_is_anonymous() {
    for target in ["/", "/?", "/?Action=ListQueues", "/?X-Amz-Date=20150830T123600Z", "/?x-amz-signature=1"] {
        let sent = Sent::new("GET", target, "localhost", &[("x-amz-date", "20150830T123600Z")], b"");
        assert_eq!(Claim::parse(&sent.request()), Ok(None), "{target}");
        assert_eq!(authenticate(&verifier(), &sent, NOW_S), Ok("anonymous".to_owned()), "{target}");
    }
    let refusal = ServiceError::from(Refusal::MissingToken);
    assert_eq!((refusal.kind.code(), refusal.kind.status()), ("MissingAuthenticationToken", 403));
    assert_eq!(refusal.message, "Request is missing Authentication Token");
}

#[test]
fn a_header_is_read_however_it_is_spaced() {
    let parts = [
        format!("Credential={CREDENTIAL}"),
        "SignedHeaders=host;x-amz-date".to_owned(),
        "Signature=ab".to_owned(),
    ];
    let [credential, headers, signature] = &parts;
    for header in [
        format!("AWS4-HMAC-SHA256 {credential}, {headers}, {signature}"),
        format!("AWS4-HMAC-SHA256 {credential},{headers},{signature}"),
        format!("AWS4-HMAC-SHA256   {signature} ,\t{headers}  ,  {credential}, "),
        format!("  AWS4-HMAC-SHA256 {headers} {credential} {signature}"),
        format!("AWS4-HMAC-SHA256 Other=1, {credential}, {headers}, {signature}, {signature}"),
    ] {
        let sent = sent(&[("authorization", &header), ("x-amz-date", "20150830T123600Z")]);
        let claim = Claim::parse(&sent.request()).unwrap().unwrap();
        let expected = Claim {
            access_key_id: KEY_ID.into(),
            date: "20150830".into(),
            region: "us-east-1".into(),
            service: "sqs".into(),
            terminator: "aws4_request".into(),
            signed_headers: "host;x-amz-date".into(),
            signature: "ab".into(),
            time: Timestamp::from_epoch_s(NOW_S),
            placement: Placement::Header,
            has_session_token: false,
        };
        assert_eq!(claim, expected, "{header}");
    }
}

#[test]
fn what_a_header_lacks_is_named() {
    let lacks = |names: &[&str], authorization: &str| {
        let sentence = |name: &&str| format!("Authorization header requires '{name}' parameter. ");
        format!("{}Authorization={authorization}", names.iter().map(sentence).collect::<String>())
    };
    let all = ["Credential", "Signature", "SignedHeaders"];
    let with_credential = format!("AWS4-HMAC-SHA256 Credential={CREDENTIAL}");
    let with_two = format!("{with_credential}, SignedHeaders=host");
    let empty = "AWS4-HMAC-SHA256 Credential=, SignedHeaders=, Signature=";
    for (header, message) in [
        ("AWS4-HMAC-SHA256", lacks(&all, "AWS4-HMAC-SHA256")),
        ("", lacks(&all, "")),
        (empty, lacks(&all, empty)),
        (&with_credential, lacks(&all[1..], &with_credential)),
        (&with_two, lacks(&["Signature"], &with_two)),
        // The rest is nobody's business.
        ("Basic dXNlcjpwYXNz", lacks(&all, "Basic")),
        ("Bearer secret", lacks(&all, "Bearer")),
        ("AWS AKIDEXAMPLE:secret=", lacks(&all, "AWS")),
        ("aws4-hmac-sha256 Credential=a", lacks(&all, "aws4-hmac-sha256")),
    ] {
        assert_eq!(refusal(header), (message, ErrorKind::IncompleteSignature), "{header}");
    }
    assert_eq!(ErrorKind::IncompleteSignature.status(), 400);
    let without_date = sent(&[("authorization", "AWS4-HMAC-SHA256 Signature=1")]);
    assert_eq!(
        Claim::parse(&without_date.request()).unwrap_err().to_string(),
        "Authorization header requires 'Credential' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256 Signature=1"
    );
}

#[test]
fn what_is_malformed_in_a_header_is_named() {
    let with = |credential: &str| {
        format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=1")
    };
    let spaced = with(&format!(" {CREDENTIAL}"));
    assert_eq!(
        refusal(&spaced),
        (
            format!(
                "'{CREDENTIAL}' not a valid key=value pair (missing equal-sign) in Authorization header: '{spaced}'."
            ),
            ErrorKind::IncompleteSignature
        )
    );
    for credential in [
        "a",
        "a/b/c/d",
        "a/b/c/d/e/f",
        "/20150830/us-east-1/sqs/aws4_request",
        "a/b/20150830/r/sqs/aws4_request",
    ] {
        let message = format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{credential}'"
        );
        assert_eq!(refusal(&with(credential)), (message, ErrorKind::IncompleteSignature));
    }
    let other = with(CREDENTIAL).replace("HMAC", "ECDSA-P256");
    assert_eq!(
        refusal(&other).0,
        "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256' (only AWS4-HMAC-SHA256 for now). "
    );
    let hostless = with(CREDENTIAL).replace("=host", "=x-amz-date");
    assert_eq!(
        refusal(&hostless),
        (
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.".to_owned(),
            ErrorKind::SignatureDoesNotMatch
        )
    );
    for date in ["yesterday", "2015-08-30T12:36:00Z", "20150830", "Sun, 30 Aug 2015 12:36:00 GMT", ""] {
        let sent = sent(&[("authorization", &with(CREDENTIAL)), ("x-amz-date", date)]);
        assert_eq!(
            Claim::parse(&sent.request()).unwrap_err().to_string(),
            format!(
                "Date must be in ISO-8601 'basic format'. Got '{date}'. See http://en.wikipedia.org/wiki/ISO_8601"
            )
        );
    }
}

#[test]
fn the_date_header_does_where_there_is_no_other() {
    for date in ["Sun, 30 Aug 2015 12:36:00 GMT", "20150830T123600Z"] {
        let mut sent = sent(&[("date", date)]);
        Signer::new().sign_as_it_is(&mut sent, &["date", "host"]);
        assert_eq!(authenticate(&verifier(), &sent, NOW_S), Ok(KEY_ID.to_owned()), "{date}");
        sent.set("date", "Sun, 30 Aug 2015 12:36:01 GMT");
        assert_eq!(authenticate(&verifier(), &sent, NOW_S), Err(Refusal::WrongSignature));
    }
    let mut both = sent(&[("date", "Mon, 31 Aug 2015 12:36:00 GMT")]);
    Signer::new().sign(&mut both, &["host"]);
    assert_eq!(authenticate(&verifier(), &both, NOW_S), Ok(KEY_ID.to_owned()));
    // The date is part of what is signed, as a signed header or not.
    both.set("x-amz-date", "20150830T123601Z");
    assert_eq!(authenticate(&verifier(), &both, NOW_S), Err(Refusal::WrongSignature));
}

#[test]
fn in_http_2_the_authority_is_the_host() {
    for name in ["host", ":authority"] {
        let mut sent = sent(&[]);
        sent.set("x-amz-date", "20150830T123600Z");
        let text = format!(
            "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/sqs/aws4_request\n{}",
            hex(&crate::hash::sha256(
                format!("POST\n/\n\n{name}:localhost\n\n{name}\n{}", hex(&crate::hash::sha256(b"")))
                    .as_bytes()
            ))
        );
        let claim_of = |signature: &str| {
            format!("AWS4-HMAC-SHA256 Credential={CREDENTIAL}, SignedHeaders={name}, Signature={signature}")
        };
        sent.set("authorization", &claim_of("1"));
        let request = sent.request();
        let claim = Claim::parse(&request).unwrap().unwrap();
        let signature = hex(&crate::signature::keys::derive(&claim, &super::secret()).sign(text.as_bytes()));
        sent.set("authorization", &claim_of(&signature));
        sent.headers.remove("host");
        assert_eq!(authenticate(&verifier(), &sent, NOW_S), Err(Refusal::WrongSignature));
        sent.authority = Some("elsewhere".to_owned());
        assert_eq!(authenticate(&verifier(), &sent, NOW_S), Err(Refusal::WrongSignature));
        sent.authority = Some("localhost".to_owned());
        assert_eq!(authenticate(&verifier(), &sent, NOW_S), Ok(KEY_ID.to_owned()));
    }
}

fn hex(bytes: &[u8; 32]) -> String {
    let mut text = Vec::new();
    crate::hash::push_hex(&mut text, bytes);
    String::from_utf8(text).unwrap()
}

#[test]
fn a_presigned_query_is_read_however_it_is_encoded() {
    let targets = [
        "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE/20150830/us-east-1/sqs/aws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host;x-amz-target&X-Amz-Signature=ab",
        "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2fus-east-1%2Fsqs%2Faws4_request&X-Amz-Date=20150830T123600%5A&X-Amz-Expires=%360&X-Amz-SignedHeaders=host%3Bx-amz-target&X%2DAmz-Signature=ab",
    ];
    for target in targets {
        let sent = Sent::new("GET", target, "localhost", &[], b"");
        let claim = Claim::parse(&sent.request()).unwrap().unwrap();
        assert_eq!(claim.access_key_id, KEY_ID);
        assert_eq!((&*claim.date, &*claim.region, &*claim.service), ("20150830", "us-east-1", "sqs"));
        assert_eq!((&*claim.signed_headers, &*claim.signature), ("host;x-amz-target", "ab"));
        assert_eq!(claim.placement, Placement::Query { expires_s: Some(60) });
        assert!(claim.is_signed("host") && claim.is_signed("x-amz-target") && !claim.is_signed("x-amz"));
    }
}

#[test]
fn what_a_presigned_query_lacks_is_named() {
    for (query, missing) in [
        ("X-Amz-Signature=1", ["Algorithm", "Credential", "SignedHeaders", "Date"].as_slice()),
        ("X-Amz-Algorithm", &["Algorithm", "Credential", "Signature", "SignedHeaders", "Date"]),
        ("X-Amz-Algorithm=a&X-Amz-Credential=b&X-Amz-Signature=c&X-Amz-SignedHeaders=d", &["Date"]),
        (
            "X-Amz-Algorithm=a&X-Amz-Credential=&X-Amz-Signature=c&X-Amz-Date=d",
            &["Credential", "SignedHeaders"],
        ),
    ] {
        let sent = Sent::new("GET", &format!("/?{query}"), "localhost", &[], b"");
        let sentence = |name: &&str| format!("AWS query-string parameters must include 'X-Amz-{name}'. ");
        let sentences: String = missing.iter().map(sentence).collect();
        let error = ServiceError::from(Claim::parse(&sent.request()).unwrap_err());
        assert_eq!(error.message, format!("{sentences}Re-examine the query-string parameters."), "{query}");
        assert_eq!(error.kind, ErrorKind::IncompleteSignature);
    }
}

#[test]
fn a_request_that_is_signed_twice_is_refused() {
    let header = format!("AWS4-HMAC-SHA256 Credential={CREDENTIAL}, SignedHeaders=host, Signature=1");
    let sent = Sent::new(
        "GET",
        "/?X-Amz-Algorithm=AWS4-HMAC-SHA256",
        "localhost",
        &[("authorization", &header)],
        b"",
    );
    let error = ServiceError::from(Claim::parse(&sent.request()).unwrap_err());
    assert_eq!(error.kind, ErrorKind::SignatureDoesNotMatch);
    assert_eq!(
        error.message,
        "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."
    );
}

#[test]
fn the_refusals_that_depend_on_a_key_have_aws_codes() {
    for (refusal, code, json_type, message) in [
        (
            Refusal::UnknownKey,
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ),
        (
            Refusal::WrongSignature,
            "SignatureDoesNotMatch",
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
        ),
    ] {
        let kind = refusal.kind();
        assert_eq!((kind.code(), kind.json_type(), kind.status()), (code, json_type, 403));
        assert_eq!(refusal.to_string(), message);
    }
}

#[test]
fn all_spellings_of_a_path_are_one() {
    for (path, normal) in [
        ("", "/"),
        ("/", "/"),
        ("//", "/"),
        ("/.", "/"),
        ("/..", "/"),
        ("/../..", "/"),
        ("/a/..", "/"),
        ("/a/../", "/"),
        ("a", "/a"),
        ("/a", "/a"),
        ("/a/", "/a/"),
        ("/a//", "/a/"),
        ("//a//b", "/a/b"),
        ("/a/./b", "/a/b"),
        ("/a/b/.", "/a/b"),
        ("/a/b/./", "/a/b/"),
        ("/123456789012/victim/../orders", "/123456789012/orders"),
        ("/../a", "/a"),
        // Encoded dots are not dots, and three are a name.
        ("/a/%2e%2e/b", "/a/%2e%2e/b"),
        ("/a/.../b", "/a/.../b"),
        ("/a/.b", "/a/.b"),
    ] {
        assert_eq!(normal_path(path), normal, "{path}");
        assert_eq!(normal_path(normal), normal, "{path} twice");
    }
    assert!(matches!(normal_path("/123456789012/orders.fifo"), std::borrow::Cow::Borrowed(_)));
}
