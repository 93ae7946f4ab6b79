//! CPU and memory: what was read, and what a window of it comes to.
//!
//! CPU is always a difference of cumulative counters, so no poll can miss a
//! burst. Memory is a level: the most that any reading in the window saw.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Whose cost a process or container is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Configures the proxies; carries no request.
    ControlPlane,
    /// The proxies that carry the requests.
    DataPlane,
    /// The services of the workload.
    Application,
    /// The instrument itself; never part of a mesh's cost.
    LoadGenerator,
}

impl Group {
    /// All groups, in the order they are shown.
    pub const ALL: [Self; 4] = [Self::ControlPlane, Self::DataPlane, Self::Application, Self::LoadGenerator];

    /// What a mesh and the application below it cost: all but the instrument.
    pub const MEASURED: [Self; 3] = [Self::ControlPlane, Self::DataPlane, Self::Application];

    /// The group's name in tables and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ControlPlane => "control plane",
            Self::DataPlane => "data plane",
            Self::Application => "application",
            Self::LoadGenerator => "load generator",
        }
    }
}

/// One reading of one container's (locally: process group's) counters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// When it was read, in nanoseconds since the measured window opened; negative during warm-up.
    pub at_ns: i64,
    /// Which container, for example `web-0/sidecar`.
    pub container: String,
    /// Whose cost it is.
    pub group: Group,
    /// CPU time used since the container started, user and system, in nanoseconds.
    pub cpu_ns: u64,
    /// How far `cpu_ns` can be from the truth, in nanoseconds: 0 where the counter was read at this very moment.
    #[serde(default)]
    pub cpu_error_ns: u64,
    /// Memory it cannot do without now, in bytes: locally its resident set; in a cluster its working set, as the kubelet
    /// counts it, which is what a pod is evicted by.
    pub resident_bytes: u64,
    /// Its resident set now, in bytes: without the page cache that a working set includes.
    #[serde(default)]
    pub rss_bytes: u64,
    /// The most resident memory it ever had, in bytes, as the kernel kept it.
    pub peak_bytes: u64,
    /// How many processes it consisted of; 0 when it has vanished.
    pub processes: u32,
    /// How many of its processes have ended since it was first looked at.
    pub ended_processes: u32,
}

/// What one container used within the measured window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ContainerUse {
    /// Which container.
    pub container: String,
    /// Whose cost it is.
    pub group: Group,
    /// CPU time used in the window, in nanoseconds.
    pub cpu_ns: u64,
    /// The most resident memory any reading in the window saw, in bytes.
    pub resident_bytes: u64,
    /// The most resident memory it ever had, start-up included, in bytes.
    pub peak_bytes: u64,
    /// Whether it was gone at the window's end; what it used until then is kept.
    pub vanished: bool,
    /// How many of its processes ended in the window, as when a worker is restarted.
    #[serde(default)]
    pub ended_processes: u32,
}

/// What the containers of one group used together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct GroupUse {
    /// How many containers it has.
    pub containers: u32,
    /// Their CPU time in the window, in nanoseconds.
    pub cpu_ns: u64,
    /// The sum of their largest resident memory in the window, in bytes.
    pub resident_bytes: u64,
    /// The sum of their peaks since start, in bytes.
    pub peak_bytes: u64,
}

/// Everything used within one measured window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ResourceUse {
    /// By container, in the order they were started.
    pub containers: Vec<ContainerUse>,
}

impl ResourceUse {
    /// Condenses samples of one window: each container's first and last reading
    /// are the window's edges. A container with a single reading used nothing.
    #[must_use]
    pub fn of_window(samples: &[Sample]) -> Self {
        let mut order = Vec::new();
        let mut by_container: BTreeMap<&str, Vec<&Sample>> = BTreeMap::new();
        for sample in samples {
            let readings = by_container.entry(&sample.container).or_insert_with(|| {
                order.push(sample.container.as_str());
                Vec::new()
            });
            readings.push(sample);
        }
        let containers = order.iter().filter_map(|name| condense(by_container.get(name)?)).collect();
        Self { containers }
    }

    /// What one group used.
    #[must_use]
    pub fn group(&self, group: Group) -> GroupUse {
        self.containers.iter().filter(|container| container.group == group).fold(
            GroupUse::default(),
            |sum, container| GroupUse {
                containers: sum.containers + 1,
                cpu_ns: sum.cpu_ns + container.cpu_ns,
                resident_bytes: sum.resident_bytes + container.resident_bytes,
                peak_bytes: sum.peak_bytes + container.peak_bytes,
            },
        )
    }
}

fn condense(readings: &[&Sample]) -> Option<ContainerUse> {
    let (first, last) = (readings.first()?, readings.last()?);
    let most = |level: fn(&Sample) -> u64| readings.iter().map(|sample| level(sample)).max().unwrap_or(0);
    Some(ContainerUse {
        container: first.container.clone(),
        group: first.group,
        cpu_ns: last.cpu_ns.saturating_sub(first.cpu_ns),
        resident_bytes: most(|sample| sample.resident_bytes),
        peak_bytes: most(|sample| sample.peak_bytes),
        vanished: last.processes == 0,
        ended_processes: last.ended_processes.saturating_sub(first.ended_processes),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(container: &str, at_ns: i64, cpu_ns: u64, resident_bytes: u64) -> Sample {
        Sample {
            at_ns,
            container: container.into(),
            group: Group::DataPlane,
            cpu_ns,
            cpu_error_ns: 0,
            resident_bytes,
            rss_bytes: resident_bytes,
            peak_bytes: resident_bytes + 1,
            processes: 1,
            ended_processes: 0,
        }
    }

    #[test]
    fn cpu_is_the_difference_of_the_edges_and_memory_the_most_seen() {
        let samples = [
            sample("web-0/sidecar", 0, 1_000, 10),
            sample("emoji-0/sidecar", 0, 500, 20),
            sample("web-0/sidecar", 1, 1_700, 40),
            sample("web-0/sidecar", 2, 2_000, 30),
            sample("emoji-0/sidecar", 2, 600, 20),
        ];
        let used = ResourceUse::of_window(&samples);
        assert_eq!(used.containers[0].container, "web-0/sidecar");
        assert_eq!((used.containers[0].cpu_ns, used.containers[0].resident_bytes), (1_000, 40));
        assert_eq!(
            used.group(Group::DataPlane),
            GroupUse { containers: 2, cpu_ns: 1_100, resident_bytes: 60, peak_bytes: 62 }
        );
        assert_eq!(used.group(Group::ControlPlane), GroupUse::default());
    }

    #[test]
    fn a_vanished_container_keeps_what_it_used() {
        let mut gone = sample("web-0/sidecar", 2, 2_000, 0);
        (gone.processes, gone.ended_processes) = (0, 1);
        let used = ResourceUse::of_window(&[sample("web-0/sidecar", 0, 1_000, 10), gone]);
        assert!(used.containers[0].vanished);
        assert_eq!(used.containers[0].ended_processes, 1);
        assert_eq!((used.containers[0].cpu_ns, used.containers[0].resident_bytes), (1_000, 10));
    }
}
