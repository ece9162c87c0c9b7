//! Reading a request's body, up to a limit.

use super::patience::Phase;
use super::stream::Connection;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

/// The longest body that is read as a request. A batch of 1 MiB swells when it is escaped: six bytes for a control
/// character in JSON, three for each byte of a form.
pub(crate) const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;
/// Up to here a body that is too long is read and thrown away, so that the client, still sending, gets to see the
/// answer.
const MAX_DISCARDED_BYTES: usize = 64 * 1024 * 1024;

/// No more space is made for a body before that much of it is there.
const MAX_RESERVED_BYTES: usize = 256 * 1024;

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// Longer than the limit.
    TooLong,
    /// The client went away or sent something else than it announced.
    Broken,
    /// The client took too long.
    TooSlow,
}

/// Reads the whole body; `awaits_continue` is whether the client waits for leave before it sends one.
///
/// # Errors
/// [`BodyError`].
pub(crate) async fn read_body(
    connection: &Connection,
    body: Incoming,
    awaits_continue: bool,
) -> Result<Bytes, BodyError> {
    let announced = body.size_hint().lower();
    if awaits_continue && announced > MAX_BODY_BYTES as u64 {
        // Not reading it is what keeps the client from sending it.
        return Err(BodyError::TooLong);
    }
    connection.waiting().enter(Phase::Body);
    let announced = usize::try_from(announced).unwrap_or(usize::MAX);
    let result = match collect(body, announced).await {
        Err(BodyError::Broken) if connection.waiting().body_is_overdue() => Err(BodyError::TooSlow),
        result => result,
    };
    connection.waiting().enter(Phase::Answer);
    result
}

async fn collect(mut body: Incoming, announced_bytes: usize) -> Result<Bytes, BodyError> {
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    let mut total_bytes = 0usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        total_bytes = total_bytes.saturating_add(data.len());
        if total_bytes > MAX_DISCARDED_BYTES {
            return Err(BodyError::TooLong);
        }
        if total_bytes > MAX_BODY_BYTES {
            // Read on, but keep nothing.
            (first, rest) = (None, BytesMut::new());
        } else if first.is_none() && rest.is_empty() {
            // Most bodies come in one piece, which needn't be copied.
            first = Some(data);
        } else {
            if let Some(first) = first.take() {
                // What is announced comes, as a rule; who only announces it gets little for that.
                rest.reserve(announced_bytes.clamp(total_bytes, MAX_RESERVED_BYTES.max(total_bytes)));
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&data);
        }
    }
    if total_bytes > MAX_BODY_BYTES {
        return Err(BodyError::TooLong);
    }
    Ok(first.unwrap_or_else(|| rest.freeze()))
}
