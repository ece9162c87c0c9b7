//! One request and its answer on a connection: the connection itself, or a stream of an HTTP/2 connection.

use super::patience::{Phase, Waiting};
use super::stream::Connection;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// How much of an answer is given to an HTTP/2 stream at a time. What was given is out of sight, so that who doesn't take an
/// answer is found by the rest.
const STREAM_PIECE_BYTES: usize = 16 * 1024;

/// A request under way.
pub(crate) struct Exchange {
    connection: Arc<Connection>,
    stream: Option<Arc<Stream>>,
}

/// A request under way on an HTTP/2 connection. The connection knows it as long as it lives.
pub(super) struct Stream {
    connection: Arc<Connection>,
    waiting: Waiting,
}

impl Exchange {
    /// The next one on a connection that carries one at a time.
    pub(super) fn sole(connection: &Arc<Connection>) -> Self {
        connection.waiting().enter(Phase::Answer);
        Self { connection: Arc::clone(connection), stream: None }
    }

    /// One of several.
    pub(super) fn stream(connection: &Arc<Connection>) -> Self {
        Self { connection: Arc::clone(connection), stream: Some(connection.begin_stream()) }
    }

    /// What it takes place on.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn waiting(&self) -> &Waiting {
        self.stream.as_ref().map_or(self.connection.waiting(), |stream| &stream.waiting)
    }

    /// Whether others on the same connection have to be left alone when this one is ended.
    pub(super) fn is_stream(&self) -> bool {
        self.stream.is_some()
    }

    /// The answer is there: from now on it is the client that is waited for.
    pub(super) fn answer(self, body: Bytes) -> AnswerBody {
        self.waiting().enter(Phase::Idle);
        AnswerBody { rest: body, stream: self.stream, begun: false }
    }
}

impl Clone for Exchange {
    fn clone(&self) -> Self {
        Self { connection: Arc::clone(&self.connection), stream: self.stream.clone() }
    }
}

impl Stream {
    pub(super) fn new(connection: Arc<Connection>, waiting: Waiting) -> Arc<Self> {
        Arc::new(Self { connection, waiting })
    }

    pub(super) fn waiting(&self) -> &Waiting {
        &self.waiting
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.connection.end_stream();
    }
}

/// An answer's body on its way out.
pub(super) struct AnswerBody {
    rest: Bytes,
    stream: Option<Arc<Stream>>,
    /// Whether a piece of it is on its way.
    begun: bool,
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let this = &mut *self;
        let piece = match &this.stream {
            None => std::mem::take(&mut this.rest),
            Some(stream) => {
                if !this.begun {
                    // Once: a client that takes piece after piece at the last moment would otherwise have the memory for hours.
                    stream.waiting.enter(Phase::Idle);
                }
                let piece_bytes = this.rest.len().min(STREAM_PIECE_BYTES);
                this.rest.split_to(piece_bytes)
            }
        };
        this.begun = true;
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
