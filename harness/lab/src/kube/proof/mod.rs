//! Proof that the traffic in a cluster takes the way it is said to take: [`prove`], before anything is measured, and
//! [`ProvenPath::confirm`], afterwards.
//!
//! Published numbers have been wrong because traffic took another way than thought. So the proxies' own identities are
//! asked for, plaintext from outside the mesh is tried, and the proxies' own counters must have moved by what the
//! generator got answered. Without a mesh the same plaintext must be answered: else its refusal elsewhere proves nothing.

mod counters;
mod identity;
mod plaintext;

use std::collections::BTreeSet;
use std::time::Duration;

use meshbench_core::run::DataPathProof;

use super::workload::{DeployedPod, Layout};
use super::{Cluster, KubeError};
use crate::mesh::{KubeMesh, KubeProof};
use counters::Crossings;

/// A data path that was proven before the measurement.
#[derive(Debug)]
pub(crate) struct ProvenPath {
    proof: Option<KubeProof>,
    pods: Vec<DeployedPod>,
    start: Crossings,
    proven: DataPathProof,
}

/// Proves the identity of each pod's proxy and what becomes of plaintext, and reads the counters from which on
/// [`ProvenPath::confirm`] counts. That pods have the mesh's containers and no others, deploying has shown.
///
/// # Errors
/// [`KubeError::DataPath`] with the pod or service and what it showed; [`KubeError::TimedOut`]; [`KubeError::Api`].
pub(crate) async fn prove(
    cluster: &Cluster,
    layout: &Layout,
    mesh: &KubeMesh,
    pods: &[DeployedPod],
    limit: Duration,
) -> Result<ProvenPath, KubeError> {
    let mut proven = DataPathProof::default();
    if let Some(identity) = mesh.proof.as_ref().and_then(|proof| proof.identity.as_ref()) {
        proven.verified_identities = identity::verify(cluster, identity, pods, limit).await?;
    }
    if mesh.proof.as_ref().is_some_and(|proof| proof.plaintext_refused) {
        plaintext::refused(&plaintext::try_all(cluster, layout, pods, limit).await?)?;
        proven.refused_plaintext = u32::try_from(pods.len()).unwrap_or(u32::MAX);
    } else if mesh.install.is_empty() {
        plaintext::answered(&plaintext::try_all(cluster, layout, pods, limit).await?)?;
    }
    // After the probe, whose requests may have crossed.
    let start = counters::read(cluster, mesh.proof.as_ref(), layout, pods).await?;
    Ok(ProvenPath { proof: mesh.proof.clone(), pods: pods.to_vec(), start, proven })
}

impl ProvenPath {
    /// Proves that `answered` requests to these paths, sent since [`prove`], crossed the mesh, and so did the calls behind
    /// them.
    ///
    /// # Errors
    /// [`KubeError::DataPath`] when a counter covers fewer; [`KubeError::Api`].
    pub(crate) async fn confirm(
        &self,
        cluster: &Cluster,
        layout: &Layout,
        paths: &BTreeSet<&str>,
        answered: u64,
    ) -> Result<DataPathProof, KubeError> {
        let end = counters::read(cluster, self.proof.as_ref(), layout, &self.pods).await?;
        let crossed = counters::covers(&self.start, &end, &self.pods, paths, answered);
        let crossed = crossed.map_err(KubeError::DataPath)?;
        let DataPathProof { verified_identities, refused_plaintext, .. } = self.proven;
        Ok(DataPathProof { verified_identities, refused_plaintext, ..crossed })
    }
}

#[cfg(test)]
mod tests;
