//! Waiting for a condition under a limit, remembering what was last seen.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How often a condition is looked at again.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A condition that did not come true in time.
#[derive(Debug, thiserror::Error)]
#[error("after {}; last seen: {last_seen}", humantime::format_duration(*.limit))]
pub struct TimedOut {
    /// How long it was waited for.
    pub limit: Duration,
    /// What the last look found instead.
    pub last_seen: String,
}

/// Looks until `look` answers `Ok`, at most for `limit`; an `Err` says what was seen instead.
///
/// # Errors
/// [`TimedOut`] with the last `Err` when the limit runs out.
pub(crate) async fn until<T, Look, Seen>(limit: Duration, mut look: Look) -> Result<T, TimedOut>
where
    Look: FnMut() -> Seen,
    Seen: Future<Output = Result<T, String>>,
{
    let deadline = Instant::now() + limit;
    let mut last_seen = String::from("nothing yet");
    loop {
        match tokio::time::timeout_at(deadline, look()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(seen)) => last_seen = seen,
            Err(_) => return Err(TimedOut { limit, last_seen }),
        }
        let next = Instant::now() + POLL_INTERVAL;
        if next >= deadline {
            return Err(TimedOut { limit, last_seen });
        }
        sleep_until(next).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test(start_paused = true)]
    async fn returns_as_soon_as_the_condition_holds() {
        let looks = Cell::new(0);
        let found = until(Duration::from_secs(5), || async {
            looks.set(looks.get() + 1);
            if looks.get() == 3 { Ok("there") } else { Err("not there".to_owned()) }
        });
        assert_eq!(found.await.unwrap(), "there");
        assert_eq!(looks.get(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn says_what_was_last_seen() {
        let waited = until::<(), _, _>(Duration::from_secs(2), || async { Err("status 503".to_owned()) });
        assert_eq!(waited.await.unwrap_err().to_string(), "after 2s; last seen: status 503");
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_never_ends_does_not_outlive_the_limit() {
        let waited = until::<(), _, _>(Duration::from_secs(2), std::future::pending);
        assert_eq!(waited.await.unwrap_err().last_seen, "nothing yet");
    }
}
