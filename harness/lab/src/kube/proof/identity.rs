//! Asking each pod's proxy who it is.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::timeout;

use super::command::run;
use crate::kube::workload::DeployedPod;
use crate::kube::{Cluster, KubeError};
use crate::mesh::IdentityProof;
use crate::wait::TimedOut;

/// How many pods are asked at once.
const CONCURRENCY: usize = 8;
/// How much of an answer is quoted, in bytes.
const QUOTED: usize = 200;

/// Runs the identity's command in every pod; how many proxies named the identity they should have.
///
/// # Errors
/// [`KubeError::DataPath`] with the pod and what its proxy said instead; [`KubeError::Api`], [`KubeError::TimedOut`].
pub(super) async fn verify(
    cluster: &Cluster,
    identity: &IdentityProof,
    pods: &[DeployedPod],
    limit: Duration,
) -> Result<u32, KubeError> {
    let asked = stream::iter(pods).map(|pod| async move {
        let doing = format!("ask {}/{} who it is", pod.namespace, pod.name);
        match timeout(limit, run(cluster, &identity.container, &identity.command, pod)).await {
            Ok(said) => names(identity, pod, &said?.all()).map_err(KubeError::DataPath),
            Err(_) => Err(KubeError::timed_out(doing)(TimedOut { limit, last_seen: "no answer".to_owned() })),
        }
    });
    let verified = asked.buffer_unordered(CONCURRENCY);
    verified.try_fold(0_u32, async |verified, ()| Ok(verified.saturating_add(1))).await
}

/// Whether an answer names the identity that the pod should have.
fn names(identity: &IdentityProof, pod: &DeployedPod, said: &str) -> Result<(), String> {
    let expected =
        identity.contains.replace("{namespace}", &pod.namespace).replace("{account}", &pod.account);
    if says(said, &expected) {
        return Ok(());
    }
    let beginning: String = said.trim().chars().take(QUOTED).collect();
    let DeployedPod { namespace, name, .. } = pod;
    Err(format!("the proxy of {namespace}/{name} does not name itself {expected}; it says: {beginning}"))
}

/// Whether a name is said that is not part of a longer one, as `sa/web-1` is of `sa/web-10`. A dot ends one: the parts of
/// some identities are parted by dots.
fn says(text: &str, name: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let are_one = |before: Option<char>, after: Option<char>| {
        before.is_some_and(is_of_name) && after.is_some_and(is_of_name)
    };
    text.match_indices(name).any(|(at, found)| {
        let (before, after) = (&text[..at], &text[at + found.len()..]);
        !are_one(before.chars().next_back(), found.chars().next())
            && !are_one(found.chars().next_back(), after.chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::workload::Service;
    use rstest::rstest;

    fn pod(account: &str) -> DeployedPod {
        DeployedPod {
            name: "web-x".to_owned(),
            namespace: "mb-r-app-0".to_owned(),
            ip: [10, 0, 0, 1].into(),
            node: "node-1".to_owned(),
            app: 0,
            service: Service::Web,
            account: account.to_owned(),
            containers: Vec::new(),
        }
    }

    fn identity(contains: &str) -> IdentityProof {
        IdentityProof {
            container: "istio-proxy".to_owned(),
            command: vec!["pilot-agent".to_owned()],
            contains: contains.to_owned(),
        }
    }

    #[rstest]
    #[case::right("URI:spiffe://cluster.local/ns/mb-r-app-0/sa/web", Ok(()))]
    #[case::another(
        "URI:spiffe://cluster.local/ns/mb-r-app-0/sa/default\n",
        Err(
            "the proxy of mb-r-app-0/web-x does not name itself ns/mb-r-app-0/sa/web; \
             it says: URI:spiffe://cluster.local/ns/mb-r-app-0/sa/default"
        )
    )]
    fn a_proxy_must_name_the_pods_account(#[case] said: &str, #[case] expected: Result<(), &str>) {
        let named = names(&identity("ns/{namespace}/sa/{account}"), &pod("web"), said);
        assert_eq!(named, expected.map_err(str::to_owned));
    }

    #[rstest]
    #[case::to_the_end("ns/{namespace}/sa/{account}", "URI:spiffe://td/ns/mb-r-app-0/sa/web-1", true)]
    #[case::quoted("sa/{account}", "\"uri\": \"spiffe://td/ns/mb-r-app-0/sa/web-1\",", true)]
    #[case::a_name_of_dots("{account}.{namespace}", "web-1.mb-r-app-0.serviceaccount.identity", true)]
    #[case::after_another("sa/{account}", "URI:spiffe://td/sa/web-10, URI:spiffe://td/sa/web-1", true)]
    #[case::goes_on("ns/{namespace}/sa/{account}", "URI:spiffe://td/ns/mb-r-app-0/sa/web-10", false)]
    #[case::goes_on_with_a_dash("sa/{account}", "URI:spiffe://td/ns/mb-r-app-0/sa/web-1-b", false)]
    #[case::began_before("{account}.{namespace}", "my-web-1.mb-r-app-0.serviceaccount.identity", false)]
    fn a_longer_name_is_another(#[case] contains: &str, #[case] said: &str, #[case] is_named: bool) {
        let named = names(&identity(contains), &pod("web-1"), said);
        assert_eq!(named.is_ok(), is_named, "{named:?}");
    }
}
