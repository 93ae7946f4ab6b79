//! What the pods that are not ready say, for the person who must find out why.

use std::fmt::Write as _;

use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, Event, Pod};
use kube::api::{Api, ListParams, LogParams};

use crate::kube::cluster::Cluster;

/// How many lines of a container's log are quoted.
const LOG_LINES: i64 = 5;
/// How many warnings of a namespace are quoted.
const WARNINGS: usize = 5;

/// The pods of these namespaces that are not ready: why, the last lines of their logs, and the namespaces' last warnings;
/// each on a line of its own after a line break. Empty where there is no trouble to be seen.
pub(super) async fn trouble_in(cluster: &Cluster, namespaces: &[&str]) -> String {
    let mut told = String::new();
    for namespace in namespaces {
        let pods: Api<Pod> = Api::namespaced(cluster.client().clone(), namespace);
        // The trouble may be that the API server does not answer; that has been said already.
        for pod in pods.list(&ListParams::default()).await.map(|listed| listed.items).unwrap_or_default() {
            for complaint in complaints_of(&pod) {
                let name = pod.metadata.name.as_deref().unwrap_or_default();
                let _ = write!(told, "\n  pod {namespace}/{name}: {}", complaint.text);
                if let Some(container) = complaint.container {
                    told.push_str(&log_of(&pods, name, container).await);
                }
            }
        }
        let events: Api<Event> = Api::namespaced(cluster.client().clone(), namespace);
        let warnings = events.list(&ListParams::default().fields("type=Warning")).await;
        for warning in last_warnings(warnings.map(|listed| listed.items).unwrap_or_default()) {
            let _ = write!(told, "\n  event in {namespace}: {warning}");
        }
    }
    told
}

/// The log of the container's present run or, where that has said nothing yet, of the one before.
async fn log_of(pods: &Api<Pod>, pod: &str, container: &str) -> String {
    for previous in [false, true] {
        let parameters = LogParams {
            container: Some(container.to_owned()),
            tail_lines: Some(LOG_LINES),
            previous,
            ..LogParams::default()
        };
        match pods.logs(pod, &parameters).await {
            Ok(log) if !log.trim().is_empty() => {
                let lines = log.lines().filter(|line| !line.trim().is_empty());
                return lines.map(|line| format!("\n    {container}: {line}")).collect();
            }
            _ => {}
        }
    }
    String::new()
}

/// What is wrong with a pod.
#[derive(Debug, PartialEq, Eq)]
struct Complaint<'pod> {
    text: String,
    /// The container whose log may say more.
    container: Option<&'pod str>,
}

fn complaints_of(pod: &Pod) -> Vec<Complaint<'_>> {
    let Some(status) = &pod.status else { return Vec::new() };
    if matches!(status.phase.as_deref(), Some("Succeeded")) {
        return Vec::new();
    }
    let conditions = status.conditions.iter().flatten();
    let unscheduled =
        conditions.filter(|one| one.type_ == "PodScheduled" && one.status != "True").map(|one| {
            let message = one.message.as_deref().unwrap_or("no reason given");
            Complaint { text: format!("not scheduled: {message}"), container: None }
        });
    let containers =
        status.init_container_statuses.iter().flatten().chain(status.container_statuses.iter().flatten());
    unscheduled.chain(containers.filter_map(complaint_of)).collect()
}

fn complaint_of(container: &ContainerStatus) -> Option<Complaint<'_>> {
    let name = &container.name;
    let ContainerState { waiting, terminated, .. } = container.state.clone().unwrap_or_default();
    let why = match (waiting, terminated) {
        (Some(waiting), _) => {
            let reason = waiting.reason.unwrap_or_else(|| "no reason given".to_owned());
            // Another container's trouble keeps it from starting.
            if reason == "PodInitializing" {
                return None;
            }
            let message = waiting.message.map(|message| format!(": {message}")).unwrap_or_default();
            format!("waits: {reason}{message}")
        }
        (None, Some(terminated)) if terminated.exit_code == 0 => return None,
        (None, Some(terminated)) => {
            let reason = terminated.reason.unwrap_or_else(|| "no reason given".to_owned());
            format!("ended with code {}: {reason}", terminated.exit_code)
        }
        (None, None) if container.ready => return None,
        (None, None) => "runs and is not ready".to_owned(),
    };
    let restarts = match container.restart_count {
        0 => String::new(),
        count => format!(" ({count} restarts)"),
    };
    Some(Complaint { text: format!("{name} {why}{restarts}"), container: Some(name) })
}

/// What was warned of, the latest last.
fn last_warnings(mut warnings: Vec<Event>) -> Vec<String> {
    warnings.sort_by_key(|event| event.last_timestamp.clone().map(|time| time.0));
    let latest = warnings.into_iter().rev().take(WARNINGS).map(|event| {
        let object = event.involved_object;
        let (kind, name) = (object.kind.unwrap_or_default(), object.name.unwrap_or_default());
        format!("{kind} {name}: {}", event.message.unwrap_or_default().trim())
    });
    let mut told: Vec<_> = latest.collect();
    told.reverse();
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    #[rstest]
    #[case::ready(json!({"running": {}}), true, &[])]
    #[case::unready(json!({"running": {}}), false, &["proxy runs and is not ready (2 restarts)"])]
    #[case::no_image(
        json!({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}), false,
        &["proxy waits: ImagePullBackOff: no such image (2 restarts)"]
    )]
    #[case::initializing(json!({"waiting": {"reason": "PodInitializing"}}), false, &[])]
    #[case::crashed(
        json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}}), false,
        &["proxy ended with code 137: OOMKilled (2 restarts)"]
    )]
    #[case::done(json!({"terminated": {"exitCode": 0}}), false, &[])]
    fn a_container_that_is_not_ready_complains(
        #[case] state: Value,
        #[case] ready: bool,
        #[case] expected: &[&str],
    ) {
        let status = json!({
            "name": "proxy", "image": "i", "imageID": "", "ready": ready, "restartCount": 2, "state": state,
        });
        let pod: Pod =
            serde_json::from_value(json!({"metadata": {}, "status": {"containerStatuses": [status]}}))
                .unwrap();
        let told: Vec<_> = complaints_of(&pod).into_iter().map(|complaint| complaint.text).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn a_pod_without_a_node_complains() {
        let condition =
            json!({"type": "PodScheduled", "status": "False", "message": "0/2 nodes are available"});
        let pod: Pod =
            serde_json::from_value(json!({"metadata": {}, "status": {"conditions": [condition]}})).unwrap();
        assert_eq!(complaints_of(&pod)[0].text, "not scheduled: 0/2 nodes are available");
    }
}
