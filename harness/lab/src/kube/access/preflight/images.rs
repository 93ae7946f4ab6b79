//! Whether every node has, or can pull, the images that a campaign wants: [`examine_images`], and [`try_images`] for
//! whoever is no campaign.
//!
//! Only a kubelet knows. So each is asked to start a pod with all the images, whose containers can never run, for their
//! command is in no image: one that fails to start has been pulled.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use meshbench_core::scenario::Scenario;
use serde_json::{Value, json};

use super::{Finding, Preflight, failed};
use crate::error::error_chain;
use crate::kube::access::{HeldLease, list_nodes, schedulable};
use crate::kube::cluster::Cluster;
use crate::kube::error::KubeError;
use crate::kube::install::images_of;
use crate::kube::namespace::{make_namespace, name_of_campaign, remove_namespace};
use crate::kube::watch;
use crate::mesh::MeshDefinition;

/// How the namespace of the pods is called, which is removed with them.
const NAMESPACE: &str = "mb-images";
/// Found in no image.
const COMMAND: &str = "/meshbench-only-tries-to-pull";
const SUBJECT: &str = "images";
/// How long pulling may take: images of meshes have hundreds of megabytes.
const PULL_LIMIT: Duration = Duration::from_secs(300);
/// How long the namespace may take to be gone.
const GONE_LIMIT: Duration = Duration::from_secs(180);
/// What kubelets call a container that waits for an image they do not get.
const NOT_PULLED: [&str; 6] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "RegistryUnavailable",
];

/// Every image of a scenario that is known before anything is installed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownImages {
    /// What is to be tried.
    pub images: BTreeSet<String>,
    /// Why those of a mesh are not among them, each in a sentence.
    pub unknown: Vec<String>,
}

impl KnownImages {
    /// Those of a scenario with these meshes. One that cannot be rendered takes no other down.
    pub async fn of(scenario: &Scenario, meshes: &[&MeshDefinition]) -> Self {
        let mut known = Self { images: scenario.kube.images().cloned().collect(), unknown: Vec::new() };
        for mesh in meshes {
            let Some(kube) = &mesh.kube else { continue };
            match images_of(mesh, kube).await {
                Ok(images) => known.images.extend(images),
                Err(error) => known.unknown.push(error_chain(&error)),
            }
        }
        known
    }
}

/// What became of images that were tried on every node.
#[derive(Debug)]
pub struct TriedImages(Result<Tried, Finding>);

#[derive(Debug)]
struct Tried {
    nodes: usize,
    missing: Vec<Missing>,
}

impl TriedImages {
    fn new(tried: Result<Tried, KubeError>) -> Self {
        Self(tried.map_err(|error| failed(SUBJECT, &error)))
    }

    /// Whether some of them can be had.
    #[must_use]
    pub fn judge(&self, images: &BTreeSet<String>) -> Preflight {
        let findings = match &self.0 {
            Ok(tried) => judge(images, tried),
            Err(finding) => vec![finding.clone()],
        };
        Preflight { findings }
    }
}

/// Tries the images on every node that takes pods. For that, pods of the cluster's campaign are made and removed again; they
/// are in the way of whoever measures, so this is for a campaign that has claimed the cluster.
pub(in crate::kube) async fn examine_images(cluster: &Cluster, images: &BTreeSet<String>) -> Preflight {
    TriedImages::new(try_and_remove(cluster, images).await).judge(images)
}

/// Tries the images as a campaign does, for whoever has not claimed the cluster: it is claimed meanwhile, so that no campaign
/// begins that would be disturbed and would sweep the pods away.
pub async fn try_images(cluster: &Cluster, images: &BTreeSet<String>) -> TriedImages {
    let tried = async {
        let lease = HeldLease::acquire(cluster).await?;
        let tried = try_and_remove(cluster, images).await;
        let released = lease.release().await;
        tried.and_then(|tried| released.map(|()| tried))
    };
    TriedImages::new(tried.await)
}

