//! The cluster that a campaign measured on, and where in it a run took place.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A Kubernetes cluster, as its API server tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterEnvironment {
    /// The kubeconfig context it was reached by.
    pub context: String,
    /// The version of Kubernetes.
    pub version: String,
    /// Its nodes, by name.
    pub nodes: Vec<ClusterNode>,
    /// Whether the load generator shares a node with what it measures.
    pub co_located: bool,
}

/// A node of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct ClusterNode {
    /// Its name.
    pub name: String,
    /// The kind of machine, as its provider calls it, or the architecture where nobody says.
    pub machine: String,
    /// Processor cores.
    pub cores: u32,
    /// Memory, in bytes.
    pub memory_bytes: u64,
    /// The kernel's release.
    pub kernel: String,
    /// The container runtime with its version.
    pub runtime: String,
}

/// Where in a cluster a run took place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterPlacement {
    /// The node that the load generator had.
    pub generator_node: String,
    /// Whether what it measured ran there too.
    pub co_located: bool,
    /// Pods of the load generator.
    pub generators: u32,
    /// The most by which two of their clocks differed, in nanoseconds.
    pub clock_spread_ns: u64,
    /// By how much that may be wrong, in nanoseconds.
    pub clock_error_ns: u64,
    /// How long the steps around the load took.
    #[serde(default)]
    pub steps: StepSeconds,
}

/// How long the steps around the load took, in seconds, each until it was verified.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepSeconds {
    /// Installing the mesh, until it was ready; zero where it stood from the run before.
    pub install: f64,
    /// Deploying the workload, until every pod was ready and enrolled.
    pub deploy: f64,
    /// Deleting the workload, until it was gone.
    pub delete: f64,
    /// Uninstalling the mesh, until it was gone; zero where it stayed for the run after.
    pub uninstall: f64,
}

impl ClusterEnvironment {
    /// All cores of all nodes.
    #[must_use]
    pub fn cores(&self) -> u32 {
        self.nodes.iter().map(|node| node.cores).sum()
    }

    /// The memory of all nodes, in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.nodes.iter().map(|node| node.memory_bytes).sum()
    }

    /// What nodes have for a property, each value once, in order: `6.1.0, 6.8.0`.
    #[must_use]
    pub fn distinct(&self, property: impl Fn(&ClusterNode) -> &str) -> String {
        let mut values: Vec<&str> = self.nodes.iter().map(property).collect();
        values.sort_unstable();
        values.dedup();
        values.join(", ")
    }

    /// Where the generator is, in words: what fingerprints have as topology.
    #[must_use]
    pub fn topology(&self) -> String {
        let nodes = self.nodes.len();
        let generator = match self.co_located {
            true => "generator beside what is measured",
            false => "generator on a node of its own",
        };
        format!("kube: {nodes} {}, {generator}", if nodes == 1 { "node" } else { "nodes" })
    }
}
