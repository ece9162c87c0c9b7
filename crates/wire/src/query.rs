//! AWS Query: form parameters in, XML out (or JSON, for callers who accept it), which is what SDKs of before
//! November 2023 and anything that calls by URL speak.

mod decode;
mod encode;
mod encode_json;
#[cfg(test)]
mod tests;

pub use decode::decode_query;
pub use encode::{encode_xml, error_xml};
pub use encode_json::{encode_query_json, error_query_json};
