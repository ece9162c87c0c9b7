//! A receive that may have to wait, and what has to hold when it ends.

use crate::call::Call;
use crate::errors::{About, from_call, throttled};
use bongsu_engine::Receive;
use bongsu_node::{CallError, Received};
use bongsu_wire::ServiceError;
use std::sync::Arc;
use std::time::Duration;

/// An answer that takes longer than this is one that waits for messages.
const UNWATCHED: Duration = Duration::from_millis(100);

/// Receives; `None` where the client went away while it waited: nobody is there to read an answer, so better
/// nothing is handed out.
///
/// The client is only watched once it has to wait: one that has closed its sending side looks as if it were gone,
/// and still gets what is there at once.
///
/// # Errors
/// What the engine refuses; `RequestThrottled` where the caller waits too often already; `AccessDenied` where it may not receive any
/// more when there is something.
pub(super) async fn receive(
    call: &Call<'_>,
    receive: Receive,
    about: About<'_>,
) -> Result<Option<Received>, ServiceError> {
    let mut receiving = Box::pin(call.edge.node.receive(receive));
    match tokio::time::timeout(UNWATCHED, receiving.as_mut()).await {
        Ok(received) => received.map(Some).map_err(|error| from_call(error, about)),
        Err(_) => Box::pin(wait(call, receiving, about)).await,
    }
}

async fn wait(
    call: &Call<'_>,
    receiving: impl Future<Output = Result<Received, CallError>>,
    about: About<'_>,
) -> Result<Option<Received>, ServiceError> {
    let Some(_counted) = call.edge.access.shares.begin_poll(call.caller) else { return Err(throttled()) };
    let _shown = call.edge.watch.begin_long_poll(
        call.watching.counters().map(Arc::clone),
        call.caller,
        call.user_agent(),
    );
    let since_ns = call.edge.watch.now_ns();
    let outcome = tokio::select! {
        received = receiving => Some(received),
        () = call.connection.departure() => None,
    };
    // However it ended: a client that gives up, or a queue that is deleted, made nobody work for that long.
    let waited_ns = call.edge.watch.now_ns().saturating_sub(since_ns);
    call.watching.waited(waited_ns + UNWATCHED.as_nanos() as u64);
    let Some(received) = outcome else { return Ok(None) };
    let received = received.map_err(|error| from_call(error, about))?;
    if received.deliveries.is_empty() {
        return Ok(Some(received));
    }
    // The client may have gone away just before there was something for it. What it was to get goes back to where it was.
    if call.connection.has_departed() {
        call.edge.node.give_back(&received);
        return Ok(None);
    }
    // What was allowed when the wait began may have been forbidden meanwhile.
    if let Err(error) = call.permit_still_to_receive(&received.queue).await {
        call.edge.node.give_back(&received);
        return Err(error);
    }
    Ok(Some(received))
}
