//! Whose cost a pod's containers are: [`Subjects`].

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use meshbench_core::resources::Group;

use crate::kube::labels::{APP, GENERATOR_ROLE, ROLE, RUN, SERVICE};
use crate::kube::workload::Layout;
use crate::mesh::{KubeMesh, PodSelector};

/// What of a cluster is measured in a run.
#[derive(Debug, Clone)]
pub(crate) struct Subjects {
    run: String,
    application_namespaces: BTreeSet<String>,
    mesh_namespaces: BTreeSet<String>,
    sidecars: BTreeSet<String>,
    data_plane_pods: Vec<PodSelector>,
}

/// A pod that is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    /// What its containers are called after: `web-0`, or the pod's name.
    pub name: String,
    /// Whose cost its containers are, sidecars aside.
    pub group: Group,
    /// Whether it is of the workload or a generator, so that the mesh's sidecars in it are its data plane.
    has_sidecars: bool,
}

impl Subjects {
    /// A workload in a mesh, and the generators of its run.
    pub(crate) fn new(layout: &Layout, mesh: &KubeMesh) -> Self {
        Self {
            run: layout.run.clone(),
            application_namespaces: layout.namespace_names().into_iter().collect(),
            mesh_namespaces: mesh.namespaces.iter().map(|namespace| namespace.name.clone()).collect(),
            sidecars: mesh.sidecars.iter().cloned().collect(),
            data_plane_pods: mesh.data_plane_pods.clone(),
        }
    }

    /// Whose cost a pod is; `None` for one that is not measured. Labels decide over the namespace.
    pub(super) fn owner_of(&self, pod: &Pod) -> Option<Owner> {
        let labels = pod.labels();
        let label = |name: &str| labels.get(name).map(String::as_str);
        if label(RUN) == Some(&self.run) {
            if label(ROLE) == Some(GENERATOR_ROLE) {
                return Some(Owner { name: pod.name_any(), group: Group::LoadGenerator, has_sidecars: true });
            }
            let name = format!("{}-{}", label(SERVICE)?, label(APP)?);
            return Some(Owner { name, group: Group::Application, has_sidecars: true });
        }
        let namespace = pod.namespace().unwrap_or_default();
        let is_data_plane = self.data_plane_pods.iter().any(|selector| {
            let in_namespace = match &selector.namespace {
                Some(named) => *named == namespace,
                None => self.application_namespaces.contains(&namespace),
            };
            in_namespace && selector.labels.iter().all(|(key, value)| labels.get(key) == Some(value))
        });
        let group = match (is_data_plane, self.mesh_namespaces.contains(&namespace)) {
            (true, _) => Group::DataPlane,
            (false, true) => Group::ControlPlane,
            (false, false) => return None,
        };
        Some(Owner { name: pod.name_any(), group, has_sidecars: false })
    }

    /// Whose cost one container of a pod is. A sidecar beside the control plane carries the control plane's own traffic
    /// and is its cost.
    pub(super) fn group_of(&self, owner: &Owner, container: &str) -> Group {
        if owner.has_sidecars && self.sidecars.contains(container) { Group::DataPlane } else { owner.group }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn subjects() -> Subjects {
        let named = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let selector = |namespace: Option<&str>, key: &str, value: &str| PodSelector {
            namespace: namespace.map(str::to_owned),
            labels: BTreeMap::from([(key.to_owned(), value.to_owned())]),
        };
        Subjects {
            run: "r".to_owned(),
            application_namespaces: named(&["mb-r-app-0"]),
            mesh_namespaces: named(&["istio-system"]),
            sidecars: named(&["istio-proxy"]),
            data_plane_pods: vec![
                selector(Some("istio-system"), "app", "ztunnel"),
                selector(None, "gateway.istio.io/managed", "istio.io-mesh-controller"),
            ],
        }
    }

    const APPLICATION: Option<(&str, Group)> = Some(("web-0", Group::Application));

    #[rstest]
    #[case::service(json!({RUN: "r", APP: "0", SERVICE: "web"}), "mb-r-app-0", "web", APPLICATION)]
    #[case::sidecar(
        json!({RUN: "r", APP: "0", SERVICE: "web"}),
        "mb-r-app-0",
        "istio-proxy",
        Some(("web-0", Group::DataPlane))
    )]
    #[case::generator(
        json!({RUN: "r", ROLE: "generator"}),
        "mb-r-load",
        "load",
        Some(("p", Group::LoadGenerator))
    )]
    #[case::generators_sidecar(
        json!({RUN: "r", ROLE: "generator"}),
        "mb-r-load",
        "istio-proxy",
        Some(("p", Group::DataPlane))
    )]
    #[case::istiod(json!({"app": "istiod"}), "istio-system", "discovery", Some(("p", Group::ControlPlane)))]
    #[case::proxy_of_the_control_plane(
        json!({"app": "istiod"}),
        "istio-system",
        "istio-proxy",
        Some(("p", Group::ControlPlane))
    )]
    #[case::per_node(json!({"app": "ztunnel"}), "istio-system", "istio-proxy", Some(("p", Group::DataPlane)))]
    #[case::waypoint(
        json!({"gateway.istio.io/managed": "istio.io-mesh-controller"}),
        "mb-r-app-0",
        "istio-proxy",
        Some(("p", Group::DataPlane))
    )]
    #[case::anothers_waypoint(
        json!({"gateway.istio.io/managed": "istio.io-mesh-controller"}),
        "shop",
        "istio-proxy",
        None
    )]
    #[case::of_another_run(json!({RUN: "q", APP: "0", SERVICE: "web"}), "mb-q-app-0", "web", None)]
    #[case::of_the_cluster(json!({"k8s-app": "kube-dns"}), "kube-system", "coredns", None)]
    fn each_container_is_somebodys_cost(
        #[case] labels: Value,
        #[case] namespace: &str,
        #[case] container: &str,
        #[case] expected: Option<(&str, Group)>,
    ) {
        let metadata = json!({"name": "p", "namespace": namespace, "labels": labels});
        let pod: Pod = serde_json::from_value(json!({"metadata": metadata})).unwrap();
        let subjects = subjects();
        let found =
            subjects.owner_of(&pod).map(|owner| (owner.name.clone(), subjects.group_of(&owner, container)));
        assert_eq!(found, expected.map(|(name, group)| (name.to_owned(), group)));
    }
}
