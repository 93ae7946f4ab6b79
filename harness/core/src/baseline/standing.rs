//! How a campaign stands to what was accepted: [`AgainstBaseline`].
//!
//! Campaigns differ from each other by more than the blocks within one tell: another hour of a virtual machine is another
//! machine. So a campaign is judged by how much the stored ones differed, and where there are too few of them to know, it
//! is only remarked upon.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Baseline;
use crate::campaign_means::{CampaignMeans, Mean, Subject, compared_campaigns};
use crate::comparison::{Change, LEAST_DEVIATION, POWER, Strictness};
use crate::judge::Verdict;
use crate::metric::Metric;
use crate::report::ReportUnit;
use crate::statistics::{Estimate, holm};

/// With fewer stored campaigns it is not known well enough how much campaigns differ.
pub const FEWEST_STORED: usize = 8;
/// So many campaigns from the accepted one on are compared with, and later ones no more: else a case that becomes slower
/// by less than is found at once would take its own limit along. Twenty-five are what control charts are usually set up
/// from (D. Montgomery, "Introduction to Statistical Quality Control", on phase I).
const MOST_STORED: usize = 25;

/// What is kept of a case.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// Its baseline; why it cannot be used, where it cannot.
    pub baseline: Option<Result<Baseline, String>>,
    /// Campaigns of its environment's history, in their order; other cases' are skipped.
    pub campaigns: Vec<CampaignMeans>,
}

/// How a campaign's case stands to its baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "standing", rename_all = "snake_case")]
pub enum AgainstBaseline {
    /// None was accepted.
    NoBaseline,
    /// One was accepted that must not be compared with.
    Refused {
        /// The campaign it is of.
        campaign: String,
        /// What differs, each in a sentence.
        differences: Vec<String>,
    },
    /// Its files are damaged, or not its files.
    Unusable {
        /// Which, why, and what to do.
        why: String,
    },
    /// It was compared with.
    Compared(BaselineComparison),
}

/// What a comparison rests on, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ComparisonTier {
    /// The older version ran in the same blocks.
    T1,
    /// Enough campaigns of the same environment are stored.
    T2,
    /// Neither: advisory only.
    T3,
}

/// A case against the campaigns that were stored since its baseline was accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BaselineComparison {
    /// [`ComparisonTier::T2`] or [`ComparisonTier::T3`].
    pub tier: ComparisonTier,
    /// The campaign that was accepted.
    pub campaign: String,
    /// The mesh's version in it.
    pub mesh_version: String,
    /// How many campaigns were compared with, the accepted one among them.
    pub stored: u32,
    /// Every metric that both have.
    pub metrics: Vec<MetricAgainstBaseline>,
}

/// One metric against the stored campaigns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricAgainstBaseline {
    /// The metric's name.
    pub metric: String,
    /// What its values are counted in.
    pub unit: ReportUnit,
    /// The geometric mean of the campaign's values.
    pub value: f64,
    /// What it would be if the mesh stood to today's `bare` as in the stored campaigns.
    pub expected: f64,
    /// The one over the other.
    pub ratio: f64,
    /// The bounds of that ratio, each missed with the chance alpha; `None` with a single stored campaign.
    pub bounds: Option<RatioBounds>,
    /// What that comes to; `None` where it is advisory.
    pub change: Option<Change>,
}

/// Within what a ratio lies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RatioBounds {
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
    /// The smallest ratio above one, of the worse to the better, that a campaign like this one finds nine times of ten.
    pub smallest_detectable: f64,
}

impl Stored {
    /// How the campaign `now` stands to what is stored. `share_of_alpha` falls to this case where several are judged.
    #[must_use]
    pub fn compare(
        &self,
        now: &CampaignMeans,
        strictness: &Strictness,
        share_of_alpha: f64,
    ) -> AgainstBaseline {
        let baseline = match &self.baseline {
            None => return AgainstBaseline::NoBaseline,
            Some(Err(why)) => return AgainstBaseline::Unusable { why: why.clone() },
            Some(Ok(baseline)) => baseline,
        };
        let differences = differences(&baseline.subject, &now.subject);
        if !differences.is_empty() {
            return AgainstBaseline::Refused { campaign: baseline.campaign.clone(), differences };
        }
        let stored = self.comparable(baseline, now);
        let judged = stored.len() >= FEWEST_STORED;
        let tests: Vec<_> =
            compared_campaigns().filter_map(|metric| Test::of(metric, baseline, &stored, now)).collect();
        let p_values: Vec<f64> = tests.iter().map(Test::p_worse).collect();
        let stays = holm(&p_values, strictness.alpha * share_of_alpha);
        let metrics = tests.iter().zip(stays);
        AgainstBaseline::Compared(BaselineComparison {
            tier: if judged { ComparisonTier::T2 } else { ComparisonTier::T3 },
            campaign: baseline.campaign.clone(),
            mesh_version: baseline.subject.mesh_version.clone(),
            stored: u32::try_from(stored.len().max(1)).unwrap_or(u32::MAX),
            metrics: metrics
                .map(|(test, stays)| {
                    test.compared(strictness, judged.then(|| test.change(strictness, stays)))
                })
                .collect(),
        })
    }

