//! Which request a thread is at work for, so that each line of the log can say it.
//!
//! A span of `tracing` for each request would do the same for about a microsecond; this costs two stores in memory each time the
//! request goes on.

use pin_project_lite::pin_project;
use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A request's id as clients see it.
pub type RequestId = [u8; 36];

thread_local! {
    static CURRENT: Cell<Option<RequestId>> = const { Cell::new(None) };
}

/// The request that this thread is at work for.
pub fn current_request() -> Option<RequestId> {
    CURRENT.get()
}

pin_project! {
    /// Work for a request.
    pub(crate) struct AtWork<F> {
        #[pin]
        work: F,
        request: Option<RequestId>,
    }
}

/// Lets what `work` logs be known as this request's.
pub(crate) fn for_request<F: Future>(request_id: &str, work: F) -> AtWork<F> {
    AtWork { work, request: request_id.as_bytes().try_into().ok() }
}

/// Sets back what was there, also where the work panics.
struct Restore(Option<RequestId>);

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

impl<F: Future> Future for AtWork<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _restore = Restore(CURRENT.replace(*this.request));
        this.work.poll(cx)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{current_request, for_request};
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    const ID: &str = "6f1e2d3c-0b5a-4f5e-8d7c-9b8a7f6e5d4c";

    #[tokio::test]
    async fn a_request_is_known_while_it_is_worked_for() {
        assert_eq!(current_request(), None);
        let mut turns = 0;
        let work = std::future::poll_fn(|_| {
            assert_eq!(current_request().unwrap(), *ID.as_bytes());
            turns += 1;
            if turns < 3 { Poll::Pending } else { Poll::Ready(()) }
        });
        let mut work = pin!(for_request(ID, work));
        let mut context = Context::from_waker(Waker::noop());
        while work.as_mut().poll(&mut context).is_pending() {
            assert_eq!(current_request(), None, "others have their turn");
        }
        assert_eq!(current_request(), None);
    }

    #[test]
    fn a_panic_leaves_nothing_behind() {
        let work = std::future::poll_fn(|_| -> Poll<()> { panic!("on purpose") });
        let mut work = pin!(for_request(ID, work));
        let poll = || work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        assert!(catch_unwind(AssertUnwindSafe(poll)).is_err());
        assert_eq!(current_request(), None);
    }
}
