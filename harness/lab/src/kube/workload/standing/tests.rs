use std::num::NonZeroU32;

use meshbench_core::scenario::{NamespaceLayout, ServicePlacement};
use rstest::rstest;
use serde_json::{Value, json};

use super::*;

fn layout() -> Layout {
    Layout {
        run: "r".to_owned(),
        apps: NonZeroU32::MIN,
        image: String::new(),
        workload_images: None,
        cpu_request: String::new(),
        votes: BTreeMap::new(),
        namespaces: NamespaceLayout::PerApp,
        placement: ServicePlacement::Anywhere,
        apart_from_generator: false,
        namespace_objects: Vec::new(),
    }
}

fn pod(service: &str, spec: &Value, status: &Value) -> (String, Pod) {
    let labels = json!({"meshbench.dev/app": "0", "meshbench.dev/service": service});
    let metadata = json!({"name": format!("{service}-x1"), "namespace": "mb-r-app-0", "labels": labels});
    let pod = json!({"metadata": metadata, "spec": spec, "status": status});
    (format!("mb-r-app-0/{service}-x1"), serde_json::from_value(pod).unwrap())
}

fn spec(containers: &[&str], native: &[&str]) -> Value {
    let named = |name: &&str| json!({"name": name});
    let sidecar = |name: &&str| json!({"name": name, "restartPolicy": "Always"});
    let init: Vec<_> = native.iter().map(sidecar).chain([json!({"name": "istio-init"})]).collect();
    json!({
        "containers": containers.iter().map(named).collect::<Vec<_>>(),
        "initContainers": init, "nodeName": "node-1", "serviceAccountName": "own",
    })
}

fn ready() -> Value {
    json!({"podIP": "10.0.0.1", "conditions": [{"type": "Ready", "status": "True"}]})
}

/// Where a workload stands whose emoji and voting are well and whose web is as given.
fn with_web(spec_of_web: &Value, status: &Value, sidecars: &[&str]) -> Standing {
    let sidecars: Vec<_> = sidecars.iter().map(|&name| name.to_owned()).collect();
    let containers = |own: &str| {
        let all: Vec<_> = [own].into_iter().chain(sidecars.iter().map(String::as_str)).collect();
        spec(&all, &[])
    };
    let pods = [
        pod("web", spec_of_web, status),
        pod("emoji", &containers("emoji"), &ready()),
        pod("voting", &containers("voting"), &ready()),
    ];
    standing(&layout(), &sidecars, &BTreeMap::from(pods))
}

#[rstest]
#[case::bare(spec(&["web"], &[]), &[])]
#[case::sidecar(spec(&["web", "istio-proxy"], &[]), &["istio-proxy"])]
#[case::native_sidecar(spec(&["web"], &["linkerd-proxy"]), &["linkerd-proxy"])]
fn all_ready(#[case] spec_of_web: Value, #[case] sidecars: &[&str]) {
    let Standing::Ready(pods) = with_web(&spec_of_web, &ready(), sidecars) else { panic!("not ready") };
    let web = &pods[0];
    assert_eq!((web.service, web.app, web.ip.to_string()), (Service::Web, 0, "10.0.0.1".to_owned()));
    assert_eq!((web.node.as_str(), web.account.as_str()), ("node-1", "own"));
    assert_eq!(web.containers.len(), 1 + sidecars.len());
}

#[rstest]
#[case::no_sidecar(spec(&["web"], &[]), &["istio-proxy"], "it has no container istio-proxy, only web")]
#[case::proxy_in_bare(
    spec(&["web", "istio-proxy"], &[]),
    &[],
    "it has a container istio-proxy, which is neither web nor one of the mesh's sidecars"
)]
fn a_pod_with_other_containers_never_becomes_enrolled(
    #[case] spec_of_web: Value,
    #[case] sidecars: &[&str],
    #[case] why: &str,
) {
    // Though it is not ready either.
    let Standing::NotEnrolled(pods) = with_web(&spec_of_web, &json!({}), sidecars) else {
        panic!("enrolled")
    };
    assert_eq!(pods.len(), 1);
    assert_eq!((pods[0].owner.as_str(), pods[0].why.as_str()), ("web", why));
}

#[rstest]
#[case::no_node(
    json!({"conditions": [{"type": "PodScheduled", "status": "False", "message": "0/2 nodes are available"}]}),
    "no node for it: 0/2 nodes are available"
)]
#[case::image(
    json!({"containerStatuses": [{"name": "web", "ready": false, "image": "", "imageID": "", "restartCount": 0,
        "state": {"waiting": {"reason": "ErrImagePull", "message": "not found"}}}]}),
    "web: ErrImagePull (not found)"
)]
#[case::crashed(
    json!({"containerStatuses": [{"name": "web", "ready": false, "image": "", "imageID": "", "restartCount": 0,
        "state": {"terminated": {"reason": "Error", "exitCode": 2}}}]}),
    "web: Error with exit code 2"
)]
#[case::probe(
    json!({"containerStatuses": [{"name": "web", "ready": false, "image": "", "imageID": "", "restartCount": 0,
        "state": {"running": {}}}]}),
    "web: runs and is not ready"
)]
#[case::nothing_known(json!({"phase": "Pending"}), "phase Pending")]
fn what_a_pod_waits_for_is_said(#[case] status: Value, #[case] why: &str) {
    let Standing::Waiting(pods) = with_web(&spec(&["web"], &[]), &status, &[]) else { panic!("not waiting") };
    assert_eq!(pods.iter().map(|it| it.why.as_str()).collect::<Vec<_>>(), [why]);
}

#[test]
fn a_service_without_a_pod_is_waited_for() {
    let Standing::Waiting(missing) = standing(&layout(), &[], &BTreeMap::new()) else {
        panic!("not waiting")
    };
    assert_eq!(missing.len(), 3);
    assert_eq!((missing[1].owner.as_str(), missing[1].why.as_str()), ("emoji", "it has no pod yet"));
}

#[test]
fn a_pod_that_is_not_enrolled_is_named_before_those_that_are_missing() {
    let lonely = BTreeMap::from([pod("web", &spec(&["web"], &[]), &ready())]);
    let Standing::Waiting(hindered) = standing(&layout(), &["istio-proxy".to_owned()], &lonely) else {
        panic!("not waiting")
    };
    let names: Vec<_> = hindered.iter().map(Hindrance::name).collect();
    assert_eq!(names, ["mb-r-app-0/web-x1", "mb-r-app-0/emoji", "mb-r-app-0/voting"]);
    assert_eq!(hindered[0].why, "it has no container istio-proxy, only web");
}

#[test]
fn containers_that_did_what_they_had_to_are_in_no_trouble() {
    let container = |name: &str, state: &Value| json!({"name": name, "ready": false, "image": "", "imageID": "", "restartCount": 0, "state": state});
    let status = json!({
        "initContainerStatuses": [
            container("done", &json!({"terminated": {"exitCode": 0}})),
            container("linkerd-init", &json!({"terminated": {"exitCode": 1}})),
        ],
        "containerStatuses": [container("web", &json!({"waiting": {"reason": "PodInitializing"}}))],
    });
    let (_, pod) = pod("web", &spec(&["web"], &[]), &status);
    assert_eq!(containers_in_trouble(&pod), ["linkerd-init", "web"]);
}
