//! The HTTP side: listening, connections, bodies, and what an answer looks like on the wire. What a request means
//! is decided in [`crate::dispatch`].

mod answer;
mod body;
mod listener;
mod patience;
mod stream;

pub(crate) use answer::{Answer, Encoding, encoding_of};
pub(crate) use body::{BodyError, read_body};
pub(crate) use listener::serve;
pub(crate) use stream::Connection;
