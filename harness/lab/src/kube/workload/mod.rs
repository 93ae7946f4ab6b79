//! The workload in a cluster: Emojivoto × N, deployed, waited for and deleted.

mod container;
mod delete;
mod deploy;
mod diagnosis;
mod layout;
mod manifests;
mod standing;

pub(crate) use delete::delete;
pub(crate) use deploy::deploy;
pub(crate) use layout::{Layout, REQUEST_PORT, Service};
pub(crate) use manifests::workload_manifests;
pub(crate) use standing::DeployedPod;
pub(super) use standing::{readiness, wrong_containers};

#[cfg(test)]
mod tests;
