//! A second signer, written from AWS's description with other means (another library hashes, everything is a string), so
//! that it does not share the verifier's mistakes.

use std::fmt::Write;

use aws_lc_rs::{digest, hmac};

use super::{KEY_ID, SECRET, Sent};

/// Who signs, for what, and when.
#[derive(Debug, Clone)]
pub(super) struct Signer {
    pub(super) key_id: String,
    pub(super) secret: String,
    pub(super) time: String,
    pub(super) region: String,
    pub(super) service: String,
}

impl Signer {
    /// The suite's key, for SQS.
    pub(super) fn new() -> Self {
        let [key_id, secret, time, region, service] =
            [KEY_ID, SECRET, "20150830T123600Z", "us-east-1", "sqs"].map(str::to_owned);
        Self { key_id, secret, time, region, service }
    }

    fn scope(&self) -> String {
        format!("{}/{}/{}/aws4_request", &self.time[..8], self.region, self.service)
    }

    /// Adds `x-amz-date` and `Authorization`; `signed` is sorted.
    pub(super) fn sign(&self, sent: &mut Sent, signed: &[&str]) {
        sent.set("x-amz-date", &self.time);
        self.sign_as_it_is(sent, signed);
    }

    /// Adds `Authorization` alone.
    pub(super) fn sign_as_it_is(&self, sent: &mut Sent, signed: &[&str]) {
        let signature = self.signature(&canonical(sent, signed));
        let (key_id, scope, signed) = (&self.key_id, self.scope(), signed.join(";"));
        sent.set(
            "authorization",
            &format!(
                "AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={signed}, Signature={signature}"
            ),
        );
    }

    /// Adds the parameters of a presigned request.
    pub(super) fn presign(&self, sent: &mut Sent, signed: &[&str], expires: &str) {
        let mut query = sent.query.take().map(|query| query + "&").unwrap_or_default();
        let credential = encode(format!("{}/{}", self.key_id, self.scope()).as_bytes());
        let (time, signed_headers) = (&self.time, encode(signed.join(";").as_bytes()));
        write!(query, "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Date={time}&X-Amz-Expires={expires}&X-Amz-SignedHeaders={signed_headers}").unwrap();
        sent.query = Some(query.clone());
        let signature = self.signature(&canonical(sent, signed));
        sent.query = Some(format!("{query}&X-Amz-Signature={signature}"));
    }

    fn signature(&self, canonical: &str) -> String {
        let scope = self.scope();
        let text = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{}", self.time, sha256(canonical.as_bytes()));
        let key =
            scope.split('/').fold(format!("AWS4{}", self.secret).into_bytes(), |key, part| hmac(&key, part));
        hex(&hmac(&key, &text))
    }
}

/// The canonical request.
pub(super) fn canonical(sent: &Sent, signed: &[&str]) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in sent.path.split('/') {
        match part {
            "." | "" => continue,
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let path: String = parts.iter().map(|part| format!("/{}", encode(part.as_bytes()))).collect();
    let slash = if path.is_empty() || sent.path.ends_with('/') { "/" } else { "" };

    let query = sent.query.clone().unwrap_or_default();
    let mut pairs: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (encode(&decode(name)), encode(&decode(value))))
        .filter(|(name, _)| name != "X-Amz-Signature")
        .collect();
    pairs.sort();
    let query: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();

    let headers: String = signed
        .iter()
        .map(|name| {
            let values = sent.headers.get_all(*name).iter();
            let folded = |value: &http::HeaderValue| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
            };
            format!("{name}:{}\n", values.map(folded).collect::<Vec<_>>().join(","))
        })
        .collect();
    let (method, query, body) = (&sent.method, query.join("&"), sha256(&sent.body));
    format!("{method}\n{path}{slash}\n{query}\n{headers}\n{}\n{body}", signed.join(";"))
}

fn encode(bytes: &[u8]) -> String {
    let encoded = |byte: &u8| match *byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(*byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    bytes.iter().map(encoded).collect()
}

fn decode(text: &str) -> Vec<u8> {
    let mut bytes = text.replace('+', " ").into_bytes();
    let mut at = 0;
    while at + 2 < bytes.len() {
        let digits = [bytes[at + 1], bytes[at + 2]];
        if bytes[at] == b'%' && digits.iter().all(u8::is_ascii_hexdigit) {
            let byte = u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap();
            bytes.splice(at..at + 3, [byte]);
        }
        at += 1;
    }
    bytes
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
