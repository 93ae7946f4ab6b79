//! Several campaigns of the same cases as one, or the clusters of one campaign: [`Pooled`].
//!
//! Latencies are pooled by merging histograms, never by averaging percentiles. A member whose control differs from that of
//! the others by more than runs differ from each other is a lemon: its machine is another than it says, and its numbers
//! stay out. So do limits: what latencies they have are of another rate in each member.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fingerprint::Fingerprint;
use crate::histogram::LatencyHistogram;
use crate::metric::Metric;
use crate::report::{
    CaseReport, ClusterEnvironment, CurvePoint, LatencyTable, Report, RunReport, ScenarioSource,
};
use crate::resources::Group;
use crate::statistics::median;

/// A control that differs by less than this is nobody's lemon, however little its runs differ.
const LEAST_SPREAD: f64 = 0.05;
const CONTROL: &str = "bare";

/// What may be pooled with others of its kind: a campaign, or what it measured on one of its clusters; with what the
/// recordings hold.
#[derive(Debug, Clone)]
pub struct PoolInput<'a> {
    /// What it is called: the campaign's id, or the cluster's context.
    pub name: String,
    environment: Fingerprint,
    scenarios: &'a [ScenarioSource],
    cases: Vec<&'a CaseReport>,
    latencies: &'a BTreeMap<String, LatencyHistogram>,
}

/// What several campaigns, or the clusters of one, come to together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pooled {
    /// The campaigns or clusters, in the order in which they were given.
    pub members: Vec<PoolMember>,
    /// Every case that any of them has, in the order of the first.
    pub cases: Vec<PooledCase>,
}

/// A campaign or cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PoolMember {
    /// The campaign's id, or the cluster's context.
    pub name: String,
    /// Why its numbers are not among the pooled, in a sentence; `None` where they are.
    pub left_out: Option<String>,
}

/// One case over all members that are not left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PooledCase {
    /// `scenario::mesh::rate::duration`.
    pub name: String,
    /// `scenario::rate::duration`.
    pub group: String,
    /// The mesh.
    pub mesh: String,
    /// How many members are in it.
    pub members: u32,
    /// The latency of successes, from merged histograms.
    pub latency_ns: LatencyTable,
    /// The same as a curve.
    pub latency_curve: Vec<CurvePoint>,
    /// Each member's own median latency in nanoseconds, left-out ones included; `None` where it has none.
    pub p50_by_member_ns: Vec<Option<u64>>,
}

impl<'a> PoolInput<'a> {
    /// Each cluster of a campaign that ran on several, by its context, and what ran elsewhere as a whole, by the campaign's id.
    /// `latencies` are the merged ones of each case, by the name of the case.
    #[must_use]
    pub fn of(report: &'a Report, latencies: &'a BTreeMap<String, LatencyHistogram>) -> Vec<Self> {
        let mut inputs = Self::of_clusters(report, latencies);
        let elsewhere: Vec<_> =
            at_a_rate(report).filter(|case| case.cluster_of_several().is_none()).collect();
        if inputs.is_empty() || !elsewhere.is_empty() {
            let is_its = |cluster: &&ClusterEnvironment| {
                elsewhere.iter().any(|case| case.cluster.as_ref() == Some(&cluster.context))
            };
            let cluster = report.environment.clusters.iter().find(is_its);
            inputs.push(Self::new(&report.campaign, report, cluster, elsewhere, latencies));
        }
        inputs
    }

