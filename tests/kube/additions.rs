//! A mesh of which nobody wrote any Rust, and two versions of one.

use std::path::Path;

use meshbench_core::report::CaseReport;
use meshbench_core::resources::Group;
use meshbench_testcluster::istio;

use super::campaigns::{assert_good, small_scenario};
use crate::support::text_of;
use crate::world::World;

/// The mesh that the guide to adding one goes through.
const MESH: &str = "envoy-plain";

/// Its folder is put in place, and it is installed, proven, measured and removed as any other.
pub(crate) fn a_mesh_is_added_by_files_alone() {
    let world = World::new();
    add(&world);
    let (cases, text) = run(&world, &small_scenario(&format!("bare, {MESH}"), "5s", ""));
    assert_eq!(cases.len(), 2, "{text}");
    cases.iter().for_each(|case| assert_good(case, &text));
    let run = &cases.iter().find(|case| case.mesh == MESH).unwrap().runs[0];
    // Each request crosses web's sidecar, and the calls behind it one more each; of nothing else is anything claimed.
    assert_eq!(run.data_path.sidecars, 3, "{text}");
    assert!(run.data_path.inbound_requests > run.successes, "{:?}: {text}", run.data_path);
    assert_eq!((run.data_path.refused_plaintext, run.data_path.verified_identities), (0, 0), "{text}");
    assert!(run.groups[&Group::DataPlane].cpu_ns > 0, "{text}");
}

/// In each block two versions of a mesh run one directly after the other, each installed as that version.
pub(crate) fn two_versions_of_a_mesh_follow_each_other() {
    let world = World::new();
    add(&world);
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
fn run(world: &World, scenario: &str) -> (Vec<CaseReport>, String) {
    world.workshop.scenario("added", scenario);
    let before = world.everything();
    let output = world.meshbench(&["run", "added"]).output().unwrap();
    let text = text_of(&output);
    assert_eq!(world.everything(), before, "{text}");
    (world.workshop.report().cases, text)
}

/// As it is written, but for its images: no registry can be reached from the test cluster.
fn add(world: &World) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kube/meshes").join(MESH);
    world.add_mesh(&folder, MESH, |text| {
        let images = ["docker.io/envoyproxy/envoy:v{version}", "docker.io/istio/proxyv2:1.31.0"];
        images.iter().fold(text, |text, image| text.replace(image, istio::PROXY))
    });
}
