//! What is in a cluster but in no namespace: [`ClusterWide`], for what came with a mesh to go with it.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use kube::ResourceExt;
use kube::api::ListParams;
use tokio::time::sleep;

use super::kinds::{Kind, MADE, Removal};
use crate::error::error_chain;
use crate::kube::cluster::Cluster;
use crate::kube::error::KubeError;
use crate::kube::labels::CAMPAIGN;
use crate::kube::step_limit::StepLimit;
use crate::wait;

/// Kubernetes makes these of the definitions of custom resources, and removes them with those.
const AUTOMATIC: &str = "kube-aggregator.kubernetes.io/automanaged";
/// How long Kubernetes may take to remove what belongs to something that is gone.
const COLLECTION: Duration = Duration::from_secs(40);
/// A look is a request for each kind.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
/// How many objects a message names.
const NAMED: usize = 5;

/// The objects in no namespace of every kind that meshes consist of, namespaces left out; by what tells each from all others
/// ever, as `ClusterRole web`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::kube) struct ClusterWide(BTreeMap<String, String>);

impl ClusterWide {
    /// What is there.
    ///
    /// # Errors
    /// [`KubeError::Api`].
    pub(in crate::kube) async fn now(cluster: &Cluster) -> Result<Self, KubeError> {
        let kinds = MADE.iter().filter(|kind| is_cluster_wide(kind));
        let mut listings = stream::iter(kinds.map(|kind| list(cluster, kind))).buffer_unordered(MADE.len());
        let mut all = BTreeMap::new();
        while let Some(listed) = listings.next().await {
            all.extend(listed?);
        }
        Ok(Self(all))
    }

    /// Waits until nothing is there that was not when this was seen. A webhook that stays takes part in whatever is measured
    /// next.
    ///
    /// # Errors
    /// [`KubeError::LeftBehind`] with what is; [`KubeError::Api`] and [`KubeError::TimedOut`] when nobody can say.
    pub(in crate::kube) async fn await_nothing_new(&self, cluster: &Cluster) -> Result<(), KubeError> {
        let look = || async {
            let seen = match Self::now(cluster).await {
                Ok(now) => nothing_new(&now.since(self)),
                Err(error) => Err(error_chain(&error)),
            };
            if seen.is_err() {
                sleep(BETWEEN_LOOKS).await;
            }
            seen
        };
        if wait::until(COLLECTION, look).await.is_ok() {
            return Ok(());
        }
        let now = Self::now(cluster);
        let now = StepLimit::begin(COLLECTION).keep("what is left of the mesh cannot be seen", now).await?;
        nothing_new(&now.since(self)).map_err(KubeError::LeftBehind)
    }

    fn since<'now>(&'now self, before: &Self) -> Vec<&'now str> {
        let is_new = |uid: &String| !before.0.contains_key(uid);
        self.0.iter().filter(|(uid, _)| is_new(uid)).map(|(_, name)| name.as_str()).collect()
    }
}

fn is_cluster_wide(kind: &Kind) -> bool {
    matches!(kind.removal, Removal::Interceptors | Removal::ClusterWide | Removal::Definitions)
}

/// The names of the objects of a kind, but for those that carry a campaign's label: they are for the sweep. None of a kind that
/// the cluster does not know.
async fn list(cluster: &Cluster, kind: &Kind) -> Result<Vec<(String, String)>, KubeError> {
    let listed = match kind.api(cluster, None).list_metadata(&ListParams::default()).await {
        Err(kube::Error::Api(status)) if status.is_not_found() => return Ok(Vec::new()),
        listed => listed.map_err(KubeError::api(format!("list the {}", kind.plural)))?,
    };
    let is_for_others = |label: &str| [AUTOMATIC, CAMPAIGN].contains(&label);
    let made =
        listed.items.into_iter().filter(|object| !object.labels().keys().any(|label| is_for_others(label)));
    Ok(made
        .map(|object| (object.uid().unwrap_or_default(), format!("{} {}", kind.name, object.name_any())))
        .collect())
}

fn nothing_new(names: &[&str]) -> Result<(), String> {
    if names.is_empty() {
        return Ok(());
    }
    let more = names.len().saturating_sub(NAMED);
    let named: Vec<_> = names.iter().copied().take(NAMED).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Err(format!(
        "{}{more} came while it was there and did not go with it (`kubectl delete` removes what is left; what the mesh \
         makes by itself belongs under `leaves` of its mesh.yaml, and is removed then; if it is somebody else's, measure \
         while nobody changes the cluster)",
        named.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(objects: &[(&str, &str)]) -> ClusterWide {
        ClusterWide(objects.iter().map(|&(uid, name)| (uid.to_owned(), name.to_owned())).collect())
    }

    #[test]
    fn new_is_what_has_not_been_there_under_whatever_name() {
        let before = seen(&[("1", "ClusterRole view"), ("2", "ClusterRole web")]);
        let now = seen(&[("1", "ClusterRole view"), ("3", "ClusterRole web"), ("4", "PriorityClass high")]);
        assert_eq!(now.since(&before), ["ClusterRole web", "PriorityClass high"]);
        assert!(before.since(&before).is_empty());
    }

    #[test]
    fn a_few_are_named_and_the_rest_counted() {
        assert_eq!(nothing_new(&[]), Ok(()));
        let said = nothing_new(&["a", "b", "c", "d", "e", "f", "g"]).unwrap_err();
        assert!(said.starts_with("a, b, c, d, e and 2 more came while it was there"), "{said}");
    }

    #[test]
    fn what_is_in_namespaces_goes_with_them() {
        let kinds: Vec<_> = MADE.iter().filter(|kind| is_cluster_wide(kind)).map(|kind| kind.name).collect();
        assert!(
            kinds.contains(&"MutatingWebhookConfiguration") && kinds.contains(&"CustomResourceDefinition")
        );
        assert!(!kinds.contains(&"Namespace") && !kinds.contains(&"Role"));
    }
}
