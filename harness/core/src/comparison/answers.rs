//! Whether the new mesh answers as much, and as well, as the old: [`ComparedShare`].
//!
//! Shares are compared by their difference in percentage points: a ratio to no errors at all is none.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ComparisonPlan, FEWEST_PAIRS};
use crate::metric::{Metric, Unit};
use crate::run::Run;
use crate::statistics::Estimate;
use crate::validity::{LEAST_ACHIEVED_SHARE, MOST_ERROR_SHARE};

/// The smallest rise of the error share that matters: 0.1 percentage points.
const SMALLEST_ERROR_RISE: f64 = 0.001;
/// Deviations of shares below this are luck: a tenth of the rise that matters.
const LEAST_DEVIATION: f64 = 0.000_1;

/// A share of requests under the new mesh against that under the old, in the same blocks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedShare {
    /// How many blocks gave a pair of values.
    pub pairs: u32,
    /// The mean of the old mesh's shares.
    pub old: f64,
    /// The mean of the new mesh's shares.
    pub new: f64,
    /// The lower bound of new − old, missed with the chance alpha.
    pub difference_low: f64,
    /// The upper bound of new − old, missed with the chance alpha.
    pub difference_high: f64,
    /// Whether the new mesh fails for it.
    pub failed: bool,
}

impl ComparedShare {
    /// Requests that failed. Too many are a rise by 0.1 percentage points or more that is not luck, or one as large that
    /// takes them above 1% where the old mesh had at most that.
    ///
    /// The second asks for no test: so many errors in so many blocks are to be looked at, and no luck that a few of them
    /// have makes them none. It asks for the rise all the same, or a mesh that always fails about 1% would fail by a coin.
    /// Fresh blocks confirm neither: a request that was lost is lost.
    pub(super) fn of_errors(
        plan: &ComparisonPlan,
        old: &[&Run],
        new: &[&Run],
        share_of_alpha: f64,
    ) -> Option<Self> {
        let alpha = plan.strictness.alpha * share_of_alpha;
        Self::of(plan, Metric::ErrorShare, old, new, |old, new, rise| {
            let is_too_many = new > MOST_ERROR_SHARE && old <= MOST_ERROR_SHARE;
            let rose = new - old >= SMALLEST_ERROR_RISE && rise.count() >= FEWEST_PAIRS;
            rose && (is_too_many || rise.p_above() < alpha)
        })
    }

    /// The achieved rate as a share of the offered; `None` where the pairs are too few to say more than each block does.
    /// Too little is what nothing that was measured is kept at; blocks in which `bare` or the old mesh fell short as well
    /// are left out beforehand.
    pub(super) fn of_rate(plan: &ComparisonPlan, old: &[&Run], new: &[&Run]) -> Option<Self> {
        let rate = Self::of(plan, Metric::AchievedShare, old, new, |_, new, _| new < LEAST_ACHIEVED_SHARE)?;
        (rate.pairs as usize >= FEWEST_PAIRS).then_some(rate)
    }

    fn of(
        plan: &ComparisonPlan,
        share: Metric,
        old: &[&Run],
        new: &[&Run],
        has_failed: impl FnOnce(f64, f64, &Estimate) -> bool,
    ) -> Option<Self> {
        let pairs = super::metric::pairs(share, old, new);
        let difference = Estimate::of_differences(&pairs, LEAST_DEVIATION)?;
        let mean = |value: fn(&(f64, f64)) -> f64| pairs.iter().map(value).sum::<f64>() / pairs.len() as f64;
        let (old, new) = (mean(|pair| pair.0), mean(|pair| pair.1));
        let (difference_low, difference_high) = difference.interval(plan.strictness.alpha);
        Some(Self {
            pairs: u32::try_from(pairs.len()).unwrap_or(u32::MAX),
            old,
            new,
            difference_low,
            difference_high,
            failed: has_failed(old, new, &difference),
        })
    }

    pub(super) fn sentence_on_errors(&self, old: &str) -> String {
        let [new_share, old_share] = [self.new, self.old].map(percent);
        format!(
            "{new_share} of the requests failed where {old_share} of {old}'s did ({}): the new version loses requests that \
             the old one answers; what they failed of stands under the figures",
            self.bounds()
        )
    }

    pub(super) fn sentence_on_rate(&self, old: &str) -> String {
        let [new_share, old_share] = [self.new, self.old].map(percent);
        format!(
            "{new_share} of the offered rate was achieved where {old} achieved {old_share} ({}), and bare kept it: the new \
             version cannot carry this rate; compare what both cost at a lower one",
            self.bounds()
        )
    }

    fn bounds(&self) -> String {
        let points = |share: f64| format!("{:+.2}", share * 100.0);
        let [low, high] = [self.difference_low, self.difference_high].map(points);
        format!("{} points, {low} to {high} over {} blocks", points(self.new - self.old), self.pairs)
    }
}

fn percent(share: f64) -> String {
    Unit::Share.show(share, 3)
}
