//! From a request's body to the answer's.

use super::commit::Committer;
use bongsu_tools::client::sign::hex;
use bytes::Bytes;
use hyper::StatusCode;
use md5::{Digest as _, Md5};
use serde::Deserialize;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

/// Answers the sends, and what a client needs to begin.
pub(super) struct Answerer {
    committer: Committer,
    run: u128,
    next_id: AtomicU64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Send<'a> {
    #[serde(borrow)]
    message_body: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendBatch<'a> {
    #[serde(borrow)]
    entries: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    message_body: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Name<'a> {
    #[serde(borrow)]
    queue_name: Cow<'a, str>,
}

impl Answerer {
    pub(super) fn new(committer: Committer, run: u128) -> Self {
        Self { committer, run, next_id: AtomicU64::new(0) }
    }

    pub(super) async fn answer(&self, target: &str, host: &str, body: Bytes) -> (StatusCode, String) {
        let action = target.strip_prefix("AmazonSQS.").unwrap_or_default();
        let answer = match action {
            "SendMessage" => serde_json::from_slice(&body).ok().map(|send| self.single(&send)),
            "SendMessageBatch" => serde_json::from_slice(&body).ok().map(|send| self.batch(&send)),
            "CreateQueue" | "GetQueueUrl" => {
                let url = serde_json::from_slice(&body).ok().map(|name| queue_url(host, &name));
                return url.map_or_else(refuse, |url| (StatusCode::OK, url));
            }
            _ => None,
        };
        let Some(answer) = answer else { return refuse() };
        match self.committer.commit(body).await {
            Ok(()) => (StatusCode::OK, answer),
            Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, error(&reason)),
        }
    }

    fn single(&self, send: &Send<'_>) -> String {
        let (id, md5) = (self.message_id(), md5(&send.message_body));
        format!("{{\"MessageId\":\"{id}\",\"MD5OfMessageBody\":\"{md5}\"}}")
    }

    fn batch(&self, send: &SendBatch<'_>) -> String {
        let mut answer = String::from("{\"Successful\":[");
        for (index, entry) in send.entries.iter().enumerate() {
            let (id, md5, comma) =
                (self.message_id(), md5(&entry.message_body), if index > 0 { "," } else { "" });
            // Writing to a String does not fail.
            _ = write!(
                answer,
                "{comma}{{\"Id\":\"{}\",\"MessageId\":\"{id}\",\"MD5OfMessageBody\":\"{md5}\"}}",
                entry.id
            );
        }
        answer.push_str("]}");
        answer
    }

    /// Looks like a random one.
    fn message_id(&self) -> uuid::Uuid {
        let number = u128::from(self.next_id.fetch_add(1, Ordering::Relaxed));
        let mixed = (self.run + number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        uuid::Builder::from_random_bytes(mixed.to_be_bytes()).into_uuid()
    }
}

fn md5(body: &str) -> String {
    hex(&Md5::digest(body.as_bytes()))
}

fn queue_url(host: &str, name: &Name<'_>) -> String {
    format!("{{\"QueueUrl\":\"http://{host}/000000000000/{}\"}}", name.queue_name)
}

fn refuse() -> (StatusCode, String) {
    (StatusCode::BAD_REQUEST, error("InvalidAction"))
}

pub(super) fn error(code: &str) -> String {
    format!("{{\"__type\":\"com.amazonaws.sqs#{code}\"}}")
}
