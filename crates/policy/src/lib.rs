//! What a caller may do: IAM policies, read once, and a request decided by them as a pure function.
//!
//! [`Document::parse`] reads a policy and works out all that does not depend on a request; [`evaluate`] decides a
//! [`Request`] by the caller's identity policies and the resource's policy, and says which statement decided.
//!
//! Must not know: who a caller is and how that was proved, queues, HTTP, files, the clock (`aws:CurrentTime` comes with
//! the request's [`Context`], like every other key).
//!
//! Where to look: `document` and `statement` read a policy; `principal`, `template` (wildcards and variables) and
//! `operators` (conditions) are what a statement is made of; `values` reads dates, numbers, ranges; `evaluate` is
//! the logic between policies, `decision` its result.

mod context;
mod decision;
mod document;
mod error;
mod evaluate;
mod json;
mod operators;
mod principal;
mod statement;
mod template;
mod values;

pub use context::{Context, NoContext, Value, Values};
pub use decision::{Decision, Denial, Grant, Missing, PolicyRef, StatementRef};
pub use document::{Document, Kind, Limits};
pub use error::PolicyError;
pub use evaluate::{Principal, Request, evaluate};
