//! Whether the nodes have room for what a campaign asks for.

use std::fmt;
use std::ops::Add;

use k8s_openapi::api::core::v1::{Container, Node, Pod};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::ResourceExt;
use kube::api::{Api, ListParams};

use super::{Finding, Wanted};
use crate::kube::access::choice::{candidates, hindrance, schedulable};
use crate::kube::access::nodes;
use crate::kube::access::quantity::{thousandths, units};
use crate::kube::cluster::Cluster;
use crate::kube::error::KubeError;

/// Web, emoji and voting.
const SERVICES_PER_APP: u32 = 3;

/// What the finding on the nodes' room is about.
pub const ROOM: &str = "nodes";

/// What a pod requests, all its containers together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PodRequest {
    /// In thousandths of a core.
    pub cpu_millis: u64,
    /// In bytes.
    pub memory_bytes: u64,
}

/// Pods, and what they request; or the room there is for such.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Amount {
    pods: u64,
    cpu_millis: u64,
    memory_bytes: u64,
}

impl Amount {
    fn of(pods: u32, each: PodRequest) -> Self {
        let pods = u64::from(pods);
        Self { pods, cpu_millis: pods * each.cpu_millis, memory_bytes: pods * each.memory_bytes }
    }

    fn without(self, taken: Self) -> Self {
        Self {
            pods: self.pods.saturating_sub(taken.pods),
            cpu_millis: self.cpu_millis.saturating_sub(taken.cpu_millis),
            memory_bytes: self.memory_bytes.saturating_sub(taken.memory_bytes),
        }
    }

    fn fits(self, room: Self) -> bool {
        self.pods <= room.pods && self.cpu_millis <= room.cpu_millis && self.memory_bytes <= room.memory_bytes
    }
}

impl Add for Amount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            pods: self.pods + other.pods,
            cpu_millis: self.cpu_millis + other.cpu_millis,
            memory_bytes: self.memory_bytes + other.memory_bytes,
        }
    }
}

impl std::iter::Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pods, cpu_millis, memory_bytes } = self;
        let memory_mib = memory_bytes.div_ceil(1 << 20);
        write!(
            formatter,
            "{cpu_millis}m of CPU and {memory_mib} MiB of memory for {pods} pod{}",
            if *pods == 1 { "" } else { "s" }
        )
    }
}

/// Looks at the nodes, and at what the pods on them request already.
///
/// # Errors
/// [`KubeError::Api`].
pub(super) async fn examine(cluster: &Cluster, wanted: &Wanted<'_>) -> Result<Vec<Finding>, KubeError> {
    let pods = Api::<Pod>::all(cluster.client().clone());
    let pods = pods.list(&ListParams::default()).await.map_err(KubeError::api("list the pods"))?.items;
    Ok(judge(&nodes::list(cluster).await?, &pods, wanted))
}

fn judge(nodes: &[Node], pods: &[Pod], wanted: &Wanted<'_>) -> Vec<Finding> {
    let out = nodes.iter().filter_map(|node| Some(format!("{} {}", node.name_any(), hindrance(node)?)));
    let out: Vec<String> = out.collect();
    let mut findings = Vec::new();
    if !out.is_empty() {
        findings.push(Finding::warning(ROOM, format!("these take no pods: {}", out.join("; "))));
    }
    let candidates = match candidates(nodes, wanted.generator_node) {
        Ok(candidates) => candidates,
        Err(text) => {
            findings.push(Finding::bad(ROOM, text));
            return findings;
        }
    };
    let usable: Vec<&Node> = schedulable(nodes).collect();
    if usable.len() == 1 {
        let text = "there is one only: load generator and applications share its cores, and results say so";
        findings.push(Finding::warning(ROOM, text));
    }
    let shortages = candidates.iter().filter_map(|candidate| shortage(candidate, &usable, pods, wanted));
    let shortages: Vec<String> = shortages.collect();
    findings.push(if shortages.is_empty() {
        let text = format!(
            "{} of {} take pods, with room for all that is asked for but the mesh",
            usable.len(),
            nodes.len()
        );
        Finding::good(ROOM, text)
    } else {
        let text = format!("{}. Take fewer applications, or larger or more nodes", shortages.join("; "));
        Finding::bad(ROOM, text)
    });
    findings
}

/// What there is no room for if the load generator gets the node `candidate`; nothing if all has.
fn shortage(candidate: &Node, usable: &[&Node], pods: &[Pod], wanted: &Wanted<'_>) -> Option<String> {
    let apps = Amount::of(wanted.apps * SERVICES_PER_APP, wanted.app_pod);
    let generators = Amount::of(wanted.generators, wanted.generator_pod);
    let name = candidate.name_any();
    let (here, rest): (Vec<&Node>, Vec<&Node>) = usable.iter().partition(|node| node.name_any() == name);
    let room = |nodes: &[&Node]| nodes.iter().map(|node| room(node, pods)).sum::<Amount>();
    let (here, elsewhere) = (room(&here), room(&rest));
    if rest.is_empty() {
        let all = apps + generators;
        return (!all.fits(here)).then(|| {
            format!("the node {name} has {here} left where load generator and applications want {all}")
        });
    }
    if !generators.fits(here) {
        return Some(format!("the node {name} has {here} left where the load generator wants {generators}"));
    }
    (!apps.fits(elsewhere)).then(|| {
        format!(
            "with {name} kept for the load generator, there is {elsewhere} left where the applications want {apps}"
        )
    })
}

