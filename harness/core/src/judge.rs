//! From runs to a verdict. Pure: everything it knows is in its arguments.

mod capacity;
mod evidence;
mod left_out;
mod rough_cpu;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::baseline::AgainstBaseline;
use crate::budget::{Budgets, Limit, LimitOutcome, OverBare, Reading, judge_limit};
use crate::comparison::{Comparison, ComparisonVerdict};
use crate::metric::Metric;
use crate::run::Run;
use crate::scenario::MeshName;
use crate::statistics::median;

pub use capacity::judge_limit_of;
use evidence::validity;
pub use evidence::{drift_finding, losses, unfit_blocks};
pub(crate) use evidence::{drift_of, vanished};
pub use left_out::LeftOut;
pub use rough_cpu::rough_cpu_finding;
use rough_cpu::too_rough;

/// What a case comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Every budget that could be judged is kept.
    Pass,
    /// A budget is broken, the mesh could not carry the offered rate, a process of it ended under load, or it fails requests
    /// that an older version answers.
    Fail {
        /// Each in a sentence.
        breaches: Vec<String>,
    },
    /// The instrument or the machine was not up to it; nothing can be said of the mesh.
    Invalid {
        /// Each reason in a sentence.
        reasons: Vec<String>,
    },
    /// A run could not be carried out.
    Error {
        /// Each cause in a sentence.
        causes: Vec<String>,
    },
    /// Budgets are kept, and nothing became worse than the older version by as much as matters.
    NoChange,
    /// Budgets are kept, and something became better than the older version, nothing worse.
    Improved {
        /// Each in a sentence.
        findings: Vec<String>,
    },
    /// Something became worse than the older version, and fresh blocks confirmed it.
    Regressed {
        /// Each in a sentence.
        findings: Vec<String>,
    },
    /// The blocks do not tell whether something became worse than the older version.
    Inconclusive {
        /// Each in a sentence.
        findings: Vec<String>,
    },
    /// Budgets are kept, and there is no baseline to compare with here.
    NewBaseline {
        /// Each in a sentence.
        findings: Vec<String>,
    },
    /// It was not run, because a lower rate was already more than its mesh, or what that is compared with, could carry.
    NotRun {
        /// Each in a sentence.
        reasons: Vec<String>,
    },
}

impl Verdict {
    /// The word for tables.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail { .. } => "FAIL",
            Self::Invalid { .. } => "INVALID",
            Self::Error { .. } => "ERROR",
            Self::NoChange => "no change",
            Self::Improved { .. } => "improved",
            Self::Regressed { .. } => "REGRESSED",
            Self::Inconclusive { .. } => "INCONCLUSIVE",
            Self::NewBaseline { .. } => "new baseline",
            Self::NotRun { .. } => "NOT RUN",
        }
    }

    /// The sentences that explain it; none for a pass.
    #[must_use]
    pub fn sentences(&self) -> &[String] {
        match self {
            Self::Pass | Self::NoChange => &[],
            Self::Fail { breaches: sentences }
            | Self::Invalid { reasons: sentences }
            | Self::Error { causes: sentences }
            | Self::Improved { findings: sentences }
            | Self::Regressed { findings: sentences }
            | Self::Inconclusive { findings: sentences }
            | Self::NewBaseline { findings: sentences }
            | Self::NotRun { reasons: sentences } => sentences,
        }
    }
}

/// What fails besides what always does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gate {
    /// Invalid and inconclusive cases fail, and those that were not run for a collapse.
    pub strict: bool,
    /// Cases without a baseline that they can be compared with fail.
    pub require_baseline: bool,
}

impl Gate {
    /// Whether a verdict fails its trial.
    #[must_use]
    pub fn fails(self, verdict: &Verdict) -> bool {
        match verdict {
            Verdict::Pass | Verdict::NoChange | Verdict::Improved { .. } => false,
            Verdict::Invalid { .. } | Verdict::Inconclusive { .. } | Verdict::NotRun { .. } => self.strict,
            Verdict::NewBaseline { .. } => self.require_baseline,
            Verdict::Fail { .. } | Verdict::Regressed { .. } | Verdict::Error { .. } => true,
        }
    }
}

