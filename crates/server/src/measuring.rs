//! What the benchmarks call: private steps on a message's way.

use crate::message::StoredMessage;
use crate::receipt::Sealer;
use bongsu_engine::Receipt;

/// A message as it is stored.
#[derive(Debug)]
pub struct Stored(StoredMessage);

impl Stored {
    /// A message without attributes, as most are.
    pub fn new(body: String) -> Self {
        Self(StoredMessage {
            message_id: [1; 16],
            sent_wall_ms: 1_700_000_000_000,
            sender_id: "000000000000".to_owned(),
            body,
            body_md5: [2; 16],
            attributes: Vec::new(),
            trace_header: None,
            group: None,
            deduplication_id: None,
        })
    }

    /// The bytes to store.
    pub fn encode(&self) -> Vec<u8> {
        self.0.encode()
    }

    /// Reads stored bytes; `None` where they are damaged.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        StoredMessage::decode(bytes).ok().map(Self)
    }
}

/// Makes and reads receipt handles.
pub struct Handles(Sealer);

impl Handles {
    /// With the key of a store that has this secret.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(Sealer::new(secret))
    }

    /// The handle that a client gets.
    pub fn seal(&self, receipt: &Receipt) -> String {
        self.0.seal(receipt)
    }

    /// What a handle says; `None` where it is none of this store.
    pub fn open(&self, handle: &str) -> Option<Receipt> {
        self.0.open(handle)
    }
}
