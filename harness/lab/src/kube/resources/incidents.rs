//! What happened to containers during a run: [`incidents`].

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;

use crate::kube::workload::statuses;

/// Something that happened to a pod.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Incident<'pods> {
    /// The container that was restarted, and its pod; `None` where a pod came or went.
    pub restarted: Option<(&'pods Pod, &'pods str)>,
    /// What happened, a sentence.
    pub what: String,
}

/// Restarted containers and vanished pods between two looks at the same pods, which are keyed by `namespace/name`. Why a
/// container ended is said as the kubelet does, `OOMKilled` for one.
pub(super) fn incidents<'pods>(
    before: &BTreeMap<String, Pod>,
    after: &'pods BTreeMap<String, Pod>,
) -> Vec<Incident<'pods>> {
    let without = |what: String| Incident { restarted: None, what };
    let mut told = Vec::new();
    for (name, pod) in before {
        match after.get(name) {
            None => told.push(without(format!("{name} has vanished"))),
            Some(now) => told.extend(restarts(name, pod, now)),
        }
    }
    let new = after.keys().filter(|name| !before.contains_key(*name));
    told.extend(new.map(|name| without(format!("{name} has appeared"))));
    told
}

fn restarts<'pods>(name: &str, before: &Pod, after: &'pods Pod) -> Vec<Incident<'pods>> {
    let restarts_before = |container: &str| {
        statuses(before).find(|status| status.name == container).map_or(0, |status| status.restart_count)
    };
    let restarted = statuses(after).filter(|status| status.restart_count > restarts_before(&status.name));
    let told = restarted.map(|status| {
        let ended = status.last_state.as_ref().and_then(|state| state.terminated.as_ref());
        let reason = ended.and_then(|ended| ended.reason.as_deref()).unwrap_or("reason unknown");
        let code = ended.map(|ended| format!(", exit code {}", ended.exit_code)).unwrap_or_default();
        let what = format!("{name}: {} was restarted ({reason}{code})", status.name);
        Incident { restarted: Some((after, &status.name)), what }
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pod(restarts: i32, last_state: &Value) -> Pod {
        let container = json!({"name": "web", "ready": true, "image": "", "imageID": "",
            "restartCount": restarts, "lastState": last_state});
        serde_json::from_value(json!({"metadata": {}, "status": {"containerStatuses": [container]}})).unwrap()
    }

    #[test]
    fn restarts_and_vanished_pods_are_told() {
        let killed = json!({"terminated": {"reason": "OOMKilled", "exitCode": 137}});
        let named = |name: &str, pod: Pod| (format!("mb-r-app-0/{name}"), pod);
        let calm = || pod(1, &json!({}));
        let before = [named("calm", calm()), named("killed", pod(0, &json!({}))), named("gone", calm())];
        let after = [named("calm", calm()), named("killed", pod(1, &killed)), named("new", calm())];
        let after = after.into();
        let told = incidents(&before.into(), &after);
        let restarted: Vec<_> =
            told.iter().filter_map(|it| it.restarted).map(|(_, container)| container).collect();
        assert_eq!(restarted, ["web"]);
        let told: Vec<_> = told.into_iter().map(|it| it.what).collect();
        insta::assert_snapshot!(told.join("\n"), @"
        mb-r-app-0/gone has vanished
        mb-r-app-0/killed: web was restarted (OOMKilled, exit code 137)
        mb-r-app-0/new has appeared
        ");
    }
}
