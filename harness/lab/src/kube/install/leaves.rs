//! What a mesh makes by itself and would leave behind.

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DynamicObject, ListParams, PropagationPolicy, TypeMeta};
use tokio::time::Instant;

use super::left;
use super::objects::{await_gone, delete, is_unknown};
use crate::kube::cluster::Cluster;
use crate::kube::error::KubeError;
use crate::kube::watch;
use crate::mesh::LeftOver;

/// Removes the objects that the mesh's controllers made outside its own namespaces; they must have ended.
///
/// # Errors
/// [`KubeError::Api`]; [`KubeError::TimedOut`] naming what is not gone by the deadline.
pub(in crate::kube) async fn remove(
    cluster: &Cluster,
    leaves: &[LeftOver],
    deadline: Instant,
) -> Result<(), KubeError> {
    for left_over in leaves {
        let LeftOver::Object { api_version, kind, name, namespace } = left_over else { continue };
        let types = TypeMeta { api_version: api_version.clone(), kind: kind.clone() };
        let found = match find(cluster, &types, name, namespace.as_deref()).await {
            // Its definition went with the mesh.
            Err(error) if is_unknown(&error) => continue,
            found => found?,
        };
        for object in &found {
            let uid = object.metadata.uid.clone().unwrap_or_default();
            delete(&cluster.api_for(object).await?, object, uid, PropagationPolicy::Background).await?;
        }
        for object in &found {
            await_gone(&cluster.api_for(object).await?, object, deadline).await?;
        }
    }
    Ok(())
}

async fn find(
    cluster: &Cluster,
    types: &TypeMeta,
    name: &str,
    namespace: Option<&str>,
) -> Result<Vec<DynamicObject>, KubeError> {
    let (resource, _) = cluster.kind(&types.api_version, &types.kind).await?;
    let client = cluster.client().clone();
    let api: Api<DynamicObject> = match namespace {
        Some(namespace) => Api::namespaced_with(client, namespace, &resource),
        None => Api::all_with(client, &resource),
    };
    let only = ListParams::default().fields(&format!("metadata.name={name}"));
    let listed =
        api.list(&only).await.map_err(KubeError::api(format!("list every {} {name}", types.kind)))?;
    // The entries of a list do not say their kind.
    Ok(listed
        .items
        .into_iter()
        .map(|object| DynamicObject { types: Some(types.clone()), ..object })
        .collect())
}

/// Waits until no custom resource definition of the mesh's groups is left, of whatever origin.
///
/// # Errors
/// [`KubeError::TimedOut`] naming them.
pub(super) async fn await_no_definitions(
    cluster: &Cluster,
    leaves: &[LeftOver],
    deadline: Instant,
) -> Result<(), KubeError> {
    let endings = leaves.iter().filter_map(|left_over| match left_over {
        LeftOver::CustomResources(ending) => Some(ending.as_str()),
        LeftOver::Object { .. } => None,
    });
    let endings: Vec<_> = endings.collect();
    if endings.is_empty() {
        return Ok(());
    }
    let api: Api<CustomResourceDefinition> = Api::all(cluster.client().clone());
    let all = ListParams::default();
    let gone = watch::until(&api, &all, left(deadline), |found| match of_groups(found, &endings) {
        names if names.is_empty() => Ok(()),
        names => Err(format!("{} (cure: `kubectl delete crd {}`)", names.join(", "), names.join(" "))),
    });
    gone.await.map_err(KubeError::timed_out("custom resource definitions of the mesh are left"))
}

fn of_groups<'found>(
    found: &'found BTreeMap<String, CustomResourceDefinition>,
    endings: &[&str],
) -> Vec<&'found str> {
    let is_theirs = |group: &str| {
        endings.iter().any(|ending| {
            group.strip_suffix(ending).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    };
    found.iter().filter(|(_, one)| is_theirs(&one.spec.group)).map(|(name, _)| name.as_str()).collect()
}
