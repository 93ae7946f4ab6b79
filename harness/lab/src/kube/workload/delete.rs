//! Deleting a workload, and seeing to it that it is gone.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Namespace;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams};

use super::layout::Layout;
use super::making::CONCURRENCY;
use crate::kube::step_limit::StepLimit;
use crate::kube::{Cluster, KubeError, watch};

/// Deletes every namespace that carries the run's label, with everything in it, and waits until all are gone. There need
/// not be any.
///
/// # Errors
/// [`KubeError::TimedOut`] naming the namespaces that are left and what holds them; [`KubeError::Api`].
pub(crate) async fn delete(cluster: &Cluster, layout: &Layout, limit: Duration) -> Result<(), KubeError> {
    let step = StepLimit::begin(limit);
    let namespaces: Api<Namespace> = Api::all(cluster.client().clone());
    let selected = ListParams::default().labels(&layout.selector());
    let delete_all = async {
        let there = namespaces.list(&selected).await.map_err(KubeError::api("list namespaces"))?;
        let names: Vec<_> = there.iter().map(ResourceExt::name_any).collect();
        let deleted =
            stream::iter(&names).map(|name| delete_one(&namespaces, name)).buffer_unordered(CONCURRENCY);
        deleted.try_for_each(|()| std::future::ready(Ok(()))).await
    };
    step.keep("the namespaces of the workload are not deleted", delete_all).await?;
    let gone = watch::until(&namespaces, &selected, step.left(), |left| match held(left) {
        None => Ok(()),
        Some(held) => Err(held),
    });
    let gone = gone.await.map_err(|waited| step.ran_out(waited.last_seen));
    gone.map_err(KubeError::timed_out("namespaces of the workload are not gone"))
}

async fn delete_one(namespaces: &Api<Namespace>, name: &str) -> Result<(), KubeError> {
    match namespaces.delete(name, &DeleteParams::default()).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(KubeError::api(format!("delete the Namespace {name}"))(error)),
    }
}

/// Which namespaces are left and what holds each, as its conditions say; `None` when there are none.
fn held(left: &BTreeMap<String, Namespace>) -> Option<String> {
    let told = left.iter().map(|(name, namespace)| {
        let conditions = namespace.status.iter().flat_map(|status| status.conditions.iter().flatten());
        let holding = conditions.filter(|condition| condition.status == "True");
        let messages: Vec<_> = holding.filter_map(|condition| condition.message.clone()).collect();
        match messages.is_empty() {
            true => format!("{name} is being deleted"),
            false => format!("{name} is held: {}", messages.join("; ")),
        }
    });
    let told: Vec<_> = told.collect();
    (!told.is_empty()).then(|| told.join("\n  "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_namespace_that_hangs_is_named_with_the_finalizer_that_holds_it() {
        let namespace = |conditions: serde_json::Value| -> Namespace {
            serde_json::from_value(json!({"metadata": {}, "status": {"conditions": conditions}})).unwrap()
        };
        let remaining = json!([
            {"type": "NamespaceDeletionContentFailure", "status": "False", "message": "All content deleted"},
            {"type": "NamespaceFinalizersRemaining", "status": "True",
             "message": "Some content in the namespace has finalizers remaining: foregroundDeletion in 1 resource instances"},
        ]);
        let left = BTreeMap::from([
            ("mb-r-app-0".to_owned(), namespace(remaining)),
            ("mb-r-app-1".to_owned(), namespace(json!([]))),
        ]);
        insta::assert_snapshot!(held(&left).unwrap(), @"
        mb-r-app-0 is held: Some content in the namespace has finalizers remaining: foregroundDeletion in 1 resource instances
          mb-r-app-1 is being deleted
        ");
        assert_eq!(held(&BTreeMap::new()), None);
    }
}
