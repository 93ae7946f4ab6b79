//! Against what another library says of the same numbers.

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Case {
    old: Vec<f64>,
    new: Vec<f64>,
    mean: f64,
    deviation: f64,
    p_above: f64,
    low: f64,
    high: f64,
    smallest_detectable: f64,
}

#[track_caller]
fn assert_near(ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() <= 1e-9 * theirs.abs().max(1e-3), "{ours} is not {theirs}");
}

#[test]
fn agrees_with_scipy() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("scipy.json")).unwrap();
    assert_eq!(cases.len(), 5);
    for case in cases {
        let pairs: Vec<_> = case.old.iter().copied().zip(case.new.iter().copied()).collect();
        let paired = Paired::log_ratios(&pairs, 0.0).unwrap();
        assert_eq!(paired.pairs(), case.old.len());
        assert_near(paired.mean(), case.mean);
        assert_near(paired.deviation, case.deviation);
        assert_near(paired.p_above(), case.p_above);
        assert_near(paired.p_below(), 1.0 - case.p_above);
        assert_near(paired.interval(0.025).0, case.low);
        assert_near(paired.interval(0.025).1, case.high);
        assert_near(paired.smallest_detectable(0.025, 0.9), case.smallest_detectable);
    }
}

#[test]
fn equal_readings_are_not_certainty() {
    let pairs = [(1.0, 1.0005); 8];
    let paired = Paired::log_ratios(&pairs, 0.001).unwrap();
    assert!(paired.p_above() > 0.05, "{}", paired.p_above());
}

#[test]
fn what_cannot_be_compared_is_not() {
    assert_eq!(Paired::log_ratios(&[(1.0, 2.0)], 0.001), None);
    assert_eq!(Paired::log_ratios(&[(1.0, 2.0), (0.0, 2.0)], 0.001), None);
    assert_eq!(Paired::log_ratios(&[(1.0, f64::NAN), (1.0, 2.0)], 0.001), None);
    assert!(Paired::differences(&[(0.0, 0.0), (0.0, 0.0)], 0.001).is_some());
}

proptest! {
    #[test]
    fn swapping_the_systems_swaps_the_answer(pairs in prop::collection::vec((0.1..9.0_f64, 0.1..9.0_f64), 2..20)) {
        let swapped: Vec<_> = pairs.iter().map(|&(old, new)| (new, old)).collect();
        let (forth, back) = (Paired::log_ratios(&pairs, 0.001).unwrap(), Paired::log_ratios(&swapped, 0.001).unwrap());
        prop_assert!((forth.p_above() - back.p_below()).abs() < 1e-9);
        prop_assert!((forth.mean() + back.mean()).abs() < 1e-9);
    }
}
