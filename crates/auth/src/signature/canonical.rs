//! The canonical form of a request: what both sides hash, however a proxy in between wrote it down.
//!
//! As AWS's services other than S3 define it: paths without dot segments and double slashes, encoded once more than they
//! were received; query parameters decoded, encoded anew and sorted; the signed headers alone; the hash of the body.

use std::borrow::Cow;
use std::ops::Range;

use http::header::HOST;
use http::{HeaderMap, HeaderName};
use memchr::memchr2;
use percent_encoding::{percent_decode_str, percent_encode_byte};

use super::claim::{Claim, Placement};
use super::refusal::Refusal;
use super::{Request, hash};

static X_AMZ_CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");

/// Headers that AWS prefixes with `x-amz-` and that may go unsigned: the first two are bound to the signature in another
/// way (as part of the string to sign; by comparison with the body), the others say nothing that is acted upon.
const UNSIGNED: [&str; 4] = ["x-amz-date", "x-amz-content-sha256", "x-amz-user-agent", "x-amz-cf-id"];

/// Writes the canonical request that a claim's signature should be of.
///
/// # Errors
/// [`Refusal::WrongSignature`] where there can't be one: a signed header is not there, the list of signed headers is not a sorted
/// list of lower-case names, a header that acts on the request is not signed, or `x-amz-content-sha256` is not the hash of
/// the body (`UNSIGNED-PAYLOAD` isn't either).
pub(super) fn write(out: &mut Vec<u8>, request: &Request<'_>, claim: &Claim<'_>) -> Result<(), Refusal> {
    out.clear();
    out.extend_from_slice(request.method.as_bytes());
    out.push(b'\n');
    push_path(out, request.path);
    out.push(b'\n');
    let is_presigned = matches!(claim.placement, Placement::Query { .. });
    push_query(out, request.query.unwrap_or_default(), is_presigned);
    out.push(b'\n');
    check_unsigned_headers(request.headers, claim)?;
    push_headers(out, request, &claim.signed_headers)?;
    out.push(b'\n');
    out.extend_from_slice(claim.signed_headers.as_bytes());
    out.push(b'\n');
    let hash_from = out.len();
    hash::push_hex(out, &hash::sha256(request.body));
    let declared = request.headers.get_all(&X_AMZ_CONTENT_SHA256).iter();
    for declared in declared {
        if declared.as_bytes().trim_ascii() != &out[hash_from..] {
            return Err(Refusal::WrongSignature);
        }
    }
    Ok(())
}

/// The path that a signature covers: without empty and dot segments, and without ones that lead above the root. Whoever acts on a path must
/// act on this one: all spellings of it have the same signature, so that somebody in between can turn one into the other.
pub fn normal_path(path: &str) -> Cow<'_, str> {
    let is_plain = |segments: &str| segments.split('/').all(|segment| !matches!(segment, "" | "." | ".."));
    let inner = path.strip_prefix('/').map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    if path == "/" || inner.is_some_and(is_plain) {
        return Cow::Borrowed(path);
    }
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let end = if path.ends_with('/') && !segments.is_empty() { "/" } else { "" };
    Cow::Owned(format!("/{}{end}", segments.join("/")))
}

/// Encodes a path once more than it was received, but for its slashes.
fn push_path(out: &mut Vec<u8>, path: &str) {
    for (place, segment) in normal_path(path).split('/').enumerate() {
        if place > 0 {
            out.push(b'/');
        }
        push_encoded(out, segment.bytes());
    }
}

/// All but RFC 3986's unreserved characters as `%` and two upper-case digits.
fn push_encoded(out: &mut Vec<u8>, bytes: impl IntoIterator<Item = u8>) {
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(byte);
        } else {
            out.extend_from_slice(percent_encode_byte(byte).as_bytes());
        }
    }
}

/// The parameters in order of their encoded names, then of their encoded values.
///
/// A plus is a space, as it is for the server that acts on the query: were it a plus here, whoever sits in between could turn
/// a signed plus into a space.
fn push_query(out: &mut Vec<u8>, query: &str, is_presigned: bool) {
    if query.is_empty() {
        return;
    }
    let mut encoded = Vec::with_capacity(query.len() + query.len() / 2);
    let mut parameters: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = push_parameter(&mut encoded, name);
        let value = push_parameter(&mut encoded, value);
        if !(is_presigned && &encoded[name.clone()] == b"X-Amz-Signature") {
            parameters.push((name, value));
        }
    }
    let texts =
        |(name, value): &(Range<usize>, Range<usize>)| (&encoded[name.clone()], &encoded[value.clone()]);
    parameters.sort_unstable_by(|a, b| texts(a).cmp(&texts(b)));
    for (place, parameter) in parameters.iter().enumerate() {
        if place > 0 {
            out.push(b'&');
        }
        let (name, value) = texts(parameter);
        out.extend_from_slice(name);
        out.push(b'=');
        out.extend_from_slice(value);
    }
}

/// Decodes a name or a value and encodes it again, which makes one form of all that mean the same.
fn push_parameter(out: &mut Vec<u8>, text: &str) -> Range<usize> {
    let from = out.len();
    for (place, piece) in text.split('+').enumerate() {
        if place > 0 {
            out.extend_from_slice(b"%20");
        }
        push_encoded(out, percent_decode_str(piece));
    }
    from..out.len()
}

/// Refuses a request with a header that AWS's protocols act on and that its signature does not cover.
fn check_unsigned_headers(headers: &HeaderMap, claim: &Claim<'_>) -> Result<(), Refusal> {
    for name in headers.keys().map(|name| name.as_str()) {
        if name.starts_with("x-amz-") && !UNSIGNED.contains(&name) && !claim.is_signed(name) {
            return Err(Refusal::WrongSignature);
        }
    }
    Ok(())
}

/// One line a signed header: its values, trimmed, with commas between them.
fn push_headers(out: &mut Vec<u8>, request: &Request<'_>, signed_headers: &str) -> Result<(), Refusal> {
    let mut previous = "";
    for name in signed_headers.split(';') {
        let is_next = name > previous && !name.bytes().any(|byte| byte.is_ascii_uppercase());
        if !is_next {
            return Err(Refusal::WrongSignature);
        }
        previous = name;
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        let values_from = out.len();
        let mut count = 0_usize;
        for value in request.headers.get_all(name) {
            if count > 0 {
                out.push(b',');
            }
            push_trimmed(out, value.as_bytes());
            count += 1;
        }
        if count == 0 {
            // HTTP/2 has the host outside of its headers.
            let authority = request.authority.filter(|_| name == HOST.as_str() || name == ":authority");
            out.truncate(values_from);
            push_trimmed(out, authority.ok_or(Refusal::WrongSignature)?.as_bytes());
        }
        out.push(b'\n');
    }
    Ok(())
}

/// A value without white space at its ends, and one space for any more within it, quoted or not.
fn push_trimmed(out: &mut Vec<u8>, value: &[u8]) {
    let mut rest = value.trim_ascii();
    // A header's value has no other white space than these.
    while let Some(end) = memchr2(b' ', b'\t', rest) {
        out.extend_from_slice(&rest[..end]);
        out.push(b' ');
        rest = rest[end..].trim_ascii_start();
    }
    out.extend_from_slice(rest);
}
