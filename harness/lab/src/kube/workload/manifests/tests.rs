use std::collections::BTreeMap;
use std::num::NonZeroU32;

use meshbench_core::scenario::{NamespaceLayout, WorkloadImages};
use rstest::rstest;
use serde_json::{Value, json};

use super::*;

fn layout(namespaces: NamespaceLayout, placement: ServicePlacement) -> Layout {
    Layout {
        run: "k3x".to_owned(),
        apps: NonZeroU32::new(2).unwrap(),
        image: "localhost/meshbench:dev".to_owned(),
        workload_images: None,
        cpu_request: "100m".to_owned(),
        votes: BTreeMap::from([(":doughnut:".to_owned(), NonZeroU32::MIN)]),
        namespaces,
        placement,
        apart_from_generator: true,
        namespace_objects: Vec::new(),
    }
}

fn names(objects: &[Value]) -> Vec<String> {
    let of = |object: &Value| {
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or("-").to_owned();
        format!("{} {}/{}", object["kind"].as_str().unwrap(), text("namespace"), text("name"))
    };
    objects.iter().map(of).collect()
}

#[test]
fn each_app_has_a_namespace_of_its_own() {
    let made = manifests(&layout(NamespaceLayout::PerApp, ServicePlacement::Anywhere), &Enrolment::default());
    assert_eq!(names(&made.namespaces), ["Namespace -/mb-k3x-app-0", "Namespace -/mb-k3x-app-1"]);
    assert_eq!((made.surroundings.len(), made.deployments.len()), (12, 6));
    assert_eq!(names(&made.deployments)[3], "Deployment mb-k3x-app-1/web");
    assert_eq!(names(&made.surroundings)[7], "Service mb-k3x-app-1/web-svc");
}

#[test]
fn apps_that_share_a_namespace_have_their_index_in_every_name() {
    let made = manifests(&layout(NamespaceLayout::Shared, ServicePlacement::Anywhere), &Enrolment::default());
    assert_eq!(names(&made.namespaces), ["Namespace -/mb-k3x"]);
    assert_eq!(names(&made.deployments)[5], "Deployment mb-k3x/voting-1");
    assert_eq!(names(&made.surroundings)[10], "ServiceAccount mb-k3x/voting-1");
    let web = &made.deployments[3]["spec"]["template"]["spec"];
    assert_eq!(web["serviceAccountName"], "web-1");
    assert_eq!(web["containers"][0]["env"][1]["value"], "emoji-svc-1.mb-k3x:8080");
}

#[test]
fn enrolment_is_on_namespaces_and_pods_and_its_objects_in_each_namespace() {
    let one = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    let enrolment = Enrolment {
        namespace_labels: one("istio-injection", "enabled"),
        namespace_annotations: one("linkerd.io/inject", "enabled"),
        pod_labels: one("sidecar.istio.io/inject", "true"),
        pod_annotations: one("proxy.istio.io/config", "{}"),
        namespace_manifests: Vec::new(),
    };
    let mut layout = layout(NamespaceLayout::PerApp, ServicePlacement::Anywhere);
    layout.namespace_objects = vec![json!({"kind": "PeerAuthentication", "metadata": {"name": "strict"}})];
    let made = manifests(&layout, &enrolment);
    let namespace = &made.namespaces[0]["metadata"];
    assert_eq!(namespace["labels"], json!({"istio-injection": "enabled", "meshbench.dev/run": "k3x"}));
    assert_eq!(namespace["annotations"], json!({"linkerd.io/inject": "enabled"}));
    let pod = &made.deployments[0]["spec"]["template"]["metadata"];
    assert_eq!(pod["labels"]["sidecar.istio.io/inject"], "true");
    assert_eq!(pod["annotations"], json!({"proxy.istio.io/config": "{}"}));
    assert_eq!(names(&made.surroundings[..2])[1], "PeerAuthentication mb-k3x-app-1/strict");
}

#[rstest]
#[case::any(ServicePlacement::Anywhere, Service::Web, &[], &[])]
#[case::same_node(ServicePlacement::SameNode, Service::Web, &["web", "emoji", "voting"], &[])]
#[case::web_across(ServicePlacement::AcrossNodes, Service::Web, &[], &["emoji", "voting"])]
#[case::emoji_across(ServicePlacement::AcrossNodes, Service::Emoji, &[], &["web"])]
fn services_are_placed_relative_to_each_other_and_apart_from_the_generator(
    #[case] placement: ServicePlacement,
    #[case] service: Service,
    #[case] beside: &[&str],
    #[case] apart: &[&str],
) {
    let affinity = affinity(&layout(NamespaceLayout::Shared, placement), 1, service);
    let terms = |kind: &str| {
        affinity[kind]["requiredDuringSchedulingIgnoredDuringExecution"].as_array().unwrap().clone()
    };
    let services = |term: Option<&Value>| {
        term.map_or(json!([]), |term| term["labelSelector"]["matchExpressions"][0]["values"].clone())
    };
    assert_eq!(services(terms("podAffinity").first()), json!(beside));
    assert_eq!(services(terms("podAntiAffinity").get(1)), json!(apart));
    assert_eq!(
        terms("podAntiAffinity")[0]["labelSelector"]["matchLabels"],
        json!({"meshbench.dev/role": "generator"})
    );
}

#[test]
fn a_deployment_in_full() {
    let made = manifests(&layout(NamespaceLayout::PerApp, ServicePlacement::Anywhere), &Enrolment::default());
    insta::assert_json_snapshot!(made.deployments[2]["spec"]["template"]);
}

#[test]
fn upstreams_services_in_full() {
    let image = |name: &str| format!("docker.l5d.io/buoyantio/emojivoto-{name}:v11");
    let workload_images =
        Some(WorkloadImages { web: image("web"), emoji: image("emoji-svc"), voting: image("voting-svc") });
    let layout = Layout {
        workload_images,
        votes: BTreeMap::new(),
        ..layout(NamespaceLayout::PerApp, ServicePlacement::Anywhere)
    };
    let made = manifests(&layout, &Enrolment::default());
    let containers = made.deployments[..3].iter().map(|it| &it["spec"]["template"]["spec"]["containers"][0]);
    insta::assert_json_snapshot!(containers.collect::<Vec<_>>());
}
