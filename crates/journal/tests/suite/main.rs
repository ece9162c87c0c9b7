//! What every journal must do, and what the file journal does when the disk or the power fails.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
mod conformance;
mod crashes;
mod damage;
mod faults;
mod histories;
mod past_the_cache;
mod real_disk;
mod rolling;
mod sequences;
