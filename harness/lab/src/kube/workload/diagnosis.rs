//! Why pods do not become ready, as the cluster tells it.

use std::fmt::Write;

use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{Api, ListParams, LogParams};

use super::standing::Hindrance;
use crate::kube::Cluster;

/// How many pods are described; where many are hindered, it is by the same thing.
const DESCRIBED: usize = 3;
/// How many warnings, and lines of each container's log, are quoted: the last ones.
const QUOTED: usize = 3;

/// Describes what keeps pods from being ready: what each waits for, the warnings about it and the end of its log.
/// `None` when nothing is known.
pub(super) async fn diagnose(cluster: &Cluster, hindered: &[Hindrance]) -> Option<String> {
    if hindered.is_empty() {
        return None;
    }
    let mut told = format!("{} of them", hindered.len());
    for it in hindered.iter().take(DESCRIBED) {
        // What cannot be asked for any more is left out: the failure is known without it.
        let warnings = warnings(cluster, it).await;
        let log = match &it.pod {
            Some(pod) => log_tail(cluster, &it.namespace, pod).await,
            None => Vec::new(),
        };
        _ = write!(told, "\n  {}/{}: {}", it.namespace, it.deployment, it.why);
        for line in warnings.iter().chain(&log) {
            _ = write!(told, "\n    {line}");
        }
    }
    if hindered.len() > DESCRIBED {
        _ = write!(told, "\n  and {} more", hindered.len() - DESCRIBED);
    }
    Some(told)
}

/// The last warnings about a Deployment, its `ReplicaSet` and its pod, such as `ReplicaSet web-7f: FailedCreate: …`.
async fn warnings(cluster: &Cluster, hindered: &Hindrance) -> Vec<String> {
    let events: Api<Event> = Api::namespaced(cluster.client().clone(), &hindered.namespace);
    let selected = ListParams::default().fields("type=Warning");
    let Ok(listed) = events.list(&selected).await else { return Vec::new() };
    let is_about_it = |event: &Event| {
        let rest =
            event.involved_object.name.as_deref().and_then(|name| name.strip_prefix(&hindered.deployment));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    let mut events: Vec<_> = listed.items.into_iter().filter(is_about_it).collect();
    events.sort_by_key(|event| (event.last_timestamp.clone(), event.event_time.clone()));
    let last = events.split_off(events.len().saturating_sub(QUOTED));
    last.into_iter().map(|event| shown(&event)).collect()
}

fn shown(event: &Event) -> String {
    let about = &event.involved_object;
    let or_unknown = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
    let (kind, name) = (or_unknown(&about.kind), or_unknown(&about.name));
    format!("{kind} {name}: {}: {}", or_unknown(&event.reason), or_unknown(&event.message).trim())
}

/// The last lines of all containers of a pod.
async fn log_tail(cluster: &Cluster, namespace: &str, pod: &str) -> Vec<String> {
    let pods: Api<Pod> = Api::namespaced(cluster.client().clone(), namespace);
    let mut lines = Vec::new();
    let Ok(found) = pods.get(pod).await else { return lines };
    for container in super::standing::running_containers(&found) {
        let tail = i64::try_from(QUOTED).ok();
        let wanted =
            LogParams { container: Some(container.clone()), tail_lines: tail, ..LogParams::default() };
        let said = pods.logs(pod, &wanted).await.unwrap_or_default();
        lines.extend(said.lines().map(|line| format!("{container} says: {line}")));
    }
    lines
}
