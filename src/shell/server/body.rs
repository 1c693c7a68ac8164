//! Reading a body that may be too long, too slow or endless.

use std::{future::poll_fn, pin::Pin, sync::Arc, time::Duration};

use axum::body::Bytes;
use hyper::body::{Body, Incoming};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// The bytes of one permit.
pub(super) const UNIT: usize = 1 << 10;

/// How much of a body that is too long is thrown away, so that its sender reads the answer instead of a reset, and how
/// long that may take.
const DRAINED: usize = 1 << 20;
const DRAINING: Duration = Duration::from_secs(1);

/// A body with its part of the memory that all bodies share.
pub(super) struct Whole {
    pub(super) bytes: Bytes,
    _memory: Option<OwnedSemaphorePermit>,
}

/// Why there is no body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// Longer than the limit.
    TooLong,
    /// Not there in time.
    TooSlow,
    /// All bodies together would take too much memory.
    NoMemory,
    /// The connection broke, or the framing was wrong.
    Broken(String),
}

/// Reads a body of at most `limit` bytes within `time`.
pub(super) async fn read(
    mut body: Incoming,
    limit: usize,
    time: Duration,
    memory: &Arc<Semaphore>,
) -> Result<Whole, Unread> {
    let read = timeout(time, collect(&mut body, limit, memory)).await.unwrap_or(Err(Unread::TooSlow));
    if read.as_ref().err() == Some(&Unread::TooLong) {
        // Whether it could be drained or not, the answer is the same.
        let _ = timeout(DRAINING, drain(&mut body)).await;
    }
    read
}

async fn collect(body: &mut Incoming, limit: usize, memory: &Arc<Semaphore>) -> Result<Whole, Unread> {
    let declared = body.size_hint();
    if declared.lower() > limit as u64 {
        return Err(Unread::TooLong);
    }
    let mut held = None;
    // Most bodies come in one piece, which is used as it is.
    let Some(first) = next(body).await? else { return Ok(Whole { bytes: Bytes::new(), _memory: None }) };
    reserve(&mut held, first.len(), limit, memory)?;
    let Some(second) = next(body).await? else { return Ok(Whole { bytes: first, _memory: held }) };
    let mut all = Vec::with_capacity(usize::try_from(declared.lower()).unwrap_or(0).max(first.len() + second.len()));
    all.extend_from_slice(&first);
    let mut piece = Some(second);
    while let Some(bytes) = piece {
        reserve(&mut held, all.len() + bytes.len(), limit, memory)?;
        all.extend_from_slice(&bytes);
        piece = next(body).await?;
    }
    Ok(Whole { bytes: all.into(), _memory: held })
}

/// Takes as much of the shared memory as a body of this length needs.
fn reserve(
    held: &mut Option<OwnedSemaphorePermit>,
    length: usize,
    limit: usize,
    memory: &Arc<Semaphore>,
) -> Result<(), Unread> {
    if length > limit {
        return Err(Unread::TooLong);
    }
    let has = held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
    let more = u32::try_from(length.div_ceil(UNIT).saturating_sub(has)).map_err(|_| Unread::NoMemory)?;
    if more > 0 {
        let permit = Arc::clone(memory).try_acquire_many_owned(more).map_err(|_| Unread::NoMemory)?;
        match held {
            Some(held) => held.merge(permit),
            None => *held = Some(permit),
        }
    }
    Ok(())
}

async fn drain(body: &mut Incoming) -> Result<(), Unread> {
    let mut drained = 0;
    while let Some(bytes) = next(body).await? {
        drained += bytes.len();
        if drained > DRAINED {
            break;
        }
    }
    Ok(())
}

/// The next piece of data; trailers are skipped.
async fn next(body: &mut Incoming) -> Result<Option<Bytes>, Unread> {
    loop {
        match poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await {
            None => return Ok(None),
            Some(Err(error)) => return Err(Unread::Broken(error.to_string())),
            Some(Ok(frame)) => {
                if let Ok(bytes) = frame.into_data() {
                    return Ok(Some(bytes));
                }
            }
        }
    }
}
