//! Signatures that others made: AWS's published suite, and botocore.

use super::{Claim, NOW_S, Refusal, Sent, authenticate, secret, verifier};

/// Name, method, target, headers beside host and x-amz-date, body, signed headers, signature.
type Vector = (
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
    &'static str,
    &'static str,
);

/// The AWS Signature Version 4 test suite, in the version of 2019. A header of several lines stands as an HTTP parser unfolds it; the
/// session token of `post-sts-header-after`, which is added behind its signature, is left out.
#[rustfmt::skip]
const SUITE: &[Vector] = &[
    ("get-header-key-duplicate", "GET", "/", &[("My-Header1", "value2"), ("My-Header1", "value2"), ("My-Header1", "value1")], "", "host;my-header1;x-amz-date", "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"),
    ("get-header-value-multiline", "GET", "/", &[("My-Header1", "value1   value2      value3")], "", "host;my-header1;x-amz-date", "cfd34249e4b1c8d6b91ef74165d41a32e5fab3306300901bb65a51a73575eefd"),
    ("get-header-value-order", "GET", "/", &[("My-Header1", "value4"), ("My-Header1", "value1"), ("My-Header1", "value3"), ("My-Header1", "value2")], "", "host;my-header1;x-amz-date", "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"),
    ("get-header-value-trim", "GET", "/", &[("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")], "", "host;my-header1;my-header2;x-amz-date", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
    ("get-relative", "GET", "/example/..", &[], "", "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("get-relative-relative", "GET", "/example1/example2/../..", &[], "", "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("get-slash", "GET", "//", &[], "", "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("get-slash-dot-slash", "GET", "/./", &[], "", "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("get-slash-pointless-dot", "GET", "/./example", &[], "", "host;x-amz-date", "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"),
    ("get-slashes", "GET", "//example//", &[], "", "host;x-amz-date", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"),
    ("get-space", "GET", "/example space/", &[], "", "host;x-amz-date", "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"),
    ("get-special-character", "GET", "/example/$delete", &[], "", "host;x-amz-date", "a853c9b21b528b19643d00910d35b83a10c366a10833ceefb45edd6c80e40f27"),
    ("get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", &[], "", "host;x-amz-date", "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"),
    ("get-utf8", "GET", "/ሴ", &[], "", "host;x-amz-date", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
    ("get-vanilla", "GET", "/", &[], "", "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("get-vanilla-empty-query-key", "GET", "/?Param1=value1", &[], "", "host;x-amz-date", "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"),
    ("get-vanilla-query", "GET", "/", &[], "", "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("get-vanilla-query-order-encoded", "GET", "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1", &[], "", "host;x-amz-date", "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"),
    ("get-vanilla-query-order-key", "GET", "/?Param1=value2&Param1=Value1", &[], "", "host;x-amz-date", "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1"),
    ("get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1", &[], "", "host;x-amz-date", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
    ("get-vanilla-query-order-value", "GET", "/?Param1=value2&Param1=value1", &[], "", "host;x-amz-date", "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"),
    ("get-vanilla-query-unreserved", "GET", "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", &[], "", "host;x-amz-date", "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"),
    ("get-vanilla-utf8-query", "GET", "/?ሴ=bar", &[], "", "host;x-amz-date", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"),
    ("get-vanilla-with-session-token", "GET", "/", &[("X-Amz-Security-Token", "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267")], "", "host;x-amz-date;x-amz-security-token", "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"),
    ("post-header-key-case", "POST", "/", &[], "", "host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ("post-header-key-sort", "POST", "/", &[("My-Header1", "value1")], "", "host;my-header1;x-amz-date", "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"),
    ("post-header-value-case", "POST", "/", &[("My-Header1", "VALUE1")], "", "host;my-header1;x-amz-date", "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"),
    ("post-sts-header-after", "POST", "/", &[], "", "host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ("post-sts-header-before", "POST", "/", &[("X-Amz-Security-Token", "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==")], "", "host;x-amz-date;x-amz-security-token", "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"),
    ("post-vanilla", "POST", "/", &[], "", "host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ("post-vanilla-empty-query-value", "POST", "/?Param1=value1", &[], "", "host;x-amz-date", "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"),
    ("post-vanilla-query", "POST", "/?Param1=value1", &[], "", "host;x-amz-date", "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"),
    ("post-x-www-form-urlencoded", "POST", "/", &[("Content-Type", "application/x-www-form-urlencoded")], "Param1=value1", "content-type;host;x-amz-date", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
    ("post-x-www-form-urlencoded-parameters", "POST", "/", &[("Content-Type", "application/x-www-form-urlencoded; charset=utf8")], "Param1=value1", "content-type;host;x-amz-date", "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"),
];

fn sent(vector: &Vector) -> Sent {
    let &(_, method, target, headers, body, signed_headers, signature) = vector;
    let mut sent = Sent::new(method, target, "example.amazonaws.com", headers, body.as_bytes());
    sent.add("x-amz-date", "20150830T123600Z");
    let credential = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request";
    sent.add(
        "authorization",
        &format!(
            "AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={signed_headers}, Signature={signature}"
        ),
    );
    sent
}

#[test]
fn the_published_suite_passes() {
    let verifier = verifier();
    for vector in SUITE {
        let sent = sent(vector);
        let claim = Claim::parse(&sent.request()).unwrap().unwrap();
        let checked = verifier.check_signature(&sent.request(), &claim, &secret(), &mut Vec::new());
        assert_eq!(checked, Ok(()), "{}", vector.0);
    }
    assert_eq!(verifier.signing_keys().len(), 1);
}

#[test]
fn all_stages_take_the_suite_but_for_session_tokens() {
    let verifier = verifier();
    for vector in SUITE {
        let expected =
            if vector.5.contains("token") { Err(Refusal::UnknownKey) } else { Ok("AKIDEXAMPLE".to_owned()) };
        assert_eq!(authenticate(&verifier, &sent(vector), NOW_S), expected, "{}", vector.0);
    }
}

/// Signed by botocore 1.44.5 with the suite's key, for SQS in eu-central-1: host, then as above.
const BOTOCORE: &[(&str, Vector)] = &[
    (
        "sqs.eu-central-1.amazonaws.com",
        (
            "a JSON call",
            "POST",
            "/",
            &[
                ("Content-Type", "application/x-amz-json-1.0"),
                ("X-Amz-Target", "AmazonSQS.SendMessage"),
                ("X-Amzn-Query-Mode", "true"),
                ("User-Agent", "x"),
            ],
            r#"{"QueueUrl":"https://sqs.eu-central-1.amazonaws.com/123456789012/orders","MessageBody":"hello"}"#,
            "content-type;host;x-amz-date;x-amz-target;x-amzn-query-mode",
            "85da6451217b8b96316b172b9424e2929e2f27b6b025d5ec9dbe9da152c1eb26",
        ),
    ),
    (
        "127.0.0.1:9324",
        (
            "a Query call by GET, with a path and a body that need encoding",
            "GET",
            "/123456789012/a%20b%25?Action=SendMessage&MessageBody=a%20b%2Bc%26d&Version=2012-11-05",
            &[],
            "",
            "host;x-amz-date",
            "bc37c03ba6b32a5587742193f69fe0e58d412299eabbca17fa924e3db60d414d",
        ),
    ),
    (
        "127.0.0.1:9324",
        (
            "a payload hash in a header",
            "POST",
            "/123456789012/x/",
            &[("X-Amz-Content-Sha256", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")],
            "hello",
            "host;x-amz-content-sha256;x-amz-date",
            "191e3eda3b2b137e192c4807f8042bb7ecde27d9aa0b6040295f070a0d6e165e",
        ),
    ),
];

#[test]
fn botocores_signatures_are_good() {
    for (host, vector) in BOTOCORE {
        let mut sent = sent(vector);
        sent.set("host", host);
        let header =
            sent.headers["authorization"].to_str().unwrap().replace("us-east-1/service", "eu-central-1/sqs");
        sent.set("authorization", &header);
        assert_eq!(authenticate(&verifier(), &sent, NOW_S), Ok("AKIDEXAMPLE".to_owned()), "{}", vector.0);
    }
}

const PRESIGNED_GET: &str = "/123456789012/orders?Action=ReceiveMessage&Version=2012-11-05&MaxNumberOfMessages=10&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Feu-central-1%2Fsqs%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=5c3dc015e8064f6792b3b81e372392bf5fdd9b034c073375c1e157fda84ab34e";
const PRESIGNED_POST: &str = "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Feu-central-1%2Fsqs%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=60&X-Amz-SignedHeaders=content-type%3Bhost%3Bx-amz-target&X-Amz-Signature=5cfd7fb055cda2953b5542a0dc54fd32badd5d0fbea1489ddd211c0f6b3ef740";

/// A GET that is good for an hour, and a POST (botocore signs no body into it) that is good for a minute, presigned by
/// botocore 1.44.5.
pub(super) fn presigned() -> [Sent; 2] {
    let host = "sqs.eu-central-1.amazonaws.com";
    let headers = [("X-Amz-Target", "AmazonSQS.ListQueues"), ("Content-Type", "application/x-amz-json-1.0")];
    [Sent::new("GET", PRESIGNED_GET, host, &[], b""), Sent::new("POST", PRESIGNED_POST, host, &headers, b"")]
}

#[test]
fn botocores_presigned_requests_are_good_until_they_expire() {
    for (sent, expires_s) in presigned().iter().zip([3600, 60]) {
        let verifier = verifier();
        for after_s in [-900, 0, expires_s] {
            assert_eq!(
                authenticate(&verifier, sent, NOW_S + after_s),
                Ok("AKIDEXAMPLE".to_owned()),
                "{after_s}"
            );
        }
        for after_s in [-901, expires_s + 1, 86_400] {
            assert!(authenticate(&verifier, sent, NOW_S + after_s).is_err(), "{after_s}");
        }
    }
}
