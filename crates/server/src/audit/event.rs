//! What a line says.

use crate::access::{Caller, Who};
use crate::clock;
use bongsu_wire::Operation;
use serde::Serialize;
use std::net::IpAddr;

/// Texts of clients are cut to so many characters.
const MAX_TEXT_CHARS: usize = 512;

/// One line of the audit log.
#[derive(Debug)]
pub(crate) struct Event<'a> {
    /// As the client was told.
    pub(crate) request_id: &'a str,
    /// Where the request came from.
    pub(crate) address: IpAddr,
    /// Who asked; `None` where that was refused already.
    pub(crate) caller: Option<&'a Caller>,
    /// The access key that somebody who was refused said to have.
    pub(crate) claimed_key: Option<&'a str>,
    /// Such as `CreateQueue`.
    pub(crate) action: &'a str,
    /// What it was about, as the caller named it.
    pub(crate) resource: Option<&'a str>,
    /// The code that it was refused with; `None`: it was done.
    pub(crate) refused: Option<&'a str>,
    /// Which statement of which policy decided.
    pub(crate) decided: Option<&'a str>,
    /// The header.
    pub(crate) user_agent: Option<&'a str>,
}

/// The form of a line. Members are only ever added.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    time: String,
    request_id: &'a str,
    source_address: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claimed_access_key_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    action: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'a str>,
    outcome: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<&'a str>,
}

impl Event<'_> {
    /// Whether nobody knows who it was.
    pub(super) fn is_by_stranger(&self) -> bool {
        self.caller.is_none_or(|caller| matches!(caller.who, Who::Anonymous))
    }

    /// The line, with its end.
    #[expect(clippy::expect_used, reason = "texts and addresses have a JSON form, and memory takes them")]
    pub(super) fn line(&self, now_ms: u64) -> String {
        let known = self.caller.filter(|caller| !matches!(caller.who, Who::Anonymous));
        let caller = self.caller.map(|caller| match caller.who {
            Who::Unchecked => "unchecked".to_owned(),
            _ => caller.arn(),
        });
        let line = Line {
            time: clock::rfc3339_ms(now_ms),
            request_id: self.request_id,
            source_address: self.address.to_canonical(),
            account: known.map(|caller| caller.account.as_str()),
            caller,
            access_key_id: known.and_then(Caller::access_key_id),
            claimed_access_key_id: self.claimed_key.map(cut),
            region: known.map(|caller| caller.region.as_str()),
            action: cut(self.action),
            resource: self.resource.map(cut),
            outcome: self.refused.unwrap_or("ok"),
            decision: self.decided,
            user_agent: self.user_agent.map(cut),
        };
        let mut line = serde_json::to_string(&line).expect("a line has a JSON form");
        line.push('\n');
        line
    }
}

fn cut(text: &str) -> &str {
    text.char_indices().nth(MAX_TEXT_CHARS).map_or(text, |(end, _)| text.get(..end).unwrap_or_default())
}

/// What an operation is about, as the caller names it.
pub(crate) fn resource_of(operation: &Operation) -> Option<&str> {
    match operation {
        Operation::CreateQueue(request) => Some(&request.queue_name),
        Operation::GetQueueUrl(request) => Some(&request.queue_name),
        Operation::StartMessageMoveTask(request) => Some(&request.source_arn),
        Operation::ListMessageMoveTasks(request) => Some(&request.source_arn),
        other => other.queue_url(),
    }
}
