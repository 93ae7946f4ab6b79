//! What a mesh's agents change on nodes, where Kubernetes knows nothing of it: [`NodesBefore`], for it to go with the mesh.
//!
//! Only the node can tell. So a pod on each enters the node's file system, asks the node's own iptables, and ends.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::ResourceExt;
use kube::api::{Api, ListParams, LogParams};
use meshbench_core::node_traces::{NODE_ROOT, NodeFindings, NodeMarks, NodeTrace};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::left;
use super::trouble::trouble_in;
use crate::kube::access::list_nodes;
use crate::kube::cluster::Cluster;
use crate::kube::error::KubeError;
use crate::kube::namespace::{make_namespace, name_of_campaign, remove_namespace};
use crate::kube::watch;
use crate::wait::TimedOut;

/// How the namespace of the pods is called, which is removed with them.
const NAMESPACE: &str = "mb-nodes";
/// Lets pods in that enter their node, where Kubernetes enforces its standards for pods.
const PRIVILEGED: (&str, &str) = ("pod-security.kubernetes.io/enforce", "privileged");
/// The operating system of a node.
const SYSTEM: &str = "kubernetes.io/os";
/// How many traces a message names.
const NAMED: usize = 5;
/// How much of a log is quoted, in characters.
const QUOTED: usize = 300;

/// What is on nodes, each trace with the name of its node.
type Seen = BTreeSet<(String, NodeTrace)>;

/// What was on the nodes before a mesh came: that is not its doing.
#[derive(Debug, Clone)]
pub(super) struct NodesBefore {
    marks: NodeMarks,
    /// Of the pods that look.
    image: String,
    seen: Seen,
}

impl NodesBefore {
    /// Looks at every node; what is interrupted is swept.
    ///
    /// # Errors
    /// [`KubeError::Unfit`] naming a node that cannot be looked at; [`KubeError::TimedOut`] naming those that have not
    /// answered within the limit, with what their pods say; [`KubeError::Api`].
    pub(super) async fn see(
        cluster: &Cluster,
        marks: &NodeMarks,
        image: &str,
        limit: Duration,
    ) -> Result<Self, KubeError> {
        let seen = look(cluster, marks, image, limit).await?;
        Ok(Self { marks: marks.clone(), image: image.to_owned(), seen })
    }

    /// Looks again. The mesh's agents must have ended: nothing is waited for.
    ///
    /// # Errors
    /// [`KubeError::LeftBehind`] with what was not there before; otherwise as [`Self::see`].
    pub(super) async fn refuse_what_is_new(
        &self,
        cluster: &Cluster,
        limit: Duration,
    ) -> Result<(), KubeError> {
        let now = look(cluster, &self.marks, &self.image, limit).await?;
        let new: Vec<_> = now.difference(&self.seen).collect();
        nothing_new(&new).map_err(KubeError::LeftBehind)
    }
}

fn nothing_new(traces: &[&(String, NodeTrace)]) -> Result<(), String> {
    if traces.is_empty() {
        return Ok(());
    }
    let named = traces.iter().take(NAMED);
    let named: Vec<_> = named.map(|(node, trace)| format!("on {node} {trace} ({})", trace.cure())).collect();
    let more = traces.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Err(format!(
        "{}{more} came while it was there and did not go with it (whatever is measured next is measured with it; if it is \
         somebody else's, measure while nobody changes the nodes)",
        named.join(", ")
    ))
}

async fn look(cluster: &Cluster, marks: &NodeMarks, image: &str, limit: Duration) -> Result<Seen, KubeError> {
    let deadline = Instant::now() + limit;
    let namespace = name_of_campaign(NAMESPACE, cluster.campaign());
    let seen = look_from(cluster, &namespace, marks, image, limit).await;
    let removed = remove_namespace(cluster, &namespace, left(deadline)).await;
    seen.and_then(|seen| removed.map(|()| seen))
}

