//! What a campaign found, as one model that every format is written from.

mod cluster;
mod curve;
mod limit;
mod metric;
mod reading;
mod run;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::baseline::{AgainstBaseline, ComparisonTier};
use crate::comparison::{Comparison, DroppedBlock};
use crate::fingerprint::Fingerprint;
use crate::histogram::LatencyHistogram;
use crate::judge::{JudgedLimit, Judgement, Verdict};
use crate::metric::Metric;
use crate::pooling::Pooled;
use crate::run::Run;

pub use cluster::{ClusterEnvironment, ClusterNode, ClusterPlacement, StepSeconds};
pub use curve::CurvePoint;
pub use limit::{LimitOutcome, LimitReport, ProbeFigures, ProbeReport};
pub use metric::{Bounds, MetricReport, ReportUnit};
pub use run::{GroupReport, LatencyTable, RunReport};

/// The version of `report.json`. A reader of one version reads its additions too.
pub const REPORT_VERSION: u32 = 1;

/// A campaign: everything one invocation measured, on one environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// [`REPORT_VERSION`].
    pub version: u32,
    /// The campaign's id, which is also its folder's name.
    pub campaign: String,
    /// When it began, RFC 3339 in UTC.
    pub started_at: String,
    /// How long it took, in seconds.
    pub took_seconds: f64,
    /// Whether a signal ended it early.
    pub interrupted: bool,
    /// Where it ran.
    pub environment: Environment,
    /// Its cases, in the order they were judged; controls that nobody asked for included.
    pub cases: Vec<CaseReport>,
    /// What its clusters come to together, where it ran on several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pooled: Option<Pooled>,
    /// Cases that were not run, with why.
    pub ignored: Vec<IgnoredCase>,
    /// The scenarios that its cases are of, as they were run.
    #[serde(default)]
    pub scenarios: Vec<ScenarioSource>,
    /// Selected scenario files that are wrong and so have no cases; each counts as an error.
    #[serde(default)]
    pub broken_scenarios: Vec<BrokenScenario>,
}

/// A scenario file as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioSource {
    /// The scenario's name.
    pub name: String,
    /// What stands in its file.
    pub text: String,
    /// The digest of that.
    pub digest: String,
    /// What decides the random order of meshes and requests.
    pub seed: u64,
}

/// A scenario file that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BrokenScenario {
    /// The name of its one trial, `scenario::scenario-is-invalid`.
    pub name: String,
    /// What is wrong with it, each with file, line and field.
    pub problems: Vec<String>,
}

/// The program that a mesh's processes ran, where it is not one of this project's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Executable {
    /// Where it was found.
    pub path: std::path::PathBuf,
    /// The line in which it says its version.
    pub version: String,
}

/// Where a campaign ran, as far as it can make a difference to its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// The version of meshbench.
    pub meshbench_version: String,
    /// Whether the measured programs were built with optimisations.
    pub optimised: bool,
    /// The processor's name.
    pub cpu_model: String,
    /// Total memory, in bytes.
    pub memory_bytes: u64,
    /// The kernel's release.
    pub kernel: String,
    /// What is between the kernel and the hardware, for example `virtual machine (QEMU)`; `none` where nothing is.
    #[serde(default)]
    pub virtualisation: String,
    /// The cores of the load generator.
    pub generator_cores: Vec<usize>,
    /// The cores of everything that is measured; the generator's own when the machine has only one.
    pub measured_cores: Vec<usize>,
    /// The clusters, where anything ran on any: they are then what was measured, and the machine only gave the orders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<ClusterEnvironment>,
}

/// A case that was selected and not run, or not selected because it cannot run here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IgnoredCase {
    /// `scenario::mesh::rate::duration`.
    pub name: String,
    /// Why it was not run.
    pub reason: String,
    /// What would let it run.
    pub cure: String,
}

/// One case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseReport {
    /// `scenario::mesh::rate::duration`, with `::same_node` or its like behind it where the scenario has several placements,
    /// and `@context` in a campaign on several clusters.
    pub name: String,
    /// Its block group: `scenario::rate::duration`, and `@context` likewise.
    pub group: String,
    /// The mesh.
    pub mesh: String,
    /// The context of the cluster that it is of; `None` on one machine, and where there was no cluster to be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// The mesh's version, as its definition has it.
    pub mesh_version: String,
    /// What its processes ran, as it was found.
    #[serde(default)]
    pub executable: Option<Executable>,
    /// Whether it was asked for; `bare` also runs as a control when it was not.
    pub selected: bool,
    /// What it comes to.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What the verdict rests on, where the case was compared with anything.
    #[serde(default)]
    pub tier: Option<ComparisonTier>,
    /// What came of the comparison with an older version, where there is one.
    #[serde(default)]
    pub comparison: Option<Comparison>,
    /// Blocks that its figures are read without, and that others replaced; their runs are listed all the same.
    #[serde(default)]
    pub left_out: Vec<DroppedBlock>,
    /// What is to be known of its runs besides, each in a sentence.
    #[serde(default)]
    pub remarks: Vec<String>,
    /// How it stands to its baseline; `None` for `bare`, and where nothing valid was measured.
    #[serde(default)]
    pub against_baseline: Option<AgainstBaseline>,
    /// What the machine, the instrument and the load were; `None` where nothing was measured.
    #[serde(default)]
    pub fingerprint: Option<Fingerprint>,
    /// Every budget limit that applied.
    pub limits: Vec<JudgedLimit>,
    /// Every metric over its runs.
    pub metrics: Vec<MetricReport>,
    /// The latency of successes over all its runs, from merged histograms.
    pub pooled_latency_ns: LatencyTable,
    /// The same as a curve.
    #[serde(default)]
    pub pooled_latency_curve: Vec<CurvePoint>,
    /// How much it can carry, where that was looked for: its runs are then the probes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<LimitReport>,
    /// Its runs.
    pub runs: Vec<RunReport>,
}

