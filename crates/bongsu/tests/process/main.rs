//! The real binary, from the outside: a process on a free port, spoken to byte by byte.

#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    clippy::disallowed_methods,
    reason = "another process can only be given time, and what it takes be measured"
)]

mod abuse;
mod actions;
mod client;
mod encodings;
mod fixture;
mod govern;
mod half_closed;
mod lifecycle;
mod peek;
mod secure;
