//! One measured window of one mesh, and the metrics read off it.

use serde::{Deserialize, Serialize};

use crate::course::Course;
use crate::metric::Metric;
use crate::recording::Recording;
use crate::report::ClusterPlacement;
use crate::resources::{Group, ResourceUse};
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
            Metric::CpuPerRequest => self.cpu_ns_per_request(&Group::MEASURED),
            Metric::ControlPlaneCpuPerRequest => self.cpu_ns_per_request(&[Group::ControlPlane]),
            Metric::DataPlaneCpuPerRequest => self.cpu_ns_per_request(&[Group::DataPlane]),
            Metric::ApplicationCpuPerRequest => self.cpu_ns_per_request(&[Group::Application]),
            Metric::ControlPlaneMemory => Some(self.memory_bytes(Group::ControlPlane)),
            Metric::DataPlaneMemory => Some(self.memory_bytes(Group::DataPlane)),
            Metric::ApplicationMemory => Some(self.memory_bytes(Group::Application)),
            Metric::P50
            | Metric::P75
            | Metric::P90
            | Metric::P99
            | Metric::P99_9
            | Metric::P99_99
            | Metric::Limit => None,
        }
    }

    /// Whether the run has the requests a gate on this metric needs.
    #[must_use]
    pub fn has_requests_for(&self, metric: Metric) -> bool {
        self.requests_behind(metric) >= metric.minimum_requests()
    }

    /// The requests that a metric's value rests on: a quantile is one of successes.
    #[must_use]
    pub fn requests_behind(&self, metric: Metric) -> u64 {
        if metric.quantile().is_some() { self.recording.successes } else { self.recording.requests }
    }

    /// CPU per request that got an answer within the window: what was asked for
    /// but never carried cost the mesh little.
    fn cpu_ns_per_request(&self, groups: &[Group]) -> Option<f64> {
        let answered = self.recording.achieved_rate * self.recording.window_ns as f64 / 1e9;
        let cpu_ns: u64 = groups.iter().map(|&group| self.resources.group(group).cpu_ns).sum();
        (answered >= 1.0).then(|| cpu_ns as f64 / answered)
    }

    fn memory_bytes(&self, group: Group) -> f64 {
        self.resources.group(group).resident_bytes as f64
    }
}
