//! Proof that the traffic in a cluster takes the way it is said to take: [`prove`], before anything is measured, and
//! [`ProvenPath::confirm`], afterwards.
//!
//! Published numbers have been wrong because traffic took another way than thought. So the proxies' own identities are
//! asked for and plaintext from outside the mesh is tried, both times, and the proxies' own counters must have moved by what
//! the generator got answered. Without a mesh the same plaintext must be answered: else its refusal elsewhere proves nothing.

mod answered;
mod command;
mod configuration;
mod counters;
mod identity;
mod moment;
mod plaintext;

use std::time::Duration;

use meshbench_core::run::DataPathProof;

pub(crate) use answered::Answered;
pub(crate) use configuration::keep_effective;

use super::workload::{DeployedPod, Layout};
use super::{Cluster, KubeError};
use crate::mesh::{KubeMesh, KubeProof};
use counters::Crossings;
use moment::Moment;

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
    let moment = Moment::BeforeLoad;
    let proven = enforced(cluster, layout, mesh.proof.as_ref(), pods, moment, limit).await?;
    if mesh.install.is_empty() {
        plaintext::answered(&plaintext::try_all(cluster, layout, pods, moment.probe(), limit).await?)?;
    }
    // After the probe, whose requests may have crossed.
    let start = counters::read(cluster, mesh.proof.as_ref(), layout, pods).await?;
    Ok(ProvenPath { proof: mesh.proof.clone(), pods: pods.to_vec(), start, proven })
}

/// Proves what a mesh enforces, where its definition says that it does: each proxy's identity, and that plaintext is refused.
async fn enforced(
    cluster: &Cluster,
    layout: &Layout,
    proof: Option<&KubeProof>,
    pods: &[DeployedPod],
    moment: Moment,
    limit: Duration,
) -> Result<DataPathProof, KubeError> {
    let mut proven = DataPathProof::default();
    let Some(proof) = proof else { return Ok(proven) };
    if let Some(identity) = &proof.identity {
        let verified = identity::verify(cluster, identity, pods, limit).await;
        proven.verified_identities = verified.map_err(moment.told())?;
    }
    if proof.plaintext_refused {
        let tried = plaintext::try_all(cluster, layout, pods, moment.probe(), limit).await;
        tried.and_then(|tried| plaintext::refused(&tried)).map_err(moment.told())?;
        proven.refused_plaintext = u32::try_from(pods.len()).unwrap_or(u32::MAX);
    }
    Ok(proven)
}

impl ProvenPath {
    /// Proves that what was answered since [`prove`] crossed the mesh, and so did the calls behind it; and that the mesh
    /// still enforces what it did then.
    ///
    /// # Errors
    /// [`KubeError::DataPath`] when a counter covers fewer, or as [`prove`] has it; [`KubeError::TimedOut`];
    /// [`KubeError::Api`].
    pub(crate) async fn confirm(
        &self,
        cluster: &Cluster,
        layout: &Layout,
        answered: &Answered<'_>,
        limit: Duration,
    ) -> Result<DataPathProof, KubeError> {
        let (moment, proof) = (Moment::AfterLoad, self.proof.as_ref());
        // Before the probe, whose requests may cross.
        let end = counters::read(cluster, proof, layout, &self.pods).await.map_err(moment.told())?;
        let crossed = counters::covers(&self.start, &end, &self.pods, answered);
        let crossed = crossed.map_err(KubeError::DataPath)?;
        // Without a mesh nothing is tried anew: none can have come meanwhile.
        enforced(cluster, layout, proof, &self.pods, moment, limit).await?;
        let DataPathProof { verified_identities, refused_plaintext, .. } = self.proven;
        Ok(DataPathProof { verified_identities, refused_plaintext, ..crossed })
    }
}

#[cfg(test)]
mod tests;
