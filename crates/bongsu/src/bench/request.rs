//! Rendering requests: by hand, into buffers that are used again.

use super::arguments::LoadArguments;
use bongsu_tools::client::date::unix_time;
use bongsu_tools::client::http::Endpoint;
use bongsu_tools::client::sign::{Credentials, Signer};
use std::io::Write as _;

const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// What messages look like.
#[derive(Clone, Debug)]
pub(super) struct MessageShape {
    pub(super) body_bytes: usize,
    /// 0: messages have no group.
    pub(super) groups: u64,
    pub(super) group_prefix: String,
    /// Messages need deduplication ids.
    pub(super) fifo: bool,
    /// 0: messages are not delayed.
    pub(super) max_delay_seconds: u64,
    /// Bodies begin with the run and the time at which they were sent.
    pub(super) stamped: bool,
    /// Differs between runs.
    pub(super) run: u64,
}

/// Length of the run and the time that a stamped body begins with.
pub(super) const STAMP_BYTES: usize = 32;

impl MessageShape {
    pub(super) fn new(arguments: &LoadArguments, fifo: bool, run: u64) -> Self {
        Self {
            body_bytes: arguments.message_bytes as usize,
            groups: if fifo { arguments.groups.max(1) } else { arguments.groups },
            group_prefix: super::json_escaped(&arguments.group_prefix),
            fifo,
            max_delay_seconds: arguments.max_delay_seconds,
            stamped: false,
            run,
        }
    }

    /// Whether a message may be sent again as it is: nothing in it tells it from the next.
    fn is_constant(&self) -> bool {
        self.groups == 0 && !self.fifo && self.max_delay_seconds == 0 && !self.stamped
    }

    fn render(&self, out: &mut Vec<u8>, number: u64, sent_ns: u64) {
        out.extend_from_slice(b"\"MessageBody\":\"");
        let stamp = if self.stamped { format!("{:016x}{sent_ns:016x}", self.run) } else { String::new() };
        out.extend_from_slice(stamp.as_bytes());
        out.resize(out.len() + self.body_bytes.saturating_sub(stamp.len()), b'm');
        out.push(b'"');
        // Writing to a Vec does not fail.
        if self.groups > 0 {
            _ = write!(out, ",\"MessageGroupId\":\"{}-{}\"", self.group_prefix, number % self.groups);
        }
        if self.fifo {
            _ = write!(out, ",\"MessageDeduplicationId\":\"{:x}-{number:x}\"", self.run);
        }
        if self.max_delay_seconds > 0 {
            let delay_seconds = mixed(self.run ^ number) % (self.max_delay_seconds + 1);
            _ = write!(out, ",\"DelaySeconds\":{delay_seconds}");
        }
    }
}

/// A number that looks random.
fn mixed(number: u64) -> u64 {
    let z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    z ^ (z >> 32)
}

/// Renders the requests of one connection.
pub(super) struct Renderer {
    head: String,
    signer: Option<Signer>,
    /// For requests that differ each time.
    request: Vec<u8>,
    body: Vec<u8>,
    /// The last request that may be sent again, and what it is.
    kept: Vec<u8>,
    kept_as: Option<Kept>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Kept {
    queue: usize,
    messages: u64,
    /// When it was signed; 0 if it is not.
    unix_seconds: u64,
}

/// Where requests go and whether they are signed.
#[derive(Clone)]
pub(super) struct Addressing {
    /// The endpoint as it was named.
    pub(super) url: String,
    pub(super) endpoint: Endpoint,
    pub(super) credentials: Option<Credentials>,
}

impl Renderer {
    pub(super) fn new(to: &Addressing) -> Self {
        let Endpoint { host, path, .. } = &to.endpoint;
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {CONTENT_TYPE}\r\nX-Amz-Target: ");
        let signer = to
            .credentials
            .clone()
            .map(|credentials| Signer::new(credentials, "sqs", host.clone(), path.clone()));
        Self { head, signer, request: Vec::new(), body: Vec::new(), kept: Vec::new(), kept_as: None }
    }

    /// Any request, with this body.
    pub(super) fn plain(&mut self, action: &str, body: &str) -> &[u8] {
        self.body.clear();
        self.body.extend_from_slice(body.as_bytes());
        self.finish(action)
    }

