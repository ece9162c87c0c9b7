//! The contract, held against the engine: table by table, against a naive model of SQS, and against replay.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code)]
mod bench;
mod model;

mod attributes;
mod decoding;
mod histories;
mod queues;
mod replay;
