//! Whether a run measured one state throughout, on a machine that was there for it: [`Drift`] and [`stolen`].

use std::fmt;

use crate::course::Course;
use crate::statistics::{median, mser5};

/// How much the median latency may change from one part of the window to another.
const MOST_DRIFT: f64 = 0.1;
/// A change of the median latency that matters to nobody, however large it is in proportion.
const TOLERATED_DRIFT_NS: f64 = 50_000.0;
/// From one third of a window to another, the median latency of what keeps up changes by less: a queue that grows adds the
/// same to it every second.
const QUEUE_GROWTH: f64 = 1.5;
/// A queue of less is none.
const TOLERATED_QUEUE_NS: f64 = 1_000_000.0;
/// The most of the machine's time that whoever shares its hardware may take.
const MOST_STEAL_SHARE: f64 = 0.05;
/// Thirds of fewer seconds are luck.
const FEWEST_SECONDS_OF_A_THIRD: usize = 2;

/// How the median latency changed within a window by more than a tenth. Displayed as the fact, without its cause.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// The seconds that it took to settle; `None` where the last third of the window differs from the first.
    settled_after_seconds: Option<usize>,
    before_ms: f64,
    after_ms: f64,
}

impl Drift {
    /// What makes a run's figures no figures of one state; `None` where nothing does.
    #[must_use]
    pub fn of(course: &Course) -> Option<Self> {
        let p50s: Vec<f64> = course.p50_by_second_ns().iter().map(|&p50| p50 as f64).collect();
        Self::settling(&p50s).or_else(|| Self::between_thirds(&p50s))
    }

    fn settling(p50s: &[f64]) -> Option<Self> {
        let settled = mser5(p50s)?;
        let (before, after) = p50s.split_at(settled);
        let (before_ms, after_ms) = apart(before, after)?;
        Some(Self { settled_after_seconds: Some(settled), before_ms, after_ms })
    }

    fn between_thirds(p50s: &[f64]) -> Option<Self> {
        let third = p50s.len() / 3;
        if third < FEWEST_SECONDS_OF_A_THIRD {
            return None;
        }
        let (before_ms, after_ms) = apart(&p50s[..third], &p50s[p50s.len() - third..])?;
        Some(Self { settled_after_seconds: None, before_ms, after_ms })
    }

    /// What to do where no mesh had a part in it.
    #[must_use]
    pub fn cure_for_a_machine(&self) -> &'static str {
        match self.settled_after_seconds {
            Some(_) => "lengthen `warm_up`",
            None => "is the machine busy with something else?",
        }
    }

    /// What to do where the mesh drifted and what ran next to it did not.
    #[must_use]
    pub fn cure_for_a_mesh(&self) -> &'static str {
        match self.settled_after_seconds {
            Some(_) => "lengthen `warm_up` if it only starts slowly",
            None => "look for what grows in it, such as memory, a queue or a log",
        }
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { settled_after_seconds, before_ms, after_ms } = self;
        match settled_after_seconds {
            Some(seconds) => write!(
                formatter,
                "the median latency settled only after {seconds} seconds, from {before_ms:.3}ms to {after_ms:.3}ms"
            ),
            None => write!(
                formatter,
                "the median latency drifted from {before_ms:.3}ms in the first third to {after_ms:.3}ms in the last"
            ),
        }
    }
}

/// How a median latency grew within a window: requests come faster than they are answered, and wait. Displayed as the fact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growth {
    before_ms: f64,
    after_ms: f64,
}

/// Whether latency grew by so much from the first third of a window to the last that a queue must have; `None` of a window
/// too short to tell.
#[must_use]
pub fn growth(course: &Course) -> Option<Growth> {
    let p50s: Vec<f64> = course.p50_by_second_ns().iter().map(|&p50| p50 as f64).collect();
    let third = p50s.len() / 3;
    if third < FEWEST_SECONDS_OF_A_THIRD {
        return None;
    }
    let (before, after) = (median(&p50s[..third])?, median(&p50s[p50s.len() - third..])?);
    let is_growing = after > QUEUE_GROWTH * before && after - before > TOLERATED_QUEUE_NS;
    is_growing.then_some(Growth { before_ms: before / 1e6, after_ms: after / 1e6 })
}