    /// SendMessage, or SendMessageBatch when `batched`, of messages numbered from `first` on.
    pub(super) fn send(
        &mut self,
        shape: &MessageShape,
        (queue, url): (usize, &str),
        batched: bool,
        (first, messages): (u64, u64),
        sent_ns: u64,
    ) -> &[u8] {
        let action = if batched { "SendMessageBatch" } else { "SendMessage" };
        let unix_seconds = if self.signer.is_some() { unix_time().as_secs() } else { 0 };
        let kept_as = shape.is_constant().then_some(Kept { queue, messages, unix_seconds });
        if kept_as.is_some() && kept_as == self.kept_as {
            return &self.kept;
        }
        let body = &mut self.body;
        body.clear();
        _ = write!(body, "{{\"QueueUrl\":\"{url}\",");
        if batched {
            body.extend_from_slice(b"\"Entries\":[");
            for index in 0..messages {
                _ = write!(body, "{}{{\"Id\":\"{index}\",", if index > 0 { "," } else { "" });
                shape.render(body, first + index, sent_ns);
                body.push(b'}');
            }
            body.push(b']');
        } else {
            shape.render(body, first, sent_ns);
        }
        body.push(b'}');
        if kept_as.is_none() {
            return self.finish(action);
        }
        self.finish(action);
        std::mem::swap(&mut self.request, &mut self.kept);
        self.kept_as = kept_as;
        &self.kept
    }

    /// ReceiveMessage.
    pub(super) fn receive(
        &mut self,
        url: &str,
        max_messages: u64,
        wait_seconds: u64,
        visibility_timeout_seconds: Option<u64>,
    ) -> &[u8] {
        let body = &mut self.body;
        body.clear();
        _ = write!(
            body,
            "{{\"QueueUrl\":\"{url}\",\"MaxNumberOfMessages\":{max_messages},\"WaitTimeSeconds\":{wait_seconds}"
        );
        if let Some(seconds) = visibility_timeout_seconds {
            _ = write!(body, ",\"VisibilityTimeout\":{seconds}");
        }
        body.push(b'}');
        self.finish("ReceiveMessage")
    }

    /// DeleteMessage of one, DeleteMessageBatch of several. The handles are escaped already.
    pub(super) fn delete(&mut self, url: &str, handles: &[Vec<u8>]) -> &[u8] {
        let body = &mut self.body;
        body.clear();
        _ = write!(body, "{{\"QueueUrl\":\"{url}\",");
        if let [handle] = handles {
            body.extend_from_slice(b"\"ReceiptHandle\":\"");
            body.extend_from_slice(handle);
            body.extend_from_slice(b"\"}");
            return self.finish("DeleteMessage");
        }
        body.extend_from_slice(b"\"Entries\":[");
        for (index, handle) in handles.iter().enumerate() {
            _ = write!(body, "{}{{\"Id\":\"{index}\",\"ReceiptHandle\":\"", if index > 0 { "," } else { "" });
            body.extend_from_slice(handle);
            body.extend_from_slice(b"\"}");
        }
        body.extend_from_slice(b"]}");
        self.finish("DeleteMessageBatch")
    }

    /// Puts the head before the body.
    fn finish(&mut self, action: &str) -> &[u8] {
        let Self { head, signer, request, body, .. } = self;
        request.clear();
        _ = write!(request, "{head}AmazonSQS.{action}\r\nContent-Length: {}\r\n", body.len());
        if let Some(signer) = signer {
            signer.sign(unix_time().as_secs(), CONTENT_TYPE, &format!("AmazonSQS.{action}"), body, request);
        }
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(body);
        request
    }
}

#[cfg(test)]
mod tests {
    use super::{Addressing, MessageShape, Renderer};
    use bongsu_tools::client::http::Endpoint;
    use bongsu_tools::client::sign::Credentials;
    use serde_json::{Value, json};

    const URL: &str = "http://q/1/bench";

    fn renderer(signed: bool) -> Renderer {
        let credentials = Credentials {
            access_key_id: "id".into(),
            secret_access_key: "secret".into(),
            session_token: None,
            region: "us-east-1".into(),
        };
        let endpoint = Endpoint::parse("http://127.0.0.1:9324").unwrap();
        let url = "http://127.0.0.1:9324".to_owned();
        Renderer::new(&Addressing { url, endpoint, credentials: signed.then_some(credentials) })
    }

    fn shape() -> MessageShape {
        MessageShape {
            body_bytes: 40,
            groups: 0,
            group_prefix: "group".into(),
            fifo: false,
            max_delay_seconds: 0,
            stamped: false,
            run: 10,
        }
    }

