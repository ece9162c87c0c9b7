//! The contract, held against the engine: table by table, against a naive model of SQS, and against replay.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bench;
mod model;

mod attributes;
mod dead_letters;
mod decoding;
mod deduplication;
mod discard;
mod fair;
mod fifo;
mod histories;
mod move_tasks;
mod operate;
mod queues;
mod receipts;
mod registry;
mod replay;
