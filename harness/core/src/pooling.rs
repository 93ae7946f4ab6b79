//! Several campaigns of the same cases as one, as parallel clusters give them: [`Pooled`].
//!
//! Latencies are pooled by merging histograms, never by averaging percentiles. A campaign whose control differs from that
//! of the others by more than runs differ from each other is a lemon: its machine is another than it says, and its numbers
//! stay out.

use std::collections::{BTreeMap, BTreeSet};

use crate::fingerprint::Fingerprint;
use crate::histogram::LatencyHistogram;
use crate::metric::Metric;
use crate::report::{CaseReport, CurvePoint, LatencyTable, Report, RunReport};
use crate::resources::Group;
use crate::statistics::median;

/// A control that differs by less than this is nobody's lemon, however little its runs differ.
const LEAST_SPREAD: f64 = 0.05;
const CONTROL: &str = "bare";

/// A campaign, with what its recordings hold.
#[derive(Debug, Clone, Copy)]
pub struct PoolInput<'a> {
    /// What it found.
    pub report: &'a Report,
    /// The merged latencies of each of its cases, by name.
    pub latencies: &'a BTreeMap<String, LatencyHistogram>,
}

/// What several campaigns come to together.
#[derive(Debug, Clone, PartialEq)]
pub struct Pooled {
    /// The campaigns, in the order in which they were given.
    pub campaigns: Vec<PooledCampaign>,
    /// Every case that any of them has, in the order of the first.
    pub cases: Vec<PooledCase>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub struct PooledCampaign {
    /// Its id.
    pub campaign: String,
    /// Why its numbers are not among the pooled, in a sentence; `None` where they are.
    pub left_out: Option<String>,
}

/// One case over all campaigns that are not left out.
#[derive(Debug, Clone, PartialEq)]
pub struct PooledCase {
    /// `scenario::mesh::rate::duration`.
    pub name: String,
    /// `scenario::rate::duration`.
    pub group: String,
    /// The mesh.
    pub mesh: String,
    /// How many campaigns are in it.
    pub campaigns: u32,
    /// The latency of successes, from merged histograms.
    pub latency_ns: LatencyTable,
    /// The same as a curve.
    pub latency_curve: Vec<CurvePoint>,
    /// Each campaign's own median latency in nanoseconds, left-out ones included; `None` where it has none.
    pub p50_by_campaign_ns: Vec<Option<u64>>,
}

impl Pooled {
    /// Pools campaigns.
    #[must_use]
    pub fn of(inputs: &[PoolInput<'_>]) -> Self {
        let left_out: Vec<Option<String>> = {
            let foreign = foreign(inputs);
            let own: Vec<&Report> = inputs.iter().map(|input| input.report).collect();
            let at_home: Vec<usize> = (0..own.len()).filter(|index| foreign[*index].is_none()).collect();
            let lemons = lemons(&at_home.iter().map(|index| own[*index]).collect::<Vec<_>>());
            let mut all = foreign;
            for (index, lemon) in at_home.into_iter().zip(lemons) {
                all[index] = lemon;
            }
            all
        };
        let mut names: Vec<(&str, &CaseReport)> = Vec::new();
        let mut seen = BTreeSet::new();
        for case in inputs.iter().flat_map(|input| &input.report.cases) {
            if seen.insert(case.name.as_str()) {
                names.push((&case.name, case));
            }
        }
        let cases = names.into_iter().map(|(name, case)| PooledCase::of(name, case, inputs, &left_out));
        let cases = cases.collect();
        let campaigns = inputs
            .iter()
            .zip(left_out)
            .map(|(input, left_out)| PooledCampaign { campaign: input.report.campaign.clone(), left_out });
        Self { campaigns: campaigns.collect(), cases }
    }
}

impl PooledCase {
    fn of(name: &str, case: &CaseReport, inputs: &[PoolInput<'_>], left_out: &[Option<String>]) -> Self {
        let mut merged = LatencyHistogram::new();
        let mut campaigns = 0;
        for (input, left_out) in inputs.iter().zip(left_out) {
            if let (Some(latencies), None) = (input.latencies.get(name), left_out) {
                merged.merge(latencies);
                campaigns += 1;
            }
        }
        let p50 = |input: &PoolInput<'_>| {
            let latencies = input.latencies.get(name)?;
            (!latencies.is_empty()).then(|| latencies.value_at_quantile(0.5))
        };
        Self {
            name: name.to_owned(),
            group: case.group.clone(),
            mesh: case.mesh.clone(),
            campaigns,
            latency_ns: LatencyTable::from(&merged),
            latency_curve: CurvePoint::curve(&merged),
            p50_by_campaign_ns: inputs.iter().map(p50).collect(),
        }
    }
}

/// Why each campaign cannot be pooled with those before it: nothing counts twice, and numbers of different environments,
/// scenarios or versions are never put together.
fn foreign(inputs: &[PoolInput<'_>]) -> Vec<Option<String>> {
    let reports: Vec<&Report> = inputs.iter().map(|input| input.report).collect();
    let difference = |(index, report): (usize, &&Report)| {
        let (first, before) = (reports.first()?, &reports[..index]);
        if before.iter().any(|known| known.campaign == report.campaign) {
            return Some("given twice".to_owned());
        }
        let fingerprint = |report: &Report| Fingerprint::of(&report.environment, "", "");
        let differences = fingerprint(first).differences(&fingerprint(report));
        if let Some(difference) = differences.first() {
            return Some(format!("not pooled with {}, where {difference}", first.campaign));
        }
        before.iter().find_map(|known| {
            let why = other_scenario(known, report).or_else(|| other_version(known, report))?;
            Some(format!("not pooled with {}, where {why}", known.campaign))
        })
    };
    reports.iter().enumerate().map(difference).collect()
}

fn other_scenario(known: &Report, report: &Report) -> Option<String> {
    let mut pairs =
        known.scenarios.iter().flat_map(|one| report.scenarios.iter().map(move |other| (one, other)));
    let (one, _) = pairs.find(|(one, other)| one.name == other.name && one.digest != other.digest)?;
    Some(format!("the scenario `{}` is another", one.name))
}

fn other_version(known: &Report, report: &Report) -> Option<String> {
    let version = |case: &CaseReport| {
        case.executable.as_ref().map_or_else(|| case.mesh_version.clone(), |program| program.version.clone())
    };
    let mut pairs = known.cases.iter().flat_map(|one| report.cases.iter().map(move |other| (one, other)));
    let (one, other) = pairs.find(|(one, other)| {
        let has_runs = !one.runs.is_empty() && !other.runs.is_empty();
        one.name == other.name && has_runs && version(one) != version(other)
    })?;
    Some(format!("`{}` is {} instead of {}", one.mesh, version(one), version(other)))
}

/// Which of the campaigns have a control that is not like those of most others, and by how much. Where that would be half
/// of them or more, nobody knows which are as they should be, and nobody is one.
fn lemons(reports: &[&Report]) -> Vec<Option<String>> {
    let mut lemons = vec![None; reports.len()];
    let groups: BTreeSet<&str> =
        reports.iter().flat_map(|report| &report.cases).map(|case| case.group.as_str()).collect();
    for (group, metric) in groups.iter().flat_map(|group| METRICS.iter().map(move |metric| (group, metric))) {
        let controls: Vec<Option<Control>> =
            reports.iter().map(|report| Control::of(report, group, *metric)).collect();
        for (index, lemon) in lemons.iter_mut().enumerate().filter(|(_, lemon)| lemon.is_none()) {
            let Some(control) = &controls[index] else { continue };
            let others = controls.iter().enumerate().filter(|(other, _)| *other != index);
            let others: Vec<&Control> = others.filter_map(|(_, control)| control.as_ref()).collect();
            *lemon = control.unlike(&others).map(|by| {
                let (percent, metric) = (by * 100.0, metric.name());
                format!("a lemon: {metric} of bare in {group} is {percent:+.1}% off that of the others, more than runs differ")
            });
        }
    }
    let called = lemons.iter().flatten().count();
    if 2 * called >= reports.len() && reports.len() > 2 {
        lemons.fill(None);
    }
    lemons
}

/// What controls are compared by.
const METRICS: [Metric; 3] = [Metric::P50, Metric::P99, Metric::CpuPerRequest];

/// A campaign's control by one metric.
struct Control {
    /// The median over runs of the logarithm.
    centre: f64,
    /// From the least to the most of the runs, as a difference of logarithms.
    spread: f64,
}

impl Control {
    fn of(report: &Report, group: &str, metric: Metric) -> Option<Self> {
        let case = report.cases.iter().find(|case| case.group == group && case.mesh == CONTROL)?;
        case.metric(metric).filter(|report| report.gated)?;
        let value = |run: &RunReport| match metric {
            Metric::P50 => Some(run.latency_ns.p50 as f64),
            Metric::P99 => Some(run.latency_ns.p99 as f64),
            _ => run.cpu_ns_per_request(&Group::MEASURED),
        };
        let values = case.counted_runs().filter_map(value).filter(|value| *value > 0.0);
        let logs: Vec<f64> = values.map(f64::ln).collect();
        // A single run does not tell how much runs differ.
        if logs.len() < 2 {
            return None;
        }
        let least = logs.iter().copied().fold(f64::INFINITY, f64::min);
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Some(Self { centre: median(&logs)?, spread: most - least })
    }

    /// By what share this one differs from the others in the median, where it differs from more than half of them by more
    /// than runs do. Of two that differ from each other nobody knows which is at fault: it is the slower one, for nothing
    /// makes a machine faster than it is.
    fn unlike(&self, others: &[&Self]) -> Option<f64> {
        let differs = |other: &&&Self| {
            let spread = self.spread.max(other.spread).max((1.0 + LEAST_SPREAD).ln());
            (self.centre - other.centre).abs() > spread
        };
        let differing = others.iter().filter(differs).count();
        let by = self.centre - median(&others.iter().map(|other| other.centre).collect::<Vec<_>>())?;
        let is_unlike = 2 * differing > others.len() && (others.len() > 1 || by > 0.0);
        is_unlike.then(|| by.exp() - 1.0)
    }
}

#[cfg(test)]
mod tests;
