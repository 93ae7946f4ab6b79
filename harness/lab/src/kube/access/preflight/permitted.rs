//! Whether we are allowed all that a campaign needs.

use futures_util::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::{Api, ObjectMeta, PostParams};

use super::Finding;
use crate::kube::access::permissions::{Rule, merged, rules};
use crate::kube::cluster::Cluster;
use crate::kube::error::KubeError;
use crate::mesh::KubeMesh;

/// Reviews on their way at the same time.
const AT_ONCE: usize = 32;

/// One thing that is done with one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Need<'r> {
    group: &'r str,
    resource: &'r str,
    verb: &'static str,
}

/// Asks for each verb on each resource whether it is allowed.
///
/// # Errors
/// [`KubeError::Api`].
pub(super) async fn examine(cluster: &Cluster, meshes: &[&KubeMesh]) -> Result<Finding, KubeError> {
    let rules = rules(meshes);
    let needs = needs(&rules);
    let reviews = Api::<SelfSubjectAccessReview>::all(cluster.client().clone());
    let asked = needs.iter().map(|need| {
        let reviews = reviews.clone();
        async move { Ok((!is_allowed(&reviews, need).await?).then_some(*need)) }
    });
    // In the order of the needs, so that what is missing reads like the role.
    let missing: Vec<Option<Need<'_>>> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
    let missing: Vec<Need<'_>> = missing.into_iter().flatten().collect();
    Ok(judge(needs.len(), &missing))
}

async fn is_allowed(reviews: &Api<SelfSubjectAccessReview>, need: &Need<'_>) -> Result<bool, KubeError> {
    let (resource, subresource) = match need.resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
        None => (need.resource, None),
    };
    let attributes = ResourceAttributes {
        group: Some(need.group.to_owned()),
        resource: Some(resource.to_owned()),
        subresource,
        verb: Some(need.verb.to_owned()),
        ..ResourceAttributes::default()
    };
    let spec = SelfSubjectAccessReviewSpec {
        resource_attributes: Some(attributes),
        ..SelfSubjectAccessReviewSpec::default()
    };
    let review = SelfSubjectAccessReview { metadata: ObjectMeta::default(), spec, status: None };
    let reviewed = reviews.create(&PostParams::default(), &review).await;
    let reviewed = reviewed.map_err(KubeError::api("ask the API server what we are allowed"))?;
    Ok(reviewed.status.is_some_and(|status| status.allowed))
}

fn needs(rules: &[Rule]) -> Vec<Need<'_>> {
    let mut needs = Vec::new();
    for Rule { group, resources, verbs } in rules {
        for resource in resources {
            needs.extend(verbs.iter().map(|&verb| Need { group, resource, verb }));
        }
    }
    needs
}

fn judge(asked: usize, missing: &[Need<'_>]) -> Finding {
    let subject = "permissions";
    if missing.is_empty() {
        return Finding::good(subject, format!("all {asked} that are needed"));
    }
    let rules: Vec<String> = as_rules(missing).iter().map(Rule::to_string).collect();
    let text = format!(
        "{} of {asked} are missing. Apply the whole role (meshbench rbac | kubectl apply -f -), or add to yours:\n{}",
        missing.len(),
        rules.join("\n")
    );
    Finding::bad(subject, text)
}

/// What is missing, as a role would say it: needs of one resource follow each other.
fn as_rules(missing: &[Need<'_>]) -> Vec<Rule> {
    let same = |a: &Need<'_>, b: &Need<'_>| (a.group, a.resource) == (b.group, b.resource);
    merged(missing.chunk_by(same).map(|needs| {
        let verbs: Vec<&'static str> = needs.iter().map(|need| need.verb).collect();
        (needs[0].group, needs[0].resource, verbs)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    #[test]
    fn what_is_missing_is_said_as_rules_to_add() {
        let rules = rules(&[]);
        let needs = needs(&rules);
        let missing: Vec<Need<'_>> = needs
            .into_iter()
            .filter(|need| need.group == "apps" && need.verb != "get" || need.resource == "pods/log")
            .collect();
        assert_snapshot!(judge(190, &missing).text, @r#"
        16 of 190 are missing. Apply the whole role (meshbench rbac | kubectl apply -f -), or add to yours:
        - apiGroups: ["apps"]
          resources: ["deployments", "daemonsets", "statefulsets"]
          verbs: ["list", "watch", "create", "patch", "delete"]
        - apiGroups: [""]
          resources: ["pods/log"]
          verbs: ["get"]
        "#);
    }

    #[test]
    fn nothing_missing_is_good() {
        assert_snapshot!(judge(190, &[]).text, @"all 190 that are needed");
    }
}
