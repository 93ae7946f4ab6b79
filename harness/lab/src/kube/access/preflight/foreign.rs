//! Whether a mesh is in the cluster already that no campaign installed.

use std::fmt::Debug;

use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, ListParams};
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;

use super::Finding;
use crate::kube::cluster::Cluster;
use crate::kube::error::KubeError;
use crate::kube::labels::CAMPAIGN;
use crate::mesh::KubeMesh;

/// What gives a mesh away, whoever installed it.
struct Signs {
    mesh: &'static str,
    namespaces: &'static [&'static str],
    /// How the names of its mutating webhook configurations begin.
    webhooks: &'static [&'static str],
    /// How the names of its custom resource definitions end.
    definitions: &'static str,
}

/// Cilium is not among them: it is the network of clusters whose pods are in no mesh.
const KNOWN: &[Signs] = &[
    Signs {
        mesh: "Istio",
        namespaces: &["istio-system"],
        webhooks: &["istio-sidecar-injector", "istio-revision-tag"],
        definitions: ".istio.io",
    },
    Signs {
        mesh: "Linkerd",
        namespaces: &["linkerd"],
        webhooks: &["linkerd-proxy-injector"],
        definitions: ".linkerd.io",
    },
    Signs {
        mesh: "Kuma",
        namespaces: &["kuma-system", "kong-mesh-system"],
        webhooks: &["kuma-admission-mutating", "kong-mesh-admission-mutating"],
        definitions: ".kuma.io",
    },
    Signs {
        mesh: "Consul",
        namespaces: &["consul"],
        webhooks: &["consul-connect-injector", "consul-consul-connect-injector"],
        definitions: ".consul.hashicorp.com",
    },
];

/// The names of what carries no campaign's mark.
#[derive(Debug, Default)]
struct Unmarked {
    namespaces: Vec<String>,
    webhooks: Vec<String>,
    definitions: Vec<String>,
}

/// Looks for known meshes, and for namespaces that the campaign's own meshes would be installed into.
///
/// # Errors
/// [`KubeError::Api`].
pub(super) async fn examine(cluster: &Cluster, meshes: &[&KubeMesh]) -> Result<Finding, KubeError> {
    let (namespaces, webhooks, definitions) = tokio::try_join!(
        unmarked::<Namespace>(cluster, "namespaces"),
        unmarked::<MutatingWebhookConfiguration>(cluster, "mutating webhook configurations"),
        unmarked::<CustomResourceDefinition>(cluster, "custom resource definitions"),
    )?;
    Ok(judge(&Unmarked { namespaces, webhooks, definitions }, meshes))
}

async fn unmarked<K>(cluster: &Cluster, what: &str) -> Result<Vec<String>, KubeError>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let parameters = ListParams::default().labels(&format!("!{CAMPAIGN}"));
    let listed = Api::<K>::all(cluster.client().clone()).list_metadata(&parameters).await;
    let listed = listed.map_err(KubeError::api(format!("list the {what}")))?;
    Ok(listed.items.iter().map(ResourceExt::name_any).collect())
}

fn judge(found: &Unmarked, meshes: &[&KubeMesh]) -> Finding {
    let known = KNOWN.iter().filter_map(|signs| {
        let evidence = evidence(signs, found);
        (!evidence.is_empty()).then(|| format!("{} ({})", signs.mesh, evidence.join(", ")))
    });
    let mut there: Vec<String> = known.collect();
    let is_known = |name: &str| KNOWN.iter().any(|signs| signs.namespaces.contains(&name));
    for namespace in meshes.iter().flat_map(|mesh| &mesh.namespaces) {
        let title = format!("the namespace {}, which a mesh of the campaign would make", namespace.name);
        if found.namespaces.contains(&namespace.name) && !is_known(&namespace.name) && !there.contains(&title)
        {
            there.push(title);
        }
    }
    let subject = "other meshes";
    if there.is_empty() {
        return Finding::good(subject, "none is in the cluster");
    }
    let text = format!(
        "in the cluster already, and from no campaign: {}. Two meshes in one cluster would measure each other, and \
         cleaning up would destroy what is not ours: uninstall it, or measure in another cluster",
        there.join("; ")
    );
    Finding::bad(subject, text)
}

fn evidence(signs: &Signs, found: &Unmarked) -> Vec<String> {
    let is_its = |name: &&String| signs.namespaces.contains(&name.as_str());
    let namespaces = found.namespaces.iter().filter(is_its).map(|name| format!("namespace {name}"));
    let begins = |name: &&String| signs.webhooks.iter().any(|webhook| name.starts_with(webhook));
    let webhooks = found.webhooks.iter().filter(begins).map(|name| format!("webhook configuration {name}"));
    let mut evidence: Vec<String> = namespaces.chain(webhooks).collect();
    let definitions: Vec<&String> =
        found.definitions.iter().filter(|name| name.ends_with(signs.definitions)).collect();
    match definitions.as_slice() {
        [] => {}
        [one] => evidence.push(format!("custom resource definition {one}")),
        [first, rest @ ..] => {
            evidence.push(format!("custom resource definition {first} and {} more", rest.len()));
        }
    }
    evidence
}

#[cfg(test)]
mod tests {
    use super::super::Grade;
    use super::*;
    use crate::mesh::OwnNamespace;
    use insta::assert_snapshot;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn a_mesh_that_is_there_is_named_with_what_gives_it_away() {
        let found = Unmarked {
            namespaces: names(&["default", "istio-system"]),
            webhooks: names(&["istio-sidecar-injector-prod", "cert-manager"]),
            definitions: names(&[
                "gateways.networking.istio.io",
                "sidecars.networking.istio.io",
                "servers.policy.linkerd.io",
            ]),
        };
        assert_snapshot!(judge(&found, &[]).text, @"in the cluster already, and from no campaign: Istio (namespace istio-system, webhook configuration istio-sidecar-injector-prod, custom resource definition gateways.networking.istio.io and 1 more); Linkerd (custom resource definition servers.policy.linkerd.io). Two meshes in one cluster would measure each other, and cleaning up would destroy what is not ours: uninstall it, or measure in another cluster");
    }

    #[test]
    fn a_namespace_that_a_mesh_would_make_must_not_be_there() {
        let own = OwnNamespace { name: "plain-envoy".to_owned(), labels: Default::default() };
        let mesh = KubeMesh { namespaces: vec![own], ..KubeMesh::default() };
        let found = Unmarked { namespaces: names(&["plain-envoy"]), ..Unmarked::default() };
        assert_snapshot!(judge(&found, &[&mesh, &mesh]).text, @"in the cluster already, and from no campaign: the namespace plain-envoy, which a mesh of the campaign would make. Two meshes in one cluster would measure each other, and cleaning up would destroy what is not ours: uninstall it, or measure in another cluster");
    }

    #[test]
    fn the_gateway_api_and_cilium_are_no_mesh() {
        let definitions = names(&["gateways.gateway.networking.k8s.io", "ciliumnodes.cilium.io"]);
        let found = Unmarked { definitions, namespaces: names(&["kube-system"]), ..Unmarked::default() };
        assert_eq!(judge(&found, &[]).grade, Grade::Good);
    }
}
