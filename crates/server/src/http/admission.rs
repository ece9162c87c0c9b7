//! Who gets a connection when there are as many as there may be.
//!
//! Those on which nothing is under way make room: first those that never finished a request, then those that have been idle the
//! longest. An SDK whose idle connection is gone opens another without telling its caller; a request that is cut off, or a client that
//! can't connect at all, would be noticed. So a flood of connections pushes itself out, and who works goes on.

use super::patience::{Patience, Rank};
use super::stream::Connection;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a connection that was ended may take to be gone.
const MAX_CLEARING: Duration = Duration::from_secs(1);
/// One look over all connections serves for so many newcomers, as a share of all places,
const CANDIDATES_SHARE: usize = 64;
/// and for so many at least, as some are at work again when their turn comes.
const MIN_CANDIDATES: usize = 4;

/// The places for connections.
pub(super) struct Admissions {
    places: Arc<Semaphore>,
    max_connections: usize,
    /// Who makes room next, unless something happens there until then.
    candidates: VecDeque<(Rank, Weak<Connection>)>,
    /// So many newcomers are turned away before all connections are looked at again, in the same second.
    unlooked: usize,
    looked_second: u64,
    is_full: bool,
}

impl Admissions {
    pub(super) fn new(max_connections: usize) -> Self {
        let max_connections = max_connections.clamp(1, Semaphore::MAX_PERMITS);
        let places = Arc::new(Semaphore::new(max_connections));
        Self {
            places,
            max_connections,
            candidates: VecDeque::new(),
            unlooked: 0,
            looked_second: 0,
            is_full: false,
        }
    }

    /// A place for one more; `None` where everybody is at work.
    pub(super) async fn place(&mut self, patience: &Patience) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            if self.is_full && self.places.available_permits() > self.max_connections / 10 {
                self.is_full = false;
                tracing::info!("there is room for connections again");
            }
            return Some(place);
        }
        if !self.is_full {
            self.is_full = true;
            let max_connections = self.max_connections;
            tracing::warn!("all {max_connections} connections are in use: idle ones are ended for new ones");
        }
        self.most_idle(patience)?.hang_up();
        let cleared = Arc::clone(&self.places).acquire_owned();
        // Who is not gone by then is busy being so; the newcomer tries again.
        tokio::time::timeout(MAX_CLEARING, cleared).await.ok()?.ok()
    }

    fn most_idle(&mut self, patience: &Patience) -> Option<Arc<Connection>> {
        if let Some(connection) = self.next_candidate() {
            return Some(connection);
        }
        if self.unlooked > 0 && self.looked_second == patience.second() {
            self.unlooked -= 1;
            return None;
        }
        self.looked_second = patience.second();
        let count = self.max_connections.div_ceil(CANDIDATES_SHARE).max(MIN_CANDIDATES);
        self.candidates = patience.most_idle(count).into();
        // Where nearly all are at work looking often finds nothing, and takes time from them.
        self.unlooked = count.saturating_sub(self.candidates.len().max(1));
        self.next_candidate()
    }

    fn next_candidate(&mut self) -> Option<Arc<Connection>> {
        while let Some((rank, candidate)) = self.candidates.pop_front() {
            let is_as_it_was = |connection: &Arc<Connection>| connection.waiting().rank() == Some(rank);
            if let Some(connection) = candidate.upgrade().filter(is_as_it_was) {
                return Some(connection);
            }
        }
        None
    }
}
