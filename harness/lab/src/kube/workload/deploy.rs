//! Deploying a workload and waiting until all of it is ready and enrolled.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};

use super::diagnosis::{late, not_enrolled};
use super::layout::Layout;
use super::making::make_all;
use super::manifests::manifests;
use super::shared_proxies::await_shared_proxies;
use super::standing::{DeployedPod, Standing, standing};
use crate::kube::step_limit::StepLimit;
use crate::kube::{Cluster, KubeError, watch};
use crate::mesh::KubeMesh;

/// Whose pods are deployed here, in words.
const WORKLOAD: &str = "the workload";

/// Makes a workload in a mesh, and waits until every pod is ready and has the mesh's containers and no others, and until the
/// mesh's proxies beside them are there. Gives the pods, app by app. What was made is there also after an error:
/// [`delete`](super::delete::delete) removes it.
///
/// # Errors
/// [`KubeError::NotEnrolled`] when all pods are there and some have other containers; [`KubeError::NotReady`] when `limit`
/// runs out, with what pods wait for, their events and the end of their logs; [`KubeError::TimedOut`] when the API server
/// says nothing for as long; [`KubeError::Refused`], [`KubeError::Api`].
pub(crate) async fn deploy(
    cluster: &Cluster,
    layout: &Layout,
    mesh: &KubeMesh,
    limit: Duration,
) -> Result<Vec<DeployedPod>, KubeError> {
    let step = StepLimit::begin(limit);
    let manifests = manifests(layout, &mesh.enrolment);
    make_all(cluster, "the namespaces of the workload", &manifests.namespaces, step).await?;
    make_all(cluster, "the surroundings of the workload's pods", &manifests.surroundings, step).await?;
    make_all(cluster, "the Deployments of the workload", &manifests.deployments, step).await?;
    let pods: Api<Pod> = Api::all(cluster.client().clone());
    let selected = ListParams::default().labels(&layout.selector());
    let mut hindered = Vec::new();
    let came =
        watch::until(&pods, &selected, step.left(), |pods| match standing(layout, &mesh.sidecars, pods) {
            Standing::Ready(pods) => Ok(Ok(pods)),
            Standing::NotEnrolled(pods) => Ok(Err(not_enrolled(&pods))),
            Standing::Waiting(pods) => {
                hindered = pods;
                Err(format!("{} of {} pods not ready", hindered.len(), layout.services().count()))
            }
        });
    let pods = match came.await {
        Ok(settled) => settled?,
        Err(waited) => return Err(late(cluster, WORKLOAD, &hindered, step.ran_out(waited.last_seen)).await),
    };
    await_shared_proxies(cluster, layout, mesh, step).await?;
    Ok(pods)
}
