//! Looking for single objects in a cluster and removing them.

use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Preconditions, PropagationPolicy};
use kube::core::PartialObjectMeta;
use kube::discovery::Scope;
use tokio::time::Instant;

use super::left;
use super::manifest::kind_of;
use crate::kube::cluster::{Cluster, shown};
use crate::kube::error::KubeError;
use crate::kube::labels;
use crate::kube::lingering::lingering;
use crate::kube::watch;

/// Looked at instead of the reason, which is missing where the path itself is not served.
const NOT_FOUND: u16 = 404;

/// What is in a cluster under an object's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Presence {
    /// Nothing, or not even its kind.
    Absent,
    /// The campaign's own, by its unique id.
    Ours(String),
    /// Somebody else's.
    Others,
}

/// Looks for an object.
///
/// # Errors
/// [`KubeError::Api`].
pub(super) async fn presence(cluster: &Cluster, object: &DynamicObject) -> Result<Presence, KubeError> {
    let found = match find(cluster, object).await {
        // Unknown to begin with, or known once and gone with the mesh that defined it.
        Err(error) if is_unknown(&error) => None,
        found => found?,
    };
    let Some(found) = found else { return Ok(Presence::Absent) };
    let campaign = found.metadata.labels.as_ref().and_then(|labels| labels.get(labels::CAMPAIGN));
    Ok(match found.metadata.uid {
        Some(uid) if campaign.is_some_and(|campaign| campaign == cluster.campaign()) => Presence::Ours(uid),
        _ => Presence::Others,
    })
}

async fn find(
    cluster: &Cluster,
    object: &DynamicObject,
) -> Result<Option<PartialObjectMeta<DynamicObject>>, KubeError> {
    let api = cluster.api_for(object).await?;
    let name = object.metadata.name.as_deref().unwrap_or_default();
    api.get_metadata_opt(name).await.map_err(KubeError::api(format!("look for {}", shown(object))))
}

/// The object in the namespace where it belongs: those of a kind without namespaces have none, whatever was written.
///
/// # Errors
/// [`KubeError::Api`] when the cluster does not know the kind.
pub(super) async fn placed(cluster: &Cluster, object: &DynamicObject) -> Result<DynamicObject, KubeError> {
    let types = object.types.clone().unwrap_or_default();
    let mut object = object.clone();
    if let (_, Scope::Cluster) = cluster.kind(&types.api_version, &types.kind).await? {
        object.metadata.namespace = None;
    }
    Ok(object)
}

/// Whether an error says that the cluster does not know a kind, or not yet.
pub(super) fn is_unknown(error: &KubeError) -> bool {
    match error {
        KubeError::Api { source, .. } => matches!(source.as_ref(), kube::Error::Discovery(_)),
        KubeError::Refused { status, .. } => status.code == NOT_FOUND,
        _ => false,
    }
}

/// Asks for an object's removal, of this very one and not another of its name.
///
/// # Errors
/// [`KubeError::Api`].
pub(super) async fn delete(
    api: &Api<DynamicObject>,
    object: &DynamicObject,
    uid: String,
    policy: PropagationPolicy,
) -> Result<(), KubeError> {
    let parameters = DeleteParams {
        propagation_policy: Some(policy),
        preconditions: Some(Preconditions { uid: Some(uid), resource_version: None }),
        ..DeleteParams::default()
    };
    match api.delete(object.metadata.name.as_deref().unwrap_or_default(), &parameters).await {
        Err(kube::Error::Api(status)) if status.code == NOT_FOUND => Ok(()),
        deleted => deleted.map(drop).map_err(KubeError::api(format!("remove {}", shown(object)))),
    }
}

/// Waits until no object of this name is there.
///
/// # Errors
/// [`KubeError::TimedOut`] with what holds it.
pub(super) async fn await_gone(
    api: &Api<DynamicObject>,
    object: &DynamicObject,
    deadline: Instant,
) -> Result<(), KubeError> {
    let name = object.metadata.name.as_deref().unwrap_or_default();
    let only = ListParams::default().fields(&format!("metadata.name={name}"));
    let gone = watch::until(api, &only, left(deadline), |found| match found.values().next() {
        None => Ok(()),
        Some(found) => Err(lingering(kind_of(object), found)),
    });
    gone.await.map_err(KubeError::timed_out(format!("{} is not gone", shown(object))))
}
