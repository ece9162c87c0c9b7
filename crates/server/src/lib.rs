//! The edge: HTTP in, commands to the node, answers in the encoding that the request came in. One file per operation.
//!
//! Where to look: [`Server`] puts everything together; `dispatch` finds out what a request is; `operations` has one
//! file for each action (check, command, answer); `errors` is the table from the engine's refusals to the real
//! service's words; `message` is the stored form of a message; [`config`] knows every setting.
//!
//! Knows the wire's shapes and the engine's commands, and is the only place where the two meet. Must not know how a
//! journal works, nor how the engine decides: what needs a queue's state is the engine's to check, what the request
//! alone decides is checked here.

mod access;
mod admin;
mod at_work;
mod attributes;
mod audit;
mod beside;
mod call;
mod clock;
pub mod config;
mod declare;
pub mod desk;
mod dispatch;
mod documents;
pub mod entropy;
mod errors;
mod facts;
#[doc(hidden)]
pub mod fuzzing;
mod health;
mod http;
mod identity;
pub mod keys;
#[cfg(test)]
mod logged;
#[doc(hidden)]
pub mod measuring;
mod message;
mod message_attributes;
mod operations;
mod peek;
mod policy;
mod policy_json;
mod queue_url;
mod receipt;
mod server;
pub mod store;
mod traces;
pub mod watch;

pub use access::realm::RealmError;
pub use admin::offline::{PolicyOf, check_policy, new_root_key};
pub use at_work::{RequestId, current_request};
pub use audit::AuditError;
pub use bongsu_auth::seal::MasterKey;
pub use bongsu_node::{Gatherer, Node, NodeOptions, StartError as NodeStartError};
pub use declare::DeclareError;
pub use desk::Desk;
pub use http::{Limits, TlsError, TlsFiles};
pub use server::{RootKey, Server, StartError};
pub use traces::{Collector, CollectorError};
pub use watch::Watch;
