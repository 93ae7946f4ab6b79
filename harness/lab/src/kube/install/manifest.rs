//! What a rendered text has in it: objects, as they are applied and in the order they are removed.

use std::collections::{BTreeMap, BTreeSet};

use kube::api::{DynamicObject, ObjectMeta, TypeMeta};
use meshbench_core::problem::Problem;
use meshbench_core::yaml;
use serde_json::{Map, Value};

use crate::kube::cluster::as_object;
use crate::kube::error::KubeError;
use crate::kube::labels::LEAVES;
use crate::mesh::{LeftOver, OwnNamespace};

/// The annotation by which Helm tells what it runs at certain moments from what it installs.
const HOOK: &str = "helm.sh/hook";

/// A mesh's own namespace, with word of what the mesh makes elsewhere.
pub(super) fn own_namespace(namespace: &OwnNamespace, leaves: &[LeftOver]) -> DynamicObject {
    let leaves = serde_json::to_string(leaves).ok().filter(|_| !leaves.is_empty());
    DynamicObject {
        types: Some(TypeMeta { api_version: "v1".to_owned(), kind: "Namespace".to_owned() }),
        metadata: ObjectMeta {
            name: Some(namespace.name.clone()),
            labels: Some(namespace.labels.clone()),
            annotations: leaves.map(|leaves| BTreeMap::from([(LEAVES.to_owned(), leaves)])),
            ..ObjectMeta::default()
        },
        data: Value::Object(Map::new()),
    }
}

/// The objects in a text: lists taken apart, a chart's tests left out, those without a namespace in `namespace`,
/// if one is given. Of kinds that have no namespaces it says nothing: only a cluster knows them.
///
/// # Errors
/// [`KubeError::Manifest`] with the place.
pub(super) fn objects_in(
    origin: &str,
    text: &str,
    namespace: Option<&str>,
) -> Result<Vec<DynamicObject>, KubeError> {
    let unreadable =
        |problem: Problem| KubeError::Manifest { origin: origin.to_owned(), why: problem.to_string() };
    let documents = yaml::documents(origin, text).map_err(unreadable)?;
    let objects = documents.into_iter().flat_map(flattened).map(|value| as_object(&value));
    let mut objects: Vec<_> = objects.collect::<Result<_, _>>()?;
    objects.retain(|object| !is_test(object));
    for object in &mut objects {
        let written = object.metadata.namespace.take();
        object.metadata.namespace = written.or_else(|| namespace.map(str::to_owned));
    }
    Ok(objects)
}

/// `kubectl` and some generators wrap objects in a list, which is no object itself.
fn flattened(mut value: Value) -> Vec<Value> {
    let is_list = value["kind"].as_str().is_some_and(|kind| kind.ends_with("List"));
    match value.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) if is_list => items.into_iter().flat_map(flattened).collect(),
        Some(items) => {
            value["items"] = items;
            vec![value]
        }
        None => vec![value],
    }
}

fn is_test(object: &DynamicObject) -> bool {
    let hooks = object.metadata.annotations.as_ref().and_then(|all| all.get(HOOK));
    hooks.is_some_and(|hooks| hooks.split(',').any(|hook| hook.trim().starts_with("test")))
}

/// The kind of an object.
pub(super) fn kind_of(object: &DynamicObject) -> &str {
    object.types.as_ref().map_or("", |types| types.kind.as_str())
}

/// Whether it is a custom resource definition.
pub(super) fn is_definition(object: &DynamicObject) -> bool {
    kind_of(object) == "CustomResourceDefinition"
}

/// The images of a pod, or of the pods that an object is a template for.
pub(super) fn images_in(object: &DynamicObject) -> BTreeSet<String> {
    let pod = match kind_of(object) {
        "Pod" => "/spec",
        "CronJob" => "/spec/jobTemplate/spec/template/spec",
        _ => "/spec/template/spec",
    };
    let containers =
        ["initContainers", "containers"].map(|list| object.data.pointer(&format!("{pod}/{list}")));
    let containers = containers.into_iter().flatten().filter_map(Value::as_array).flatten();
    let images = containers.filter_map(|container| container["image"].as_str());
    // What Istio's injector replaces.
    images.filter(|image| *image != "auto").map(str::to_owned).collect()
}

/// When an object is removed, from first to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Removal {
    /// What is asked about other objects, for nobody answers once the control plane is gone.
    Admission,
    /// What the control plane itself may have to let go.
    CustomResource,
    /// What runs, for it may need its permissions to end well.
    Workload,
    /// Everything else.
    Other,
    /// Definitions of custom resources, with whatever is left of these.
    Definition,
    /// Namespaces, with whatever is left in them.
    Namespace,
}

