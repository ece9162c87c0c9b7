//! What an answer looks like: status, headers and body for each of the encodings.

use bongsu_wire::{
    Output, ServiceError, encode_json, encode_query_json, encode_xml, error_json, error_query_json, error_xml,
};
use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

/// The encoding of a request, and so of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// AWS JSON 1.0.
    Json,
    /// AWS Query, answered in XML.
    Query,
    /// AWS Query, answered in JSON, for those who accept nothing else.
    QueryJson,
}

/// Which encoding a request is in, by its headers.
pub(crate) fn encoding_of(headers: &HeaderMap) -> Encoding {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if headers.contains_key("x-amz-target") || text(CONTENT_TYPE).starts_with("application/x-amz-json") {
        Encoding::Json
    } else if text(hyper::header::ACCEPT).contains("application/json") {
        Encoding::QueryJson
    } else {
        Encoding::Query
    }
}

/// An answer before it becomes HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
    /// Further headers.
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Answer {
    /// Success.
    pub(crate) fn success(encoding: Encoding, output: &Output, request_id: &str) -> Self {
        let body = match encoding {
            Encoding::Json => encode_json(output),
            Encoding::Query => encode_xml(output, request_id),
            Encoding::QueryJson => encode_query_json(output, request_id),
        };
        Self { status: StatusCode::OK, content_type: encoding.content_type(), body, headers: Vec::new() }
    }

    /// A refusal.
    pub(crate) fn refusal(encoding: Encoding, error: &ServiceError, request_id: &str) -> Self {
        let status = StatusCode::from_u16(error.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (body, headers) = match encoding {
            Encoding::Json => {
                let (body, legacy_code) = error_json(error);
                (body, vec![("x-amzn-query-error", legacy_code)])
            }
            Encoding::Query => (error_xml(error, request_id), Vec::new()),
            Encoding::QueryJson => (error_query_json(error, request_id), Vec::new()),
        };
        Self { status, content_type: encoding.content_type(), body, headers }
    }

    /// A text of another kind.
    pub(crate) fn plain(status: StatusCode, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, content_type, body: body.into(), headers: Vec::new() }
    }

    /// As HTTP.
    pub(crate) fn into_response(self, request_id: &str) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if !self.content_type.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        }
        // The real service's spelling on the wire; HTTP itself doesn't care.
        insert(headers, "x-amzn-requestid", request_id);
        for (name, value) in &self.headers {
            insert(headers, name, value);
        }
        response
    }
}

/// Our own values are always legal; a value that isn't would be ours to leave out, not the client's to miss an
/// answer for.
fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

impl Encoding {
    fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/x-amz-json-1.0",
            Self::Query => "text/xml",
            Self::QueryJson => "application/json",
        }
    }
}
