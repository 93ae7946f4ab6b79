//! Where the pods of a workload stand, read off the pods themselves: [`Standing`].

use std::collections::BTreeMap;
use std::net::IpAddr;

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::ResourceExt;

use super::layout::{Layout, Service};
use crate::kube::labels::{APP, SERVICE};

/// A pod of the workload that is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeployedPod {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its address.
    pub ip: IpAddr,
    /// The node it is on.
    pub node: String,
    /// Of which app it is, counted from zero.
    pub app: u32,
    /// Which service it is.
    pub service: Service,
    /// Its `ServiceAccount`.
    pub account: String,
    /// Its containers, native sidecars included.
    pub containers: Vec<String>,
}

/// Where the workload stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// Every pod is ready, with the containers it should have.
    Ready(Vec<DeployedPod>),
    /// Some pods are not ready yet, each with what it waits for; or not there yet.
    Waiting(Vec<Hindrance>),
    /// All pods are there and some have other containers than the mesh's, each with what is wrong: waiting does not help.
    NotEnrolled(Vec<Hindrance>),
}

/// What keeps a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::kube) struct Hindrance {
    /// The namespace.
    pub namespace: String,
    /// What makes it: the Deployment, or the Job.
    pub owner: String,
    /// The pod; `None` where there is none yet.
    pub pod: Option<String>,
    /// What it waits for, or what is wrong with it.
    pub why: String,
}

impl Hindrance {
    /// The pod as `namespace/name`; what makes it, where there is none.
    pub(in crate::kube) fn name(&self) -> String {
        format!("{}/{}", self.namespace, self.pod.as_ref().unwrap_or(&self.owner))
    }
}

/// Where the workload stands when these are its pods, and the mesh puts these sidecars into each.
pub(super) fn standing(layout: &Layout, sidecars: &[String], pods: &BTreeMap<String, Pod>) -> Standing {
    let staying = pods.values().filter(|pod| pod.metadata.deletion_timestamp.is_none());
    let by_service: BTreeMap<_, _> = staying.filter_map(|pod| Some((service_of(pod)?, pod))).collect();
    let (mut ready, mut waiting, mut strangers) = (Vec::new(), Vec::new(), Vec::new());
    let mut are_all_there = true;
    for (app, service) in layout.services() {
        let pod = by_service.get(&(app, service));
        let hindrance = |why: String| Hindrance {
            namespace: layout.namespace_of(app),
            owner: layout.name_of(app, service),
            pod: pod.map(|pod| pod.name_any()),
            why,
        };
        let Some(pod) = pod else {
            are_all_there = false;
            waiting.push(hindrance("it has no pod yet".to_owned()));
            continue;
        };
        // Containers are settled when a pod is admitted: what is missing then never comes.
        match (wrong_containers(pod, service.name(), sidecars), ready_pod(pod, app, service)) {
            (Some(why), _) => strangers.push(hindrance(why)),
            (None, Ok(pod)) => ready.push(pod),
            (None, Err(why)) => waiting.push(hindrance(why)),
        }
    }
    if !strangers.is_empty() && are_all_there {
        return Standing::NotEnrolled(strangers);
    }
    // First those for which there is no hope.
    strangers.extend(waiting);
    if strangers.is_empty() { Standing::Ready(ready) } else { Standing::Waiting(strangers) }
}

/// Which service of which app a pod is, by its labels.
fn service_of(pod: &Pod) -> Option<(u32, Service)> {
    let app = pod.labels().get(APP)?.parse().ok()?;
    Some((app, Service::named(pod.labels().get(SERVICE)?)?))
}

/// A pod's containers, with those init containers that keep running: native sidecars.
pub(crate) fn running_containers(pod: &Pod) -> Vec<String> {
    let Some(spec) = &pod.spec else { return Vec::new() };
    let native = spec.init_containers.iter().flatten();
    let native = native.filter(|container| container.restart_policy.as_deref() == Some("Always"));
    spec.containers.iter().chain(native).map(|container| container.name.clone()).collect()
}

