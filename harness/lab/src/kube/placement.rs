//! Whether the load generator stands where a campaign's results say that it does: [`refuse_another_placement`].

use k8s_openapi::api::core::v1::Node;
use kube::ResourceExt;
use meshbench_core::report::ClusterEnvironment;

use super::access::{ReservedNode, schedulable, taints};
use super::error::KubeError;

const CONTROL_PLANE: &str = "node-role.kubernetes.io/control-plane";

/// Refuses a node for the load generator that it shares, or does not share, other than when the campaign began: arms that
/// differ in that are not comparable, and what is said of all would be wrong for some.
///
/// # Errors
/// [`KubeError::OtherPlacement`] naming the nodes that take no pods any more, or that do by now.
pub(super) fn refuse_another_placement(
    environment: &ClusterEnvironment,
    node: &ReservedNode,
    nodes: &[Node],
) -> Result<(), KubeError> {
    if node.co_located == environment.co_located {
        return Ok(());
    }
    let taking: Vec<_> = schedulable(nodes).map(ResourceExt::name_any).collect();
    if environment.co_located {
        return Err(KubeError::OtherPlacement(format!(
            "it shared the only node, and by now {} take pods; begin anew, for runs on a node of its own cannot be compared \
             with those before",
            taking.join(" and ")
        )));
    }
    let takes_none = |name: &str| nodes.iter().any(|node| node.name_any() == name && is_control_plane(node));
    let away = environment.nodes.iter().map(|known| &known.name);
    let away = away.filter(|&name| !taking.contains(name) && !takes_none(name));
    let away: Vec<_> = away.map(|name| format!("{name} {}", why_away(name, nodes))).collect();
    Err(KubeError::OtherPlacement(format!(
        "it had a node of its own, and by now only {} takes pods: {}; make one of them take pods again (`kubectl uncordon` \
         where it is cordoned), or begin anew",
        node.name,
        away.join("; ")
    )))
}

/// Whether it is one of those that never take pods of others.
fn is_control_plane(node: &Node) -> bool {
    taints(node).iter().any(|taint| taint.key == CONTROL_PLANE)
}

fn why_away(name: &str, nodes: &[Node]) -> &'static str {
    match nodes.iter().find(|node| node.name_any() == name) {
        None => "is gone",
        Some(node) if node.spec.as_ref().and_then(|spec| spec.unschedulable) == Some(true) => "is cordoned",
        Some(_) => "is not ready, or has a taint",
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Taint;
    use meshbench_core::report::ClusterNode;
    use serde_json::json;

    use super::*;

    fn node(name: &str, is_cordoned: bool) -> Node {
        let ready = json!({"type": "Ready", "status": "True"});
        let spec = json!({"unschedulable": is_cordoned});
        let node = json!({"metadata": {"name": name}, "spec": spec, "status": {"conditions": [ready]}});
        serde_json::from_value(node).unwrap()
    }

    fn environment(co_located: bool) -> ClusterEnvironment {
        let described = |name: &str| ClusterNode {
            name: name.to_owned(),
            machine: String::new(),
            cores: 4,
            memory_bytes: 0,
            kernel: String::new(),
            runtime: String::new(),
        };
        let nodes = ["a", "b", "c"].map(described).into();
        ClusterEnvironment { context: "kind".to_owned(), version: "v1".to_owned(), nodes, co_located }
    }

    fn refused(began_co_located: bool, is_co_located: bool, nodes: &[Node]) -> Option<String> {
        let picked = ReservedNode { name: "a".to_owned(), co_located: is_co_located };
        let refused = refuse_another_placement(&environment(began_co_located), &picked, nodes).err();
        assert!(refused.as_ref().is_none_or(KubeError::is_invalid));
        refused.map(|error| error.to_string())
    }

    #[test]
    fn a_node_that_is_shared_by_now_is_refused() {
        assert_eq!(refused(false, false, &[node("a", false), node("b", false)]), None);
        assert_eq!(refused(true, true, &[node("a", false)]), None);
        insta::assert_snapshot!(refused(false, true, &[node("a", false), node("b", true)]).unwrap(), @"the load generator would not stand as when the campaign began: it had a node of its own, and by now only a takes pods: b is cordoned; c is gone; make one of them take pods again (`kubectl uncordon` where it is cordoned), or begin anew");
        let mut control = node("c", false);
        control.spec.get_or_insert_default().taints = Some(vec![Taint {
            key: CONTROL_PLANE.to_owned(),
            effect: "NoSchedule".to_owned(),
            ..Taint::default()
        }]);
        let said = refused(false, true, &[node("a", false), node("b", true), control]).unwrap();
        assert!(said.contains("b is cordoned; make one"), "{said}");
        insta::assert_snapshot!(refused(true, false, &[node("a", false), node("b", false)]).unwrap(), @"the load generator would not stand as when the campaign began: it shared the only node, and by now a and b take pods; begin anew, for runs on a node of its own cannot be compared with those before");
    }
}
