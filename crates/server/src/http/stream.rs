//! A connection that can be watched while a request is under way.
//!
//! A client that goes away should end its long poll, so that no message is handed out to nobody. hyper notices only
//! by giving up the connection at once, which would also leave those without an answer who close just their sending
//! side after the request. So hyper gets a stream that allows half-closed connections, and a long poll watches the
//! same socket itself.

use super::patience::{Patience, Waiting};
use rustix::io::Errno;
use rustix::net::{RecvFlags, Shutdown};
use std::future::pending;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// What hyper reads and writes.
///
/// Tokio's own read half does the reading: it knows that a read which leaves room in the buffer has emptied the socket,
/// and so spares a second system call for each request, which would only say that there is nothing more.
pub(super) struct SharedStream {
    read: OwnedReadHalf,
    connection: Arc<Connection>,
}

/// The same connection for everybody else: tells when the client is gone, and what is waited for.
pub(crate) struct Connection {
    write: OwnedWriteHalf,
    waiting: Waiting,
    peer: IpAddr,
}

impl SharedStream {
    pub(super) fn new(stream: TcpStream, patience: &Patience) -> (Self, Arc<Connection>) {
        // A connection without a peer is gone already.
        let peer = stream.peer_addr().map_or(IpAddr::from([0; 4]), |address| address.ip());
        let (read, write) = stream.into_split();
        let connection = Arc::new(Connection { write, waiting: patience.waiting(), peer });
        patience.watch(&connection);
        (Self { read, connection: Arc::clone(&connection) }, connection)
    }

    fn socket(&self) -> &TcpStream {
        self.connection.socket()
    }
}

impl Connection {
    /// Ends when the client has closed the connection, or at least its sending side. Where the client has already
    /// sent more (pipelining) that can't be seen, and it never ends.
    pub(crate) async fn departure(&self) {
        match self.socket().peek(&mut [0; 1]).await {
            Ok(0) | Err(_) => {}
            Ok(_) => pending().await,
        }
    }

    /// Whether that has happened already, as the system knows, which may not have told us yet.
    pub(crate) fn has_departed(&self) -> bool {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        match rustix::net::recv(self.socket(), &mut [0; 1], flags) {
            Ok((read, _)) => read == 0,
            Err(error) => error != Errno::AGAIN && error != Errno::INTR,
        }
    }

    /// Where the client is.
    pub(crate) fn peer(&self) -> IpAddr {
        self.peer
    }

    /// Whether nobody between can read what is sent.
    pub(crate) fn is_secure(&self) -> bool {
        false
    }

    pub(super) fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    /// Ends what the client sends; an answer can still go out.
    pub(super) fn hear_no_more(&self) {
        self.shut_down(Shutdown::Read);
    }

    /// Ends the connection.
    pub(super) fn hang_up(&self) {
        self.shut_down(Shutdown::Both);
    }

    fn shut_down(&self, how: Shutdown) {
        if let Err(error) = shut_down(self.socket(), how) {
            tracing::debug!(%error, "a connection was gone before it was closed");
        }
    }

    fn socket(&self) -> &TcpStream {
        self.write.as_ref()
    }
}

/// Tokio's own shutdown wants the stream for itself. This one needs no descriptor of its own: there may be none left.
fn shut_down(socket: &TcpStream, how: Shutdown) -> io::Result<()> {
    Ok(rustix::net::shutdown(socket, how)?)
}

impl AsyncRead for SharedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.read).poll_read(cx, buf)
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
        Poll::Ready(shut_down(self.socket(), Shutdown::Write))
    }
}

impl SharedStream {
    fn poll_with(
        &self,
        cx: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.socket().poll_write_ready(cx))?;
            match write(self.socket()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
    }
}
