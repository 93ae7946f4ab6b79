//! Admission webhooks, which meshes inject their sidecars with.

use k8s_openapi::api::core::v1::Pod;
use kube::api::Api;
use meshbench_testcluster::pki::{Authority, Subject};
use meshbench_testcluster::{api, images};
use serde_json::json;

use super::support::{EMOJI, LIMIT, eventually, namespace, pod, with_shared};

/// The API server asks a webhook in a pod, through its Service, about every pod of a namespace.
pub(crate) fn a_webhook_mutates_pods() {
    with_shared(|_, client| async move {
        namespace(&client, "webhook").await;
        namespace(&client, "mutated").await;
        let authority = Authority::new("test-webhook-ca").unwrap();
        let serves = ["webhook.webhook.svc"];
        let identity = authority.issue(Subject { name: "webhook", group: None, serves: &serves }).unwrap();
        let labels = json!({"app": "webhook"});
        let objects = [
            json!({
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "tls", "namespace": "webhook"},
                "type": "kubernetes.io/tls",
                "stringData": {"tls.crt": identity.certificate, "tls.key": identity.private_key},
            }),
            json!({
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "webhook", "namespace": "webhook"},
                "spec": {"selector": {"matchLabels": labels}, "template": {
                    "metadata": {"labels": labels},
                    "spec": {
                        "containers": [{
                            "name": "webhook", "image": images::WEBHOOK, "imagePullPolicy": "Never",
                            "readinessProbe": {
                                "httpGet": {"path": "/ready", "port": 8443, "scheme": "HTTPS"}, "periodSeconds": 1,
                            },
                            "volumeMounts": [{"name": "tls", "mountPath": "/tls", "readOnly": true}],
                        }],
                        "volumes": [{"name": "tls", "secret": {"secretName": "tls"}}],
                    },
                }},
            }),
            json!({
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "webhook", "namespace": "webhook"},
                "spec": {"selector": labels, "ports": [{"port": 443, "targetPort": 8443}]},
            }),
        ];
        for object in objects {
            api::apply(&client, object).await.unwrap();
        }
        api::await_deployment(&client, "webhook", "webhook").await.unwrap();
        api::apply(&client, configuration(&authority.identity().certificate)).await.unwrap();

        let pods: Api<Pod> = Api::namespaced(client.clone(), "mutated");
        // The API server takes a moment to notice a new configuration.
        eventually("a pod that the webhook labelled", LIMIT, || async {
            let name = "mutated";
            api::apply(&client, pod("mutated", name, &EMOJI)).await.map_err(|error| error.chain())?;
            let made = pods.get(name).await.map_err(|error| error.to_string())?;
            let labels = made.metadata.labels.unwrap_or_default();
            if labels.get("mutated-by").is_some_and(|by| by == "test-webhook") {
                return Ok(());
            }
            let _ = pods.delete(name, &kube::api::DeleteParams::default().grace_period(0)).await;
            Err(format!("its labels are {labels:?}"))
        })
        .await;
    });
}

fn configuration(authority: &str) -> serde_json::Value {
    use base64::Engine as _;
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "test-webhook"},
        "webhooks": [{
            "name": "pods.webhook.test",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Fail",
            "clientConfig": {
                "caBundle": base64::prelude::BASE64_STANDARD.encode(authority),
                "service": {"namespace": "webhook", "name": "webhook", "path": "/mutate"},
            },
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
            "namespaceSelector": {"matchLabels": {"trial": "mutated"}},
        }],
    })
}