/// A pod's containers that are not as they should be, init containers included.
pub(super) fn containers_in_trouble(pod: &Pod) -> Vec<String> {
    let in_trouble = statuses(pod).filter(|container| waits_for(container).is_some());
    in_trouble.map(|container| container.name.clone()).collect()
}

/// Of all containers of a pod, native sidecars included.
pub(in crate::kube) fn statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    let status = pod.status.iter();
    status
        .flat_map(|status| [&status.init_container_statuses, &status.container_statuses])
        .flatten()
        .flatten()
}

/// What is wrong with a pod's containers: there must be the service's own and the mesh's sidecars, and no others, which
/// would be measured as something they are not.
pub(in crate::kube) fn wrong_containers(pod: &Pod, own: &str, sidecars: &[String]) -> Option<String> {
    let found = running_containers(pod);
    if let Some(missing) = sidecars.iter().find(|sidecar| !found.contains(sidecar)) {
        return Some(format!("it has no container {missing}, only {}", found.join(", ")));
    }
    let stranger = found.iter().find(|name| *name != own && !sidecars.contains(name))?;
    Some(format!("it has a container {stranger}, which is neither {own} nor one of the mesh's sidecars"))
}

/// Whether a pod is ready, its sidecars included; otherwise what it waits for.
pub(in crate::kube) fn readiness(pod: &Pod) -> Result<(), String> {
    let status = pod.status.as_ref().ok_or("it has no status yet")?;
    let condition = |of_type: &str| status.conditions.iter().flatten().find(|it| it.type_ == of_type);
    if condition("Ready").is_none_or(|ready| ready.status != "True") {
        let unscheduled = condition("PodScheduled").filter(|scheduled| scheduled.status == "False");
        let unscheduled = unscheduled.and_then(|scheduled| scheduled.message.clone());
        let waiting: Vec<_> = statuses(pod).filter_map(waits_for).collect();
        return Err(match (unscheduled, waiting.is_empty()) {
            (Some(message), _) => format!("no node for it: {message}"),
            (None, false) => waiting.join("; "),
            (None, true) => format!("phase {}", status.phase.as_deref().unwrap_or("unknown")),
        });
    }
    Ok(())
}

fn ready_pod(pod: &Pod, app: u32, service: Service) -> Result<DeployedPod, String> {
    readiness(pod)?;
    let status = pod.status.as_ref().ok_or("it has no status yet")?;
    let spec = pod.spec.as_ref().ok_or("it has no specification")?;
    Ok(DeployedPod {
        name: pod.name_any(),
        namespace: pod.namespace().unwrap_or_default(),
        ip: status.pod_ip.as_ref().and_then(|ip| ip.parse().ok()).ok_or("it has no address yet")?,
        node: spec.node_name.clone().ok_or("it has no node yet")?,
        app,
        service,
        account: spec.service_account_name.clone().unwrap_or_default(),
        containers: running_containers(pod),
    })
}

/// What a container waits for; `None` for one that is ready, or did what it had to.
fn waits_for(container: &ContainerStatus) -> Option<String> {
    let name = &container.name;
    let state = container.state.as_ref()?;
    if let Some(waiting) = &state.waiting {
        let reason = waiting.reason.as_deref().unwrap_or("waiting");
        let message = waiting.message.as_deref().map(|message| format!(" ({message})")).unwrap_or_default();
        return Some(format!("{name}: {reason}{message}"));
    }
    if let Some(ended) = state.terminated.as_ref().filter(|ended| ended.exit_code != 0) {
        let reason = ended.reason.as_deref().unwrap_or("ended");
        return Some(format!("{name}: {reason} with exit code {}", ended.exit_code));
    }
    (state.running.is_some() && !container.ready).then(|| format!("{name}: runs and is not ready"))
}

#[cfg(test)]
mod tests;
