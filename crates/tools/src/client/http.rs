//! As little HTTP/1.1 as a load generator or a command can do with: requests come rendered, of answers only the status and the body
//! are looked at. Keep-alive where the server allows it, bodies with a length, in chunks, or up to the end.

use super::tls::Tls;
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// Larger than ten messages of usual size, so that an answer is read in one piece.
const FIRST_BUFFER_BYTES: usize = 32 * 1024;
/// No answer of SQS comes near; whoever sends more is not a queue.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// Where requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Whether it speaks TLS.
    pub is_secure: bool,
    /// The Host header: host, and port if it is not the usual one.
    pub host: String,
    /// Host and port.
    pub address: String,
    /// The path, `/` at least.
    pub path: String,
}

impl Endpoint {
    /// # Errors
    /// Says what is wrong with the URL.
    pub fn parse(url: &str) -> Result<Self, String> {
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let (is_secure, port) = match scheme {
            "http" => (false, 80),
            "https" => (true, 443),
            _ => return Err(format!("an endpoint is a URL like http://127.0.0.1:9324, not {url}")),
        };
        let (host, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
        if host.is_empty() || host.contains(['@', '?', '#', ' ']) || path.contains(['?', '#', ' ']) {
            return Err(format!("not an endpoint: {url}"));
        }
        let has_port = host.rfind(':').is_some_and(|at| host[at..].len() > 1 && !host[at..].contains(']'));
        let address =
            if has_port { host.to_owned() } else { format!("{}:{port}", host.trim_end_matches(':')) };
        Ok(Self { is_secure, host: host.to_owned(), address, path: path.to_owned() })
    }
}

/// One connection; it is opened when it is first needed and again after it failed.
pub struct Connection {
    address: SocketAddr,
    tls: Option<Tls>,
    stream: Option<Stream>,
    buffer: Vec<u8>,
}

enum Stream {
    Plain(TcpStream),
    Secure(Box<TlsStream<TcpStream>>),
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// HTTP's.
    pub status: u16,
    /// All of it.
    pub body: &'a [u8],
}

impl Connection {
    /// One that is opened when it is first needed.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self { address, tls: None, stream: None, buffer: vec![0; FIRST_BUFFER_BYTES] }
    }

    /// One that speaks TLS.
    #[must_use]
    pub fn secure(address: SocketAddr, tls: Tls) -> Self {
        Self { tls: Some(tls), ..Self::new(address) }
    }

    /// Who is at the other end.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends the connection; the next exchange opens a new one.
    pub fn close(&mut self) {
        self.stream = None;
    }

    /// Opens the connection, if it isn't open.
    ///
    /// # Errors
    /// Nobody listens, or it is nobody to trust.
    pub async fn open(&mut self) -> io::Result<()> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address).await?;
            stream.set_nodelay(true)?;
            self.stream = Some(match &self.tls {
                None => Stream::Plain(stream),
                Some(tls) => Stream::Secure(Box::new(tls.wrap(stream).await?)),
            });
        }
        Ok(())
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// The connection broke, or what came is not HTTP; the next exchange opens a new one.
    pub async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.open().await?;
        let Some(stream) = &mut self.stream else { return Err(io::ErrorKind::NotConnected.into()) };
        let end = match stream {
            Stream::Plain(stream) => run(stream, &mut self.buffer, request).await,
            Stream::Secure(stream) => run(stream.as_mut(), &mut self.buffer, request).await,
        };
        match end {
            Ok(end) => {
                if !end.keep_alive {
                    self.stream = None;
                }
                Ok(Answer { status: end.status, body: &self.buffer[end.body] })
            }
            Err(error) => {
                self.stream = None;
                Err(error)
            }
        }
    }
}

struct End {
    status: u16,
    body: std::ops::Range<usize>,
    keep_alive: bool,
}

