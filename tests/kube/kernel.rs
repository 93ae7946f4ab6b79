//! What containers used by the kernel's own counters, against what a report says of them: [`Kernel`].

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use meshbench_core::recording::Recording;
use meshbench_core::report::RunReport;
use meshbench_core::resources::Group;
use meshbench_testcluster::container_group::{ContainerUsage, of_containers};
use serde_json::Value;

use crate::world::World;

/// How far a report may be from the kernel, as a share.
const TOLERANCE_SHARE: f64 = 0.1;
/// Between readings: short beside what lies between a kubelet's, so that what is open at a window's edges is next to nothing.
const INTERVAL: Duration = Duration::from_millis(250);
/// Between looks for the containers' names, which each are there for a minute and more.
const NAMING_INTERVAL: Duration = Duration::from_secs(5);

/// The groups that are compared.
const GROUPS: [Group; 3] = [Group::ControlPlane, Group::DataPlane, Group::Application];

/// What was read of all containers while a campaign ran.
pub(crate) struct Kernel {
    containers: BTreeMap<String, Vec<(u64, ContainerUsage)>>,
    groups: BTreeMap<String, Group>,
}

/// What a group used in a window.
#[derive(Debug, Default)]
struct Used {
    containers: u32,
    cpu_ns: f64,
    least_working_set_bytes: f64,
    most_working_set_bytes: f64,
}

impl Kernel {
    /// Reads on while `run` does.
    pub(crate) fn watch_during<T>(world: &World, run: impl FnOnce() -> T) -> (T, Self) {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            // Also where `run` panics: the scope waits for both.
            let ending = Ending(&is_over);
            // Each on its own: what is read while somebody waits for names is read too late.
            let watching = scope.spawn(|| watch(&is_over));
            let naming = scope.spawn(|| name(world, &is_over));
            let result = run();
            drop(ending);
            watching.thread().unpark();
            naming.thread().unpark();
            (result, Self { containers: watching.join().unwrap(), groups: naming.join().unwrap() })
        })
    }

    /// Fails unless the run's CPU is within a tenth of the kernel's (of the control plane, which works in bursts, give or take
    /// the error that the report admits), and memory within a tenth of what the kernel saw: a kubelet reads a level a few times
    /// in a window, so that the most it saw lies somewhere between the least and the most there was.
    pub(crate) fn assert_agrees(&self, mesh: &str, run: &RunReport, campaign: &Path) {
        let recording = fs::read_to_string(campaign.join(&run.folder).join("recording.json")).unwrap();
        let opened = Recording::from_json(&recording).unwrap().window_start_unix_ns;
        let closed = opened + (run.window_seconds * 1e9) as u64;
        for group in GROUPS {
            let (told, counted) = (run.groups[&group], self.used(group, opened, closed));
            let [told_ms, counted_ms, error_ms] =
                [told.cpu_ns as f64, counted.cpu_ns, told.cpu_error_ns as f64].map(|ns| ns / 1e6);
            let [told_mib, least_mib, most_mib] =
                [told.resident_bytes as f64, counted.least_working_set_bytes, counted.most_working_set_bytes]
                    .map(|bytes| bytes / 1_048_576.0);
            let what = format!(
                "{mesh}, {group:?}: CPU {told_ms:.0} ±{error_ms:.0} ms, by the kernel {counted_ms:.0} ms; memory \
                 {told_mib:.1} MiB, by the kernel {least_mib:.1} to {most_mib:.1} MiB"
            );
            eprintln!("{what}");
            assert_eq!(told.containers, counted.containers, "{what}");
            let apart_ms = (told_ms - counted_ms).abs();
            let admitted_ms = if group == Group::ControlPlane { error_ms } else { 0.0 };
            assert!(apart_ms <= TOLERANCE_SHARE * counted_ms + admitted_ms, "{what}");
            assert!(apart_ms <= error_ms + 0.01 * counted_ms, "the error is more than is admitted: {what}");
            let seen_mib = least_mib * (1.0 - TOLERANCE_SHARE)..=most_mib * (1.0 + TOLERANCE_SHARE);
            assert!(seen_mib.contains(&told_mib), "{what}");
        }
    }

    /// Of the containers that were there throughout.
    fn used(&self, group: Group, opened: u64, closed: u64) -> Used {
        let of_group = self.groups.iter().filter(|(_, its)| **its == group);
        let readings = of_group.filter_map(|(id, _)| self.containers.get(id));
        readings.fold(Used::default(), |sum, readings| {
            let (Some(before), Some(after)) = (cpu_at(readings, opened), cpu_at(readings, closed)) else {
                return sum;
            };
            let inside = readings.iter().filter(|(at, _)| (opened..=closed).contains(at));
            let levels = || inside.clone().map(|(_, usage)| usage.working_set_bytes);
            let (least, most) = (levels().min().unwrap_or(0), levels().max().unwrap_or(0));
            Used {
                containers: sum.containers + 1,
                cpu_ns: sum.cpu_ns + after - before,
                least_working_set_bytes: sum.least_working_set_bytes + least as f64,
                most_working_set_bytes: sum.most_working_set_bytes + most as f64,
            }
        })
    }
}

