//! Removing what campaigns made in a cluster: [`sweep`] for dead ones, [`remove_all_of`] at the end of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use k8s_openapi::api::core::v1::Namespace;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Preconditions};
use tokio::time::Instant;

use super::kinds::{Kind, MADE, Removal};
use super::lease::{self, Claim};
use super::nodes;
use crate::error::error_chain;
use crate::kube::cluster::Cluster;
use crate::kube::error::KubeError;
use crate::kube::install::remove_leaves;
use crate::kube::labels::{CAMPAIGN, LEAVES};
use crate::kube::lingering::lingering;
use crate::kube::watch;
use crate::mesh::LeftOver;

/// How long objects of a kind may take to be gone: pods are given half a minute to end, namespaces wait for all in them.
const GONE_LIMIT: Duration = Duration::from_secs(180);

/// Requests on their way at the same time.
const AT_ONCE: usize = 16;

/// What was removed, and what could not be.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Swept {
    /// Each in a sentence.
    pub removed: Vec<String>,
    /// Each in a sentence that says why, and what to do.
    pub left: Vec<String>,
}

/// What is in a cluster of campaigns that are dead.
#[derive(Debug)]
pub(super) struct LeftOvers {
    /// The campaigns, with how many objects and nodes carry their mark.
    pub(super) campaigns: BTreeMap<String, usize>,
    /// Who holds the cluster.
    pub(super) claim: Claim,
}

/// Removes what dead campaigns left: their objects, their reservations of nodes, and their claim to the cluster. What
/// carries no campaign's label is never touched, nor what is of `cluster`'s own campaign or of one that lives.
///
/// # Errors
/// [`KubeError::Api`] when the cluster cannot be asked what there is.
pub async fn sweep(cluster: &Cluster) -> Result<Swept, KubeError> {
    let left_overs = left_overs(cluster).await?;
    let campaigns: Vec<String> = left_overs.campaigns.into_keys().collect();
    let mut swept = remove(cluster, &campaigns).await;
    // Last, so that a sweep that is killed itself leaves the name of whom it swept.
    if let Claim::Dead { lease, description } = left_overs.claim {
        match lease::remove_dead(cluster, &lease).await {
            Ok(()) => swept.removed.push(format!("the claim of {description}")),
            Err(error) => swept.left.push(error_chain(&error)),
        }
    }
    Ok(swept)
}

/// Removes everything of one campaign but its claim to the cluster, and waits until it is gone.
pub(in crate::kube) async fn remove_all_of(cluster: &Cluster, campaign: &str) -> Swept {
    remove(cluster, &[campaign.to_owned()]).await
}

/// Looks for campaigns that are dead and not all gone.
///
/// # Errors
/// [`KubeError::Api`].
pub(super) async fn left_overs(cluster: &Cluster) -> Result<LeftOvers, KubeError> {
    let mut campaigns = marked(cluster).await?;
    // Only now: a campaign holds its claim before it makes anything, so what was found above and has no claim is dead,
    // even if a new campaign began meanwhile.
    let claim = lease::claim_of(cluster).await?;
    campaigns.remove(cluster.campaign());
    if let Claim::Living { campaign: Some(living), .. } = &claim {
        campaigns.remove(living);
    }
    Ok(LeftOvers { campaigns, claim })
}

/// All campaigns whose mark anything carries, with how many objects and nodes do.
async fn marked(cluster: &Cluster) -> Result<BTreeMap<String, usize>, KubeError> {
    let mut listings = stream::iter(MADE.iter().map(|kind| list(cluster, kind, CAMPAIGN))).buffered(AT_ONCE);
    let mut campaigns = BTreeMap::new();
    while let Some(objects) = listings.next().await {
        for object in objects? {
            if let Some(campaign) = object.labels().get(CAMPAIGN) {
                *campaigns.entry(campaign.clone()).or_default() += 1;
            }
        }
    }
    for campaign in nodes::list(cluster).await?.iter().flat_map(nodes::reserved_by) {
        *campaigns.entry(campaign).or_default() += 1;
    }
    Ok(campaigns)
}

