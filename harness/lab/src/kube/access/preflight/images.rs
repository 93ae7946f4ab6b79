//! Whether every node has, or can pull, the images that a campaign wants: [`examine_images`].
//!
//! Only a kubelet knows. So each is asked to start a pod with all the images, whose containers can never run, for their
//! command is in no image: one that fails to start has been pulled.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use k8s_openapi::api::core::v1::{ContainerStatus, Node, Pod};
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use serde_json::{Value, json};

use super::{Finding, Preflight, said};
use crate::kube::access::choice::schedulable;
use crate::kube::cluster::Cluster;
use crate::kube::error::KubeError;
use crate::kube::namespace::remove_namespace;
use crate::kube::watch;

/// The namespace of the pods, removed with them.
const NAMESPACE: &str = "mb-images";
/// Found in no image.
const COMMAND: &str = "/meshbench-only-tries-to-pull";
const SUBJECT: &str = "images";
/// How long pulling may take: images of meshes have hundreds of megabytes.
const PULL_LIMIT: Duration = Duration::from_secs(300);
/// How long the namespace may take to be gone.
const GONE_LIMIT: Duration = Duration::from_secs(60);
/// What kubelets call a container that waits for an image they do not get.
const NOT_PULLED: [&str; 6] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "RegistryUnavailable",
];

/// Tries the images on every node that takes pods. For that, pods of the cluster's campaign are made and removed again; they
/// are in the way of whoever measures, so this is for a cluster that is free.
pub async fn examine_images(cluster: &Cluster, images: &BTreeSet<String>) -> Preflight {
    let tried = async {
        let tried = try_all(cluster, images).await;
        let removed = remove_namespace(cluster, NAMESPACE, GONE_LIMIT).await;
        tried.and_then(|findings| removed.map(|()| findings))
    };
    Preflight { findings: said(SUBJECT, tried.await) }
}

async fn try_all(cluster: &Cluster, images: &BTreeSet<String>) -> Result<Vec<Finding>, KubeError> {
    let nodes: Api<Node> = Api::all(cluster.client().clone());
    let nodes = nodes.list(&ListParams::default()).await.map_err(KubeError::api("list the nodes"))?.items;
    let names: Vec<String> = schedulable(&nodes).map(ResourceExt::name_any).collect();
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
    cluster.apply(&namespace).await?;
    for (index, node) in names.iter().enumerate() {
        cluster.apply(&pod(index, node, images)).await?;
    }
    let pods: Api<Pod> = Api::namespaced(cluster.client().clone(), NAMESPACE);
    let all = ListParams::default();
    let settled = watch::until(&pods, &all, PULL_LIMIT, |pods| missing(pods, names.len(), images));
    let missing = settled.await.map_err(KubeError::timed_out("not all images are pulled"))?;
    Ok(judge(images, names.len(), missing))
}

/// A pod of one node, which no scheduler is asked about: it would choose one that has the images.
fn pod(index: usize, node: &str, images: &BTreeSet<String>) -> Value {
    let container = |(index, image): (usize, &String)| {
        json!({
            "name": container_name(index),
            "image": image,
            "imagePullPolicy": "IfNotPresent",
            "command": [COMMAND],
        })
    };
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": format!("node-{index}"), "namespace": NAMESPACE},
        "spec": {
            "nodeName": node,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "containers": images.iter().enumerate().map(container).collect::<Vec<_>>(),
        },
    })
}

fn container_name(index: usize) -> String {
    format!("image-{index}")
}

/// An image that a node does not get, with why.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Missing {
    image: String,
    node: String,
    why: String,
}

/// The images that cannot be had, once every node has tried each.
///
/// # Errors
/// What is still awaited.
fn missing(
    pods: &BTreeMap<String, Pod>,
    nodes: usize,
    images: &BTreeSet<String>,
) -> Result<Vec<Missing>, String> {
    if pods.len() < nodes {
        return Err(format!("{} of {nodes} pods are there", pods.len()));
    }
    let mut missing = Vec::new();
    for pod in pods.values() {
        let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone()).unwrap_or_default();
        let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
        let statuses: Vec<&ContainerStatus> = statuses.collect();
        for (index, image) in images.iter().enumerate() {
            let status = statuses.iter().find(|status| status.name == container_name(index));
            let pulled = status.map_or(Pulled::NotYet, |status| pulled(status));
            match pulled {
                Pulled::Yes => {}
                Pulled::No(why) => missing.push(Missing { image: image.clone(), node: node.clone(), why }),
                Pulled::NotYet => return Err(format!("{image} on node {node}")),
            }
        }
    }
    Ok(missing)
}

/// Whether a container's image is there.
enum Pulled {
    Yes,
    No(String),
    NotYet,
}

