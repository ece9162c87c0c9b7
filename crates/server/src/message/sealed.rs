//! Version 2 of the stored form: sealed.

use super::{Damaged, HEADER_BYTES, StoredMessage, payload, with_checksum};
use crate::keys::{OpeningKey, SealingKey};
use bongsu_auth::seal::{NONCE_BYTES, SealError, TAG_BYTES};
use std::cell::RefCell;

pub(super) const VERSION: u8 = 2;
/// A buffer larger than this is not kept for the next message.
const KEPT_BYTES: usize = 64 * 1024;

thread_local! {
    /// Room for what is opened, until it is read.
    static OPENED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What a message is bound to beside its key: the version, and the envelope with its length.
pub(crate) fn authenticated(envelope: &[u8]) -> Vec<u8> {
    let length = envelope.len() as u8;
    [[VERSION, length].as_slice(), envelope].concat()
}

/// A sealed message, taken apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sealed<'a> {
    /// The data key that it takes, as it travels with the message.
    pub(crate) envelope: &'a [u8],
    nonce: [u8; NONCE_BYTES],
    sealed: &'a [u8],
}

impl<'a> Sealed<'a> {
    /// Reads what follows the checksum.
    pub(super) fn read(rest: &'a [u8]) -> Result<Self, Damaged> {
        let (length, rest) = rest.split_first().ok_or(Damaged::Payload)?;
        let (envelope, rest) = rest.split_at_checked(usize::from(*length)).ok_or(Damaged::Payload)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_BYTES).ok_or(Damaged::Payload)?;
        if sealed.len() < TAG_BYTES {
            return Err(Damaged::Payload);
        }
        let nonce = nonce.try_into().map_err(|_| Damaged::Payload)?;
        Ok(Self { envelope, nonce, sealed })
    }

    /// Opens it.
    ///
    /// # Errors
    /// [`Damaged::Seal`] where it is not what was sealed, or belongs to another key.
    pub(crate) fn open(&self, key: &OpeningKey) -> Result<StoredMessage, Damaged> {
        if !key.is_of(self.envelope) {
            return Err(Damaged::Seal);
        }
        OPENED.with_borrow_mut(|opened| {
            opened.clear();
            key.open(self.nonce, self.sealed, opened).map_err(|_| Damaged::Seal)?;
            let message = payload(opened);
            if opened.capacity() > KEPT_BYTES {
                *opened = Vec::new();
            }
            message
        })
    }
}

impl StoredMessage {
    /// The bytes to store, sealed. The payload is written once and sealed where it stands.
    ///
    /// # Errors
    /// None in practice: see [`SealingKey`].
    pub(crate) fn seal(&self, key: &SealingKey) -> Result<Vec<u8>, SealError> {
        let envelope = key.envelope();
        let before = HEADER_BYTES + 1 + envelope.len() + NONCE_BYTES;
        let mut bytes = Vec::with_capacity(before + self.body.len() + 256);
        bytes.extend_from_slice(&[VERSION, 0, 0, 0, 0, envelope.len() as u8]);
        bytes.extend_from_slice(envelope);
        let nonce = key.nonce()?;
        bytes.extend_from_slice(&nonce);
        let mut bytes = self.append_to(bytes);
        key.seal(nonce, &mut bytes, before)?;
        Ok(with_checksum(bytes))
    }
}
