//! So many a second, and a count of the others.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// A limit on events of one sort.
#[derive(Default)]
pub(super) struct Limit {
    /// The second of the last event, and how many of it were let through.
    current: Mutex<(u64, u64)>,
    left_out: AtomicU64,
}

impl Limit {
    /// Whether one more is within the limit of this second; otherwise it is counted.
    pub(super) fn allows(&self, second: u64, per_s: u64) -> bool {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.0 != second {
            *current = (second, 0);
        }
        current.1 += 1;
        let allowed = current.1 <= per_s;
        if !allowed {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
        allowed
    }

    /// How many were left out since this was last asked.
    pub(super) fn take_left_out(&self) -> u64 {
        self.left_out.swap(0, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::Limit;

    #[test]
    fn each_second_has_its_own_budget_and_the_rest_is_counted() {
        let limit = Limit::default();
        let allowed = |second| (0..5).filter(|_| limit.allows(second, 3)).count();
        assert_eq!((allowed(7), allowed(7), allowed(8)), (3, 0, 3));
        assert_eq!((limit.take_left_out(), limit.take_left_out()), (9, 0));
    }
}
