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
    /// A mesh's own proxies within its control plane, such as Linkerd's beside its controllers: they carry the control
    /// plane's traffic and no request. A gateway carries requests and is none of them.
    ControlPlaneProxy,
    /// The proxies that carry the requests.
    DataPlane,
    /// The services of the workload.
    Application,
    /// The instrument itself; never part of a mesh's cost.
    LoadGenerator,
    /// A node that carries the workload, with all that runs there: the kernel, the system, and what the other groups have of
    /// it once more. Never added to them.
    Node,
}

impl Group {
    /// Whose cost a process or container can be, in the order they are shown. [`Group::Node`] is no such group.
    pub const ALL: [Self; 5] = [
        Self::ControlPlane,
        Self::ControlPlaneProxy,
        Self::DataPlane,
        Self::Application,
        Self::LoadGenerator,
    ];

    /// What a mesh and the application below it cost: all but the instrument. The control plane's proxies are there
    /// because the mesh is.
    pub const MEASURED: [Self; 4] =
        [Self::ControlPlane, Self::ControlPlaneProxy, Self::DataPlane, Self::Application];

    /// The group's name in tables and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ControlPlane => "control plane",
            Self::ControlPlaneProxy => "control-plane proxies",
            Self::DataPlane => "data plane",
            Self::Application => "application",
            Self::LoadGenerator => "load generator",
            Self::Node => "nodes",
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
    /// How far `cpu_ns` can be from the truth, in nanoseconds: what is open at both of the window's edges.
    #[serde(default)]
    pub cpu_error_ns: u64,
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
    /// How far `cpu_ns` can be from the truth, in nanoseconds: the sum of what it is for each.
    pub cpu_error_ns: u64,
    /// The sum of their largest resident memory in the window, in bytes.
    pub resident_bytes: u64,
    /// The sum of their peaks since start, in bytes.
    pub peak_bytes: u64,
}

/// What the nodes that carry the workload used besides it: the mesh, wherever it does its work, and the nodes themselves.
/// Kernel data planes and those of other namespaces are in it, so it is what all kinds of meshes can be compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct NodeOverhead {
    /// How many nodes carry the workload.
    pub nodes: u32,
    /// Their CPU time in the window without the application's, in nanoseconds.
    pub cpu_ns: u64,
    /// How far `cpu_ns` can be from the truth, in nanoseconds.
    pub cpu_error_ns: u64,
    /// The sum of their largest working sets in the window less the application's memory, in bytes.
    pub working_set_bytes: u64,
    /// Whether the load generator was on one of these nodes, and is taken off as well.
    pub without_generator: bool,
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
                cpu_error_ns: sum.cpu_error_ns + container.cpu_error_ns,
                resident_bytes: sum.resident_bytes + container.resident_bytes,
                peak_bytes: sum.peak_bytes + container.peak_bytes,
            },
        )
    }

    /// What the nodes used besides the application, and besides the generator where that was on one of them; `None` where
    /// nobody read the nodes' counters.
    #[must_use]
    pub fn node_overhead(&self, with_generator: bool) -> Option<NodeOverhead> {
        let nodes = self.group(Group::Node);
        let mut not_theirs = vec![self.group(Group::Application)];
        not_theirs.extend(with_generator.then(|| self.group(Group::LoadGenerator)));
        let less = |value: fn(&GroupUse) -> u64| {
            value(&nodes).saturating_sub(not_theirs.iter().map(value).sum::<u64>())
        };
        let other_errors_ns: u64 = not_theirs.iter().map(|used| used.cpu_error_ns).sum();
        (nodes.containers > 0).then(|| NodeOverhead {
            nodes: nodes.containers,
            cpu_ns: less(|used| used.cpu_ns),
            cpu_error_ns: nodes.cpu_error_ns + other_errors_ns,
            working_set_bytes: less(|used| used.resident_bytes),
            without_generator: with_generator,
        })
    }
}

fn condense(readings: &[&Sample]) -> Option<ContainerUse> {
    let (first, last) = (readings.first()?, readings.last()?);
    let most = |level: fn(&Sample) -> u64| readings.iter().map(|sample| level(sample)).max().unwrap_or(0);
    Some(ContainerUse {
        container: first.container.clone(),
        group: first.group,
        cpu_ns: last.cpu_ns.saturating_sub(first.cpu_ns),
        cpu_error_ns: first.cpu_error_ns + last.cpu_error_ns,
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
            GroupUse { containers: 2, cpu_ns: 1_100, cpu_error_ns: 0, resident_bytes: 60, peak_bytes: 62 }
        );
        assert_eq!(used.group(Group::ControlPlane), GroupUse::default());
    }

    #[test]
    fn the_errors_of_both_edges_and_of_all_containers_add_up() {
        let open = |container: &str, at_ns, cpu_ns, cpu_error_ns| Sample {
            cpu_error_ns,
            ..sample(container, at_ns, cpu_ns, 1)
        };
        let samples = [open("a", 0, 0, 30), open("a", 1, 500, 0), open("a", 2, 900, 50), open("b", 2, 0, 7)];
        // What is in between the edges was read at its own moment and says nothing of them.
        let used = ResourceUse::of_window(&samples);
        assert_eq!(used.containers[0].cpu_error_ns, 80);
        assert_eq!(used.group(Group::DataPlane).cpu_error_ns, 80 + 14);
    }

    #[test]
    fn nodes_are_counted_without_the_application_and_a_generator_among_it() {
        let of = |group, container: &str, at_ns, cpu_ns, resident_bytes| Sample {
            group,
            cpu_error_ns: 5,
            ..sample(container, at_ns, cpu_ns, resident_bytes)
        };
        let mut samples = vec![
            of(Group::Application, "web-0", 0, 100, 10),
            of(Group::Application, "web-0", 9, 400, 20),
            of(Group::LoadGenerator, "load", 0, 0, 3),
            of(Group::LoadGenerator, "load", 9, 50, 3),
        ];
        assert_eq!(ResourceUse::of_window(&samples).node_overhead(false), None);
        samples.extend([of(Group::Node, "node-1", 0, 1_000, 200), of(Group::Node, "node-1", 9, 2_000, 220)]);
        let used = ResourceUse::of_window(&samples);
        let apart = used.node_overhead(false).unwrap();
        assert_eq!((apart.nodes, apart.cpu_ns, apart.cpu_error_ns), (1, 700, 20));
        assert_eq!((apart.working_set_bytes, apart.without_generator), (200, false));
        let together = used.node_overhead(true).unwrap();
        assert_eq!((together.cpu_ns, together.cpu_error_ns, together.working_set_bytes), (650, 30, 197));
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
