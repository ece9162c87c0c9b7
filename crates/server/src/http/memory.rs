//! The memory that bodies of requests may take, over all clients.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

const UNIT_BYTES: usize = 4096;

/// What there is for bodies.
#[derive(Clone)]
pub(super) struct BodyMemory {
    units: Arc<Semaphore>,
    max_wait: Duration,
}

/// What one body has of it; given back when dropped.
#[derive(Debug, Default)]
pub(super) struct Reserved {
    units: Option<OwnedSemaphorePermit>,
}

impl BodyMemory {
    pub(super) fn new(bytes: usize, max_wait: Duration) -> Self {
        let units = (bytes / UNIT_BYTES).min(Semaphore::MAX_PERMITS);
        Self { units: Arc::new(Semaphore::new(units)), max_wait }
    }

    /// Makes the reservation at least so large. Where there is not enough for a while it stays as it was, and this says so.
    pub(super) async fn grow(&self, reserved: &mut Reserved, bytes: usize) -> bool {
        let wanted = bytes.div_ceil(UNIT_BYTES);
        let more = wanted.saturating_sub(reserved.units());
        let Ok(more) = u32::try_from(more) else { return false };
        if more == 0 {
            return true;
        }
        let acquired = Arc::clone(&self.units).acquire_many_owned(more);
        let Ok(Ok(permit)) = tokio::time::timeout(self.max_wait, acquired).await else { return false };
        match &mut reserved.units {
            Some(units) => units.merge(permit),
            none => *none = Some(permit),
        }
        true
    }

    #[cfg(test)]
    pub(super) fn free_bytes(&self) -> usize {
        self.units.available_permits() * UNIT_BYTES
    }
}

impl Reserved {
    fn units(&self) -> usize {
        self.units.as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
    }
}

#[cfg(test)]
mod tests {
    use super::{BodyMemory, Reserved};
    use std::time::Duration;

    #[tokio::test]
    async fn what_is_there_is_given_once_and_comes_back() {
        let memory = BodyMemory::new(1 << 20, Duration::from_millis(50));
        let (mut one, mut other) = (Reserved::default(), Reserved::default());
        assert!(memory.grow(&mut one, 1).await);
        assert_eq!(memory.free_bytes(), (1 << 20) - 4096);
        assert!(memory.grow(&mut one, 600 << 10).await);
        assert!(memory.grow(&mut one, 500 << 10).await, "it has that already");
        assert_eq!(memory.free_bytes(), 424 << 10);
        assert!(!memory.grow(&mut other, 425 << 10).await);
        assert!(memory.grow(&mut other, 424 << 10).await);
        drop(one);
        assert!(memory.grow(&mut other, 1 << 20).await);
        drop(other);
        assert_eq!(memory.free_bytes(), 1 << 20);
    }

    #[tokio::test]
    async fn who_waits_gets_what_others_give_back() {
        let memory = BodyMemory::new(1 << 20, Duration::from_secs(10));
        let mut one = Reserved::default();
        assert!(memory.grow(&mut one, 1 << 20).await);
        let mut other = Reserved::default();
        let (waited, ()) = tokio::join!(memory.grow(&mut other, 4096), async { drop(one) });
        assert!(waited);
    }

    #[tokio::test]
    async fn more_than_there_is_at_all_is_refused() {
        let memory = BodyMemory::new(8192, Duration::from_millis(1));
        assert!(!memory.grow(&mut Reserved::default(), 8193).await);
        assert!(!memory.grow(&mut Reserved::default(), usize::MAX).await);
    }
}
