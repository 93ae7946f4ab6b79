//! [`Server`]: a queue with one server of a set service time, so that a sidecar has a capacity that is known.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::settings::{DirectionInjections, Tiring};

/// Serves requests one after another, in the order in which they are admitted.
#[derive(Debug)]
pub(super) struct Server {
    service_time: Duration,
    longest_wait: Option<Duration>,
    tiring: Option<Tiring>,
    line: Mutex<Option<Line>>,
}

/// Whom it has served. Kept as instants, so that waking up late costs no capacity.
#[derive(Debug, Clone, Copy)]
struct Line {
    first_came_at: Instant,
    /// When the last admitted request is done with.
    free_at: Instant,
}

impl Server {
    /// One that no request has come to yet; `None` where the settings name no service time.
    pub(super) fn of(settings: &DirectionInjections) -> Option<Self> {
        let DirectionInjections { service_time, longest_wait, tiring, .. } = settings;
        let (longest_wait, tiring) = (*longest_wait, *tiring);
        Some(Self { service_time: (*service_time)?, longest_wait, tiring, line: Mutex::new(None) })
    }

    /// Takes a request that arrives `now`, and says when it is done with; `None` where it turns it away.
    pub(super) fn admit(&self, now: Instant) -> Option<Instant> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let Line { first_came_at, free_at } = line.unwrap_or(Line { first_came_at: now, free_at: now });
        let begins = free_at.max(now);
        if self.longest_wait.is_some_and(|longest| begins - now > longest) {
            return None;
        }
        let free_at = begins + self.service_time_after(now - first_came_at);
        *line = Some(Line { first_came_at, free_at });
        Some(free_at)
    }

    fn service_time_after(&self, served: Duration) -> Duration {
        self.tiring
            .filter(|tiring| served >= tiring.after)
            .map_or(self.service_time, |tiring| tiring.service_time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SERVICE: Duration = Duration::from_micros(500);

    fn server() -> Server {
        Server { service_time: SERVICE, longest_wait: None, tiring: None, line: Mutex::new(None) }
    }

    #[test]
    fn one_that_is_idle_begins_at_once() {
        let server = server();
        let now = Instant::now();
        assert_eq!(server.admit(now), Some(now + SERVICE));
        let later = now + 3 * SERVICE;
        assert_eq!(server.admit(later), Some(later + SERVICE));
    }

    #[test]
    fn who_would_wait_too_long_is_turned_away_and_takes_no_turn() {
        let server = Server { longest_wait: Some(SERVICE), ..server() };
        let now = Instant::now();
        let admitted: Vec<_> = (0..4).map(|_| server.admit(now)).collect();
        assert_eq!(admitted, [Some(now + SERVICE), Some(now + 2 * SERVICE), None, None]);
        assert_eq!(server.admit(now + SERVICE), Some(now + 3 * SERVICE));
    }

    #[test]
    fn one_that_tires_is_slower_from_then_on() {
        let tiring = Tiring { after: 10 * SERVICE, service_time: 2 * SERVICE };
        let server = Server { tiring: Some(tiring), ..server() };
        let now = Instant::now();
        assert_eq!(server.admit(now), Some(now + SERVICE));
        let later = now + 10 * SERVICE;
        assert_eq!(server.admit(later), Some(later + 2 * SERVICE));
    }

    proptest! {
        #[test]
        fn requests_are_done_as_lindley_has_it(gaps_us in prop::collection::vec(0u64..1_500, 1..200)) {
            // The wait of a request is what the one before it left: Lindley's recursion (1952), in microseconds.
            let server = server();
            let mut now = Instant::now();
            let mut wait_us = 0;
            for (index, gap_us) in gaps_us.into_iter().enumerate() {
                now += Duration::from_micros(gap_us);
                if index > 0 {
                    wait_us = (wait_us + 500_u64).saturating_sub(gap_us);
                }
                prop_assert_eq!(server.admit(now), Some(now + Duration::from_micros(wait_us) + SERVICE));
            }
        }
    }
}
