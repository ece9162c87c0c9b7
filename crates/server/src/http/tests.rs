//! The listener over real sockets, with limits that tests needn't wait long for.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bodies;
mod connections;
mod fixture;
mod http2;
mod secure;
