//! Whether nodes stay ready while something is measured on them: [`ReadyNodes`].

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Node;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use kube::api::{Api, ListParams};

use super::cluster::Cluster;
use super::error::KubeError;

/// The nodes that are ready at a moment, with the time since when each is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReadyNodes(BTreeMap<String, Option<Time>>);

impl ReadyNodes {
    /// Those of now.
    ///
    /// # Errors
    /// [`KubeError::Api`].
    pub(super) async fn now(cluster: &Cluster) -> Result<Self, KubeError> {
        let nodes: Api<Node> = Api::all(cluster.client().clone());
        let listed = nodes.list(&ListParams::default()).await.map_err(KubeError::api("list the nodes"))?;
        Ok(Self::among(&listed.items))
    }

    fn among(nodes: &[Node]) -> Self {
        let ready = nodes.iter().filter_map(|node| {
            let conditions = node.status.as_ref()?.conditions.as_ref()?;
            let ready = conditions.iter().find(|it| it.type_ == "Ready" && it.status == "True")?;
            Some((node.name_any(), ready.last_transition_time.clone()))
        });
        Self(ready.collect())
    }

    /// Those that have not been ready all the time until `later`: also one that is ready again is among them, for its pods
    /// got no traffic meanwhile.
    pub(super) fn lost_until(&self, later: &Self) -> Vec<String> {
        let lost = self.0.iter().filter(|&(name, since)| later.0.get(name) != Some(since));
        lost.map(|(name, _)| name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn ready(nodes: &[(&str, &str, &str)]) -> ReadyNodes {
        let node = |&(name, status, since): &(&str, &str, &str)| -> Node {
            let pressure = json!({"type": "MemoryPressure", "status": "False", "lastTransitionTime": since});
            let ready = json!({"type": "Ready", "status": status, "lastTransitionTime": since});
            let node = json!({"metadata": {"name": name}, "status": {"conditions": [pressure, ready]}});
            serde_json::from_value(node).unwrap()
        };
        ReadyNodes::among(&nodes.iter().map(node).collect::<Vec<_>>())
    }

    const EARLY: &str = "2026-01-01T00:00:00Z";
    const LATE: &str = "2026-01-01T00:01:00Z";

    #[rstest]
    #[case::as_before(&[("a", "True", EARLY), ("b", "True", EARLY)], &[])]
    #[case::not_ready(&[("a", "True", EARLY), ("b", "Unknown", LATE)], &["b"])]
    #[case::ready_again(&[("a", "True", LATE), ("b", "True", EARLY)], &["a"])]
    #[case::gone(&[("b", "True", EARLY)], &["a"])]
    #[case::one_more(&[("a", "True", EARLY), ("b", "True", EARLY), ("c", "True", LATE)], &[])]
    fn what_was_not_ready_all_the_time_is_named(#[case] later: &[(&str, &str, &str)], #[case] lost: &[&str]) {
        let before = ready(&[("a", "True", EARLY), ("b", "True", EARLY)]);
        assert_eq!(before.lost_until(&ready(later)), lost);
    }
}