    /// The campaigns that say how much campaigns of the accepted version differ: those since the accepted one, of its
    /// version and fingerprint, that did not regress: one that did is not of the state that was accepted, and would widen
    /// the spread until the next such change passes. False alarms go with them: a normal distribution without its uppermost
    /// 2.5% has 94% of its spread, which is the price.
    fn comparable(&self, baseline: &Baseline, now: &CampaignMeans) -> Vec<&CampaignMeans> {
        let regressed = Verdict::Regressed { findings: Vec::new() };
        let is_comparable = |stored: &&CampaignMeans| {
            stored.subject.case == now.subject.case
                && stored.campaign >= baseline.campaign
                && stored.campaign != now.campaign
                && stored.subject.mesh_version == baseline.subject.mesh_version
                && stored.subject.executable == baseline.subject.executable
                && stored.verdict != regressed.word()
                && differences(&stored.subject, &now.subject).is_empty()
        };
        self.campaigns.iter().filter(is_comparable).take(MOST_STORED).collect()
    }
}

/// Why numbers of two subjects must not be compared, each in a sentence. Another version of the mesh is no reason.
fn differences(was: &Subject, is: &Subject) -> Vec<String> {
    let mut differences: Vec<_> =
        was.fingerprint.differences(&is.fingerprint).iter().map(ToString::to_string).collect();
    if was.workload != is.workload {
        differences.push(
            "the scenario's workload (apps, connections, timeout, requests, votes, warm-up, or what a limit is) is another"
                .to_owned(),
        );
    }
    differences
}

/// One metric of a campaign against the stored ones.
struct Test {
    metric: Metric,
    now: Mean,
    /// By how much the mean of ln(mesh/bare) is worse than that of the stored campaigns: above it, or below where more is
    /// better. So is the estimate.
    log_ratio: f64,
    /// `None` with a single stored campaign.
    estimate: Option<Estimate>,
}

impl Test {
    fn of(
        metric: Metric,
        baseline: &Baseline,
        stored: &[&CampaignMeans],
        now: &CampaignMeans,
    ) -> Option<Self> {
        let now = *now.mean(metric)?;
        let worse = |log: f64| if metric.is_better_higher() { -log } else { log };
        let mut logs: Vec<f64> =
            stored.iter().filter_map(|campaign| Some(campaign.mean(metric)?.log)).collect();
        if logs.is_empty() {
            // The history is kept elsewhere: the accepted table has its campaign's mean too.
            logs.push(baseline.mean_log(metric)?);
        }
        logs.iter_mut().for_each(|log| *log = worse(*log));
        let estimate = Estimate::of_new_against_stored(worse(now.log), &logs, LEAST_DEVIATION);
        let log_ratio = worse(now.log) - logs.iter().sum::<f64>() / logs.len() as f64;
        Some(Self { metric, now, log_ratio, estimate })
    }

    fn p_worse(&self) -> f64 {
        self.estimate.map_or(1.0, |estimate| estimate.p_above())
    }

    fn change(&self, strictness: &Strictness, stays: bool) -> Change {
        let is_worse = |log_ratio| strictness.matters(self.metric, self.expected(), log_ratio);
        let is_better = |log_ratio: f64| strictness.matters(self.metric, self.now.value, -log_ratio);
        let Some(estimate) = self.estimate.filter(|estimate| estimate.count() >= FEWEST_STORED) else {
            return Change::Inconclusive;
        };
        let (_, high) = estimate.interval(strictness.alpha);
        match () {
            () if stays && is_worse(estimate.mean()) => Change::Regressed,
            () if estimate.p_below() < strictness.alpha && is_better(estimate.mean()) => Change::Improved,
            () if !is_worse(high) => Change::NoChange,
            () => Change::Inconclusive,
        }
    }

    fn expected(&self) -> f64 {
        self.now.value / self.ratio(self.log_ratio)
    }

    /// The ratio of values behind so much worse a logarithm.
    fn ratio(&self, worse: f64) -> f64 {
        if self.metric.is_better_higher() { (-worse).exp() } else { worse.exp() }
    }

    fn compared(&self, strictness: &Strictness, change: Option<Change>) -> MetricAgainstBaseline {
        let bounds = self.estimate.map(|estimate| {
            let (low, high) = estimate.interval(strictness.alpha);
            let smallest_detectable = estimate.smallest_detectable(strictness.alpha, POWER).exp();
            let [one, other] = [low, high].map(|bound| self.ratio(bound));
            RatioBounds { low: one.min(other), high: one.max(other), smallest_detectable }
        });
        MetricAgainstBaseline {
            metric: self.metric.name().to_owned(),
            unit: self.metric.unit().into(),
            value: self.now.value,
            expected: self.expected(),
            ratio: self.ratio(self.log_ratio),
            bounds,
            change,
        }
    }
}
