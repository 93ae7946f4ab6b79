//! Whether a recording says anything of the server: [`shortcomings`] of the generator and its surroundings.
//!
//! The limits are those of any open-loop measurement, whatever was measured: the load was really offered, it left when it
//! was due, and the generator had processor time to spare.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::recording::Recording;

/// The smallest achieved share of the offered rate at which a run says anything of the server.
pub(crate) const LEAST_ACHIEVED_SHARE: f64 = 0.99;
/// More errors than this are too many where `bare`, or an older version, had fewer, whatever a test says.
pub(crate) const MOST_ERROR_SHARE: f64 = 0.01;
/// Send lag that is always tolerated at p99, in nanoseconds.
const TOLERATED_SEND_LAG_NS: u64 = 500_000;
/// Send lag tolerated at p99 as a share of the latency's p99.
const TOLERATED_SEND_LAG_SHARE: f64 = 0.1;
/// Above this share of a core the generator measures itself.
const MOST_CPU_SHARE: f64 = 0.9;

/// The verdict on a recording, as it stands in its JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validity {
    /// Whether the figures say something of the server.
    pub valid: bool,
    /// What speaks against it, each in a sentence with what to do about it; none where it is valid.
    pub reasons: Vec<String>,
}

impl Validity {
    /// Judges `recording` by its figures; what it says of its own validity does not matter.
    #[must_use]
    pub fn of(recording: &Recording) -> Self {
        let sentence = |shortcoming: &Shortcoming| format!("{shortcoming}: {}", shortcoming.cure());
        let reasons: Vec<_> = shortcomings(recording).iter().map(sentence).collect();
        Self { valid: reasons.is_empty(), reasons }
    }
}

/// One way in which a recording says nothing of the server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shortcoming {
    /// Not one request was due while the window was open.
    NothingMeasured,
    /// Less was answered within the window than was offered.
    RateShortfall {
        /// Requests per second.
        achieved_rate: f64,
        /// Requests per second.
        offered_rate: f64,
    },
    /// Requests left too late after they were due.
    LateSending {
        /// Send lag at p99, in nanoseconds.
        send_lag_ns: u64,
        /// What would have been tolerated, in nanoseconds.
        tolerated_ns: u64,
        /// Whether it was for want of a free connection.
        waited: bool,
    },
    /// The generator, or one of its threads, had hardly a moment to spare.
    Overload {
        /// The share of its cores that it used, or of one core where one thread was busier than all together, 0 to 1.
        cpu_share: f64,
    },
}

impl Shortcoming {
    /// What to do about it, for the end of a sentence.
    #[must_use]
    pub fn cure(&self) -> &'static str {
        match self {
            Self::NothingMeasured => "let it run longer",
            Self::RateShortfall { .. } => "lower the rate",
            Self::LateSending { waited: true, .. } => "raise `connections`, or lower the rate",
            Self::LateSending { waited: false, .. } => "is the machine busy with something else?",
            Self::Overload { .. } => "give it more, or lower the rate",
        }
    }
}

impl fmt::Display for Shortcoming {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NothingMeasured => formatter.write_str("no request was due while the window was open"),
            Self::RateShortfall { achieved_rate, offered_rate } => {
                let percent = achieved_rate / offered_rate * 100.0;
                write!(
                    formatter,
                    "achieved {achieved_rate:.1} of {offered_rate:.1} requests per second ({percent:.1}%)"
                )
            }
            Self::LateSending { send_lag_ns, tolerated_ns, waited } => {
                let (lag_ms, tolerated_ms) = (send_lag_ns as f64 / 1e6, tolerated_ns as f64 / 1e6);
                let cause = if waited {
                    "requests waited for a free connection"
                } else {
                    "the generator was kept from its core"
                };
                write!(
                    formatter,
                    "send lag p99 is {lag_ms:.2}ms where {tolerated_ms:.2}ms is tolerated; {cause}"
                )
            }
            Self::Overload { cpu_share } => {
                write!(formatter, "the load generator used {:.0}% of its cores", cpu_share * 100.0)
            }
        }
    }
}

/// Everything that speaks against a recording.
#[must_use]
pub fn shortcomings(recording: &Recording) -> Vec<Shortcoming> {
    let nothing = (recording.requests == 0).then_some(Shortcoming::NothingMeasured);
    let shortcomings = [nothing, rate_shortfall(recording), late_sending(recording), overload(recording)];
    shortcomings.into_iter().flatten().collect()
}