/// Sets what it has when dropped.
struct Ending<'over>(&'over AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The readings of each container, by its id.
fn watch(is_over: &AtomicBool) -> BTreeMap<String, Vec<(u64, ContainerUsage)>> {
    let mut containers: BTreeMap<_, Vec<_>> = BTreeMap::new();
    while !is_over.load(Ordering::Relaxed) {
        for (id, group) in of_containers().unwrap() {
            // One that has ended meanwhile has no more to say.
            if let Ok(usage) = group.read() {
                containers.entry(id).or_default().push((unix_ns(), usage));
            }
        }
        thread::park_timeout(INTERVAL);
    }
    containers
}

/// Whose each container is.
fn name(world: &World, is_over: &AtomicBool) -> BTreeMap<String, Group> {
    let mut groups = BTreeMap::new();
    while !is_over.load(Ordering::Relaxed) {
        groups.extend(groups_of_containers(world));
        thread::park_timeout(NAMING_INTERVAL);
    }
    groups
}

/// CPU time at a moment, between the readings around it; `None` where there is none on either side.
fn cpu_at(readings: &[(u64, ContainerUsage)], at: u64) -> Option<f64> {
    let after = readings.partition_point(|(moment, _)| *moment < at);
    let ((then, before), (later, after)) = (readings.get(after.checked_sub(1)?)?, readings.get(after)?);
    let share = (at - then) as f64 / (later - then) as f64;
    Some(before.cpu_ns as f64 + (after.cpu_ns - before.cpu_ns) as f64 * share)
}

/// Whose the containers are that run now, by their ids, as their names and namespaces tell.
fn groups_of_containers(world: &World) -> BTreeMap<String, Group> {
    let listed: Value = serde_json::from_str(&world.kubectl(&["get", "pods", "-A", "-o", "json"])).unwrap();
    let mut groups = BTreeMap::new();
    for pod in listed["items"].as_array().unwrap() {
        let namespace = pod["metadata"]["namespace"].as_str().unwrap_or_default();
        let statuses = [&pod["status"]["containerStatuses"], &pod["status"]["initContainerStatuses"]];
        for status in statuses.into_iter().filter_map(Value::as_array).flatten() {
            let name = status["name"].as_str().unwrap_or_default();
            let id = status["containerID"].as_str().and_then(|id| id.strip_prefix("containerd://"));
            if let (Some(id), Some(group)) = (id, group_of(namespace, name)) {
                groups.insert(id.to_owned(), group);
            }
        }
    }
    groups
}

fn group_of(namespace: &str, container: &str) -> Option<Group> {
    match (namespace, container) {
        ("istio-system", "discovery") => Some(Group::ControlPlane),
        (_, "istio-proxy") => Some(Group::DataPlane),
        (_, "web" | "emoji" | "voting") => Some(Group::Application),
        _ => None,
    }
}

fn unix_ns() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap()
}
