//! The limits that the system sets to the process: how many files and connections it may have open, and that it leaves no core dump.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is open beside connections: the journal's segments, the runtime's own, and what comes and goes.
const RESERVED: u64 = 256;

/// Raises the limit as far as the process may, and says what it is then; `None` where there is none.
pub(crate) fn raise_limit() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    // Where it can't be raised, the lower one holds.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    getrlimit(Resource::Nofile).current
}

/// Keeps the process's memory, with keys and messages in it, out of core dumps.
pub(crate) fn forbid_core_dumps() {
    if let Err(error) = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }) {
        tracing::warn!(%error, "can't forbid core dumps, in which keys would be");
    }
}

/// How many of the wanted connections there can be.
pub(crate) fn connections(wanted: usize, limit: Option<u64>) -> usize {
    let Some(limit) = limit else { return wanted };
    // A process with hardly any descriptors still serves somebody.
    let possible = limit.saturating_sub(RESERVED).max(limit / 2).max(1);
    usize::try_from(possible).map_or(wanted, |possible| possible.min(wanted))
}

#[cfg(test)]
mod tests {
    use super::connections;

    #[test]
    fn connections_leave_descriptors_for_the_rest() {
        for (wanted, limit, expected) in [
            (10_000, None, 10_000),
            (10_000, Some(1_048_576), 10_000),
            (10_000, Some(4096), 3840),
            (10_000, Some(1024), 768),
            (10_000, Some(64), 32),
            (5, Some(64), 5),
            (10_000, Some(0), 1),
        ] {
            assert_eq!(connections(wanted, limit), expected, "{wanted} of {limit:?}");
        }
    }
}
