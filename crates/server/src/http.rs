//! The HTTP side: listening, connections, bodies, and what an answer looks like on the wire. What a request means
//! is decided in [`crate::dispatch`].

mod admission;
mod answer;
mod body;
mod exchange;
mod limits;
mod listener;
mod memory;
mod patience;
mod serving;
mod stream;
mod tls;

pub(crate) use answer::{Answer, Encoding, encoding_of};
pub(crate) use body::{BodyError, RequestBody, read_body};
pub(crate) use exchange::Exchange;
pub use limits::Limits;
pub(crate) use listener::serve;
pub(crate) use stream::Connection;
pub(crate) use tls::Certificates;
pub use tls::{TlsError, TlsFiles};

#[cfg(test)]
mod tests;
