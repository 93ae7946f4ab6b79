//! The kinds of objects that meshbench and the meshes it installs are made of: [`MADE`].

use kube::api::{Api, ApiResource, DynamicObject};

use crate::kube::cluster::Cluster;

/// A kind of Kubernetes' own that is made, and removed again.
#[derive(Debug)]
pub(super) struct Kind {
    /// The API group; empty for the core group.
    pub(super) group: &'static str,
    version: &'static str,
    /// As manifests name it.
    pub(super) name: &'static str,
    /// As roles name it.
    pub(super) plural: &'static str,
    /// When it is removed.
    pub(super) removal: Removal,
}

/// When objects of a kind are removed; one step is over before the next begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Removal {
    /// What the API server asks about other objects: once those who answer are gone, nothing could be removed.
    Interceptors,
    /// Namespaces, with all that is in them, but for those of meshes, which may have to take part in that.
    Namespaces,
    /// What runs elsewhere, and so makes objects by itself.
    Workloads,
    /// Namespaces of meshes, which carry the word of what these made elsewhere.
    MeshNamespaces,
    /// What was made in namespaces of others.
    InNamespaces,
    /// What is in no namespace.
    ClusterWide,
    /// Definitions of kinds, with all objects of these.
    Definitions,
}

impl Removal {
    /// The steps, in order.
    pub(super) const STEPS: [Self; 7] = [
        Self::Interceptors,
        Self::Namespaces,
        Self::Workloads,
        Self::MeshNamespaces,
        Self::InNamespaces,
        Self::ClusterWide,
        Self::Definitions,
    ];
}

const ADMISSION: &str = "admissionregistration.k8s.io";
const RBAC: &str = "rbac.authorization.k8s.io";

/// Every kind that is made: what a role allows to make and what a sweep looks for are the same by being this table.
#[rustfmt::skip]
pub(super) const MADE: &[Kind] = &[
    kind(ADMISSION, "v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", Removal::Interceptors),
    kind(ADMISSION, "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", Removal::Interceptors),
    kind(ADMISSION, "v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies", Removal::Interceptors),
    kind(ADMISSION, "v1", "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", Removal::Interceptors),
    // In the one or the other, depending on the cluster; where it is in neither, nothing of it was made.
    kind(ADMISSION, "v1", "MutatingAdmissionPolicy", "mutatingadmissionpolicies", Removal::Interceptors),
    kind(ADMISSION, "v1", "MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings", Removal::Interceptors),
    kind(ADMISSION, "v1beta1", "MutatingAdmissionPolicy", "mutatingadmissionpolicies", Removal::Interceptors),
    kind(ADMISSION, "v1beta1", "MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings", Removal::Interceptors),
    kind("apiregistration.k8s.io", "v1", "APIService", "apiservices", Removal::Interceptors),
    kind("", "v1", "Namespace", "namespaces", Removal::Namespaces),
    kind("", "v1", "ServiceAccount", "serviceaccounts", Removal::InNamespaces),
    kind("", "v1", "ConfigMap", "configmaps", Removal::InNamespaces),
    kind("", "v1", "Secret", "secrets", Removal::InNamespaces),
    kind("", "v1", "Service", "services", Removal::InNamespaces),
    kind("", "v1", "Pod", "pods", Removal::InNamespaces),
    kind("apps", "v1", "Deployment", "deployments", Removal::Workloads),
    kind("apps", "v1", "DaemonSet", "daemonsets", Removal::Workloads),
    kind("apps", "v1", "StatefulSet", "statefulsets", Removal::Workloads),
    kind("batch", "v1", "Job", "jobs", Removal::Workloads),
    kind("batch", "v1", "CronJob", "cronjobs", Removal::Workloads),
    kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", Removal::InNamespaces),
    kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", Removal::InNamespaces),
    kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", Removal::InNamespaces),
    kind(RBAC, "v1", "Role", "roles", Removal::InNamespaces),
    kind(RBAC, "v1", "RoleBinding", "rolebindings", Removal::InNamespaces),
    kind(RBAC, "v1", "ClusterRole", "clusterroles", Removal::ClusterWide),
    kind(RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", Removal::ClusterWide),
    kind("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", Removal::ClusterWide),
    kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", Removal::Definitions),
];

const fn kind(
    group: &'static str,
    version: &'static str,
    name: &'static str,
    plural: &'static str,
    removal: Removal,
) -> Kind {
    Kind { group, version, name, plural, removal }
}

impl Kind {
    /// Whether its objects are removed in this step.
    pub(super) fn is_removed_in(&self, step: Removal) -> bool {
        self.removal == step || (self.removal, step) == (Removal::Namespaces, Removal::MeshNamespaces)
    }

    /// Its objects in all namespaces, or in one.
    pub(super) fn api(&self, cluster: &Cluster, namespace: Option<&str>) -> Api<DynamicObject> {
        let Self { group, version, name, plural, .. } = self;
        let api_version = if group.is_empty() { (*version).to_owned() } else { format!("{group}/{version}") };
        let resource = ApiResource {
            group: (*group).to_owned(),
            version: (*version).to_owned(),
            api_version,
            kind: (*name).to_owned(),
            plural: (*plural).to_owned(),
        };
        match namespace {
            Some(namespace) => Api::namespaced_with(cluster.client().clone(), namespace, &resource),
            None => Api::all_with(cluster.client().clone(), &resource),
        }
    }
}
