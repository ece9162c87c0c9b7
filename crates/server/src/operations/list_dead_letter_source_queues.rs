//! ListDeadLetterSourceQueues.

use super::page::Page;
use crate::call::{Call, unexpected};
use crate::errors::About;
use bongsu_engine::{Command, Reply};
use bongsu_wire::{
    ListDeadLetterSourceQueuesRequest, ListDeadLetterSourceQueuesResponse, Output, ServiceError,
};

pub(super) async fn run(
    call: &Call<'_>,
    request: ListDeadLetterSourceQueuesRequest,
) -> Result<Output, ServiceError> {
    let name = call.queue(&request.queue_url)?;
    let page = Page::new(request.max_results, request.next_token.as_deref())?;
    let command = Command::ListSources { name, after: page.after.clone(), limit: page.limit };
    match call.ask(command, About::default()).await? {
        Reply::Names { names, more } => {
            Ok(Output::ListDeadLetterSourceQueues(ListDeadLetterSourceQueuesResponse {
                queue_urls: names.iter().map(|name| call.queue_url(name)).collect(),
                next_token: page.next_token(&names, more),
            }))
        }
        other => Err(unexpected(&other)),
    }
}
