//! Waiting for the proxies that a mesh puts into each namespace of a workload, as waypoints are.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, ListParams};

use super::diagnosis::late;
use super::layout::Layout;
use super::standing::{Hindrance, readiness};
use crate::kube::step_limit::StepLimit;
use crate::kube::{Cluster, KubeError, watch};
use crate::mesh::KubeMesh;

/// Whose pods are waited for here, in words.
const PROXIES: &str = "the mesh's proxies in the workload's namespaces";

/// Waits until each namespace of a workload has the proxies that the mesh's definition looks for there, all of them ready:
/// what is sent before takes another way.
///
/// # Errors
/// [`KubeError::NotReady`] when the step's limit runs out; [`KubeError::TimedOut`] when the API server says nothing for as
/// long.
pub(super) async fn await_shared_proxies(
    cluster: &Cluster,
    layout: &Layout,
    mesh: &KubeMesh,
    step: StepLimit,
) -> Result<(), KubeError> {
    let pods: Api<Pod> = Api::all(cluster.client().clone());
    for selector in mesh.data_plane_pods.iter().filter(|selector| selector.namespace.is_none()) {
        let labels: Vec<_> = selector.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let labels = labels.join(",");
        let selected = ListParams::default().labels(&labels);
        let mut hindered = Vec::new();
        let came = watch::until(&pods, &selected, step.left(), |pods| {
            hindered = missing_in(&layout.namespace_names(), &labels, pods);
            if hindered.is_empty() { Ok(()) } else { Err(format!("{} not ready", hindered.len())) }
        });
        if let Err(waited) = came.await {
            return Err(late(cluster, PROXIES, &hindered, step.ran_out(waited.last_seen)).await);
        }
    }
    Ok(())
}

/// The pods with these labels that are not ready, and the namespaces that have none.
fn missing_in(namespaces: &[String], labels: &str, pods: &BTreeMap<String, Pod>) -> Vec<Hindrance> {
    let mut hindered = Vec::new();
    for namespace in namespaces {
        let hindrance = |pod: Option<&Pod>, why: String| Hindrance {
            namespace: namespace.clone(),
            owner: pod.map_or_else(|| labels.to_owned(), ResourceExt::name_any),
            pod: pod.map(ResourceExt::name_any),
            why,
        };
        let staying = pods.values().filter(|pod| pod.metadata.deletion_timestamp.is_none());
        let mut here = staying.filter(|pod| pod.namespace().as_ref() == Some(namespace)).peekable();
        if here.peek().is_none() {
            hindered.push(hindrance(None, "no pod with these labels is there".to_owned()));
        }
        hindered.extend(here.filter_map(|pod| Some(hindrance(Some(pod), readiness(pod).err()?))));
    }
    hindered
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(namespace: &str, name: &str, is_ready: bool) -> (String, Pod) {
        let ready = json!({"type": "Ready", "status": if is_ready { "True" } else { "False" }});
        let metadata = json!({"namespace": namespace, "name": name});
        let status = json!({"phase": "Running", "conditions": [ready]});
        (
            format!("{namespace}/{name}"),
            serde_json::from_value(json!({"metadata": metadata, "status": status})).unwrap(),
        )
    }

    #[test]
    fn each_namespace_must_have_one_and_all_must_be_ready() {
        let namespaces = ["a", "b", "c"].map(str::to_owned);
        let pods = BTreeMap::from([
            pod("a", "waypoint-1", true),
            pod("b", "waypoint-1", true),
            pod("b", "waypoint-2", false),
            pod("elsewhere", "waypoint-1", false),
        ]);
        let missing = missing_in(&namespaces, "role=waypoint", &pods);
        let said: Vec<_> = missing.iter().map(|it| format!("{}: {}", it.name(), it.why)).collect();
        assert_eq!(
            said,
            ["b/waypoint-2: phase Running", "c/role=waypoint: no pod with these labels is there"]
        );
        assert!(missing_in(&namespaces[..1], "role=waypoint", &pods).is_empty());
    }
}
