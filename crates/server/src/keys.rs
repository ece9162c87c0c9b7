//! What seals: the store's master key, the KMS keys that it seals, the data keys that those seal, and with the data keys
//! every message.
//!
//! `master` gets the master key and `check` makes sure that it is the store's, or replaces it; `kms` has the keys and
//! aliases as the store keeps them, `names` how callers name them; `data` has the data keys; `sealing` is where sending and
//! receiving meet all of this; `blob` is what callers seal themselves; `service` is the API of AWS KMS; `upkeep` does what is due.

mod blob;
pub mod check;
mod data;
mod kms;
pub mod master;
mod names;
mod sealing;
pub(crate) mod service;
mod upkeep;

pub(crate) use blob::{Blob, EncryptionContext};
pub(crate) use data::{OpeningKey, SealingKey};
pub use kms::KeysError;
pub(crate) use kms::{Keys, KmsKey};
pub(crate) use sealing::{Opener, QueueSealing, Sealing, Unread};
