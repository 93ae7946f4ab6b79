//! Which limits apply to whom, and what breaking them reads like.

use std::collections::BTreeMap;

use rstest::rstest;

use super::{Budgets, Limit, LimitOutcome, LimitsByMetric, OverBare, Quantity, Reading, judge_limit};
use crate::metric::Metric;
use crate::scenario::MeshName;

const MILLISECOND: f64 = 1e6;
const MEBIBYTE: f64 = 1_048_576.0;

fn quantity(metric: Metric, text: &str) -> Quantity {
    Quantity::read(metric.unit(), text).unwrap()
}

fn judged(metric: Metric, limit: Limit, value: f64, bare: Option<f64>) -> String {
    let over_bare = bare.and_then(|bare| OverBare::of_blocks(&[(bare, value)]));
    judge_limit(metric, limit, Reading { value, over_bare, requests: 1_000_000 }).to_string()
}

#[rstest]
#[case::within(20.0, "within its limit")]
#[case::above(31.2, "p50 31.2ms is above its limit 20ms")]
#[case::barely(20.01, "p50 20.01ms is above its limit 20ms")]
fn at_most(#[case] milliseconds: f64, #[case] expected: &str) {
    let limit = Limit::AtMost(quantity(Metric::P50, "20ms"));
    assert_eq!(judged(Metric::P50, limit, milliseconds * MILLISECOND, None), expected);
}

#[rstest]
#[case::within(0.99, "within its limit")]
#[case::below(0.9412, "achieved_share 94.1% is below its limit 99%")]
fn at_least(#[case] fraction: f64, #[case] expected: &str) {
    let limit = Limit::AtLeast(quantity(Metric::AchievedShare, "99%"));
    assert_eq!(judged(Metric::AchievedShare, limit, fraction, None), expected);
}

#[rstest]
#[case::within(27.1, Some(17.1), "within its limit")]
#[case::above(
    31.2,
    Some(17.1),
    "p50 is 14.1ms above bare in the same block (31.2ms against 17.1ms at the median); the budget allows +10ms"
)]
#[case::no_control(31.2, None, "not judged: nothing was measured under bare to compare with")]
fn over_bare_by_a_difference(#[case] value: f64, #[case] bare: Option<f64>, #[case] expected: &str) {
    let limit = Limit::OverBareDifference(quantity(Metric::P50, "10ms"));
    let bare = bare.map(|milliseconds| milliseconds * MILLISECOND);
    assert_eq!(judged(Metric::P50, limit, value * MILLISECOND, bare), expected);
}

#[rstest]
#[case::within(60.0, 40.0, "within its limit")]
#[case::above(
    80.0,
    40.0,
    "application_memory is ×2.00 of bare in the same block (80MiB against 40MiB at the median); the budget allows ×1.5"
)]
#[case::barely(
    60.02,
    40.0,
    "application_memory is ×1.5005 of bare in the same block (60MiB against 40MiB at the median); the budget allows ×1.5"
)]
#[case::nothing(60.0, 0.0, "application_memory is 60MiB where bare has none; the budget allows ×1.5")]
fn over_bare_by_a_ratio(#[case] value: f64, #[case] bare: f64, #[case] expected: &str) {
    let limit = Limit::OverBareRatio(1.5);
    let said = judged(Metric::ApplicationMemory, limit, value * MEBIBYTE, Some(bare * MEBIBYTE));
    assert_eq!(said, expected);
}

#[rstest]
#[case(Metric::P50, 200)]
#[case(Metric::P75, 400)]
#[case(Metric::P90, 1_000)]
#[case(Metric::P99, 10_000)]
#[case(Metric::P99_9, 100_000)]
#[case(Metric::P99_99, 1_000_000)]
fn a_quantile_is_judged_from_its_hundredth_straggler_on(#[case] metric: Metric, #[case] needed: u64) {
    let limit = Limit::AtMost(quantity(metric, "1ms"));
    let outcome = |requests| judge_limit(metric, limit, Reading { value: 0.0, over_bare: None, requests });
    assert_eq!(outcome(needed - 1), LimitOutcome::TooFewRequests { needed, had: needed - 1 });
    assert_eq!(outcome(needed), LimitOutcome::Within);
}

#[test]
fn an_override_replaces_all_limits_on_its_metric_and_no_others() {
    let at_most = |text| Limit::AtMost(quantity(Metric::P50, text));
    let over_bare = Limit::OverBareRatio(10.0);
    let every_mesh = LimitsByMetric::from([
        (Metric::P50, vec![at_most("20ms"), over_bare]),
        (Metric::CpuPerRequest, vec![over_bare]),
    ]);
    let stock: MeshName = "envoy-stock".parse().unwrap();
    let replaced = LimitsByMetric::from([(Metric::P50, vec![at_most("40ms")])]);
    let budgets = Budgets::new(every_mesh, BTreeMap::from([(stock.to_string(), replaced)]));
    let limits = |mesh: &MeshName| budgets.limits_for(mesh).collect::<Vec<_>>();

    assert_eq!(limits(&stock), [(Metric::P50, at_most("40ms")), (Metric::CpuPerRequest, over_bare)]);
    assert_eq!(limits(&stock.at(&"1.39.0".parse().unwrap())), limits(&stock));
    assert_eq!(limits(&MeshName::bare()), [(Metric::P50, at_most("20ms"))]);
    assert_eq!(limits(&"haproxy".parse().unwrap()).len(), 3);
}

/// Blocks that became slower one by one: the runs of neighbours have nothing to do with each other.
#[test]
fn what_is_over_bare_is_over_bare_in_the_same_block() {
    let over = OverBare::of_blocks(&[(10.0, 30.0), (20.0, 22.0), (30.0, 31.5)]).unwrap();
    assert_eq!((over.difference, over.ratio, over.bare), (2.0, 1.1, 20.0));
    assert_eq!(OverBare::of_blocks(&[]), None);
    assert_eq!(OverBare::of_blocks(&[(0.0, 0.0)]).unwrap().ratio, 1.0);
}