impl fmt::Display for Growth {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { before_ms, after_ms } = self;
        write!(
            formatter,
            "a queue grew: the median latency went from {before_ms:.3}ms in the first third to {after_ms:.3}ms in the last"
        )
    }
}

/// Whether others took so much of the CPU time that a run says nothing, in a sentence.
#[must_use]
pub fn stolen(course: &Course) -> Option<String> {
    let share = course.steal_share.filter(|share| *share > MOST_STEAL_SHARE)?;
    let percent = share * 100.0;
    Some(format!("others took {percent:.1}% of the CPU time: measure on a machine that is not shared"))
}

/// What two parts of a window have for the median latency, in milliseconds, where that differs by too much.
fn apart(earlier: &[f64], later: &[f64]) -> Option<(f64, f64)> {
    let (earlier, later) = (median(earlier)?, median(later)?);
    let difference = (later - earlier).abs();
    let is_apart = difference > MOST_DRIFT * earlier && difference > TOLERATED_DRIFT_NS;
    is_apart.then_some((earlier / 1e6, later / 1e6))
}

#[cfg(test)]
pub(crate) mod tests {
    use rstest::rstest;

    use crate::course::Stretch;

    use super::*;

    /// The course of a run whose seconds had these median latencies, in nanoseconds.
    pub(crate) fn of_medians(p50s_ns: impl IntoIterator<Item = u64>) -> Course {
        let second = |p50_ns| Stretch { until_seconds: 0.0, requests: 1, errors: 0, p50_ns, p99_ns: p50_ns };
        Course { stretches: p50s_ns.into_iter().map(second).collect(), ..Course::default() }
    }

    /// The sentence on a run whose median latency was so many microseconds for so many seconds.
    fn sentence(stretches: &[(usize, u64)]) -> String {
        let of = |&(seconds, p50_us): &(usize, u64)| std::iter::repeat_n(p50_us * 1_000, seconds);
        let course = of_medians(stretches.iter().flat_map(of));
        Drift::of(&course)
            .map_or_else(String::new, |drift| format!("{drift}: {}", drift.cure_for_a_machine()))
    }

    #[rstest]
    #[case::steady(&[(60, 2_000)], "")]
    #[case::a_drift_within_a_tenth(&[(5, 2_000), (5, 2_190)], "")]
    #[case::a_drift_that_nobody_notices(&[(5, 100), (5, 149)], "")]
    #[case::one_bad_second(&[(5, 2_000), (1, 9_000), (4, 2_000)], "")]
    #[case::too_short_to_tell(&[(2, 2_000), (3, 9_000)], "")]
    #[case::nothing_answered(&[], "")]
    #[case::slower(&[(5, 2_000), (5, 2_210)], "the median latency drifted from 2.000ms in the first third to 2.210ms in the last: is the machine busy with something else?")]
    #[case::faster(&[(5, 2_000), (5, 1_700)], "the median latency drifted from 2.000ms in the first third to 1.700ms in the last: is the machine busy with something else?")]
    #[case::settling(&[(10, 3_000), (50, 2_000)], "the median latency settled only after 10 seconds, from 3.000ms to 2.000ms: lengthen `warm_up`")]
    fn what_is_said(#[case] stretches: &[(usize, u64)], #[case] expected: &str) {
        assert_eq!(sentence(stretches), expected);
    }

    #[test]
    fn stolen_time_is_told() {
        let course = |steal_share| Course { steal_share: Some(steal_share), ..Course::default() };
        assert_eq!(stolen(&course(0.05)), None);
        let sentence = stolen(&course(0.051)).unwrap();
        assert_eq!(sentence, "others took 5.1% of the CPU time: measure on a machine that is not shared");
    }
}
