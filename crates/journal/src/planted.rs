//! Faults that the simulation must find, one planted at a time. Only the feature `planted` compiles them in, and
//! nothing that ships enables it. `docs/testing.md` says how each is found.

use std::cell::Cell;

/// A fault of the file journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An append answers without a sync.
    SkipSync,
    /// A new segment's name is not synced.
    SkipDirectorySync,
    /// A seal is not synced.
    SkipSealSync,
    /// The checksum of a payload is not looked at.
    ApplyTornEntry,
    /// An append is taken wherever its writer believes the log to end.
    AcceptStaleWriter,
    /// An opening has the epoch of the one before.
    RepeatEpoch,
    /// The last entry that an opening finds is not written again.
    TrustPageCache,
    /// Damage is cut off like a torn tail.
    CutDamage,
    /// A seal that an opening finds is not written again.
    TrustSeal,
}

thread_local! {
    static PLANTED: Cell<Option<Fault>> = const { Cell::new(None) };
}

/// Plants a fault on this thread, in place of the one that was there.
pub fn plant(fault: Option<Fault>) {
    PLANTED.set(fault);
}

pub(crate) fn is(fault: Fault) -> bool {
    PLANTED.get() == Some(fault)
}