async fn look_from(
    cluster: &Cluster,
    namespace: &str,
    marks: &NodeMarks,
    image: &str,
    limit: Duration,
) -> Result<Seen, KubeError> {
    let nodes = list_nodes(cluster).await?;
    let names: Vec<String> =
        nodes.iter().filter(|node| runs_agents(node)).map(ResourceExt::name_any).collect();
    let (label, value) = PRIVILEGED;
    let labels = BTreeMap::from([(label.to_owned(), value.to_owned())]);
    make_namespace(cluster, namespace, &labels, &BTreeMap::new()).await?;
    for (index, node) in names.iter().enumerate() {
        cluster.apply(&pod(namespace, index, node, image, marks)).await?;
    }
    let pods: Api<Pod> = Api::namespaced(cluster.client().clone(), namespace);
    let all = ListParams::default();
    let ended = watch::until(&pods, &all, limit, |pods| all_ended(pods, names.len()));
    if let Err(waited) = ended.await {
        let trouble = trouble_in(cluster, &[namespace]).await;
        let last_seen = format!("{}{trouble}", waited.last_seen);
        let what = "not all nodes say what a mesh changed on them".to_owned();
        return Err(KubeError::TimedOut { what, waited: TimedOut { last_seen, ..waited } });
    }
    let mut seen = Seen::new();
    for (index, node) in names.iter().enumerate() {
        let log = pods.logs(&pod_name(index), &LogParams::default()).await;
        let log = log.map_err(KubeError::api(format!("read what {node} says of itself")))?;
        let traces = traces_in(&log).map_err(|why| KubeError::Unfit(unseen(node, &why)))?;
        seen.extend(traces.into_iter().map(|trace| (node.clone(), trace)));
    }
    Ok(seen)
}

/// Whether an agent can have changed a node: where it is not ready, or runs no Linux, no pod of it starts.
fn runs_agents(node: &Node) -> bool {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    let is_ready = conditions.into_iter().flatten().any(|one| one.type_ == "Ready" && one.status == "True");
    is_ready && node.labels().get(SYSTEM).is_none_or(|system| system == "linux")
}

fn pod_name(index: usize) -> String {
    format!("node-{index}")
}

/// A pod of one node, whatever keeps others off that: in the node's network, with its file system to read, and allowed no
/// more than to enter that and to be told the rules of iptables.
fn pod(namespace: &str, index: usize, node: &str, image: &str, marks: &NodeMarks) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": pod_name(index), "namespace": namespace},
        "spec": {
            "nodeName": node,
            "tolerations": [{"operator": "Exists"}],
            "hostNetwork": true,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "containers": [{
                "name": "look",
                "image": image,
                "imagePullPolicy": "IfNotPresent",
                "command": ["meshbench-load", "--look-at-node", json!(marks).to_string()],
                "securityContext": {
                    "runAsUser": 0,
                    "allowPrivilegeEscalation": false,
                    "readOnlyRootFilesystem": true,
                    "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN", "NET_RAW", "SYS_CHROOT"]},
                    // Other containers may not read their node, where SELinux enforces that.
                    "seLinuxOptions": {"type": "spc_t"},
                },
                "volumeMounts": [{"name": "node", "mountPath": NODE_ROOT, "readOnly": true}],
            }],
            "volumes": [{"name": "node", "hostPath": {"path": "/"}}],
        },
    })
}

/// Whether the pods of all nodes have ended, well or not.
///
/// # Errors
/// What is still awaited.
fn all_ended(pods: &BTreeMap<String, Pod>, nodes: usize) -> Result<(), String> {
    if pods.len() < nodes {
        return Err(format!("{} of {nodes} pods are there", pods.len()));
    }
    let phase = |pod: &Pod| pod.status.as_ref().and_then(|status| status.phase.clone()).unwrap_or_default();
    let running = pods.values().filter(|&pod| !matches!(phase(pod).as_str(), "Succeeded" | "Failed"));
    let silent: Vec<&str> = running.filter_map(|pod| pod.spec.as_ref()?.node_name.as_deref()).collect();
    if silent.is_empty() { Ok(()) } else { Err(format!("nothing from {}", silent.join(", "))) }
}

/// What a pod found, by its log.
///
/// # Errors
/// What it could not look at, or what it said instead.
fn traces_in(log: &str) -> Result<BTreeSet<NodeTrace>, String> {
    match log.lines().find_map(|line| serde_json::from_str::<NodeFindings>(line).ok()) {
        Some(NodeFindings { traces, unseen }) if unseen.is_empty() => Ok(traces),
        Some(NodeFindings { unseen, .. }) => Err(unseen.join("; ")),
        None => Err(format!(
            "its pod says: {} (is the image of this version of meshbench?)",
            log.trim().chars().take(QUOTED).collect::<String>()
        )),
    }
}

