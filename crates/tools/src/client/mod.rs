//! Speaking to a service as any client does.
//!
//! `target` has the options that say where a service is and who asks; `access` makes of them, the environment and the files of the
//! AWS CLI (`profile`) what a client needs; `caller` asks, `refusal` says what to do about a refusal. Below them `http`,
//! `sign`, `tls` and `date`, which the load generator uses too.

pub mod access;
pub mod caller;
pub mod date;
pub mod http;
pub mod profile;
pub mod refusal;
pub mod sign;
pub mod target;
pub mod tls;

pub use access::{Access, Surroundings};
pub use caller::{Caller, Request, Service};
pub use refusal::CallError;
pub use target::Target;