    /// The request's head, and its body as JSON; the length that it announces is checked.
    fn parts(request: &[u8]) -> (String, Value) {
        let text = std::str::from_utf8(request).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("\r\nContent-Length: {}\r\n", body.len()))
                || head.ends_with(&format!("\r\nContent-Length: {}", body.len()))
        );
        (head.to_owned(), serde_json::from_str(body).unwrap())
    }

    #[test]
    fn a_single_send_is_what_sqs_expects() {
        let (head, body) = parts(renderer(false).send(&shape(), (0, URL), false, (7, 1), 0));
        assert!(head.starts_with("POST / HTTP/1.1\r\nHost: 127.0.0.1:9324\r\n"));
        assert!(head.contains("X-Amz-Target: AmazonSQS.SendMessage\r\n") && !head.contains("Authorization"));
        assert_eq!(body, json!({"QueueUrl": URL, "MessageBody": "m".repeat(40)}));
    }

    #[test]
    fn a_batch_carries_groups_deduplication_and_delays() {
        let shape = MessageShape { groups: 2, fifo: true, max_delay_seconds: 5, stamped: true, ..shape() };
        let (head, body) = parts(renderer(true).send(&shape, (0, URL), true, (15, 3), 255));
        assert!(
            head.contains("AmazonSQS.SendMessageBatch") && head.contains("Authorization: AWS4-HMAC-SHA256")
        );
        let entries = body["Entries"].as_array().unwrap();
        assert_eq!(entries.len(), 3);
        let entry = &entries[1];
        assert_eq!((&entry["Id"], &entry["MessageGroupId"]), (&json!("1"), &json!("group-0")));
        assert_eq!(entry["MessageDeduplicationId"], "a-10");
        assert_eq!(entry["MessageBody"], format!("{:016x}{:016x}mmmmmmmm", 10, 255));
        assert!(entries.iter().all(|entry| entry["DelaySeconds"].as_u64().unwrap() <= 5));
    }

    #[test]
    fn delays_are_spread_over_the_whole_range() {
        let shape = MessageShape { max_delay_seconds: 9, ..shape() };
        let mut renderer = renderer(false);
        let mut seen = [0; 10];
        for number in 0..1_000 {
            let (_, body) = parts(renderer.send(&shape, (0, URL), false, (number, 1), 0));
            seen[body["DelaySeconds"].as_u64().unwrap() as usize] += 1;
        }
        assert!(seen.iter().all(|times| (60..140).contains(times)), "{seen:?}");
    }

    #[test]
    fn a_kept_request_is_sent_again_only_for_the_same_queue_and_count() {
        let mut renderer = renderer(false);
        let queue_of = |request: &[u8]| parts(request).1["QueueUrl"].as_str().unwrap().to_owned();
        assert_eq!(queue_of(renderer.send(&shape(), (0, "a"), true, (0, 2), 0)), "a");
        assert_eq!(queue_of(renderer.delete("b", &[b"h".to_vec()])), "b");
        assert_eq!(queue_of(renderer.send(&shape(), (0, "a"), true, (2, 2), 0)), "a");
        assert_eq!(queue_of(renderer.send(&shape(), (1, "c"), true, (4, 2), 0)), "c");
        let (_, body) = parts(renderer.send(&shape(), (1, "c"), true, (6, 1), 0));
        assert_eq!(body["Entries"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn receives_and_deletes_are_what_sqs_expects() {
        let mut renderer = renderer(false);
        let (_, body) = parts(renderer.receive(URL, 10, 20, Some(30)));
        let expected = json!({"QueueUrl": URL, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 20, "VisibilityTimeout": 30});
        assert_eq!(body, expected);
        let (head, body) = parts(renderer.delete(URL, &[br"a\/b".to_vec()]));
        assert!(head.contains("AmazonSQS.DeleteMessage\r\n"));
        assert_eq!(body, json!({"QueueUrl": URL, "ReceiptHandle": "a/b"}));
        let (head, body) = parts(renderer.delete(URL, &[b"a".to_vec(), b"b".to_vec()]));
        assert!(head.contains("AmazonSQS.DeleteMessageBatch\r\n"));
        let entries = json!([{"Id": "0", "ReceiptHandle": "a"}, {"Id": "1", "ReceiptHandle": "b"}]);
        assert_eq!(body, json!({"QueueUrl": URL, "Entries": entries}));
    }
}
