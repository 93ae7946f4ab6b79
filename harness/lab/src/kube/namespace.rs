//! Taking away a namespace that was there for a moment: [`remove_namespace`].

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DeleteParams, ListParams};

use super::cluster::Cluster;
use super::error::KubeError;
use super::watch;

/// Removes a namespace with all that is in it, and waits until it is gone; of use also where there is none.
///
/// # Errors
/// [`KubeError::Api`]; [`KubeError::TimedOut`] with what is said to be left in it.
pub(super) async fn remove_namespace(
    cluster: &Cluster,
    name: &str,
    limit: Duration,
) -> Result<(), KubeError> {
    let namespaces: Api<Namespace> = Api::all(cluster.client().clone());
    match namespaces.delete(name, &DeleteParams::background()).await {
        Err(kube::Error::Api(status)) if status.is_not_found() => return Ok(()),
        deleted => drop(deleted.map_err(KubeError::api(format!("delete the namespace {name}")))?),
    }
    let only = ListParams::default().fields(&format!("metadata.name={name}"));
    let gone = watch::until(&namespaces, &only, limit, |found| held_by(found));
    gone.await.map_err(KubeError::timed_out(format!("the namespace {name} is not gone")))
}

fn held_by(found: &BTreeMap<String, Namespace>) -> Result<(), String> {
    let Some(namespace) = found.values().next() else { return Ok(()) };
    let conditions = namespace.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let said: Vec<&str> = conditions
        .filter(|condition| condition.status == "True")
        .filter_map(|condition| condition.message.as_deref())
        .collect();
    Err(if said.is_empty() { "it is being removed".to_owned() } else { said.join("; ") })
}
