//! Whether what injects sidecars does so: a pod is tried, and not made.
//!
//! Nothing else tells. A webhook's pod may be ready before the API server asks it, and of a policy the API server does not
//! say from when on it is in force.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};
use kube::api::{Api, ObjectMeta, PostParams};

use crate::error::error_chain;
use crate::kube::cluster::Cluster;
use crate::kube::namespace::{make_namespace, name_of_campaign, remove_namespace};
use crate::kube::workload::wrong_containers;
use crate::mesh::{Enrolment, KubeMesh};
use crate::wait::{self, TimedOut};

/// How the namespace is called in which the pod is tried, enrolled like that of an application.
const NAMESPACE: &str = "mb-injection";
/// The pod's name, and its only container's.
const POD: &str = "tried";

/// Waits until an enrolled pod gets the mesh's sidecars. Its namespace is removed again; what is interrupted is swept.
///
/// # Errors
/// [`TimedOut`] with the containers of the pod, or with why the API server refused it.
pub(super) async fn await_injection(
    cluster: &Cluster,
    kube: &KubeMesh,
    limit: Duration,
) -> Result<(), TimedOut> {
    let namespace = name_of_campaign(NAMESPACE, cluster.campaign());
    let pods: Api<Pod> = Api::namespaced(cluster.client().clone(), &namespace);
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let Enrolment { namespace_labels: labels, namespace_annotations: annotations, .. } = &kube.enrolment;
    wait::until(limit, || async {
        make_namespace(cluster, &namespace, labels, annotations).await.map_err(|error| error_chain(&error))
    })
    .await?;
    let pod = pod(kube);
    let injected = wait::until(limit, || async {
        let admitted = pods.create(&dry_run, &pod).await.map_err(|error| error_chain(&error))?;
        wrong_containers(&admitted, POD, &kube.sidecars).map_or(Ok(()), Err)
    });
    let injected = injected.await;
    let removed = remove_namespace(cluster, &namespace, limit).await;
    injected.and(removed.map_err(|error| TimedOut { limit, last_seen: error_chain(&error) }))
}

fn pod(kube: &KubeMesh) -> Pod {
    // Never pulled, for the pod is never made.
    let container = Container { name: POD.to_owned(), image: Some(POD.to_owned()), ..Container::default() };
    Pod {
        metadata: ObjectMeta {
            name: Some(POD.to_owned()),
            labels: Some(kube.enrolment.pod_labels.clone()),
            annotations: Some(kube.enrolment.pod_annotations.clone()),
            ..ObjectMeta::default()
        },
        spec: Some(PodSpec { containers: vec![container], ..PodSpec::default() }),
        status: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pod_is_enrolled_as_an_application_is() {
        let labels = |key: &str| [(key.to_owned(), "on".to_owned())].into();
        let enrolment = Enrolment { pod_labels: labels("sidecar"), ..Enrolment::default() };
        let kube = KubeMesh { enrolment, ..KubeMesh::default() };
        assert_eq!(pod(&kube).metadata.labels, Some(labels("sidecar")));
    }
}
