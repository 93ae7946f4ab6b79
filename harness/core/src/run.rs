//! One measured window of one mesh, and the metrics read off it.

use serde::{Deserialize, Serialize};

use crate::course::Course;
use crate::metric::Metric;
use crate::recording::Recording;
use crate::report::ClusterPlacement;
use crate::resources::{Group, NodeOverhead, ResourceUse};
use crate::scenario::MeshName;

/// What proves that traffic crossed the mesh, in mutual TLS, and nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DataPathProof {
    /// Sidecars that traffic crossed, by their own counters; 0 for a mesh without any.
    pub sidecars: u32,
    /// Requests that sidecars counted as sent to peers, from before the warm-up to after the drain.
    pub outbound_requests: u64,
    /// Requests that sidecars counted as received from peers, over the same time.
    pub inbound_requests: u64,
    /// Workloads whose inbound port proved the SPIFFE identity it should have.
    pub verified_identities: u32,
    /// Workloads whose inbound port refused plaintext, and TLS without a client certificate or with one of another
    /// authority or trust domain.
    pub enforced_mutual_tls: u32,
    /// Workloads that refused plaintext from outside the mesh, where no more than that was tried.
    #[serde(default, skip_serializing_if = "is_none")]
    pub refused_plaintext: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands references over")]
fn is_none(count: &u32) -> bool {
    *count == 0
}

/// How far CPU time may be from the truth, as a share of it, for a gate or a comparison to read it: beyond that, when its
/// counters happened to be read decides as much as the mesh does.
pub const MOST_CPU_ERROR_SHARE: f64 = 0.1;

/// A run: the unit of evidence.
#[derive(Debug, Clone)]
pub struct Run {
    /// Which mesh ran.
    pub mesh: MeshName,
    /// The block it belongs to, counted from one.
    pub block: u32,
    /// Its place in the block's random order, counted from one.
    pub position: u32,
    /// What the load generator measured.
    pub recording: Recording,
    /// What CPU and memory the window took.
    pub resources: ResourceUse,
    /// What proves the data path.
    pub data_path: DataPathProof,
    /// How long after the window's edges CPU and memory were read there, the later of the two, in nanoseconds.
    pub edge_lateness_ns: u64,
    /// How it went.
    pub course: Course,
    /// The digest of its recording's file; empty where it is in no file.
    pub recording_digest: String,
    /// Where in a cluster it took place; `None` on one machine.
    pub placement: Option<ClusterPlacement>,
    /// Its folder within the campaign's, with everything kept of it.
    pub folder: String,
}

impl Run {
    /// The value of a metric in its base unit (nanoseconds, a fraction, bytes);
    /// `None` when the run has none, for example no success to take a quantile of.
    #[must_use]
    pub fn value(&self, metric: Metric) -> Option<f64> {
        if let Some(quantile) = metric.quantile() {
            let latency = &self.recording.latency_ns;
            return (!latency.is_empty()).then(|| latency.value_at_quantile(quantile) as f64);
        }
        match metric {
            Metric::ErrorShare => Some(self.recording.error_share()),
            Metric::AchievedShare => self.recording.achieved_share(),
            Metric::ControlPlaneMemory => Some(self.memory_bytes(Group::ControlPlane)),
            Metric::ControlPlaneProxyMemory => {
                self.has(Group::ControlPlaneProxy).then(|| self.memory_bytes(Group::ControlPlaneProxy))
            }
            Metric::DataPlaneMemory => Some(self.memory_bytes(Group::DataPlane)),
            Metric::ApplicationMemory => Some(self.memory_bytes(Group::Application)),
            Metric::NodeOverheadMemory => Some(self.node_overhead()?.working_set_bytes as f64),
            _ => Some(self.cpu(metric)?.used_ns as f64 / self.answered()?),
        }
    }

    /// How far the value of a CPU metric can be from the truth, in its base unit; `None` for every other metric.
    #[must_use]
    pub fn cpu_error(&self, metric: Metric) -> Option<f64> {
        Some(self.cpu(metric)?.error_ns as f64 / self.answered()?)
    }

    /// The same as a share of the value; 0 for metrics that have no such error.
    #[must_use]
    pub fn cpu_error_share(&self, metric: Metric) -> f64 {
        self.cpu(metric).map_or(0.0, |cpu| match cpu.error_ns {
            0 => 0.0,
            error_ns => error_ns as f64 / cpu.used_ns as f64,
        })
    }

    /// Whether a gate or a comparison may read this metric: the run has the requests for it, and CPU is known well enough.
    #[must_use]
    pub fn can_gate(&self, metric: Metric) -> bool {
        self.requests_behind(metric) >= metric.minimum_requests()
            && self.cpu_error_share(metric) <= MOST_CPU_ERROR_SHARE
    }

    /// The requests that a metric's value rests on: a quantile is one of successes.
    #[must_use]
    pub fn requests_behind(&self, metric: Metric) -> u64 {
        if metric.quantile().is_some() { self.recording.successes } else { self.recording.requests }
    }

    /// What the nodes that carry the workload used besides it; `None` where nobody read their counters.
    #[must_use]
    pub fn node_overhead(&self) -> Option<NodeOverhead> {
        self.resources.node_overhead(self.placement.as_ref().is_some_and(|placement| placement.co_located))
    }

    /// The CPU time that a metric is of; `None` for what is no such metric, and for what this run has nothing of.
    fn cpu(&self, metric: Metric) -> Option<CpuTime> {
        let groups: &[Group] = match metric {
            Metric::CpuPerRequest => &Group::MEASURED,
            Metric::ControlPlaneCpuPerRequest => &[Group::ControlPlane],
            Metric::ControlPlaneProxyCpuPerRequest if self.has(Group::ControlPlaneProxy) => {
                &[Group::ControlPlaneProxy]
            }
            Metric::DataPlaneCpuPerRequest => &[Group::DataPlane],
            Metric::ApplicationCpuPerRequest => &[Group::Application],
            Metric::NodeOverheadCpuPerRequest => {
                let NodeOverhead { cpu_ns, cpu_error_ns, .. } = self.node_overhead()?;
                return Some(CpuTime { used_ns: cpu_ns, error_ns: cpu_error_ns });
            }
            _ => return None,
        };
        let used = groups.iter().map(|&group| self.resources.group(group));
        Some(used.fold(CpuTime::default(), |sum, used| CpuTime {
            used_ns: sum.used_ns + used.cpu_ns,
            error_ns: sum.error_ns + used.cpu_error_ns,
        }))
    }

    fn has(&self, group: Group) -> bool {
        self.resources.group(group).containers > 0
    }

    /// Requests that got an answer within the window, which CPU is divided by: what was asked for but never carried cost the
    /// mesh little.
    fn answered(&self) -> Option<f64> {
        let answered = self.recording.achieved_rate * self.recording.window_ns as f64 / 1e9;
        (answered >= 1.0).then_some(answered)
    }

    fn memory_bytes(&self, group: Group) -> f64 {
        self.resources.group(group).resident_bytes as f64
    }
}

/// CPU time used in a window, and how far that can be from the truth.
#[derive(Debug, Clone, Copy, Default)]
struct CpuTime {
    used_ns: u64,
    error_ns: u64,
}
