//! The wire: AWS's shapes, its table of errors, and the two encodings of one contract, AWS JSON 1.0 and AWS
//! Query. Bytes in, types out, and back.
//!
//! Knows the API model of Amazon SQS (version 2012-11-05) and nothing else. It must not know how queues
//! behave (ranges, names, limits, which attributes there are), HTTP servers (headers and paths come in as
//! text, go out as text), or files.
//!
//! Where to look: [`operations`] has one file per action with its shapes; `fields` and `sink` are how those
//! files read and write, and the folders `json` and `query` implement both for an encoding; [`error`] is the
//! table of errors.

pub mod error;
mod fields;
mod json;
pub mod md5;
pub mod operations;
mod query;
mod scan;
mod shapes;
mod sink;

pub use error::{ErrorKind, ServiceError};
pub use json::{decode_json, encode_json, error_json};
pub use operations::*;
pub use query::{decode_query, encode_query_json, encode_xml, error_query_json, error_xml};
pub use shapes::{BatchResultErrorEntry, MessageAttributeValue, MessageAttributes, StringMap};
