//! Deploying a workload and waiting until all of it is ready and enrolled.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use serde_json::Value;
use tokio::time::Instant;

use super::diagnosis::diagnose;
use super::layout::Layout;
use super::manifests::manifests;
use super::standing::{DeployedPod, Hindrance, Standing, standing};
use crate::kube::{Cluster, KubeError, watch};
use crate::mesh::KubeMesh;
use crate::wait::TimedOut;

/// How many objects are made at once: one after the other, 30 apps take half a minute of round trips; all at once, an API
/// server delays whom it finds greedy.
pub(super) const CONCURRENCY: usize = 16;

/// Makes a workload in a mesh, and waits until every pod is ready and has the mesh's containers and no others. Gives the
/// pods, app by app. What was made is there also after an error: [`delete`](super::delete::delete) removes it.
///
/// # Errors
/// [`KubeError::NotEnrolled`] when all pods are there and some have other containers; [`KubeError::TimedOut`] when `limit` runs out, with
/// what each pod waits for, its events and the end of its log; [`KubeError::Api`].
pub(crate) async fn deploy(
    cluster: &Cluster,
    layout: &Layout,
    mesh: &KubeMesh,
    limit: Duration,
) -> Result<Vec<DeployedPod>, KubeError> {
    let deadline = Instant::now() + limit;
    let manifests = manifests(layout, &mesh.enrolment);
    apply_all(cluster, &manifests.namespaces).await?;
    apply_all(cluster, &manifests.surroundings).await?;
    apply_all(cluster, &manifests.deployments).await?;
    let pods: Api<Pod> = Api::all(cluster.client().clone());
    let selected = ListParams::default().labels(&layout.selector());
    let mut hindered = Vec::new();
    let left = deadline.saturating_duration_since(Instant::now());
    let came = watch::until(&pods, &selected, left, |pods| match standing(layout, &mesh.sidecars, pods) {
        Standing::Ready(pods) => Ok(Ok(pods)),
        Standing::NotEnrolled(pods) => Ok(Err(not_enrolled(&pods))),
        Standing::Waiting(pods) => {
            hindered = pods;
            Err(format!("{} of them", hindered.len()))
        }
    });
    match came.await {
        Ok(settled) => settled,
        Err(waited) => {
            let last_seen = diagnose(cluster, &hindered).await.unwrap_or(waited.last_seen);
            let what = format!("not all {} pods of the workload are ready", layout.services().count());
            Err(KubeError::TimedOut { what, waited: TimedOut { limit, last_seen } })
        }
    }
}

async fn apply_all(cluster: &Cluster, objects: &[Value]) -> Result<(), KubeError> {
    let applied = stream::iter(objects).map(|object| cluster.apply(object)).buffer_unordered(CONCURRENCY);
    applied.try_for_each(|_| std::future::ready(Ok(()))).await
}

fn not_enrolled(pods: &[Hindrance]) -> KubeError {
    KubeError::NotEnrolled {
        pods: pods.iter().filter_map(|it| Some(format!("{}/{}", it.namespace, it.pod.as_ref()?))).collect(),
        why: pods
            .first()
            .map(|it| format!("{}/{}: {}", it.namespace, it.deployment, it.why))
            .unwrap_or_default(),
    }
}