    /// Each cluster on which a campaign on several ran anything.
    fn of_clusters(report: &'a Report, latencies: &'a BTreeMap<String, LatencyHistogram>) -> Vec<Self> {
        let of = |cluster: &'a ClusterEnvironment| {
            let is_its = |case: &&CaseReport| case.cluster_of_several() == Some(&cluster.context);
            let cases: Vec<_> = at_a_rate(report).filter(is_its).collect();
            (!cases.is_empty()).then(|| Self::new(&cluster.context, report, Some(cluster), cases, latencies))
        };
        report.environment.clusters.iter().filter_map(of).collect()
    }

    fn new(
        name: &str,
        report: &'a Report,
        cluster: Option<&ClusterEnvironment>,
        cases: Vec<&'a CaseReport>,
        latencies: &'a BTreeMap<String, LatencyHistogram>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            environment: Fingerprint::of(&report.environment, cluster, "", ""),
            scenarios: &report.scenarios,
            cases,
            latencies,
        }
    }

    fn case(&self, name: &str) -> Option<&'a CaseReport> {
        self.cases.iter().copied().find(|case| case.name_anywhere() == name)
    }

    /// The merged latencies of the case called so on any cluster.
    fn latencies(&self, name: &str) -> Option<&'a LatencyHistogram> {
        self.latencies.get(&self.case(name)?.name)
    }
}

/// Limits are not pooled: what latencies they have are of another rate each.
fn at_a_rate(report: &Report) -> impl Iterator<Item = &CaseReport> {
    report.cases.iter().filter(|case| case.limit.is_none())
}

