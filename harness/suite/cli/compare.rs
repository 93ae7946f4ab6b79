//! `meshbench compare`: two finished campaigns, judged as a campaign is judged against what was accepted.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use meshbench_core::baseline::{
    AgainstBaseline, Baseline, BaselineComparison, ComparisonTier, FEWEST_STORED, Stored,
};
use meshbench_core::comparison::Strictness;
use meshbench_core::judge::Verdict;
use meshbench_core::metric::Metric;

use crate::baselines::CAMPAIGN_BASELINES;
use crate::baselines::history_file::{self, HistoryError};
use crate::baselines::store::{BaselineStore, StoreError};
use crate::discovery::Discovery;

/// Why two campaigns could not be compared at all.
#[derive(Debug, thiserror::Error)]
pub(super) enum CompareError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error("cannot write to standard output")]
    Print(#[from] io::Error),
    #[error(
        "{} holds no figures to compare: a campaign's folder is one under target/meshbench, with report.json in it, and \
         of one whose cases were invalid nothing is kept",
        folder.display()
    )]
    NoCampaign {
        /// The folder that was named.
        folder: PathBuf,
    },
}

/// What the comparison of two campaigns comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compared {
    /// Something was compared, and nothing was found worse.
    Fine,
    /// A case regressed, or nothing at all may be compared.
    Failed,
}

/// Compares the campaign in the folder `new` with the one in `old`, case by case. The history under `snapshots` says how
/// much campaigns differ from each other; where it holds too few, what is printed is advisory.
///
/// # Errors
/// [`CompareError`].
pub(super) fn compare(
    out: &mut dyn Write,
    snapshots: &Path,
    discovery: &Discovery,
    old: &Path,
    new: &Path,
) -> Result<Compared, CompareError> {
    let (old, new) = (figures(old)?, figures(new)?);
    let in_both = new.keys().filter(|case| old.contains_key(*case)).count();
    let (mut compared, mut regressed) = (0_usize, false);
    for (case, now) in &new {
        writeln!(out, "{case}")?;
        let Some(was) = old.get(case) else {
            writeln!(out, "  only the second campaign, {}, has figures for it", now.campaign)?;
            continue;
        };
        let Some(strictness) = strictness_of(discovery, case) else {
            writeln!(
                out,
                "  no scenario of this name is here, so that nobody knows how strictly to judge it"
            )?;
            continue;
        };
        let history = history_file::read(&snapshots.join(now.subject.fingerprint.environment_class()))?;
        let stored = Stored { baseline: Some(Ok(was.clone())), campaigns: history };
        let standing = stored.compare(&now.means(), &strictness, 1.0 / in_both.max(1) as f64);
        compared += usize::from(standing.tier().is_some());
        regressed |= matches!(standing.verdict(), Some(Verdict::Regressed { .. }));
        show(out, &standing, was, now)?;
    }
    for (case, was) in old.iter().filter(|(case, _)| !new.contains_key(*case)) {
        writeln!(out, "{case}\n  only the first campaign, {}, has figures for it", was.campaign)?;
    }
    if compared == 0 {
        writeln!(out, "nothing could be compared")?;
    }
    Ok(if regressed || compared == 0 { Compared::Failed } else { Compared::Fine })
}

/// What a campaign left of each case.
fn figures(folder: &Path) -> Result<BTreeMap<String, Baseline>, CompareError> {
    let mut figures = BTreeMap::new();
    for entry in BaselineStore::new(folder.join(CAMPAIGN_BASELINES)).entries()? {
        if let Some(baseline) = entry.accepted.transpose()? {
            figures.insert(entry.key.case, baseline);
        }
    }
    match figures.is_empty() {
        true => Err(CompareError::NoCampaign { folder: folder.to_owned() }),
        false => Ok(figures),
    }
}

/// As its scenario says.
fn strictness_of(discovery: &Discovery, case: &str) -> Option<Strictness> {
    let (name, _) = case.split_once("::")?;
    Some(discovery.scenarios.iter().find(|scenario| scenario.name == name)?.strictness)
}

fn show(out: &mut dyn Write, standing: &AgainstBaseline, was: &Baseline, now: &Baseline) -> io::Result<()> {
    let of = |of: &Baseline| format!("{} (version {})", of.campaign, of.subject.mesh_version);
    match standing {
        AgainstBaseline::Refused { differences, .. } => {
            writeln!(out, "  not to be compared: {} and {}", of(was), of(now))?;
            differences.iter().try_for_each(|difference| writeln!(out, "    {difference}"))
        }
        AgainstBaseline::Compared(comparison) => {
            writeln!(out, "  {} against {}: {}", of(now), of(was), rests_on(comparison))?;
            show_metrics(out, comparison)?;
            let sentences = standing.verdict().map_or_else(Vec::new, |verdict| verdict.sentences().to_vec());
            sentences.iter().try_for_each(|sentence| writeln!(out, "    {sentence}"))
        }
        // A campaign was given, and its files are good.
        AgainstBaseline::NoBaseline | AgainstBaseline::Unusable { .. } => Ok(()),
    }
}

fn rests_on(BaselineComparison { tier, stored, .. }: &BaselineComparison) -> String {
    match tier {
        ComparisonTier::T3 => format!(
            "{tier}, advisory: a verdict needs {FEWEST_STORED} campaigns in the history, which with the older one has {stored}"
        ),
        _ => format!("{tier}, by {stored} campaigns of the history"),
    }
}

fn show_metrics(out: &mut dyn Write, comparison: &BaselineComparison) -> io::Result<()> {
    for metric in &comparison.metrics {
        let shown = |value: f64| {
            metric.metric.parse::<Metric>().map_or_else(|_| value.to_string(), |it| it.unit().show(value, 3))
        };
        let percent = |ratio: f64| format!("{:+.1}%", (ratio - 1.0) * 100.0);
        let bounds = metric.bounds.map_or_else(String::new, |bounds| {
            format!(" ({} to {})", percent(bounds.low), percent(bounds.high))
        });
        writeln!(
            out,
            "    {:<27} {:>10} where {} was to be expected: {}{bounds}",
            metric.metric,
            shown(metric.value),
            shown(metric.expected),
            percent(metric.ratio),
        )?;
    }
    Ok(())
}
