//! [`Metric`]: what a run is measured by.

use std::fmt;
use std::str::FromStr;

use crate::units::TextError;

/// A number that every run has and a budget may limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Median latency of successes, from the intended send time to the last byte.
    P50,
    /// Latency that 75% of successes stay below.
    P75,
    /// Latency that 90% of successes stay below.
    P90,
    /// Latency that 99% of successes stay below.
    P99,
    /// Latency that 99.9% of successes stay below.
    P99_9,
    /// Latency that 99.99% of successes stay below.
    P99_99,
    /// Requests that failed, as a share of all.
    ErrorShare,
    /// Achieved rate as a share of the offered rate.
    AchievedShare,
    /// CPU time per request of mesh and application, without the load generator.
    CpuPerRequest,
    /// CPU time per request of the control plane.
    ControlPlaneCpuPerRequest,
    /// CPU time per request of the mesh's own proxies within its control plane.
    ControlPlaneProxyCpuPerRequest,
    /// CPU time per request of the data plane.
    DataPlaneCpuPerRequest,
    /// CPU time per request of the application.
    ApplicationCpuPerRequest,
    /// CPU time per request of the nodes that carry the workload, kernel included, without the application's.
    NodeOverheadCpuPerRequest,
    /// Peak resident memory of the control plane, summed over its processes.
    ControlPlaneMemory,
    /// Peak resident memory of the mesh's own proxies within its control plane, summed over them.
    ControlPlaneProxyMemory,
    /// Peak resident memory of the data plane, summed over its processes.
    DataPlaneMemory,
    /// Peak resident memory of the application, summed over its processes.
    ApplicationMemory,
    /// Peak working sets of the nodes that carry the workload, without the application's memory.
    NodeOverheadMemory,
    /// The highest rate at which a service level is kept. No run has it: it is what a search over many comes to.
    Limit,
}

/// What a metric is counted in, and so how a limit on it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Nanoseconds of latency; written `20ms`.
    Latency,
    /// A fraction from 0 to 1; written `0.1%`.
    Share,
    /// Nanoseconds of CPU time per request; written `150us`.
    CpuPerRequest,
    /// Bytes; written `500MiB`.
    Memory,
    /// Requests per second; written `2krps`.
    Rate,
}

impl Unit {
    /// A value in the base unit as people read it, to that many significant digits: `31.2ms`, `0.12%`, `48MiB`.
    #[must_use]
    pub fn show(self, value: f64, significant_digits: u32) -> String {
        let scales: &[(f64, &str)] = match self {
            Self::Latency | Self::CpuPerRequest => &[(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns")],
            Self::Share => &[(0.01, "%")],
            Self::Memory => &[(1_073_741_824.0, "GiB"), (1_048_576.0, "MiB"), (1_024.0, "KiB"), (1.0, "B")],
            Self::Rate => &[(1.0, "rps")],
        };
        let smallest = scales.last().copied().unwrap_or((1.0, ""));
        let (scale, unit) =
            scales.iter().copied().find(|(scale, _)| value.abs() >= *scale).unwrap_or(smallest);
        format!("{}{unit}", significant(value / scale, significant_digits))
    }

    /// What an amount is called, with its article.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::Latency => "a latency",
            Self::Share => "a share",
            Self::CpuPerRequest => "an amount of CPU time",
            Self::Memory => "an amount of memory",
            Self::Rate => "a rate",
        }
    }

    /// The suffix that most amounts are written with.
    #[must_use]
    pub const fn usual_suffix(self) -> &'static str {
        match self {
            Self::Latency => "ms",
            Self::Share => "%",
            Self::CpuPerRequest => "us",
            Self::Memory => "MiB",
            Self::Rate => "rps",
        }
    }

    /// An amount as it is written in scenarios.
    #[must_use]
    pub const fn example(self) -> &'static str {
        match self {
            Self::Latency => "10ms",
            Self::Share => "0.1%",
            Self::CpuPerRequest => "100us",
            Self::Memory => "50MiB",
            Self::Rate => "2000rps",
        }
    }
}

/// Rounds to significant digits, without zeros that say nothing after the point.
fn significant(value: f64, digits: u32) -> String {
    let digits_before_point = value.abs().max(1e-9).log10().floor() as i32 + 1;
    let decimals =
        usize::try_from(i32::try_from(digits).unwrap_or(i32::MAX) - digits_before_point).unwrap_or(0);
    let rounded = format!("{value:.decimals$}");
    if rounded.contains('.') {
        rounded.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        rounded
    }
}

/// How many requests a quantile must leave above itself before a gate may read it.
const REQUESTS_BEYOND_A_GATED_QUANTILE: u64 = 100;

impl Metric {
    /// Every metric, in the order people read them.
    pub const ALL: [Self; 20] = [
        Self::P50,
        Self::P75,
        Self::P90,
        Self::P99,
        Self::P99_9,
        Self::P99_99,
        Self::ErrorShare,
        Self::AchievedShare,
        Self::CpuPerRequest,
        Self::ControlPlaneCpuPerRequest,
        Self::ControlPlaneProxyCpuPerRequest,
        Self::DataPlaneCpuPerRequest,
        Self::ApplicationCpuPerRequest,
        Self::NodeOverheadCpuPerRequest,
        Self::ControlPlaneMemory,
        Self::ControlPlaneProxyMemory,
        Self::DataPlaneMemory,
        Self::ApplicationMemory,
        Self::NodeOverheadMemory,
        Self::Limit,
    ];

