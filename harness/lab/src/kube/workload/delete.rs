//! Deleting a workload, and seeing to it that it is gone.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Namespace;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams};

use super::layout::Layout;
use super::making::CONCURRENCY;
use crate::kube::lingering::none_lingers;
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
    let gone = watch::until(&namespaces, &selected, step.left(), none_lingers);
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
