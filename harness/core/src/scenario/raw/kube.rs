//! [`RawKube`]: how a scenario uses a cluster, as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Count, RawCluster, RawPlacements, Written};
use crate::scenario::kube::{GeneratorNode, InstallCycle, NamespaceLayout};
use crate::units::Span;

/// How a cluster is used, where `provider` is `kube`.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a mapping such as {generators: 2}")]
#[schemars(rename = "Kube")]
pub(in crate::scenario) struct RawKube {
    /// The kubeconfig contexts of the clusters, on all of which the cases run at once. `--context` and `MESHBENCH_CONTEXT`
    /// overrule them; without any, and without `cluster`, no case runs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::scenario) contexts: Vec<String>,
    /// A cluster that is made for the campaign and removed with it, in place of `contexts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::scenario) cluster: Option<RawCluster>,
    /// The image with meshbench's programs, which every node has or can pull.
    pub(in crate::scenario) image: String,
    /// The images of upstream's Emojivoto, to run it in place of ours. Its voting service cannot start with votes:
    /// `workload.votes` may then name only what `workload.requests` votes for, and counts begin with the warm-up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::scenario) workload_images: Option<RawWorkloadImages>,
    /// Pods of the load generator, which share the rate.
    pub(in crate::scenario) generators: Written<Count>,
    /// The node reserved for the load generator while a run lasts: `random`, a name, or a label such as `role=load`.
    pub(in crate::scenario) generator_node: Written<GeneratorNode>,
    /// Whether the load generator is part of the mesh: `true` or `false`, the same for every mesh.
    pub(in crate::scenario) generator_meshed: bool,
    /// Where the three services of an app run: `anywhere`, `same_node` or `across_nodes`; or several of these, with a case
    /// for each.
    pub(in crate::scenario) services: RawPlacements,
    /// What each of them asks the scheduler for, in thousandths of a core: it takes a cluster with room for all of them.
    pub(in crate::scenario) service_cpu_millicores: Written<Count>,
    /// Which namespaces the apps are in: `per_app`, or `shared` for one.
    pub(in crate::scenario) namespaces: Written<NamespaceLayout>,
    /// How long a mesh stays once it is installed: `per_run`, or `per_block` for all rates, durations and placements of a
    /// block, one after the other. The workload is new in each run either way.
    pub(in crate::scenario) install: Written<InstallCycle>,
    /// How long each step of a run may take, the load apart: installing, deploying, deleting, uninstalling.
    pub(in crate::scenario) step_limit: Written<Span>,
}

/// The images of upstream's Emojivoto, which every node has or can pull.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping such as {web: …, emoji: …, voting: …}")]
#[schemars(rename = "WorkloadImages")]
pub(in crate::scenario) struct RawWorkloadImages {
    /// The front end's, such as `docker.l5d.io/buoyantio/emojivoto-web:v11`.
    pub(in crate::scenario) web: String,
    /// That of the service of emoji, such as `docker.l5d.io/buoyantio/emojivoto-emoji-svc:v11`.
    pub(in crate::scenario) emoji: String,
    /// That of the service of votes, such as `docker.l5d.io/buoyantio/emojivoto-voting-svc:v11`.
    pub(in crate::scenario) voting: String,
}

impl Default for RawKube {
    fn default() -> Self {
        Self {
            contexts: Vec::new(),
            cluster: None,
            // What `meshbench-testcluster image` makes; no registry has it.
            image: "localhost/meshbench:dev".to_owned(),
            workload_images: None,
            generators: Written::new("1"),
            generator_node: Written::new("random"),
            generator_meshed: true,
            services: RawPlacements::One(Written::new("anywhere")),
            // What upstream's manifests have.
            service_cpu_millicores: Written::new("100"),
            namespaces: Written::new("per_app"),
            install: Written::new("per_run"),
            step_limit: Written::new("5m"),
        }
    }
}
