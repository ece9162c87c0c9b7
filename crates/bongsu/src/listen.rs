//! Listening, with room for many who connect at once.

use std::io;
use tokio::net::{TcpListener, TcpSocket, lookup_host};

/// Connections that may wait to be accepted, as far as the system allows. Where the line is full a client isn't heard, and tries
/// again only after a second.
const MAX_WAITING: u32 = 4096;

/// Listens on the first of the addresses that a text such as `127.0.0.1:9324` or `localhost:0` stands for and that can be had.
pub(crate) async fn listen(address: &str) -> io::Result<TcpListener> {
    let mut result = Err(io::Error::new(io::ErrorKind::InvalidInput, "it stands for no address"));
    for address in lookup_host(address).await? {
        result = bind(address);
        if result.is_ok() {
            break;
        }
    }
    result
}

fn bind(address: std::net::SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A server that is started again finds its port free; one that runs keeps it.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(MAX_WAITING)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::listen;

    #[tokio::test]
    async fn many_connect_before_anybody_accepts() {
        let listener = listen("localhost:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connect = || tokio::net::TcpStream::connect(address);
        let mut streams = Vec::new();
        for _ in 0..400 {
            // Those beyond the line would wait a second and more each.
            streams.push(
                tokio::time::timeout(std::time::Duration::from_secs(60), connect()).await.unwrap().unwrap(),
            );
        }
        assert!(listen(&address.to_string()).await.is_err(), "the port is taken");
        assert!(listen("nonsense").await.is_err());
    }
}
