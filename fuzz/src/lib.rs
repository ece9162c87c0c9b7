//! The fuzz targets: one module each, with what must hold whatever the bytes are. `fuzz_targets/` hands them to libFuzzer;
//! `seeds.rs` runs each over its committed seeds, without a fuzzer.

pub mod answers;
pub mod configuration;
pub mod engine;
pub mod http;
pub mod journal;
pub mod json_request;
pub mod message;
pub mod names;
pub mod payload;
pub mod policy;
pub mod query_request;
pub mod receipt;
pub mod signature;

#[cfg(test)]
mod seeds;

/// A target: bytes in, a panic where something is wrong.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: [(&str, Target); 13] = [
    ("json_request", json_request::run),
    ("query_request", query_request::run),
    ("answers", answers::run),
    ("journal", journal::run),
    ("payload", payload::run),
    ("engine", engine::run),
    ("names", names::run),
    ("policy", policy::run),
    ("message", message::run),
    ("receipt", receipt::run),
    ("configuration", configuration::run),
    ("http", http::run),
    ("signature", signature::run),
];
