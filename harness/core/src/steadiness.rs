//! Whether a run measured one state throughout, on a machine that was there for it: [`unsteadiness`].

use crate::statistics::{median, mser5};

/// How much the median latency may change from one part of the window to another.
const MOST_DRIFT: f64 = 0.1;
/// A change of the median latency that matters to nobody, however large it is in proportion.
const TOLERATED_DRIFT_NS: f64 = 50_000.0;
/// The most of the machine's time that whoever shares its hardware may take.
const MOST_STEAL_SHARE: f64 = 0.05;
/// Thirds of fewer seconds are luck.
const FEWEST_SECONDS_OF_A_THIRD: usize = 2;

/// How a run went, besides what it came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Course {
    /// The median latency of each second of the window, in nanoseconds; seconds without a success are left out.
    pub p50_by_second_ns: Vec<u64>,
    /// CPU time that the hypervisor gave to others, as a share of the used cores' time; `None` where no kernel says.
    pub steal_share: Option<f64>,
}

/// What makes a run's figures no figures of one state, in a sentence; `None` where nothing does.
#[must_use]
pub fn unsteadiness(course: &Course) -> Option<String> {
    let p50s: Vec<f64> = course.p50_by_second_ns.iter().map(|&p50| p50 as f64).collect();
    stolen(course).or_else(|| settling(&p50s)).or_else(|| drift(&p50s))
}

fn stolen(course: &Course) -> Option<String> {
    let share = course.steal_share.filter(|share| *share > MOST_STEAL_SHARE)?;
    let percent = share * 100.0;
    Some(format!("others took {percent:.1}% of the CPU time: measure on a machine that is not shared"))
}

fn settling(p50s: &[f64]) -> Option<String> {
    let settled = mser5(p50s)?;
    let (before, after) = p50s.split_at(settled);
    let (before_ms, after_ms) = apart(before, after)?;
    Some(format!(
        "the median latency settled only after {settled} seconds, from {before_ms:.3}ms to {after_ms:.3}ms: lengthen `warm_up`"
    ))
}

fn drift(p50s: &[f64]) -> Option<String> {
    let third = p50s.len() / 3;
    if third < FEWEST_SECONDS_OF_A_THIRD {
        return None;
    }
    let (first_ms, last_ms) = apart(&p50s[..third], &p50s[p50s.len() - third..])?;
    Some(format!(
        "the median latency drifted from {first_ms:.3}ms in the first third to {last_ms:.3}ms in the last: is the machine \
         busy with something else?"
    ))
}

/// What two parts of a window have for the median latency, in milliseconds, where that differs by too much.
fn apart(earlier: &[f64], later: &[f64]) -> Option<(f64, f64)> {
    let (earlier, later) = (median(earlier)?, median(later)?);
    let difference = (later - earlier).abs();
    let is_apart = difference > MOST_DRIFT * earlier && difference > TOLERATED_DRIFT_NS;
    is_apart.then_some((earlier / 1e6, later / 1e6))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// The sentence on a run whose median latency was so many microseconds for so many seconds.
    fn sentence(stretches: &[(usize, u64)]) -> String {
        let of = |&(seconds, p50_us): &(usize, u64)| std::iter::repeat_n(p50_us * 1_000, seconds);
        let course = Course { p50_by_second_ns: stretches.iter().flat_map(of).collect(), steal_share: None };
        unsteadiness(&course).unwrap_or_default()
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
        assert_eq!(unsteadiness(&course(0.05)), None);
        let sentence = unsteadiness(&course(0.051)).unwrap();
        assert_eq!(sentence, "others took 5.1% of the CPU time: measure on a machine that is not shared");
    }
}