/// Goes on where something cannot be removed: the less is left, the better.
async fn remove(cluster: &Cluster, campaigns: &[String]) -> Swept {
    let mut swept = Swept::default();
    if campaigns.is_empty() {
        return swept;
    }
    let selector = format!("{CAMPAIGN} in ({})", campaigns.join(","));
    let Word { leaves, carriers } = match word_of(cluster, &selector).await {
        Ok(word) => word,
        // It would go with the namespaces that carry it.
        Err(error) => {
            swept.left.push(error_chain(&error));
            return swept;
        }
    };
    let (mut hung, mut is_word_needed) = (Vec::new(), false);
    for step in Removal::STEPS {
        if step == Removal::MeshNamespaces && is_word_needed {
            continue;
        }
        let kinds = MADE.iter().filter(|kind| kind.is_removed_in(step));
        let stays = |object: &DynamicObject| match object.namespace() {
            Some(namespace) => hung.contains(&namespace),
            None => match step {
                Removal::Namespaces => carriers.contains(&object.name_any()),
                // Those that hang have been waited for.
                Removal::MeshNamespaces => !carriers.contains(&object.name_any()),
                _ => false,
            },
        };
        let removals = kinds.map(|kind| remove_kind(cluster, kind, &selector, stays));
        let outcomes: Vec<Outcome> = stream::iter(removals).buffered(AT_ONCE).collect().await;
        for Outcome { removed, left, remaining } in outcomes {
            swept.removed.extend(removed);
            swept.left.extend(left);
            if matches!(step, Removal::Namespaces | Removal::MeshNamespaces) {
                hung.extend(remaining);
            }
        }
        // Whoever made them is gone, and makes no more; the word of them goes after them, with the mesh's namespaces.
        if step == Removal::Workloads && !leaves.is_empty() {
            match remove_leaves(cluster, &leaves, Instant::now() + GONE_LIMIT).await {
                Ok(()) => swept.removed.push("what the mesh had made outside its namespaces".to_owned()),
                Err(error) => {
                    swept.left.push(error_chain(&error));
                    is_word_needed = true;
                }
            }
        }
    }
    if let Err(error) = free_nodes(cluster, campaigns, &mut swept.removed).await {
        swept.left.push(error_chain(&error));
    }
    swept
}

/// The word of what meshes made outside their namespaces.
#[derive(Debug, Default)]
struct Word {
    leaves: Vec<LeftOver>,
    /// The namespaces that carry it.
    carriers: Vec<String>,
}

/// What the meshes of campaigns made outside their namespaces, by the word that these carry.
async fn word_of(cluster: &Cluster, selector: &str) -> Result<Word, KubeError> {
    let namespaces: Api<Namespace> = Api::all(cluster.client().clone());
    let listed = namespaces.list(&ListParams::default().labels(selector)).await;
    let listed = listed.map_err(KubeError::api("list the namespaces of campaigns"))?;
    let mut word = Word::default();
    for namespace in &listed.items {
        let Some(said) = namespace.annotations().get(LEAVES) else { continue };
        word.carriers.push(namespace.name_any());
        word.leaves.extend(serde_json::from_str::<Vec<LeftOver>>(said).into_iter().flatten());
    }
    word.leaves.dedup();
    Ok(word)
}

/// What became of the objects of a kind.
#[derive(Default)]
struct Outcome {
    removed: Vec<String>,
    left: Vec<String>,
    /// The names of those that did not go away in time.
    remaining: Vec<String>,
}

/// Removes the objects of a kind, but for those that stay, and waits until they are gone.
async fn remove_kind(
    cluster: &Cluster,
    kind: &Kind,
    selector: &str,
    stays: impl Fn(&DynamicObject) -> bool,
) -> Outcome {
    let mut outcome = Outcome::default();
    let objects = match list(cluster, kind, selector).await {
        Ok(objects) => objects,
        Err(error) => {
            outcome.left.push(error_chain(&error));
            return outcome;
        }
    };
    let deletions =
        objects.iter().filter(|object| !stays(object)).map(|object| delete(cluster, kind, object));
    let deleted: Vec<_> = stream::iter(deletions).buffered(AT_ONCE).collect().await;
    let mut going = Vec::new();
    for deletion in deleted {
        match deletion {
            Ok(title) => going.push(title),
            Err(error) => outcome.left.push(error_chain(&error)),
        }
    }
    if going.is_empty() {
        return outcome;
    }
    let mut stuck = Vec::new();
    let gone = |objects: &BTreeMap<String, DynamicObject>| {
        let titled = objects.values().map(|object| (title(kind, object), object.clone()));
        stuck = titled.filter(|(title, _)| going.contains(title)).collect();
        if stuck.is_empty() { Ok(()) } else { Err(why_not_gone(kind, &stuck)) }
    };
    let labelled = ListParams::default().labels(selector);
    if let Err(waited) = watch::until(&kind.api(cluster, None), &labelled, GONE_LIMIT, gone).await {
        let what = format!("{} of dead or ended campaigns do not go away", kind.plural);
        outcome.left.push(KubeError::TimedOut { what, waited }.to_string());
    }
    let is_gone = |title: &String| stuck.iter().all(|(stuck, _)| stuck != title);
    outcome.removed.extend(going.into_iter().filter(is_gone));
    outcome.remaining.extend(stuck.iter().map(|(_, object)| object.name_any()));
    outcome
}