fn unseen(node: &str, why: &str) -> String {
    format!(
        "nobody can say what the mesh leaves on the node {node}: {why}; or leave `on_nodes` out of its mesh.yaml, and \
         nothing is looked for there"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn chain(name: &str) -> NodeTrace {
        NodeTrace::Chain {
            program: "iptables-nft".to_owned(),
            table: "nat".to_owned(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn what_is_new_is_named_with_its_node_and_its_cure() {
        assert_eq!(nothing_new(&[]), Ok(()));
        let plugin = NodeTrace::PluginProgram { file: "/opt/cni/bin/istio-cni".to_owned() };
        let left = [("w1".to_owned(), chain("ISTIO_POSTRT")), ("w2".to_owned(), plugin)];
        let said = nothing_new(&left.iter().collect::<Vec<_>>()).unwrap_err();
        insta::assert_snapshot!(said, @"on w1 the chain ISTIO_POSTRT of the table nat in iptables-nft (there `iptables-nft -t nat -S` shows what jumps to it: remove that by -D, and the chain by -F ISTIO_POSTRT and -X ISTIO_POSTRT), on w2 the network plugin /opt/cni/bin/istio-cni (`rm /opt/cni/bin/istio-cni` there removes it) came while it was there and did not go with it (whatever is measured next is measured with it; if it is somebody else's, measure while nobody changes the nodes)");
        let many: Vec<_> = (0..7).map(|node| (format!("w{node}"), chain("ISTIO_POSTRT"))).collect();
        let said = nothing_new(&many.iter().collect::<Vec<_>>()).unwrap_err();
        assert!(
            said.contains("on w4 ") && !said.contains("on w5 ") && said.contains(" and 2 more "),
            "{said}"
        );
    }

    #[rstest]
    #[case::nothing(r#"{"traces": [], "unseen": []}"#, Ok(0))]
    #[case::a_chain(
        r#"{"traces": [{"kind": "chain", "program": "iptables", "table": "nat", "name": "A"}], "unseen": []}"#,
        Ok(1)
    )]
    #[case::after_a_warning("a warning\n{\"traces\": [], \"unseen\": []}\n", Ok(0))]
    #[case::half_seen(
        r#"{"traces": [], "unseen": ["there is no iptables-save", "there is no ip6tables-save"]}"#,
        Err("there is no iptables-save; there is no ip6tables-save")
    )]
    #[case::of_another_version(
        "error: unexpected argument '--look-at-node' found\n",
        Err(
            "its pod says: error: unexpected argument '--look-at-node' found (is the image of this version of meshbench?)"
        )
    )]
    fn a_look_that_is_not_whole_is_none(#[case] log: &str, #[case] expected: Result<usize, &str>) {
        let traces = traces_in(log).map(|traces| traces.len());
        assert_eq!(traces, expected.map_err(str::to_owned));
    }

    #[rstest]
    #[case::a_worker(json!({"kubernetes.io/os": "linux"}), "True", true)]
    #[case::unlabelled(json!({}), "True", true)]
    #[case::of_windows(json!({"kubernetes.io/os": "windows"}), "True", false)]
    #[case::not_ready(json!({"kubernetes.io/os": "linux"}), "Unknown", false)]
    fn nodes_where_agents_run_are_looked_at(
        #[case] labels: Value,
        #[case] ready: &str,
        #[case] expected: bool,
    ) {
        let status = json!({"conditions": [{"type": "Ready", "status": ready}]});
        let taint = json!({"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"});
        let node = json!({"metadata": {"name": "n", "labels": labels}, "spec": {"taints": [taint]}, "status": status});
        assert_eq!(runs_agents(&serde_json::from_value(node).unwrap()), expected);
    }

    #[test]
    fn every_node_is_awaited() {
        let pods = |phases: &[&str]| -> BTreeMap<String, Pod> {
            let pod = |(index, phase): (usize, &&str)| {
                let mut object =
                    pod("mb-nodes", index, &format!("w{index}"), "ours:1", &NodeMarks::default());
                object["status"] = json!({"phase": phase});
                (pod_name(index), serde_json::from_value(object).unwrap())
            };
            phases.iter().enumerate().map(pod).collect()
        };
        assert_eq!(all_ended(&pods(&["Succeeded", "Failed"]), 2), Ok(()));
        assert_eq!(all_ended(&pods(&["Succeeded"]), 2), Err("1 of 2 pods are there".to_owned()));
        assert_eq!(all_ended(&pods(&["Succeeded", "Pending"]), 2), Err("nothing from w1".to_owned()));
    }

    #[test]
    fn a_pod_says_what_to_look_for() {
        let marks = NodeMarks { iptables_chains: vec!["ISTIO_".to_owned()], ..NodeMarks::default() };
        let pod = pod("mb-nodes", 0, "w1", "ours:1", &marks);
        let command = &pod["spec"]["containers"][0]["command"];
        assert_eq!(serde_json::from_str::<NodeMarks>(command[2].as_str().unwrap()).unwrap(), marks);
    }
}
