//! [`MetricReport`]: one metric over the runs of a case.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::judge::{median_over_runs, pairs_with_bare};
use crate::metric::{Metric, Unit};
use crate::run::Run;
use crate::statistics;

/// A metric over the runs of a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricReport {
    /// The metric's name.
    pub metric: String,
    /// What the values are counted in.
    pub unit: ReportUnit,
    /// The median over the runs.
    pub median: f64,
    /// The smallest of the runs.
    pub min: f64,
    /// The largest of the runs.
    pub max: f64,
    /// Whether every run has what a gate on it needs: enough requests, and of CPU metrics, CPU time that is known well
    /// enough.
    pub gated: bool,
    /// Of CPU metrics, how far the value of a run can be from the truth, the most of the runs; `None` where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_error: Option<f64>,
    /// Bounds of that median; `None` of fewer than six runs.
    #[serde(default)]
    pub median_bounds: Option<Bounds>,
    /// The median over the blocks of what is above `bare` in the same block; `None` for `bare`.
    pub over_bare: Option<f64>,
    /// Bounds of that median; `None` of fewer than six blocks.
    #[serde(default)]
    pub over_bare_bounds: Option<Bounds>,
}

/// Two of the values, between which the true median lies with a chance of 95% or more; for display.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bounds {
    /// Missed with a chance of 2.5% at most.
    pub low: f64,
    /// Missed with a chance of 2.5% at most.
    pub high: f64,
}

impl Bounds {
    /// What each bound misses the median with, at most.
    const ALPHA: f64 = 0.025;

    fn of_median(values: &[f64]) -> Option<Self> {
        statistics::median_bounds(values, Self::ALPHA).map(|(low, high)| Self { low, high })
    }
}

/// What the values of a metric are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportUnit {
    /// Nanoseconds.
    Nanoseconds,
    /// A fraction from 0 to 1.
    Fraction,
    /// Nanoseconds of CPU time per answered request.
    CpuNanosecondsPerRequest,
    /// Bytes.
    Bytes,
    /// Requests per second.
    RequestsPerSecond,
}

impl MetricReport {
    pub(super) fn new(metric: Metric, runs: &[&Run], bare: &[&Run]) -> Option<Self> {
        let median = median_over_runs(metric, runs)?;
        let values = || runs.iter().filter_map(|run| run.value(metric));
        let pairs = pairs_with_bare(metric, runs, bare);
        let over_bare: Vec<f64> = pairs.iter().map(|(bare, value)| value - bare).collect();
        Some(Self {
            metric: metric.name().to_owned(),
            unit: metric.unit().into(),
            median,
            min: values().fold(f64::INFINITY, f64::min),
            max: values().fold(f64::NEG_INFINITY, f64::max),
            gated: runs.iter().all(|run| run.can_gate(metric)),
            cpu_error: runs
                .iter()
                .filter_map(|run| run.cpu_error(metric))
                .max_by(f64::total_cmp)
                .filter(|&error| error > 0.0),
            median_bounds: Bounds::of_median(&values().collect::<Vec<_>>()),
            over_bare: statistics::median(&over_bare),
            over_bare_bounds: Bounds::of_median(&over_bare),
        })
    }
}

impl From<Unit> for ReportUnit {
    fn from(unit: Unit) -> Self {
        match unit {
            Unit::Latency => Self::Nanoseconds,
            Unit::Share => Self::Fraction,
            Unit::CpuPerRequest => Self::CpuNanosecondsPerRequest,
            Unit::Memory => Self::Bytes,
            Unit::Rate => Self::RequestsPerSecond,
        }
    }
}
