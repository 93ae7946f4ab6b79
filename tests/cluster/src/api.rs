//! What is asked of Kubernetes itself: whether it is ready, and to run cluster DNS.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Node, ServiceAccount};
use kube::api::{Api, ApiResource, DynamicObject, ListParams, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::GroupVersionKind;
use kube::{Client, Config};
use serde_json::{Value, json};

use crate::error::{Error, Result, chain};
use crate::{network, wait};

/// How long each step may take. An idle machine needs seconds for all of them together; a busy one more.
const STEP_LIMIT: Duration = Duration::from_secs(120);
/// Who changes objects, to the API server.
const FIELD_MANAGER: &str = "meshbench-testcluster";
const DNS: &str = include_str!("../manifests/dns.json");

/// Runs something that waits, on this thread.
///
/// # Errors
/// Its own, or [`Error::Unusable`] when there can be no runtime.
pub fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Unusable(format!("cannot start a runtime: {error}")))?
        .block_on(work)
}

/// A client for whom a kubeconfig names.
///
/// # Errors
/// [`Error::Unusable`] when the file is not there or not a kubeconfig.
pub async fn client(kubeconfig: &Path) -> Result<Client> {
    let unusable = |error: &dyn std::error::Error| {
        Error::Unusable(format!("{}: {}", kubeconfig.display(), chain(error)))
    };
    let read = Kubeconfig::read_from(kubeconfig).map_err(|error| unusable(&error))?;
    let config = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default())
        .await
        .map_err(|error| unusable(&error))?;
    Client::try_from(config).map_err(|error| unusable(&error))
}

/// Waits until the API server says that it is ready.
///
/// # Errors
/// [`Error::TimedOut`] with its last answer.
pub async fn await_ready(client: &Client) -> Result<()> {
    wait::until_async("the API server", STEP_LIMIT, || async {
        let request =
            hyper::http::Request::get("/readyz").body(Vec::new()).map_err(|error| error.to_string())?;
        let answer = client.request_text(request).await.map_err(|error| chain(&error))?;
        if answer == "ok" { Ok(()) } else { Err(answer) }
    })
    .await
}

/// Waits until all nodes are there and ready, and tells Kubernetes which pods are whose.
///
/// # Errors
/// [`Error::TimedOut`] naming what the nodes said last.
pub async fn await_nodes(client: &Client, nodes: u8) -> Result<()> {
    let api: Api<Node> = Api::all(client.clone());
    wait::until_async("nodes becoming Ready", STEP_LIMIT, || async {
        let found = api.list(&ListParams::default()).await.map_err(|error| chain(&error))?;
        let waiting: Vec<_> = network::node_names(nodes)
            .filter_map(|name| {
                let node = found.items.iter().find(|node| node.metadata.name.as_deref() == Some(&name));
                match node.map(readiness) {
                    None => Some(format!("{name} is not registered")),
                    Some(Err(why)) => Some(format!("{name}: {why}")),
                    Some(Ok(())) => None,
                }
            })
            .collect();
        if waiting.is_empty() { Ok(()) } else { Err(waiting.join("; ")) }
    })
    .await?;
    for number in 1..=nodes {
        let (name, pods) = (network::node_name(number), network::node_pods(number));
        let change = json!({"spec": {"podCIDR": pods, "podCIDRs": [pods]}});
        api.patch(&name, &PatchParams::default(), &Patch::Merge(change))
            .await
            .map_err(Error::kubernetes(format!("take the pod addresses of {name}")))?;
    }
    Ok(())
}

/// Whether a node is ready; otherwise what it says.
///
/// # Errors
/// The status and message of its condition `Ready`.
pub fn readiness(node: &Node) -> std::result::Result<(), String> {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    match conditions.iter().find(|condition| condition.type_ == "Ready") {
        None => Err("it has not said whether it is Ready".to_owned()),
        Some(ready) if ready.status == "True" => Ok(()),
        Some(ready) => Err(format!(
            "Ready is {}: {}",
            ready.status,
            ready.message.as_deref().unwrap_or("without a message")
        )),
    }
}

/// Runs cluster DNS, and waits until it answers and pods can be made.
///
/// # Errors
/// [`Error::Kubernetes`], [`Error::TimedOut`].
pub async fn add_dns(client: &Client) -> Result<()> {
    let objects: Vec<Value> = serde_json::from_str(DNS)
        .map_err(|error| Error::Unusable(format!("the manifest of cluster DNS is no JSON: {error}")))?;
    for object in objects {
        apply(client, object).await?;
    }
    await_deployment(client, "kube-system", "coredns").await?;
    // Pods of a namespace are refused until its account is there.
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), "default");
    wait::until_async("the default service account", STEP_LIMIT, || async {
        accounts.get("default").await.map(drop).map_err(|error| chain(&error))
    })
    .await
}

/// Waits until all replicas of a Deployment are available.
///
/// # Errors
/// [`Error::TimedOut`] with its conditions.
pub async fn await_deployment(client: &Client, namespace: &str, name: &str) -> Result<()> {
    let api: Api<Deployment> = Api::namespaced(client.clone(), namespace);
    wait::until_async(&format!("the Deployment {namespace}/{name}"), STEP_LIMIT, || async {
        let deployment = api.get(name).await.map_err(|error| chain(&error))?;
        let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
        let status = deployment.status.unwrap_or_default();
        let is_current = status.observed_generation == deployment.metadata.generation;
        if is_current && status.available_replicas.unwrap_or(0) == wanted {
            return Ok(());
        }
        let said = status.conditions.unwrap_or_default().into_iter().filter_map(|one| one.message);
        Err(said.collect::<Vec<_>>().join("; "))
    })
    .await
}

/// Makes an object, or makes it like this.
///
/// # Errors
/// [`Error::Kubernetes`], or [`Error::Unusable`] when it has no kind or name.
pub async fn apply(client: &Client, object: Value) -> Result<()> {
    let object: DynamicObject = serde_json::from_value(object)
        .map_err(|error| Error::Unusable(format!("this is no Kubernetes object: {error}")))?;
    let (Some(types), Some(name)) = (object.types.clone(), object.metadata.name.clone()) else {
        return Err(Error::Unusable("an object has no kind or no name".to_owned()));
    };
    let kind = GroupVersionKind::try_from(&types)
        .map_err(|error| Error::Unusable(format!("{}: {error}", types.api_version)))?;
    let resource = ApiResource::from_gvk(&kind);
    let api: Api<DynamicObject> = match &object.metadata.namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    api.patch(&name, &PatchParams::apply(FIELD_MANAGER).force(), &Patch::Apply(&object))
        .await
        .map(drop)
        .map_err(Error::kubernetes(format!("take {} {name}", kind.kind)))
}
