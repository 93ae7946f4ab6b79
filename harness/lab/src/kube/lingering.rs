//! Why an object that is to be gone is still there.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DynamicObject, ObjectMeta};
use serde_json::{Value, json};

/// What holds an object of this kind, and the cure.
pub(super) fn lingering(kind: &str, object: &DynamicObject) -> String {
    told(kind, &object.metadata, &object.data)
}

/// Each of these namespaces with what holds it, and the cure.
///
/// # Errors
/// That, where there is any.
pub(super) fn none_lingers(namespaces: &BTreeMap<String, Namespace>) -> Result<(), String> {
    let told = namespaces.iter().map(|(name, Namespace { metadata, spec, status })| {
        let rest = json!({"spec": spec, "status": status});
        format!("Namespace {name}: {}", told("Namespace", metadata, &rest))
    });
    let told: Vec<_> = told.collect();
    if told.is_empty() { Ok(()) } else { Err(told.join("\n  ")) }
}

/// `rest` is what the object has beside its metadata.
fn told(kind: &str, metadata: &ObjectMeta, rest: &Value) -> String {
    if metadata.deletion_timestamp.is_none() {
        return "it is there and not being removed: something has made it anew".to_owned();
    }
    let conditions = held_by(rest);
    let mut finalizers: Vec<_> = metadata.finalizers.iter().flatten().map(String::as_str).collect();
    finalizers.extend(rest.pointer("/spec/finalizers").into_iter().flat_map(texts));
    let own: Vec<_> = finalizers.iter().copied().filter(|one| !is_of_kubernetes(one)).collect();
    let name = metadata.name.as_deref().unwrap_or_default();
    let mut told = match finalizers.as_slice() {
        [] => "it is being removed".to_owned(),
        names => format!("it is being removed, held by {}", names.join(", ")),
    };
    for condition in &conditions {
        told.push_str("; ");
        told.push_str(condition);
    }
    if !own.is_empty() {
        told.push_str(" (cure: start what removes the finalizer again, or take it away with ");
        told.push_str(&patch(kind, metadata));
        told.push(')');
    } else if conditions.iter().any(|condition| condition.contains(FINALIZERS_REMAIN)) {
        let edit = format!("`kubectl edit KIND --namespace {name}`");
        told.push_str(" (cure: take the finalizers off what is named, with ");
        told.push_str(&edit);
        told.push_str(", or start what does so)");
    }
    told
}

/// As namespaces say it of what is in them.
const FINALIZERS_REMAIN: &str = "has finalizers remaining";

/// Finalizers that Kubernetes removes itself once what they wait for is gone: taking them away would hide that.
fn is_of_kubernetes(finalizer: &str) -> bool {
    let of_project = finalizer.split('/').next().is_some_and(|domain| domain.ends_with(".k8s.io"));
    matches!(finalizer, "kubernetes" | "foregroundDeletion" | "orphan")
        || of_project
        || finalizer.starts_with("customresourcecleanup.")
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// What Kubernetes says in its conditions of a removal that is under way.
fn held_by(rest: &Value) -> Vec<String> {
    let conditions = rest.pointer("/status/conditions").and_then(Value::as_array);
    let of_removal = conditions.into_iter().flatten().filter(|condition| {
        let kind = condition["type"].as_str().unwrap_or_default();
        let tells = ["ContentRemaining", "FinalizersRemaining", "Failure", "Terminating"];
        condition["status"] == "True" && tells.iter().any(|end| kind.ends_with(end))
    });
    of_removal.filter_map(|condition| condition["message"].as_str()).map(str::to_owned).collect()
}

fn patch(kind: &str, metadata: &ObjectMeta) -> String {
    let name = metadata.name.as_deref().unwrap_or_default();
    let namespace = metadata.namespace.as_ref();
    let namespace = namespace.map(|namespace| format!(" --namespace {namespace}")).unwrap_or_default();
    let kind = kind.to_lowercase();
    format!(
        "`kubectl patch {kind} {name}{namespace} --type merge --patch '{{\"metadata\":{{\"finalizers\":null}}}}'`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(object: Value) -> String {
        let kind = object["kind"].as_str().unwrap().to_owned();
        lingering(&kind, &serde_json::from_value(object).unwrap())
    }

    #[test]
    fn a_finalizer_is_named_with_its_cure() {
        let object = json!({
            "apiVersion": "example.com/v1", "kind": "Widget",
            "metadata": {
                "name": "one", "namespace": "system", "deletionTimestamp": "2026-01-01T00:00:00Z",
                "finalizers": ["example.com/hold", "foregroundDeletion"],
            },
        });
        insta::assert_snapshot!(said(object), @r#"it is being removed, held by example.com/hold, foregroundDeletion (cure: start what removes the finalizer again, or take it away with `kubectl patch widget one --namespace system --type merge --patch '{"metadata":{"finalizers":null}}'`)"#);
    }

    #[test]
    fn a_namespace_says_what_is_left_in_it() {
        let condition = |kind: &str, status: &str, message: &str| json!({"type": kind, "status": status, "message": message});
        let object = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": "system", "deletionTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"finalizers": ["kubernetes"]},
            "status": {"conditions": [
                condition("NamespaceDeletionDiscoveryFailure", "False", "All resources successfully discovered"),
                condition("NamespaceContentRemaining", "True", "Some resources are remaining: widgets.example.com has 1 resource instances"),
                condition("NamespaceFinalizersRemaining", "True", "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances"),
            ]},
        });
        insta::assert_snapshot!(said(object), @"it is being removed, held by kubernetes; Some resources are remaining: widgets.example.com has 1 resource instances; Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances (cure: take the finalizers off what is named, with `kubectl edit KIND --namespace system`, or start what does so)");
    }

    #[test]
    fn namespaces_are_told_by_their_names() {
        let namespace = |conditions: Value| -> Namespace {
            let metadata = json!({"name": "mb-r-app-0", "deletionTimestamp": "2026-01-01T00:00:00Z"});
            serde_json::from_value(json!({"metadata": metadata, "status": {"conditions": conditions}}))
                .unwrap()
        };
        let remaining = json!([
            {"type": "NamespaceDeletionContentFailure", "status": "False", "message": "All content deleted"},
            {"type": "NamespaceContentRemaining", "status": "True",
             "message": "Some resources are remaining: pods. has 1 resource instances"},
        ]);
        let left = BTreeMap::from([
            ("mb-r-app-0".to_owned(), namespace(remaining)),
            ("mb-r-app-1".to_owned(), namespace(json!([]))),
        ]);
        insta::assert_snapshot!(none_lingers(&left).unwrap_err(), @"
        Namespace mb-r-app-0: it is being removed; Some resources are remaining: pods. has 1 resource instances
          Namespace mb-r-app-1: it is being removed
        ");
        assert_eq!(none_lingers(&BTreeMap::new()), Ok(()));
    }

    #[test]
    fn what_is_made_anew_is_told_apart() {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "root"}});
        insta::assert_snapshot!(said(object), @"it is there and not being removed: something has made it anew");
    }
}
