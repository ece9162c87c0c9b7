//! What the benchmarks call: private steps on a message's way.

use crate::entropy::Entropy;
use crate::keys::{KmsKey, OpeningKey, SealingKey};
use crate::message::{Stored as Found, StoredMessage};
use crate::receipt::Sealer;
use bongsu_engine::Receipt;
use std::sync::Arc;

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

    /// Reads stored bytes that are not sealed; `None` where they are damaged.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        match Found::read(bytes).ok()? {
            Found::Plain(message) => Some(Self(message)),
            Found::Sealed(_) => None,
        }
    }

    /// The bytes to store, sealed; `None` where that can't be, as it always can.
    pub fn seal(&self, keys: &MessageKeys) -> Option<Vec<u8>> {
        self.0.seal(&keys.sealing).ok()
    }

    /// Reads sealed bytes; `None` where they are damaged.
    pub fn open(bytes: &[u8], keys: &MessageKeys) -> Option<Self> {
        match Found::read(bytes).ok()? {
            Found::Plain(_) => None,
            Found::Sealed(sealed) => sealed.open(&keys.opening).ok().map(Self),
        }
    }
}

/// A data key, to seal and to open with.
#[derive(Debug)]
pub struct MessageKeys {
    sealing: SealingKey,
    opening: Arc<OpeningKey>,
}

impl MessageKeys {
    /// A random one.
    #[expect(clippy::expect_used, reason = "32 bytes can be sealed")]
    pub fn new() -> Self {
        let entropy = Entropy::new();
        let sealing = SealingKey::make(&KmsKey::ephemeral(&entropy), &entropy, 0).expect("a data key");
        Self { opening: sealing.opening(), sealing }
    }
}

impl Default for MessageKeys {
    fn default() -> Self {
        Self::new()
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
