//! AWS Signature Version 4, checked in stages: [`Claim::parse`] reads what a request says, [`Claim::check_time`] and
//! [`Claim::check_scope`] hold it against the clock and the server, [`Verifier::check_signature`] calculates the signature.
//! [`Verifier::authenticate`] does all of them, in AWS's order.
//!
//! What differs from AWS, on purpose: all `x-amz-` headers must be signed but those that are bound otherwise or have no
//! effect; a signed header must be there; session tokens are refused, as none are given out.

mod canonical;
mod claim;
mod keys;
mod refusal;
mod timestamp;

#[cfg(test)]
mod tests;

use http::HeaderMap;

pub use canonical::normal_path;
pub use claim::{Claim, Placement};
pub use keys::SigningKeys;
pub use refusal::{HeaderGaps, Refusal};
pub use timestamp::Timestamp;

use crate::hash;
use crate::secrets::SecretKey;

/// A request as it was received; nothing of it is copied.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// `GET`, `POST`.
    pub method: &'a str,
    /// The path as it came, neither decoded nor normalised. (What acts on it goes by its [`normal_path`].)
    pub path: &'a str,
    /// What follows the question mark, as it came.
    pub query: Option<&'a str>,
    /// The authority of the request's URI, which takes the place of a `Host` header that is not there (in HTTP/2).
    pub authority: Option<&'a str>,
    /// The headers; a name with several values has them in the order in which they came.
    pub headers: &'a HeaderMap,
    /// All of the body.
    pub body: &'a [u8],
}

/// What credentials must be scoped to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The services that requests may be signed for; refusals name the first.
    pub services: Vec<String>,
    /// The one region, or any that is a word.
    pub region: Option<String>,
}

/// Checks signatures, and remembers the keys that it derived for it.
#[derive(Debug)]
pub struct Verifier {
    rules: Rules,
    keys: SigningKeys,
}

impl Verifier {
    /// A verifier that holds requests to `rules`, and remembers about `key_capacity` signing keys.
    pub fn new(rules: Rules, key_capacity: usize) -> Self {
        Self { rules, keys: SigningKeys::new(key_capacity) }
    }

    /// The signing keys that it remembers.
    pub fn signing_keys(&self) -> &SigningKeys {
        &self.keys
    }

    /// Finds out whose request this is: its claim, and what `find_key` gave for the access key that signed it. `None` is an
    /// anonymous request. `scratch` is room that is used again from one request to the next.
    ///
    /// `find_key` gets an access key id; `None` from it means that nobody may use that key (any more).
    ///
    /// # Errors
    /// [`Refusal`], in the order in which AWS finds out: parts, time, scope, key, signature.
    pub fn authenticate<'a, K: AsRef<SecretKey>>(
        &self,
        request: &Request<'a>,
        now_epoch_s: i64,
        scratch: &mut Vec<u8>,
        find_key: impl FnOnce(&str) -> Option<K>,
    ) -> Result<Option<(Claim<'a>, K)>, Refusal> {
        let Some(claim) = Claim::parse(request)? else { return Ok(None) };
        claim.check_time(now_epoch_s)?;
        claim.check_scope(&self.rules)?;
        if claim.has_session_token {
            return Err(Refusal::UnknownKey);
        }
        let key = find_key(&claim.access_key_id).ok_or(Refusal::UnknownKey)?;
        self.check_signature(request, &claim, key.as_ref(), scratch)?;
        Ok(Some((claim, key)))
    }

    /// Whether the claim's signature is the one that `secret` gives this request. Time and scope are not looked at.
    ///
    /// # Errors
    /// [`Refusal::WrongSignature`].
    pub fn check_signature(
        &self,
        request: &Request<'_>,
        claim: &Claim<'_>,
        secret: &SecretKey,
        scratch: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let signature = hash::parse_hex(claim.signature.as_bytes()).ok_or(Refusal::WrongSignature)?;
        canonical::write(scratch, request, claim)?;
        let request_hash = hash::sha256(scratch);
        write_string_to_sign(scratch, claim, &request_hash);
        let remembered = self.keys.get(claim, secret);
        let is_new = remembered.is_none();
        let key = remembered.unwrap_or_else(|| keys::derive(claim, secret));
        if !key.clone().verifies(scratch, &signature) {
            return Err(Refusal::WrongSignature);
        }
        if is_new {
            self.keys.add(claim, secret, key);
        }
        Ok(())
    }
}

fn write_string_to_sign(out: &mut Vec<u8>, claim: &Claim<'_>, request_hash: &[u8; hash::HASH_BYTES]) {
    out.clear();
    out.extend_from_slice(claim::ALGORITHM.as_bytes());
    out.push(b'\n');
    out.extend_from_slice(claim.time.as_str().as_bytes());
    out.push(b'\n');
    for part in [&claim.date, &claim.region, &claim.service] {
        out.extend_from_slice(part.as_bytes());
        out.push(b'/');
    }
    out.extend_from_slice(claim.terminator.as_bytes());
    out.push(b'\n');
    hash::push_hex(out, request_hash);
}
