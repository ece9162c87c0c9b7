//! Connections that don't take what they asked for, and those that never ask. A stream of events that nobody reads would otherwise be kept
//! for ever, and so would a connection on which nothing is said: hyper has time limits only once it knows which HTTP is spoken.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// How long a client may take to make room for more.
const MAX_STALL: Duration = Duration::from_secs(30);

/// What a client says at least before hyper knows which HTTP it speaks: how HTTP/2 begins, and less than any request.
const BEGINNING_BYTES: usize = 24;

/// A stream whose writes fail when the other side takes nothing for too long, and whose reads do when it says nothing at first.
pub(crate) struct Patient<S> {
    stream: S,
    max_stall: Duration,
    /// How much has been read, up to the beginning's length.
    heard_bytes: usize,
    /// Armed while the beginning is waited for.
    silent: Option<Pin<Box<Sleep>>>,
    /// Armed while a write waits.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, max_stall: MAX_STALL, heard_bytes: 0, silent: None, stalled: None }
    }
}

impl<S: Unpin> Patient<S> {
    fn judge<T>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.stalled = None;
            return polled;
        }
        let max_stall = self.max_stall;
        let until = || Box::pin(tokio::time::sleep_until(Instant::now() + max_stall));
        match self.stalled.get_or_insert_with(until).as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.heard_bytes >= BEGINNING_BYTES {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.heard_bytes += buf.filled().len() - before;
        if polled.is_ready() {
            return polled;
        }
        // Not anew with each byte.
        let max_stall = self.max_stall;
        let until = || Box::pin(tokio::time::sleep_until(Instant::now() + max_stall));
        match self.silent.get_or_insert_with(until).as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.judge(cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.judge(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(cx);
        self.judge(cx, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.judge(cx, polled)
    }
}

#[cfg(test)]
mod tests {
    use super::Patient;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test]
    async fn who_takes_nothing_is_given_up() {
        let (ours, mut theirs) = tokio::io::duplex(16);
        let mut stream = Patient { max_stall: Duration::from_millis(50), ..Patient::new(ours) };
        stream.write_all(&[0; 16]).await.unwrap();
        let before = tokio::time::Instant::now();
        assert_eq!(stream.write_all(b"x").await.unwrap_err().kind(), std::io::ErrorKind::TimedOut);
        assert!(before.elapsed() >= Duration::from_millis(50));
        theirs.read_exact(&mut [0; 16]).await.unwrap();
        stream.write_all(b"again").await.unwrap();
    }

    #[tokio::test]
    async fn who_says_nothing_is_given_up() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut stream = Patient { max_stall: Duration::from_millis(100), ..Patient::new(ours) };
        theirs.write_all(&[b'x'; 23]).await.unwrap();
        stream.read_exact(&mut [0; 23]).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap_err().kind(), std::io::ErrorKind::TimedOut);
        theirs.write_all(b"x").await.unwrap();
        stream.read_u8().await.unwrap();
        let waiting = tokio::time::timeout(Duration::from_millis(300), stream.read_u8());
        assert!(waiting.await.is_err(), "later on hyper has its own limits");
    }
}