impl From<ComparisonVerdict> for Verdict {
    fn from(verdict: ComparisonVerdict) -> Self {
        match verdict {
            ComparisonVerdict::Invalid(reasons) => Self::Invalid { reasons },
            ComparisonVerdict::Failed(breaches) => Self::Fail { breaches },
            ComparisonVerdict::Regressed(findings) => Self::Regressed { findings },
            ComparisonVerdict::Inconclusive(findings) => Self::Inconclusive { findings },
            ComparisonVerdict::Improved(findings) => Self::Improved { findings },
            ComparisonVerdict::NoChange => Self::NoChange,
        }
    }
}

/// One budget limit with what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JudgedLimit {
    /// The metric's name.
    pub metric: String,
    /// The limit as written, for example `≤ 20ms`.
    pub limit: String,
    /// Whether it was kept; `None` when it could not be judged.
    pub kept: Option<bool>,
    /// What is to be said about it; empty when it was simply kept.
    pub remark: String,
}

/// A case's verdict and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Every limit that applied.
    pub limits: Vec<JudgedLimit>,
}

impl Judgement {
    /// The same with what the mesh lost under load, as [`losses`] has it: that fails it whatever else is, for a process that
    /// ends is no matter of precision. What else was found is still said.
    #[must_use]
    pub fn losing(self, losses: Vec<String>) -> Self {
        if losses.is_empty() || matches!(self.verdict, Verdict::Error { .. }) {
            return self;
        }
        let breaches = losses.into_iter().chain(self.verdict.sentences().iter().cloned()).collect();
        Self { verdict: Verdict::Fail { breaches }, ..self }
    }

    /// The same where runs were given up because what they would have measured was not the mesh: nothing can be said of it
    /// then, unless something broke besides.
    #[must_use]
    pub fn invalid_for(self, reasons: Vec<String>) -> Self {
        if reasons.is_empty() || matches!(self.verdict, Verdict::Error { .. }) {
            return self;
        }
        Self { verdict: Verdict::Invalid { reasons }, ..self }
    }

    /// The same with what the baseline adds: where budgets are kept and nothing else was compared, that decides.
    /// A baseline that cannot be read is an error whatever else is. `unsteady` says why nothing can be compared, where
    /// too many blocks were bad: that is no pass where a baseline would have decided.
    #[must_use]
    pub fn against(self, baseline: Option<&AgainstBaseline>, unsteady: Option<&str>) -> Self {
        let is_damaged = matches!(baseline, Some(AgainstBaseline::Unusable { .. }));
        let decides = is_damaged || self.verdict == Verdict::Pass;
        let verdict = baseline.filter(|_| decides).and_then(AgainstBaseline::verdict);
        let verdict = verdict.map(|verdict| match (unsteady, verdict) {
            (None, verdict) | (Some(_), verdict @ Verdict::Error { .. }) => verdict,
            (Some(why), Verdict::NewBaseline { .. }) => Verdict::NewBaseline {
                findings: vec![format!(
                    "there is no baseline to compare with, and this campaign makes none: {why}"
                )],
            },
            (Some(why), _) => {
                Verdict::Inconclusive { findings: vec![format!("not compared with the baseline: {why}")] }
            }
        });
        Self { verdict: verdict.unwrap_or(self.verdict), ..self }
    }
}

