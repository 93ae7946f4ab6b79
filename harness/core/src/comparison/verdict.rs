//! What a comparison comes to as a whole, in sentences.

use super::{Change, ComparedMetric, Comparison, UnfitStage};
use crate::metric::Metric;

/// What a comparison comes to as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComparisonVerdict {
    /// Too many blocks could not be used; a sentence on all and one on each.
    Invalid(Vec<String>),
    /// The new mesh fails requests, or falls short of the rate, where the old does not; a sentence each.
    Failed(Vec<String>),
    /// Something became worse, in both stages; a sentence each.
    Regressed(Vec<String>),
    /// The blocks do not tell of something; a sentence each.
    Inconclusive(Vec<String>),
    /// Something became better and nothing worse; a sentence each.
    Improved(Vec<String>),
    /// Nothing became worse by as much as matters.
    NoChange,
}

impl Comparison {
    /// The worst that is to be said of any metric.
    #[must_use]
    pub fn verdict(&self) -> ComparisonVerdict {
        let of = |change: Change| -> Vec<String> {
            let metrics = self.metrics.iter().filter(|compared| compared.change == change);
            metrics.map(|compared| self.sentence(compared)).collect()
        };
        if let Some(unfit) = self.unfit_stage {
            return ComparisonVerdict::Invalid(self.reasons(unfit));
        }
        let failures = self.failures();
        if !failures.is_empty() {
            return ComparisonVerdict::Failed(failures);
        }
        if self.metrics.is_empty() {
            let why = format!("not one block gave values of both {} and the new mesh", self.old);
            return ComparisonVerdict::Inconclusive(vec![why]);
        }
        let [regressed, inconclusive, improved] =
            [Change::Regressed, Change::Inconclusive, Change::Improved].map(of);
        match () {
            () if !regressed.is_empty() => ComparisonVerdict::Regressed(regressed),
            () if !inconclusive.is_empty() => ComparisonVerdict::Inconclusive(inconclusive),
            () if !improved.is_empty() => ComparisonVerdict::Improved(improved),
            () => ComparisonVerdict::NoChange,
        }
    }

    fn reasons(&self, unfit: UnfitStage) -> Vec<String> {
        let UnfitStage { dropped_blocks: dropped, most_dropped_blocks: most } = unfit;
        let summary = format!(
            "{dropped} blocks could not be used where {most} may be left out: nothing is said of the new version; cure \
             what follows and measure again"
        );
        std::iter::once(summary)
            .chain(self.dropped_blocks.iter().map(|dropped| dropped.why.clone()))
            .collect()
    }

    fn failures(&self) -> Vec<String> {
        let errors = self.errors.filter(|errors| errors.failed);
        let rate = self.rate.filter(|rate| rate.failed);
        let errors = errors.map(|errors| errors.sentence_on_errors(&self.old));
        errors.into_iter().chain(rate.map(|rate| rate.sentence_on_rate(&self.old))).collect()
    }

    fn sentence(&self, compared: &ComparedMetric) -> String {
        let ComparedMetric { metric, pairs, ratio, ratio_low, ratio_high, .. } = compared;
        let by = percent(*ratio);
        let bounds = format!("{} to {} over {pairs} blocks", percent(*ratio_low), percent(*ratio_high));
        let values = metric.parse::<Metric>().map_or_else(
            |_| String::new(),
            |metric| {
                let [old, new] = [compared.old, compared.old * ratio].map(|v| metric.unit().show(v, 3));
                format!(", from {old} to {new}")
            },
        );
        let old = &self.old;
        match compared.change {
            Change::Regressed => {
                format!(
                    "{metric} is worse than {old}'s by {by} ({bounds}){values}; fresh blocks confirmed it: expect it of an upgrade"
                )
            }
            Change::Improved => format!("{metric} is better than {old}'s by {by} ({bounds}){values}"),
            Change::NoChange => format!("{metric} is {old}'s within what matters: {by} ({bounds})"),
            Change::Inconclusive if compared.flagged && !compared.confirmed => {
                format!(
                    "{metric} seems worse than {old}'s by {by} ({bounds}){values}, and there are no fresh blocks to confirm it: measure again"
                )
            }
            Change::Inconclusive if compared.confirmed => {
                format!(
                    "{metric} seemed worse than {old}'s, and fresh blocks do not tell: {by} ({bounds}); raise `confirming_blocks`"
                )
            }
            Change::Inconclusive => {
                let smallest = percent(compared.smallest_detectable_ratio);
                format!(
                    "{metric} against {old}'s: {by} ({bounds}) does not tell; these blocks find {smallest}: more of them, or longer ones, find less"
                )
            }
        }
    }
}

fn percent(ratio: f64) -> String {
    format!("{:+.1}%", (ratio - 1.0) * 100.0)
}
