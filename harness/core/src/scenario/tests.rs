//! The matrix of a valid scenario.

use std::collections::HashSet;

use proptest::prelude::*;
use rstest::rstest;

use super::{Known, MeshName, Scenario, ServicePlacement};
use crate::comparison::{Floors, SmallestChanges, Strictness};

/// A scenario with so many meshes, rates and durations.
fn scenario(meshes: usize, rates: usize, durations: usize) -> Scenario {
    let list =
        |count: usize, entry: &dyn Fn(usize) -> String| (1..=count).map(entry).collect::<Vec<_>>().join(", ");
    let text = format!(
        "description: A matrix.\ntier: full\nprovider: kube\nmeshes: [{}]\nrates: [{}]\ndurations: [{}]\n",
        list(meshes, &|mesh| format!("mesh-{mesh}")),
        list(rates, &|rate| format!("{rate}rps")),
        list(durations, &|seconds| format!("{seconds}s")),
    );
    let meshes: Vec<MeshName> = (1..=meshes).map(|mesh| format!("mesh-{mesh}").parse().unwrap()).collect();
    let known = Known { meshes: &meshes, emoji: &[":flushed:", ":policeman:"] };
    Scenario::parse("matrix.yaml", "matrix", &text, known).unwrap()
}

proptest! {
    #[test]
    fn every_cell_is_one_case_with_a_name_of_its_own(meshes in 1_usize..6, rates in 1_usize..20, durations in 1_usize..70) {
        let cases = scenario(meshes, rates, durations).cases();
        let names: HashSet<String> = cases.iter().map(ToString::to_string).collect();
        prop_assert_eq!(names.len(), meshes * rates * durations);
    }
}

#[test]
fn ten_thousand_cases_are_all_there() {
    assert_eq!(scenario(10, 100, 10).cases().len(), 10_000);
}

#[test]
fn cases_are_named_by_scenario_mesh_rate_and_duration() {
    let names: Vec<String> = scenario(1, 1, 2).cases().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["matrix::mesh-1::1rps::1s", "matrix::mesh-1::1rps::2s"]);
}

#[rstest]
#[case::one("same_node", &["matrix::mesh-1::1rps::1s"])]
#[case::a_list_of_one("[same_node]", &["matrix::mesh-1::1rps::1s"])]
#[case::several(
    "[same_node, across_nodes]",
    &["matrix::mesh-1::1rps::1s::same_node", "matrix::mesh-1::1rps::1s::across_nodes"]
)]
fn several_placements_are_an_axis(#[case] services: &str, #[case] expected: &[&str]) {
    let text = format!(
        "description: A matrix.\ntier: full\nprovider: kube\nmeshes: [mesh-1]\nrates: [1rps]\ndurations: [1s]\n\
         kube: {{services: {services}}}\n"
    );
    let known = Known { meshes: &["mesh-1".parse().unwrap()], emoji: &[":flushed:", ":policeman:"] };
    let scenario = Scenario::parse("matrix.yaml", "matrix", &text, known).unwrap();
    let cases = scenario.cases();
    assert_eq!(cases.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
    let first = cases[0].conditions.services;
    assert_eq!(scenario.kube.services_at(first), ServicePlacement::SameNode);
}

#[test]
fn bare_is_an_arm_even_when_it_is_no_case() {
    let arms: Vec<String> = scenario(2, 1, 1).arms().iter().map(ToString::to_string).collect();
    assert_eq!(arms, ["bare", "mesh-1", "mesh-2"]);
}

#[test]
fn what_is_left_out_has_the_documented_default() {
    let scenario = scenario(1, 1, 1);
    let workload = &scenario.workload;
    assert_eq!(
        (scenario.warm_up.to_string(), scenario.repeats.get(), scenario.seed),
        ("5s".to_owned(), 1, 2019)
    );
    assert_eq!(
        (workload.apps.get(), workload.connections.get(), workload.timeout.to_string()),
        (1, 16, "5s".to_owned())
    );
    assert_eq!(scenario.resources.interval.to_string(), "1s");
    let Strictness { alpha, confirming_blocks, smallest_changes, floors } = scenario.strictness;
    assert_eq!((alpha, confirming_blocks.get()), (0.025, 8));
    assert_eq!(smallest_changes, SmallestChanges { latency: 0.05, cpu: 0.05, memory: 0.1 });
    let [p50_ns, tail_ns, cpu_ns_per_request] = [50e3, 100e3, 2e3];
    assert_eq!(floors, Floors { p50_ns, tail_ns, cpu_ns_per_request, memory_bytes: 5.0 * 1_048_576.0 });
    let paths: Vec<&str> = workload.requests.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(
        paths,
        ["/api/list", "/api/vote?choice=:flushed:", "/api/vote?choice=:policeman:", "/api/leaderboard"]
    );
}

#[test]
fn two_versions_of_a_mesh_take_its_place() {
    let text = "description: An upgrade.\ntier: full\nprovider: kube\nmeshes: [istio, bare, linkerd]\nrates: [1rps]\n\
                durations: [1s]\nrepeats: 8\ncompare: {mesh: istio, version: {old: 1.30, new: 1.31.0}}\n\
                budgets: {overrides: {istio: {p50: {at_most: 1s}}}}\n";
    let meshes: Vec<MeshName> = ["istio", "linkerd"].map(|name| name.parse().unwrap()).into();
    let known = Known { meshes: &meshes, emoji: &[":flushed:", ":policeman:"] };
    let scenario = Scenario::parse("upgrade.yaml", "upgrade", text, known).unwrap();
    let names = |meshes: &[MeshName]| meshes.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&scenario.meshes), ["istio@1.30", "istio@1.31.0", "bare", "linkerd"]);
    assert_eq!(names(&scenario.arms()), ["bare", "istio@1.30", "istio@1.31.0", "linkerd"]);
    let compare = scenario.compare.as_ref().unwrap();
    assert_eq!((compare.old.as_str(), compare.new.as_str()), ("istio@1.30", "istio@1.31.0"));
    assert_eq!(scenario.budgets.limits_for(&compare.new).count(), 1);
    assert_eq!(scenario.cases()[1].to_string(), "upgrade::istio@1.31.0::1rps::1s");
}
