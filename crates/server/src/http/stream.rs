//! A connection that can be watched while a request is under way.
//!
//! A client that goes away should end its long poll, so that no message is handed out to nobody. hyper notices only
//! by giving up the connection at once, which would also leave those without an answer who close just their sending
//! side after the request. So hyper gets a stream that allows half-closed connections, and a long poll watches the
//! same socket itself. Under TLS and HTTP/2 the socket alone doesn't tell (a farewell is data there too); nobody half-closes
//! those, and so there it is hyper that notices and drops the request.

use super::exchange::Stream;
use super::memory::BodyMemory;
use super::patience::{Patience, Phase, Rules, Waiting};
use crate::watch::OpenConnection;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, Shutdown};
use std::future::pending;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::OwnedSemaphorePermit;

/// What hyper, or TLS below it, reads and writes.
///
/// Tokio's own read half does the reading: it knows that a read which leaves room in the buffer has emptied the socket,
/// and so spares a second system call for each request, which would only say that there is nothing more.
pub(super) struct SharedStream {
    read: OwnedReadHalf,
    connection: Arc<Connection>,
}

/// The same connection for everybody else: tells who the client is and when it is gone, and what is waited for.
pub(crate) struct Connection {
    write: OwnedWriteHalf,
    peer: IpAddr,
    is_secure: bool,
    /// Whether it is hyper that notices that the client is gone.
    is_framed: AtomicBool,
    waiting: Waiting,
    /// The requests under way of an HTTP/2 connection.
    streams: Mutex<Vec<Weak<Stream>>>,
    rules: Arc<Rules>,
    memory: BodyMemory,
    /// Given back when the descriptor is.
    _place: OwnedSemaphorePermit,
    _counted: OpenConnection,
}

/// What a connection is given when it is accepted.
pub(super) struct Admission {
    pub(super) peer: IpAddr,
    pub(super) is_secure: bool,
    pub(super) memory: BodyMemory,
    pub(super) place: OwnedSemaphorePermit,
    pub(super) counted: OpenConnection,
}

impl SharedStream {
    pub(super) fn new(
        stream: TcpStream,
        admission: Admission,
        patience: &Patience,
    ) -> (Self, Arc<Connection>) {
        let (read, write) = stream.into_split();
        let Admission { peer, is_secure, memory, place, counted } = admission;
        let connection = Arc::new(Connection {
            write,
            peer,
            is_secure,
            is_framed: AtomicBool::new(is_secure),
            waiting: Waiting::new(patience.rules(), Phase::New),
            streams: Mutex::default(),
            rules: Arc::clone(patience.rules()),
            memory,
            _place: place,
            _counted: counted,
        });
        patience.watch(&connection);
        (Self { read, connection: Arc::clone(&connection) }, connection)
    }

    fn socket(&self) -> &TcpStream {
        self.connection.socket()
    }
}

impl Connection {
    /// The client's address, or that of the last proxy before us.
    pub(crate) fn peer(&self) -> IpAddr {
        self.peer
    }

    /// Whether TLS protects the connection.
    pub(crate) fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// Ends when the client has closed the connection, or at least its sending side. Where the client has already
    /// sent more (pipelining) that can't be seen, and it never ends; nor does it where hyper drops the request instead.
    pub(crate) async fn departure(&self) {
        if self.is_framed() {
            return pending().await;
        }
        match self.socket().peek(&mut [0; 1]).await {
            Ok(0) | Err(_) => {}
            Ok(_) => pending().await,
        }
    }

    /// Whether that has happened already, as the system knows, which may not have told us yet.
    pub(crate) fn has_departed(&self) -> bool {
        if self.is_framed() {
            return self.is_half_closed();
        }
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        match rustix::net::recv(self.socket(), &mut [0; 1], flags) {
            Ok((read, _)) => read == 0,
            Err(error) => error != Errno::AGAIN && error != Errno::INTR,
        }
    }

    /// Whether the client has closed its sending side, whatever it has sent before that and nobody read yet.
    fn is_half_closed(&self) -> bool {
        let gone = PollFlags::HUP | PollFlags::ERR;
        #[cfg(target_os = "linux")]
        let gone = gone | PollFlags::RDHUP;
        let mut sockets = [PollFd::new(self.socket(), gone)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut sockets, Some(&now)).is_ok_and(|found| found > 0)
    }

    fn is_framed(&self) -> bool {
        self.is_framed.load(Ordering::Relaxed)
    }

    /// From now on the connection carries HTTP/2.
    pub(super) fn begin_streams(&self) {
        self.is_framed.store(true, Ordering::Relaxed);
        self.waiting.enter(Phase::NoStream);
    }

    /// A request of an HTTP/2 connection begins.
    pub(super) fn begin_stream(self: &Arc<Self>) -> Arc<Stream> {
        let stream = Stream::new(Arc::clone(self), Waiting::new(&self.rules, Phase::Answer));
        let mut streams = self.streams();
        streams.push(Arc::downgrade(&stream));
        self.waiting.enter(Phase::Answer);
        stream
    }

    /// A request of an HTTP/2 connection has ended, in whichever way.
    pub(super) fn end_stream(&self) {
        let mut streams = self.streams();
        streams.retain(|stream| stream.strong_count() > 0);
        if streams.is_empty() {
            self.waiting.enter(Phase::NoStream);
        }
    }

    /// Ends what has lasted too long.
    pub(super) fn lose_patience(&self) {
        match self.waiting.overdue() {
            Some(Phase::Body) => self.hear_no_more(),
            Some(_) => self.hang_up(),
            // Who doesn't take one stream's answer doesn't get the others' either: it would hold the memory of all. Slow bodies are
            // ended by those who read them.
            None => {
                let is_stuck = |stream: &Weak<Stream>| {
                    stream.upgrade().is_some_and(|stream| stream.waiting().overdue() == Some(Phase::Idle))
                };
                let streams: Vec<_> = self.streams().iter().map(Weak::clone).collect();
                if streams.iter().any(is_stuck) {
                    self.hang_up();
                }
            }
        }
    }

    pub(super) fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    pub(super) fn memory(&self) -> &BodyMemory {
        &self.memory
    }

    /// Waits for what the client sends first, and looks at it without taking it.
    pub(super) async fn first_bytes(&self, bytes: &mut [u8]) -> io::Result<usize> {
        self.socket().peek(bytes).await
    }

    /// Takes what has come, up to a small request, and leaves it at that.
    pub(super) fn take_some(&self) -> io::Result<usize> {
        self.socket().try_read(&mut [0; 4096])
    }

    /// Sends as much as goes out at once.
    pub(super) fn say(&self, text: &[u8]) {
        // Who doesn't get it is told by the end of the connection.
        let _ = self.socket().try_write(text);
    }

    /// Ends what the client sends; an answer can still go out.
    fn hear_no_more(&self) {
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

    fn streams(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Stream>>> {
        // Nothing here is left half done by a panic.
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
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
        let before = buf.filled().len();
        let result = Pin::new(&mut self.read).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.connection.waiting.hear();
        }
        result
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
