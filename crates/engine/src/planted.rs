//! Faults that the simulation must find, one planted at a time. Only the feature `planted` compiles them in, and
//! nothing that ships enables it. `docs/testing.md` says how each is found.

use crate::registry::DocumentWrite;
use std::cell::Cell;

/// A fault of the state machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A message that the cleaner copied is still read where it lay.
    ForgetRelocation,
    /// A snapshot comes back without the deduplication window.
    LoseWindowAtCheckpoint,
    /// A snapshot comes back with nothing in flight or delayed.
    LoseFlightsAtCheckpoint,
    /// A message in flight does not hold up the rest of its group.
    IgnoreFifoBarrier,
    /// Any receipt of a message deletes it, not only the last one.
    AcceptOldReceipts,
    /// A receive that is replayed does not count.
    ForgetCountInReplay,
    /// Messages expire although the clock is in doubt.
    ExpireInDoubt,
    /// The bytes of a purged queue are never given back.
    ForgetPurgedBytes,
    /// A snapshot comes back one sequence number behind.
    RepeatSequence,
    /// A dead letter begins to count anew.
    ResetCountOfDeadLetters,
    /// A document whose removal is replayed is there again.
    ForgetRemovalInReplay,
}

thread_local! {
    static PLANTED: Cell<Option<Fault>> = const { Cell::new(None) };
}

/// Plants a fault on this thread, in place of the one that was there.
pub fn plant(fault: Option<Fault>) {
    PLANTED.set(fault);
}

/// Takes the fault away that is planted on this thread.
pub(crate) fn suspend() -> Option<Fault> {
    PLANTED.take()
}

pub(crate) fn is(fault: Fault) -> bool {
    PLANTED.get() == Some(fault)
}

/// What a replay makes of changes of documents. A removal that is forgotten becomes one of a document that never was, so that
/// versions go on as they did.
pub(crate) fn documents_replayed(changes: &[DocumentWrite]) -> Vec<DocumentWrite> {
    let mut changes = changes.to_vec();
    if is(Fault::ForgetRemovalInReplay) {
        let removals = changes.iter_mut().filter(|change| change.body.is_none());
        removals.for_each(|removal| removal.name.clear());
    }
    changes
}