async fn try_and_remove(cluster: &Cluster, images: &BTreeSet<String>) -> Result<Tried, KubeError> {
    let namespace = name_of_campaign(NAMESPACE, cluster.campaign());
    let tried = try_all(cluster, &namespace, images).await;
    let removed = remove_namespace(cluster, &namespace, GONE_LIMIT).await;
    tried.and_then(|tried| removed.map(|()| tried))
}

async fn try_all(cluster: &Cluster, namespace: &str, images: &BTreeSet<String>) -> Result<Tried, KubeError> {
    let nodes = list_nodes(cluster).await?;
    let names: Vec<String> = schedulable(&nodes).map(ResourceExt::name_any).collect();
    make_namespace(cluster, namespace, &BTreeMap::new(), &BTreeMap::new()).await?;
    for (index, node) in names.iter().enumerate() {
        cluster.apply(&pod(namespace, index, node, images)).await?;
    }
    let pods: Api<Pod> = Api::namespaced(cluster.client().clone(), namespace);
    let all = ListParams::default();
    let settled = watch::until(&pods, &all, PULL_LIMIT, |pods| missing(pods, names.len(), images));
    let missing = settled.await.map_err(KubeError::timed_out("not all images are pulled"))?;
    Ok(Tried { nodes: names.len(), missing })
}

/// A pod of one node, which no scheduler is asked about: it would choose one that has the images.
fn pod(namespace: &str, index: usize, node: &str, images: &BTreeSet<String>) -> Value {
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
        "metadata": {"name": format!("node-{index}"), "namespace": namespace},
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

fn judge(images: &BTreeSet<String>, tried: &Tried) -> Vec<Finding> {
    let mut by_image: BTreeMap<&str, (Vec<&str>, &str)> = BTreeMap::new();
    for Missing { image, node, why } in &tried.missing {
        if images.contains(image) {
            by_image.entry(image).or_insert_with(|| (Vec::new(), why)).0.push(node);
        }
    }
    if by_image.is_empty() {
        let nodes = tried.nodes;
        let names: Vec<&str> = images.iter().map(String::as_str).collect();
        return vec![Finding::good(SUBJECT, format!("on {nodes} of {nodes} nodes: {}", names.join(", ")))];
    }
    let finding = |(image, (nodes, why)): (&str, (Vec<&str>, &str))| {
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

    fn pods(states: &Value) -> BTreeMap<String, Pod> {
        let mut object = pod("mb-images", 0, "worker-1", &images(&["ours:1", "theirs:2"]));
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
        let found = missing(&pods(&json!([started, state])), 1, &images(&["ours:1", "theirs:2"]));
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
            let tried = TriedImages::new(Ok(Tried { nodes: 2, missing }));
            let findings = tried.judge(&images(&["ours:1", "theirs:2"])).findings;
            findings.into_iter().map(|finding| finding.text).collect::<Vec<_>>().join("\n")
        };
        insta::assert_snapshot!(texts(vec![missing("worker-1"), missing("worker-2")]), @"theirs:2 cannot be had on worker-1, worker-2: ErrImagePull: not found (load it into every node, as with `kind load docker-image`, or name one that can be pulled: ours by `kube: {image: …}`, the workload's by `kube: {workload_images: …}`, a mesh's in its files)");
        insta::assert_snapshot!(texts(Vec::new()), @"on 2 of 2 nodes: ours:1, theirs:2");
    }

    #[test]
    fn what_others_lack_is_no_matter() {
        let missing = Missing { image: "theirs:2".to_owned(), node: "w".to_owned(), why: String::new() };
        let tried = TriedImages::new(Ok(Tried { nodes: 1, missing: vec![missing] }));
        assert!(tried.judge(&images(&["ours:1"])).refuse().is_ok());
        assert!(tried.judge(&images(&["theirs:2"])).refuse().is_err());
        let failed = TriedImages::new(Err(KubeError::Unfit("claimed".to_owned())));
        assert!(failed.judge(&images(&["ours:1"])).refuse().is_err());
    }
}
