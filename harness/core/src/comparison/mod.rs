//! Whether a new version of a mesh costs more than an old one that ran in the same blocks: [`Comparison`].
//!
//! Two stages. The first looks at every metric and flags what seems to have become worse; the second runs fresh blocks
//! for what was flagged and is judged alone, so that what was picked for looking bad is not confirmed by the very runs
//! that made it look bad.

mod answers;
mod metric;
mod strictness;
mod verdict;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::judge::{drift_of, unfit_blocks, vanished};
use crate::metric::Metric;
use crate::report::ReportUnit;
use crate::run::Run;
use crate::scenario::MeshName;
use crate::statistics::holm;
use crate::validity::rate_shortfall;

pub use answers::ComparedShare;
use metric::Test;
pub(crate) use metric::{LEAST_DEVIATION, POWER, pairs};
pub use strictness::{Floors, SmallestChanges, Strictness};
pub use verdict::ComparisonVerdict;

/// What is compared with what, and how strictly.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparisonPlan {
    /// The mesh that the new one is compared with; it runs in every block.
    pub old: MeshName,
    /// The mesh whose cases are judged.
    pub new: MeshName,
    /// How strictly they are compared.
    pub strictness: Strictness,
}

/// What the runs of two meshes came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// The mesh that was compared with.
    pub old: String,
    /// Every metric that both have.
    pub metrics: Vec<ComparedMetric>,
    /// Requests that failed, as a share of all.
    #[serde(default)]
    pub errors: Option<ComparedShare>,
    /// The achieved rate as a share of the offered; `None` where the blocks are too few, and judged one by one.
    #[serde(default)]
    pub rate: Option<ComparedShare>,
    /// Blocks that could not be used.
    pub dropped_blocks: Vec<DroppedBlock>,
    /// The stage that had more bad blocks than may be left out, where one had: then nothing is said.
    #[serde(default)]
    pub unfit_stage: Option<UnfitStage>,
}

/// A stage with too many bad blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnfitStage {
    /// How many could not be used.
    pub dropped_blocks: u32,
    /// How many may be left out.
    pub most_dropped_blocks: u32,
}

/// A block that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DroppedBlock {
    /// Its number, counted from one.
    pub block: u32,
    /// Why, in a sentence.
    pub why: String,
}

/// One metric of the new mesh against the old.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedMetric {
    /// The metric's name.
    pub metric: String,
    /// What its values are counted in.
    pub unit: ReportUnit,
    /// How many blocks gave a pair of values.
    pub pairs: u32,
    /// The geometric mean of the old mesh's values in those blocks.
    pub old: f64,
    /// The geometric mean of new/old.
    pub ratio: f64,
    /// The lower bound of that ratio, missed with the chance alpha.
    pub ratio_low: f64,
    /// The upper bound of that ratio, missed with the chance alpha.
    pub ratio_high: f64,
    /// The smallest ratio above one that this many blocks find in nine campaigns of ten.
    pub smallest_detectable_ratio: f64,
    /// Whether the first stage flagged it as worse.
    pub flagged: bool,
    /// Whether these are the fresh blocks that only a flagged metric gets.
    pub confirmed: bool,
    /// What that comes to.
    pub change: Change,
}

/// What became of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It became worse, in both stages.
    Regressed,
    /// It became better.
    Improved,
    /// If it became worse, then by less than matters.
    NoChange,
    /// The blocks do not tell.
    Inconclusive,
}

/// The metrics that are compared, where both meshes have them and their runs have the requests for them.
pub(crate) const COMPARED: [Metric; 7] = [
    Metric::P50,
    Metric::P90,
    Metric::P99,
    Metric::P99_9,
    Metric::CpuPerRequest,
    Metric::ControlPlaneMemory,
    Metric::DataPlaneMemory,
];

/// With fewer pairs, a t test knows the deviation too badly to say anything.
pub const FEWEST_PAIRS: usize = 5;

impl Comparison {
    /// Whether fresh blocks are worth running after those of the first stage: something seems to have become worse, and
    /// enough of the blocks that say so are good.
    #[must_use]
    pub fn is_worth_confirming(&self) -> bool {
        self.unfit_stage.is_none() && self.metrics.iter().any(|compared| compared.flagged)
    }
}

impl ComparisonPlan {
    /// Compares all metrics: those that the blocks of the first stage flag by the blocks after these, the others by the
    /// first. `share_of_alpha` falls to this comparison where several are made in one campaign.
    #[must_use]
    pub fn compare(&self, runs: &[Run], first_stage: FirstStage, share_of_alpha: f64) -> Comparison {
        let first = Stage::of(self, runs.iter().filter(|run| run.block <= first_stage.last_block));
        let fresh = Stage::of(self, runs.iter().filter(|run| run.block > first_stage.last_block));
        let tests = COMPARED.into_iter().filter_map(|metric| first.test(metric)).collect();
        let metrics = self.compare_metrics(tests, |metric| fresh.test(metric), share_of_alpha);
        let unfit_stage =
            first.unfit(first_stage.planned).or_else(|| fresh.unfit(self.strictness.confirming_blocks.get()));
        let [old, new] = [[first.old, fresh.old], [first.new, fresh.new]].map(|stages| stages.concat());
        Comparison {
            old: self.old.to_string(),
            metrics,
            errors: ComparedShare::of_errors(self, &old, &new, share_of_alpha),
            rate: ComparedShare::of_rate(self, &old, &new),
            unfit_stage,
            dropped_blocks: first.dropped.into_iter().chain(fresh.dropped).collect(),
        }
    }