/// When each object is removed; the later applied, the earlier removed among those of one moment.
pub(super) fn in_order_of_removal(objects: &[DynamicObject]) -> Vec<(Removal, &DynamicObject)> {
    let groups: BTreeSet<_> =
        objects.iter().filter(|object| is_definition(object)).filter_map(defined_group).collect();
    let mut ordered: Vec<_> =
        objects.iter().rev().map(|object| (removal_of(object, &groups), object)).collect();
    ordered.sort_by_key(|&(removal, _)| removal);
    ordered
}

fn defined_group(definition: &DynamicObject) -> Option<&str> {
    definition.data.pointer("/spec/group").and_then(Value::as_str)
}

fn removal_of(object: &DynamicObject, own_groups: &BTreeSet<&str>) -> Removal {
    let api_version = object.types.as_ref().map_or("", |types| types.api_version.as_str());
    let (group, _) = api_version.split_once('/').unwrap_or(("", api_version));
    match (group, kind_of(object)) {
        ("admissionregistration.k8s.io", _) => Removal::Admission,
        ("", "Namespace") => Removal::Namespace,
        (_, "CustomResourceDefinition") => Removal::Definition,
        ("apps" | "batch", _) | ("", "Pod") => Removal::Workload,
        (group, _) if own_groups.contains(group) => Removal::CustomResource,
        _ => Removal::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::cluster::shown;

    const TEXT: &str = r#"
{apiVersion: v1, kind: Namespace, metadata: {name: system}}
---
{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: widgets.example.com}, spec: {group: example.com}}
---
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: ServiceAccount, metadata: {name: control}}
  - {apiVersion: apps/v1, kind: Deployment, metadata: {name: control, namespace: elsewhere}}
---
{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, metadata: {name: injector}}
---
{apiVersion: example.com/v1, kind: Widget, metadata: {name: one}, items: [kept]}
---
{apiVersion: v1, kind: Pod, metadata: {name: try-it, annotations: {helm.sh/hook: "test-success, other"}}}
---
{apiVersion: batch/v1, kind: Job, metadata: {name: migrate, annotations: {helm.sh/hook: pre-install}}}
"#;

    fn objects() -> Vec<DynamicObject> {
        objects_in("mesh.yaml", TEXT, Some("system")).unwrap()
    }

    #[test]
    fn lists_are_taken_apart_tests_left_out_and_namespaces_filled_in() {
        let names: Vec<_> = objects().iter().map(shown).collect();
        insta::assert_snapshot!(names.join("\n"), @r"
        Namespace system/system
        CustomResourceDefinition system/widgets.example.com
        ServiceAccount system/control
        Deployment elsewhere/control
        MutatingWebhookConfiguration system/injector
        Widget system/one
        Job system/migrate
        ");
        assert_eq!(objects()[5].data["items"], serde_json::json!(["kept"]));
    }

    #[test]
    fn what_is_asked_goes_first_and_what_holds_others_last() {
        let objects = objects();
        let ordered = in_order_of_removal(&objects);
        let told: Vec<_> =
            ordered.iter().map(|(removal, object)| format!("{removal:?}: {}", shown(object))).collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        Admission: MutatingWebhookConfiguration system/injector
        CustomResource: Widget system/one
        Workload: Job system/migrate
        Workload: Deployment elsewhere/control
        Other: ServiceAccount system/control
        Definition: CustomResourceDefinition system/widgets.example.com
        Namespace: Namespace system/system
        ");
    }

    #[test]
    fn images_are_those_of_pods() {
        let images =
            |text: &str| objects_in("m", text, None).unwrap().iter().flat_map(images_in).collect::<Vec<_>>();
        let deployment = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {template: {spec: \
                          {initContainers: [{name: a, image: first:1}], containers: [{name: b, image: second:1}, {name: c, image: auto}]}}}}";
        let pod = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: a, image: third:1}]}}";
        let other = "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {image: fourth}}";
        assert_eq!(images(&[deployment, pod, other].join("\n---\n")), ["first:1", "second:1", "third:1"]);
    }

    #[test]
    fn what_is_no_object_is_named() {
        let wrong = |text: &str| objects_in("02-istiod", text, Some("system")).unwrap_err().to_string();
        insta::assert_snapshot!(wrong("a: [1"), @"02-istiod is no Kubernetes object: 02-istiod:2:1: not valid YAML: did not find expected ',' or ']', while parsing a flow sequence at line 1 column 4");
        insta::assert_snapshot!(wrong("metadata: {name: x}"), @r#"{"metadata":{"name":"x"}}… is no Kubernetes object: it has no apiVersion and kind"#);
    }
}
