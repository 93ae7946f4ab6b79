//! The provider `kube`: meshes and workloads in pods of any Kubernetes cluster that a kubeconfig context reaches.
//!
//! Everything made in a cluster goes through [`Cluster`], which marks it as the campaign's; so whatever way a campaign
//! ends, what it left is found by its label and nothing else is ever touched.

mod cluster;
mod error;
mod watch;

pub use cluster::Cluster;
pub use error::KubeError;
