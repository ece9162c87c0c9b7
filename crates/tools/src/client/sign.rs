//! Signature Version 4, as a client makes it: just what a POST of JSON needs.
//!
//! What may be kept between requests, and is: the key, which a day, a region and a service share; and the signature of
//! a request that is sent again unchanged within the second that its date names.

use super::date::amz_date;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

type HmacSha256 = Hmac<Sha256>;

/// Whose requests are signed, for where.
#[derive(Clone)]
pub struct Credentials {
    /// Says whose it is.
    pub access_key_id: String,
    /// What requests are signed with.
    pub secret_access_key: String,
    /// Goes with keys that are good for a while only.
    pub session_token: Option<String>,
    /// The region that the signature names.
    pub region: String,
}

/// Signs requests. Each connection has its own, as it keeps the key of the day.
#[derive(Clone)]
pub struct Signer {
    credentials: Credentials,
    service: &'static str,
    host: String,
    path: String,
    second: Option<Second>,
    key: Option<(String, HmacSha256)>,
}

/// The date of the current second.
#[derive(Clone)]
struct Second {
    unix_seconds: u64,
    date: String,
}

impl Signer {
    /// For requests to one path of a host, signed for a service such as `sqs`.
    #[must_use]
    pub fn new(credentials: Credentials, service: &'static str, host: String, path: String) -> Self {
        Self { credentials, service, host, path, second: None, key: None }
    }

    /// Appends the header lines that sign a POST: date, token, authorization.
    pub fn sign(
        &mut self,
        unix_seconds: u64,
        content_type: &str,
        target: &str,
        body: &[u8],
        head: &mut Vec<u8>,
    ) {
        let date = self.date(unix_seconds);
        let (token_line, token_name) = self.token();
        let signed_headers = format!("content-type;host;x-amz-date;{token_name}x-amz-target");
        let canonical = format!(
            "POST\n{}\n\ncontent-type:{content_type}\nhost:{}\nx-amz-date:{date}\n{token_line}x-amz-target:{target}\n\n\
             {signed_headers}\n{}",
            self.path,
            self.host,
            hex(&Sha256::digest(body)),
        );
        self.finish(&date, &signed_headers, &canonical, head);
    }

    /// Appends the header lines that sign a GET of a path with a query, whose parameters are ordered by name, and encoded as
    /// [`encoded`] does.
    pub fn sign_get(&mut self, unix_seconds: u64, path: &str, query: &str, head: &mut Vec<u8>) {
        let date = self.date(unix_seconds);
        let (token_line, token_name) = self.token();
        let signed_headers = format!("host;x-amz-date;{}", token_name);
        let signed_headers = signed_headers.trim_end_matches(';');
        let canonical = format!(
            "GET\n{path}\n{query}\nhost:{}\nx-amz-date:{date}\n{token_line}\n{signed_headers}\n{}",
            self.host,
            hex(&Sha256::digest(b"")),
        );
        self.finish(&date, signed_headers, &canonical, head);
    }

    fn date(&mut self, unix_seconds: u64) -> String {
        if self.second.as_ref().is_none_or(|second| second.unix_seconds != unix_seconds) {
            self.second = Some(Second { unix_seconds, date: amz_date(unix_seconds) });
        }
        self.second.as_ref().map_or("", |second| &second.date).to_owned()
    }

    /// The token's line among the headers that are signed, and its name with what separates it from the next.
    fn token(&self) -> (String, &'static str) {
        match &self.credentials.session_token {
            Some(token) => (format!("x-amz-security-token:{token}\n"), "x-amz-security-token;"),
            None => (String::new(), ""),
        }
    }

    fn finish(&mut self, date: &str, signed_headers: &str, canonical: &str, head: &mut Vec<u8>) {
        let day = &date[..8];
        let Credentials { access_key_id, region, session_token, .. } = &self.credentials;
        let scope = format!("{day}/{region}/{}/aws4_request", self.service);
        let to_sign = string_to_sign(date, &scope, canonical);
        let mut lines = format!("X-Amz-Date: {date}\r\n");
        if let Some(token) = session_token {
            lines.push_str(&format!("X-Amz-Security-Token: {token}\r\n"));
        }
        lines.push_str(&format!(
            "Authorization: {ALGORITHM} Credential={access_key_id}/{scope}, SignedHeaders={signed_headers}, Signature="
        ));
        head.extend_from_slice(lines.as_bytes());
        let mut mac = self.day_key(day);
        mac.update(to_sign.as_bytes());
        head.extend_from_slice(hex(&mac.finalize().into_bytes()).as_bytes());
        head.extend_from_slice(b"\r\n");
    }

    fn day_key(&mut self, day: &str) -> HmacSha256 {
        match &self.key {
            Some((of, key)) if of == day => key.clone(),
            _ => {
                let Credentials { secret_access_key, region, .. } = &self.credentials;
                let key = keyed(&signing_key(secret_access_key, day, region, self.service));
                self.key = Some((day.to_owned(), key.clone()));
                key
            }
        }
    }
}

