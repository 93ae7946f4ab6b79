//! [`RunReport`]: what one run came to.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ClusterPlacement, CurvePoint};
use crate::course::RunCourse;
use crate::histogram::LatencyHistogram;
use crate::resources::{ContainerUse, Group, NodeOverhead};
use crate::run::{DataPathProof, Run};

/// A latency distribution as a table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LatencyTable {
    /// How many were recorded.
    pub count: u64,
    /// Exact smallest, in nanoseconds.
    pub min: u64,
    /// Median, in nanoseconds.
    pub p50: u64,
    /// 75th percentile, in nanoseconds.
    pub p75: u64,
    /// 90th percentile, in nanoseconds.
    pub p90: u64,
    /// 99th percentile, in nanoseconds.
    pub p99: u64,
    /// 99.9th percentile, in nanoseconds.
    pub p99_9: u64,
    /// 99.99th percentile, in nanoseconds.
    pub p99_99: u64,
    /// Exact largest, in nanoseconds.
    pub max: u64,
    /// Exact mean, in nanoseconds.
    pub mean: f64,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunReport {
    /// Its block, counted from one.
    pub block: u32,
    /// Its place in the block's random order, counted from one.
    pub position: u32,
    /// Its folder within the campaign's: recording, interval log, rendered configuration.
    pub folder: String,
    /// How long the measured window was open, in seconds.
    pub window_seconds: f64,
    /// Requests due in the window.
    pub requests: u64,
    /// Requests answered in full with a status below 400.
    pub successes: u64,
    /// Failed requests by kind.
    pub errors: BTreeMap<String, u64>,
    /// Requests per second asked for.
    pub offered_rate: Option<f64>,
    /// Answers per second received.
    pub achieved_rate: f64,
    /// Connections that had to be replaced.
    pub reconnects: u64,
    /// The load generator's CPU as a share of its cores.
    pub generator_cpu_share: f64,
    /// From due to answered, successes.
    pub latency_ns: LatencyTable,
    /// The same as a curve.
    #[serde(default)]
    pub latency_curve: Vec<CurvePoint>,
    /// From sent to answered, successes.
    pub service_ns: LatencyTable,
    /// From due to sent.
    pub send_lag_ns: LatencyTable,
    /// From due to failed.
    pub error_latency_ns: LatencyTable,
    /// How long after the window's edges CPU and memory were read there, the later of the two, in nanoseconds.
    #[serde(default)]
    pub edge_lateness_ns: u64,
    /// CPU time that the hypervisor gave to others in the window, as a share; `None` where no kernel says.
    #[serde(default)]
    pub steal_share: Option<f64>,
    /// CPU and memory by group.
    pub groups: BTreeMap<Group, GroupReport>,
    /// What the nodes that carry the workload used besides it; `None` where their counters were not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_overhead: Option<NodeOverhead>,
    /// CPU and memory by container, and by node.
    pub containers: Vec<ContainerUse>,
    /// What proves the data path.
    pub data_path: DataPathProof,
    /// How it went, second by second.
    #[serde(default)]
    pub course: RunCourse,
    /// The digest of its recording's file; empty where that is not known.
    #[serde(default)]
    pub recording_digest: String,
    /// Where in a cluster it took place; `None` on one machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement: Option<ClusterPlacement>,
}

/// What one group used in one run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupReport {
    /// How many containers (locally: process groups) it has.
    pub containers: u32,
    /// CPU time in the window, in nanoseconds.
    pub cpu_ns: u64,
    /// How far `cpu_ns` can be from the truth, in nanoseconds: 0 where counters were read at the window's edges.
    #[serde(default)]
    pub cpu_error_ns: u64,
    /// CPU time in the window as cores: 1.0 is one core busy throughout.
    pub cpu_cores: f64,
    /// The sum of each container's largest resident memory in the window, in bytes.
    pub resident_bytes: u64,
    /// The sum of each container's peak since it started, in bytes.
    pub peak_bytes: u64,
}

impl From<&LatencyHistogram> for LatencyTable {
    fn from(histogram: &LatencyHistogram) -> Self {
        if histogram.is_empty() {
            return Self::default();
        }
        let quantiles = histogram.quantiles();
        Self {
            count: histogram.count(),
            min: histogram.min_ns(),
            p50: quantiles.p50,
            p75: quantiles.p75,
            p90: quantiles.p90,
            p99: quantiles.p99,
            p99_9: quantiles.p99_9,
            p99_99: quantiles.p99_99,
            max: histogram.max_ns(),
            mean: histogram.mean_ns(),
        }
    }
}

impl From<&Run> for RunReport {
    fn from(run: &Run) -> Self {
        let recording = &run.recording;
        Self {
            block: run.block,
            position: run.position,
            folder: run.folder.clone(),
            window_seconds: recording.window_ns as f64 / 1e9,
            requests: recording.requests,
            successes: recording.successes,
            errors: recording.errors.iter().map(|(kind, &count)| (kind.name().to_owned(), count)).collect(),
            offered_rate: recording.offered_rate,
            achieved_rate: recording.achieved_rate,
            reconnects: recording.reconnects,
            generator_cpu_share: recording.cpu_share(),
            latency_ns: (&recording.latency_ns).into(),
            latency_curve: CurvePoint::curve(&recording.latency_ns),
            service_ns: (&recording.service_ns).into(),
            send_lag_ns: (&recording.send_lag_ns).into(),
            error_latency_ns: (&recording.error_latency_ns).into(),
            edge_lateness_ns: run.edge_lateness_ns,
            steal_share: run.course.steal_share,
            groups: Group::ALL.into_iter().map(|group| (group, GroupReport::new(run, group))).collect(),
            node_overhead: run.node_overhead(),
            containers: run.resources.containers.clone(),
            data_path: run.data_path.clone(),
            course: run.course.condensed(),
            recording_digest: run.recording_digest.clone(),
            placement: run.placement.clone(),
        }
    }
}

impl GroupReport {
    fn new(run: &Run, group: Group) -> Self {
        let used = run.resources.group(group);
        Self {
            containers: used.containers,
            cpu_ns: used.cpu_ns,
            cpu_error_ns: used.cpu_error_ns,
            cpu_cores: used.cpu_ns as f64 / run.recording.window_ns.max(1) as f64,
            resident_bytes: used.resident_bytes,
            peak_bytes: used.peak_bytes,
        }
    }
}
