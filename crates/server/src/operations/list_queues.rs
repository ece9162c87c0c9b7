//! ListQueues.

use super::page::Page;
use crate::call::{Call, unexpected};
use crate::errors::About;
use bongsu_engine::{Command, Reply};
use bongsu_wire::{ListQueuesRequest, ListQueuesResponse, Output, ServiceError};

pub(super) async fn run(call: &Call<'_>, request: ListQueuesRequest) -> Result<Output, ServiceError> {
    let page = Page::new(request.max_results, request.next_token.as_deref())?;
    let command = Command::ListQueues {
        account: call.caller.account.clone(),
        region: call.caller.region.clone(),
        prefix: request.queue_name_prefix.unwrap_or_default(),
        after: page.after.clone(),
        limit: page.limit,
    };
    match call.ask(command, About::default()).await? {
        Reply::Names { names, more } => Ok(Output::ListQueues(ListQueuesResponse {
            queue_urls: names.iter().map(|name| call.queue_url(name)).collect(),
            next_token: page.next_token(&names, more),
        })),
        other => Err(unexpected(&other)),
    }
}
