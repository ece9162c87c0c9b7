//! Speaking to a service as any client does: HTTP, and signatures. For the load generator and for the commands that govern a
//! server; knows nothing of this project's crates.

pub(crate) mod date;
pub(crate) mod http;
pub(crate) mod sign;
pub(crate) mod tls;
