//! Which node the load generator gets: [`pick`].

use k8s_openapi::api::core::v1::{Node, NodeStatus, Taint};
use kube::ResourceExt;
use meshbench_core::scenario::GeneratorNode;
use meshbench_core::shuffle::shuffle;

use super::nodes::taints;
use crate::kube::labels::RESERVED;

const CONTROL_PLANE: &str = "node-role.kubernetes.io/control-plane";

/// The node that the load generator runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::kube) struct ReservedNode {
    /// The node's name.
    pub name: String,
    /// Whether the applications run on it too, because there is no other; it is not tainted then.
    pub co_located: bool,
}

/// Picks one of the nodes by the seed, whatever order they are listed in.
///
/// # Errors
/// When no node is as chosen; the sentence says why and what to do.
pub(super) fn pick(nodes: &[Node], choice: &GeneratorNode, seed: u64) -> Result<ReservedNode, String> {
    let mut names: Vec<String> = candidates(nodes, choice)?.into_iter().map(ResourceExt::name_any).collect();
    names.sort_unstable();
    shuffle(&mut names, seed);
    let name = names.swap_remove(0);
    Ok(ReservedNode { name, co_located: schedulable(nodes).count() == 1 })
}

/// The nodes that one may be picked from: not empty.
///
/// # Errors
/// When no node is as chosen; the sentence says why and what to do.
pub(super) fn candidates<'n>(nodes: &'n [Node], choice: &GeneratorNode) -> Result<Vec<&'n Node>, String> {
    let usable: Vec<&Node> = schedulable(nodes).collect();
    let is_worker = |node: &Node| !node.labels().contains_key(CONTROL_PLANE);
    let chosen = |node: &Node| match choice {
        GeneratorNode::Random => usable.len() == 1 || is_worker(node),
        GeneratorNode::Label { key, value } => node.labels().get(key) == Some(value),
        GeneratorNode::Name(name) => node.name_any() == *name,
    };
    let found: Vec<&Node> = usable.iter().copied().filter(|node| chosen(node)).collect();
    if found.is_empty() { Err(nobody(nodes, choice)) } else { Ok(found) }
}

/// The nodes that pods may be scheduled on: ready, and neither cordoned nor tainted.
pub(in crate::kube) fn schedulable(nodes: &[Node]) -> impl Iterator<Item = &Node> {
    nodes.iter().filter(|node| hindrance(node).is_none())
}

/// Why no pod of ours is scheduled on a node; nothing if it would be.
pub(super) fn hindrance(node: &Node) -> Option<String> {
    let no_conditions = Vec::new();
    let conditions = match &node.status {
        Some(NodeStatus { conditions: Some(conditions), .. }) => conditions,
        _ => &no_conditions,
    };
    match conditions.iter().find(|condition| condition.type_ == "Ready") {
        Some(ready) if ready.status == "True" => {}
        Some(ready) => {
            return Some(format!(
                "is not ready: {}",
                ready.message.as_deref().unwrap_or("unknown").trim_end_matches('.')
            ));
        }
        None => return Some("does not say whether it is ready".to_owned()),
    }
    if node.spec.as_ref().and_then(|spec| spec.unschedulable) == Some(true) {
        return Some("is cordoned".to_owned());
    }
    // A reservation is no hindrance: it is this campaign's own, or a dead one's, which the sweep takes back.
    let keeps_off =
        |taint: &&Taint| taint.key != RESERVED && matches!(&*taint.effect, "NoSchedule" | "NoExecute");
    taints(node).iter().find(keeps_off).map(|taint| format!("has the taint {}", taint.key))
}

fn nobody(nodes: &[Node], choice: &GeneratorNode) -> String {
    let wanted = match choice {
        GeneratorNode::Random => "worker".to_owned(),
        GeneratorNode::Label { key, value } => format!("node labelled {key}={value}"),
        GeneratorNode::Name(name) => format!("node {name}"),
    };
    let states = nodes.iter().map(|node| {
        let state = hindrance(node).unwrap_or_else(|| "takes pods".to_owned());
        format!("{} {state}", node.name_any())
    });
    let states: Vec<String> = states.collect();
    format!(
        "no {wanted} can be kept for the load generator: {}; make one schedulable, or choose another in the scenario",
        if states.is_empty() { "the cluster has no nodes".to_owned() } else { states.join("; ") }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn node(name: &str, labels: &Value, spec: &Value, ready: &Value) -> Node {
        let node = json!({"metadata": {"name": name, "labels": labels}, "spec": spec, "status": {"conditions": [ready]}});
        serde_json::from_value(node).unwrap()
    }

    fn cluster() -> Vec<Node> {
        let ready = json!({"type": "Ready", "status": "True"});
        let silent =
            json!({"type": "Ready", "status": "Unknown", "message": "Kubelet stopped posting node status."});
        let reserved = json!({"taints": [{"key": RESERVED, "value": "monday", "effect": "NoSchedule"}]});
        let (none, control_plane, pool) = (json!({}), json!({CONTROL_PLANE: ""}), json!({"pool": "load"}));
        vec![
            node("c", &control_plane, &none, &ready),
            node("w3", &pool, &none, &ready),
            node("w2", &none, &none, &ready),
            node("w1", &none, &none, &ready),
            node("cordoned", &none, &json!({"unschedulable": true}), &ready),
            node("silent", &none, &none, &silent),
            node("reserved", &none, &reserved, &ready),
        ]
    }

    #[rstest]
    #[case::any_worker(GeneratorNode::Random, &["w3", "w2", "w1", "reserved"])]
    #[case::by_label(GeneratorNode::Label { key: "pool".to_owned(), value: "load".to_owned() }, &["w3"])]
    #[case::by_name(GeneratorNode::Name("c".to_owned()), &["c"])]
    fn a_node_is_picked_from_those_chosen(#[case] choice: GeneratorNode, #[case] expected: &[&str]) {
        let nodes = cluster();
        let names = |found: Vec<&Node>| found.into_iter().map(ResourceExt::name_any).collect::<Vec<_>>();
        assert_eq!(candidates(&nodes, &choice).map(names).unwrap(), expected);
    }

    #[test]
    fn the_seed_decides_whatever_the_order() {
        let mut nodes = cluster();
        let first = pick(&nodes, &GeneratorNode::Random, 4).unwrap();
        nodes.reverse();
        assert_eq!(pick(&nodes, &GeneratorNode::Random, 4).unwrap(), first);
        let name = |seed| pick(&nodes, &GeneratorNode::Random, seed).unwrap().name;
        let picked: std::collections::BTreeSet<String> = (0..40).map(name).collect();
        assert_eq!(picked.len(), 4);
    }

    #[test]
    fn the_only_node_is_shared() {
        let only = cluster().into_iter().take(1).collect::<Vec<_>>();
        let picked = pick(&only, &GeneratorNode::Random, 1).unwrap();
        assert_eq!(picked, ReservedNode { name: "c".to_owned(), co_located: true });
    }

    #[test]
    fn says_why_no_node_can_be_taken() {
        let refused = candidates(&cluster(), &GeneratorNode::Name("silent".to_owned())).unwrap_err();
        assert_snapshot!(refused, @"no node silent can be kept for the load generator: c takes pods; w3 takes pods; w2 takes pods; w1 takes pods; cordoned is cordoned; silent is not ready: Kubelet stopped posting node status; reserved takes pods; make one schedulable, or choose another in the scenario");
    }
}
