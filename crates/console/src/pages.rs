//! What a browser loads: the files of the web side, which are in the binary.

use crate::refusal::Refused;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use hyper::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue,
    IF_NONE_MATCH, VARY,
};
use hyper::{Method, StatusCode};
use rust_embed::{EmbeddedFile, RustEmbed};
use std::fmt::Write as _;

#[derive(RustEmbed)]
#[folder = "../../console/dist"]
struct Files;

/// The page that is shown for every address within the console.
const INDEX: &str = "index.html";
/// Files here have a digest of their content in their names.
const UNCHANGING: &str = "assets/";

/// Serves files; whatever is no file's name is an address within the console.
pub(crate) async fn serve(request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let message = "Pages can only be read.";
        return Refused::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message).into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    let last = path.rsplit('/').next().unwrap_or_default();
    let file = if last.contains('.') { path } else { INDEX };
    find(file, request.headers()).unwrap_or_else(|| Refused::not_found().into_response())
}

fn find(path: &str, headers: &HeaderMap) -> Option<Response> {
    let content_type = content_type(path)?;
    let plain = Files::get(path)?;
    let (encoding, file) = encoded(path, headers).unwrap_or(("", plain));
    let mut response = Response::new(Body::empty());
    let etag = etag(&file);
    let is_known = headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        *response.body_mut() = Body::from(file.data);
    }
    let cache = if path.starts_with(UNCHANGING) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if !encoding.is_empty() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(ETAG, etag);
    }
    Some(response)
}

/// The smallest form that a browser takes.
fn encoded(path: &str, headers: &HeaderMap) -> Option<(&'static str, EmbeddedFile)> {
    let accepted = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let accepted: Vec<&str> = accepted.flat_map(|value| value.split(',')).filter_map(acceptable).collect();
    [("br", "br"), ("gzip", "gz")].into_iter().find_map(|(encoding, ending)| {
        let file = accepted.contains(&encoding).then(|| Files::get(&format!("{path}.{ending}")))?;
        Some((encoding, file?))
    })
}

/// The name of a coding, unless its weight says that it is not wanted.
fn acceptable(coding: &str) -> Option<&str> {
    let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
    let weight = weight.trim().strip_prefix("q=").map(str::trim);
    let is_refused = weight.is_some_and(|weight| weight.parse::<f32>().is_ok_and(|weight| weight == 0.0));
    (!is_refused).then_some(name.trim())
}

/// Each form of a file has its own.
fn etag(file: &EmbeddedFile) -> String {
    let mut text = String::from("\"");
    for byte in file.metadata.sha256_hash().iter().take(16) {
        // A string takes everything.
        let _ = write!(text, "{byte:02x}");
    }
    text.push('"');
    text
}

/// By the name's end; `None` for what is not served by itself.
fn content_type(path: &str) -> Option<&'static str> {
    Some(match path.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "json" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{acceptable, content_type, find};
    use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};

    #[test]
    fn the_first_page_is_there_and_is_asked_for_anew() {
        let page = find("index.html", &HeaderMap::new()).unwrap();
        assert_eq!(page.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(page.headers()[CACHE_CONTROL], "no-cache");
        let headers = HeaderMap::from_iter([(IF_NONE_MATCH, page.headers()[ETAG].clone())]);
        assert_eq!(find("index.html", &headers).unwrap().status(), 304);
        let headers = HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_static("\"x\""))]);
        assert_eq!(find("index.html", &headers).unwrap().status(), 200);
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        for path in ["nothing.js", "../Cargo.toml", "assets/../index.html", "index.html.br", ""] {
            assert!(find(path, &HeaderMap::new()).is_none(), "{path}");
        }
        assert_eq!(content_type("a.br"), None);
    }

    #[test]
    fn a_coding_of_no_weight_is_not_wanted() {
        assert_eq!(acceptable(" br"), Some("br"));
        assert_eq!(acceptable("gzip;q=0.5"), Some("gzip"));
        assert_eq!(acceptable("br; q=0"), None);
        assert_eq!(acceptable("br;q=0.000"), None);
    }
}
