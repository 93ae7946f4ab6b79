//! The provider `kube`: meshes and workloads in pods of any Kubernetes cluster that a kubeconfig context reaches.
//!
//! Everything made in a cluster goes through [`Cluster`], which marks it as the campaign's; so whatever way a campaign
//! ends, what it left is found by its label and nothing else is ever touched.

mod access;
mod cluster;
mod cycle;
mod error;
mod install;
mod labels;
mod layouts;
mod lingering;
mod load;
mod made;
mod namespace;
mod node_readiness;
mod placement;
mod proof;
mod provider;
mod resources;
mod results;
mod step_limit;
mod under_load;
mod watch;
mod workload;

pub use access::{
    Finding, Grade, KnownImages, Preflight, ROOM, Rule, Swept, TriedImages, Wanted, examine, role_yaml,
    rules, sweep, try_images,
};
pub use cluster::Cluster;
pub(crate) use cycle::StandingMesh;
pub use error::KubeError;
pub use made::MadeCluster;
pub use provider::KubeProvider;
