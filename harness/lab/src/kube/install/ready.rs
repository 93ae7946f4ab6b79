//! Waiting until an installed mesh is ready for workloads.

use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use kube::api::{Api, ListParams};
use tokio::time::Instant;

use super::injection::await_injection;
use super::left;
use super::trouble::trouble_in;
use crate::kube::cluster::Cluster;
use crate::kube::error::KubeError;
use crate::kube::watch;
use crate::mesh::{KubeMesh, ReadyCondition};
use crate::wait::TimedOut;

/// Waits for every condition of a mesh.
///
/// # Errors
/// [`KubeError::TimedOut`] naming the first condition that does not hold by the deadline, what is seen instead, and what the
/// pods in question say.
pub(super) async fn await_ready(
    cluster: &Cluster,
    kube: &KubeMesh,
    deadline: Instant,
) -> Result<(), KubeError> {
    for condition in &kube.ready {
        if let Err(waited) = await_condition(cluster, kube, condition, deadline).await {
            let own = kube.namespaces.iter().map(|namespace| namespace.name.as_str());
            let namespaces =
                namespace_of(condition).map_or_else(|| own.collect(), |namespace| vec![namespace]);
            let trouble = trouble_in(cluster, &namespaces).await;
            let last_seen = format!("{}{trouble}", waited.last_seen);
            let what = format!("{} is not ready", shown(condition));
            return Err(KubeError::TimedOut { what, waited: TimedOut { last_seen, ..waited } });
        }
    }
    Ok(())
}

async fn await_condition(
    cluster: &Cluster,
    kube: &KubeMesh,
    condition: &ReadyCondition,
    deadline: Instant,
) -> Result<(), TimedOut> {
    let client = cluster.client().clone();
    let limit = left(deadline);
    match condition {
        ReadyCondition::Deployment(path) => {
            let (namespace, name) = split(path);
            let api: Api<Deployment> = Api::namespaced(client, namespace);
            watch::until(&api, &named(name), limit, |found| state_of(found.values().next(), deployment)).await
        }
        ReadyCondition::DaemonSet(path) => {
            let (namespace, name) = split(path);
            let api: Api<DaemonSet> = Api::namespaced(client, namespace);
            watch::until(&api, &named(name), limit, |found| state_of(found.values().next(), daemon_set)).await
        }
        ReadyCondition::MutatingWebhook(name) => {
            let api: Api<MutatingWebhookConfiguration> = Api::all(client);
            watch::until(&api, &named(name), limit, |found| state_of(found.values().next(), webhook)).await
        }
        ReadyCondition::SidecarsInjected => await_injection(cluster, kube, limit).await,
    }
}

fn named(name: &str) -> ListParams {
    ListParams::default().fields(&format!("metadata.name={name}"))
}

/// `namespace/name`, which a definition that was accepted has.
fn split(path: &str) -> (&str, &str) {
    path.split_once('/').unwrap_or(("default", path))
}

fn namespace_of(condition: &ReadyCondition) -> Option<&str> {
    match condition {
        ReadyCondition::Deployment(path) | ReadyCondition::DaemonSet(path) => Some(split(path).0),
        ReadyCondition::MutatingWebhook(_) | ReadyCondition::SidecarsInjected => None,
    }
}

fn shown(condition: &ReadyCondition) -> String {
    match condition {
        ReadyCondition::Deployment(path) => format!("Deployment {path}"),
        ReadyCondition::DaemonSet(path) => format!("DaemonSet {path}"),
        ReadyCondition::MutatingWebhook(name) => format!("MutatingWebhookConfiguration {name}"),
        ReadyCondition::SidecarsInjected => "the injection of sidecars".to_owned(),
    }
}

fn state_of<K>(found: Option<&K>, look: impl FnOnce(&K) -> Result<(), String>) -> Result<(), String> {
    found.ok_or_else(|| "it is not there".to_owned()).and_then(look)
}

