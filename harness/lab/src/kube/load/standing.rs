//! Where the load generator's pods stand, read off the pods themselves: [`Standing`].

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use super::job::{GeneratorLayout, NAME};
use crate::kube::workload::{Hindrance, readiness, statuses, wrong_containers};

/// Where the load generator stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// Every pod is ready; their names, by index.
    Ready(Vec<String>),
    /// Some pods are not ready yet, each with what it waits for; or not there yet.
    Waiting(Vec<Hindrance>),
    /// Some have ended before they were told anything, each with how: none is started twice, so waiting does not help.
    Ended(Vec<Hindrance>),
    /// Some have other containers than they should, each with what is wrong: waiting does not help.
    NotEnrolled(Vec<Hindrance>),
}

/// Where the load generator stands when these are its pods.
pub(super) fn standing(layout: &GeneratorLayout, pods: &BTreeMap<String, Pod>) -> Standing {
    let hindered = |why: &dyn Fn(&Pod) -> Option<String>| -> Vec<Hindrance> {
        pods.values().filter_map(|pod| Some(hindrance(layout, Some(pod), why(pod)?))).collect()
    };
    let strangers = hindered(&|pod| wrong_containers(pod, NAME, &layout.sidecars));
    if !strangers.is_empty() {
        return Standing::NotEnrolled(strangers);
    }
    let ended = hindered(&end_of);
    if !ended.is_empty() {
        return Standing::Ended(ended);
    }
    let mut waiting = hindered(&|pod| readiness(pod).err());
    waiting.extend(missing(layout, pods));
    if !waiting.is_empty() {
        return Standing::Waiting(waiting);
    }
    let mut ready: Vec<_> = pods.values().map(|pod| (index_of(pod), pod.name_any())).collect();
    ready.sort();
    Standing::Ready(ready.into_iter().map(|(_, name)| name).collect())
}

fn hindrance(layout: &GeneratorLayout, pod: Option<&Pod>, why: String) -> Hindrance {
    let pod = pod.map(ResourceExt::name_any);
    Hindrance { namespace: layout.namespace.clone(), owner: NAME.to_owned(), pod, why }
}

/// The Job, where it has not made all its pods.
fn missing(layout: &GeneratorLayout, pods: &BTreeMap<String, Pod>) -> Option<Hindrance> {
    let there: BTreeSet<_> = pods.values().map(index_of).collect();
    let missing: Vec<_> = (0..layout.pods).filter(|index| !there.contains(index)).collect();
    let why = match missing.as_slice() {
        [] => return None,
        [_] if layout.pods == 1 => "it has no pod yet".to_owned(),
        _ => format!("it has {} of {} pods yet", there.len(), layout.pods),
    };
    Some(hindrance(layout, None, why))
}

/// How a pod ended, or a container of it that must run as long as it does; `None` while none has.
fn end_of(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    if matches!(status.phase.as_deref(), Some("Failed" | "Succeeded"))
        && let Some(reason) = &status.reason
    {
        return Some(format!("{reason}: {}", status.message.as_deref().unwrap_or("no message")));
    }
    let lasting: BTreeSet<_> = pod.spec.iter().flat_map(|spec| &spec.containers).map(|it| &it.name).collect();
    let ended = statuses(pod).find_map(|container| {
        let ended = container.state.as_ref()?.terminated.as_ref()?;
        // What did its part before the others start has ended well.
        let is_trouble = lasting.contains(&container.name)
            || status.phase.as_deref() == Some("Failed") && ended.exit_code != 0;
        let reason = ended.reason.as_deref().unwrap_or("for a reason unknown");
        is_trouble.then(|| format!("{} has ended: {reason}, exit code {}", container.name, ended.exit_code))
    });
    ended.or_else(|| (status.phase.as_deref() == Some("Failed")).then(|| "it failed".to_owned()))
}