    /// Every metric of the `first` stage, those that it flags by their `fresh` blocks.
    fn compare_metrics(
        &self,
        first: Vec<Test>,
        fresh: impl Fn(Metric) -> Option<Test>,
        share_of_alpha: f64,
    ) -> Vec<ComparedMetric> {
        let (suspects, others): (Vec<_>, Vec<_>) = first.into_iter().partition(|test| test.seems_worse(self));
        let retests: Vec<_> = suspects.iter().map(|test| fresh(test.metric)).collect();
        let p_values: Vec<f64> = retests.iter().flatten().map(Test::p_worse).collect();
        let mut stays = holm(&p_values, self.strictness.alpha * share_of_alpha).into_iter();
        let confirmed = suspects.iter().zip(&retests).map(|(suspect, retest)| match retest {
            Some(retest) => retest.confirmed(self, stays.next().unwrap_or(false)),
            None => suspect.unconfirmed(self),
        });
        let mut metrics: Vec<_> = confirmed.chain(others.iter().map(|test| test.unflagged(self))).collect();
        metrics.sort_by_key(|compared| COMPARED.iter().position(|metric| metric.name() == compared.metric));
        metrics
    }

    /// The blocks among `runs` that say nothing of a change, with why.
    #[must_use]
    pub fn unfit_blocks(&self, runs: &[Run]) -> BTreeMap<u32, String> {
        let dropped = Stage::of(self, runs.iter()).dropped.into_iter();
        dropped.map(|dropped| (dropped.block, dropped.why)).collect()
    }
}

/// Which blocks are those of the first stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstStage {
    /// How many there were to be.
    pub planned: u32,
    /// The number of the last one, those that replaced bad ones included.
    pub last_block: u32,
}

/// How many of as many blocks may be bad, and replaced: with more of them, the machine is not fit to measure on.
#[must_use]
pub const fn most_bad_blocks(planned: u32) -> u32 {
    planned / 4
}

/// How many blocks to run in place of bad ones, of which `replaced` have had one already: none where more are bad than
/// may be, for then something is wrong that measuring longer does not cure.
#[must_use]
pub const fn blocks_to_replace(planned: u32, bad: u32, replaced: u32) -> u32 {
    if bad > most_bad_blocks(planned) { 0 } else { bad.saturating_sub(replaced) }
}

/// The runs of one stage that can be used: block by block, both or neither.
struct Stage<'a> {
    old: Vec<&'a Run>,
    new: Vec<&'a Run>,
    dropped: Vec<DroppedBlock>,
}

impl<'a> Stage<'a> {
    fn of(plan: &ComparisonPlan, runs: impl Iterator<Item = &'a Run>) -> Self {
        let (mut bare, mut old, mut new) = (Vec::new(), Vec::new(), Vec::new());
        for run in runs {
            match () {
                () if run.mesh.is_bare() => bare.push(run),
                () if run.mesh == plan.old => old.push(run),
                () if run.mesh == plan.new => new.push(run),
                () => {}
            }
        }
        let mut unfit = unfit_for_both(&old, &new);
        unfit.extend(unfit_blocks(&old, &bare));
        unfit.extend(unfit_blocks(&new, &bare));
        old.retain(|run| !unfit.contains_key(&run.block));
        new.retain(|run| !unfit.contains_key(&run.block));
        let dropped = unfit.into_iter().map(|(block, why)| DroppedBlock { block, why }).collect();
        Self { old, new, dropped }
    }

    /// Each stage is judged alone, and so is whether it can be.
    fn unfit(&self, planned: u32) -> Option<UnfitStage> {
        let dropped_blocks = u32::try_from(self.dropped.len()).unwrap_or(u32::MAX);
        let most_dropped_blocks = most_bad_blocks(planned);
        (dropped_blocks > most_dropped_blocks).then_some(UnfitStage { dropped_blocks, most_dropped_blocks })
    }

    fn test(&self, metric: Metric) -> Option<Test> {
        Test::of(metric, &metric::pairs(metric, &self.old, &self.new))
    }
}

/// Blocks that say nothing of what the new version costs more, because of the old one: it had no part in the change, as
/// `bare` has none. What happened to the new version alone is no reason, for that is what is looked for.
fn unfit_for_both(old: &[&Run], new: &[&Run]) -> BTreeMap<u32, String> {
    let why = |old: &&Run| {
        let block = old.block;
        let new = new.iter().find(|new| new.block == block)?;
        let why = vanished(old)
            .map(|vanished| format!("the older version, {}: {vanished}", old.mesh))
            .or_else(|| neither_kept_the_rate(old, new))
            .or_else(|| neither_was_steady(old, new))?;
        Some((block, why))
    };
    old.iter().filter_map(why).collect()
}

fn neither_kept_the_rate(old: &Run, new: &Run) -> Option<String> {
    rate_shortfall(&old.recording).and(rate_shortfall(&new.recording))?;
    Some(format!("block {}: neither version kept the rate, which bare did: lower it", old.block))
}

fn neither_was_steady(old: &Run, new: &Run) -> Option<String> {
    let drift = drift_of(old).and(drift_of(new))?;
    let (block, cure) = (new.block, drift.cure_for_a_mesh());
    Some(format!("block {block}: neither version was steady, though bare was: {drift}: {cure}"))
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
