//! Making a mesh's objects in a cluster.

use std::collections::BTreeSet;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DynamicObject, ListParams};
use meshbench_core::scenario::MeshName;
use tokio::time::Instant;

use super::left;
use super::manifest::{is_definition, kind_of};
use super::objects::{Presence, is_unknown, placed, presence};
use crate::error::error_chain;
use crate::kube::cluster::{Cluster, shown};
use crate::kube::error::KubeError;
use crate::kube::labels::CAMPAIGN;
use crate::kube::watch;
use crate::wait;

/// How many objects of others a refusal names.
const NAMED: usize = 5;

/// Refuses a cluster in which anything of the mesh's names is already and not the campaign's: applying would change it, and
/// uninstalling would remove it.
///
/// # Errors
/// [`KubeError::Unfit`] naming what is there; [`KubeError::Api`].
pub(super) async fn refuse_what_is_there(
    cluster: &Cluster,
    mesh: &MeshName,
    objects: &[DynamicObject],
) -> Result<(), KubeError> {
    let mut others = BTreeSet::new();
    for object in objects {
        if presence(cluster, object).await? == Presence::Others {
            others.insert(shown(&placed(cluster, object).await?));
        }
    }
    if others.is_empty() {
        return Ok(());
    }
    let more = others.len().saturating_sub(NAMED);
    let named: Vec<_> = others.into_iter().take(NAMED).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Err(KubeError::Unfit(format!(
        "{mesh} cannot be installed in the cluster of context {}, where there is already, and not of this campaign: \
         {}{more} (uninstall what it belongs to, or choose another cluster; after a campaign that died, \
         `meshbench clean`)",
        cluster.context(),
        named.join(", ")
    )))
}

/// Makes namespaces first, then the definitions of custom resources, then everything else in its order.
///
/// # Errors
/// [`KubeError::Api`] for what is refused, [`KubeError::TimedOut`] for what the cluster is not ready for by the deadline.
pub(super) async fn apply(
    cluster: &Cluster,
    objects: &[DynamicObject],
    deadline: Instant,
) -> Result<(), KubeError> {
    let (namespaces, others): (Vec<_>, Vec<_>) =
        objects.iter().partition(|object| kind_of(object) == "Namespace");
    let (definitions, others): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|object| is_definition(object));
    for object in namespaces.into_iter().chain(definitions.iter().copied()) {
        apply_one(cluster, object, deadline).await?;
    }
    if !definitions.is_empty() {
        await_established(cluster, definitions.len(), deadline).await?;
    }
    for object in others {
        apply_one(cluster, object, deadline).await?;
    }
    Ok(())
}

/// Applies an object, again and again while the cluster only is not ready for it yet.
async fn apply_one(cluster: &Cluster, object: &DynamicObject, deadline: Instant) -> Result<(), KubeError> {
    let applied = wait::until(left(deadline), || async {
        match place_and_apply(cluster, object).await {
            Err(error) if may_pass(&error) => Err(error_chain(&error)),
            ended => Ok(ended),
        }
    });
    applied.await.map_err(KubeError::timed_out(format!("cannot apply {}", shown(object))))?
}

async fn place_and_apply(cluster: &Cluster, object: &DynamicObject) -> Result<(), KubeError> {
    let object = placed(cluster, object).await?;
    let value = serde_json::to_value(&object)
        .map_err(|error| KubeError::Manifest { origin: shown(&object), why: error.to_string() })?;
    cluster.apply(&value).await.map(drop)
}

/// Whether a refusal is one of those that pass by themselves: a kind that was defined a moment ago is not served yet, and
/// a webhook that was just configured has no pod yet that answers. A namespace that is missing stays so.
fn may_pass(error: &KubeError) -> bool {
    match error {
        KubeError::Refused { status, .. } if status.message.starts_with("namespaces ") => false,
        KubeError::Refused { status, .. } if status.message.contains("failed calling webhook") => true,
        _ => is_unknown(error),
    }
}

async fn await_established(cluster: &Cluster, expected: usize, deadline: Instant) -> Result<(), KubeError> {
    let api: Api<CustomResourceDefinition> = Api::all(cluster.client().clone());
    let ours = ListParams::default().labels(&format!("{CAMPAIGN}={}", cluster.campaign()));
    let established = watch::until(&api, &ours, left(deadline), |found| {
        let unserved: Vec<_> =
            found.iter().filter(|(_, one)| !is_established(one)).map(|(name, _)| name.as_str()).collect();
        match unserved.as_slice() {
            [] if found.len() >= expected => Ok(()),
            [] => Err(format!("{} of {expected} are there", found.len())),
            names => Err(format!("not yet served: {}", names.join(", "))),
        }
    });
    established.await.map_err(KubeError::timed_out("the custom resource definitions are not established"))
}

fn is_established(definition: &CustomResourceDefinition) -> bool {
    let conditions = definition.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.is_some_and(|all| all.iter().any(|one| one.type_ == "Established" && one.status == "True"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;
    use kube::error::DiscoveryError;
    use rstest::rstest;

    fn refused(code: u16, message: &str) -> kube::Error {
        kube::Error::Api(Box::new(Status::failure(message, "").with_code(code)))
    }

    #[rstest]
    #[case::kind_not_served(kube::Error::Discovery(DiscoveryError::MissingKind("Widget".into())), true)]
    #[case::path_not_served(refused(404, "the server could not find the requested resource"), true)]
    #[case::webhook_without_pods(
        refused(500, "Internal error occurred: failed calling webhook \"x\": no endpoints"),
        true
    )]
    #[case::no_such_namespace(refused(404, "namespaces \"system\" not found"), false)]
    #[case::invalid(refused(422, "spec.replicas: Invalid value"), false)]
    #[case::forbidden(refused(403, "deployments.apps is forbidden"), false)]
    fn only_what_passes_by_itself_is_tried_again(#[case] source: kube::Error, #[case] expected: bool) {
        let error = KubeError::api("apply it")(source);
        assert_eq!(may_pass(&error), expected);
    }
}