fn index_of(pod: &Pod) -> u32 {
    let index = pod.annotations().get("batch.kubernetes.io/job-completion-index");
    index.and_then(|index| index.parse().ok()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;
    use crate::mesh::Enrolment;

    fn layout() -> GeneratorLayout {
        GeneratorLayout {
            run: "r".to_owned(),
            namespace: "mb-r-load".to_owned(),
            image: "meshbench:1".to_owned(),
            pods: 2,
            reserved_for: None,
            sidecars: vec!["proxy".to_owned()],
            enrolment: Enrolment::default(),
        }
    }

    fn pod(index: u32, containers: &[&str], status: &Value) -> (String, Pod) {
        let name = format!("load-{index}-x");
        let annotations = json!({"batch.kubernetes.io/job-completion-index": index.to_string()});
        let containers: Vec<_> = containers.iter().map(|name| json!({"name": name})).collect();
        let pod = json!({
            "metadata": {"name": name, "namespace": "mb-r-load", "annotations": annotations},
            "spec": {"containers": containers, "initContainers": [{"name": "init"}]},
            "status": status,
        });
        (format!("mb-r-load/{name}"), serde_json::from_value(pod).unwrap())
    }

    fn ready() -> Value {
        let done = container("init", &json!({"terminated": {"reason": "Completed", "exitCode": 0}}));
        json!({"phase": "Running", "initContainerStatuses": [done],
            "conditions": [{"type": "Ready", "status": "True"}]})
    }

    fn container(name: &str, state: &Value) -> Value {
        json!({"name": name, "ready": false, "image": "", "imageID": "", "restartCount": 0, "state": state})
    }

    /// Where generators stand of which the first is well and the second as given.
    fn beside(containers: &[&str], status: &Value) -> Standing {
        let pods = [pod(0, &["load", "proxy"], &ready()), pod(1, containers, status)];
        standing(&layout(), &BTreeMap::from(pods))
    }

    fn told(hindered: &[Hindrance]) -> Vec<String> {
        hindered.iter().map(|it| format!("{}: {}", it.name(), it.why)).collect()
    }

    #[test]
    fn they_are_ready_in_the_order_of_their_indices() {
        let names = ["load-0-x", "load-1-x"].map(str::to_owned);
        assert_eq!(beside(&["load", "proxy"], &ready()), Standing::Ready(names.into()));
    }

    #[rstest]
    #[case::older_program(
        json!({"phase": "Running", "containerStatuses": [
            container("load", &json!({"terminated": {"reason": "Error", "exitCode": 2}})),
            container("proxy", &json!({"running": {}})),
        ]}),
        "load has ended: Error, exit code 2"
    )]
    #[case::proxy(
        json!({"phase": "Running", "containerStatuses": [
            container("proxy", &json!({"terminated": {"reason": "Completed", "exitCode": 0}})),
        ]}),
        "proxy has ended: Completed, exit code 0"
    )]
    #[case::init(
        json!({"phase": "Failed", "initContainerStatuses": [
            container("init", &json!({"terminated": {"reason": "Error", "exitCode": 1}})),
        ]}),
        "init has ended: Error, exit code 1"
    )]
    #[case::evicted(
        json!({"phase": "Failed", "reason": "Evicted", "message": "the node was low on memory"}),
        "Evicted: the node was low on memory"
    )]
    #[case::nothing_known(json!({"phase": "Failed"}), "it failed")]
    fn one_that_has_ended_is_not_waited_for(#[case] status: Value, #[case] why: &str) {
        let Standing::Ended(ended) = beside(&["load", "proxy"], &status) else { panic!("not ended") };
        assert_eq!(told(&ended), [format!("mb-r-load/load-1-x: {why}")]);
    }

    #[test]
    fn one_with_other_containers_is_not_waited_for() {
        let Standing::NotEnrolled(strangers) = beside(&["load"], &ready()) else { panic!("enrolled") };
        assert_eq!(told(&strangers), ["mb-r-load/load-1-x: it has no container proxy, only load"]);
    }

    #[test]
    fn one_that_is_not_there_is_waited_for() {
        let status = json!({"containerStatuses": [container("load", &json!({"waiting": {"reason": "ErrImagePull"}}))]});
        let pods = BTreeMap::from([pod(1, &["load", "proxy"], &status)]);
        let Standing::Waiting(waiting) = standing(&layout(), &pods) else { panic!("not waiting") };
        assert_eq!(
            told(&waiting),
            ["mb-r-load/load-1-x: load: ErrImagePull", "mb-r-load/load: it has 1 of 2 pods yet"]
        );
    }
}
