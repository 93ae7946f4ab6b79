//! Waiting for a condition under a limit, remembering what was last seen.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// How often a condition is looked at again.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Looks until `look` answers `Ok`, at most for `limit`; an `Err` says what was seen instead.
///
/// # Errors
/// [`Error::TimedOut`] with the last `Err`.
pub fn until<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> std::result::Result<T, String>,
) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        match look() {
            Ok(value) => return Ok(value),
            Err(last_seen) if Instant::now() >= deadline => return Err(timed_out(what, limit, last_seen)),
            Err(_) => std::thread::park_timeout(POLL_INTERVAL),
        }
    }
}

/// As [`until`], for looks that wait themselves; one that never ends does not outlive the limit.
///
/// # Errors
/// [`Error::TimedOut`] with the last `Err`.
pub async fn until_async<T, Look, Seen>(what: &str, limit: Duration, mut look: Look) -> Result<T>
where
    Look: FnMut() -> Seen,
    Seen: Future<Output = std::result::Result<T, String>>,
{
    let deadline = tokio::time::Instant::now() + limit;
    let mut last_seen = String::from("nothing yet");
    loop {
        match tokio::time::timeout_at(deadline, look()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(seen)) => last_seen = seen,
            Err(_) => return Err(timed_out(what, limit, last_seen)),
        }
        if tokio::time::Instant::now() >= deadline {
            return Err(timed_out(what, limit, last_seen));
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

fn timed_out(what: &str, limit: Duration, last_seen: String) -> Error {
    Error::TimedOut { what: what.to_owned(), limit, last_seen, hint: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_was_last_seen() {
        let waited = until::<()>("the kettle", Duration::from_millis(30), || Err("it is cold".to_owned()));
        let message = waited.unwrap_err().to_string();
        assert_eq!(message, "the kettle took longer than 30ms; last seen: it is cold");
    }

    #[tokio::test]
    async fn a_look_that_never_ends_does_not_outlive_the_limit() {
        let waited = until_async::<(), _, _>("the kettle", Duration::from_millis(30), std::future::pending);
        assert!(waited.await.unwrap_err().to_string().ends_with("last seen: nothing yet"));
    }
}
