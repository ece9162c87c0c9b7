//! A store looked at and mended without being served: the node's tools, and what this crate knows of stored messages.

use crate::message::{StoredMessage, VERSION};
pub use bongsu_node::StepSizes;
pub use bongsu_node::offline::*;

/// The version of a stored message.
pub const MESSAGE_VERSION: u8 = VERSION;

/// Whether these bytes are a stored message as it was stored: its checksum, and that it can be read.
///
/// # Errors
/// In words, what is wrong.
pub fn verify_message(bytes: &[u8]) -> Result<(), String> {
    StoredMessage::decode(bytes).map(drop).map_err(|error| error.to_string())
}
