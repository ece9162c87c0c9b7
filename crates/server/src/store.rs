//! A store looked at and mended without being served: the node's tools, and what this crate knows of stored messages.

use crate::message::{Stored, VERSION};
pub use bongsu_node::StepSizes;
pub use bongsu_node::offline::*;

/// The newest version of a stored message.
pub const MESSAGE_VERSION: u8 = VERSION;

/// Whether these bytes are a stored message as it was stored: its checksum, and that it can be read as far as that goes without
/// keys.
///
/// # Errors
/// In words, what is wrong.
pub fn verify_message(bytes: &[u8]) -> Result<(), String> {
    Stored::read(bytes).map(drop).map_err(|error| error.to_string())
}
