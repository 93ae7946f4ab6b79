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
    /// Whose cost the mesh's sidecars in it are.
    sidecars: Group,
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
                return Some(Owner {
                    name: pod.name_any(),
                    group: Group::LoadGenerator,
                    sidecars: Group::DataPlane,
                });
            }
            let name = format!("{}-{}", label(SERVICE)?, label(APP)?);
            return Some(Owner { name, group: Group::Application, sidecars: Group::DataPlane });
        }
        let namespace = pod.namespace().unwrap_or_default();
        let is_data_plane = self.data_plane_pods.iter().any(|selector| {
            let in_namespace = match &selector.namespace {
                Some(named) => *named == namespace,
                None => self.application_namespaces.contains(&namespace),
            };
            in_namespace && selector.labels.iter().all(|(key, value)| labels.get(key) == Some(value))
        });
        let (group, sidecars) = match (is_data_plane, self.mesh_namespaces.contains(&namespace)) {
            (true, _) => (Group::DataPlane, Group::DataPlane),
            (false, true) if self.is_proxy_alone(pod) => (Group::ControlPlane, Group::ControlPlane),
            (false, true) => (Group::ControlPlane, Group::ControlPlaneProxy),
            (false, false) => return None,
        };
        Some(Owner { name: pod.name_any(), group, sidecars })
    }

    /// Whose cost one container of a pod is.
    pub(super) fn group_of(&self, owner: &Owner, container: &str) -> Group {
        if self.sidecars.contains(container) { owner.sidecars } else { owner.group }
    }

    /// Whether requests go through a container of a pod, as through a sidecar.
    pub(super) fn is_in_the_way(&self, pod: &Pod, container: &str) -> bool {
        self.owner_of(pod).is_some_and(|owner| self.group_of(&owner, container) == Group::DataPlane)
    }

    /// Whether there is nothing in a pod but a proxy, as in a gateway's: it is beside nothing of the control plane.
    fn is_proxy_alone(&self, pod: &Pod) -> bool {
        let mut containers = pod.spec.iter().flat_map(|spec| &spec.containers);
        containers.all(|container| self.sidecars.contains(&container.name))
    }
}

#[cfg(test)]
impl Subjects {
    /// The workload and the generators of a run, without a mesh.
    pub(super) fn of_run(run: &str) -> Self {
        Self {
            run: run.to_owned(),
            application_namespaces: BTreeSet::new(),
            mesh_namespaces: BTreeSet::new(),
            sidecars: BTreeSet::new(),
            data_plane_pods: Vec::new(),
        }
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
        Some(("p", Group::ControlPlaneProxy))
    )]
    #[case::gateway(json!({"app": "gateway"}), "istio-system", "istio-proxy", Some(("p", Group::ControlPlane)))]
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
        let main = if labels["app"] == "istiod" { "discovery" } else { container };
        let metadata = json!({"name": "p", "namespace": namespace, "labels": labels});
        let spec = json!({"containers": [{"name": main}]});
        let pod: Pod = serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap();
        let subjects = subjects();
        let found =
            subjects.owner_of(&pod).map(|owner| (owner.name.clone(), subjects.group_of(&owner, container)));
        assert_eq!(found, expected.map(|(name, group)| (name.to_owned(), group)));
        let is_in_the_way = expected.is_some_and(|(_, group)| group == Group::DataPlane);
        assert_eq!(subjects.is_in_the_way(&pod, container), is_in_the_way);
    }
}
