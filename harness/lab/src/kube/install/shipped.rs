//! The meshes under `scenarios/meshes/`, as far as they can be checked without a cluster or a network.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rstest::rstest;

use super::manifest::{kind_of, objects_in};
use super::render::namespace_objects;
use crate::mesh::{InstallStep, KubeMesh, LeftOver, MeshCatalog, MeshDefinition};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios/meshes");
/// Editions of some of them for the test cluster, where they run.
const TRIED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/cluster/istio/meshes");

fn shipped() -> Vec<MeshDefinition> {
    let catalog = MeshCatalog::load(Path::new(FOLDER)).unwrap();
    assert_eq!(catalog.misnamed(), &[]);
    catalog.iter().map(|(_, definition)| definition.clone().unwrap()).collect()
}

fn on_kubernetes() -> Vec<(MeshDefinition, KubeMesh)> {
    shipped().into_iter().filter_map(|mesh| mesh.kube.clone().map(|kube| (mesh, kube))).collect()
}

#[test]
fn whoever_chooses_a_mesh_finds_each_in_the_table() {
    let table = std::fs::read_to_string(Path::new(FOLDER).join("README.md")).unwrap();
    for mesh in shipped() {
        assert!(table.contains(&format!("`{}`", mesh.name)), "{} is not in {FOLDER}/README.md", mesh.name);
    }
    assert!(on_kubernetes().len() > 5);
}

#[test]
fn every_file_that_is_named_is_there_and_holds_objects() {
    for (mesh, kube) in on_kubernetes() {
        let objects = |file: &str| {
            let path = mesh.folder.join(file);
            let text =
                std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            objects_in(file, &text, None).unwrap()
        };
        for step in &kube.install {
            match step {
                InstallStep::Manifests(file) if !file.starts_with("https://") => {
                    assert!(!objects(file).is_empty(), "{file}");
                }
                InstallStep::Helm(chart) => {
                    chart
                        .values
                        .iter()
                        .for_each(|values| assert!(mesh.folder.join(values).is_file(), "{values:?}"));
                }
                InstallStep::Command(words) if words[0].starts_with("./") => {
                    assert!(mesh.folder.join(&words[0]).is_file(), "{words:?}");
                }
                InstallStep::Manifests(_) | InstallStep::Kustomize(_) | InstallStep::Command(_) => {}
            }
        }
        // What is for each app's namespace must not name one.
        let enrolling = namespace_objects(&mesh, &kube).unwrap();
        assert!(enrolling.iter().all(|object| object.metadata.namespace.is_none()));
        assert!(enrolling.len() >= kube.enrolment.namespace_manifests.len(), "{}", mesh.name);
    }
}

#[test]
fn what_comes_as_charts_can_be_had_in_other_versions() {
    let mut catalog = MeshCatalog::load(Path::new(FOLDER)).unwrap();
    for (mesh, kube) in on_kubernetes() {
        let is_chart = |step: &InstallStep| matches!(step, InstallStep::Helm(_));
        if kube.install.iter().any(is_chart) {
            let other = mesh.name.at(&"0.1.2".parse().unwrap());
            catalog.add_versions([&other]);
            let other = catalog.get(&other).unwrap().clone().unwrap();
            let steps =
                kube.install.iter().filter(|step| is_chart(step)).map(|step| step.at_version(&other.version));
            assert!(steps.into_iter().all(|step| format!("{step:?}").contains("version: Some(\"0.1.2\")")));
        }
    }
}

#[test]
fn every_istio_refuses_plaintext() {
    let shipped = on_kubernetes();
    for (mesh, kube) in shipped.iter().filter(|(mesh, _)| mesh.name.to_string().starts_with("istio")) {
        let enrolling = namespace_objects(mesh, kube).unwrap();
        let policy = enrolling.iter().find(|object| kind_of(object) == "PeerAuthentication").unwrap();
        assert_eq!(policy.data["spec"]["mtls"]["mode"], "STRICT", "{}", mesh.name);
        assert!(kube.proof.as_ref().unwrap().plaintext_refused, "{}", mesh.name);
    }
}

