//! What policies decide: a table of cases, a second evaluator that has to agree with the first, and properties.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod asking;
mod conditions;
mod decisions;
mod generated;
mod naive;
mod properties;