async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    buffer: &mut Vec<u8>,
    request: &[u8],
) -> io::Result<End> {
    stream.write_all(request).await?;
    stream.flush().await?;
    let mut filled = 0;
    let head = loop {
        if let Some(head) = Head::parse(&buffer[..filled])? {
            break head;
        }
        if read_more(stream, buffer, &mut filled).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let Head { bytes: start, status, keep_alive, length } = head;
    match length {
        Length::Bytes(length) => {
            let end =
                start.checked_add(length).filter(|end| *end <= MAX_ANSWER_BYTES).ok_or_else(too_long)?;
            while filled < end {
                if read_more(stream, buffer, &mut filled).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            Ok(End { status, body: start..end, keep_alive })
        }
        Length::Chunks => loop {
            if let Some(length) = join_chunks(&mut buffer[start..filled])? {
                return Ok(End { status, body: start..start + length, keep_alive });
            }
            if read_more(stream, buffer, &mut filled).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        },
        Length::UntilClosed => {
            while read_more(stream, buffer, &mut filled).await? > 0 {}
            Ok(End { status, body: start..filled, keep_alive: false })
        }
    }
}

async fn read_more<S: AsyncRead + Unpin>(
    stream: &mut S,
    buffer: &mut Vec<u8>,
    filled: &mut usize,
) -> io::Result<usize> {
    if *filled == buffer.len() {
        if *filled >= MAX_ANSWER_BYTES {
            return Err(too_long());
        }
        buffer.resize(buffer.len() * 2, 0);
    }
    let read = stream.read(&mut buffer[*filled..]).await?;
    *filled += read;
    Ok(read)
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "an answer of more than 64 MiB")
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not HTTP: {what}"))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Bytes(usize),
    Chunks,
    UntilClosed,
}

#[derive(Debug, PartialEq, Eq)]
struct Head {
    bytes: usize,
    status: u16,
    length: Length,
    keep_alive: bool,
}

impl Head {
    /// `None`: not all there yet.
    fn parse(bytes: &[u8]) -> io::Result<Option<Self>> {
        let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else { return Ok(None) };
        let text = std::str::from_utf8(&bytes[..end]).map_err(|_| invalid("a head that is not text"))?;
        let mut lines = text.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let status = first.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse().ok());
        let status = status.ok_or_else(|| invalid("no status"))?;
        let mut head = Self {
            bytes: end + 4,
            status,
            length: Length::UntilClosed,
            keep_alive: first.starts_with("HTTP/1.1"),
        };
        for line in lines {
            let (name, value) = line.split_once(':').ok_or_else(|| invalid("a header without a colon"))?;
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                head.length =
                    Length::Bytes(value.parse().map_err(|_| invalid("a length that is no number"))?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") && value.eq_ignore_ascii_case("chunked")
            {
                head.length = Length::Chunks;
            } else if name.eq_ignore_ascii_case("connection") {
                head.keep_alive = !value.eq_ignore_ascii_case("close");
            }
        }
        Ok(Some(head))
    }
}

/// Moves the content of chunks together at the front and says how long it is; `None` (and nothing moved): the last one
/// is not there yet.
fn join_chunks(bytes: &mut [u8]) -> io::Result<Option<usize>> {
    let mut chunks = Vec::new();
    let mut at = 0;
    loop {
        let Some(line) = memchr::memmem::find(&bytes[at..], b"\r\n") else { return Ok(None) };
        let size = std::str::from_utf8(&bytes[at..at + line]).ok().and_then(|text| text.split(';').next());
        let size = size.and_then(|text| usize::from_str_radix(text.trim(), 16).ok());
        let size =
            size.filter(|size| *size <= MAX_ANSWER_BYTES).ok_or_else(|| invalid("a chunk without a size"))?;
        let start = at + line + 2;
        if start + size + 2 > bytes.len() {
            return Ok(None);
        }
        if size == 0 {
            break;
        }
        chunks.push(start..start + size);
        at = start + size + 2;
    }
    let mut length = 0;
    for chunk in chunks {
        let size = chunk.len();
        bytes.copy_within(chunk, length);
        length += size;
    }
    Ok(Some(length))
}

#[cfg(test)]
mod tests {
    use super::{Answer, Connection, Endpoint};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    #[test]
    fn endpoints_are_told_apart() {
        let parse = |url| Endpoint::parse(url).map(|found| (found.host, found.address, found.path));
        let found = |host: &str, address: &str, path: &str| Ok((host.into(), address.into(), path.into()));
        assert_eq!(parse("http://127.0.0.1:9324"), found("127.0.0.1:9324", "127.0.0.1:9324", "/"));
        assert_eq!(parse("http://localhost/sqs/"), found("localhost", "localhost:80", "/sqs/"));
        assert_eq!(parse("http://[::1]"), found("[::1]", "[::1]:80", "/"));
        assert_eq!(parse("http://[::1]:1/"), found("[::1]:1", "[::1]:1", "/"));
        assert_eq!(parse("https://h.example"), found("h.example", "h.example:443", "/"));
        assert!(
            Endpoint::parse("https://h").unwrap().is_secure
                && !Endpoint::parse("http://h").unwrap().is_secure
        );
        for wrong in ["127.0.0.1:9324", "http://", "http://a b", "http://u@h", "ftp://h"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    /// Serves each connection one of the answers, in pieces of so many bytes, and closes it.
    async fn serve(answers: Vec<&'static str>, piece_bytes: usize) -> Connection {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.read_exact(&mut [0; 4]).await.unwrap();
                for piece in answer.as_bytes().chunks(piece_bytes) {
                    stream.write_all(piece).await.unwrap();
                    stream.flush().await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
        });
        Connection::new(address)
    }

    #[tokio::test]
    async fn bodies_of_every_kind_are_read_in_every_piece_size() {
        let with_length = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
        let in_chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
            3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
        let until_closed = "HTTP/1.0 200 OK\r\nServer: old\r\n\r\nhello";
        for piece_bytes in 1..60 {
            let mut connection = serve(vec![with_length, in_chunks, until_closed], piece_bytes).await;
            for _ in 0..3 {
                let answer = connection.exchange(b"ping").await.unwrap();
                assert_eq!(answer, Answer { status: 200, body: b"hello" });
            }
        }
    }

    #[tokio::test]
    async fn a_connection_that_broke_is_opened_again() {
        let broken = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel";
        let whole = "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n";
        let mut connection = serve(vec![broken, "SSH-2.0\r\n\r\n", whole], 100).await;
        assert!(connection.exchange(b"ping").await.is_err());
        assert!(connection.exchange(b"ping").await.is_err());
        assert_eq!(connection.exchange(b"ping").await.unwrap(), Answer { status: 503, body: b"" });
    }

    #[tokio::test]
    async fn an_answer_larger_than_the_buffer_is_read() {
        let body = "x".repeat(200_000);
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let mut connection = serve(vec![answer.leak()], 7_000).await;
        assert_eq!(connection.exchange(b"ping").await.unwrap().body, body.as_bytes());
    }
}
