//! Reading a request's body, up to a limit.

use super::exchange::Exchange;
use super::memory::Reserved;
use super::patience::{Phase, SECOND};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Frame, Incoming};
use std::ops::Deref;

/// The longest body that is read as a request. A batch of 1 MiB swells when it is escaped: six bytes for a control
/// character in JSON, three for each byte of a form.
pub(crate) const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;
/// Up to here a body that is too long is read and thrown away, so that the client, still sending, gets to see the
/// answer.
const MAX_DISCARDED_BYTES: usize = 64 * 1024 * 1024;

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// Longer than the limit.
    TooLong,
    /// The client went away or sent something else than it announced.
    Broken,
    /// The client took too long.
    TooSlow,
    /// Others' bodies take all the memory that there is for them.
    NoMemory,
}

/// A body, and its part of the memory for bodies, until it is dropped.
#[derive(Debug)]
pub(crate) struct RequestBody {
    bytes: Bytes,
    _reserved: Reserved,
}

impl RequestBody {
    /// Lets go of the bytes once they are read; the memory for what was read from them stays counted.
    pub(crate) fn clear(&mut self) {
        self.bytes = Bytes::new();
    }
}

impl Deref for RequestBody {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads the whole body; `awaits_continue` is whether the client waits for leave before it sends one.
///
/// # Errors
/// [`BodyError`].
pub(crate) async fn read_body(
    exchange: &Exchange,
    body: Incoming,
    awaits_continue: bool,
) -> Result<RequestBody, BodyError> {
    let announced = body.size_hint().lower();
    if awaits_continue && announced > MAX_BODY_BYTES as u64 {
        // Not reading it is what keeps the client from sending it.
        return Err(BodyError::TooLong);
    }
    exchange.waiting().enter_body();
    let announced_bytes = usize::try_from(announced).unwrap_or(usize::MAX);
    let result = match collect(exchange, body, announced_bytes).await {
        Err(BodyError::Broken) if exchange.waiting().body_is_overdue() => Err(BodyError::TooSlow),
        result => result,
    };
    exchange.waiting().enter(Phase::Answer);
    result
}

async fn collect(
    exchange: &Exchange,
    mut body: Incoming,
    announced_bytes: usize,
) -> Result<RequestBody, BodyError> {
    let mut first: Option<Bytes> = None;
    let mut rest = Collected::default();
    let mut total_bytes = 0usize;
    let mut refusal = None;
    while let Some(frame) = next(exchange, &mut body).await {
        let Ok(data) = frame?.into_data() else { continue };
        total_bytes = total_bytes.saturating_add(data.len());
        exchange.waiting().body_grew(total_bytes as u64);
        if total_bytes > MAX_DISCARDED_BYTES {
            return Err(BodyError::TooLong);
        }
        if total_bytes > MAX_BODY_BYTES {
            refusal = Some(BodyError::TooLong);
        }
        if refusal.is_some() {
            // Read on, but keep nothing.
            (first, rest) = (None, Collected::default());
        } else if first.is_none() && rest.bytes.is_empty() {
            // Most bodies come in one piece, which needn't be copied.
            first = Some(data);
        } else {
            let first = first.take().unwrap_or_default();
            if rest.make_room(exchange, first.len() + data.len(), announced_bytes).await {
                rest.bytes.extend_from_slice(&first);
                rest.bytes.extend_from_slice(&data);
            } else {
                refusal = Some(BodyError::NoMemory);
            }
        }
    }
    if let Some(refusal) = refusal {
        return Err(refusal);
    }
    let bytes = first.unwrap_or_else(|| Bytes::from(rest.bytes));
    Ok(RequestBody { bytes, _reserved: rest.reserved })
}

/// The next part of a body. On a connection that others share, a slow one can't be ended by ending what the client sends.
async fn next(exchange: &Exchange, body: &mut Incoming) -> Option<Result<Frame<Bytes>, BodyError>> {
    let broken = |frame: Option<Result<Frame<Bytes>, hyper::Error>>| {
        frame.map(|frame| frame.map_err(|_| BodyError::Broken))
    };
    if !exchange.is_stream() {
        return broken(body.frame().await);
    }
    loop {
        match tokio::time::timeout(SECOND, body.frame()).await {
            Ok(frame) => return broken(frame),
            Err(_) if exchange.waiting().body_is_overdue() => return Some(Err(BodyError::TooSlow)),
            Err(_) => {}
        }
    }
}

/// What has come of a body in several pieces.
#[derive(Default)]
struct Collected {
    bytes: Vec<u8>,
    reserved: Reserved,
}

impl Collected {
    /// Makes room for more; says whether there is memory for it. Room grows with what has come, whatever was announced: who only
    /// announces much gets nothing for that.
    async fn make_room(&mut self, exchange: &Exchange, more_bytes: usize, announced_bytes: usize) -> bool {
        let needed = self.bytes.len() + more_bytes;
        if needed <= self.bytes.capacity() {
            return true;
        }
        // Not twice as much where the end is known to come before.
        let doubled = (2 * self.bytes.capacity()).min(announced_bytes.max(needed)).max(needed);
        let capacity = doubled.min(MAX_BODY_BYTES);
        if !exchange.connection().memory().grow(&mut self.reserved, capacity).await {
            return false;
        }
        self.bytes.reserve_exact(capacity - self.bytes.len());
        true
    }
}
