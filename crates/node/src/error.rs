//! Why a call to the node fails.

use bongsu_engine::EngineError;

/// Why a call got no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The engine refused it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The store can't serve it now; it may be tried again.
    #[error("{0}")]
    Unavailable(String),
    /// The node is shutting down.
    #[error("the server is shutting down")]
    ShuttingDown,
}
