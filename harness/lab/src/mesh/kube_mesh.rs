//! How a mesh runs on Kubernetes, as the `kube` section of its `mesh.yaml` says it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use meshbench_core::node_traces::NodeMarks;
use meshbench_core::yaml::one_key_enums;
use serde::{Deserialize, Serialize};

use super::metric_selector::MetricSelector;

/// How a mesh runs on Kubernetes; all empty for `bare`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KubeMesh {
    /// Namespaces of the mesh's own, made first and removed last.
    pub namespaces: Vec<OwnNamespace>,
    /// What is installed, in this order.
    #[serde(deserialize_with = "one_key_enums::deserialize")]
    pub install: Vec<InstallStep>,
    /// What must be so before a workload is deployed.
    #[serde(deserialize_with = "one_key_enums::deserialize")]
    pub ready: Vec<ReadyCondition>,
    /// What makes pods part of the mesh.
    pub enrolment: Enrolment,
    /// Containers that must be in each enrolled pod, native sidecars included; the data plane's.
    pub sidecars: Vec<String>,
    /// Pods of the mesh's own namespaces and whose cost they are; what no rule names is control plane.
    pub data_plane_pods: Vec<PodSelector>,
    /// What proves that traffic crosses it.
    pub proof: Option<KubeProof>,
    /// Rules that a role needs for what is installed, besides those for Kubernetes' own kinds.
    pub permissions: Vec<Permission>,
    /// What must be gone after uninstalling, besides what was installed: what the mesh makes by itself.
    #[serde(deserialize_with = "one_key_enums::deserialize")]
    pub leaves: Vec<LeftOver>,
    /// What its agents change on nodes, which must be gone then, too; nothing is looked for on nodes where it is left out.
    pub on_nodes: Option<NodeMarks>,
}

/// A namespace of the mesh's own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnNamespace {
    /// Its name.
    pub name: String,
    /// Its labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// One step of an installation: where manifests come from. All are applied the same way.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum InstallStep {
    /// A Helm chart, rendered by `helm template`.
    Helm(HelmChart),
    /// A file beside `mesh.yaml`, or an `https://` URL, with manifests in YAML.
    Manifests(String),
    /// A folder beside `mesh.yaml` or a URL, rendered by `kubectl kustomize`.
    Kustomize(String),
    /// A command that prints manifests, for example `[linkerd, install]`; run in the mesh's folder.
    Command(Vec<String>),
}

/// A Helm chart at a pinned version.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HelmChart {
    /// The release's name.
    pub release: String,
    /// The namespace it is rendered for.
    pub namespace: String,
    /// The chart: its name within `repository`, an `oci://` URL, or a path, relative to `mesh.yaml` unless absolute.
    pub chart: String,
    /// The repository's URL, where `chart` is a name.
    pub repository: Option<String>,
    /// The exact version; none for a chart that is a path.
    pub version: Option<String>,
    /// A file beside `mesh.yaml` with values.
    pub values: Option<PathBuf>,
}

/// A condition that must come true after installing, within the limit of the step.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ReadyCondition {
    /// All replicas of this Deployment, `namespace/name`, are available.
    Deployment(String),
    /// All pods of this `DaemonSet`, `namespace/name`, are available.
    DaemonSet(String),
    /// Every webhook of this mutating configuration has a certificate authority, so that the API server can ask it.
    MutatingWebhook(String),
    /// A pod that is enrolled gets all of `sidecars`, however they are injected. The pod is tried and not made.
    SidecarsInjected,
}

/// What makes pods part of a mesh.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Enrolment {
    /// Labels of each application's namespace.
    pub namespace_labels: BTreeMap<String, String>,
    /// Annotations of each application's namespace.
    pub namespace_annotations: BTreeMap<String, String>,
    /// Labels of each pod.
    pub pod_labels: BTreeMap<String, String>,
    /// Annotations of each pod.
    pub pod_annotations: BTreeMap<String, String>,
    /// Files beside `mesh.yaml` with objects to make in each application's namespace, such as a policy or a waypoint.
    pub namespace_manifests: Vec<String>,
}

/// Pods of a namespace with all of these labels.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PodSelector {
    /// The namespace; each application's where it is left out.
    pub namespace: Option<String>,
    /// Labels that a pod must have.
    pub labels: BTreeMap<String, String>,
}

/// What proves that traffic crosses a mesh.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubeProof {
    /// The counters of each enrolled pod's sidecar; none for a mesh without sidecars.
    pub sidecar: Option<KubeCounters>,
    /// The counters of the mesh's shared proxies (per node, waypoints), whose sum must move by what must have crossed.
    pub shared: Option<SharedCounters>,
    /// Whether plaintext from outside the mesh must be refused.
    #[serde(default)]
    pub plaintext_refused: bool,
    /// How the identity of each pod's proxy is asked for.
    pub identity: Option<IdentityProof>,
    /// How a sidecar is asked for the configuration that it runs with, which is kept with the result.
    pub configuration: Option<PodCommand>,
}

/// Where a sidecar's counters are and which of them count requests. Asked through the API server's pod proxy.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubeCounters {
    /// The port of the pod.
    pub port: u16,
    /// The path that answers in Prometheus text format.
    pub path: String,
    /// Requests that arrived from peers.
    pub inbound_requests: MetricSelector,
    /// Requests that the workload sent to peers.
    pub outbound_requests: MetricSelector,
    /// Completed mutual TLS handshakes on the inbound side.
    pub inbound_tls_handshakes: Option<MetricSelector>,
}

/// Where shared proxies' counters are. Asked through the API server's pod proxy.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedCounters {
    /// The proxies.
    pub pods: PodSelector,
    /// The port of each.
    pub port: u16,
    /// The path that answers in Prometheus text format.
    pub path: String,
    /// What grows with the requests or connections that cross.
    pub crossings: MetricSelector,
    /// Which of the two it grows with.
    #[serde(default)]
    pub counts: Crossing,
}

/// What a shared proxy counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Crossing {
    /// Connections that pods open, not what proxies open between each other for many of them. What stays open is counted
    /// once, however many requests it carries.
    #[default]
    Connections,
    /// Requests to services, whoever of the mesh's pods sends them.
    Requests,
}

/// A command in each sidecar whose output must name the pod's identity.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityProof {
    /// The container it runs in.
    pub container: String,
    /// The command.
    pub command: Vec<String>,
    /// What the output must contain, not as a part of a longer name; `{namespace}` and `{account}` are the pod's.
    pub contains: String,
}

/// A command in a container of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PodCommand {
    /// The container it runs in.
    pub container: String,
    /// The command.
    pub command: Vec<String>,
}

/// A rule of a role.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permission {
    /// The API group.
    pub group: String,
    /// Its resources in plural, or `*`.
    pub resources: Vec<String>,
}

/// What a mesh makes by itself and leaves behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LeftOver {
    /// Objects made by its controllers outside its own namespaces: removed by us after uninstalling.
    Object {
        /// For example `v1`.
        api_version: String,
        /// For example `ConfigMap`.
        kind: String,
        /// The name, the same in every namespace it appears in.
        name: String,
        /// The namespace; every one, where it is left out and the kind has namespaces.
        namespace: Option<String>,
    },
    /// Custom resource definitions whose group ends like this, which must be gone.
    CustomResources(String),
}
