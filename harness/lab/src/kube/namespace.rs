//! A namespace that is there for a moment: [`make_namespace`], [`remove_namespace`].

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams, Preconditions};
use meshbench_core::digest::digest;
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::error::KubeError;
use super::labels::CAMPAIGN;
use super::lingering::none_lingers;
use super::watch;

/// How many hexadecimal digits of a campaign's digest are in a name.
const DIGITS: usize = 8;

/// A name that no other campaign gives, and nobody else.
pub(super) fn name_of_campaign(prefix: &str, campaign: &str) -> String {
    let digest = digest(campaign.as_bytes());
    let digits: String = digest.trim_start_matches("sha256:").chars().take(DIGITS).collect();
    format!("{prefix}-{digits}")
}

/// Makes a namespace with these labels and annotations; one of the campaign's own that is there already will do.
///
/// # Errors
/// [`KubeError::Unfit`] when one of this name is somebody else's; it is left alone. [`KubeError::Api`].
pub(super) async fn make_namespace(
    cluster: &Cluster,
    name: &str,
    labels: &BTreeMap<String, String>,
    annotations: &BTreeMap<String, String>,
) -> Result<(), KubeError> {
    let doing = format!("look for the namespace {name}");
    let found = namespaces(cluster).get_opt(name).await.map_err(KubeError::api(doing))?;
    if found.is_some_and(|found| !is_of(&found, cluster.campaign())) {
        return Err(KubeError::Unfit(format!(
            "the namespace {name} is in the cluster of context {} already, and not of this campaign: remove it if nobody \
             needs it (kubectl delete namespace {name}), or choose another cluster",
            cluster.context()
        )));
    }
    cluster.apply(&manifest(name, labels, annotations)).await.map(drop)
}

fn manifest(name: &str, labels: &BTreeMap<String, String>, annotations: &BTreeMap<String, String>) -> Value {
    let metadata = json!({"name": name, "labels": labels, "annotations": annotations});
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
}

/// Removes a namespace of the campaign's own with all that is in it, and waits until it is gone; of use also where there is
/// none. Somebody else's is left alone.
///
/// # Errors
/// [`KubeError::Api`]; [`KubeError::TimedOut`] with what holds it.
pub(super) async fn remove_namespace(
    cluster: &Cluster,
    name: &str,
    limit: Duration,
) -> Result<(), KubeError> {
    let namespaces = namespaces(cluster);
    let doing = format!("delete the namespace {name}");
    let found = namespaces.get_opt(name).await.map_err(KubeError::api(&doing))?;
    let Some(ours) = found.filter(|found| is_of(found, cluster.campaign())) else { return Ok(()) };
    let this_one = Preconditions { uid: ours.uid(), resource_version: None };
    match namespaces.delete(name, &DeleteParams::background().preconditions(this_one)).await {
        // Gone meanwhile, or gone and made anew by somebody else.
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => return Ok(()),
        deleted => drop(deleted.map_err(KubeError::api(doing))?),
    }
    let only = ListParams::default().fields(&format!("metadata.name={name}"));
    let gone = watch::until(&namespaces, &only, limit, none_lingers);
    gone.await.map_err(KubeError::timed_out(format!("the namespace {name} is not gone")))
}

fn namespaces(cluster: &Cluster) -> Api<Namespace> {
    Api::all(cluster.client().clone())
}

fn is_of(namespace: &Namespace, campaign: &str) -> bool {
    namespace.labels().get(CAMPAIGN).is_some_and(|marked| marked == campaign)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn campaigns_do_not_share_names() {
        let name = name_of_campaign("mb-images", "2026-01-01T00-00-00-000Z-7");
        assert_eq!(name, name_of_campaign("mb-images", "2026-01-01T00-00-00-000Z-7"));
        assert_ne!(name, name_of_campaign("mb-images", "2026-01-01T00-00-00-000Z-8"));
        assert_eq!(name.len(), "mb-images-".len() + DIGITS);
    }

    #[rstest]
    #[case::ours(json!({CAMPAIGN: "monday"}), true)]
    #[case::of_another_campaign(json!({CAMPAIGN: "tuesday"}), false)]
    #[case::of_a_stranger(json!({"app": "monday"}), false)]
    fn only_what_carries_its_mark_is_a_campaigns(#[case] labels: Value, #[case] expected: bool) {
        let namespace = json!({"metadata": {"name": "mb-images", "labels": labels}});
        assert_eq!(is_of(&serde_json::from_value(namespace).unwrap(), "monday"), expected);
    }
}