/// The API server, which counters are read through, is in no mesh; and Linkerd's default holds for its proxies' own port too.
#[test]
fn linkerd_refuses_plaintext_and_lets_counters_be_read() {
    let shipped = on_kubernetes();
    let (mesh, kube) = shipped.iter().find(|(mesh, _)| mesh.name.to_string() == "linkerd-edge").unwrap();
    let default = &kube.enrolment.namespace_annotations["config.linkerd.io/default-inbound-policy"];
    assert_eq!(default, "all-authenticated");
    let enrolling = namespace_objects(mesh, kube).unwrap();
    let server = &enrolling.iter().find(|object| kind_of(object) == "Server").unwrap().data["spec"];
    let is_of_all_pods = server["podSelector"].as_object().is_some_and(serde_json::Map::is_empty);
    assert!(is_of_all_pods, "{server}");
    assert_eq!(server["port"], "linkerd-admin");
    assert_eq!(server["accessPolicy"], "all-unauthenticated");
}

#[rstest]
fn what_is_tried_on_the_test_cluster_is_what_is_shipped(#[values("istio-stock", "istio-tuned")] name: &str) {
    let folder = Path::new(TRIED).join(name);
    let text = std::fs::read_to_string(folder.join("mesh.yaml")).unwrap().replace("CHARTS", "/charts");
    let tried =
        MeshDefinition::parse(name.parse().unwrap(), &folder, "mesh.yaml", &text).unwrap().kube.unwrap();
    let (_, shipped) = on_kubernetes().into_iter().find(|(one, _)| one.name.to_string() == name).unwrap();
    let identity = |kube: &KubeMesh| kube.proof.as_ref().unwrap().identity.clone();
    let leaves = |kube: &KubeMesh| {
        kube.leaves.iter().map(|left_over| format!("{left_over:?}")).collect::<BTreeSet<_>>()
    };
    assert_eq!(leaves(&shipped), leaves(&tried));
    assert_eq!(shipped.enrolment, tried.enrolment);
    assert_eq!(shipped.sidecars, tried.sidecars);
    assert_eq!(identity(&shipped), identity(&tried));
}

#[test]
fn every_istio_of_a_version_leaves_the_same_objects() {
    let shipped = on_kubernetes();
    let istio = shipped.iter().filter(|(mesh, _)| mesh.name.to_string().starts_with("istio"));
    let objects: BTreeSet<_> = istio
        .map(|(_, kube)| kube.leaves.iter().filter(|one| matches!(one, LeftOver::Object { .. })))
        .map(|objects| format!("{:?}", objects.collect::<Vec<_>>()))
        .collect();
    assert_eq!(objects.len(), 1, "{objects:?}");
}

#[test]
fn whoever_installs_a_node_agent_says_what_it_changes() {
    for (mesh, kube) in on_kubernetes() {
        let is_agent = |step: &InstallStep| matches!(step, InstallStep::Helm(chart) if chart.chart == "cni");
        assert_eq!(kube.on_nodes.is_some(), kube.install.iter().any(is_agent), "{}", mesh.name);
    }
}

/// Labels as pods of Istio 1.31 have them.
#[rstest]
#[case::ztunnel("istio-ambient", "istio-system", &[("app", "ztunnel"), ("istio.io/dataplane-mode", "none")], true)]
#[case::node_agent("istio-ambient", "istio-system", &[("k8s-app", "istio-cni-node"), ("app.kubernetes.io/name", "istio-cni")], false)]
#[case::istiod("istio-ambient", "istio-system", &[("app", "istiod"), ("istio", "pilot")], false)]
#[case::waypoint(
    "istio-ambient-waypoint", "app-0",
    &[("gateway.networking.k8s.io/gateway-name", "waypoint"), ("gateway.istio.io/managed", "istio.io-mesh-controller")], true
)]
#[case::ztunnel_beside_waypoints("istio-ambient-waypoint", "istio-system", &[("app", "ztunnel")], true)]
#[case::an_app("istio-ambient-waypoint", "app-0", &[("app", "web")], false)]
fn pods_are_data_plane_or_not(
    #[case] mesh: &str,
    #[case] namespace: &str,
    #[case] labels: &[(&str, &str)],
    #[case] is_data_plane: bool,
) {
    let (_, kube) = on_kubernetes().into_iter().find(|(one, _)| one.name.to_string() == mesh).unwrap();
    let labels: BTreeMap<_, _> = labels.iter().copied().collect();
    let own = |name: &str| kube.namespaces.iter().any(|own| own.name == name);
    let selects = kube.data_plane_pods.iter().any(|selector| {
        let is_there = match &selector.namespace {
            Some(wanted) => wanted == namespace,
            None => !own(namespace),
        };
        is_there
            && selector.labels.iter().all(|(key, value)| labels.get(key.as_str()) == Some(&value.as_str()))
    });
    assert_eq!(selects, is_data_plane);
}
