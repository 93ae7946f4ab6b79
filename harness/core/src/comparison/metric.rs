//! One metric over the blocks of one stage: [`Test`].

use super::{Change, ComparedMetric, ComparisonPlan, FEWEST_PAIRS};
use crate::metric::Metric;
use crate::run::Run;
use crate::statistics::Estimate;

/// Deviations of log ratios below this are luck: no machine repeats itself to a thousandth.
pub(crate) const LEAST_DEVIATION: f64 = 0.001;
/// The chance with which a smallest detectable change is detected.
pub(crate) const POWER: f64 = 0.9;

/// The values of a metric in the blocks in which both meshes have one that can be compared, as (old, new).
pub(crate) fn pairs(metric: Metric, old: &[&Run], new: &[&Run]) -> Vec<(f64, f64)> {
    let value = |run: &Run| run.can_gate(metric).then(|| run.value(metric))?;
    let pair = |old: &&Run| {
        let new = new.iter().find(|new| new.block == old.block)?;
        Some((value(old)?, value(new)?))
    };
    old.iter().filter_map(pair).collect()
}

/// A metric's pairs, summed up.
#[derive(Debug)]
pub(super) struct Test {
    pub(super) metric: Metric,
    estimate: Estimate,
    /// The geometric mean of the old values, in the metric's base unit.
    old: f64,
}

impl Test {
    /// `None` where there is nothing to compare: too few pairs, or a metric that is zero, as a mesh's memory under none.
    pub(super) fn of(metric: Metric, pairs: &[(f64, f64)]) -> Option<Self> {
        let estimate = Estimate::of_log_ratios(pairs, LEAST_DEVIATION)?;
        let old = pairs.iter().map(|(old, _)| old.ln()).sum::<f64>() / pairs.len() as f64;
        Some(Self { metric, estimate, old: old.exp() })
    }

    pub(super) fn p_worse(&self) -> f64 {
        self.estimate.p_above()
    }

    /// Whether it is worth confirming that it became worse.
    pub(super) fn seems_worse(&self, plan: &ComparisonPlan) -> bool {
        let is_significant = self.p_worse() < plan.strictness.alpha;
        self.has_enough_pairs() && is_significant && self.matters(self.estimate.mean(), plan)
    }

    /// A flagged metric by its fresh blocks; `stays` when the test of them stays significant beside the others.
    pub(super) fn confirmed(&self, plan: &ComparisonPlan, stays: bool) -> ComparedMetric {
        let (_, high) = self.estimate.interval(plan.strictness.alpha);
        let change = match () {
            () if !self.has_enough_pairs() => Change::Inconclusive,
            () if stays && self.matters(self.estimate.mean(), plan) => Change::Regressed,
            () if !self.matters(high, plan) => Change::NoChange,
            () => Change::Inconclusive,
        };
        ComparedMetric { flagged: true, confirmed: true, ..self.compared(plan, change) }
    }

    /// A flagged metric that no fresh blocks could be run for.
    pub(super) fn unconfirmed(&self, plan: &ComparisonPlan) -> ComparedMetric {
        ComparedMetric { flagged: true, ..self.compared(plan, Change::Inconclusive) }
    }

    /// A metric that was not flagged, by the first stage.
    pub(super) fn unflagged(&self, plan: &ComparisonPlan) -> ComparedMetric {
        let (_, high) = self.estimate.interval(plan.strictness.alpha);
        let is_better = self.estimate.p_below() < plan.strictness.alpha && self.is_better(plan);
        let change = match () {
            () if !self.has_enough_pairs() => Change::Inconclusive,
            () if is_better => Change::Improved,
            () if !self.matters(high, plan) => Change::NoChange,
            () => Change::Inconclusive,
        };
        self.compared(plan, change)
    }

    fn has_enough_pairs(&self) -> bool {
        self.estimate.count() >= FEWEST_PAIRS
    }

    fn matters(&self, log_ratio: f64, plan: &ComparisonPlan) -> bool {
        plan.strictness.matters(self.metric, self.old, log_ratio)
    }

    /// From the new value to the old it is as far as a change for the worse must be.
    fn is_better(&self, plan: &ComparisonPlan) -> bool {
        let mean = self.estimate.mean();
        plan.strictness.matters(self.metric, self.old * mean.exp(), -mean)
    }

    fn compared(&self, plan: &ComparisonPlan, change: Change) -> ComparedMetric {
        let (low, high) = self.estimate.interval(plan.strictness.alpha);
        ComparedMetric {
            metric: self.metric.name().to_owned(),
            unit: self.metric.unit().into(),
            pairs: u32::try_from(self.estimate.count()).unwrap_or(u32::MAX),
            old: self.old,
            ratio: self.estimate.mean().exp(),
            ratio_low: low.exp(),
            ratio_high: high.exp(),
            smallest_detectable_ratio: self.estimate.smallest_detectable(plan.strictness.alpha, POWER).exp(),
            flagged: false,
            confirmed: false,
            change,
        }
    }
}