fn deployment(deployment: &Deployment) -> Result<(), String> {
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let status = deployment.status.clone().unwrap_or_default();
    if status.observed_generation < deployment.metadata.generation {
        return Err("its controller has not seen it".to_owned());
    }
    let (updated, available) = (status.updated_replicas.unwrap_or(0), status.available_replicas.unwrap_or(0));
    if updated >= wanted && available >= wanted {
        return Ok(());
    }
    Err(format!("{available} of {wanted} replicas are available"))
}

fn daemon_set(daemon_set: &DaemonSet) -> Result<(), String> {
    let status = daemon_set.status.clone().unwrap_or_default();
    if status.observed_generation < daemon_set.metadata.generation {
        return Err("its controller has not seen it".to_owned());
    }
    let (wanted, available) = (status.desired_number_scheduled, status.number_available.unwrap_or(0));
    match wanted {
        0 => Err("no node takes its pods".to_owned()),
        _ if available >= wanted => Ok(()),
        _ => Err(format!("{available} of {wanted} nodes have an available pod")),
    }
}

/// The API server cannot ask a webhook whose certificate it cannot check.
fn webhook(configuration: &MutatingWebhookConfiguration) -> Result<(), String> {
    let webhooks = configuration.webhooks.iter().flatten();
    let uncertified =
        webhooks.filter(|one| one.client_config.ca_bundle.as_ref().is_none_or(|bundle| bundle.0.is_empty()));
    let names: Vec<_> = uncertified.map(|one| one.name.as_str()).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(format!("no certificate authority for {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    #[rstest]
    #[case::new(json!({}), Err("its controller has not seen it"))]
    #[case::stale(json!({"observedGeneration": 1, "updatedReplicas": 2, "availableReplicas": 2}), Err("its controller has not seen it"))]
    #[case::starting(json!({"observedGeneration": 2, "updatedReplicas": 2, "availableReplicas": 1}), Err("1 of 2 replicas are available"))]
    #[case::rolling(json!({"observedGeneration": 2, "updatedReplicas": 1, "availableReplicas": 2}), Err("2 of 2 replicas are available"))]
    #[case::available(json!({"observedGeneration": 2, "updatedReplicas": 2, "availableReplicas": 2}), Ok(()))]
    fn a_deployment_is_ready_with_all_replicas(#[case] status: Value, #[case] expected: Result<(), &str>) {
        let object = json!({
            "metadata": {"generation": 2},
            "spec": {"replicas": 2, "selector": {}, "template": {}},
            "status": status,
        });
        let state = deployment(&serde_json::from_value(object).unwrap());
        assert_eq!(state, expected.map_err(str::to_owned));
    }

    #[rstest]
    #[case::nowhere(0, 0, Err("no node takes its pods"))]
    #[case::starting(2, 1, Err("1 of 2 nodes have an available pod"))]
    #[case::everywhere(2, 2, Ok(()))]
    fn a_daemon_set_is_ready_on_every_node(
        #[case] wanted: i32,
        #[case] available: i32,
        #[case] expected: Result<(), &str>,
    ) {
        let object = json!({
            "metadata": {"generation": 1},
            "status": {
                "observedGeneration": 1, "desiredNumberScheduled": wanted, "numberAvailable": available,
                "currentNumberScheduled": 0, "numberMisscheduled": 0, "numberReady": 0,
            },
        });
        assert_eq!(daemon_set(&serde_json::from_value(object).unwrap()), expected.map_err(str::to_owned));
    }

    #[test]
    fn a_webhook_is_ready_once_it_can_be_asked() {
        let of = |bundles: [&str; 2]| {
            let webhook = |(index, bundle)| {
                json!({
                    "name": format!("{index}.example.com"), "sideEffects": "None", "admissionReviewVersions": ["v1"],
                    "clientConfig": {"caBundle": bundle},
                })
            };
            let webhooks: Vec<_> = bundles.into_iter().enumerate().map(webhook).collect();
            webhook_state(json!({"metadata": {}, "webhooks": webhooks}))
        };
        assert_eq!(of(["YQ==", ""]), Err("no certificate authority for 1.example.com".to_owned()));
        assert_eq!(of(["YQ==", "YQ=="]), Ok(()));
    }

    fn webhook_state(configuration: Value) -> Result<(), String> {
        webhook(&serde_json::from_value(configuration).unwrap())
    }
}
