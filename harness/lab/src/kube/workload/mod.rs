//! The workload in a cluster: Emojivoto × N, deployed, waited for and deleted.

mod container;
mod delete;
mod deploy;
mod diagnosis;
mod layout;
mod making;
mod manifests;
mod shared_proxies;
mod standing;

pub(crate) use delete::delete;
pub(crate) use deploy::deploy;
pub(super) use diagnosis::{late, not_enrolled, not_ready};
pub(crate) use layout::{Layout, REQUEST_PORT, Service};
pub(super) use making::make_all;
pub(crate) use manifests::workload_manifests;
pub(crate) use standing::DeployedPod;
pub(super) use standing::{Hindrance, readiness, statuses, wrong_containers};

#[cfg(test)]
mod tests;
