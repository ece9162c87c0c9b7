//! How long clients may keep a connection waiting: for a request's head, for its body, for taking the answer.
//!
//! A timer for each of these would be armed and disarmed with every request. Instead each connection notes what it waits
//! for and since which second, which costs one store in memory, and once a second somebody looks at all of them.

use super::stream::Connection;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// How long a connection may stay idle, take to send the head of a request, or to take an answer. Longer than SDKs keep
/// theirs, so that it is they who close and not we while they send.
const MAX_IDLE_SECONDS: u64 = 90;
/// How long a client may take to send a body.
const MAX_BODY_SECONDS: u64 = 60;
const SECOND: Duration = Duration::from_secs(1);

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The client: to send a head, or to take the answer before it.
    Idle = 0,
    /// The client: to send the rest of a body.
    Body = 1,
    /// Ourselves.
    Answer = 2,
}

const PHASE_BITS: u32 = 2;
const PHASE_MASK: u64 = (1 << PHASE_BITS) - 1;

/// What one connection waits for, and since when. Shared with whoever looks.
pub(super) struct Waiting {
    /// The second, and in the lowest bits the phase.
    since: AtomicU64,
    seconds: Arc<AtomicU64>,
}

impl Waiting {
    pub(super) fn enter(&self, phase: Phase) {
        let second = self.seconds.load(Ordering::Relaxed);
        self.since.store(second << PHASE_BITS | phase as u64, Ordering::Relaxed);
    }

    /// Which phase has lasted too long at this second.
    fn overdue(&self, second: u64) -> Option<Phase> {
        let since = self.since.load(Ordering::Relaxed);
        let waited_seconds = second.saturating_sub(since >> PHASE_BITS);
        match since & PHASE_MASK {
            phase if phase == Phase::Idle as u64 && waited_seconds > MAX_IDLE_SECONDS => Some(Phase::Idle),
            phase if phase == Phase::Body as u64 && waited_seconds > MAX_BODY_SECONDS => Some(Phase::Body),
            _ => None,
        }
    }

    /// Whether the body took too long.
    pub(super) fn body_is_overdue(&self) -> bool {
        self.overdue(self.seconds.load(Ordering::Relaxed)) == Some(Phase::Body)
    }
}

/// All connections, and the second it is.
#[derive(Default)]
pub(super) struct Patience {
    connections: Mutex<Vec<Weak<Connection>>>,
    seconds: Arc<AtomicU64>,
}

impl Patience {
    /// For a connection that begins now.
    pub(super) fn waiting(&self) -> Waiting {
        let waiting = Waiting { since: AtomicU64::new(0), seconds: Arc::clone(&self.seconds) };
        waiting.enter(Phase::Idle);
        waiting
    }

    pub(super) fn watch(&self, connection: &Arc<Connection>) {
        self.lock().push(Arc::downgrade(connection));
    }

    /// Looks at all connections once a second, for ever.
    pub(super) async fn run(&self) {
        let mut ticks = tokio::time::interval(SECOND);
        // After a stall of the whole process nobody is to blame for the seconds that went by.
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.pass_second();
        }
    }

    fn pass_second(&self) {
        let second = self.seconds.fetch_add(1, Ordering::Relaxed) + 1;
        self.lock().retain(|connection| {
            let Some(connection) = connection.upgrade() else { return false };
            match connection.waiting().overdue(second) {
                Some(Phase::Body) => connection.hear_no_more(),
                Some(_) => connection.hang_up(),
                None => {}
            }
            true
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Connection>>> {
        // Nothing here is left half done by a panic.
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_BODY_SECONDS, MAX_IDLE_SECONDS, Patience, Phase};
    use crate::http::stream::SharedStream;
    use std::io::ErrorKind;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, server) = tokio::join!(TcpStream::connect(address), listener.accept());
        (client.unwrap(), server.unwrap().0)
    }

    fn pass(patience: &Patience, seconds: u64) {
        (0..seconds).for_each(|_| patience.pass_second());
    }

    #[tokio::test]
    async fn an_idle_connection_is_closed_and_a_serving_one_is_not() {
        let patience = Patience::default();
        let (mut idle_client, idle) = pair().await;
        let (mut busy_client, busy) = pair().await;
        let (_idle_stream, _idle) = SharedStream::new(idle, &patience);
        let (mut busy_stream, busy) = SharedStream::new(busy, &patience);
        busy.waiting().enter(Phase::Answer);
        pass(&patience, MAX_IDLE_SECONDS);
        let none = idle_client.try_read(&mut [0; 1]).unwrap_err();
        assert_eq!(none.kind(), ErrorKind::WouldBlock, "not a second early");
        pass(&patience, 1);
        assert_eq!(idle_client.read(&mut [0; 1]).await.unwrap(), 0);
        pass(&patience, 10 * MAX_IDLE_SECONDS);
        busy_stream.write_all(b"!").await.unwrap();
        assert_eq!(busy_client.read(&mut [0; 1]).await.unwrap(), 1);
        // Idle from now on only.
        busy.waiting().enter(Phase::Idle);
        pass(&patience, MAX_IDLE_SECONDS);
        assert_eq!(busy_client.try_read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
    }

    #[tokio::test]
    async fn a_slow_body_ends_and_can_still_be_answered() {
        let patience = Patience::default();
        let (mut client, server) = pair().await;
        let (mut stream, connection) = SharedStream::new(server, &patience);
        connection.waiting().enter(Phase::Body);
        pass(&patience, MAX_BODY_SECONDS);
        assert!(!connection.waiting().body_is_overdue());
        pass(&patience, 1);
        assert!(connection.waiting().body_is_overdue());
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0, "as if the client had stopped sending");
        stream.write_all(b"too slow").await.unwrap();
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 8);
    }

    #[tokio::test]
    async fn connections_that_are_gone_are_forgotten() {
        let patience = Patience::default();
        let (_client, server) = pair().await;
        drop(SharedStream::new(server, &patience));
        assert_eq!(patience.lock().len(), 1);
        pass(&patience, 1);
        assert_eq!(patience.lock().len(), 0);
    }
}
