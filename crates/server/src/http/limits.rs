//! How much clients may take: connections, memory, time.

use std::time::Duration;

/// What one client, or all of them together, may take. Times are looked at once a second, so that they hold to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time, over all clients.
    pub max_connections: usize,
    /// Memory for bodies that are still being read or answered, beyond the first piece of each, over all clients.
    pub max_body_memory_bytes: usize,
    /// How long a request may wait for that memory.
    pub max_memory_wait: Duration,
    /// How long a connection may stay idle, or take to accept an answer. Longer than SDKs keep theirs, so that it is they who
    /// close and not we while they send.
    pub max_idle: Duration,
    /// How long the head of a request may take, from its first byte on.
    pub max_head: Duration,
    /// How long a body may take.
    pub max_body: Duration,
    /// How long a body may come slower than [`Limits::min_body_bytes_per_second`].
    pub max_slow_body: Duration,
    /// How fast a body has to come on average, once it has taken [`Limits::max_slow_body`].
    pub min_body_bytes_per_second: u64,
    /// How long a TLS handshake may take, from the connection's first moment on.
    pub max_handshake: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            max_body_memory_bytes: 256 << 20,
            max_memory_wait: Duration::from_secs(2),
            max_idle: Duration::from_secs(90),
            max_head: Duration::from_secs(10),
            max_body: Duration::from_secs(60),
            max_slow_body: Duration::from_secs(10),
            min_body_bytes_per_second: 1024,
            max_handshake: Duration::from_secs(10),
        }
    }
}
