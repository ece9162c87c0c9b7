//! Faults that the simulation must find, one planted at a time. Only the feature `planted` compiles them in, and
//! nothing that ships enables it. `docs/testing.md` says how each is found.

use std::cell::Cell;

/// A fault of the partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answers leave when the append is asked for, not when it is durable.
    AnswerBeforeSync,
    /// A look is answered before what it saw is durable.
    LooksDoNotWait,
    /// A snapshot claims to hold the record after it.
    SkipOneRecord,
    /// Records that a snapshot holds are replayed all the same.
    RepeatRecords,
    /// A segment without messages is deleted though replay still starts in it.
    DeleteSegmentTooEarly,
    /// A queue that changed keeps the snapshot that it has.
    KeepOldSnapshots,
    /// The bytes of a checkpoint do not count as alive.
    ForgetSnapshotBytes,
    /// An append of which nobody knows the outcome is taken for a success.
    TakeUnknownForDone,
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