    /// The name in scenarios and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P75 => "p75",
            Self::P90 => "p90",
            Self::P99 => "p99",
            Self::P99_9 => "p99_9",
            Self::P99_99 => "p99_99",
            Self::ErrorShare => "error_share",
            Self::AchievedShare => "achieved_share",
            Self::CpuPerRequest => "cpu_per_request",
            Self::ControlPlaneCpuPerRequest => "control_plane_cpu_per_request",
            Self::ControlPlaneProxyCpuPerRequest => "control_plane_proxy_cpu_per_request",
            Self::DataPlaneCpuPerRequest => "data_plane_cpu_per_request",
            Self::ApplicationCpuPerRequest => "application_cpu_per_request",
            Self::NodeOverheadCpuPerRequest => "node_overhead_cpu_per_request",
            Self::ControlPlaneMemory => "control_plane_memory",
            Self::ControlPlaneProxyMemory => "control_plane_proxy_memory",
            Self::DataPlaneMemory => "data_plane_memory",
            Self::ApplicationMemory => "application_memory",
            Self::NodeOverheadMemory => "node_overhead_memory",
            Self::Limit => "limit",
        }
    }

    /// One sentence for a reader of a scenario, a report or the schema.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::P50 => "median latency of successes, from the intended send time to the last byte",
            Self::P75 => "latency that 75% of successes stay below",
            Self::P90 => "latency that 90% of successes stay below",
            Self::P99 => "latency that 99% of successes stay below",
            Self::P99_9 => "latency that 99.9% of successes stay below",
            Self::P99_99 => "latency that 99.99% of successes stay below",
            Self::ErrorShare => "requests that failed, as a share of all",
            Self::AchievedShare => "achieved rate as a share of the offered rate",
            Self::CpuPerRequest => "CPU time per request of mesh and application, without the load generator",
            Self::ControlPlaneCpuPerRequest => "CPU time per request of the control plane",
            Self::ControlPlaneProxyCpuPerRequest => {
                "CPU time per request of the mesh's own proxies within its control plane"
            }
            Self::DataPlaneCpuPerRequest => "CPU time per request of the data plane",
            Self::ApplicationCpuPerRequest => "CPU time per request of the application",
            Self::NodeOverheadCpuPerRequest => {
                "CPU time per request of the nodes that carry the workload, kernel included, without the application's"
            }
            Self::ControlPlaneMemory => {
                "peak resident memory of the control plane, summed over its processes"
            }
            Self::ControlPlaneProxyMemory => {
                "peak resident memory of the mesh's own proxies within its control plane, summed over them"
            }
            Self::DataPlaneMemory => "peak resident memory of the data plane, summed over its processes",
            Self::ApplicationMemory => "peak resident memory of the application, summed over its processes",
            Self::NodeOverheadMemory => {
                "peak working sets of the nodes that carry the workload, without the application's memory"
            }
            Self::Limit => "the highest rate at which the service level of `limit` is kept",
        }
    }

    /// What the metric is counted in.
    #[must_use]
    pub const fn unit(self) -> Unit {
        match self {
            Self::P50 | Self::P75 | Self::P90 | Self::P99 | Self::P99_9 | Self::P99_99 => Unit::Latency,
            Self::ErrorShare | Self::AchievedShare => Unit::Share,
            Self::CpuPerRequest
            | Self::ControlPlaneCpuPerRequest
            | Self::ControlPlaneProxyCpuPerRequest
            | Self::DataPlaneCpuPerRequest
            | Self::ApplicationCpuPerRequest
            | Self::NodeOverheadCpuPerRequest => Unit::CpuPerRequest,
            Self::ControlPlaneMemory
            | Self::ControlPlaneProxyMemory
            | Self::DataPlaneMemory
            | Self::ApplicationMemory
            | Self::NodeOverheadMemory => Unit::Memory,
            Self::Limit => Unit::Rate,
        }
    }

    /// Why a limit over `bare` makes no sense for this metric; `None` when it does.
    #[must_use]
    pub const fn why_not_over_bare(self) -> Option<&'static str> {
        match self {
            Self::ControlPlaneCpuPerRequest
            | Self::ControlPlaneMemory
            | Self::ControlPlaneProxyCpuPerRequest
            | Self::ControlPlaneProxyMemory => Some("bare has no control plane"),
            Self::DataPlaneCpuPerRequest | Self::DataPlaneMemory => Some("bare has no data plane"),
            Self::AchievedShare | Self::Limit => Some("more of it is better, not worse"),
            _ => None,
        }
    }

    /// Whether more of it is better: what falls then became worse.
    #[must_use]
    pub const fn is_better_higher(self) -> bool {
        matches!(self, Self::AchievedShare | Self::Limit)
    }

    /// The fraction of successes below a latency metric; `None` for every other metric.
    #[must_use]
    pub const fn quantile(self) -> Option<f64> {
        match self {
            Self::P50 => Some(0.5),
            Self::P75 => Some(0.75),
            Self::P90 => Some(0.9),
            Self::P99 => Some(0.99),
            Self::P99_9 => Some(0.999),
            Self::P99_99 => Some(0.999_9),
            _ => None,
        }
    }

    /// How many requests a run needs before a gate may read this metric.
    ///
    /// A quantile needs a hundred requests beyond it: with fewer, a handful of stragglers decide it.
    #[must_use]
    pub const fn minimum_requests(self) -> u64 {
        // How many requests it takes, on average, to see one beyond the quantile.
        let requests_per_straggler = match self {
            Self::P50 => 2,
            Self::P75 => 4,
            Self::P90 => 10,
            Self::P99 => 100,
            Self::P99_9 => 1_000,
            Self::P99_99 => 10_000,
            _ => return 1,
        };
        requests_per_straggler * REQUESTS_BEYOND_A_GATED_QUANTILE
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Metric {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        Self::ALL.into_iter().find(|metric| metric.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name);
            TextError::not_one_of("a metric", text, &names)
        })
    }
}
