//! Taking a mesh out of a cluster again.

use kube::api::{DynamicObject, PropagationPolicy};
use tokio::time::Instant;

use super::leaves;
use super::manifest::{Removal, in_order_of_removal};
use super::objects::{Presence, await_gone, delete, placed, presence};
use crate::kube::cluster::Cluster;
use crate::kube::error::KubeError;
use crate::mesh::LeftOver;

/// Removes the campaign's objects among these, and what the mesh made by itself; each kind is gone before that is asked for
/// which it may need.
///
/// # Errors
/// [`KubeError::TimedOut`] naming what is not gone by the deadline, what holds it, and the cure; [`KubeError::Api`].
pub(super) async fn uninstall(
    cluster: &Cluster,
    objects: &[DynamicObject],
    leaves: &[LeftOver],
    deadline: Instant,
) -> Result<(), KubeError> {
    let ordered = in_order_of_removal(objects);
    let what_runs_is_gone = ordered.partition_point(|&(removal, _)| removal < Removal::Definition);
    let (first, last) = ordered.split_at(what_runs_is_gone);
    remove_in_order(cluster, first, deadline).await?;
    leaves::remove(cluster, leaves, deadline).await?;
    remove_in_order(cluster, last, deadline).await?;
    leaves::await_no_definitions(cluster, leaves, deadline).await
}

async fn remove_in_order(
    cluster: &Cluster,
    ordered: &[(Removal, &DynamicObject)],
    deadline: Instant,
) -> Result<(), KubeError> {
    for moment in ordered.chunk_by(|(left, _), (right, _)| left == right) {
        let Some(&(removal, _)) = moment.first() else { continue };
        let objects = moment.iter().map(|&(_, object)| object);
        remove_together(cluster, objects, policy_of(removal), deadline).await?;
    }
    Ok(())
}

/// What runs is gone only when its pods are. Elsewhere that would wait for the garbage collector, which takes half a minute
/// to hear of kinds that a mesh has just defined.
fn policy_of(removal: Removal) -> PropagationPolicy {
    match removal {
        Removal::Workload => PropagationPolicy::Foreground,
        _ => PropagationPolicy::Background,
    }
}

/// Asks for the removal of all, then waits until all are gone.
async fn remove_together(
    cluster: &Cluster,
    objects: impl Iterator<Item = &DynamicObject>,
    policy: PropagationPolicy,
    deadline: Instant,
) -> Result<(), KubeError> {
    let mut going = Vec::new();
    for object in objects {
        if let Presence::Ours(uid) = presence(cluster, object).await? {
            let object = placed(cluster, object).await?;
            let api = cluster.api_for(&object).await?;
            delete(&api, &object, uid, policy.clone()).await?;
            going.push((api, object));
        }
    }
    for (api, object) in going {
        await_gone(&api, &object, deadline).await?;
    }
    Ok(())
}
