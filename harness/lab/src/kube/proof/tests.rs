//! Against a real cluster, with the workload itself in the place of proxies: it has counters and can run commands.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use meshbench_core::edges::at_edges;
use meshbench_core::resources::{Group, ResourceUse};
use meshbench_core::scenario::{NamespaceLayout, ServicePlacement};

use super::*;
use crate::kube::resources::{Sampler, Subjects};
use crate::kube::workload::{delete, deploy};
use crate::mesh::{IdentityProof, InstallStep, KubeCounters};

const LIMIT: Duration = Duration::from_secs(120);

fn layout(run: &str) -> Layout {
    Layout {
        run: run.to_owned(),
        apps: NonZeroU32::new(2).unwrap(),
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

/// Requests for the page, which calls nobody.
fn pages(requests: u64) -> Answered<'static> {
    Answered { paths: BTreeSet::from(["/"]), requests, apps: 2, from_mesh: false }
}

fn unix_ns() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap()
}

#[tokio::test]
#[ignore = "needs a cluster: set KUBECONFIG"]
async fn bare_answers_plaintext_and_its_resources_are_seen() {
    let cluster = Cluster::connect(None, "tests").await.unwrap();
    let (layout, mesh) = (layout("proof"), KubeMesh::default());
    let began = Instant::now();
    let pods = deploy(&cluster, &layout, &mesh, LIMIT).await.unwrap();
    println!("deployed in {:?}", began.elapsed());
    let sampler = Sampler::start(&cluster, Subjects::new(&layout, &mesh), Duration::ZERO).await.unwrap();
    let start = unix_ns();
    let began = Instant::now();
    let proven = prove(&cluster, &layout, &mesh, &pods, LIMIT).await.unwrap();
    println!("proven in {:?}", began.elapsed());
    proven.confirm(&cluster, &layout, &pages(6), LIMIT).await.unwrap();
    let (end, began) = (unix_ns(), Instant::now());
    let observed = sampler.finish(end, LIMIT).await.unwrap();
    println!("read in {:?}; {:?}", began.elapsed(), observed.incidents);
    let samples = at_edges(&observed.readings, start, end);
    for sample in &samples {
        println!("{sample:?}");
    }
    let used = ResourceUse::of_window(&samples);
    delete(&cluster, &layout, LIMIT).await.unwrap();
    assert_eq!(used.group(Group::Application).containers, 6);
    assert!(used.containers.iter().all(|it| it.cpu_ns > 0 && it.resident_bytes > 0), "{used:?}");
    assert!(observed.incidents.is_empty(), "{:?}", observed.incidents);
}

#[tokio::test]
#[ignore = "needs a cluster: set KUBECONFIG"]
async fn plaintext_that_is_answered_and_identities_that_are_not_named_are_caught() {
    let cluster = Cluster::connect(None, "tests").await.unwrap();
    let layout = layout("caught");
    let pods = deploy(&cluster, &layout, &KubeMesh::default(), LIMIT).await.unwrap();
    let webs: Vec<_> = pods.iter().filter(|pod| pod.service.name() == "web").cloned().collect();
    let identity = |contains: &str| IdentityProof {
        container: "web".to_owned(),
        command: vec!["meshbench-load".to_owned(), "--version".to_owned()],
        contains: contains.to_owned(),
    };
    let counters = KubeCounters {
        port: 8801,
        path: "/metrics".to_owned(),
        inbound_requests: "http_requests_total".parse().unwrap(),
        outbound_requests: "http_requests_total".parse().unwrap(),
        inbound_tls_handshakes: None,
    };
    let mut proof = KubeProof {
        sidecar: Some(counters),
        shared: None,
        plaintext_refused: true,
        identity: Some(identity("meshbench-load")),
        configuration: None,
    };
    let install = vec![InstallStep::Manifests("mesh.yaml".to_owned())];
    let mesh = |proof: &KubeProof| KubeMesh {
        proof: Some(proof.clone()),
        install: install.clone(),
        ..KubeMesh::default()
    };
    let plaintext = prove(&cluster, &layout, &mesh(&proof), &webs, LIMIT).await.unwrap_err().to_string();
    proof.plaintext_refused = false;
    let mut proven = prove(&cluster, &layout, &mesh(&proof), &webs, LIMIT).await.unwrap();
    let nothing = proven.confirm(&cluster, &layout, &pages(1), LIMIT).await.unwrap_err().to_string();
    // As if it had been refused before the load; the first probe's requests are what was answered.
    proven.start = Crossings::default();
    proven.proof = Some(KubeProof { plaintext_refused: true, ..proof.clone() });
    let later = proven.confirm(&cluster, &layout, &pages(2), LIMIT).await;
    let later = later.unwrap_err().to_string();
    proof.identity = Some(identity("spiffe://cluster.local/ns/{namespace}/sa/{account}"));
    let identity = prove(&cluster, &layout, &mesh(&proof), &webs, LIMIT).await.unwrap_err().to_string();
    delete(&cluster, &layout, LIMIT).await.unwrap();
    println!("{plaintext}\n{nothing}\n{later}\n{identity}");
    assert_eq!(proven.proven.verified_identities, 2);
    assert!(plaintext.contains("2 of 2 requests in plaintext"), "{plaintext}");
    assert!(nothing.contains("1 requests were answered but only 0"), "{nothing}");
    assert!(later.contains("after the load, 2 of 2 requests in plaintext"), "{later}");
    assert!(identity.contains("does not name itself"), "{identity}");
}
