//! [`Server`]: a queue with one server of a fixed service time, so that a sidecar has a capacity that is known.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Serves requests one after another, in the order in which they are admitted.
#[derive(Debug)]
pub(super) struct Server {
    service_time: Duration,
    /// When the last admitted request is done with. Kept as an instant, so that waking up late costs no capacity.
    free_at: Mutex<Option<Instant>>,
}

impl Server {
    /// One that no request has come to yet.
    pub(super) fn new(service_time: Duration) -> Self {
        Self { service_time, free_at: Mutex::new(None) }
    }

    /// Takes a request that arrives `now`, and says when it is done with.
    pub(super) fn admit(&self, now: Instant) -> Instant {
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        let begins = free_at.map_or(now, |free_at| free_at.max(now));
        let done = begins + self.service_time;
        *free_at = Some(done);
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SERVICE: Duration = Duration::from_micros(500);

    #[test]
    fn one_that_is_idle_begins_at_once() {
        let server = Server::new(SERVICE);
        let now = Instant::now();
        assert_eq!(server.admit(now), now + SERVICE);
        let later = now + 3 * SERVICE;
        assert_eq!(server.admit(later), later + SERVICE);
    }

    proptest! {
        #[test]
        fn requests_are_done_as_lindley_has_it(gaps_us in prop::collection::vec(0u64..1_500, 1..200)) {
            // The wait of a request is what the one before it left: Lindley's recursion (1952), in microseconds.
            let server = Server::new(SERVICE);
            let mut now = Instant::now();
            let mut wait_us = 0;
            for (index, gap_us) in gaps_us.into_iter().enumerate() {
                now += Duration::from_micros(gap_us);
                if index > 0 {
                    wait_us = (wait_us + 500_u64).saturating_sub(gap_us);
                }
                prop_assert_eq!(server.admit(now), now + Duration::from_micros(wait_us) + SERVICE);
            }
        }
    }
}