impl Pooled {
    /// Pools what was measured at different places or times.
    #[must_use]
    pub fn of(inputs: &[PoolInput<'_>]) -> Self {
        let mut left_out = foreign(inputs);
        let at_home: Vec<usize> = (0..inputs.len()).filter(|index| left_out[*index].is_none()).collect();
        let lemons = lemons(&at_home.iter().map(|index| &inputs[*index]).collect::<Vec<_>>());
        for (index, lemon) in at_home.into_iter().zip(lemons) {
            left_out[index] = lemon;
        }
        let mut seen = BTreeSet::new();
        let all = inputs.iter().flat_map(|input| input.cases.iter().copied());
        let distinct = all.filter(|case| seen.insert(case.name_anywhere()));
        let cases = distinct.map(|case| PooledCase::of(case, inputs, &left_out)).collect();
        let members = inputs.iter().zip(left_out);
        let members =
            members.map(|(input, left_out)| PoolMember { name: input.name.clone(), left_out }).collect();
        Self { members, cases }
    }

    /// What the clusters of a campaign come to together; `None` where it did not run on several.
    #[must_use]
    pub fn of_clusters(report: &Report, latencies: &BTreeMap<String, LatencyHistogram>) -> Option<Self> {
        let clusters = PoolInput::of_clusters(report, latencies);
        (clusters.len() > 1).then(|| Self::of(&clusters))
    }

    /// Those that are not among the pooled, each with why.
    #[must_use]
    pub fn left_out(&self) -> Vec<String> {
        let sentence = |member: &PoolMember| Some(format!("{}: {}", member.name, member.left_out.as_ref()?));
        self.members.iter().filter_map(sentence).collect()
    }
}

impl PooledCase {
    fn of(case: &CaseReport, inputs: &[PoolInput<'_>], left_out: &[Option<String>]) -> Self {
        let name = case.name_anywhere();
        let mut merged = LatencyHistogram::new();
        let mut members = 0;
        for (input, left_out) in inputs.iter().zip(left_out) {
            if let (Some(latencies), None) = (input.latencies(name), left_out) {
                merged.merge(latencies);
                members += 1;
            }
        }
        let p50 = |input: &PoolInput<'_>| {
            let latencies = input.latencies(name)?;
            (!latencies.is_empty()).then(|| latencies.value_at_quantile(0.5))
        };
        Self {
            name: name.to_owned(),
            group: case.group_anywhere().to_owned(),
            mesh: case.mesh.clone(),
            members,
            latency_ns: LatencyTable::from(&merged),
            latency_curve: CurvePoint::curve(&merged),
            p50_by_member_ns: inputs.iter().map(p50).collect(),
        }
    }
}

/// Why each input cannot be pooled with those before it: nothing counts twice, and numbers of different environments,
/// scenarios or versions are never put together.
fn foreign(inputs: &[PoolInput<'_>]) -> Vec<Option<String>> {
    let difference = |(index, input): (usize, &PoolInput<'_>)| {
        let (first, before) = (inputs.first()?, &inputs[..index]);
        if before.iter().any(|known| known.name == input.name) {
            return Some("given twice".to_owned());
        }
        if let Some(difference) = first.environment.differences(&input.environment).first() {
            return Some(format!("not pooled with {}, where {difference}", first.name));
        }
        before.iter().find_map(|known| {
            let why = other_scenario(known, input).or_else(|| other_version(known, input))?;
            Some(format!("not pooled with {}, where {why}", known.name))
        })
    };
    inputs.iter().enumerate().map(difference).collect()
}

fn other_scenario(known: &PoolInput<'_>, input: &PoolInput<'_>) -> Option<String> {
    let mut pairs =
        known.scenarios.iter().flat_map(|one| input.scenarios.iter().map(move |other| (one, other)));
    let (one, _) = pairs.find(|(one, other)| one.name == other.name && one.digest != other.digest)?;
    Some(format!("the scenario `{}` is another", one.name))
}

fn other_version(known: &PoolInput<'_>, input: &PoolInput<'_>) -> Option<String> {
    let version = |case: &CaseReport| {
        case.executable.as_ref().map_or_else(|| case.mesh_version.clone(), |program| program.version.clone())
    };
    let mut pairs = known.cases.iter().flat_map(|one| input.cases.iter().map(move |other| (one, other)));
    let (one, other) = pairs.find(|(one, other)| {
        let has_runs = !one.runs.is_empty() && !other.runs.is_empty();
        one.name_anywhere() == other.name_anywhere() && has_runs && version(one) != version(other)
    })?;
    Some(format!("`{}` is {} instead of {}", one.mesh, version(one), version(other)))
}

/// Which of the inputs have a control that is not like those of most others, and by how much. Where that would be half of
/// them or more, nobody knows which are as they should be, and nobody is one; of two, one at the most.
fn lemons(inputs: &[&PoolInput<'_>]) -> Vec<Option<String>> {
    let mut lemons = vec![None; inputs.len()];
    let cases = inputs.iter().flat_map(|input| &input.cases);
    let groups: BTreeSet<&str> = cases.map(|case| case.group_anywhere()).collect();
    for (group, metric) in groups.iter().flat_map(|group| METRICS.iter().map(move |metric| (group, metric))) {
        let controls: Vec<Option<Control>> =
            inputs.iter().map(|input| Control::of(input, group, *metric)).collect();
        for index in 0..inputs.len() {
            // Once one of two is called, the other has nobody left to be unlike.
            let is_settled =
                lemons[index].is_some() || (inputs.len() == 2 && lemons.iter().any(Option::is_some));
            let Some(control) = controls[index].as_ref().filter(|_| !is_settled) else { continue };
            let others = controls.iter().enumerate().filter(|(other, _)| *other != index);
            let others: Vec<&Control> = others.filter_map(|(_, control)| control.as_ref()).collect();
            lemons[index] = control.unlike(&others).map(|by| {
                let (percent, metric) = (by * 100.0, metric.name());
                format!("a lemon: {metric} of bare in {group} is {percent:+.1}% off that of the others, more than runs differ")
            });
        }
    }
    let called = lemons.iter().flatten().count();
    if 2 * called >= inputs.len() && inputs.len() > 2 {
        lemons.fill(None);
    }
    lemons
}

/// What controls are compared by.
const METRICS: [Metric; 3] = [Metric::P50, Metric::P99, Metric::CpuPerRequest];

/// A member's control by one metric.
struct Control {
    /// The median over runs of the logarithm.
    centre: f64,
    /// From the least to the most of the runs, as a difference of logarithms.
    spread: f64,
}

impl Control {
    fn of(input: &PoolInput<'_>, group: &str, metric: Metric) -> Option<Self> {
        let case = input.cases.iter().find(|case| case.group_anywhere() == group && case.mesh == CONTROL)?;
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
