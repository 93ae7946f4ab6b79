//! How a campaign stands to what was accepted, in sentences.

use std::fmt;

use super::standing::{
    AgainstBaseline, BaselineComparison, ComparisonTier, FEWEST_STORED, MetricAgainstBaseline,
};
use crate::comparison::Change;
use crate::judge::Verdict;
use crate::metric::Metric;

/// What to do for this campaign to be what later ones are compared with.
const TAKE: &str = "take this campaign's: `meshbench baseline show` has it beside the old, `meshbench baseline accept` takes it";

impl fmt::Display for ComparisonTier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::T1 => "T1",
            Self::T2 => "T2",
            Self::T3 => "T3",
        })
    }
}

impl AgainstBaseline {
    /// What it rests on, where anything was compared.
    #[must_use]
    pub fn tier(&self) -> Option<ComparisonTier> {
        match self {
            Self::Compared(comparison) => Some(comparison.tier),
            Self::NoBaseline | Self::Refused { .. } | Self::Unusable { .. } => None,
        }
    }

    /// What the case comes to by it, its budgets being kept; `None` where it is advisory.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        match self {
            Self::NoBaseline => {
                Some(Verdict::NewBaseline { findings: vec![format!("there is no baseline yet: {TAKE}")] })
            }
            Self::Refused { campaign, differences } => Some(Verdict::NewBaseline {
                findings: vec![format!(
                    "not compared with the baseline of campaign {campaign}: {}. Numbers from different environments say \
                     nothing of each other; go back to that one, or {TAKE}",
                    differences.join(", ")
                )],
            }),
            Self::Unusable { why } => Some(Verdict::Error { causes: vec![why.clone()] }),
            Self::Compared(comparison) if comparison.tier == ComparisonTier::T2 => Some(comparison.verdict()),
            Self::Compared(_) => None,
        }
    }

    /// Everything that was compared, in one sentence; `None` where nothing was.
    #[must_use]
    pub fn summary(&self) -> Option<String> {
        let Self::Compared(comparison) = self else { return None };
        let BaselineComparison { tier, stored, campaign, mesh_version, metrics } = comparison;
        let metrics: Vec<_> = metrics.iter().map(MetricAgainstBaseline::summary).collect();
        let rests_on = match tier {
            ComparisonTier::T3 => format!(
                "{tier}, advisory: {stored} of the {FEWEST_STORED} campaigns that a verdict needs {}",
                if *stored == 1 { "is stored" } else { "are stored" }
            ),
            _ => format!("{tier}, {stored} stored campaigns"),
        };
        Some(format!(
            "against the baseline, version {mesh_version} in campaign {campaign} ({rests_on}): {}",
            metrics.join(", ")
        ))
    }
}

impl BaselineComparison {
    fn verdict(&self) -> Verdict {
        let of = |change: Change| -> Vec<String> {
            let metrics = self.metrics.iter().filter(|metric| metric.change == Some(change));
            metrics.map(|metric| self.sentence(metric, change)).collect()
        };
        let [regressed, inconclusive, improved] =
            [Change::Regressed, Change::Inconclusive, Change::Improved].map(of);
        match () {
            () if !regressed.is_empty() => Verdict::Regressed { findings: regressed },
            () if !inconclusive.is_empty() => Verdict::Inconclusive { findings: inconclusive },
            () if !improved.is_empty() => Verdict::Improved { findings: improved },
            () => Verdict::NoChange,
        }
    }

    fn sentence(&self, compared: &MetricAgainstBaseline, change: Change) -> String {
        let MetricAgainstBaseline { metric, value, expected, bounds, .. } = compared;
        let values = metric.parse::<Metric>().map_or_else(
            |_| String::new(),
            |metric| {
                let [value, expected] = [*value, *expected].map(|value| metric.unit().show(value, 3));
                format!("; {value} where {expected} was to be expected")
            },
        );
        let (summary, stored) = (compared.summary(), self.stored);
        let against = format!("{summary} against {stored} stored campaigns{values}");
        match change {
            Change::Regressed => format!(
                "worse: {against}; repeat the campaign to see whether it stays, look for what changed, or {TAKE}"
            ),
            Change::Improved => format!("better: {against}; to hold later campaigns to it, {TAKE}"),
            Change::NoChange => format!("the same within what matters: {against}"),
            Change::Inconclusive => {
                let smallest =
                    bounds.map_or_else(|| "nothing".to_owned(), |it| percent(it.smallest_detectable));
                format!(
                    "cannot tell whether it is worse: {against}; campaigns that differ like these show {smallest} and more: \
                     make them longer, or compare two versions in the same blocks (`compare:` in the scenario)"
                )
            }
        }
    }
}

impl MetricAgainstBaseline {
    fn summary(&self) -> String {
        let Self { metric, ratio, bounds, .. } = self;
        let bounds = bounds.map_or_else(String::new, |bounds| {
            format!(" ({} to {})", percent(bounds.low), percent(bounds.high))
        });
        format!("{metric} {}{bounds}", percent(*ratio))
    }
}

fn percent(ratio: f64) -> String {
    format!("{:+.1}%", (ratio - 1.0) * 100.0)
}
