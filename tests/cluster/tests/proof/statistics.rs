//! The kubelet's statistics, which meshbench's figures of CPU and memory will come from, against the kernel's.

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

/// A reading of the kernel's counters.
#[derive(Debug, Clone, Copy)]
struct Reading {
    at: SystemTime,
    cpu_ns: f64,
    working_set_bytes: f64,
}

/// CPU and memory of the workload's web container under load, as `/stats/summary` has them through the API server, lie
/// within 5% of the control group's at the moment that the statistics name.
pub(crate) fn they_match_the_control_groups() {
    with_shared(|_, client| async move {
        deploy_emojivoto(&client).await;
        start_load(&client, "load-for-statistics", "60s").await;
        let (pod, container) = web_container(&client).await;
        let group = of_containers().unwrap().remove(&container).expect("the container's control group");
        let mut readings = vec![read(&group)];
        // Until the kubelet's statistics are younger than our first reading: then we have some on both sides.
        let (at, cpu_ns, memory) = eventually("statistics of now", LIMIT, || {
            readings.push(read(&group));
            let since = readings[0].at;
            let client = client.clone();
            let pod = pod.clone();
            async move {
                let statistics = summary(&client, "node-1").await?;
                let (at, cpu_ns, memory) = of_container(&statistics, &pod)?;
                if at > since + Duration::from_secs(1) {
                    Ok((at, cpu_ns, memory))
                } else {
                    Err(format!("they are of {at:?}"))
                }
            }
        })
        .await;
        readings.push(read(&group));
        let expected = at_moment(&readings, at);
        assert_close("CPU time", cpu_ns, expected.cpu_ns);
        assert_close("working set", memory, expected.working_set_bytes);
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

/// What the kernel's counters were at a moment between readings.
fn at_moment(readings: &[Reading], at: SystemTime) -> Reading {
    let after = readings.iter().position(|reading| reading.at >= at).expect("a reading after the statistics");
    let (one, other) = (readings[after - 1], readings[after]);
    let span = other.at.duration_since(one.at).unwrap().as_secs_f64();
    let share = at.duration_since(one.at).unwrap().as_secs_f64() / span;
    let between = |one: f64, other: f64| one + (other - one) * share;
    Reading {
        at,
        cpu_ns: between(one.cpu_ns, other.cpu_ns),
        working_set_bytes: between(one.working_set_bytes, other.working_set_bytes),
    }
}

fn assert_close(what: &str, said: f64, expected: f64) {
    let apart = (said - expected).abs() / expected;
    assert!(apart <= TOLERANCE_SHARE, "{what}: the kubelet says {said}, the control group {expected}");
}
