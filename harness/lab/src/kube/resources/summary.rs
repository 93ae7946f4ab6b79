//! What a kubelet tells of its containers, as readings: [`readings`].
//!
//! Both of its answers are of the same counters, taken at the same moment. `/metrics/resource` has that moment to the
//! millisecond where `/stats/summary` has it in whole seconds; only the summary has the resident set.

use std::collections::BTreeMap;
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

/// A container's counters at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counters {
    /// When it started, in nanoseconds since 1970.
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
    pods: Option<Vec<PodStatistics>>,
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

/// The containers of a node that have all counters: one that has just started lacks some for a moment.
///
/// # Errors
/// What of the two answers cannot be read.
pub(super) fn readings(resource: &str, summary: &str) -> Result<BTreeMap<ContainerKey, Counters>, String> {
    let scrape = parse_scrape(resource).map_err(|error| format!("/metrics/resource: {error}"))?;
    let resident = resident_sets(summary)?;
    let started = series(&scrape, "container_start_time_seconds");
    let working_sets = series(&scrape, "container_memory_working_set_bytes");
    let whole = |(key, sample): (ContainerKey, &Sample)| {
        let counters = Counters {
            started_unix_ns: nanoseconds(number(started.get(&key)?)?),
            at_unix_ns: u64::try_from(sample.timestamp.timestamp_millis()).ok()? * 1_000_000,
            cpu_ns: nanoseconds(number(sample)?),
            working_set_bytes: number(working_sets.get(&key)?)? as u64,
            rss_bytes: *resident.get(&key)?,
        };
        Some((key, counters))
    };
    Ok(series(&scrape, "container_cpu_usage_seconds_total").into_iter().filter_map(whole).collect())
}

fn resident_sets(summary: &str) -> Result<BTreeMap<ContainerKey, u64>, String> {
    let summary: Summary =
        serde_json::from_str(summary).map_err(|error| format!("/stats/summary: {error}"))?;
    let mut all = BTreeMap::new();
    for PodStatistics { pod_ref, containers } in summary.pods.into_iter().flatten() {
        for ContainerStatistics { name, memory } in containers.into_iter().flatten() {
            let (namespace, pod) = (pod_ref.namespace.clone(), pod_ref.name.clone());
            if let Some(resident) = memory.and_then(|memory| memory.rss_bytes) {
                all.insert(ContainerKey { namespace, pod, container: name }, resident);
            }
        }
    }
    Ok(all)
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
        assert_eq!(readings, BTreeMap::from([(key, expected)]));
    }

    #[test]
    fn a_container_without_all_counters_is_left_out_and_nonsense_is_an_error() {
        assert_eq!(readings(RESOURCE, r#"{"pods": null}"#).unwrap(), BTreeMap::new());
        assert_eq!(readings("", SUMMARY).unwrap(), BTreeMap::new());
        let error = readings(RESOURCE, "no JSON").unwrap_err();
        assert!(error.starts_with("/stats/summary: "), "{error}");
    }
}
