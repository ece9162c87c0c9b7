//! What every test of signatures starts from: the key, the day and the request of the published suite.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod parsing;
mod properties;
mod refusals;
mod signer;
mod vectors;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Claim, Refusal, Request, Rules, Verifier};
use crate::secrets::SecretKey;

const KEY_ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// 20150830T123600Z.
const NOW_S: i64 = 1_440_938_160;

fn secret() -> SecretKey {
    SecretKey::new(SECRET).unwrap()
}

/// A request that owns what it is made of, and can be changed.
#[derive(Debug, Clone)]
struct Sent {
    method: String,
    path: String,
    query: Option<String>,
    authority: Option<String>,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Sent {
    /// `target` is a path and perhaps a query, `headers` come on top of the host.
    fn new(method: &str, target: &str, host: &str, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        let mut sent = Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query,
            authority: None,
            headers: HeaderMap::new(),
            body: body.to_vec(),
        };
        sent.add("host", host);
        headers.iter().for_each(|(name, value)| sent.add(name, value));
        sent
    }

    fn add(&mut self, name: &str, value: &str) {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        self.headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }

    fn set(&mut self, name: &str, value: &str) {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        self.headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }

    fn request(&self) -> Request<'_> {
        Request {
            method: &self.method,
            path: &self.path,
            query: self.query.as_deref(),
            authority: self.authority.as_deref(),
            headers: &self.headers,
            body: &self.body,
        }
    }
}

/// Takes the suite's service and SQS, in any region.
fn verifier() -> Verifier {
    Verifier::new(Rules { services: vec!["sqs".to_owned(), "service".to_owned()], region: None }, 64)
}

/// All stages, for the suite's key alone.
fn authenticate(verifier: &Verifier, sent: &Sent, now_epoch_s: i64) -> Result<String, Refusal> {
    let find_key = |id: &str| (id == KEY_ID).then(secret);
    let found = verifier.authenticate(&sent.request(), now_epoch_s, &mut Vec::new(), find_key)?;
    Ok(found.map_or_else(|| "anonymous".to_owned(), |(claim, _)| claim.access_key_id.into_owned()))
}
