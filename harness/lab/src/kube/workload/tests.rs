use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

use meshbench_core::scenario::{NamespaceLayout, ServicePlacement};

use super::*;
use crate::kube::{Cluster, KubeError};
use crate::mesh::KubeMesh;

const LIMIT: Duration = Duration::from_secs(120);

/// Of the image that `meshbench-testcluster load-image` brings in.
fn layout(run: &str, apps: u32) -> Layout {
    Layout {
        run: run.to_owned(),
        apps: NonZeroU32::new(apps).unwrap(),
        image: "localhost/meshbench:dev".to_owned(),
        workload_images: None,
        cpu_request: "10m".to_owned(),
        votes: BTreeMap::from([(":flushed:".to_owned(), NonZeroU32::MIN)]),
        namespaces: NamespaceLayout::PerApp,
        placement: ServicePlacement::Anywhere,
        apart_from_generator: true,
        namespace_objects: Vec::new(),
    }
}

#[tokio::test]
#[ignore = "needs a cluster: set KUBECONFIG"]
async fn what_is_deployed_is_ready_and_deleted_again() {
    let cluster = Cluster::connect(None, "tests").await.unwrap();
    let across = Layout { placement: ServicePlacement::AcrossNodes, ..layout("across", 2) };
    let shared = Layout {
        placement: ServicePlacement::SameNode,
        namespaces: NamespaceLayout::Shared,
        ..layout("shared", 2)
    };
    for (layout, nodes) in [(across, 2), (shared, 1)] {
        let pods = deploy(&cluster, &layout, &KubeMesh::default(), LIMIT).await.unwrap();
        assert_eq!(pods.len(), 6);
        for app in 0..2 {
            let of_app = pods.iter().filter(|pod| pod.app == app);
            assert_eq!(of_app.map(|pod| &pod.node).collect::<BTreeSet<_>>().len(), nodes);
        }
        delete(&cluster, &layout, LIMIT).await.unwrap();
        delete(&cluster, &layout, LIMIT).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs a cluster: set KUBECONFIG"]
async fn pods_that_are_not_enrolled_or_not_ready_are_named() {
    let cluster = Cluster::connect(None, "tests").await.unwrap();
    let alone = layout("alone", 1);
    let meshed = KubeMesh { sidecars: vec!["istio-proxy".to_owned()], ..KubeMesh::default() };
    let error = deploy(&cluster, &alone, &meshed, LIMIT).await.unwrap_err();
    assert!(matches!(&error, KubeError::NotEnrolled { pods, .. } if !pods.is_empty()), "{error}");
    delete(&cluster, &alone, LIMIT).await.unwrap();
    let imageless = Layout { image: "localhost/nothing:none".to_owned(), ..alone };
    let error =
        deploy(&cluster, &imageless, &KubeMesh::default(), Duration::from_secs(10)).await.unwrap_err();
    delete(&cluster, &imageless, LIMIT).await.unwrap();
    println!("{error}");
    assert!(matches!(&error, KubeError::NotReady { pods, .. } if pods.len() == 3) && error.is_invalid());
    assert!(error.to_string().contains("localhost/nothing:none"), "{error}");
}