/// Asks for the removal of this very object, and of what it owns.
async fn delete(cluster: &Cluster, kind: &Kind, object: &DynamicObject) -> Result<String, KubeError> {
    let title = title(kind, object);
    // A workload is gone only when its pods are; a namespace waits for all in it by itself.
    let parameters = match kind.removal {
        Removal::Workloads | Removal::InNamespaces => DeleteParams::foreground(),
        _ => DeleteParams::background(),
    };
    let parameters = parameters.preconditions(Preconditions { uid: object.uid(), resource_version: None });
    let api = kind.api(cluster, object.namespace().as_deref());
    match api.delete(&object.name_any(), &parameters).await {
        // Gone meanwhile, or gone and made anew by somebody else.
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(title),
        Err(error) => Err(KubeError::api(format!("delete {title}"))(error)),
        Ok(_) => Ok(title),
    }
}

/// The objects of a kind with these labels, in all namespaces; none of a kind that the cluster does not know.
async fn list(cluster: &Cluster, kind: &Kind, selector: &str) -> Result<Vec<DynamicObject>, KubeError> {
    match kind.api(cluster, None).list(&ListParams::default().labels(selector)).await {
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(Vec::new()),
        Err(error) => Err(KubeError::api(format!("list the {} of campaigns", kind.plural))(error)),
        Ok(listed) => Ok(listed.items),
    }
}

async fn free_nodes(
    cluster: &Cluster,
    campaigns: &[String],
    removed: &mut Vec<String>,
) -> Result<(), KubeError> {
    for node in nodes::list(cluster).await? {
        if nodes::reserved_by(&node).iter().any(|campaign| campaigns.contains(campaign)) {
            let name = node.name_any();
            nodes::free(cluster, &name, campaigns).await?;
            removed.push(format!("the reservation of Node {name}"));
        }
    }
    Ok(())
}

fn title(kind: &Kind, object: &DynamicObject) -> String {
    let name = object.name_any();
    match object.namespace() {
        Some(namespace) => format!("{} {namespace}/{name}", kind.name),
        None => format!("{} {name}", kind.name),
    }
}

/// What holds objects back that are being removed, and what to do.
fn why_not_gone(kind: &Kind, stuck: &[(String, DynamicObject)]) -> String {
    let each = stuck.iter().map(|(title, object)| format!("{title}: {}", lingering(kind.name, object)));
    format!("{}; then run `meshbench clean` again", each.collect::<Vec<_>>().join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;
    use serde_json::json;

    #[test]
    fn says_what_holds_a_definition_back() {
        let kind = MADE.iter().find(|kind| kind.name == "CustomResourceDefinition").unwrap();
        let definition = json!({
            "metadata": {
                "name": "gates.mesh.io",
                "deletionTimestamp": "2026-01-01T00:00:00Z",
                "finalizers": ["customresourcecleanup.apiextensions.k8s.io"],
            },
            "status": {"conditions": [{"type": "Established", "status": "True", "message": "names accepted"}]},
        });
        let definition: DynamicObject = serde_json::from_value(definition).unwrap();
        let stuck = [(title(kind, &definition), definition)];
        assert_snapshot!(why_not_gone(kind, &stuck), @"CustomResourceDefinition gates.mesh.io: it is being removed, held by customresourcecleanup.apiextensions.k8s.io; then run `meshbench clean` again");
    }

    #[test]
    fn definitions_go_last_and_what_could_forbid_removals_first() {
        let steps: Vec<Removal> = Removal::STEPS
            .into_iter()
            .filter(|&step| MADE.iter().any(|kind| kind.is_removed_in(step)))
            .collect();
        assert_eq!(steps, Removal::STEPS);
    }
}
