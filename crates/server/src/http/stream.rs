//! A connection that can be watched while a request is under way.
//!
//! A client that goes away should end its long poll, so that no message is handed out to nobody. hyper notices only
//! by giving up the connection at once, which would also leave those without an answer who close just their sending
//! side after the request. So hyper gets a stream that allows half-closed connections, and a long poll watches the
//! same socket itself.

use std::future::pending;
use std::io;
use std::net::Shutdown;
use std::os::fd::AsFd as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// One of several handles to a connection: the one that reads and writes.
pub(super) struct SharedStream(Arc<TcpStream>);

/// The other handle: tells when the client is gone.
#[derive(Clone)]
pub(crate) struct Departure(Arc<TcpStream>);

impl SharedStream {
    pub(super) fn new(stream: TcpStream) -> (Self, Departure) {
        let stream = Arc::new(stream);
        (Self(Arc::clone(&stream)), Departure(stream))
    }
}

impl Departure {
    /// Ends when the client has closed the connection, or at least its sending side. Where the client has already
    /// sent more (pipelining) that can't be seen, and it never ends.
    pub(crate) async fn wait(&self) {
        match self.0.peek(&mut [0; 1]).await {
            Ok(0) | Err(_) => {}
            Ok(_) => pending().await,
        }
    }
}

impl AsyncRead for SharedStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.poll_read_ready(cx))?;
            match self.0.try_read_buf(buf) {
                Ok(_) => return Poll::Ready(Ok(())),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for SharedStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_with(cx, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_with(cx, |stream| stream.try_write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A socket has no buffer of ours.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Tokio's own shutdown wants the stream for itself; a second descriptor reaches the same socket.
        let socket = std::net::TcpStream::from(self.0.as_fd().try_clone_to_owned()?);
        Poll::Ready(socket.shutdown(Shutdown::Write))
    }
}

impl SharedStream {
    fn poll_with(
        &self,
        cx: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(cx))?;
            match write(&self.0) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
    }
}
