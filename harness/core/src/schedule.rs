//! When each request is due: [`Schedule`], exact to the nanosecond over any length of run.

use crate::units::OfferedRate;

/// This many nanoseconds times millirequests per second make one request.
const NANOSECOND_MILLIREQUESTS: u128 = 1_000_000_000_000;

/// The due time of every request of a constant-rate run, counted from its start.
///
/// Request `n` is due at `floor(n × 10⁹ / rate)` nanoseconds. Each due time is computed from `n` alone, so no error
/// adds up however long the run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    rate: OfferedRate,
}

impl Schedule {
    /// A schedule that offers `rate` from its start on.
    #[must_use]
    pub fn new(rate: OfferedRate) -> Self {
        Self { rate }
    }

    /// The rate this schedule offers.
    #[must_use]
    pub fn rate(self) -> OfferedRate {
        self.rate
    }

    /// When request `n` (the first is 0) is due, in nanoseconds after the start.
    #[must_use]
    pub fn due_ns(self, n: u64) -> u64 {
        let due = u128::from(n) * NANOSECOND_MILLIREQUESTS / self.millirequests_per_second();
        // Only a run of more than 584 years gets here.
        u64::try_from(due).unwrap_or(u64::MAX)
    }

    /// How many requests are due before `elapsed_ns` after the start: also the number of the first one due at or after it.
    #[must_use]
    pub fn due_before(self, elapsed_ns: u64) -> u64 {
        let millirequests = u128::from(elapsed_ns) * self.millirequests_per_second();
        u64::try_from(millirequests.div_ceil(NANOSECOND_MILLIREQUESTS)).unwrap_or(u64::MAX)
    }

    fn millirequests_per_second(self) -> u128 {
        self.rate.millirequests_per_second().get().into()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use proptest::prelude::*;

    use super::*;

    fn any_rate() -> impl Strategy<Value = OfferedRate> {
        (1_u64..1_000_000_000)
            .prop_map(|rate| OfferedRate::from_millirequests_per_second(NonZeroU64::new(rate).unwrap()))
    }

    #[test]
    fn a_third_of_a_second_does_not_drift_in_a_year() {
        let schedule = Schedule::new(OfferedRate::from_requests_per_second(3).unwrap());
        assert_eq!([0, 1, 2, 3].map(|n| schedule.due_ns(n)), [0, 333_333_333, 666_666_666, 1_000_000_000]);
        let seconds_of_a_year = 31_536_000;
        assert_eq!(schedule.due_ns(3 * seconds_of_a_year), seconds_of_a_year * 1_000_000_000);
    }

    proptest! {
        #[test]
        fn due_times_never_go_back(rate in any_rate(), n in 0_u64..1_000_000_000_000) {
            let schedule = Schedule::new(rate);
            prop_assert!(schedule.due_ns(n) <= schedule.due_ns(n + 1));
        }

        #[test]
        fn whole_seconds_are_met_exactly_after_hours(requests_per_second in 1_u64..1_000_000, seconds in 0_u64..1_000_000) {
            let schedule = Schedule::new(OfferedRate::from_requests_per_second(requests_per_second).unwrap());
            prop_assert_eq!(schedule.due_ns(requests_per_second * seconds), seconds * 1_000_000_000);
        }

        #[test]
        fn a_window_holds_what_is_due_in_it(rate in any_rate(), edge_ns in 1_u64..100_000_000_000_000) {
            let schedule = Schedule::new(rate);
            let count = schedule.due_before(edge_ns);
            prop_assert!(schedule.due_ns(count) >= edge_ns);
            prop_assert!(count == 0 || schedule.due_ns(count - 1) < edge_ns);
        }
    }
}