/// Who a case is, for its report.
#[derive(Debug, Clone)]
pub struct CaseHeading {
    /// `scenario::mesh::rate::duration`, with `::same_node` or its like behind it where the scenario has several placements,
    /// and `@context` in a campaign on several clusters.
    pub name: String,
    /// `scenario::rate::duration`, and `@context` likewise.
    pub group: String,
    /// The mesh.
    pub mesh: String,
    /// The context of the cluster that it is of, where there is one.
    pub cluster: Option<String>,
    /// The mesh's version, as its definition has it.
    pub mesh_version: String,
    /// What its processes ran, as it was found.
    pub executable: Option<Executable>,
    /// Whether it was asked for.
    pub selected: bool,
}

impl CaseReport {
    /// A case's report from its runs, the control's runs and its judgement.
    #[must_use]
    pub fn new(heading: CaseHeading, runs: &[&Run], bare: &[&Run], judgement: Judgement) -> Self {
        let mut pooled = LatencyHistogram::new();
        for run in runs {
            pooled.merge(&run.recording.latency_ns);
        }
        let is_control = runs.first().is_none_or(|run| run.mesh.is_bare());
        let control = if is_control { &[] } else { bare };
        let metrics = Metric::ALL.into_iter().filter_map(|metric| MetricReport::new(metric, runs, control));
        Self {
            name: heading.name,
            group: heading.group,
            mesh: heading.mesh,
            cluster: heading.cluster,
            mesh_version: heading.mesh_version,
            executable: heading.executable,
            selected: heading.selected,
            verdict: judgement.verdict,
            tier: None,
            comparison: None,
            left_out: Vec::new(),
            remarks: Vec::new(),
            against_baseline: None,
            fingerprint: None,
            limits: judgement.limits,
            metrics: metrics.collect(),
            pooled_latency_ns: LatencyTable::from(&pooled),
            pooled_latency_curve: CurvePoint::curve(&pooled),
            limit: None,
            runs: runs.iter().map(|run| RunReport::from(*run)).collect(),
        }
    }

    /// The report of a case that came to no run.
    #[must_use]
    pub fn without_runs(heading: CaseHeading, cause: String) -> Self {
        Self::unmeasured(heading, Verdict::Error { causes: vec![cause] })
    }

    /// The report of a case that was not run for a collapse.
    #[must_use]
    pub fn not_run(heading: CaseHeading, reason: String) -> Self {
        Self::unmeasured(heading, Verdict::NotRun { reasons: vec![reason] })
    }

    fn unmeasured(heading: CaseHeading, verdict: Verdict) -> Self {
        Self::new(heading, &[], &[], Judgement { verdict, limits: Vec::new() })
    }

    /// The same, listing all of the case's runs, with the blocks that are not among its figures.
    #[must_use]
    pub fn leaving_out(self, left_out: Vec<DroppedBlock>, runs: &[&Run]) -> Self {
        Self { left_out, runs: runs.iter().map(|run| RunReport::from(*run)).collect(), ..self }
    }

    /// The same with what is to be known of its runs besides.
    #[must_use]
    pub fn remarking(self, remarks: Vec<String>) -> Self {
        Self { remarks, ..self }
    }

    /// The same with a comparison.
    #[must_use]
    pub fn compared(self, comparison: Option<Comparison>) -> Self {
        let tier = comparison.as_ref().map(|_| ComparisonTier::T1).or(self.tier);
        Self { comparison, tier, ..self }
    }

    /// The same with how it stands to its baseline, and what that is measured on.
    #[must_use]
    pub fn against(self, baseline: AgainstBaseline, fingerprint: Fingerprint) -> Self {
        let tier = self.tier.or(baseline.tier());
        Self { against_baseline: Some(baseline), fingerprint: Some(fingerprint), tier, ..self }
    }

    /// Its verdict, and how it came about.
    #[must_use]
    pub fn judgement(&self) -> Judgement {
        Judgement { verdict: self.verdict.clone(), limits: self.limits.clone() }
    }

    /// One metric of the case.
    #[must_use]
    pub fn metric(&self, metric: Metric) -> Option<&MetricReport> {
        self.metrics.iter().find(|report| report.metric == metric.name())
    }
}

/// The JSON schema of `report.json`.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(Report).to_value()
}
