//! Why pods do not become ready, as the cluster tells it.

use std::fmt::Write;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{Api, ListParams, LogParams};

use super::standing::{Hindrance, containers_in_trouble, running_containers};
use crate::kube::step_limit::StepLimit;
use crate::kube::{Cluster, KubeError};
use crate::wait::TimedOut;

/// How many pods are described; where many are hindered, it is by the same thing.
const DESCRIBED: usize = 3;
/// How many warnings, and lines of each container's log, are quoted: the last ones.
const QUOTED: usize = 3;
/// How long the cluster is asked why: what is known without it is said in any case.
const PATIENCE: Duration = Duration::from_secs(20);

/// That a limit ran out before these pods were ready; without any it is the API server that let none be seen.
pub(in crate::kube) async fn late(
    cluster: &Cluster,
    of: &'static str,
    hindered: &[Hindrance],
    waited: TimedOut,
) -> KubeError {
    match hindered {
        [] => KubeError::TimedOut { what: format!("the pods of {of} cannot be seen"), waited },
        _ => not_ready(cluster, of, hindered, &waited.to_string()).await,
    }
}

/// That pods are not ready: all are named, and of the first few it is told what each waits for, with the warnings about it
/// and the end of its log. `waited` says how long they were waited for, or why no longer.
pub(in crate::kube) async fn not_ready(
    cluster: &Cluster,
    of: &'static str,
    hindered: &[Hindrance],
    waited: &str,
) -> KubeError {
    let step = StepLimit::begin(PATIENCE);
    let mut why = waited.to_owned();
    for it in hindered.iter().take(DESCRIBED) {
        _ = write!(why, "\n  {}: {}", it.name(), it.why);
        // What cannot be asked for any more is left out: the failure is known without it.
        for line in step.within(evidence(cluster, it)).await.unwrap_or_default() {
            _ = write!(why, "\n    {line}");
        }
    }
    KubeError::NotReady { of, pods: hindered.iter().map(Hindrance::name).collect(), why }
}

/// That pods have other containers than the mesh's.
pub(in crate::kube) fn not_enrolled(pods: &[Hindrance]) -> KubeError {
    KubeError::NotEnrolled {
        pods: pods.iter().map(Hindrance::name).collect(),
        why: pods.first().map(|it| format!("{}: {}", it.name(), it.why)).unwrap_or_default(),
    }
}

/// The warnings about a pod and the end of its log.
async fn evidence(cluster: &Cluster, hindered: &Hindrance) -> Vec<String> {
    let mut lines = warnings(cluster, hindered).await;
    if let Some(pod) = &hindered.pod {
        lines.extend(log_tail(cluster, &hindered.namespace, pod).await);
    }
    lines
}

/// The last warnings about what makes a pod, a `ReplicaSet` in between, and the pod, such as `ReplicaSet web-7f: FailedCreate: …`.
async fn warnings(cluster: &Cluster, hindered: &Hindrance) -> Vec<String> {
    let events: Api<Event> = Api::namespaced(cluster.client().clone(), &hindered.namespace);
    let selected = ListParams::default().fields("type=Warning");
    let Ok(listed) = events.list(&selected).await else { return Vec::new() };
    let is_about_it = |event: &Event| {
        let rest = event.involved_object.name.as_deref().and_then(|name| name.strip_prefix(&hindered.owner));
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

/// The last lines of the containers of a pod that are in trouble; of all where none is.
async fn log_tail(cluster: &Cluster, namespace: &str, pod: &str) -> Vec<String> {
    let pods: Api<Pod> = Api::namespaced(cluster.client().clone(), namespace);
    let mut lines = Vec::new();
    let Ok(found) = pods.get(pod).await else { return lines };
    let mut containers = containers_in_trouble(&found);
    if containers.is_empty() {
        containers = running_containers(&found);
    }
    for container in containers {
        let said = last_words(&pods, pod, &container).await;
        lines.extend(said.lines().map(|line| format!("{container} says: {line}")));
    }
    lines
}

/// The end of what a container says or, where it has said nothing yet since it was restarted, said before.
async fn last_words(pods: &Api<Pod>, pod: &str, container: &str) -> String {
    for previous in [false, true] {
        let wanted = LogParams {
            container: Some(container.to_owned()),
            tail_lines: i64::try_from(QUOTED).ok(),
            previous,
            ..LogParams::default()
        };
        match pods.logs(pod, &wanted).await {
            Ok(said) if !said.trim().is_empty() => return said,
            _ => {}
        }
    }
    String::new()
}
