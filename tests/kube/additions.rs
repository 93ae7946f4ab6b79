//! A mesh of which nobody wrote any Rust, and two versions of one.

use std::path::Path;

use meshbench_core::report::{CaseReport, RunReport, StepSeconds};
use meshbench_core::resources::Group;
use meshbench_testcluster::istio;

use super::campaigns::{assert_good, small_scenario};
use crate::support::text_of;
use crate::world::World;

/// The mesh that the guide to adding one goes through.
pub(crate) const MESH: &str = "envoy-plain";

/// Its folder is put in place, and it is installed, proven, measured and removed as any other; here once for two rates.
pub(crate) fn a_mesh_is_added_by_files_alone() {
    let world = World::new();
    add(&world, |text| text);
    let scenario = small_scenario(&format!("bare, {MESH}"), "5s", "  install: per_block\n");
    let (cases, text) = run(&world, &scenario.replace("[100rps]", "[50rps, 100rps]"));
    assert_eq!(cases.len(), 4, "{text}");
    for case in &cases {
        assert_good(case, &text);
        let is_roughly_known = case.remarks.iter().any(|remark| remark.starts_with("CPU of"));
        assert!(is_roughly_known, "kubelets look too rarely to know the CPU of seconds to a tenth: {text}");
    }
    let meshed: Vec<_> = cases.iter().filter(|case| case.mesh == MESH).map(|case| &case.runs[0]).collect();
    meshed.iter().for_each(|run| assert_crossed(run, &text));
    assert_installed_once(&meshed, &world, &text);
}

fn assert_crossed(run: &RunReport, text: &str) {
    // Each request crosses web's sidecar, and the calls behind it one more each; of nothing else is anything claimed.
    assert_eq!(run.data_path.sidecars, 3, "{text}");
    assert!(run.data_path.inbound_requests > run.successes, "{:?}: {text}", run.data_path);
    assert_eq!((run.data_path.refused_plaintext, run.data_path.verified_identities), (0, 0), "{text}");
    assert!(run.groups[&Group::DataPlane].cpu_ns > 0, "{text}");
}

/// One run found the mesh standing, and the other left it so: both have the manifests that it was installed by.
fn assert_installed_once(runs: &[&RunReport], world: &World, text: &str) {
    let steps: Vec<_> = runs.iter().map(|run| run.placement.as_ref().unwrap().steps).collect();
    let count = |took: fn(&StepSeconds) -> f64| steps.iter().filter(|steps| took(steps) > 0.0).count();
    assert_eq!((count(|steps| steps.install), count(|steps| steps.uninstall)), (1, 1), "{steps:?}: {text}");
    assert_eq!((count(|steps| steps.deploy), count(|steps| steps.delete)), (2, 2), "{steps:?}: {text}");
    assert!(steps.iter().all(|steps| (steps.install > 0.0) != (steps.uninstall > 0.0)), "{steps:?}: {text}");
    let manifests = runs.iter().map(|run| {
        let file = world.workshop.campaign().join(&run.folder).join("configuration/01-injector.yaml");
        std::fs::read_to_string(file).unwrap()
    });
    let manifests: Vec<_> = manifests.collect();
    assert!(manifests[0] == manifests[1] && !manifests[0].is_empty(), "{text}");
}

/// In each block two versions of a mesh run one directly after the other, each installed as that version.
pub(crate) fn two_versions_of_a_mesh_follow_each_other() {
    let world = World::new();
    add(&world, |text| text);
    let versions = format!("repeats: 5\ncompare: {{mesh: {MESH}, version: {{old: 1.39.3, new: 1.40.0}}}}\n");
    let scenario = small_scenario(MESH, "1s", "").replace("repeats: 1\n", &versions);
    let (cases, text) = run(&world, &scenario);
    // As it is told while they run: `envoy-plain@1.40.0, block 1 of 5`.
    let order: Vec<&str> =
        text.lines().filter_map(|line| Some(line.trim().split_once(", block ")?.0)).collect();
    assert!(order.len() >= 15 && order.chunks(3).all(|block| block[1] != "bare"), "{order:?}: {text}");
    for version in ["1.39.3", "1.40.0"] {
        let mesh = format!("{MESH}@{version}");
        let case = cases.iter().find(|case| case.mesh == mesh).unwrap_or_else(|| panic!("{mesh}: {text}"));
        assert_eq!(case.mesh_version, version, "{text}");
        assert_eq!(case.comparison.is_some(), version == "1.40.0", "{text}");
        let run = format!("runs/added-100rps-1s-block1-{mesh}/configuration/01-injector.yaml");
        let manifests = std::fs::read_to_string(world.workshop.campaign().join(run)).unwrap();
        assert!(manifests.contains(&format!("app.kubernetes.io/version: \"{version}\"")), "{manifests}");
    }
}

/// What a campaign of one scenario came to, and what it said; nothing is left of it.
pub(crate) fn run(world: &World, scenario: &str) -> (Vec<CaseReport>, String) {
    world.workshop.scenario("added", scenario);
    let before = world.everything();
    let output = world.meshbench(&["run", "added"]).output().unwrap();
    let text = text_of(&output);
    assert_eq!(world.everything(), before, "{text}");
    (world.workshop.report().cases, text)
}

/// As it is written but for a `change`, and its images: no registry can be reached from the test cluster.
pub(crate) fn add(world: &World, change: impl Fn(String) -> String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kube/meshes").join(MESH);
    world.add_mesh(&folder, MESH, |text| {
        let images = ["docker.io/envoyproxy/envoy:v{version}", "docker.io/istio/proxyv2:1.31.0"];
        images.iter().fold(change(text), |text, image| text.replace(image, istio::PROXY))
    });
}