/// Judges the runs of one case against its budgets, `bare` being the runs of the
/// control in the same blocks, `comparison` what came of the one with an older version,
/// and `causes` what kept runs from having a result.
#[must_use]
pub fn judge(
    mesh: &MeshName,
    runs: &[&Run],
    bare: &[&Run],
    budgets: &Budgets,
    comparison: Option<&Comparison>,
    causes: Vec<String>,
) -> Judgement {
    if !causes.is_empty() {
        return Judgement { verdict: Verdict::Error { causes }, limits: Vec::new() };
    }
    let limits: Vec<_> =
        budgets.limits_for(mesh).map(|(metric, limit)| judged(metric, limit, runs, bare)).collect();
    let (capacity, invalid) = validity(runs, bare);
    let compared: Option<Verdict> = comparison.map(|comparison| comparison.verdict().into());
    let (capacity, invalid) = match &compared {
        Some(Verdict::Invalid { reasons }) => (Vec::new(), reasons.clone()),
        Some(Verdict::Fail { breaches }) => (breaches.clone(), invalid),
        // All blocks together know better than a single one whether the mesh carries the rate, where they are enough.
        Some(_) if comparison.is_some_and(|comparison| comparison.rate.is_some()) => (Vec::new(), invalid),
        Some(_) | None => (capacity, invalid),
    };
    let broken = limits.iter().filter(|limit| limit.kept == Some(false)).map(|limit| limit.remark.clone());
    let breaches: Vec<_> = capacity.into_iter().chain(broken).collect();
    let verdict = match (invalid.is_empty(), breaches.is_empty()) {
        (false, _) => Verdict::Invalid { reasons: invalid },
        (true, false) => Verdict::Fail { breaches },
        (true, true) => compared.unwrap_or(Verdict::Pass),
    };
    Judgement { verdict, limits }
}

/// The median of what the runs have for a metric; `None` when none has any.
#[must_use]
pub fn median_over_runs(metric: Metric, runs: &[&Run]) -> Option<f64> {
    median(&runs.iter().filter_map(|run| run.value(metric)).collect::<Vec<_>>())
}

/// The values of a metric in the blocks in which `bare` has one too, as (bare, value).
#[must_use]
pub fn pairs_with_bare(metric: Metric, runs: &[&Run], bare: &[&Run]) -> Vec<(f64, f64)> {
    let pair = |run: &&Run| {
        let bare = bare.iter().find(|bare| bare.block == run.block)?;
        Some((bare.value(metric)?, run.value(metric)?))
    };
    runs.iter().filter_map(pair).collect()
}

fn judged(metric: Metric, limit: Limit, runs: &[&Run], bare: &[&Run]) -> JudgedLimit {
    let control = if limit.is_over_bare() { bare } else { &[] };
    if let Some(why) = too_rough(metric, runs.iter().chain(control).copied()) {
        return unjudged(metric, limit, why);
    }
    let outcome = match median_over_runs(metric, runs) {
        None if metric.quantile().is_some() => {
            LimitOutcome::Breached(format!("{metric} has no value: not one request succeeded"))
        }
        None => return unjudged(metric, limit, "no run has a value for it".to_owned()),
        Some(value) => {
            let requests = runs.iter().map(|run| run.requests_behind(metric)).min().unwrap_or(0);
            let over_bare = OverBare::of_blocks(&pairs_with_bare(metric, runs, bare));
            judge_limit(metric, limit, Reading { value, over_bare, requests })
        }
    };
    let (kept, remark) = match outcome {
        LimitOutcome::Within => (Some(true), String::new()),
        LimitOutcome::Breached(sentence) => (Some(false), sentence),
        LimitOutcome::TooFewRequests { needed, had } => {
            return unjudged(
                metric,
                limit,
                format!("{had} requests are too few for {metric}: it takes {needed}"),
            );
        }
        LimitOutcome::NoControl => return unjudged(metric, limit, "there is no reading of bare".to_owned()),
    };
    JudgedLimit { metric: metric.name().to_owned(), limit: limit.to_string(), kept, remark }
}

fn unjudged(metric: Metric, limit: Limit, why: String) -> JudgedLimit {
    JudgedLimit { metric: metric.name().to_owned(), limit: limit.to_string(), kept: None, remark: why }
}

#[cfg(test)]
pub(crate) mod tests;
