//! Installing a mesh in a cluster and taking it away again: [`MeshInstallation`].
//!
//! Rendering ([`render`]) and what is decided about objects ([`manifest`]) know no cluster. What a mesh consists of is
//! known before the first object is made, so that it can be removed however far an installation came.

mod apply;
mod injection;
mod kept;
mod leaves;
mod manifest;
mod nodes;
mod objects;
mod program;
mod ready;
mod render;
#[cfg(test)]
mod shipped;
mod trouble;
mod uninstall;

pub(super) use kept::empty_secrets;
pub(super) use leaves::remove as remove_leaves;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use kube::api::DynamicObject;
use serde_json::Value;
use tokio::time::Instant;

use super::access::ClusterWide;
use super::cluster::Cluster;
use super::error::KubeError;
use super::step_limit::StepLimit;
use crate::mesh::{KubeMesh, MeshDefinition};
use kept::keep;
use nodes::NodesBefore;

/// A mesh that is to be installed, is, or is to be removed.
#[derive(Debug, Clone)]
pub(super) struct MeshInstallation<'mesh> {
    mesh: &'mesh MeshDefinition,
    kube: &'mesh KubeMesh,
    /// Its own namespaces and everything that was rendered.
    objects: Vec<DynamicObject>,
    /// What was in the cluster before, once anything of the mesh may be there.
    before: Option<ClusterWide>,
    /// What was on the nodes before, if the mesh changes any.
    nodes: Option<NodesBefore>,
}

impl<'mesh> MeshInstallation<'mesh> {
    /// Renders the mesh and keeps the manifests of each step as a file in the folder `configuration`, which is made:
    /// without what Secrets hold. Asks no cluster.
    ///
    /// # Errors
    /// [`KubeError::Render`] when a step gives no manifests or they cannot be kept, [`KubeError::Manifest`] when what it
    /// gives are no Kubernetes objects.
    pub(super) async fn render(
        mesh: &'mesh MeshDefinition,
        kube: &'mesh KubeMesh,
        configuration: &Path,
    ) -> Result<Self, KubeError> {
        let steps = render::render(mesh, kube).await?;
        for (index, step) in steps.iter().enumerate() {
            keep(step, index + 1, configuration).map_err(|error| KubeError::Render {
                mesh: mesh.name.to_string(),
                step: step.name.clone(),
                why: format!("its manifests cannot be kept in {}: {error}", configuration.display()),
            })?;
        }
        let own = kube.namespaces.iter().map(|own| manifest::own_namespace(own, &kube.leaves));
        let objects = own.chain(steps.into_iter().flat_map(|step| step.objects)).collect();
        Ok(Self { mesh, kube, objects, before: None, nodes: None })
    }

    /// Looks at what is on each node before it is installed, by a pod of `image`, which is ours; only if it changes nodes.
    ///
    /// # Errors
    /// [`KubeError::Unfit`] when a node cannot be looked at; [`KubeError::TimedOut`], [`KubeError::Api`].
    pub(super) async fn see_nodes(
        &mut self,
        cluster: &Cluster,
        image: &str,
        limit: Duration,
    ) -> Result<(), KubeError> {
        let Some(marks) = &self.kube.on_nodes else { return Ok(()) };
        let seen = NodesBefore::see(cluster, marks, image, limit);
        self.nodes = Some(StepLimit::around(limit).keep("the nodes cannot be looked at", seen).await?);
        Ok(())
    }

    /// Looks at the nodes again, once it is uninstalled.
    ///
    /// # Errors
    /// [`KubeError::LeftBehind`] naming what came meanwhile, from wherever; otherwise as [`Self::see_nodes`].
    pub(super) async fn refuse_what_is_on_nodes(
        &self,
        cluster: &Cluster,
        limit: Duration,
    ) -> Result<(), KubeError> {
        let Some(before) = &self.nodes else { return Ok(()) };
        let looked = before.refuse_what_is_new(cluster, limit);
        StepLimit::around(limit).keep("the nodes cannot be looked at again", looked).await
    }

    /// Makes everything in the cluster and waits until the mesh is ready for workloads.
    ///
    /// # Errors
    /// [`KubeError::Unfit`] when something of its names is there already and not the campaign's; then nothing is changed.
    /// [`KubeError::Api`] when an object is refused, [`KubeError::TimedOut`] when the mesh is not ready within the limit,
    /// with what its pods say. What was made until then is for [`Self::uninstall`].
    pub(super) async fn install(&mut self, cluster: &Cluster, limit: Duration) -> Result<(), KubeError> {
        let deadline = Instant::now() + limit;
        let doing = format!("cannot install {}", self.mesh.name);
        let installed = async {
            apply::refuse_what_is_there(cluster, &self.mesh.name, &self.objects).await?;
            self.before = Some(ClusterWide::now(cluster).await?);
            apply::apply(cluster, &self.objects, deadline).await?;
            ready::await_ready(cluster, self.kube, deadline).await
        };
        StepLimit::around(limit).keep(&doing, installed).await
    }

    /// The objects that each application's namespace needs to be part of the mesh; they are removed with it.
    ///
    /// # Errors
    /// [`KubeError::Render`] and [`KubeError::Manifest`] for the files.
    pub(super) fn namespace_objects(&self) -> Result<Vec<Value>, KubeError> {
        let objects = render::namespace_objects(self.mesh, self.kube)?;
        let value = |object: DynamicObject| {
            let wrong = |error: serde_json::Error| KubeError::Manifest {
                origin: self.mesh.name.to_string(),
                why: error.to_string(),
            };
            serde_json::to_value(object).map_err(wrong)
        };
        objects.into_iter().map(value).collect()
    }

    /// Removes everything, what the mesh made by itself included, and waits until it is gone. Of use after an installation
    /// that failed or was dropped half-way, and again after a removal that failed.
    ///
    /// # Errors
    /// [`KubeError::TimedOut`] naming what is not gone within the limit and what holds it; [`KubeError::LeftBehind`] naming
    /// what is in no namespace and came meanwhile, from wherever; [`KubeError::Api`].
    pub(super) async fn uninstall(&self, cluster: &Cluster, limit: Duration) -> Result<(), KubeError> {
        let Some(before) = &self.before else { return Ok(()) };
        let deadline = Instant::now() + limit;
        let doing = format!("cannot uninstall {}", self.mesh.name);
        let uninstalled = uninstall::uninstall(cluster, &self.objects, &self.kube.leaves, deadline);
        StepLimit::around(limit).keep(&doing, uninstalled).await?;
        before.await_nothing_new(cluster).await
    }
}

/// The images of the pods in a mesh's manifests, as far as they are there before it is installed: what a controller makes
/// or an injector adds is not.
///
/// # Errors
/// [`KubeError::Render`] and [`KubeError::Manifest`], as [`MeshInstallation::render`].
pub(super) async fn images_of(mesh: &MeshDefinition, kube: &KubeMesh) -> Result<BTreeSet<String>, KubeError> {
    let steps = render::render(mesh, kube).await?;
    Ok(steps.iter().flat_map(|step| &step.objects).flat_map(manifest::images_in).collect())
}

/// The time until a deadline, in milliseconds: messages show it.
fn left(deadline: Instant) -> Duration {
    let left = deadline.saturating_duration_since(Instant::now());
    Duration::from_millis(u64::try_from(left.as_millis()).unwrap_or(u64::MAX))
}
