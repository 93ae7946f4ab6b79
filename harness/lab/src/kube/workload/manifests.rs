//! The objects of a workload, as values: [`Manifests`].

use meshbench_core::scenario::ServicePlacement;
use serde_json::{Value, json};

use super::container::container;
use super::layout::{Layout, REQUEST_PORT, Service};
use crate::kube::labels::{APP, GENERATOR_ROLE, ROLE, RUN, SERVICE};
use crate::mesh::{Enrolment, KubeMesh};

/// What "the same node" means to the scheduler.
const NODE: &str = "kubernetes.io/hostname";

/// The objects of a workload, in the three steps in which they are made: a Deployment whose account is not there yet, or
/// whose namespace's policies are not, would have its pods refused or admitted otherwise.
#[derive(Debug)]
pub(super) struct Manifests {
    /// Namespaces, enrolled.
    pub namespaces: Vec<Value>,
    /// What is in them before any pod: accounts, Services, and objects of the mesh's enrolment.
    pub surroundings: Vec<Value>,
    /// One for each service of each app.
    pub deployments: Vec<Value>,
}

/// The objects of a workload in a mesh.
pub(super) fn manifests(layout: &Layout, enrolment: &Enrolment) -> Manifests {
    let names = layout.namespace_names();
    let enrolling =
        names.iter().flat_map(|name| layout.namespace_objects.iter().map(move |it| within(it, name)));
    let own = layout.services().flat_map(|(app, service)| {
        [service_account(layout, app, service), service_object(layout, app, service)]
    });
    Manifests {
        namespaces: names.iter().map(|name| namespace(layout, enrolment, name)).collect(),
        surroundings: enrolling.chain(own).collect(),
        deployments: layout
            .services()
            .map(|(app, service)| deployment(layout, enrolment, app, service))
            .collect(),
    }
}

/// All objects of a workload in a mesh as one list, in the order in which they are made, for people to keep and look at.
pub(crate) fn workload_manifests(layout: &Layout, mesh: &KubeMesh) -> Value {
    let Manifests { namespaces, surroundings, deployments } = manifests(layout, &mesh.enrolment);
    let items: Vec<_> = namespaces.into_iter().chain(surroundings).chain(deployments).collect();
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

fn namespace(layout: &Layout, enrolment: &Enrolment, name: &str) -> Value {
    let mut labels = json!(enrolment.namespace_labels);
    labels[RUN] = json!(layout.run);
    json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": labels, "annotations": enrolment.namespace_annotations},
    })
}

fn within(object: &Value, namespace: &str) -> Value {
    let mut object = object.clone();
    object["metadata"]["namespace"] = json!(namespace);
    object
}

fn service_account(layout: &Layout, app: u32, service: Service) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": layout.name_of(app, service), "namespace": layout.namespace_of(app)},
    })
}

fn service_object(layout: &Layout, app: u32, service: Service) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": layout.service_name(app, service), "namespace": layout.namespace_of(app)},
        "spec": {
            "selector": labels(layout, app, service),
            "ports": [{"name": service.port_name(), "port": REQUEST_PORT, "targetPort": REQUEST_PORT}],
        },
    })
}

fn deployment(layout: &Layout, enrolment: &Enrolment, app: u32, service: Service) -> Value {
    let own = labels(layout, app, service);
    let mut pod_labels = json!(enrolment.pod_labels);
    for label in [RUN, APP, SERVICE] {
        pod_labels[label] = own[label].clone();
    }
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": layout.name_of(app, service), "namespace": layout.namespace_of(app)},
        "spec": {
            // With more, meshes balance requests between them that `bare` does not.
            "replicas": 1,
            "selector": {"matchLabels": own},
            "template": {
                "metadata": {"labels": pod_labels, "annotations": enrolment.pod_annotations},
                "spec": {
                    "serviceAccountName": layout.name_of(app, service),
                    // Else every pod of a shared namespace gets several variables for each Service there.
                    "enableServiceLinks": false,
                    "affinity": affinity(layout, app, service),
                    "containers": [container(layout, app, service)],
                },
            },
        },
    })
}

fn labels(layout: &Layout, app: u32, service: Service) -> Value {
    json!({RUN: layout.run, APP: app.to_string(), SERVICE: service.name()})
}

fn affinity(layout: &Layout, app: u32, service: Service) -> Value {
    let mut beside = Vec::new();
    let mut apart = Vec::new();
    if layout.apart_from_generator {
        // An empty selector of namespaces is all of them.
        let generators = json!({"matchLabels": {ROLE: GENERATOR_ROLE}});
        apart.push(json!({"topologyKey": NODE, "labelSelector": generators, "namespaceSelector": {}}));
    }
    let of_app = |services: &[Service]| {
        let names: Vec<_> = services.iter().map(|service| service.name()).collect();
        json!({"topologyKey": NODE, "labelSelector": {
            "matchLabels": {RUN: layout.run, APP: app.to_string()},
            "matchExpressions": [{"key": SERVICE, "operator": "In", "values": names}],
        }})
    };
    match layout.placement {
        ServicePlacement::Anywhere => {}
        ServicePlacement::SameNode => beside.push(of_app(&Service::ALL)),
        ServicePlacement::AcrossNodes => apart.push(of_app(match service {
            Service::Web => &[Service::Emoji, Service::Voting],
            Service::Emoji | Service::Voting => &[Service::Web],
        })),
    }
    json!({
        "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": beside},
        "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": apart},
    })
}

#[cfg(test)]
mod tests;
