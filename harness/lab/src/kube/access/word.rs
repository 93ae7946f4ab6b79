//! Word of what meshes made outside their namespaces: [`of_campaigns`] finds it, [`keep`] makes it outlive the namespaces.
//!
//! What a mesh's controllers make carries no campaign's label, and can be removed only once they are gone, with their
//! namespaces. The annotations that name it go with these. So a sweep first writes them into a `ConfigMap` for each campaign,
//! by which the next one goes on if it is killed in between.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams, ObjectMeta, Patch, PatchParams};

use crate::kube::cluster::{Cluster, FIELD_MANAGER};
use crate::kube::error::KubeError;
use crate::kube::labels::{CAMPAIGN, LEAVES};
use crate::kube::namespace::name_of_campaign;
use crate::mesh::LeftOver;

/// How the names begin of what word is kept in.
const NAME: &str = "meshbench-leaves";
const NAMESPACE: &str = "default";

/// Which campaign's meshes made what.
pub(super) type Word = BTreeMap<String, Vec<LeftOver>>;

/// The word of campaigns that still stands in the cluster.
///
/// # Errors
/// [`KubeError::Api`].
pub(super) async fn of_campaigns(cluster: &Cluster, selector: &str) -> Result<Word, KubeError> {
    let labelled = ListParams::default().labels(selector);
    let namespaces: Api<Namespace> = Api::all(cluster.client().clone());
    let namespaces = namespaces.list_metadata(&labelled).await;
    let namespaces = namespaces.map_err(KubeError::api("list the namespaces of campaigns"))?;
    let kept = config_maps(cluster).list_metadata(&labelled).await;
    let kept = kept.map_err(KubeError::api(format!("list the config maps of campaigns in {NAMESPACE}")))?;
    let namespaces = namespaces.items.into_iter().map(|namespace| namespace.metadata);
    Ok(gathered(namespaces.chain(kept.items.into_iter().map(|kept| kept.metadata))))
}

fn gathered(marked: impl Iterator<Item = ObjectMeta>) -> Word {
    let mut word = Word::new();
    for ObjectMeta { labels, annotations, .. } in marked {
        let campaign = labels.and_then(|mut labels| labels.remove(CAMPAIGN));
        let leaves = annotations.and_then(|mut annotations| annotations.remove(LEAVES));
        let leaves = leaves.and_then(|leaves| serde_json::from_str::<Vec<LeftOver>>(&leaves).ok());
        let (Some(campaign), Some(leaves)) = (campaign, leaves) else { continue };
        let known = word.entry(campaign).or_default();
        for left_over in leaves {
            if !known.contains(&left_over) {
                known.push(left_over);
            }
        }
    }
    word
}

/// Writes it down where it outlives the meshes' namespaces.
///
/// # Errors
/// [`KubeError::Api`].
pub(super) async fn keep(cluster: &Cluster, word: &Word) -> Result<(), KubeError> {
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    for (campaign, leaves) in word {
        let kept = kept(campaign, leaves);
        let doing = format!("write the ConfigMap {NAMESPACE}/{}", kept.name_any());
        let written = config_maps(cluster).patch(&kept.name_any(), &parameters, &Patch::Apply(&kept)).await;
        written.map_err(KubeError::api(doing))?;
    }
    Ok(())
}

/// Marked as the dead campaign's, whoever sweeps: what another sweep looks for is the same.
fn kept(campaign: &str, leaves: &[LeftOver]) -> ConfigMap {
    let leaves = serde_json::to_string(leaves).unwrap_or_default();
    let metadata = ObjectMeta {
        name: Some(name_of_campaign(NAME, campaign)),
        namespace: Some(NAMESPACE.to_owned()),
        labels: Some(BTreeMap::from([(CAMPAIGN.to_owned(), campaign.to_owned())])),
        annotations: Some(BTreeMap::from([(LEAVES.to_owned(), leaves)])),
        ..ObjectMeta::default()
    };
    ConfigMap { metadata, ..ConfigMap::default() }
}

/// Removes it, once what it names is gone.
///
/// # Errors
/// [`KubeError::Api`].
pub(super) async fn forget(cluster: &Cluster, word: &Word) -> Result<(), KubeError> {
    for campaign in word.keys() {
        let name = name_of_campaign(NAME, campaign);
        let doing = format!("delete the ConfigMap {NAMESPACE}/{name}");
        match config_maps(cluster).delete(&name, &DeleteParams::background()).await {
            Err(kube::Error::Api(status)) if status.is_not_found() => {}
            deleted => drop(deleted.map_err(KubeError::api(doing))?),
        }
    }
    Ok(())
}

fn config_maps(cluster: &Cluster) -> Api<ConfigMap> {
    Api::namespaced(cluster.client().clone(), NAMESPACE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::install::own_namespace;
    use crate::mesh::OwnNamespace;

    fn left_over(name: &str) -> LeftOver {
        let (api_version, kind) = ("v1".to_owned(), "ConfigMap".to_owned());
        LeftOver::Object { api_version, kind, name: name.to_owned(), namespace: None }
    }

    fn namespace_of(campaign: &str, leaves: &[LeftOver]) -> ObjectMeta {
        let namespace = OwnNamespace { name: "system".to_owned(), labels: BTreeMap::new() };
        let mut metadata = own_namespace(&namespace, leaves).metadata;
        metadata.labels.get_or_insert_default().insert(CAMPAIGN.to_owned(), campaign.to_owned());
        metadata
    }

    #[test]
    fn what_is_kept_says_the_same_as_the_namespaces_that_are_gone() {
        let leaves = [left_over("root-cert"), left_over("crl")];
        let monday = namespace_of("monday", &leaves);
        let tuesday = namespace_of("tuesday", &leaves[..1]);
        let word = gathered([monday.clone(), monday, tuesday].into_iter());
        assert_eq!(word["monday"], leaves);
        assert_eq!(word["tuesday"], leaves[..1]);
        let kept = word.iter().map(|(campaign, leaves)| kept(campaign, leaves).metadata);
        assert_eq!(gathered(kept), word);
    }

    #[test]
    fn what_says_nothing_is_no_word() {
        let unmarked = ObjectMeta { labels: None, ..namespace_of("monday", &[left_over("crl")]) };
        assert_eq!(
            gathered([ObjectMeta::default(), unmarked, namespace_of("monday", &[])].into_iter()),
            Word::new()
        );
    }
}
