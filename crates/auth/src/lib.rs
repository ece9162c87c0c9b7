//! Who a caller is, and what is sealed before it is stored: pure functions over bytes that somebody else received.
//!
//! [`signature`] checks AWS Signature Version 4, [`secrets`] has the keys that callers sign with and the names of their
//! owners, [`seal`] encrypts secrets and message bodies. The time, random bytes and the lookup of a key are arguments.
//!
//! Knows nothing of queues, of HTTP servers, of files, of the clock, of where keys are kept. What a caller may do is
//! not decided here.

mod hash;
pub mod seal;
pub mod secrets;
pub mod signature;
