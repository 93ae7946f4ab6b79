//! A node for the load generator alone: [`reserve`] and [`release`].

use k8s_openapi::api::core::v1::{Node, NodeSpec, Taint};
use kube::ResourceExt;
use kube::api::{Api, ListParams, Patch, PatchParams};
use meshbench_core::scenario::GeneratorNode;
use serde_json::{Value, json};

use super::choice::{ReservedNode, pick};
use crate::kube::cluster::{Cluster, FIELD_MANAGER};
use crate::kube::error::KubeError;
use crate::kube::labels::RESERVED;

/// How often a change is tried anew after somebody else changed the node at the same moment.
const ATTEMPTS: u32 = 10;

/// Picks a node by the seed, and keeps everything off it that does not tolerate the campaign's taint. One that the campaign
/// had before must have been given back.
///
/// # Errors
/// [`KubeError::Unfit`] when no node is as chosen, [`KubeError::Api`].
pub(in crate::kube) async fn reserve(
    cluster: &Cluster,
    choice: &GeneratorNode,
    seed: u64,
) -> Result<ReservedNode, KubeError> {
    let nodes = list(cluster).await?;
    let node = pick(&nodes, choice, seed).map_err(KubeError::Unfit)?;
    if !node.co_located {
        change(cluster, &node.name, |node| Some(reserving(node, cluster.campaign()))).await?;
    }
    Ok(node)
}

/// Gives a node back: takes this campaign's taint and label off it, and nothing else.
///
/// # Errors
/// [`KubeError::Api`].
pub(in crate::kube) async fn release(cluster: &Cluster, node: &ReservedNode) -> Result<(), KubeError> {
    free(cluster, &node.name, &[cluster.campaign().to_owned()]).await
}

/// Takes the taint and label of these campaigns off a node; one that is gone is free.
///
/// # Errors
/// [`KubeError::Api`].
pub(super) async fn free(cluster: &Cluster, node: &str, campaigns: &[String]) -> Result<(), KubeError> {
    change(cluster, node, |node| freeing(node, campaigns)).await
}

/// All nodes.
///
/// # Errors
/// [`KubeError::Api`].
pub(in crate::kube) async fn list(cluster: &Cluster) -> Result<Vec<Node>, KubeError> {
    let nodes = Api::<Node>::all(cluster.client().clone());
    let listed = nodes.list(&ListParams::default()).await.map_err(KubeError::api("list the nodes"))?;
    Ok(listed.items)
}

/// Changes a node as it is now by a merge patch; whoever changes it at the same moment is not overwritten.
async fn change(
    cluster: &Cluster,
    name: &str,
    patch_for: impl Fn(&Node) -> Option<Value>,
) -> Result<(), KubeError> {
    let nodes = Api::<Node>::all(cluster.client().clone());
    let parameters = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let doing = format!("change the taints of the node {name}");
    for _ in 0..ATTEMPTS {
        let found = nodes.get_opt(name).await.map_err(KubeError::api(&doing))?;
        let Some(patch) = found.as_ref().and_then(&patch_for) else { return Ok(()) };
        match nodes.patch(name, &parameters, &Patch::Merge(&patch)).await {
            Err(kube::Error::Api(status)) if status.is_conflict() => {}
            other => return other.map(drop).map_err(KubeError::api(&doing)),
        }
    }
    Err(KubeError::Unfit(format!(
        "cannot {doing}: somebody else changed it {ATTEMPTS} times at the same moment (which controller writes to nodes \
         that often? `kubectl get node {name} --show-managed-fields -o yaml` names it)"
    )))
}

/// The patch that reserves a node as it is.
fn reserving(node: &Node, campaign: &str) -> Value {
    let mut taints = taints(node).to_vec();
    taints.retain(|taint| taint.key != RESERVED);
    taints.push(Taint {
        key: RESERVED.to_owned(),
        value: Some(campaign.to_owned()),
        effect: "NoSchedule".to_owned(),
        time_added: None,
    });
    json!({
        "metadata": {"resourceVersion": node.resource_version(), "labels": {RESERVED: campaign}},
        "spec": {"taints": taints},
    })
}

/// The patch that takes these campaigns' marks off a node as it is; nothing if it has none of them.
fn freeing(node: &Node, campaigns: &[String]) -> Option<Value> {
    if !reserved_by(node).iter().any(|campaign| campaigns.contains(campaign)) {
        return None;
    }
    let theirs = |value: Option<&String>| value.is_some_and(|value| campaigns.contains(value));
    let mut taints = taints(node).to_vec();
    taints.retain(|taint| taint.key != RESERVED || !theirs(taint.value.as_ref()));
    let label = node.labels().get(RESERVED).filter(|value| !theirs(Some(value)));
    Some(json!({
        "metadata": {"resourceVersion": node.resource_version(), "labels": {RESERVED: label}},
        "spec": {"taints": taints},
    }))
}

/// The campaigns that a node is reserved for: one, unless its taint or label was changed by others.
pub(super) fn reserved_by(node: &Node) -> Vec<String> {
    let taints = taints(node).iter().filter(|taint| taint.key == RESERVED);
    let mut campaigns: Vec<String> = taints.filter_map(|taint| taint.value.clone()).collect();
    campaigns.extend(node.labels().get(RESERVED).filter(|campaign| !campaigns.contains(campaign)).cloned());
    campaigns
}

/// The taints of a node.
pub(in crate::kube) fn taints(node: &Node) -> &[Taint] {
    match &node.spec {
        Some(NodeSpec { taints: Some(taints), .. }) => taints,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(labels: &Value, taints: &Value) -> Node {
        let metadata = json!({"name": "w1", "resourceVersion": "5", "labels": labels});
        serde_json::from_value(json!({"metadata": metadata, "spec": {"taints": taints}})).unwrap()
    }

    fn taint(campaign: &str) -> Value {
        json!([{"key": RESERVED, "value": campaign, "effect": "NoSchedule"}])
    }

    #[test]
    fn a_node_is_as_before_after_it_was_given_back() {
        let other = json!({"key": "gpu", "effect": "PreferNoSchedule"});
        let patch = reserving(&node(&json!({}), &json!([other])), "monday");
        let reserved = node(&patch["metadata"]["labels"], &patch["spec"]["taints"]);
        assert_eq!(reserved_by(&reserved), ["monday"]);
        let patch = freeing(&reserved, &["monday".to_owned()]).unwrap();
        assert_eq!(patch["spec"]["taints"], json!([other]));
        assert_eq!(patch["metadata"], json!({"resourceVersion": "5", "labels": {RESERVED: null}}));
    }

    #[test]
    fn the_marks_of_others_stay() {
        let monday = node(&json!({RESERVED: "monday"}), &taint("monday"));
        assert_eq!(freeing(&monday, &["tuesday".to_owned()]), None);
        let mixed = node(&json!({RESERVED: "tuesday"}), &taint("monday"));
        let patch = freeing(&mixed, &["monday".to_owned()]).unwrap();
        assert_eq!(patch["spec"]["taints"], json!([]));
        assert_eq!(patch["metadata"]["labels"], json!({RESERVED: "tuesday"}));
    }
}
