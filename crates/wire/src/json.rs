//! AWS JSON 1.0: `{"Member": …}` in, `{"Member": …}` out, errors with a `__type` and a header for callers who
//! match on the legacy code.

mod decode;
mod encode;
mod plain;
#[cfg(test)]
mod tests;

pub(crate) use decode::BASE64;
pub use decode::decode_json;
pub(crate) use encode::JsonSink;
pub use encode::{encode_json, error_json};
