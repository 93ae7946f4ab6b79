//! Asking proxies for the configuration that they run with: [`keep_effective`].

use std::fs;
use std::path::Path;
use std::time::Duration;

use tokio::time::timeout;

use super::command::run;
use crate::error::{LabError, error_chain};
use crate::kube::workload::{DeployedPod, Service};
use crate::kube::{Cluster, KubeError};
use crate::mesh::{KubeProof, PodCommand};

/// Keeps what a proxy of each service says that it runs with, where the mesh's file says how to ask: a file each in the
/// folder `configuration`, which is made. What cannot be had is kept as the reason in its place, for nothing measured is
/// wrong without it.
///
/// # Errors
/// [`LabError`] where a file cannot be written.
pub(crate) async fn keep_effective(
    cluster: &Cluster,
    proof: Option<&KubeProof>,
    pods: &[DeployedPod],
    configuration: &Path,
    limit: Duration,
) -> Result<(), LabError> {
    let Some(asked) = proof.and_then(|proof| proof.configuration.as_ref()) else { return Ok(()) };
    fs::create_dir_all(configuration).map_err(LabError::file("create", configuration))?;
    for service in Service::ALL {
        let Some(pod) = pods.iter().find(|pod| pod.service == service) else { continue };
        let said = effective(cluster, asked, pod, limit).await.unwrap_or_else(|error| error_chain(&error));
        // As it was printed, which may be warnings first.
        let path = configuration.join(format!("effective-{}.txt", service.name()));
        fs::write(&path, said).map_err(LabError::file("write", &path))?;
    }
    Ok(())
}

async fn effective(
    cluster: &Cluster,
    asked: &PodCommand,
    pod: &DeployedPod,
    limit: Duration,
) -> Result<String, KubeError> {
    let PodCommand { container, command } = asked;
    let Ok(printed) = timeout(limit, run(cluster, container, command, pod)).await else {
        let limit = humantime::format_duration(limit);
        return Err(KubeError::Unfit(format!("{}/{} did not say in {limit}", pod.namespace, pod.name)));
    };
    let printed = printed?;
    Ok(if printed.output.trim().is_empty() { printed.errors } else { printed.output })
}