/// Whether less than 99% of the offered rate was achieved.
#[must_use]
pub fn rate_shortfall(recording: &Recording) -> Option<Shortcoming> {
    recording.achieved_share().filter(|share| *share < LEAST_ACHIEVED_SHARE)?;
    let (achieved_rate, offered_rate) = (recording.achieved_rate, recording.offered_rate?);
    Some(Shortcoming::RateShortfall { achieved_rate, offered_rate })
}

/// Whether send lag at p99 is above 0.5 ms and above a tenth of the latency at p99.
#[must_use]
pub fn late_sending(recording: &Recording) -> Option<Shortcoming> {
    let send_lag_ns = recording.send_lag_ns.value_at_quantile(0.99);
    let latency_ns = recording.latency_ns.value_at_quantile(0.99);
    let tolerated_ns = TOLERATED_SEND_LAG_NS.max((latency_ns as f64 * TOLERATED_SEND_LAG_SHARE) as u64);
    let waited = recording.max_queue_depth > 0;
    (send_lag_ns > tolerated_ns).then_some(Shortcoming::LateSending { send_lag_ns, tolerated_ns, waited })
}

/// Whether the generator used more than 90% of its cores, or one of its threads more than 90% of one.
#[must_use]
pub fn overload(recording: &Recording) -> Option<Shortcoming> {
    let cpu_share = recording.cpu_share().max(recording.busiest_sender_share());
    (cpu_share > MOST_CPU_SHARE).then_some(Shortcoming::Overload { cpu_share })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::SenderUse;
    use crate::recording::tests::recording;

    /// A recording of 100 requests of 10 ms in 1 s that nothing speaks against, changed.
    fn validity(change: impl FnOnce(&mut Recording)) -> Validity {
        let mut changed = recording(&[10_000_000; 100], &[20_000; 100]);
        assert_eq!(Validity::of(&changed), Validity { valid: true, reasons: Vec::new() });
        change(&mut changed);
        Validity::of(&changed)
    }

    #[test]
    fn every_reason_says_how_much_and_what_to_do() {
        let reasons = validity(|recording| {
            recording.achieved_rate = 98.0;
            recording.send_lag_ns = recording.latency_ns.clone();
            recording.cpu_seconds = 0.95;
        });
        insta::assert_snapshot!(reasons.reasons.join("\n"), @"
        achieved 98.0 of 100.0 requests per second (98.0%): lower the rate
        send lag p99 is 10.00ms where 1.00ms is tolerated; the generator was kept from its core: is the machine busy with something else?
        the load generator used 95% of its cores: give it more, or lower the rate
        ");
        let waited = validity(|recording| {
            recording.send_lag_ns = recording.latency_ns.clone();
            recording.max_queue_depth = 1;
        });
        insta::assert_snapshot!(waited.reasons.join("\n"), @"send lag p99 is 10.00ms where 1.00ms is tolerated; requests waited for a free connection: raise `connections`, or lower the rate");
        assert!(!reasons.valid && !waited.valid);
    }

    #[test]
    fn limits_are_where_the_method_has_them() {
        assert!(validity(|recording| recording.achieved_rate = 99.0).valid);
        assert!(validity(|recording| recording.cpu_seconds = 0.9).valid);
        assert!(
            validity(|recording| recording.send_lag_ns.record(1_000_000)).valid,
            "a tenth of the latency"
        );
        assert!(!validity(|recording| (0..9).for_each(|_| recording.send_lag_ns.record(1_100_000))).valid);
    }

    #[test]
    fn one_busy_thread_is_not_hidden_by_idle_ones() {
        let mut busy = recording(&[10_000_000; 100], &[20_000; 100]);
        let sender = |cpu_seconds| SenderUse { cpu_seconds, involuntary_context_switches: 0 };
        (busy.threads, busy.cpu_seconds, busy.senders) = (2, 1.0, vec![sender(0.95), sender(0.05)]);
        assert_eq!(overload(&busy), Some(Shortcoming::Overload { cpu_share: 0.95 }));
    }

    #[test]
    fn a_run_that_ended_before_its_window_is_not_valid() {
        let interrupted = validity(|recording| {
            (recording.window_ns, recording.requests, recording.offered_rate) = (0, 0, Some(0.0));
        });
        assert_eq!(interrupted.reasons, ["no request was due while the window was open: let it run longer"]);
    }

    #[test]
    fn a_plan_that_saturates_has_no_rate_to_fall_short_of() {
        assert!(validity(|recording| (recording.offered_rate, recording.achieved_rate) = (None, 1.0)).valid);
    }
}
