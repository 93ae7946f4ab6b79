//! The kubelet's statistics, which meshbench's figures of CPU and memory will come from, against the kernel's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, ListParams};
use meshbench_testcluster::container_group::{ContainerGroup, of_containers};
use serde_json::Value;

use super::support::{LIMIT, eventually, with_shared};
use super::workload::{EMOJIVOTO, deploy_emojivoto, start_load};

/// How far they may be apart.
const TOLERANCE_SHARE: f64 = 0.05;

const BETWEEN_READINGS: Duration = Duration::from_millis(20);
const SECOND: Duration = Duration::from_secs(1);
/// By how much the kernel's own figure of memory may be wrong: each core charges 64 pages in advance.
const FUZZ_BYTES: f64 = 2.0 * 64.0 * 4096.0;
/// CPU time that web uses before statistics are looked at.
const WORKED_NS: f64 = 1e9;

/// A reading of the kernel's counters.
#[derive(Debug, Clone, Copy)]
struct Reading {
    at: SystemTime,
    cpu_ns: f64,
    working_set_bytes: f64,
}

/// CPU and memory of the workload's web container under load, as `/stats/summary` has them through the API server, lie
/// within 5% of what the control group's were before and after the seconds around the one that the statistics name.
pub(crate) fn they_match_the_control_groups() {
    with_shared(|_, client| async move {
        deploy_emojivoto(&client).await;
        start_load(&client, "load-for-statistics", "60s").await;
        let (pod, container) = web_container(&client).await;
        let group = of_containers().unwrap().remove(&container).expect("the container's control group");
        // So that what it uses in the seconds around the statistics is little beside all that it has used.
        eventually("web to have worked", LIMIT, || {
            let used = read(&group).cpu_ns;
            async move { if used >= WORKED_NS { Ok(()) } else { Err(format!("{used} ns of CPU time")) } }
        })
        .await;
        let readings = Readings::begin(group);
        // Until the kubelet's statistics are younger than our first reading: then we have some on both sides.
        let since = SystemTime::now();
        let (at, cpu_ns, memory) = eventually("statistics of now", LIMIT, || {
            let client = client.clone();
            let pod = pod.clone();
            async move {
                let statistics = summary(&client, "node-1").await?;
                let (at, cpu_ns, memory) = of_container(&statistics, &pod)?;
                if at > since + 2 * SECOND {
                    Ok((at, cpu_ns, memory))
                } else {
                    Err(format!("they are of {at:?}"))
                }
            }
        })
        .await;
        let around = readings.end_around(at);
        assert_among("CPU time", cpu_ns, around.iter().map(|reading| reading.cpu_ns), 0.0);
        assert_among(
            "working set",
            memory,
            around.iter().map(|reading| reading.working_set_bytes),
            FUZZ_BYTES,
        );
    });
}

async fn web_container(client: &Client) -> (String, String) {
    let pods: Api<Pod> = Api::namespaced(client.clone(), EMOJIVOTO);
    let listed = pods.list(&ListParams::default().labels("app=web")).await.unwrap().items;
    let pod = listed.into_iter().next().expect("a pod of web");
    let containers = pod.status.unwrap().container_statuses.unwrap();
    let id = containers[0].container_id.clone().unwrap();
    (pod.metadata.name.unwrap(), id.trim_start_matches("containerd://").to_owned())
}

async fn summary(client: &Client, node: &str) -> Result<Value, String> {
    let path = format!("/api/v1/nodes/{node}/proxy/stats/summary");
    let request = hyper::http::Request::get(path).body(Vec::new()).map_err(|error| error.to_string())?;
    client.request::<Value>(request).await.map_err(|error| error.to_string())
}

/// When, CPU in nanoseconds since the start, and the working set in bytes.
fn of_container(summary: &Value, pod: &str) -> Result<(SystemTime, f64, f64), String> {
    let pods = summary["pods"].as_array().ok_or("no pods")?;
    let found = pods.iter().find(|one| one["podRef"]["name"] == pod).ok_or("not this pod")?;
    let container = &found["containers"][0];
    let cpu = container["cpu"]["usageCoreNanoSeconds"].as_f64().ok_or("no CPU")?;
    let memory = container["memory"]["workingSetBytes"].as_f64().ok_or("no memory")?;
    let time = container["cpu"]["time"].as_str().ok_or("no time")?;
    let at = humantime::parse_rfc3339(time).map_err(|error| format!("{time}: {error}"))?;
    Ok((at, cpu, memory))
}

fn read(group: &ContainerGroup) -> Reading {
    let used = group.read().unwrap();
    let (cpu_ns, working_set_bytes) = (used.cpu_ns as f64, used.working_set_bytes as f64);
    Reading { at: SystemTime::now(), cpu_ns, working_set_bytes }
}

/// The kernel's counters, read on beside whatever else is done.
struct Readings {
    is_over: Arc<AtomicBool>,
    reader: JoinHandle<Vec<Reading>>,
}

impl Readings {
    fn begin(group: ContainerGroup) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&is_over);
        let reader = thread::spawn(move || {
            let mut readings = vec![read(&group)];
            while !ends.load(Ordering::Relaxed) {
                thread::park_timeout(BETWEEN_READINGS);
                readings.push(read(&group));
            }
            // The one before may have been read before the end was asked for.
            readings.push(read(&group));
            readings
        });
        Self { is_over, reader }
    }

    /// From one before a second to one after it: statistics name whole seconds, and are not read in the very
    /// moment that they name.
    fn end_around(self, at: SystemTime) -> Vec<Reading> {
        while SystemTime::now() < at + SECOND {
            thread::park_timeout(BETWEEN_READINGS);
        }
        self.is_over.store(true, Ordering::Relaxed);
        let readings = self.reader.join().unwrap();
        let before = readings.iter().rposition(|reading| reading.at <= at - SECOND);
        readings[before.expect("a reading before the statistics")..].to_vec()
    }
}

fn assert_among(what: &str, said: f64, read: impl Iterator<Item = f64>, fuzz: f64) {
    let (least, most) = read.fold((f64::MAX, 0.0_f64), |(least, most), one| (least.min(one), most.max(one)));
    let bounds = least * (1.0 - TOLERANCE_SHARE) - fuzz..=most * (1.0 + TOLERANCE_SHARE) + fuzz;
    assert!(bounds.contains(&said), "{what}: the kubelet says {said}, the control group {least} to {most}");
}
