//! Whether a connection is of any use: it ends when nothing was asked on it for some time. HTTP/2 has no such limit of its own.

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// The requests of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Activity(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    under_way: usize,
    /// When the last request began or ended.
    last: Instant,
}

/// A request that is under way until this is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay(Activity);

impl Activity {
    /// A connection that begins now.
    pub(crate) fn begin() -> Self {
        Self(Arc::new(Mutex::new(State { under_way: 0, last: Instant::now() })))
    }

    /// A request begins.
    pub(crate) fn request(&self) -> UnderWay {
        let mut state = self.lock();
        state.under_way += 1;
        state.last = Instant::now();
        UnderWay(self.clone())
    }

    /// Waits until there was no request for so long.
    pub(crate) async fn idle(&self, max_idle: Duration) {
        loop {
            let (is_idle, until) = {
                let state = self.lock();
                let now = Instant::now();
                match state.under_way {
                    0 => (now >= state.last + max_idle, state.last + max_idle),
                    _ => (false, now + max_idle),
                }
            };
            if is_idle {
                return;
            }
            sleep_until(until).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing is left half done by a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.under_way -= 1;
        state.last = Instant::now();
    }
}

/// An answer's body, with which its request ends.
pub(crate) struct Last {
    body: Body,
    _request: UnderWay,
}

impl Last {
    /// The body of the answer to this request.
    pub(crate) fn new(body: Body, request: UnderWay) -> Self {
        Self { body, _request: request }
    }
}

impl HttpBody for Last {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::Activity;
    use std::time::Duration;
    use tokio::time::timeout;

    const IDLE: Duration = Duration::from_millis(60);

    #[tokio::test]
    async fn a_connection_is_idle_once_its_last_request_is_over_for_so_long() {
        let activity = Activity::begin();
        let before = tokio::time::Instant::now();
        activity.idle(IDLE).await;
        assert!(before.elapsed() >= IDLE);
        let (one, other) = (activity.request(), activity.request());
        drop(one);
        assert!(timeout(4 * IDLE, activity.idle(IDLE)).await.is_err(), "one is under way");
        drop(other);
        let before = tokio::time::Instant::now();
        activity.idle(IDLE).await;
        assert!(before.elapsed() >= IDLE, "counted from its end");
    }
}