/// What is allocatable on a node and not requested yet.
fn room(node: &Node, pods: &[Pod]) -> Amount {
    let allocatable = node.status.as_ref().and_then(|status| status.allocatable.as_ref());
    let get = |key| allocatable.and_then(|allocatable| allocatable.get(key));
    let whole = Amount {
        pods: get("pods").and_then(units).unwrap_or_default(),
        cpu_millis: get("cpu").and_then(thousandths).unwrap_or_default(),
        memory_bytes: get("memory").and_then(units).unwrap_or_default(),
    };
    let name = node.name_any();
    whole.without(pods.iter().filter(|pod| occupies(pod, &name)).map(requested).sum())
}

fn occupies(pod: &Pod, node: &str) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    let is_there = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()) == Some(node);
    is_there && !matches!(phase, Some("Succeeded" | "Failed"))
}

/// What a pod requests while it runs: init containers count where they stay, as sidecars.
fn requested(pod: &Pod) -> Amount {
    let Some(spec) = &pod.spec else { return Amount::default() };
    let stays = |container: &&Container| container.restart_policy.as_deref() == Some("Always");
    let sidecars = spec.init_containers.iter().flatten().filter(stays);
    let of_container = |container: &Container| {
        let requests = container.resources.as_ref().and_then(|resources| resources.requests.as_ref());
        let get = |key, read: fn(&Quantity) -> Option<u64>| {
            requests.and_then(|requests| requests.get(key)).and_then(read).unwrap_or_default()
        };
        Amount { pods: 0, cpu_millis: get("cpu", thousandths), memory_bytes: get("memory", units) }
    };
    let containers: Amount = spec.containers.iter().chain(sidecars).map(of_container).sum();
    Amount { pods: 1, ..containers }
}

#[cfg(test)]
mod tests {
    use super::super::Grade;
    use super::*;
    use insta::assert_snapshot;
    use meshbench_core::scenario::GeneratorNode;
    use serde_json::json;

    const POD: PodRequest = PodRequest { cpu_millis: 100, memory_bytes: 32 << 20 };

    fn node(name: &str, cpu: &str) -> Node {
        let node = json!({
            "metadata": {"name": name},
            "status": {"conditions": [{"type": "Ready", "status": "True"}],
                "allocatable": {"cpu": cpu, "memory": "1Gi", "pods": "20"}},
        });
        serde_json::from_value(node).unwrap()
    }

    fn pod(node: &str, phase: &str) -> Pod {
        let requests = json!({"resources": {"requests": {"cpu": "200m", "memory": "100Mi"}}});
        let container = |extra: serde_json::Value| {
            let mut container = requests.clone();
            container["name"] = json!("c");
            container["restartPolicy"] = extra;
            container
        };
        let pod = json!({
            "spec": {"nodeName": node, "containers": [container(json!(null))],
                "initContainers": [container(json!("Always")), container(json!(null))]},
            "status": {"phase": phase},
        });
        serde_json::from_value(pod).unwrap()
    }

    fn judged(nodes: &[Node], pods: &[Pod], apps: u32) -> String {
        let wanted = Wanted {
            meshes: &[],
            apps,
            app_pod: POD,
            generators: 1,
            generator_pod: PodRequest { cpu_millis: 1000, ..POD },
            generator_node: &GeneratorNode::Random,
        };
        let findings = judge(nodes, pods, &wanted);
        let lines = findings.iter().map(|Finding { grade, text, .. }| {
            let mark = match grade {
                Grade::Good => "good",
                Grade::Warning => "warning",
                Grade::Bad => "bad",
            };
            format!("{mark}: {text}")
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn pods_that_run_take_room_with_their_native_sidecars() {
        let pods = [pod("a", "Running"), pod("a", "Succeeded"), pod("b", "Running")];
        let left = room(&node("a", "2"), &pods);
        assert_eq!(left, Amount { pods: 19, cpu_millis: 1600, memory_bytes: 824 << 20 });
    }

    #[test]
    fn whichever_node_is_picked_there_must_be_room() {
        assert_snapshot!(judged(&[node("a", "2"), node("b", "2")], &[], 6), @"good: 2 of 2 take pods, with room for all that is asked for but the mesh");
        assert_snapshot!(judged(&[node("a", "2"), node("b", "500m")], &[], 2), @"bad: with a kept for the load generator, there is 500m of CPU and 1024 MiB of memory for 20 pods left where the applications want 600m of CPU and 192 MiB of memory for 6 pods; the node b has 500m of CPU and 1024 MiB of memory for 20 pods left where the load generator wants 1000m of CPU and 32 MiB of memory for 1 pod. Take fewer applications, or larger or more nodes");
        assert_snapshot!(judged(&[node("a", "4"), node("b", "2")], &[], 7), @"bad: with a kept for the load generator, there is 2000m of CPU and 1024 MiB of memory for 20 pods left where the applications want 2100m of CPU and 672 MiB of memory for 21 pods; with b kept for the load generator, there is 4000m of CPU and 1024 MiB of memory for 20 pods left where the applications want 2100m of CPU and 672 MiB of memory for 21 pods. Take fewer applications, or larger or more nodes");
    }

    #[test]
    fn one_node_is_shared_by_all() {
        assert_snapshot!(judged(&[node("a", "2")], &[], 2), @r"
        warning: there is one only: load generator and applications share its cores, and results say so
        good: 1 of 1 take pods, with room for all that is asked for but the mesh
        ");
        assert_snapshot!(judged(&[node("a", "2")], &[], 4), @r"
        warning: there is one only: load generator and applications share its cores, and results say so
        bad: the node a has 2000m of CPU and 1024 MiB of memory for 20 pods left where load generator and applications want 2200m of CPU and 416 MiB of memory for 13 pods. Take fewer applications, or larger or more nodes
        ");
    }

    #[test]
    fn no_node_that_takes_pods_is_bad() {
        assert_snapshot!(judged(&[], &[], 1), @"bad: no worker can be kept for the load generator: the cluster has no nodes; make one schedulable, or choose another in the scenario");
    }
}