fn pulled(status: &ContainerStatus) -> Pulled {
    let state = status.state.clone().unwrap_or_default();
    let Some(waiting) = state.waiting else {
        return if state.terminated.is_some() || state.running.is_some() {
            Pulled::Yes
        } else {
            Pulled::NotYet
        };
    };
    let reason = waiting.reason.unwrap_or_default();
    match reason.as_str() {
        "" | "ContainerCreating" | "PodInitializing" => Pulled::NotYet,
        reason if NOT_PULLED.contains(&reason) => Pulled::No(
            waiting.message.map_or_else(|| reason.to_owned(), |message| format!("{reason}: {message}")),
        ),
        // It could not be started, as was to be expected.
        _ => Pulled::Yes,
    }
}

fn judge(images: &BTreeSet<String>, nodes: usize, missing: Vec<Missing>) -> Vec<Finding> {
    if missing.is_empty() {
        let names: Vec<&str> = images.iter().map(String::as_str).collect();
        return vec![Finding::good(SUBJECT, format!("on {nodes} of {nodes} nodes: {}", names.join(", ")))];
    }
    let mut by_image: BTreeMap<String, (Vec<String>, String)> = BTreeMap::new();
    for Missing { image, node, why } in missing {
        by_image.entry(image).or_insert_with(|| (Vec::new(), why)).0.push(node);
    }
    let finding = |(image, (nodes, why)): (String, (Vec<String>, String))| {
        let text = format!(
            "{image} cannot be had on {}: {} (load it into every node, as with `kind load docker-image`, or name one that \
             can be pulled: ours by `kube: {{image: …}}`, the workload's by `kube: {{workload_images: …}}`, a mesh's in its \
             files)",
            nodes.join(", "),
            why.trim()
        );
        Finding::bad(SUBJECT, text)
    };
    by_image.into_iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn images(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn pods(states: Value) -> BTreeMap<String, Pod> {
        let mut object = pod(0, "worker-1", &images(&["ours:1", "theirs:2"]));
        let statuses = states.as_array().unwrap().iter().enumerate().map(|(index, state)| {
            json!({"name": container_name(index), "state": state, "image": "", "imageID": "", "ready": false, "restartCount": 0})
        });
        object["status"] = json!({"containerStatuses": statuses.collect::<Vec<_>>()});
        BTreeMap::from([("node-0".to_owned(), serde_json::from_value(object).unwrap())])
    }

    fn waiting(reason: &str) -> Value {
        json!({"waiting": {"reason": reason, "message": "said the kubelet"}})
    }

    #[rstest]
    #[case::pulled(json!({"terminated": {"exitCode": 128, "reason": "StartError"}}), Ok(0))]
    #[case::created(waiting("CreateContainerError"), Ok(0))]
    #[case::refused(waiting("ErrImagePull"), Ok(1))]
    #[case::given_up(waiting("ImagePullBackOff"), Ok(1))]
    #[case::misnamed(waiting("InvalidImageName"), Ok(1))]
    #[case::pulling(waiting("ContainerCreating"), Err("theirs:2 on node worker-1"))]
    #[case::unknown(json!({}), Err("theirs:2 on node worker-1"))]
    fn an_image_is_there_when_its_container_only_fails_to_start(
        #[case] state: Value,
        #[case] expected: Result<usize, &str>,
    ) {
        let started = json!({"terminated": {"exitCode": 128, "reason": "StartError"}});
        let found = missing(&pods(json!([started, state])), 1, &images(&["ours:1", "theirs:2"]));
        assert_eq!(found.map(|missing| missing.len()), expected.map_err(str::to_owned));
    }

    #[test]
    fn every_node_is_awaited() {
        assert_eq!(missing(&BTreeMap::new(), 2, &images(&["a"])), Err("0 of 2 pods are there".to_owned()));
    }

    #[test]
    fn what_is_missing_is_said_once_with_its_nodes_and_the_cure() {
        let missing = |node: &str| Missing {
            image: "theirs:2".to_owned(),
            node: node.to_owned(),
            why: "ErrImagePull: not found".to_owned(),
        };
        let texts = |missing| {
            let findings = judge(&images(&["ours:1", "theirs:2"]), 2, missing);
            findings.into_iter().map(|finding| finding.text).collect::<Vec<_>>().join("\n")
        };
        insta::assert_snapshot!(texts(vec![missing("worker-1"), missing("worker-2")]), @"theirs:2 cannot be had on worker-1, worker-2: ErrImagePull: not found (load it into every node, as with `kind load docker-image`, or name one that can be pulled: ours by `kube: {image: …}`, the workload's by `kube: {workload_images: …}`, a mesh's in its files)");
        insta::assert_snapshot!(texts(Vec::new()), @"on 2 of 2 nodes: ours:1, theirs:2");
    }
}
