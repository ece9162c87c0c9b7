//! QueueUrls: `<scheme>://<host>:<port>/<account>/<name>`.
//!
//! Written, a URL carries the address that the client itself used, because some SDKs send later calls to the
//! QueueUrl's own origin. Read, only the path counts: clients reach the same server by different names.

use crate::access::Caller;
use bongsu_engine::QueueName;

/// What queue URLs begin with: the public URL if one is set, or else the host that the client named. Put together only where
/// an answer has such a URL.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BaseUrl<'a> {
    /// With `://`; empty where the rest has it.
    scheme: &'static str,
    /// Without a slash at the end.
    rest: &'a str,
}

impl<'a> BaseUrl<'a> {
    /// `is_secure` is whether the client used TLS.
    pub(crate) fn new(
        public_url: Option<&'a str>,
        is_secure: bool,
        host: Option<&'a str>,
        local_address: &'a str,
    ) -> Self {
        if let Some(url) = public_url {
            return Self { scheme: "", rest: url.trim_end_matches('/') };
        }
        let scheme = if is_secure { "https://" } else { "http://" };
        Self { scheme, rest: host.filter(|host| is_host(host)).unwrap_or(local_address) }
    }

    /// The QueueUrl of a queue.
    pub(crate) fn queue(&self, name: &QueueName) -> String {
        let Self { scheme, rest } = self;
        format!("{scheme}{rest}/{}/{}", name.account, name.name)
    }
}

/// A Host header that can stand in a URL: a name or address with an optional port.
fn is_host(host: &str) -> bool {
    !host.is_empty()
        && host.len() <= 255
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']'))
}

/// The queue that a QueueUrl names, with what it leaves out taken from the caller.
///
/// Accepted are a URL whose path ends in `/account/name`, the forms `/queue/name` and `/queue/region/account/name`,
/// the path alone, and a bare name. `None` where there is no such path.
pub(crate) fn read(url: &str, caller: &Caller) -> Option<QueueName> {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None => url,
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut backwards = path.split('/').filter(|segment| !segment.is_empty()).rev();
    let (name, before) = (backwards.next()?, backwards.next());
    let own = |name: &str| Some(QueueName::new(&caller.account, &caller.region, name));
    match before {
        None if !url.contains('/') => own(name),
        Some(account) if is_account(account) => match (backwards.next(), backwards.next()) {
            (Some(region), Some("queue")) => Some(QueueName::new(account, region, name)),
            _ => Some(QueueName::new(account, &caller.region, name)),
        },
        Some("queue") => own(name),
        _ => None,
    }
}

/// Whether a URL's path is that of one queue.
pub(crate) fn is_queue_path(path: &str) -> bool {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty()).rev();
    segments.next().is_some()
        && segments.next().is_some_and(|segment| is_account(segment) || segment == "queue")
}

fn is_account(segment: &str) -> bool {
    segment.len() == 12 && segment.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{BaseUrl, is_queue_path, read};
    use crate::access::Caller;
    use bongsu_engine::QueueName;

    fn caller() -> Caller {
        Caller::unchecked("111111111111", "eu-west-1")
    }

    #[test]
    fn only_the_path_of_a_queue_url_counts() {
        let cases = [
            ("http://localhost:9324/222222222222/jobs", "222222222222", "eu-west-1"),
            ("https://sqs.us-east-1.amazonaws.com/222222222222/jobs", "222222222222", "eu-west-1"),
            ("https://proxy.example/some/where/222222222222/jobs", "222222222222", "eu-west-1"),
            ("http://localhost:9324/222222222222/jobs/", "222222222222", "eu-west-1"),
            ("/222222222222/jobs", "222222222222", "eu-west-1"),
            ("222222222222/jobs", "222222222222", "eu-west-1"),
            ("http://localhost:9324/queue/jobs", "111111111111", "eu-west-1"),
            ("http://localhost:9324/queue/us-east-2/222222222222/jobs", "222222222222", "us-east-2"),
            ("jobs", "111111111111", "eu-west-1"),
        ];
        for (url, account, region) in cases {
            assert_eq!(read(url, &caller()), Some(QueueName::new(account, region, "jobs")), "{url}");
        }
    }

    #[test]
    fn paths_of_queues() {
        for path in ["/222222222222/jobs", "/queue/jobs", "/some/where/222222222222/jobs/"] {
            assert!(is_queue_path(path), "{path}");
        }
        for path in ["", "/", "/222222222222", "/222222222222/", "/a/b"] {
            assert!(!is_queue_path(path), "{path}");
        }
    }

    #[test]
    fn anything_else_is_no_address_of_a_queue() {
        for url in [
            "",
            "/",
            "http://localhost:9324",
            "http://localhost:9324/",
            "http://localhost:9324/nonsense",
            "/a/b",
        ] {
            assert_eq!(read(url, &caller()), None, "{url}");
        }
    }

    #[test]
    fn urls_carry_the_host_that_the_client_used() {
        let name = QueueName::new("111111111111", "eu-west-1", "jobs");
        let cases = [
            (None, Some("queue.internal:80"), "http://queue.internal:80/111111111111/jobs"),
            (None, Some("[::1]:9324"), "http://[::1]:9324/111111111111/jobs"),
            (None, None, "http://127.0.0.1:9324/111111111111/jobs"),
            (None, Some("evil\"<host>"), "http://127.0.0.1:9324/111111111111/jobs"),
            (Some("https://mq.example/sqs/"), Some("other"), "https://mq.example/sqs/111111111111/jobs"),
        ];
        for (public_url, host, expected) in cases {
            let url = BaseUrl::new(public_url, false, host, "127.0.0.1:9324").queue(&name);
            assert_eq!(url, expected);
            assert_eq!(read(&url, &caller()), Some(name.clone()));
        }
    }
}
