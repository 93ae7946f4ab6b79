//! Against what another library says of the same numbers.

use proptest::prelude::*;
use serde::Deserialize;

use super::super::reference::{assert_near, cases};
use super::*;

#[derive(Deserialize)]
struct PairedCase {
    old: Vec<f64>,
    new: Vec<f64>,
    mean: f64,
    p_above: f64,
    low: f64,
    high: f64,
    smallest_detectable: f64,
    power_at_smallest: f64,
}

#[test]
fn pairs_agree_with_scipy() {
    for case in cases::<PairedCase>("paired") {
        let pairs: Vec<_> = case.old.iter().copied().zip(case.new.iter().copied()).collect();
        let estimate = Estimate::of_log_ratios(&pairs, 0.0).unwrap();
        assert_eq!(estimate.count(), case.old.len());
        assert_near(estimate.mean(), case.mean);
        assert_near(estimate.p_above(), case.p_above);
        assert_near(estimate.p_below(), 1.0 - case.p_above);
        assert_near(estimate.interval(0.025).0, case.low);
        assert_near(estimate.interval(0.025).1, case.high);
        assert_near(estimate.smallest_detectable(0.025, 0.9), case.smallest_detectable);
        let is_near = (case.power_at_smallest - 0.9).abs() < 0.02;
        assert!(is_near || pairs.len() < 5, "a power of {}", case.power_at_smallest);
    }
}

#[derive(Deserialize)]
struct StoredCase {
    stored: Vec<f64>,
    new: f64,
    mean: f64,
    p_above: f64,
    low: f64,
    high: f64,
}

#[test]
fn a_new_campaign_agrees_with_scipy() {
    for case in cases::<StoredCase>("stored") {
        let estimate = Estimate::of_new_against_stored(case.new, &case.stored, 0.0).unwrap();
        assert_eq!(estimate.count(), case.stored.len());
        assert_near(estimate.mean(), case.mean);
        assert_near(estimate.p_above(), case.p_above);
        assert_near(estimate.p_below(), 1.0 - case.p_above);
        assert_near(estimate.interval(0.025).0, case.low);
        assert_near(estimate.interval(0.025).1, case.high);
    }
}

#[test]
fn equal_readings_are_not_certainty() {
    let paired = Estimate::of_log_ratios(&[(1.0, 1.0005); 8], 0.001).unwrap();
    assert!(paired.p_above() > 0.05, "{}", paired.p_above());
    let stored = Estimate::of_new_against_stored(0.0015, &[0.0; 8], 0.001).unwrap();
    assert!(stored.p_above() > 0.05, "{}", stored.p_above());
}

#[test]
fn what_cannot_be_compared_is_not() {
    assert_eq!(Estimate::of_log_ratios(&[(1.0, 2.0)], 0.001), None);
    assert_eq!(Estimate::of_log_ratios(&[(1.0, 2.0), (0.0, 2.0)], 0.001), None);
    assert_eq!(Estimate::of_log_ratios(&[(1.0, f64::NAN), (1.0, 2.0)], 0.001), None);
    assert!(Estimate::of_differences(&[(0.0, 0.0), (0.0, 0.0)], 0.001).is_some());
    assert_eq!(Estimate::of_new_against_stored(1.0, &[1.0], 0.001), None);
}

proptest! {
    #[test]
    fn swapping_the_systems_swaps_the_answer(pairs in prop::collection::vec((0.1..9.0_f64, 0.1..9.0_f64), 2..20)) {
        let swapped: Vec<_> = pairs.iter().map(|&(old, new)| (new, old)).collect();
        let [forth, back] = [pairs, swapped].map(|pairs| Estimate::of_log_ratios(&pairs, 0.001).unwrap());
        prop_assert!((forth.p_above() - back.p_below()).abs() < 1e-9);
        prop_assert!((forth.mean() + back.mean()).abs() < 1e-9);
    }
}
