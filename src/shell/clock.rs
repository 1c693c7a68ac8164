//! The machine's clock, the only one there is: everything that decides gets the time as a value.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, in unix milliseconds; 0 for a clock that stands before 1970.
pub fn unix_millis() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