fn string_to_sign(date: &str, scope: &str, canonical: &str) -> String {
    format!("{ALGORITHM}\n{date}\n{scope}\n{}", hex(&Sha256::digest(canonical)))
}

fn signing_key(secret: &str, day: &str, region: &str, service: &str) -> [u8; 32] {
    let mut key = mac(format!("AWS4{secret}").as_bytes(), day);
    for part in [region, service, "aws4_request"] {
        key = mac(&key, part);
    }
    key
}

fn mac(key: &[u8], text: &str) -> [u8; 32] {
    let mut mac = keyed(key);
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn keyed(key: &[u8]) -> HmacSha256 {
    HmacSha256::new_from_slice(key).expect("a key of any length")
}

/// A query's name or value as a signature wants it.
#[must_use]
pub fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte))
            }
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

/// Lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

#[cfg(test)]
mod tests {
    use super::{Credentials, Signer, encoded, hex, keyed, signing_key, string_to_sign};
    use hmac::Mac as _;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    /// The worked example of AWS's general reference: a ListUsers of IAM on 30 August 2015.
    #[test]
    fn the_published_example_is_signed_as_published() {
        let canonical = "GET\n/\nAction=ListUsers&Version=2010-05-08\n\
            content-type:application/x-www-form-urlencoded; charset=utf-8\nhost:iam.amazonaws.com\n\
            x-amz-date:20150830T123600Z\n\ncontent-type;host;x-amz-date\n\
            e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let scope = "20150830/us-east-1/iam/aws4_request";
        let to_sign = string_to_sign("20150830T123600Z", scope, canonical);
        assert!(to_sign.ends_with("f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59"));
        let key = signing_key(SECRET, "20150830", "us-east-1", "iam");
        assert_eq!(hex(&key), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
        let mut mac = keyed(&key);
        mac.update(to_sign.as_bytes());
        let signature = hex(&mac.finalize().into_bytes());
        assert_eq!(signature, "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
    }

    fn signer(session_token: Option<&str>) -> Signer {
        let credentials = Credentials {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: SECRET.into(),
            session_token: session_token.map(str::to_owned),
            region: "us-east-1".into(),
        };
        Signer::new(credentials, "sqs", "127.0.0.1:9324".into(), "/".into())
    }

    fn sign(signer: &mut Signer, unix_seconds: u64) -> String {
        let mut head = Vec::new();
        let body = br#"{"QueueUrl": "http://127.0.0.1:9324/000000000000/bench", "MessageBody": "hello"}"#;
        signer.sign(unix_seconds, "application/x-amz-json-1.0", "AmazonSQS.SendMessage", body, &mut head);
        String::from_utf8(head).unwrap()
    }

    #[test]
    fn the_signature_is_the_one_of_botocore() {
        assert_eq!(sign(&mut signer(None), 1_440_938_160), BOTOCORE_PLAIN);
        assert_eq!(sign(&mut signer(Some("token")), 1_440_938_160), BOTOCORE_TOKEN);
    }

    const BOTOCORE_PLAIN: &str = "X-Amz-Date: 20150830T123600Z\r\n\
        Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/sqs/aws4_request, \
        SignedHeaders=content-type;host;x-amz-date;x-amz-target, \
        Signature=30561d1522f3a5889520685f18ea9e23fd789c725b67fa21402d2254463ac5e3\r\n";
    const BOTOCORE_TOKEN: &str = "X-Amz-Date: 20150830T123600Z\r\nX-Amz-Security-Token: token\r\n\
        Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/sqs/aws4_request, \
        SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, \
        Signature=dd0ec4011a59fb4c72de0d90f6b4990c3a5f6883ac948c8bc0d6d5fbf7ec208f\r\n";

    #[test]
    fn a_get_is_signed_as_botocore_does() {
        let sign = |token| {
            let mut head = Vec::new();
            let query = format!("QueueUrl={}&ShowDelayed=true", encoded("http://127.0.0.1:9324/0/a b~"));
            signer(token).sign_get(1_440_938_160, "/_aws/sqs/messages", &query, &mut head);
            String::from_utf8(head).unwrap()
        };
        assert_eq!(sign(None), BOTOCORE_GET);
        assert_eq!(sign(Some("token")), BOTOCORE_GET_TOKEN);
    }

    const BOTOCORE_GET: &str = "X-Amz-Date: 20150830T123600Z\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/sqs/aws4_request, SignedHeaders=host;x-amz-date, Signature=3642de3dd67420b3ffab8c4a84debb304bae0e120bd81d235e72dc497e8a9fda\r\n";
    const BOTOCORE_GET_TOKEN: &str = "X-Amz-Date: 20150830T123600Z\r\nX-Amz-Security-Token: token\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/sqs/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=15876dea7ceebd2b5773a40b593a752eefe12578fd891dd7283ba2b325e0d015\r\n";

    #[test]
    fn what_is_kept_is_dropped_when_second_and_day_change() {
        let mut kept = signer(None);
        for unix_seconds in [1_440_938_160, 1_440_938_160, 1_440_938_161, 1_440_979_200] {
            assert_eq!(sign(&mut kept, unix_seconds), sign(&mut signer(None), unix_seconds));
        }
    }
}
