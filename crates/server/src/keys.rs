//! What seals: the store's master key, and what it seals.

pub mod master;
pub(crate) mod service;
