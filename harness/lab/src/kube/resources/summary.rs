//! What a kubelet tells of its containers, as readings: [`readings`].
//!
//! Both of its answers are of the same counters, taken at the same moment. `/metrics/resource` has that moment to the
//! millisecond where `/stats/summary` has it in whole seconds; only the summary has the resident set.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use prometheus_parse::{Sample, Scrape, Value};
use serde::Deserialize;

use crate::mesh::parse_scrape;

/// A container: its namespace, its pod and its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ContainerKey {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The container's name within the pod.
    pub container: String,
}

impl fmt::Display for ContainerKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}/{}", self.namespace, self.pod, self.container)
    }
}

/// What a kubelet told at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NodeReadings {
    /// The counters of the whole node; `None` where it has none.
    pub node: Option<Counters>,
    /// Those of its containers.
    pub containers: BTreeMap<ContainerKey, Counters>,
}

/// The counters of a container or of a node at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counters {
    /// When it started, in nanoseconds since 1970; 0 of nodes, which ran before anything that is measured.
    pub started_unix_ns: u64,
    /// When the counters had these values, in nanoseconds since 1970, by the node's clock.
    pub at_unix_ns: u64,
    /// CPU time used since it started, in nanoseconds.
    pub cpu_ns: u64,
    /// Its working set, in bytes.
    pub working_set_bytes: u64,
    /// Its resident set, in bytes.
    pub rss_bytes: u64,
}

/// `/stats/summary`: what is asked of it.
#[derive(Debug, Deserialize)]
struct Summary {
    node: Option<NodeStatistics>,
    pods: Option<Vec<PodStatistics>>,
}

#[derive(Debug, Deserialize)]
struct NodeStatistics {
    memory: Option<MemoryStatistics>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PodStatistics {
    pod_ref: PodReference,
    containers: Option<Vec<ContainerStatistics>>,
}

#[derive(Debug, Deserialize)]
struct PodReference {
    name: String,
    namespace: String,
}

#[derive(Debug, Deserialize)]
struct ContainerStatistics {
    name: String,
    memory: Option<MemoryStatistics>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MemoryStatistics {
    rss_bytes: Option<u64>,
}

/// A node, and those of its containers that have all counters: one that has just started lacks some for a moment.
///
/// # Errors
/// What of the two answers cannot be read.
pub(super) fn readings(resource: &str, summary: &str) -> Result<NodeReadings, String> {
    let scrape = parse_scrape(resource).map_err(|error| format!("/metrics/resource: {error}"))?;
    let summary: Summary =
        serde_json::from_str(summary).map_err(|error| format!("/stats/summary: {error}"))?;
    let node = node_counters(&scrape, summary.node);
    let resident = resident_sets(summary.pods);
    let started = series(&scrape, "container_start_time_seconds");
    let working_sets = series(&scrape, "container_memory_working_set_bytes");
    let whole = |(key, sample): (ContainerKey, &Sample)| {
        let counters = Counters {
            started_unix_ns: nanoseconds(number(started.get(&key)?)?),
            at_unix_ns: moment_unix_ns(sample)?,
            cpu_ns: nanoseconds(number(sample)?),
            working_set_bytes: number(working_sets.get(&key)?)? as u64,
            rss_bytes: *resident.get(&key)?,
        };
        Some((key, counters))
    };
    let cpu = series(&scrape, "container_cpu_usage_seconds_total");
    Ok(NodeReadings { node, containers: cpu.into_iter().filter_map(whole).collect() })
}

fn node_counters(scrape: &Scrape, node: Option<NodeStatistics>) -> Option<Counters> {
    let only = |metric: &str| scrape.samples.iter().find(|sample| sample.metric == metric);
    let cpu = only("node_cpu_usage_seconds_total")?;
    Some(Counters {
        started_unix_ns: 0,
        at_unix_ns: moment_unix_ns(cpu)?,
        cpu_ns: nanoseconds(number(cpu)?),
        working_set_bytes: number(only("node_memory_working_set_bytes")?)? as u64,
        rss_bytes: node?.memory?.rss_bytes?,
    })
}

fn resident_sets(pods: Option<Vec<PodStatistics>>) -> BTreeMap<ContainerKey, u64> {
    let mut all = BTreeMap::new();
    for PodStatistics { pod_ref, containers } in pods.into_iter().flatten() {
        for ContainerStatistics { name, memory } in containers.into_iter().flatten() {
            let (namespace, pod) = (pod_ref.namespace.clone(), pod_ref.name.clone());
            if let Some(resident) = memory.and_then(|memory| memory.rss_bytes) {
                all.insert(ContainerKey { namespace, pod, container: name }, resident);
            }
        }
    }
    all
}

fn moment_unix_ns(sample: &Sample) -> Option<u64> {
    Some(u64::try_from(sample.timestamp.timestamp_millis()).ok()? * 1_000_000)
}

/// A metric's samples by container.
fn series<'a>(scrape: &'a Scrape, metric: &str) -> BTreeMap<ContainerKey, &'a Sample> {
    let keyed = |sample: &'a Sample| {
        let label = |name: &str| sample.labels.get(name).map(str::to_owned);
        let (namespace, pod) = (label("namespace")?, label("pod")?);
        Some((ContainerKey { namespace, pod, container: label("container")? }, sample))
    };
    scrape.samples.iter().filter(|sample| sample.metric == metric).filter_map(keyed).collect()
}

fn number(sample: &Sample) -> Option<f64> {
    match sample.value {
        Value::Counter(value) | Value::Gauge(value) | Value::Untyped(value) => Some(value),
        Value::Histogram(_) | Value::Summary(_) => None,
    }
}

/// Seconds as nanoseconds; zero for what is no time.
fn nanoseconds(seconds: f64) -> u64 {
    let time = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a kubelet 1.34 answered on 2026-11-25, abridged.
    const RESOURCE: &str = include_str!("testdata/resource.txt");
    const SUMMARY: &str = include_str!("testdata/summary.json");

    #[test]
    fn counters_have_their_own_moment_and_the_resident_set() {
        let readings = readings(RESOURCE, SUMMARY).unwrap();
        let key = ContainerKey { namespace: "probe".into(), pod: "web-0".into(), container: "emoji".into() };
        let expected = Counters {
            started_unix_ns: 1_795_631_893_995_913_029,
            at_unix_ns: 1_795_631_918_125_000_000,
            cpu_ns: 34_289_060,
            working_set_bytes: 1_007_616,
            rss_bytes: 462_848,
        };
        assert_eq!(readings.containers, BTreeMap::from([(key, expected)]));
        let node = Counters {
            started_unix_ns: 0,
            at_unix_ns: 1_795_631_923_642_000_000,
            cpu_ns: 23_920_899_064_431,
            working_set_bytes: 5_452_664_832,
            rss_bytes: 975_855_616,
        };
        assert_eq!(readings.node, Some(node));
    }

    #[test]
    fn what_lacks_some_counters_is_left_out_and_nonsense_is_an_error() {
        let nothing = NodeReadings { node: None, containers: BTreeMap::new() };
        assert_eq!(readings(RESOURCE, r#"{"pods": null}"#).unwrap(), nothing);
        assert_eq!(readings("", SUMMARY).unwrap(), nothing);
        let error = readings(RESOURCE, "no JSON").unwrap_err();
        assert!(error.starts_with("/stats/summary: "), "{error}");
    }
}
