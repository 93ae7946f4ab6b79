//! What happened to containers during a run: [`incidents`].

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;

use crate::kube::workload::statuses;

/// Restarted containers and vanished pods between two looks at the same pods, each a sentence; the pods are keyed by
/// `namespace/name`. Why a container ended is said as the kubelet does, `OOMKilled` for one.
pub(super) fn incidents(before: &BTreeMap<String, Pod>, after: &BTreeMap<String, Pod>) -> Vec<String> {
    let mut told = Vec::new();
    for (name, pod) in before {
        match after.get(name) {
            None => told.push(format!("{name} has vanished")),
            Some(now) => told.extend(restarts(name, pod, now)),
        }
    }
    let new = after.keys().filter(|name| !before.contains_key(*name));
    told.extend(new.map(|name| format!("{name} has appeared")));
    told
}

fn restarts(name: &str, before: &Pod, after: &Pod) -> Vec<String> {
    let restarts_before = |container: &str| {
        statuses(before).find(|status| status.name == container).map_or(0, |status| status.restart_count)
    };
    let restarted = statuses(after).filter(|status| status.restart_count > restarts_before(&status.name));
    let told = restarted.map(|status| {
        let ended = status.last_state.as_ref().and_then(|state| state.terminated.as_ref());
        let reason = ended.and_then(|ended| ended.reason.as_deref()).unwrap_or("reason unknown");
        let code = ended.map(|ended| format!(", exit code {}", ended.exit_code)).unwrap_or_default();
        format!("{name}: {} was restarted ({reason}{code})", status.name)
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
        insta::assert_snapshot!(incidents(&before.into(), &after.into()).join("\n"), @"
        mb-r-app-0/gone has vanished
        mb-r-app-0/killed: web was restarted (OOMKilled, exit code 137)
        mb-r-app-0/new has appeared
        ");
    }
}
