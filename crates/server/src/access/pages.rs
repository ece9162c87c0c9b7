//! Web pages that reach for a server without authentication.
//!
//! Whoever reaches such a server may do everything, and a browser on the same machine reaches it on behalf of any page that it
//! shows: by a form or an image for another site, or by a name of the page's own that it lets point here (DNS rebinding).
//! SDKs and command lines say neither where a request comes from nor names that are not theirs to choose.

use hyper::Method;
use hyper::header::{HOST, HeaderMap, ORIGIN};
use hyper::http::uri::Authority;
use std::net::IpAddr;

/// Whether a request comes from a page that is none of this server's. `public_url` is the address that it is known by, if it was
/// given one; `authority` is the URI's, which stands for Host in HTTP/2.
pub(crate) fn is_foreign(
    method: &Method,
    authority: Option<&str>,
    headers: &HeaderMap,
    public_url: Option<&str>,
) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    // Sent by browsers, and out of a page's reach; `none` is what somebody typed.
    if text("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none") {
        return true;
    }
    let host = text(HOST.as_str()).or(authority).unwrap_or_default();
    if headers.contains_key(ORIGIN) {
        let origin = text(ORIGIN.as_str()).and_then(|origin| origin.split_once("://"));
        return origin.is_none_or(|(_, origin)| origin != host) || !is_own(host, public_url);
    }
    // Pages can't send a POST without an origin, but they can GET.
    *method != Method::POST && !is_own(host, public_url)
}

/// Whether a Host can't be a name that somebody far away lets point here: an address, a name of this machine or its network
/// (without a dot), or the one that this server is known by.
fn is_own(host: &str, public_url: Option<&str>) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return host.is_empty() };
    let name = authority.host();
    let is_address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let public = public_url.and_then(|url| url.split_once("://")).map(|(_, rest)| rest);
    let public = public.and_then(|rest| rest.split('/').next()?.parse::<Authority>().ok());
    is_address
        || !name.contains('.')
        || name.ends_with(".localhost")
        || public.is_some_and(|public| public.host().eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::is_foreign;
    use hyper::Method;
    use hyper::header::{HeaderMap, HeaderName, HeaderValue};

    fn foreign(method: Method, headers: &[(&'static str, &'static str)]) -> bool {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        is_foreign(&method, None, &headers, Some("https://queues.example.com/base"))
    }

    #[test]
    fn sdks_and_command_lines_come_in_by_any_name() {
        for host in
            ["127.0.0.1:9324", "[::1]:9324", "localhost:9324", "sqs.some.network:9324", "bongsu:9324", ""]
        {
            assert!(!foreign(Method::POST, &[("host", host)]), "{host}");
        }
        for host in
            ["127.0.0.1:9324", "[::1]:9324", "a.localhost:9324", "bongsu:9324", "queues.example.com", ""]
        {
            assert!(!foreign(Method::GET, &[("host", host)]), "{host}");
        }
    }

    #[test]
    fn a_form_or_an_image_of_another_site_does_not() {
        let host = ("host", "127.0.0.1:9324");
        assert!(foreign(Method::POST, &[host, ("origin", "https://evil.example")]));
        assert!(foreign(Method::POST, &[host, ("origin", "null")]));
        assert!(foreign(Method::POST, &[host, ("origin", "http://127.0.0.1:3000")]), "another port");
        assert!(foreign(Method::GET, &[host, ("sec-fetch-site", "cross-site")]));
        assert!(foreign(Method::GET, &[host, ("sec-fetch-site", "same-site")]));
        assert!(!foreign(Method::GET, &[host, ("sec-fetch-site", "none")]), "typed by a person");
        assert!(!foreign(Method::POST, &[host, ("origin", "http://127.0.0.1:9324")]), "a page of its own");
    }

    #[test]
    fn http_2_names_the_host_elsewhere() {
        let headers = HeaderMap::new();
        assert!(is_foreign(&Method::GET, Some("evil.example"), &headers, None));
        assert!(!is_foreign(&Method::GET, Some("localhost:9324"), &headers, None));
    }

    #[test]
    fn a_name_that_was_made_to_point_here_does_not() {
        let host = ("host", "evil.example:9324");
        assert!(foreign(Method::POST, &[host, ("origin", "http://evil.example:9324")]));
        assert!(foreign(Method::GET, &[host]));
        assert!(foreign(Method::GET, &[("host", "evil.example:9324"), ("sec-fetch-site", "same-origin")]));
    }
}
